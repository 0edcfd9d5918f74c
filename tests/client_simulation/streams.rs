//! Streams in both directions, through what happens to nodes and connections.

use std::sync::{Arc, Mutex};

use http_body_util::BodyExt;
use straddle::dispatch::Object;
use straddle::inventory::generated::{v1_1_0, v2_0_0};
use straddle::node::Node;
use straddle::refusal::{Reason, Refusal};
use straddle::transport::Channel;
use straddle::wire::Body;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codec::CompressionEncoding;
use tonic::{Code, Status};
use tower::{ServiceExt, service_fn};

use crate::nodes::{MIDDLE, OLD, channel, item, money, node, object, serve_seen, upsert};
use crate::serving::{quick, serve, soon};

/// An address behind which the program is replaced.
struct Place {
    address: String,
    behind: Arc<Mutex<String>>,
    connections: Arc<Mutex<JoinSet<()>>>,
    _accepting: JoinSet<()>,
}

impl Place {
    async fn of(node: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let behind = Arc::new(Mutex::new(node.to_owned()));
        let connections = Arc::<Mutex<JoinSet<()>>>::default();
        let (there, running) = (behind.clone(), connections.clone());
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            while let Ok((mut caller, _)) = listener.accept().await {
                let node = there.lock().expect("no panic").clone();
                running.lock().expect("no panic").spawn(async move {
                    if let Ok(mut node) = TcpStream::connect(node).await {
                        let _ = tokio::io::copy_bidirectional(&mut caller, &mut node).await;
                    }
                });
            }
        });
        Self { address, behind, connections, _accepting: accepting }
    }

    /// All connections are lost, and another program answers.
    fn replace(&self, node: &str) {
        node.clone_into(&mut self.behind.lock().expect("no panic"));
        self.connections.lock().expect("no panic").abort_all();
    }
}

async fn drain(node: &Node) {
    let service = node.service();
    let gate = service.gate();
    gate.shut();
    gate.drain_streams();
    soon(gate.is_empty()).await;
    gate.open();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_watches_sees_every_revision_once_whatever_programs_the_node_is_started_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = object(folder.path());
    let nodes = [node(OLD, state.clone()), node(MIDDLE, state)];
    let (old, old_seen) = serve_seen(&nodes[0]).await;
    let (new, new_seen) = serve_seen(&nodes[1]).await;
    let addresses = [old.address.clone(), new.address.clone()];
    let place = Place::of(&addresses[0]).await;
    let mut writer = v2_0_0::inventory_client(channel(&old));
    let mut watcher = v2_0_0::inventory_client(quick(Channel::owner(&place.address)));
    let stream = watcher.watch_items(v2_0_0::WatchItemsRequest::default()).await.expect("a stream");
    assert_eq!(stream.metadata().get("straddle-simulated").expect("it says so"), "1.1.0");
    let mut events = stream.into_inner();
    for number in 1..=60_u64 {
        let request = upsert(item(&format!("{number}")), &format!("write {number}"));
        writer.upsert_item(request).await.expect("a write");
        let event: v2_0_0::WatchEvent = soon(events.next()).await.expect("it never ends").expect("it goes on");
        let written = event.item.expect("an item");
        assert_eq!((event.revision, written.revision, written.price), (number, number, item("").price));
        match number % 6 {
            2 => drain(&nodes[usize::from(number % 12 > 6)]).await,
            0 => place.replace(&addresses[usize::try_from(number / 6 % 2).expect("small")]),
            4 => place.replace(&addresses[usize::try_from((number + 2) / 6 % 2).expect("small")]),
            _ => {}
        }
    }
    let count = |seen: Vec<(String, http::HeaderMap)>, path: &str, label: &str| {
        seen.iter().filter(|(at, said)| at == path && said["straddle-version"] == label).count()
    };
    let simulated = count(old_seen.take(), "/inventory.v1.Inventory/WatchItems", "1.1.0");
    let native = count(new_seen.take(), "/inventory.v2.Inventory/WatchItems", "2.0.0");
    assert!(simulated > 2 && native > 2, "{simulated} and {native}");
}

/// An object of 1.1.0 whose imports say when a message has come, and count how they end.
struct Importing {
    came: Arc<Notify>,
    done: Arc<Mutex<Vec<bool>>>,
}

#[tonic::async_trait]
impl v1_1_0::inventory_server::Inventory for Importing {
    async fn import_items(
        &self,
        request: tonic::Request<tonic::Streaming<v1_1_0::ImportItemsRequest>>,
    ) -> Result<tonic::Response<v1_1_0::ImportItemsResponse>, Status> {
        let mut items = request.into_inner();
        let mut count = 0;
        loop {
            match items.message().await {
                Ok(Some(_)) => {
                    count += 1;
                    self.came.notify_one();
                }
                end => {
                    self.done.lock().expect("no panic").push(end.is_ok());
                    end?;
                    return Ok(tonic::Response::new(v1_1_0::ImportItemsResponse { count, revision: 1 }));
                }
            }
        }
    }
}

fn import(item: v2_0_0::Item) -> v2_0_0::ImportItemsRequest {
    v2_0_0::ImportItemsRequest { request_id: "import".into(), item: Some(item) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lossy_message_ends_a_streamed_request_and_says_that_what_came_before_may_have_run() {
    let (came, done) = (Arc::new(Notify::new()), Arc::<Mutex<Vec<bool>>>::default());
    let importing = Importing { came: came.clone(), done: done.clone() };
    let object = Object::of(v1_1_0::inventory_server::InventoryServer::new(importing));
    let (served, seen) = serve_seen(&node(OLD, object)).await;
    let mut client = v2_0_0::inventory_client(channel(&served));
    let (items, import_stream) = mpsc::channel(1);
    let call = tokio::spawn(async move { client.import_items(ReceiverStream::new(import_stream)).await });
    for sku in ["a", "b"] {
        items.send(import(item(sku))).await.expect("a reader");
        soon(came.notified()).await;
    }
    let yen = v2_0_0::Item { price: Some(money("JPY", 5)), ..item("yen") };
    items.send(import(yen)).await.expect("a reader");
    let status = soon(call).await.expect("no panic").expect_err("a refusal");
    let refusal = Refusal::from_status(&status).unwrap_or_else(|| panic!("no refusal: {status:?}"));
    assert_eq!((refusal.reason(), refusal.ran(), status.code()), (Reason::Lossy, true, Code::Internal));
    assert_eq!((refusal.path(), refusal.caller_version()), (Some("item.price.currency_code"), Some("2.0.0")));
    assert_eq!(seen.labels(), ["2.0.0", "1.1.0"]);
    // The object may be dropped with its call, or see that its request broke off; it never sees the end of a good one.
    drop(items);
    assert!(!done.lock().expect("no panic").contains(&true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streamed_request_is_sent_again_while_it_is_kept_and_else_only_by_its_caller() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = node(OLD, object(folder.path()));
    // Has the node see something of a request before it is refused.
    let service = node.service();
    let served = serve(service_fn(move |request: http::Request<Body>| {
        let service = service.clone();
        async move {
            if request.headers()["straddle-version"] != "2.0.0" {
                return service.oneshot(request).await;
            }
            let (parts, mut body) = request.into_parts();
            let _ = body.frame().await;
            service.oneshot(http::Request::from_parts(parts, body)).await
        }
    }))
    .await;
    for (limit, kept) in [(1_000_000, true), (10, false)] {
        let name = if kept { "kept" } else { "lost" };
        let mut client = v2_0_0::inventory_client(quick(Channel::owner(&served.address).replay_limit(limit)));
        for again in [false, true] {
            let (items, import_stream) = mpsc::channel(1);
            let mut client = client.clone();
            let call = tokio::spawn(async move { client.import_items(ReceiverStream::new(import_stream)).await });
            let id = format!("{name}-{again}");
            let first = v2_0_0::ImportItemsRequest { request_id: id.clone(), item: Some(item(&id)) };
            items.send(first).await.expect("a reader");
            if kept || again {
                let second =
                    v2_0_0::ImportItemsRequest { request_id: String::new(), item: Some(item(&format!("{id}-b"))) };
                items.send(second).await.expect("a reader");
                drop(items);
                let imported = soon(call).await.expect("no panic").expect("an import").into_inner();
                assert_eq!(imported.count, 2, "{id}");
                continue;
            }
            let status = soon(call).await.expect("no panic").expect_err("a refusal");
            let refusal = Refusal::from_status(&status).unwrap_or_else(|| panic!("no refusal: {status:?}"));
            assert_eq!((refusal.reason(), refusal.ran()), (Reason::UnknownVersion, false));
            assert!(refusal.message().contains("more of it was sent than is kept"), "{refusal}");
        }
        let listed = client.list_items(v2_0_0::ListItemsRequest { sku_prefix: name.to_owned() }).await;
        let listed = listed.expect("a list").into_inner().collect::<Vec<_>>();
        assert_eq!(soon(listed).await.len(), if kept { 4 } else { 2 });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_travels_stays_compressed_both_ways() {
    let folder = tempfile::tempdir().expect("a folder");
    let (served, seen) = serve_seen(&node(OLD, object(folder.path()))).await;
    let client = v2_0_0::inventory_client(channel(&served));
    let mut client = client.send_compressed(CompressionEncoding::Gzip).accept_compressed(CompressionEncoding::Gzip);
    let large = v2_0_0::Item { description: "x".repeat(4096), ..item("large") };
    let written = client.upsert_item(upsert(large.clone(), "1")).await.expect("a write").into_inner();
    assert_eq!(written.item.expect("the item").description, large.description);
    let many = (0..20).map(|number| v2_0_0::ImportItemsRequest {
        request_id: if number == 0 { "many".into() } else { String::new() },
        item: Some(v2_0_0::Item { sku: format!("large-{number}"), ..large.clone() }),
    });
    client.import_items(tokio_stream::iter(many.collect::<Vec<_>>())).await.expect("an import");
    let listed = client.list_items(v2_0_0::ListItemsRequest::default()).await.expect("a list").into_inner();
    let listed: Vec<_> = soon(listed.collect::<Vec<_>>()).await;
    assert_eq!(listed.len(), 21);
    assert!(listed.iter().all(|item| item.as_ref().is_ok_and(|item| item.description == large.description)));
    for (path, said) in seen.take() {
        let said = |name: &str| said.get(name).map_or("", |value| value.to_str().expect("text"));
        assert_eq!(said("grpc-encoding"), "gzip", "{path}");
        assert!(said("grpc-accept-encoding").contains("gzip"), "{path}");
    }
}
