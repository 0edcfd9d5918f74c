//! Watching the inventory: every revision once and in order, whatever happens to the node and to connections.

use std::sync::Arc;

use straddle::dispatch::Gate;
use straddle::inventory::clock::{Clock, SystemClock};
use straddle::inventory::generated::{v1_1_0, v2_0_0, v3_0_0};
use straddle::inventory::open_node;
use straddle::node::Node;
use straddle::transport::{Channel, Labelled};
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic::transport::Endpoint;

use crate::relay::Relay;
use crate::seed::{rounds, seed_or};
use crate::serving::{quick, serve, soon};

pub(crate) fn node(version: &str, folder: &tempfile::TempDir) -> Node {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    open_node(version, folder.path(), &clock).expect("a node")
}

fn channel(address: &str) -> Channel {
    quick(Channel::owner(address))
}

/// Writes an item that was not there; gives its revision.
pub(crate) async fn write(
    client: &mut v2_0_0::inventory_client::InventoryClient<Labelled<Channel>>,
    number: u64,
) -> u64 {
    let request = v2_0_0::UpsertItemRequest { item: Some(item(number)), request_id: format!("write {number}") };
    let written = client.upsert_item(request).await.expect("a write").into_inner();
    written.item.expect("the item").revision
}

fn item(number: u64) -> v2_0_0::Item {
    v2_0_0::Item {
        sku: format!("{number:06}"),
        name: format!("Number {number}"),
        price: Some(v2_0_0::Money { currency_code: "USD".into(), units: 1, nanos: 0 }),
        description: if number.is_multiple_of(2) { "x".repeat(4_000) } else { String::new() },
        ..v2_0_0::Item::default()
    }
}

/// Watches through `$module`'s client from behind a revision until `last`; gives all that was seen.
macro_rules! watcher {
    ($module:ident, $address:expr, $after:expr, $last:expr) => {{
        let mut client = $module::inventory_client(channel($address));
        let (after_revision, mut last) = ($after, $last);
        let watching: JoinHandle<Vec<u64>> = tokio::spawn(async move {
            let request = $module::WatchItemsRequest { after_revision };
            let mut events = client.watch_items(request).await.expect("a stream").into_inner();
            let mut seen = Vec::new();
            loop {
                let event: $module::WatchEvent = events.next().await.expect("it never ends").expect("it goes on");
                assert_eq!(event.item.expect("an item").revision, event.revision);
                seen.push(event.revision);
                if last.borrow_and_update().is_some_and(|last| event.revision >= last) {
                    return seen;
                }
            }
        });
        watching
    }};
}

pub(crate) async fn drain(gate: &Gate) {
    gate.shut();
    gate.drain_streams();
    soon(gate.is_empty()).await;
    gate.open();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_revision_is_seen_once_and_in_order_by_callers_of_every_version() {
    let mut random = fastrand::Rng::with_seed(seed_or(11));
    for version in ["2.0.0", "3.0.0"] {
        let folder = tempfile::tempdir().expect("a folder");
        let node = node(version, &folder);
        let gate = node.service().gate().clone();
        let served = serve(node.service()).await;
        let relay = Relay::to(served.address.clone()).await;
        let mut writer = v2_0_0::inventory_client(channel(&served.address));
        let mut revisions = Vec::new();
        for number in 0..10 {
            revisions.push(write(&mut writer, number).await);
        }
        let begin = revisions[4];
        let (tell, last) = tokio::sync::watch::channel(None);
        let watching = [
            ("1.1.0 from the beginning", 0, watcher!(v1_1_0, &relay.address, 0, last.clone())),
            ("2.0.0 from the beginning", 0, watcher!(v2_0_0, &relay.address, 0, last.clone())),
            ("3.0.0 from the beginning", 0, watcher!(v3_0_0, &relay.address, 0, last.clone())),
            ("1.1.0 from where it says", begin, watcher!(v1_1_0, &relay.address, begin, last.clone())),
        ];
        let (mut drained, mut killed) = (0, 0);
        for number in 10..10 + rounds(300) as u64 {
            revisions.push(write(&mut writer, number).await);
            match random.u8(..16) {
                0 => {
                    drain(&gate).await;
                    drained += 1;
                }
                1 => {
                    relay.kill();
                    killed += 1;
                }
                _ => {}
            }
        }
        // All watchers are there by now, or still on their way back; the last writes are for them.
        drain(&gate).await;
        revisions.push(write(&mut writer, 1_000_000).await);
        tell.send(revisions.last().copied()).expect("watchers");
        revisions.push(write(&mut writer, 1_000_001).await);
        for (who, after, watching) in watching {
            let seen = soon(watching).await.expect("no panic");
            let expected: Vec<u64> = revisions.iter().copied().filter(|revision| *revision > after).collect();
            assert_eq!(seen, expected[..seen.len()], "{who} on {version}");
            assert!(seen.len() >= expected.len() - 1, "{who} on {version}: {} of {}", seen.len(), expected.len());
        }
        let ended = gate.ended_streams();
        println!("{version}: drained {drained} times, {} streams; connections killed {killed} times", ended.drained);
        assert!(drained > 5 && killed > 5 && ended.drained > 0, "{ended:?}");
        assert_eq!(ended.cut, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_stream_waits_at_the_gate_and_goes_on_when_it_opens() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = node("2.0.0", &folder);
    let gate = node.service().gate().clone();
    let served = serve(node.service()).await;
    let mut client = v2_0_0::inventory_client(channel(&served.address));
    let first = write(&mut client, 1).await;
    let mut events = client.watch_items(v2_0_0::WatchItemsRequest::default()).await.expect("a stream").into_inner();
    assert_eq!(soon(events.next()).await.expect("an event").expect("no error").revision, first);
    gate.shut();
    gate.drain_streams();
    soon(gate.is_empty()).await;
    // The caller reads on: only now does it see that the stream was drained.
    let next = tokio::spawn(async move { events.next().await });
    soon(async {
        while gate.waiting() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    gate.open();
    let second = write(&mut client, 2).await;
    let event = soon(next).await.expect("no panic").expect("an event").expect("no error");
    assert_eq!(event.revision, second);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_not_said_that_it_goes_on_is_cut_and_never_drained() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = node("2.0.0", &folder);
    let gate = node.service().gate().clone();
    let served = serve(node.service()).await;
    let mut writer = v2_0_0::inventory_client(channel(&served.address));
    write(&mut writer, 1).await;
    // One over a channel that is not ours; one of a method that nobody declares resumable.
    let theirs = Endpoint::from_shared(format!("http://{}", served.address)).expect("a URI").connect_lazy();
    let mut theirs = v2_0_0::inventory_client(theirs);
    let mut events = theirs.watch_items(v2_0_0::WatchItemsRequest::default()).await.expect("a stream").into_inner();
    assert!(soon(events.next()).await.expect("an event").is_ok());
    let (ask, asked) = tokio::sync::mpsc::channel(1);
    let question = |number: u64| v2_0_0::LookupItemsRequest { sku: format!("{number:06}") };
    ask.send(question(1)).await.expect("a reader");
    let mut answers = writer.lookup_items(ReceiverStream::new(asked)).await.expect("a stream").into_inner();
    assert!(soon(answers.next()).await.expect("an answer").is_ok());

    gate.drain_streams();
    write(&mut writer, 2).await;
    assert!(soon(events.next()).await.expect("an event").is_ok());
    ask.send(question(2)).await.expect("a reader");
    assert!(soon(answers.next()).await.expect("an answer").is_ok());
    assert_eq!((gate.inside(), gate.ended_streams().drained), (2, 0));

    gate.cut_streams();
    let cut = [
        soon(events.next()).await.expect("an end").expect_err("it is cut"),
        soon(answers.next()).await.expect("an end").expect_err("it is cut"),
    ];
    assert_eq!(cut.map(|status| status.code()), [Code::Unavailable; 2]);
    assert_eq!((gate.ended_streams().drained, gate.ended_streams().cut), (0, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stands_still_keeps_nobody_from_changing_the_node() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = node("2.0.0", &folder);
    let gate = node.service().gate().clone();
    let served = serve(node.service()).await;
    let mut client = v2_0_0::inventory_client(channel(&served.address));
    // 8 MB, of which nobody reads more than what fits into windows.
    let import = (0..2_000).map(|number| v2_0_0::ImportItemsRequest {
        request_id: if number == 0 { "import".into() } else { String::new() },
        item: Some(item(2 * number)),
    });
    client.import_items(tokio_stream::iter(import)).await.expect("an import");
    let mut events = client.watch_items(v2_0_0::WatchItemsRequest::default()).await.expect("a stream").into_inner();
    let first = soon(events.next()).await.expect("an event").expect("no error").revision;
    gate.shut();
    gate.drain_streams();
    soon(gate.is_empty()).await;
    gate.open();
    assert_eq!(gate.ended_streams().drained, 1);
    for revision in first + 1..first + 2_000 {
        assert_eq!(soon(events.next()).await.expect("an event").expect("no error").revision, revision);
    }
}
