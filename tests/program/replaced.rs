//! A program in the place of another, while callers go on.

use std::thread;

use prost::Message;
use straddle::inventory::generated::v2_0_0 as v2;
use straddle::transport::Channel;

use crate::double::{Double, hand_over};
use crate::load::{Load, client, has, put};
use crate::raw::{End, REFUSED_STREAM, Raw};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_notice_nothing_of_a_newer_program_nor_of_the_older_one_again() {
    let double = Double::new();
    let mut old = double.start("1.1.0", "1.1.0");
    assert_eq!(old.ready(), "1.1.0");
    let load = Load::begin(&double.address);
    load.goes_on(20).await;

    let mut new = double.start("1.1.0,2.0.0", "2.0.0");
    new.hears("X_STRADDLE_PREPARED");
    let done = old.hand_over("{}").ended(0, &[]).lines().pop().unwrap();
    assert_eq!(done["done"]["version"], "1.1.0", "{done}");
    assert_eq!(new.ready(), "2.0.0");
    assert_eq!(old.ended().0, Some(0));
    assert_eq!(old.order().last().unwrap(), "STOPPING");
    load.goes_on(20).await;

    let mut older = double.start("1.1.0", "1.1.0");
    older.hears("X_STRADDLE_PREPARED");
    let done = new.hand_over(r#"{"back":true}"#).ended(0, &[]).lines().pop().unwrap();
    assert_eq!(
        (&done["done"]["version"], &done["done"]["moved"]["from"]),
        (&"1.1.0".into(), &"2.0.0".into()),
        "{done}"
    );
    assert_eq!(older.ready(), "1.1.0");
    assert_eq!(new.ended().0, Some(0));
    load.goes_on(20).await;

    let (kept, failed) = load.end(&double.address).await;
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(kept.len() >= 60, "only {} were acknowledged", kept.len());
    let mut client = client(&double.address);
    for sku in kept {
        assert!(has(&mut client, &sku).await, "{sku} was acknowledged");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_waits_is_refused_as_not_begun_and_one_that_runs_is_answered() {
    let double = Double::new();
    let mut old = double.start("1.1.0", "1.1.0");
    old.ready();
    let mut new = double.start("1.1.0,2.0.0", "2.0.0");
    new.hears("X_STRADDLE_PREPARED");

    let mut raw = Raw::connect(&double.address);
    raw.begin(1, "PutItem");
    old.until(|status| status["calls"]["running"] == 1);
    let admin = old.admin();
    let handing_over = thread::spawn(move || hand_over(&admin, "{}").ended(0, &[]));
    raw.told_to_go_away();
    // Whoever has not read that yet goes on as before.
    raw.begin(3, "PutItem");
    raw.finish(3, &put("waits").encode_to_vec());
    old.until(|status| status["calls"]["waiting"] == 1);
    // New connections are for the next program, and wait for it.
    let address = double.address.clone();
    let comes = tokio::spawn(async move { client(&address).put_item(put("comes")).await });
    raw.finish(1, &put("runs").encode_to_vec());

    assert_eq!(raw.end_of(1), End::Answered);
    assert_eq!(raw.end_of(3), REFUSED_STREAM);
    // The connection goes on as long as its peer does, and so does what is answered on it.
    raw.begin(5, "PutItem");
    raw.finish(5, &put("late").encode_to_vec());
    assert_eq!(raw.end_of(5), REFUSED_STREAM);
    drop(raw);
    handing_over.join().unwrap();
    assert_eq!(new.ready(), "2.0.0");
    assert_eq!(old.ended().0, Some(0));
    comes.await.unwrap().unwrap();
    let mut client = client(&double.address);
    for (sku, there) in [("runs", true), ("comes", true), ("waits", false), ("late", false)] {
        assert_eq!(has(&mut client, sku).await, there, "{sku}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_the_older_version_cannot_express_keep_a_program_until_their_loss_is_accepted() {
    let double = Double::new();
    let mut new = double.start("1.1.0,2.0.0", "1.1.0");
    assert_eq!(new.ready(), "1.1.0");
    // Here by a soft upgrade, which whoever supervises is told.
    crate::program::straddle(&["node", "upgrade", &new.admin(), "2.0.0"]).ended(0, &[]);
    new.hears_where("X_STRADDLE_VERSION", |version| version == "2.0.0");
    let mut second = v2::inventory_client(Channel::owner(&double.address).build().unwrap());
    let price = v2::Money { currency_code: "JPY".into(), units: 500, nanos: 0 };
    let item = v2::Item { sku: "tea".into(), name: "Tea".into(), price: Some(price), ..Default::default() };
    second.upsert_item(v2::UpsertItemRequest { item: Some(item), request_id: "tea".into() }).await.unwrap();
    client(&double.address).put_item(put("anvil")).await.unwrap();

    let refused = new.hand_over(r#"{"back":true}"#);
    assert_ne!(refused.code, Some(0));
    assert!(refused.err.contains("1 record cannot be carried over"), "{}\n{}", refused.out, refused.err);
    // It serves on, on the connections that there were.
    client(&double.address).put_item(put("bell")).await.unwrap();
    assert_eq!(new.status()["version"], "2.0.0");
    assert!(!new.has_told("STOPPING"));

    let mut old = double.start("1.1.0", "1.1.0");
    old.hears("X_STRADDLE_PREPARED");
    let lines = new.hand_over(r#"{"back":true,"accept_loss":true}"#).ended(0, &[]).lines();
    let done = &lines[lines.len() - 1]["done"];
    assert_eq!(done["moved"]["lost"], "1", "{done}");
    assert!(lines.iter().any(|line| line["lost"]["file"].is_string()), "{lines:?}");
    assert_eq!(old.ready(), "1.1.0");
    assert_eq!(new.ended().0, Some(0));
    let mut client = client(&double.address);
    for (sku, there) in [("anvil", true), ("bell", true), ("tea", false)] {
        assert_eq!(has(&mut client, sku).await, there, "{sku}");
    }
}
