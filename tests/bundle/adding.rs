//! A protocol learns versions from bundles.

use straddle::Protocol;
use straddle::bundle::{Bundle, BundleError};
use straddle::protocol::plan::Use;
use straddle::rewrite::{Limits, Rewrite};

use crate::shop::SHOP;
use crate::{load, told, version};

/// The shop without versions after this one.
fn shop_until(last: &str) -> Protocol {
    let files: Vec<_> =
        SHOP.iter().filter(|(path, _)| path.starts_with("protocol") || *path <= last_file(last)).copied().collect();
    load(&files)
}

fn last_file(last: &str) -> &'static str {
    match last {
        "1.0.0" => "1.0.0/z",
        "2.0.0" => "2.0.0/z",
        _ => "2.1.0/z",
    }
}

/// The shop with one file in other words.
fn shop_with(path: &str, from: &str, to: &str) -> Protocol {
    let text = SHOP.iter().find(|(name, _)| *name == path).expect(path).1;
    assert!(text.contains(from), "{from:?} is not in {path}");
    let text = text.replacen(from, to, 1);
    let files: Vec<(&str, &str)> =
        SHOP.iter().map(|(name, old)| (*name, if *name == path { text.as_str() } else { *old })).collect();
    load(&files)
}

fn step(protocol: &Protocol, from: &str, to: &str) -> Bundle {
    Bundle::of_step(protocol, &version(from), &version(to)).expect("a bundle")
}

fn whole(protocol: &Protocol) -> Bundle {
    Bundle::of_protocol(protocol).expect("a bundle")
}

#[test]
fn a_program_that_was_built_before_a_version_learns_it_step_by_step_or_at_once() {
    let all = load(SHOP);
    let built = shop_until("1.0.0");
    assert_eq!(built.versions().len(), 1);
    let learned = built.with_bundle(&step(&all, "1.0.0", "2.0.0")).expect("one more version");
    assert_eq!(learned.versions().len(), 2);
    let learned = learned.with_bundle(&step(&all, "2.0.0", "2.1.0")).expect("another");
    assert_eq!(told(&learned), told(&all));
    assert_eq!(told(&built.with_bundle(&whole(&all)).expect("all at once")), told(&all));
}

#[test]
fn what_is_said_of_streams_is_learned_with_their_methods_and_stays_what_it_is_of_others() {
    let watch = |more: &str| {
        format!(
            "syntax = \"proto3\";\npackage shop.v1;\nmessage Query {{ uint64 after = 1; }}\n\
             message Event {{ uint64 revision = 1; uint64 other = 2; }}\n\
             service Shop {{ rpc Watch(Query) returns (stream Event); {more} }}\n"
        )
    };
    let (first, second) = (watch(""), watch("rpc Follow(Query) returns (stream Event);"));
    let named = |from: &str, follow: &str| {
        let watch = format!("\"shop.v1.Shop.Watch\" = {{ from = \"{from}\", into = \"after\" }}\n");
        format!("name = \"shop\"\n[resume]\n{watch}{follow}")
    };
    let follow = "\"shop.v1.Shop.Follow\" = { from = \"revision\", into = \"after\" }\n";
    let built = load(&[("protocol.toml", named("revision", "").as_str()), ("1.0.0/shop.proto", first.as_str())]);
    let all = load(&[
        ("protocol.toml", named("other", follow).as_str()),
        ("1.0.0/shop.proto", first.as_str()),
        ("1.1.0/shop.proto", second.as_str()),
    ]);
    for bundle in [step(&all, "1.0.0", "1.1.0"), whole(&all)] {
        let bundle = Bundle::read(bundle.to_bytes()).expect("a bundle");
        let learned = built.with_bundle(&bundle).expect("one more version");
        let told: Vec<_> = learned.resume().iter().map(|entry| (entry.method(), entry.from())).collect();
        assert_eq!(told, [("shop.v1.Shop.Watch", "revision"), ("shop.v1.Shop.Follow", "revision")]);
        assert!(learned.versions()[1].methods().iter().all(|method| method.resume().is_some()));
    }
}

#[test]
fn what_was_learned_rewrites_messages_as_what_was_built_in_does() {
    let all = load(SHOP);
    let learned = shop_until("1.0.0").with_bundle(&whole(&all)).expect("all versions");
    // sku = 1: "a", name = 2: "Anvil", price_cents = 3: 4900
    let item = b"\x0a\x01a\x12\x05Anvil\x18\xa4\x26".to_vec();
    let convert = |protocol: &Protocol| {
        let rewrite = Rewrite::new(protocol, 0, 2, "shop.v1.Item", Use::Request).expect("a rewrite");
        rewrite.apply(&item.clone().into(), &Limits::default()).expect("a message").into_bytes()
    };
    assert_eq!(convert(&learned), convert(&all));
    assert_ne!(convert(&learned), item);
}

#[test]
fn a_bundle_that_brings_nothing_new_changes_nothing() {
    let all = load(SHOP);
    for bundle in [step(&all, "1.0.0", "2.0.0"), step(&all, "2.0.0", "2.1.0"), whole(&all), whole(&shop_until("2.0.0"))]
    {
        assert_eq!(told(&all.with_bundle(&bundle).expect("the same")), told(&all));
    }
}

#[test]
fn versions_that_are_older_than_the_protocol_are_passed_over() {
    let all = load(SHOP);
    let young = step(&all, "1.0.0", "2.0.0").protocol().expect("a protocol");
    assert_eq!(young.versions().len(), 2);
    let later = step(&all, "2.0.0", "2.1.0").protocol().expect("a protocol that begins with 2.0.0");
    assert_eq!(told(&later.with_bundle(&whole(&all)).expect("nothing new")), told(&later));
    assert_eq!(told(&young.with_bundle(&whole(&all)).expect("one more")), told(&all));
}

#[test]
fn a_step_to_the_oldest_version_adds_the_one_before_it() {
    let all = load(SHOP);
    let later = step(&all, "2.0.0", "2.1.0").protocol().expect("a protocol that begins with 2.0.0");
    let learned = later.with_bundle(&step(&all, "1.0.0", "2.0.0")).expect("one before");
    assert_eq!(told(&learned), told(&all));
    assert_eq!(told(&learned.with_bundle(&step(&all, "1.0.0", "2.0.0")).expect("the same again")), told(&all));
    let other = step(&shop_with("2.0.0/shop.proto", "string who = 1;", "string whom = 1;"), "1.0.0", "2.0.0");
    assert!(later.with_bundle(&other).expect_err("another 2.0.0").is_contradiction());
}

/// One version after another, of one package.
const PLAIN: [(&str, &str); 4] = [
    ("protocol.toml", "name = \"plain\"\n"),
    (
        "1.0.0/plain.proto",
        "syntax = \"proto3\"; package plain; message M { int64 old = 2; } service P { rpc Do(M) returns (M); }",
    ),
    ("1.1.0/plain.proto", "syntax = \"proto3\"; package plain; message M {} service P { rpc Do(M) returns (M); }"),
    (
        "1.2.0/plain.proto",
        "syntax = \"proto3\"; package plain; message M { string new = 2; } service P { rpc Do(M) returns (M); }",
    ),
];

#[test]
fn a_version_beside_which_others_would_be_served_differently_is_not_added() {
    let all = load(&PLAIN);
    let older = step(&all, "1.0.0", "1.1.0");
    // 1.2.0 uses a number that was free until 1.0.0 came to light.
    let both = step(&all, "1.1.0", "1.2.0").protocol().expect("a protocol");
    let unlabelled = both.with_bundle(&older).expect_err("unlabelled callers").to_string();
    assert!(unlabelled.contains("callers of plain without a label"), "{unlabelled}");
    let pinned = load(&[("protocol.toml", "name = \"plain\"\nunlabelled = \"1.1.0\"\n"), PLAIN[2], PLAIN[3]]);
    let numbers = pinned.with_bundle(&older).expect_err("another meaning").to_string();
    assert!(numbers.contains("methods would cross the step to 1.2.0 in another way"), "{numbers}");
}

#[test]
fn what_does_not_fit_the_protocol_is_refused_and_says_why() {
    let all = load(SHOP);
    let changed_schema = shop_with("2.0.0/shop.proto", "string who = 1;", "string whom = 1;");
    let changed_step = shop_with("2.0.0/step.toml", "value = \"A\"", "value = \"B\"");
    let other_name = shop_with("protocol.toml", "shop", "ship");
    let without_middle = {
        let files: Vec<_> = SHOP.iter().filter(|(path, _)| !path.starts_with("2.0.0")).copied().collect();
        load(&files)
    };
    let cases: &[(&str, Protocol, Bundle, &str)] = &[
        ("another protocol", all.clone(), whole(&other_name), "the bundle is of the protocol ship, not of shop"),
        ("a gap", shop_until("1.0.0"), step(&all, "2.0.0", "2.1.0"), "add the bundle of the step from 1.0.0 first"),
        ("a gap in the bundle", all.clone(), whole(&without_middle), "2.0.0 stands between"),
        ("a gap in the protocol", without_middle.clone(), whole(&all), "2.0.0 stands between"),
        ("a gap, by a step", without_middle, step(&all, "1.0.0", "2.0.0"), "2.0.0 stands between"),
        ("another schema", all.clone(), whole(&changed_schema), "2.0.0 has the schema"),
        ("another older side", shop_until("2.0.0"), step(&changed_schema, "2.0.0", "2.1.0"), "2.0.0 has the schema"),
        ("another step", all.clone(), step(&changed_step, "1.0.0", "2.0.0"), "the step to 2.0.0 is another one here"),
        (
            "nothing in common",
            step(&all, "2.0.0", "2.1.0").protocol().expect("a protocol"),
            whole(&shop_until("1.0.0")),
            "no version of the bundle is one of shop, which begins with 2.0.0",
        ),
    ];
    for (name, protocol, bundle, said) in cases {
        let error = protocol.with_bundle(bundle).expect_err(name);
        assert!(BundleError::is_contradiction(&error), "{name}: {error}");
        assert!(error.to_string().contains(said), "{name}: {said:?} is not in {error}");
    }
    // How 2.0.0 came about is not what this bundle is about.
    assert!(shop_until("2.0.0").with_bundle(&step(&changed_step, "2.0.0", "2.1.0")).is_ok());
}
