//! Nodes that are to be emptied, and callers that do not go away.

use std::thread::JoinHandle;

use prost::Message;
use serde_json::json;
use straddle::inventory::generated::v1_1_0 as v1;
use straddle::transport::Channel;
use tokio::runtime::Runtime;

use crate::load::Load;
use crate::place::{Place, Supervised};
use crate::program::{Run, straddle};
use crate::raw::{End, Raw};

/// A call whose caller has not sent the request.
struct Slow(Raw);

const CALL: u32 = 1;

impl Slow {
    /// Begins it, and waits until it is inside.
    fn begin(supervised: &Supervised) -> Self {
        let mut raw = Raw::connect(&supervised.callers);
        raw.begin(CALL, "PutItem");
        while supervised.status()["calls"]["running"] == json!(0) {}
        Self(raw)
    }

    /// Sends the request, and waits for the answer.
    fn end(mut self) {
        let item = v1::Item { sku: "slow".to_owned(), name: "slow".to_owned(), price: 2.5, ..Default::default() };
        let request = v1::PutItemRequest { item: Some(item), request_id: "slow".to_owned() };
        self.0.finish(CALL, &request.encode_to_vec());
        assert_eq!(self.0.end_of(CALL), End::Answered);
    }
}

/// `straddle node upgrade ADDRESS 2.0.0 --drain`, for the shortest time.
fn upgrade_drained(supervised: &Supervised) -> JoinHandle<Run> {
    let admin = supervised.admin.clone();
    std::thread::spawn(move || straddle(&["node", "upgrade", &admin, "2.0.0", "--drain", "--within", "1ms", "--json"]))
}

fn supervised(place: &Place) -> Supervised {
    let mut supervised = place.supervise(&["--release", "1.1.0"]);
    supervised.serves("1.1.0");
    supervised
}

#[test]
fn a_call_that_stays_longer_than_the_drain_waits_is_answered_before_the_program_is_replaced() {
    let place = Place::with_two();
    let supervised = supervised(&place);
    let slow = Slow::begin(&supervised);
    let drained = supervised.node("drain", &["--within", "1ms"]).ended(1, &[]);
    assert!(drained.out.contains("1 call is left inside after 1ms"), "{}", drained.out);
    supervised.node("resume", &[]).ended(0, &[]);

    let load = Load::begin(&supervised.callers);
    let upgrade = upgrade_drained(&supervised);
    // The new program is there, and the old one waits for the call.
    supervised
        .hears_of(|status| status["phase"] == "quiescing" || status["progress"]["what"] == "waiting for calls to end");
    assert_eq!(supervised.node("status", &["--json"]).ended(0, &[]).value()["version"], json!("1.1.0"));
    slow.end();
    let upgraded = upgrade.join().expect("no panic").ended(0, &["drained, but ", "the node is in service"]);
    assert_eq!(upgraded.lines().pop().expect("a line")["done"]["version"], json!("2.0.0"));
    load.goes_on(20);
    let outcome = load.end();
    assert_eq!((outcome.refused, outcome.failed), (Vec::<String>::new(), Vec::<String>::new()));
    straddle(&["call", &supervised.callers, "inventory@1.1.0", "GetItem", r#"{"sku":"slow"}"#]).ended(0, &[]);
}

#[test]
fn a_call_that_never_ends_keeps_its_program_which_serves_on_in_service() {
    let place = Place::with_two();
    // Long enough for the calls of the load, which end.
    place.release("1.1.0", "1.1.0", "--call-limit 5s");
    let supervised = supervised(&place);
    let process = supervised.process();
    let slow = Slow::begin(&supervised);
    let load = Load::begin(&supervised.callers);
    let told = ["1 call did not end within", "serves 1.1.0 as before", "the node is in service"];
    upgrade_drained(&supervised).join().expect("no panic").ended(1, &told);
    load.goes_on(20);
    let status = supervised.status();
    assert_eq!((&status["version"], &status["drained"]), (&json!("1.1.0"), &json!(false)), "{status}");
    assert_eq!(supervised.process(), process, "the same one");
    let outcome = load.end();
    assert_eq!((outcome.refused, outcome.failed), (Vec::<String>::new(), Vec::<String>::new()));
    slow.end();
    supervised.node("upgrade", &["2.0.0", "--drain"]).ended(0, &[]);
}

#[test]
fn long_streams_have_their_time_then_those_that_nobody_resumes_are_cut_and_told_of() {
    let place = Place::with_two();
    place.release("1.1.0", "1.1.0", "--stream-limit 300ms");
    let supervised = supervised(&place);
    Slow::begin(&supervised).end();
    let runtime = Runtime::new().expect("a runtime");
    let watch = |resumed: bool| {
        let address = supervised.callers.clone();
        async move {
            let request = v1::WatchItemsRequest { after_revision: 0 };
            if resumed {
                let mut client = v1::inventory_client(Channel::owner(&address).build().expect("a channel"));
                client.watch_items(request).await.expect("a stream").into_inner()
            } else {
                let endpoint =
                    tonic::transport::Endpoint::from_shared(format!("http://{address}")).expect("an address");
                let channel = endpoint.connect().await.expect("a node");
                let mut client = v1::inventory_client::InventoryClient::new(channel);
                client.watch_items(request).await.expect("a stream").into_inner()
            }
        }
    };
    let (mut resumed, mut plain) = runtime.block_on(async { (watch(true).await, watch(false).await) });
    let sku = |event: Option<v1::WatchEvent>| event.and_then(|event| event.item).map(|item| item.sku);
    for stream in [&mut resumed, &mut plain] {
        assert_eq!(sku(runtime.block_on(stream.message()).expect("an event")), Some("slow".to_owned()));
    }
    // One call is left, or two: who goes on with its stream may be back before the time is over, however short it is.
    let upgraded = upgrade_drained(&supervised).join().expect("no panic").ended(0, &["drained, but "]);
    let moved = upgraded.lines().pop().expect("a line")["done"]["moved"].clone();
    assert_eq!(moved["streams_cut"], json!(1), "{moved}");
    let cut = runtime.block_on(plain.message()).expect_err("it is over");
    assert_eq!(cut.code(), tonic::Code::Unavailable, "{cut:?}");
    // Whoever goes on misses nothing.
    let put = r#"{"item":{"sku":"later","name":"later","price":1.5},"request_id":"later"}"#;
    straddle(&["call", &supervised.callers, "inventory@1.1.0", "PutItem", put]).ended(0, &[]);
    assert_eq!(sku(runtime.block_on(resumed.message()).expect("an event")), Some("later".to_owned()));
}
