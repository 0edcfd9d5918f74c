//! A node that goes to another version in the middle of calls of all four kinds.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use straddle::inventory::clock::{Clock, SystemClock};
use straddle::inventory::generated::{v1_1_0, v2_0_0};
use straddle::inventory::inventory_node_from;
use straddle::node::Node;
use straddle::state::Mode;
use straddle::transport::{Channel, Labelled};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Endpoint;
use tonic::{Code, Status};

use crate::serving::{quick, serve, soon};

type Client<S> = v2_0_0::inventory_client::InventoryClient<S>;

/// A node of 2.0.0 that waits no longer than it has to.
async fn node(state: &Path) -> Node {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let node = inventory_node_from("2.0.0", state, &clock, Mode::Eager).expect("a node");
    let brief = Duration::from_millis(50);
    node.stream_limit(brief).stream_grace(brief).start().await.unwrap_or_else(|error| panic!("{error}"))
}

async fn write(client: &mut Client<Labelled<Channel>>, sku: &str) -> Result<u64, Status> {
    let item = v2_0_0::Item { sku: sku.to_owned(), name: sku.to_owned(), ..v2_0_0::Item::default() };
    let request = v2_0_0::UpsertItemRequest { item: Some(item), request_id: sku.to_owned() };
    Ok(client.upsert_item(request).await?.into_inner().item.expect("the item").revision)
}

fn imported(number: u64) -> v2_0_0::ImportItemsRequest {
    let item = v2_0_0::Item { sku: format!("imported {number}"), name: "new".into(), ..v2_0_0::Item::default() };
    let request_id = if number == 0 { "import".to_owned() } else { String::new() };
    v2_0_0::ImportItemsRequest { request_id, item: Some(item) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_can_go_on_does_and_what_cannot_ends_unavailable_and_each_is_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = node(folder.path()).await;
    let served = serve(node.service()).await;
    let channel = quick(Channel::owner(&served.address));
    let mut client = v2_0_0::inventory_client(channel.clone());
    let first = write(&mut client, "first").await.expect("a write");

    // Watches that go on, of two versions.
    let mut watch = client.watch_items(v2_0_0::WatchItemsRequest::default()).await.expect("a stream").into_inner();
    let mut older = v1_1_0::inventory_client(channel.clone());
    let mut older = older.watch_items(v1_1_0::WatchItemsRequest::default()).await.expect("a stream").into_inner();
    assert_eq!(soon(watch.next()).await.expect("an event").expect("no error").revision, first);
    assert_eq!(soon(older.next()).await.expect("an event").expect("no error").revision, first);
    // One whose channel does not know how.
    let theirs = Endpoint::from_shared(format!("http://{}", served.address)).expect("a URI").connect_lazy();
    let mut theirs = v2_0_0::inventory_client(theirs);
    let mut theirs = theirs.watch_items(v2_0_0::WatchItemsRequest::default()).await.expect("a stream").into_inner();
    assert!(soon(theirs.next()).await.expect("an event").is_ok());
    // Both ways at once, and from the caller alone: nobody could say where they would go on.
    let (ask, asked) = mpsc::channel(1);
    ask.send(v2_0_0::LookupItemsRequest { sku: "first".into() }).await.expect("a reader");
    let mut answers = client.lookup_items(ReceiverStream::new(asked)).await.expect("a stream").into_inner();
    assert!(soon(answers.next()).await.expect("an answer").is_ok());
    let (put, puts) = mpsc::channel(1);
    let mut importer = client.clone();
    let importing = tokio::spawn(async move { importer.import_items(ReceiverStream::new(puts)).await });
    put.send(imported(0)).await.expect("a reader");
    // It has been taken when there is room for another one.
    put.send(imported(1)).await.expect("a reader");
    soon(async {
        while node.status().calls.0 < 5 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // And one call after the other.
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let mut writer = client.clone();
    let writing = tokio::spawn(async move {
        let mut written = Vec::new();
        while !*stopped.borrow_and_update() {
            written.push(write(&mut writer, &format!("item {}", written.len())).await.expect("no write fails"));
        }
        written
    });

    let moved = node.upgrade(&"3.0.0".parse().expect("a version")).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((moved.streams_drained, moved.streams_cut), (2, 3), "{moved:?}");
    stop.send(true).expect("a writer");
    let mut written = vec![first];
    written.extend(soon(writing).await.expect("no panic"));
    written.push(write(&mut client, "last").await.expect("a write"));

    for revision in &written[1..] {
        assert_eq!(soon(watch.next()).await.expect("an event").expect("it goes on").revision, *revision);
        assert_eq!(soon(older.next()).await.expect("an event").expect("it goes on").revision, *revision);
    }
    let unavailable = |status: Status| assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    unavailable(loop {
        // What was written before it was cut it may have seen.
        match soon(theirs.next()).await.expect("an end") {
            Ok(_) => {}
            Err(status) => break status,
        }
    });
    unavailable(soon(answers.next()).await.expect("an end").expect_err("it is cut"));
    unavailable(soon(importing).await.expect("no panic").expect_err("it is cut"));
    let get = v2_0_0::GetItemRequest { sku: "imported 0".into() };
    let gone = client.get_item(get.clone()).await.expect_err("an import that is cut puts nothing");
    assert_eq!(gone.code(), Code::NotFound);
    client.import_items(tokio_stream::iter([imported(0), imported(1)])).await.expect("the same again, as a whole");
    client.get_item(get).await.expect("the item");
    drop((ask, put));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_streams_of_one_channel_go_on_together() {
    const MANY: usize = 1_000;
    let folder = tempfile::tempdir().expect("a folder");
    let node = node(folder.path()).await;
    let gate = node.service().gate().clone();
    let served = serve(node.service()).await;
    let channel = Channel::owner(&served.address).build().expect("a channel");
    let mut client = v2_0_0::inventory_client(channel);
    let first = write(&mut client, "first").await.expect("a write");
    let mut watching = JoinSet::new();
    let (seen_first, mut all) = mpsc::channel(MANY);
    for _ in 0..MANY {
        let (mut client, seen_first) = (client.clone(), seen_first.clone());
        watching.spawn(async move {
            let request = v2_0_0::WatchItemsRequest::default();
            let mut events = client.watch_items(request).await.expect("a stream").into_inner();
            let mut next = async || events.next().await.expect("an event").expect("it goes on").revision;
            let first = next().await;
            seen_first.send(()).await.expect("a reader");
            [first, next().await]
        });
    }
    for _ in 0..MANY {
        soon(all.recv()).await.expect("a watcher");
    }
    gate.shut();
    gate.drain_streams();
    soon(gate.is_empty()).await;
    gate.open();
    let began = Instant::now();
    let second = write(&mut client, "second").await.expect("a write");
    while let Some(seen) = soon(watching.join_next()).await {
        assert_eq!(seen.expect("no panic"), [first, second]);
    }
    println!("{MANY} streams went on within {:?}", began.elapsed());
    assert_eq!(usize::try_from(gate.ended_streams().drained).expect("some"), MANY);
    drop(client);
    node.stop().await;
}
