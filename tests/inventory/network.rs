//! What only a real connection shows: callers that go away in the middle of a stream.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;

use straddle::inventory::generated::{v1_1_0 as v1, v2_0_0 as v2};
use straddle::node::Node;
use straddle::transport::{Server, Serving};
use straddle::wire;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic::codec::CompressionEncoding;
use tonic::transport::{Channel, Endpoint};
use tower_service::Service;

use crate::support::*;

type Shutdown = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A server on a port of its own.
struct Served {
    channel: Channel,
    stop: oneshot::Sender<()>,
    serving: tokio::task::JoinHandle<()>,
}

impl Served {
    fn new<S>(service: S) -> Self
    where
        S: Service<http::Request<wire::Body>, Response = http::Response<wire::Body>, Error = Infallible>,
        S: Clone + Send + 'static,
        S::Future: Send + 'static,
    {
        Self::serving(|listener, shutdown| Server::builder().serve(listener, service, shutdown))
    }

    /// A node that serves all versions.
    fn node(node: &Node) -> Self {
        Self::serving(|listener, shutdown| node.serve(listener, shutdown))
    }

    fn serving(serve: impl FnOnce(TcpListener, Shutdown) -> io::Result<Serving>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = Box::pin(async move { stopped.await.unwrap() });
        let served = serve(TcpListener::from_std(listener).unwrap(), shutdown).unwrap();
        let serving = tokio::spawn(async move {
            served.await;
        });
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        Self { channel, stop, serving }
    }

    /// Waits until every call has ended.
    async fn stop(self) {
        drop(self.channel);
        self.stop.send(()).unwrap();
        self.serving.await.unwrap();
    }
}

fn message(request_id: &str, sku: &str) -> v1::ImportItemsRequest {
    v1::ImportItemsRequest { request_id: request_id.into(), item: Some(item1(sku, 1)) }
}

/// An import of two items whose caller goes away before it has ended the stream: it ends when what is returned is dropped.
async fn abandon_an_import(channel: Channel) -> mpsc::Sender<v1::ImportItemsRequest> {
    let (sender, receiver) = mpsc::channel(1);
    let call = tokio::spawn(async move { Client1::new(channel).import_items(ReceiverStream::new(receiver)).await });
    sender.send(message("i", "a")).await.unwrap();
    sender.send(message("", "b")).await.unwrap();
    // Both are on their way when there is room for more.
    drop(sender.reserve().await.unwrap());
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    sender
}

#[tokio::test]
async fn an_import_that_is_cut_off_puts_nothing() {
    let (directory, clock) = (directory(), clock());
    let node = node1(directory.path(), &clock);
    let mut client = Client1::new(node.clone());
    let served = Served::new(node);
    let _open = abandon_an_import(served.channel.clone()).await;
    served.stop().await;
    for sku in ["a", "b"] {
        assert_error(client.get_item(v1::GetItemRequest { sku: sku.into() }).await, Code::NotFound, sku);
    }
}

#[tokio::test]
async fn an_import_that_is_cut_off_before_rules_puts_nothing() {
    let (directory, clock) = (directory(), clock());
    let node = node("2.0.0", directory.path(), &clock);
    let mut client = v2::inventory_client(within(&node));
    let served = Served::node(&node);
    let _open = abandon_an_import(served.channel.clone()).await;
    served.stop().await;
    for sku in ["a", "b"] {
        assert_error(client.get_item(v2::GetItemRequest { sku: sku.into() }).await, Code::NotFound, sku);
    }
}

#[tokio::test]
async fn a_list_is_read_no_faster_than_its_caller_reads() {
    let (directory, clock) = (directory(), clock());
    let node = node("2.0.0", directory.path(), &clock);
    let mut client = v2::inventory_client(within(&node));
    // 8 MiB in 2,048 items, which no buffer on the way has room for.
    let import = (0..2048).map(|n| v2::ImportItemsRequest {
        request_id: if n == 0 { "i".into() } else { String::new() },
        item: Some(v2::Item { description: "x".repeat(4096), ..item2(&format!("{n:04}"), 1) }),
    });
    client.import_items(tokio_stream::iter(import)).await.unwrap();
    let served = Served::node(&node);
    let mut old = v1::inventory_client(served.channel.clone());
    let mut items = old.list_items(v1::ListItemsRequest::default()).await.unwrap().into_inner();
    assert_eq!(items.next().await.unwrap().unwrap().name, "The 0000");
    // What is written now shows, because the end of the list was not read yet.
    let last = v2::UpsertItemRequest { item: Some(item2("2047", 7)), request_id: "2".into() };
    client.upsert_item(last).await.unwrap();
    let stocks: Vec<_> = items.map(|item| item.unwrap().stock).collect().await;
    assert_eq!((stocks.len(), stocks.last()), (2047, Some(&7)));
    drop(old);
    served.stop().await;
}

#[tokio::test]
async fn generated_servers_speak_compressed_without_being_told_to() {
    let (directory, clock) = (directory(), clock());
    let served = Served::new(node2(directory.path(), &clock));
    let item = v2::Item { description: "x".repeat(4096), ..item2("large", 1) };
    let request = v2::UpsertItemRequest { item: Some(item), request_id: "1".into() };
    for encoding in [
        CompressionEncoding::Gzip,
        #[cfg(feature = "zstd")]
        CompressionEncoding::Zstd,
    ] {
        let client = Client2::new(served.channel.clone());
        let mut client = client.send_compressed(encoding).accept_compressed(encoding);
        client.upsert_item(request.clone()).await.unwrap();
        let got = client.get_item(v2::GetItemRequest { sku: "large".into() }).await.unwrap();
        assert_eq!(got.metadata().get("grpc-encoding").unwrap(), encoding.to_string().as_str());
        assert_eq!(got.get_ref().description.len(), 4096);
        let mut items = client.list_items(v2::ListItemsRequest::default()).await.unwrap().into_inner();
        assert_eq!(items.next().await.unwrap().unwrap().description.len(), 4096);
    }
    served.stop().await;
}
