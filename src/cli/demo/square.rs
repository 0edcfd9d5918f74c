//! The whole square as tests: one list, run for every pair of a caller's version and a node's.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tonic::{Code, Status};

use super::caller::{Caller, Hold, Terms, Version};
use super::crew::{Called, prepare, speaker, worker};
use super::item::Item;
use super::model::{Cells, Model};
use super::standing::Met;
use super::tally::Tally;
use crate::inventory::clock::{Clock, SystemClock};
use crate::inventory::open_node;
use crate::refusal::{Reason, Refusal};
use crate::transport::Served;

/// The versions that nodes run, oldest first.
const NODES: [&str; 3] = ["1.1.0", "2.0.0", "3.0.0"];

type Test = for<'a> fn(&'a mut Pair) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// What each pair has to pass; a name each, and what is tested.
const TESTS: &[(&str, Test)] = &[
    ("what is put is read again", |pair| Box::pin(what_is_put_is_read_again(pair))),
    ("a repeated request does nothing and is answered the same", |pair| Box::pin(a_repeat_is_replayed(pair))),
    ("a request id that is used for something else is refused", |pair| Box::pin(an_id_is_for_one_request(pair))),
    ("a missing item is NOT_FOUND", |pair| Box::pin(a_missing_item_is_not_found(pair))),
    ("a field beyond its limit is INVALID_ARGUMENT and named", |pair| Box::pin(a_limit_is_named(pair))),
    ("items are listed in order", |pair| Box::pin(items_are_listed_in_order(pair))),
    ("a watch goes on after a revision without a gap", |pair| Box::pin(a_watch_goes_on(pair))),
    ("an import is all or nothing", |pair| Box::pin(an_import_is_all_or_nothing(pair))),
    ("lookups are answered in the order asked", |pair| Box::pin(lookups_are_in_order(pair))),
    ("stock is taken and given back", |pair| Box::pin(stock_is_taken_and_given_back(pair))),
    ("too little stock is FAILED_PRECONDITION and no refusal", |pair| Box::pin(too_little_stock(pair))),
    ("stock is adjusted", |pair| Box::pin(stock_is_adjusted(pair))),
    ("a hold is confirmed or cancelled", |pair| Box::pin(a_hold_is_ended(pair))),
    ("what the older version cannot express is refused by name", |pair| Box::pin(what_cannot_be_said_is_refused(pair))),
    ("a large message passes", |pair| Box::pin(a_large_item_passes(pair))),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_caller_is_served_by_every_node() {
    for node in NODES {
        let served = Node::start(node).await;
        for version in Version::ALL {
            let mut pair =
                Pair { node: &served.called, version, caller: served.caller(version), prefix: String::new() };
            for (number, (name, test)) in TESTS.iter().enumerate() {
                pair.prefix = format!("{version}/{number}/");
                let place = format!("{name}: {version} on {node}");
                let passed = tokio::time::timeout(Duration::from_secs(60), test(&mut pair)).await;
                assert!(passed.is_ok(), "{place}: took too long");
            }
        }
        let done = served.stop().await;
        assert_eq!(done.cut, 0, "the node {node} had to cut connections");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_demo_does_comes_to_what_it_should() {
    for version in NODES {
        let served = Node::start(version).await;
        let (model, tally) = (Arc::new(Model::of(&served.called, Cells::Nodes)), Arc::new(Tally::default()));
        prepare(&served.called, &model).await.expect("what all callers find there");
        for caller in Version::ALL {
            let worker = worker(&served.called, &model, &tally, caller, "once", 7).expect("a worker");
            // Everything once, as the end is now; and the audit.
            worker.everything_once().await.run(Instant::now(), Arc::default()).await.audit().await;
        }
        let report = Arc::into_inner(tally).expect("nobody else counts").into_report(&[version], Vec::new());
        assert!(report.is_good(), "{}", report.text());
        served.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_of_1_x_find_something_to_give_back_whatever_others_have_discontinued() {
    let served = Node::start("2.0.0").await;
    let mut model = Model::of(&served.called, Cells::Nodes);
    model.groups.truncate(1);
    let (model, tally) = (Arc::new(model), Arc::new(Tally::default()));
    prepare(&served.called, &model).await.expect("what all callers find there");
    let mut newer = worker(&served.called, &model, &tally, Version::Third, "discontinues", 7).expect("a worker");
    {
        let mut group = model.groups[0].lock().await;
        for sku in group.items.keys().cloned().collect::<Vec<_>>() {
            // One in eight is, of those that may be.
            for _ in 0..64 {
                newer.put(&mut group, &sku, true).await;
                if group.known(&sku).is_some_and(|known| known.item.discontinued) {
                    break;
                }
            }
        }
        assert!(group.items.values().flatten().any(|known| known.item.discontinued));
    }
    for version in [Version::Unlabelled, Version::First, Version::Second] {
        let worker = worker(&served.called, &model, &tally, version, "once", 7).expect("a worker");
        worker.everything_once().await;
    }
    drop(newer);
    let report = Arc::into_inner(tally).expect("nobody else counts").into_report(&["2.0.0"], Vec::new()).text();
    for version in [Version::Unlabelled, Version::First, Version::Second] {
        let lacks = format!("{version} on 2.0.0: ");
        assert!(!report.contains(&lacks), "{report}");
    }
    served.stop().await;
}

/// A node in this process, on a port that the system gives.
struct Node {
    called: Called,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Served>,
    _state: TempDir,
}

impl Node {
    async fn start(version: &'static str) -> Self {
        let state = tempfile::tempdir().expect("a folder for the state");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let node = open_node(version, state.path(), &clock).unwrap_or_else(|error| panic!("{error}"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let serving = tokio::spawn(node.serve(listener, shutdown).expect("a server"));
        Self {
            called: Called { name: version, begins_at: version, moves: false, address },
            stop,
            serving,
            _state: state,
        }
    }

    fn caller(&self, version: Version) -> Box<dyn Caller> {
        speaker(&self.called, &Model::of(&self.called, Cells::Nodes), version, Met::default()).expect("a channel")
    }

    async fn stop(self) -> Served {
        let _ = self.stop.send(());
        self.serving.await.expect("a server that stops")
    }
}

/// One caller on one node, with SKUs that no other test uses.
struct Pair<'a> {
    node: &'a Called,
    version: Version,
    caller: Box<dyn Caller>,
    prefix: String,
}

impl Pair<'_> {
    fn sku(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn item(&self, name: &str, stock: i64) -> Item {
        let seed = self.prefix.bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        let item = Item::random(&self.sku(name), &mut fastrand::Rng::with_seed(seed));
        Item { stock, discontinued: false, ..item }
    }

    async fn put(&mut self, name: &str, stock: i64) -> Item {
        let (item, id) = (self.item(name, stock), self.sku(&format!("put {name}")));
        self.caller.put(&item, &id).await.unwrap_or_else(|status| panic!("{}: {status}", self.prefix))
    }

    async fn stock(&mut self, name: &str) -> i64 {
        let sku = self.sku(name);
        self.caller.get(&sku).await.unwrap_or_else(|status| panic!("{}: {status}", self.prefix)).stock
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Status>) -> Code {
    let status = result.expect_err("an error was due");
    assert_eq!(Refusal::from_status(&status), None, "an error of the protocol itself is no refusal");
    status.code()
}

async fn what_is_put_is_read_again(pair: &mut Pair<'_>) {
    let put = pair.put("a", 7).await;
    let due = Item { revision: put.revision, ..pair.version.sees(&pair.item("a", 7)) };
    assert_eq!(put, due);
    assert_eq!(pair.caller.get(&pair.sku("a")).await.expect("the item"), due);
}

async fn a_repeat_is_replayed(pair: &mut Pair<'_>) {
    let first = pair.put("a", 7).await;
    let id = pair.sku("another");
    pair.caller.put(&pair.item("a", 9), &id).await.expect("another put");
    assert_eq!(pair.put("a", 7).await, first, "the first request again");
    assert_eq!(pair.stock("a").await, 9, "a repeat changes nothing");
}

async fn an_id_is_for_one_request(pair: &mut Pair<'_>) {
    pair.put("a", 7).await;
    let id = pair.sku("put a");
    assert_eq!(code(pair.caller.put(&pair.item("a", 8), &id).await), Code::InvalidArgument);
}

async fn a_missing_item_is_not_found(pair: &mut Pair<'_>) {
    assert_eq!(code(pair.caller.get(&pair.sku("nothing")).await), Code::NotFound);
    let (sku, id) = (pair.sku("nothing"), pair.sku("reserve"));
    assert_eq!(code(pair.caller.reserve(&sku, 1, &id, Terms::default()).await), Code::NotFound);
}

async fn a_limit_is_named(pair: &mut Pair<'_>) {
    let item = Item { stock: -1, ..pair.item("a", 1) };
    let status = pair.caller.put(&item, &pair.sku("bad")).await.expect_err("a stock below zero");
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("stock"), "{}", status.message());
}

async fn items_are_listed_in_order(pair: &mut Pair<'_>) {
    for name in ["c", "a", "b"] {
        pair.put(name, 1).await;
    }
    let listed = pair.caller.list(&pair.prefix).await.expect("a list");
    let skus: Vec<&str> = listed.iter().map(|item| item.sku.as_str()).collect();
    assert_eq!(skus, [pair.sku("a"), pair.sku("b"), pair.sku("c")]);
}

async fn a_watch_goes_on(pair: &mut Pair<'_>) {
    let first = pair.put("a", 1).await;
    let second = pair.put("b", 2).await;
    let third = pair.put("c", 3).await;
    let seen = pair.caller.watch(first.revision, third.revision).await.expect("a watch");
    assert_eq!(seen, [second, third]);
}

async fn an_import_is_all_or_nothing(pair: &mut Pair<'_>) {
    let items = [pair.item("a", 1), pair.item("b", 2)];
    let (count, last) = pair.caller.import(&items, &pair.sku("import")).await.expect("an import");
    assert_eq!(count, 2);
    assert_eq!(pair.caller.get(&pair.sku("b")).await.expect("an imported item").revision, last);
    let bad = [pair.item("c", 1), Item { stock: -1, ..pair.item("d", 1) }];
    assert_eq!(code(pair.caller.import(&bad, &pair.sku("bad")).await), Code::InvalidArgument);
    assert_eq!(code(pair.caller.get(&pair.sku("c")).await), Code::NotFound);
}

async fn lookups_are_in_order(pair: &mut Pair<'_>) {
    let item = pair.put("a", 1).await;
    let skus = [pair.sku("missing"), pair.sku("a"), pair.sku("also missing")];
    let found = pair.caller.look_up(&skus).await.expect("answers");
    assert_eq!(found, [Err(skus[0].clone()), Ok(item), Err(skus[2].clone())]);
}

async fn stock_is_taken_and_given_back(pair: &mut Pair<'_>) {
    pair.put("a", 5).await;
    let (sku, id) = (pair.sku("a"), pair.sku("reserve"));
    let reserved = pair.caller.reserve(&sku, 3, &id, Terms::default()).await.expect("a reservation");
    assert_eq!((reserved.sku.as_str(), reserved.quantity), (sku.as_str(), 3));
    let again = pair.caller.reserve(&sku, 3, &id, Terms::default()).await.expect("the same reservation");
    assert_eq!(again, reserved);
    assert_eq!(pair.stock("a").await, 2);
    if pair.version == Version::Fourth {
        pair.caller.confirm(&reserved.id, &pair.sku("confirm")).await.expect("a confirmed hold");
    }
    for _ in 0..2 {
        pair.caller.release(&reserved.id, &pair.sku("release")).await.expect("a release, once and once again");
        assert_eq!(pair.stock("a").await, 5);
    }
}

async fn too_little_stock(pair: &mut Pair<'_>) {
    pair.put("a", 2).await;
    let (sku, id) = (pair.sku("a"), pair.sku("reserve"));
    assert_eq!(code(pair.caller.reserve(&sku, 3, &id, Terms::default()).await), Code::FailedPrecondition);
    assert_eq!(pair.stock("a").await, 2);
}

async fn stock_is_adjusted(pair: &mut Pair<'_>) {
    let put = pair.put("a", 2).await;
    let (sku, id) = (pair.sku("a"), pair.sku("adjust"));
    let adjusted = pair.caller.adjust(&sku, 3, &id).await;
    if pair.version < Version::Second {
        assert_eq!(code(adjusted), Code::Unimplemented, "1.0.0 has no such method");
        return;
    }
    let adjusted = adjusted.expect("an adjusted item");
    assert!(adjusted.revision > put.revision);
    assert_eq!(adjusted, Item { stock: 5, revision: adjusted.revision, ..put });
    assert_eq!(code(pair.caller.adjust(&sku, -6, &pair.sku("too much")).await), Code::FailedPrecondition);
}

async fn a_hold_is_ended(pair: &mut Pair<'_>) {
    if pair.version != Version::Fourth {
        return;
    }
    pair.put("a", 5).await;
    let sku = pair.sku("a");
    let terms = Terms { hold_for: Some(Duration::from_secs(600)), if_revision: None };
    for (name, end, left) in [("confirmed", Hold::Confirmed, 4), ("cancelled", Hold::Cancelled, 4)] {
        let held = pair.caller.reserve(&sku, 1, &pair.sku(name), terms).await.expect("a hold");
        assert_eq!(held.state, Some(Hold::Held));
        let id = pair.sku(&format!("{name} end"));
        let ended = match end {
            Hold::Confirmed => pair.caller.confirm(&held.id, &id).await,
            _ => pair.caller.cancel(&held.id, &id).await,
        };
        assert_eq!(ended.expect("an ended hold").state, Some(end));
        assert_eq!(pair.caller.reservation(&held.id).await.expect("the hold").state, Some(end));
        assert_eq!(pair.stock("a").await, left);
    }
}

async fn what_cannot_be_said_is_refused(pair: &mut Pair<'_>) {
    if pair.version < Version::Third {
        return;
    }
    let (caller, node) = (pair.version.number(), pair.node.begins_at);
    let lossy = |result: Result<(), Status>| {
        let status = result.expect_err("a refusal was due");
        let refusal = Refusal::from_status(&status).unwrap_or_else(|| panic!("no refusal: {status}"));
        assert_eq!(refusal.reason(), Reason::Lossy);
        assert_eq!(refusal.caller_version(), Some(caller));
        assert_eq!(refusal.node_version(), Some(node));
        assert!(!refusal.ran());
        refusal.path().map(str::to_owned)
    };
    let sku = pair.sku("euros");
    let euros = pair.caller.put_in_euros(&sku, &pair.sku("put")).await.map(|_| ());
    if pair.node.begins_at == "1.1.0" {
        assert_eq!(lossy(euros).as_deref(), Some("item.price.currency_code"));
        let discontinued = Item { discontinued: true, ..pair.item("old", 1) };
        let put = pair.caller.put(&discontinued, &pair.sku("discontinued")).await.map(|_| ());
        assert_eq!(lossy(put).as_deref(), Some("item.status"));
    } else {
        euros.expect("this node knows euros");
    }
    if pair.version == Version::Fourth {
        let item = pair.put("a", 1).await;
        let terms = Terms { hold_for: None, if_revision: Some(item.revision) };
        let reserved = pair.caller.reserve(&item.sku, 1, &pair.sku("if"), terms).await.map(|_| ());
        if pair.node.begins_at == "3.0.0" {
            reserved.expect("this node compares revisions");
        } else {
            assert_eq!(lossy(reserved).as_deref(), Some("if_revision"));
        }
    }
}

async fn a_large_item_passes(pair: &mut Pair<'_>) {
    let mut item = pair.item("large", 1);
    item.attributes = (0..64).map(|number| (format!("key {number:02}"), "v".repeat(1024))).collect();
    let put = pair.caller.put(&item, &pair.sku("put")).await.expect("64 KiB of attributes");
    assert_eq!(put.attributes, item.attributes);
}
