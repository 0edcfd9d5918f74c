//! The admin service of a node: what it does, and being told what to do, from outside of its program.
//!
//! The service is `straddle.v1.Node`, as `proto/straddle/v1/node.proto` tells it for writers of clients; `straddle node` is
//! one. It has an address of its own, with health and reflection, apart from that of callers.
//!
//! ```no_run
//! # async fn example(node: straddle::node::Node) -> std::io::Result<()> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:7001").await?;
//! let shutdown = async { std::future::pending().await };
//! let admin = node.serve_admin(listener, shutdown)?;
//! tokio::spawn(admin);
//! # Ok(()) }
//! ```
//!
//! **Nobody is authenticated yet.** Whoever reaches the address can move the node; on a loopback address that is everybody
//! who has a process on the machine. What the node learns is another matter: it takes bundles only from those whose keys it
//! was [built to trust](super::Builder::trust).
//!
//! What the service does is one call of the node's own methods each; it adds nothing of its own but the way there. A move
//! goes on whatever becomes of the call that began it.

mod failure;
mod follow;
mod receive;
mod service;
mod told;
/// Messages, server and client, generated from `proto/straddle`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    rustdoc::all,
    reason = "written by the generators of prost and tonic, which do not know our lints"
)]
#[rustfmt::skip]
#[path = "admin/generated/straddle.v1.rs"]
pub(crate) mod wire;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_service::Service;

pub(crate) use self::failure::ADVICE;
#[cfg(feature = "cli")]
pub(crate) use self::failure::{Reason, SAFE, status as failure};
#[cfg(feature = "cli")]
pub(crate) use self::follow::unsent;
#[cfg(feature = "cli")]
pub(crate) use self::receive::{Bundles, parts};

pub(super) use self::failure::in_words;
use self::service::Admin;
pub(super) use self::service::remove_empty;
use self::wire::node_server::{self, NodeServer};
use super::Node;
use crate::metrics::Page;
use crate::transport::{Beside, HealthHandle, Limits, Reflection, Server, Serving};
use crate::wire::Body;

const SERVICE: &str = "straddle.v1.Node";
/// The service has one version.
const LABEL: &str = "1.0.0";
const DESCRIPTORS: &[u8] = include_bytes!("admin/generated/straddle.v1.binpb");
/// Most connections, and calls on each, of those who look after a node.
const CONNECTIONS: usize = 64;
const CALLS: u32 = 64;

impl Node {
    /// Serves the [admin service](crate::node::admin) to whoever connects to `listener`, with health and reflection, until
    /// `shutdown` completes. Then those who listen are told, and moves go on.
    ///
    /// # Errors
    /// When the listener's address is no loopback address (see
    /// [`serve_admin_beyond_loopback`](Self::serve_admin_beyond_loopback)), or there is none.
    pub fn serve_admin(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<Serving> {
        require_loopback(listener.local_addr()?)?;
        self.serve_admin_beyond_loopback(listener, shutdown)
    }

    /// As [`serve_admin`](Self::serve_admin), on any address. Nobody is authenticated: whoever reaches the address can move
    /// the node. So something in front of it has to keep others out.
    ///
    /// # Errors
    /// When the listener has no local address.
    pub fn serve_admin_beyond_loopback(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<Serving> {
        let (stop, stopping) = watch::channel(false);
        self.dispatch().count_calls();
        let node = self.clone();
        let page = Page::new(move || std::future::ready(Ok(node.metrics())));
        serve(Admin::new(self.clone(), stopping), page, listener, async move {
            shutdown.await;
            // Whoever watches would hold the end up.
            let _ = stop.send(true);
        })
    }
}

/// Serves an admin service, with health and reflection, and `GET /metrics`.
pub(crate) fn serve<S: node_server::Node>(
    admin: S,
    metrics: Page,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<Serving> {
    let reflection = Reflection::new([(LABEL, DESCRIPTORS)], LABEL).map_err(io::Error::other)?;
    let health = HealthHandle::new();
    health.set_service(SERVICE, true);
    health.set_serving();
    let service = Beside::new(Wire(NodeServer::new(admin))).health(&health).reflection(reflection);
    let limits = Limits { max_connections: CONNECTIONS, max_concurrent_streams: CALLS, ..Limits::default() };
    Server::builder().limits(limits).health(&health).metrics(metrics).serve(listener, service, shutdown)
}

/// That only processes of this machine reach the admin service at this address.
pub(crate) fn require_loopback(address: SocketAddr) -> io::Result<()> {
    if is_loopback(address) {
        return Ok(());
    }
    let what = format!(
        "{address} is no loopback address, and whoever reaches the admin service can move the node: nobody is \
         authenticated\n  help: listen on 127.0.0.1 or [::1]"
    );
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

/// Whether only processes of this machine reach it. An IPv4 address may be written as one of IPv6.
fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// The generated server, with our bodies.
struct Wire<S>(NodeServer<S>);

impl<S> Clone for Wire<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: node_server::Node> Service<Request<Body>> for Wire<S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answer = self.0.call(request);
        Box::pin(async move { Ok(answer.await?.map(Body::from)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_this_machine_alone_reaches_is_loopback() {
        for (address, expected) in [
            ("127.0.0.1:1", true),
            ("127.8.9.10:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("192.168.1.1:1", false),
            ("[::ffff:10.0.0.1]:1", false),
        ] {
            assert_eq!(is_loopback(address.parse().unwrap()), expected, "{address}");
        }
    }
}
