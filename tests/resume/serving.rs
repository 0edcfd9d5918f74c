//! Services on ports of their own, and channels to them.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use straddle::transport::{Backoff, Channel, ChannelBuilder, Connections, Server};
use straddle::wire::Body;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What `wait` waits for, which must not take long.
pub(crate) async fn soon<T>(wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("what was waited for did not come")
}

/// A service that runs until this is dropped.
pub(crate) struct Served {
    pub(crate) address: String,
    pub(crate) connections: Connections,
    _serving: JoinSet<()>,
}

pub(crate) async fn serve<S>(service: S) -> Served
where
    S: tower_service::Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let serving = Server::builder().serve(listener, service, std::future::pending()).expect("a listener");
    let (address, connections) = (serving.local_addr().to_string(), serving.connections());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        serving.await;
    });
    Served { address, connections, _serving: tasks }
}

/// A channel that waits for no longer than tests like.
pub(crate) fn quick(builder: ChannelBuilder) -> Channel {
    let backoff = Backoff { base: Duration::from_millis(2), cap: Duration::from_millis(20), ..Backoff::default() };
    builder.backoff(backoff).attempts_per_second(100_000).seed(1).build().expect("an address")
}
