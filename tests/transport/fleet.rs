//! Nodes that stand for each other, and note together what ran.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use straddle::transport::{Backoff, Beside, Channel, ChannelBuilder, Connections, HealthHandle, Limits, Server};
use straddle::wire::{Body, Codec};
use tokio::net::TcpListener;
use tonic::{Request, Response, Status};

use crate::echo::{Client, Echo, Running, soon, start_on};

/// How often each text that was sent to any node of a fleet ran.
pub(crate) type Ran = Arc<Mutex<HashMap<String, usize>>>;

/// A node that can be stopped, killed and started again at its address.
pub(crate) struct Node {
    pub(crate) address: String,
    pub(crate) echo: Echo,
    pub(crate) health: HealthHandle,
    ran: Ran,
    running: Option<Running>,
}

impl Node {
    pub(crate) async fn start(ran: &Ran) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (echo, health) = (Echo::default(), HealthHandle::new());
        let mut node = Self { address, echo, health, ran: ran.clone(), running: None };
        node.listen(listener);
        node
    }

    pub(crate) fn start_again(&mut self) {
        let address: SocketAddr = self.address.parse().unwrap();
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        // Connections of the server before may still be waiting out their time.
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        self.listen(socket.listen(64).unwrap());
    }

    fn listen(&mut self, listener: TcpListener) {
        self.health = HealthHandle::new();
        self.health.set_serving();
        let noting = Noting { echo: self.echo.clone(), ran: self.ran.clone() };
        let server = Server::builder().limits(Limits::default()).health(&self.health);
        self.running = Some(start_on(listener, server, Beside::new(noting).health(&self.health)));
    }

    /// How many calls it was given.
    pub(crate) fn calls(&self) -> usize {
        self.echo.0.ran.load(Ordering::SeqCst)
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.running.as_ref().expect("it runs").connections
    }

    pub(crate) async fn stop(&mut self) {
        let served = self.running.take().expect("it runs").stop().await;
        assert_eq!(served.cut, 0, "calls were cut");
    }

    /// Ends it as a crash does, with all that runs.
    pub(crate) async fn kill(&mut self) {
        let running = self.running.take().expect("it runs");
        running.served.abort();
        assert!(soon(running.served).await.expect_err("it was killed").is_cancelled());
    }
}

pub(crate) async fn fleet<const COUNT: usize>(ran: &Ran) -> [Node; COUNT] {
    let mut nodes = Vec::new();
    for _ in 0..COUNT {
        nodes.push(Node::start(ran).await);
    }
    nodes.try_into().ok().expect("as many")
}

pub(crate) fn addresses(nodes: &[Node]) -> Vec<String> {
    nodes.iter().map(|node| node.address.clone()).collect()
}

pub(crate) fn quick(builder: ChannelBuilder, seed: u64) -> Client<Channel> {
    let backoff = Backoff { base: Duration::from_millis(2), cap: Duration::from_millis(20), ..Backoff::default() };
    Client(builder.backoff(backoff).attempts_per_second(100_000).seed(seed).build().unwrap())
}

/// No two texts that warm nodes up are the same.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// Calls until each of these nodes was given one.
pub(crate) async fn until_all_are_called(client: &Client<Channel>, nodes: &[&Node]) {
    let before: Vec<usize> = nodes.iter().map(|node| node.calls()).collect();
    let called = async {
        while nodes.iter().zip(&before).any(|(node, before)| node.calls() == *before) {
            let text = format!("warm {}", NUMBER.fetch_add(1, Ordering::SeqCst));
            assert_eq!(client.unary(&text).await.unwrap(), text);
        }
    };
    soon(called).await;
}

/// Calls until none of so many calls in a row goes to this node.
pub(crate) async fn until_it_is_left_alone(client: &Client<Channel>, node: &Node) {
    let left = async {
        loop {
            let before = node.calls();
            for number in 0..20 {
                client.unary(&format!("elsewhere {number}")).await.unwrap();
            }
            if node.calls() == before {
                return;
            }
        }
    };
    soon(left).await;
}

/// An [`Echo`] that notes what it was told.
#[derive(Clone)]
struct Noting {
    echo: Echo,
    ran: Ran,
}

impl tonic::server::UnaryService<String> for Noting {
    type Response = String;
    type Future = Pin<Box<dyn Future<Output = Result<Response<String>, Status>> + Send>>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        *self.ran.lock().unwrap().entry(request.get_ref().clone()).or_default() += 1;
        let answer = tonic::server::UnaryService::call(&mut self.echo, request);
        Box::pin(async {
            // So that calls are under way when something happens to the node.
            tokio::task::yield_now().await;
            answer.await
        })
    }
}

impl tower_service::Service<http::Request<Body>> for Noting {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let noting = self.clone();
        Box::pin(async move {
            let mut grpc = straddle::wire::Grpc::new(Codec::<String, String>::default());
            Ok(grpc.unary(noting, request).await)
        })
    }
}
