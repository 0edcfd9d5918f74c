//! A plain tonic server that is stopped and started again, as a deployment without any help does.

use std::net::SocketAddr;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

use super::probe::{Call, Felt, watch};
use crate::pause::Node;
use crate::records::text;

/// What callers felt.
pub(super) async fn replaced() -> Result<Felt, String> {
    let mut first = start("127.0.0.1:0")?;
    let [address] = first.hear("ready").await?;
    let parsed: SocketAddr = address.parse().map_err(text)?;
    let message = Some(Bytes::from_static(&[0; 5]));
    let call = Call { address: parsed, path: "/grpc.health.v1.Health/Check", message };
    let mut second = None;
    let felt = watch(call, async {
        first.stop().await?;
        let mut node = start(&address)?;
        let [_] = node.hear("ready").await?;
        second = Some(node);
        Ok(())
    })
    .await?;
    if let Some(second) = second {
        second.stop().await?;
    }
    Ok(felt)
}

fn start(address: &str) -> Result<Node, String> {
    Node::run(&["--plain".as_ref(), address.as_ref()])
}

/// Says `ready ADDRESS`; ends, once running calls have, when nobody listens any more.
pub(crate) fn run(address: &str) -> Result<(), String> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(text)?.block_on(async {
        let listener = TcpListener::bind(address).await.map_err(text)?;
        crate::pause::node::tell(&format!("ready {}", listener.local_addr().map_err(text)?))?;
        let (_reporter, health) = tonic_health::server::health_reporter();
        let mut told = crate::pause::node::told();
        Server::builder()
            .add_service(health)
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), async {
                while told.recv().await.is_some() {}
            })
            .await
            .map_err(text)
    })
}
