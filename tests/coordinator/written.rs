//! What the core writes is what ARCHITECTURE.md says.

use std::collections::BTreeSet;

use straddle::control::v1_0_0 as wire;
use straddle::coordinator::core::Ask;
use straddle::coordinator::record::keys;
use straddle::rewrite::Envelope;

use super::bench::{self, Bench};
use super::{FREE, start};

/// The keys of the table, with the kinds of their records.
fn table() -> BTreeSet<(String, String)> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/ARCHITECTURE.md")).expect("the text");
    let rows = text.lines().filter(|line| line.starts_with("| `straddle/"));
    rows.map(|row| {
        let mut names = row.split('`').skip(1).step_by(2);
        let mut name = || names.next().expect(row).to_owned();
        (name(), name())
    })
    .collect()
}

/// The key's row: each part of it stands for its name there.
fn row(key: &str) -> String {
    let parts: Vec<&str> = key.split('/').collect();
    let names: &[&str] = match parts[1] {
        "versions" => &["<protocol>", "<version>"],
        "bundles" => &["<protocol>", "<order>", "<digest>"],
        "parts" => &["<digest>", "<part>"],
        "nodes" | "permits" | "census-nodes" => &["<protocol>", "<node>"],
        "upgrades" | "events" => &["<number>"],
        "callers" => &["<protocol>", "<version>", "<method>"],
        "census" => &["<protocol>", "<version>", "<service>"],
        "active" | "retiring" | "census-floors" => &["<protocol>"],
        _ => &[],
    };
    assert_eq!(parts.len(), 2 + names.len(), "{key}");
    for (part, name) in parts[2..].iter().zip(names) {
        let digits = match *name {
            "<order>" | "<number>" => 20,
            "<part>" => 4,
            _ => continue,
        };
        assert!(part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()), "{key}");
    }
    [&parts[..2], names].concat().join("/")
}

#[test]
fn the_table_of_keys_in_architecture_is_what_is_written() {
    let mut bench = Bench::new();
    bench.publish(0);
    bench.hello(1, "a", "1.0.0");
    let number = bench.start(start("2.0.0", FREE)).expect("it starts");
    bench.calls(1, "1.0.0", "shop.v1.Shop.Get");
    bench.request(1, 7, number, "1.0.0", "2.0.0");
    let permit = bench.permit(1).expect("a permit").permit;
    bench.ended(1, permit, "2.0.0", None);
    bench.report(1, wire::Report { back: "1.0.0".to_owned(), ..bench::report("2.0.0") });
    bench.say_hello(2, wire::Hello { instance: "one".to_owned(), ..bench::hello("b", 0, bench::report("2.0.0")) });
    let method = wire::CalledMethod {
        version: "1.0.0".to_owned(),
        method: "shop.v1.Shop.Get".to_owned(),
        begun: 1,
        ..wire::CalledMethod::default()
    };
    let census = wire::Census { number: 1, methods: vec![method], callers_error: 1, ..wire::Census::default() };
    bench.say(2, wire::from_agent::Message::Census(census));
    let notice = Some(wire::Notice { version: "1.0.0".to_owned(), sunset: 1, ..wire::Notice::default() });
    bench.ask(Ask::Announce(wire::AnnounceRequest { protocol: "shop".to_owned(), notice })).expect("it is announced");
    bench.ask(Ask::Finalize(wire::FinalizeUpgradeRequest { number })).expect("it is complete");
    let written = bench.wrote.iter().map(|(key, value)| {
        let kind = Envelope::decode(value.clone()).expect("an envelope").message_type().to_owned();
        (row(std::str::from_utf8(key).expect("text")), kind.rsplit('.').next().expect("a name").to_owned())
    });
    let mut written: BTreeSet<(String, String)> = written.collect();
    // The driver writes who leads.
    written.insert((keys::LEADER.to_owned(), "Leader".to_owned()));
    // And what no transaction holds.
    written.insert((keys::PENDING.to_owned(), "Pending".to_owned()));
    written.insert((format!("{}<part>", keys::PENDING_PARTS), "PendingPart".to_owned()));
    assert_eq!(table(), written);
}
