//! Nodes for the tests: served, with their addresses.

use std::path::Path;
use std::sync::Arc;

use straddle::inventory::clock::{Clock, SystemClock};
use straddle::inventory::inventory_node;
use straddle::node::{Builder, Coordinated, Node};
use straddle::transport::{Channel, Served};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::coordinator::Coordinator;
use crate::shop::{Seen, folder_of, key, object};

pub(crate) struct ServedNode {
    pub(crate) node: Node,
    pub(crate) address: String,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Served>,
}

impl ServedNode {
    pub(crate) async fn serve(node: Node) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (stop, stops) = oneshot::channel::<()>();
        let serving = node.serve(listener, async move { drop(stops.await) }).expect("a server");
        let address = serving.local_addr().to_string();
        Self { node, address, stop, serving: tokio::spawn(serving) }
    }

    pub(crate) fn channel(&self) -> Channel {
        Channel::owner(&self.address).build().expect("a channel")
    }

    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.serving.await.expect("no panic");
    }
}

pub(crate) fn by(coordinator: &Coordinator) -> Coordinated {
    Coordinated::by(&coordinator.url).name("a-1").label("zone", "a")
}

/// A node of 2.0.0 of the shop without a state, that knows nothing else.
pub(crate) fn shop(coordinator: &Coordinator) -> Builder {
    let builder = Node::builder(folder_of(&["2.0.0"])).object("2.0.0", object(&Seen::default()));
    builder.trust(key().public()).coordinated(by(coordinator))
}

pub(crate) fn built(builder: Builder) -> Node {
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

/// A node of the inventory, that begins at 1.1.0.
pub(crate) async fn inventory(coordinator: &Coordinator, state: &Path) -> Node {
    inventory_of(by(coordinator), state).await
}

pub(crate) async fn inventory_of(coordinated: Coordinated, state: &Path) -> Node {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let builder = inventory_node(state, &clock).coordinated(coordinated);
    builder.start().await.unwrap_or_else(|error| panic!("{error}"))
}
