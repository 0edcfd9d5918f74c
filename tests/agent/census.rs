//! Who calls what, as the coordinator is told.

use std::collections::BTreeMap;

use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::CallerKind;
use straddle::inventory::generated::{v1_1_0, v2_0_0};
use straddle::node::HandOver;
use straddle::transport::Channel;
use straddle::wire::Body;
use tempfile::TempDir;
use tonic::{Code, Status};
use tower_service::Service;

use crate::coordinator::Coordinator;
use crate::nodes::{ServedNode, built, inventory, shop};

/// What batches have told so far.
#[derive(Debug, Default)]
struct Known {
    /// Version, whether unlabelled, method: how often it was called.
    methods: BTreeMap<(String, bool, String), u64>,
    /// Who, and how it is known, and the same.
    callers: BTreeMap<(String, CallerKind, String, bool, String), u64>,
    /// The sum of all that may have been forgotten, and how much of it is not so for some.
    error: u64,
    own: BTreeMap<(String, CallerKind, String, bool, String), u64>,
    number: u64,
}

impl Known {
    fn take(&mut self, census: wire::Census) {
        self.number += 1;
        assert_eq!(census.number, self.number, "batches come one after the other");
        assert!(census.callers.len() <= 48 && census.methods.len() <= 120);
        assert!(census.from_ago_microseconds >= census.until_ago_microseconds);
        let method = |method: &str| method.rsplit('.').next().unwrap().to_owned();
        for called in &census.methods {
            let key = (called.version.clone(), called.unlabelled, method(&called.method));
            *self.methods.entry(key).or_default() += called.begun;
        }
        self.error += census.callers_error;
        for calls in census.callers {
            assert!(calls.caller.len() <= 128, "{}", calls.caller);
            let kind = calls.kind();
            let called = &census.methods[calls.called as usize];
            let key = (calls.caller, kind, called.version.clone(), called.unlabelled, method(&called.method));
            *self.callers.entry(key.clone()).or_default() += calls.calls;
            *self.own.entry(key).or_default() += census.callers_error - calls.error;
        }
    }

    /// Takes batches until the last one, which waits for none before it.
    async fn until_last(&mut self, coordinator: &mut Coordinator) {
        loop {
            let census = coordinator.census().await;
            let last = census.last;
            self.take(census);
            if last {
                return;
            }
        }
    }
}

/// A node that a coordinator has welcomed, and the folder of its state.
async fn attending() -> (Coordinator, ServedNode, TempDir) {
    let mut coordinator = Coordinator::start().await;
    let state = tempfile::tempdir().expect("a folder");
    let node = ServedNode::serve(inventory(&coordinator, state.path()).await).await;
    coordinator.hello().await;
    coordinator.welcome(true);
    (coordinator, node, state)
}

/// The same once it has told its first batch, which is taken.
async fn told() -> (Coordinator, ServedNode, TempDir) {
    let (mut coordinator, node, state) = attending().await;
    let first = coordinator.census().await;
    assert_eq!((first.number, first.last, first.methods.len()), (1, false, 0));
    coordinator.taken(1);
    (coordinator, node, state)
}

fn named(node: &ServedNode, name: &str) -> Channel {
    Channel::owner(&node.address).caller(name).build().expect("a channel")
}

fn put(id: usize) -> v1_1_0::PutItemRequest {
    let item = v1_1_0::Item { sku: "anvil".into(), name: "Anvil".into(), price: 1.0, ..Default::default() };
    v1_1_0::PutItemRequest { item: Some(item), request_id: id.to_string() }
}

fn get() -> v1_1_0::GetItemRequest {
    v1_1_0::GetItemRequest { sku: "anvil".into() }
}

#[tokio::test]
async fn callers_are_told_by_their_name_or_else_by_address_and_user_agent() {
    let (mut coordinator, node, _state) = attending().await;
    let mut billing = v1_1_0::inventory_client(named(&node, "billing"));
    let mut nameless = v2_0_0::inventory_client(node.channel());
    let mut plain = v1_1_0::inventory_client::InventoryClient::new(named(&node, "cart"));
    for id in 0..3 {
        billing.put_item(put(id)).await.expect("it is put");
    }
    // Whoever named itself in the request keeps that name.
    let mut request = tonic::Request::new(get());
    request.metadata_mut().insert("straddle-caller", "night job".parse().unwrap());
    billing.get_item(request).await.expect("an item");
    plain.get_item(get()).await.expect("an item");
    nameless.get_item(v2_0_0::GetItemRequest { sku: "anvil".into() }).await.expect("an item");
    node.stop().await;

    let mut known = Known::default();
    known.until_last(&mut coordinator).await;
    let row = |version: &str, unlabelled, method: &str| (version.to_owned(), unlabelled, method.to_owned());
    let expected = [
        (row("1.0.0", true, "GetItem"), 1),
        (row("1.1.0", false, "GetItem"), 1),
        (row("1.1.0", false, "PutItem"), 3),
        (row("2.0.0", false, "GetItem"), 1),
    ];
    assert_eq!(known.methods, expected.into());
    let address = format!("127.0.0.1 straddle/{}", env!("CARGO_PKG_VERSION"));
    let caller = |name: &str, kind, version: &str, unlabelled, method: &str| {
        (name.to_owned(), kind, version.to_owned(), unlabelled, method.to_owned())
    };
    let expected = [
        (caller(&address, CallerKind::Address, "2.0.0", false, "GetItem"), 1),
        (caller("billing", CallerKind::Named, "1.1.0", false, "PutItem"), 3),
        (caller("cart", CallerKind::Named, "1.0.0", true, "GetItem"), 1),
        (caller("night job", CallerKind::Named, "1.1.0", false, "GetItem"), 1),
    ];
    assert_eq!((known.callers, known.error), (expected.into(), 0));
}

#[tokio::test]
async fn a_batch_comes_again_as_it_was_until_it_is_taken_and_the_next_one_after_it() {
    let (mut coordinator, node, _state) = told().await;
    let mut billing = v1_1_0::inventory_client(named(&node, "billing"));
    billing.put_item(put(0)).await.expect("it is put");
    let second = coordinator.census().await;
    assert_eq!((second.number, second.methods.len(), second.callers.len()), (2, 1, 1));

    for more in 1..3 {
        // What is called meanwhile is for the next one.
        billing.put_item(put(more)).await.expect("it is put");
        coordinator.end(Code::Unavailable, "STOPPING");
        coordinator.hello().await;
        coordinator.welcome(true);
        let again = coordinator.census().await;
        let later = again.until_ago_microseconds - second.until_ago_microseconds;
        let shifted = {
            let mut census = second.clone();
            census.from_ago_microseconds += later;
            census.until_ago_microseconds += later;
            census.methods.iter_mut().for_each(|called| called.last_ago_microseconds += later);
            census.callers.iter_mut().for_each(|calls| calls.last_ago_microseconds += later);
            census
        };
        assert_eq!(again, shifted);
    }
    coordinator.taken(2);
    node.stop().await;
    let mut known = Known { number: 2, ..Known::default() };
    known.until_last(&mut coordinator).await;
    assert_eq!(known.methods.values().sum::<u64>(), 2);
    assert_eq!(known.callers.values().sum::<u64>(), 2);
}

#[tokio::test]
async fn a_program_that_is_started_again_counts_anew_under_another_instance() {
    let mut coordinator = Coordinator::start().await;
    let state = tempfile::tempdir().unwrap();
    let mut instances = Vec::new();
    for round in 0..2 {
        let node = ServedNode::serve(inventory(&coordinator, state.path()).await).await;
        instances.push(coordinator.hello().await.instance);
        coordinator.welcome(true);
        let mut billing = v1_1_0::inventory_client(named(&node, "billing"));
        billing.put_item(put(round)).await.expect("it is put");
        node.stop().await;
        let mut known = Known::default();
        known.until_last(&mut coordinator).await;
        assert_eq!(known.methods.values().sum::<u64>(), 1);
    }
    assert_ne!(instances[0], instances[1]);
}

#[tokio::test]
async fn a_node_that_is_handed_over_tells_the_last_of_it() {
    let (mut coordinator, node, _state) = attending().await;
    let mut billing = v1_1_0::inventory_client(named(&node, "billing"));
    billing.put_item(put(0)).await.expect("it is put");
    node.node.hand_over(HandOver::default()).await.expect("it is handed over");
    let mut known = Known::default();
    known.until_last(&mut coordinator).await;
    assert_eq!(known.methods.values().sum::<u64>(), 1);
    node.stop().await;
}

#[tokio::test]
async fn a_node_without_a_state_tells_the_last_of_it_too_and_answers_nobody_after_that() {
    let mut coordinator = Coordinator::start().await;
    let node = ServedNode::serve(built(shop(&coordinator))).await;
    coordinator.hello().await;
    coordinator.welcome(true);
    let mut service = node.node.service();
    let mut known = Known::default();
    known.take(coordinator.census().await);
    node.stop().await;
    known.until_last(&mut coordinator).await;
    let answer = service.call(http_request("/shop.v2.Shop/Get", "2.0.0", "late")).await.expect("an answer");
    assert_eq!(Status::from_header_map(answer.headers()).expect("a status").code(), Code::Unavailable);
}

#[tokio::test]
async fn a_stream_that_runs_is_told_of_as_long_as_it_does() {
    let (mut coordinator, node, _state) = told().await;
    let mut watching = v2_0_0::inventory_client(named(&node, "watcher"));
    let stream = watching.watch_items(v2_0_0::WatchItemsRequest::default()).await.expect("a stream");
    let row = |census: &wire::Census, method: &str| {
        let called = census.methods.iter().find(|called| called.method.ends_with(method)).expect("a row").clone();
        (called.begun, called.running, called.gone, called.last_ago_microseconds - census.until_ago_microseconds)
    };
    let census = coordinator.census().await;
    let (begun, running, gone, last) = row(&census, "WatchItems");
    assert_eq!((begun, running, gone), (1, 1, 0));
    assert!(last < 1_000_000, "it is seen now: {last}");
    coordinator.taken(census.number);
    // Another method brings the next batch.
    watching.get_item(v2_0_0::GetItemRequest { sku: "none".into() }).await.unwrap_err();
    let census = coordinator.census().await;
    assert_eq!((row(&census, "WatchItems").0, row(&census, "WatchItems").1), (0, 1));
    coordinator.taken(census.number);
    drop(stream);
    drop(watching);
    node.stop().await;
    let census = coordinator.census().await;
    let (begun, running, gone, _) = row(&census, "WatchItems");
    assert_eq!((begun, running, gone, census.last), (0, 0, 1, true));
}

fn http_request(path: &str, label: &str, caller: &str) -> http::Request<Body> {
    let request = http::Request::post(path).header("straddle-version", label).header("straddle-caller", caller);
    request.header("content-type", "application/grpc").body(Body::empty()).expect("a request")
}

/// So many of each: names, which are all that costs memory, methods and labels.
const ATTACKS: usize = 24_000;
const LANES: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_callers_say_memory_is_bounded_and_counts_are_right_within_the_error_that_is_told() {
    let (mut coordinator, node, _state) = told().await;
    let mut known = Known { number: 1, ..Known::default() };
    let name = |number: usize| format!("{number:0>6} {}", "of a very long family name ".repeat(number % 12));
    let path = "/inventory.v1.Inventory/GetItem";
    let lanes = (0..LANES).map(|lane| {
        let channel = node.channel();
        tokio::spawn(async move {
            for number in (lane..ATTACKS).step_by(LANES) {
                let name = name(number);
                let (other, label) = (format!("/inventory.v1.Inventory/Get{number}"), format!("7.{number}.0"));
                let mut requests = vec![http_request(path, "1.1.0", name.trim())];
                match number % 20 {
                    0 => requests.push(http_request(path, "1.1.0", "busy")),
                    1 => requests.push(http_request(&other, "1.1.0", name.trim())),
                    2 => requests.push(http_request(path, &label, name.trim())),
                    _ => {}
                }
                for request in requests {
                    channel.clone().call(request).await.expect("an answer");
                }
            }
        })
    });
    let lanes: Vec<_> = lanes.collect();
    for lane in lanes {
        lane.await.expect("no panic");
    }
    let bytes = node.node.service().callers_bytes();
    assert!((500_000..4 << 20).contains(&bytes), "{bytes} bytes");
    node.stop().await;

    known.until_last(&mut coordinator).await;
    assert!(known.number >= 3, "what is called for the first time does not wait");
    let busy = ATTACKS as u64 / 20;
    let row = ("1.1.0".to_owned(), false, "GetItem".to_owned());
    assert_eq!(known.methods, [(row, ATTACKS as u64 + busy)].into(), "what nobody declared is no row");
    // Of 896 places for a sixteenth of the names, and, in one, who is busy: more than there is room for.
    assert!(known.error > 0 && known.error <= 2 * (ATTACKS as u64 / 16 * 2 + busy) / 896, "{}", known.error);
    let key = |name: &str| (name.to_owned(), CallerKind::Named, "1.1.0".to_owned(), false, "GetItem".to_owned());
    let mut whole = 0;
    for number in 0..ATTACKS {
        let full = name(number);
        let shown = if full.trim().len() > 128 { format!("{}…", &full[..125]) } else { full.trim().to_owned() };
        let counted = known.callers.get(&key(&shown)).copied().unwrap_or_default();
        let error = known.error - known.own.get(&key(&shown)).copied().unwrap_or_default();
        assert!(counted <= 1 && 1 <= counted + error, "{shown}: {counted} + {error}");
        whole += usize::from(counted == 1);
    }
    assert!(whole >= 1_000, "{whole}");
    assert_eq!(known.callers[&key("busy")], busy, "the busiest is exact");
}
