//! Which label a call goes by: each node is asked in what it knows, and asked again when that may have changed.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Request;
use straddle::bundle::{Bundle, SecretKey};
use straddle::inventory::generated::v2_0_0;
use straddle::node::Node;
use straddle::transport::{Balance, Channel};
use straddle::wire::Body;
use tonic::Code;
use tower::{ServiceExt, service_fn};

use crate::nodes::{MIDDLE, OLD, Seen, channel, get, item, node, object, serve_seen, upsert};
use crate::older::inventory_of;
use crate::serving::{Served, quick, serve, soon};

type Client = v2_0_0::inventory_client::InventoryClient<straddle::transport::Labelled<Channel>>;

/// Calls, and gives back whether the answer was simulated on this side.
async fn simulated(client: &mut Client) -> bool {
    let status = soon(client.get_item(get("nothing"))).await.expect_err("it is not there");
    assert_eq!(status.code(), Code::NotFound, "{status:?}");
    status.metadata().contains_key("straddle-simulated")
}

/// A node of 1.1.0 that trusts a key, and the signed step to 2.0.0.
fn learner() -> (Node, Vec<u8>, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let key = SecretKey::generate().expect("a key");
    let builder = Node::builder(inventory_of(OLD)).object("1.1.0", object(folder.path())).trust(key.public());
    let node = builder.build().unwrap_or_else(|error| panic!("{error}"));
    let version = |text: &str| text.parse().expect("a version");
    let protocol = straddle::inventory::generated::protocol();
    let step = Bundle::of_step(&protocol, &version("1.1.0"), &version("2.0.0")).expect("a bundle");
    (node, step.signed(&key).to_bytes().to_vec(), folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_and_new_nodes_behind_one_channel_are_each_called_in_what_they_know() {
    for balance in [Balance::RoundRobin, Balance::LeastLoaded] {
        let folder = tempfile::tempdir().expect("a folder");
        // Two programs in front of one state.
        let state = object(folder.path());
        let old = serve_seen(&node(OLD, state.clone())).await;
        let new = serve_seen(&node(MIDDLE, state)).await;
        let addresses = [&old, &new].map(|(served, _): &(Served, Seen)| served.address.clone());
        let mut client =
            v2_0_0::inventory_client(quick(Channel::spread(addresses).balance(balance).watch_health(false)));
        let (mut here, mut there) = (0, 0);
        for number in 0..40 {
            let request = upsert(item(&format!("{number}")), &format!("write {number}"));
            let answer = soon(client.upsert_item(request)).await.expect("a write");
            *if answer.metadata().contains_key("straddle-simulated") { &mut here } else { &mut there } += 1;
            let written = answer.into_inner().item.expect("the item");
            assert_eq!((written.price, written.revision), (item("").price, number + 1));
        }
        assert!(here > 0 && there > 0, "{balance:?}: {here} here, {there} there");
        let (old, new) = (old.1.labels(), new.1.labels());
        assert_eq!(old.iter().filter(|label| *label == "2.0.0").count(), 1, "{old:?}");
        assert_eq!(old.len(), here + 1, "{old:?}");
        assert!(new.len() == there && new.iter().all(|label| label == "2.0.0"), "{new:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_of_a_newer_version_still_goes_by_the_newest_that_the_node_serves() {
    let folder = tempfile::tempdir().expect("a folder");
    let (served, seen) = serve_seen(&node(MIDDLE, object(folder.path()))).await;
    let mut client = straddle::inventory::generated::v3_0_0::inventory_client(channel(&served));
    let request = straddle::inventory::generated::v3_0_0::GetItemRequest { sku: "nothing".into() };
    let status = client.get_item(request).await.expect_err("it is not there");
    assert_eq!(status.metadata().get("straddle-simulated").expect("it says so"), "2.0.0");
    assert_eq!(status.metadata().get("straddle-version").expect("it says so"), "3.0.0");
    assert_eq!(status.metadata().get("straddle-node").expect("it says so"), "1.1.0");
    assert_eq!(seen.labels(), ["3.0.0", "2.0.0"], "the node itself rewrites the rest");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_learns_the_version_is_found_out_when_it_is_asked_again() {
    let (node, bundle, _folder) = learner();
    let (served, seen) = serve_seen(&node).await;
    let patient = Channel::owner(&served.address).ask_again_after(Duration::from_secs(3600));
    let eager = Channel::owner(&served.address).ask_again_after(Duration::ZERO);
    let (mut patient, mut eager) = (v2_0_0::inventory_client(quick(patient)), v2_0_0::inventory_client(quick(eager)));
    assert!(simulated(&mut patient).await && simulated(&mut eager).await);
    seen.take();
    assert!(simulated(&mut patient).await && simulated(&mut eager).await);
    assert_eq!(seen.labels(), ["1.1.0", "2.0.0", "1.1.0"], "the second one asks again each time");
    node.learn(bundle).await.expect("what 2.0.0 is");
    assert!(simulated(&mut patient).await, "it may stay so: nothing is wrong with it");
    assert!(!simulated(&mut eager).await);
    assert_eq!(seen.labels(), ["1.1.0", "2.0.0"]);

    // Over another connection nothing is known of the node.
    served.connections.go_away();
    while simulated(&mut patient).await {
        tokio::task::yield_now().await;
    }
    assert_eq!(seen.labels().last().map(String::as_str), Some("2.0.0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_says_it_runs_another_version_is_asked_again_with_the_next_call() {
    let folder = tempfile::tempdir().expect("a folder");
    let (node, seen, moved) = (node(OLD, object(folder.path())), Seen::default(), Arc::new(AtomicBool::new(false)));
    let (service, noting, says_so) = (node.service(), seen.clone(), moved.clone());
    let served = serve(service_fn(move |request: Request<Body>| {
        noting.note(&request);
        let (answer, says_so) = (service.clone().oneshot(request), says_so.clone());
        async move {
            let Ok(mut answer) = answer.await;
            if says_so.load(Ordering::SeqCst) {
                answer.headers_mut().insert("straddle-node", "2.0.0".parse().expect("a value"));
            }
            Ok::<_, Infallible>(answer)
        }
    }))
    .await;
    let mut client = v2_0_0::inventory_client(channel(&served));
    assert!(simulated(&mut client).await && simulated(&mut client).await);
    assert_eq!(seen.labels(), ["2.0.0", "1.1.0", "1.1.0"]);
    moved.store(true, Ordering::SeqCst);
    assert!(simulated(&mut client).await);
    assert_eq!(seen.labels(), ["1.1.0"]);
    assert!(simulated(&mut client).await);
    assert_eq!(seen.labels(), ["2.0.0", "1.1.0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_at_once_all_find_their_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let (served, seen) = serve_seen(&node(OLD, object(folder.path()))).await;
    let client = v2_0_0::inventory_client(channel(&served));
    let calls: Vec<_> = (0..50)
        .map(|number| {
            let mut client = client.clone();
            tokio::spawn(async move {
                let request = upsert(item(&format!("{number}")), &format!("write {number}"));
                client.upsert_item(request).await.map(|written| written.into_inner().item.expect("the item").revision)
            })
        })
        .collect();
    let mut revisions = Vec::new();
    for call in calls {
        revisions.push(soon(call).await.expect("no panic").expect("a write"));
    }
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=50).collect::<Vec<u64>>(), "each was written once");
    assert_eq!(seen.labels().iter().filter(|label| *label == "1.1.0").count(), 50);
}
