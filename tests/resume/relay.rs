//! Something between a caller and a node that can lose connections.

use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// Passes on what comes to its address, until the connections are killed.
pub(crate) struct Relay {
    pub(crate) address: String,
    connections: Arc<Mutex<Vec<AbortHandle>>>,
    _accepting: JoinSet<()>,
}

impl Relay {
    pub(crate) async fn to(node: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let connections = Arc::<Mutex<Vec<AbortHandle>>>::default();
        let known = connections.clone();
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut running = JoinSet::new();
            while let Ok((mut caller, _)) = listener.accept().await {
                let node = node.clone();
                let connection = running.spawn(async move {
                    if let Ok(mut node) = TcpStream::connect(node).await {
                        // Either side may go away at any time.
                        let _ = tokio::io::copy_bidirectional(&mut caller, &mut node).await;
                    }
                });
                known.lock().expect("no panic").push(connection);
            }
        });
        Self { address, connections, _accepting: accepting }
    }

    /// Loses all connections, in the middle of whatever they carry.
    pub(crate) fn kill(&self) {
        self.connections.lock().expect("no panic").drain(..).for_each(|connection| connection.abort());
    }
}
