//! Envelopes: messages that carry their label outside of RPC.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "support/shop.rs"]
mod shop;

use prost::Message;
use straddle::inventory::generated::{self, v1_0_0, v1_1_0};
use straddle::protocol::plan::Use;
use straddle::rewrite::{Envelope, EnvelopeError, Limits};
use straddle::{Protocol, Version};

/// What an envelope is on the wire, written down here once more: it must never change.
#[derive(Clone, PartialEq, Message)]
struct Wire {
    #[prost(string, tag = "1")]
    protocol: String,
    #[prost(string, tag = "2")]
    version: String,
    #[prost(string, tag = "3")]
    message_type: String,
    #[prost(bytes = "vec", tag = "4")]
    message: Vec<u8>,
    #[prost(string, tag = "5")]
    schema: String,
    /// What a later version of the envelope may add.
    #[prost(string, optional, tag = "77")]
    later: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct OldItem {
    #[prost(string, tag = "1")]
    sku: String,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(int64, tag = "3")]
    price_cents: i64,
    #[prost(string, tag = "4")]
    note: String,
}

#[derive(Clone, PartialEq, Message)]
struct NewItem {
    #[prost(string, tag = "1")]
    sku: String,
    #[prost(string, tag = "2")]
    title: String,
    #[prost(string, tag = "7")]
    grade: String,
    #[prost(message, optional, tag = "9")]
    price: Option<Price>,
}

#[derive(Clone, PartialEq, Message)]
struct Price {
    #[prost(int64, tag = "1")]
    units: i64,
}

fn shop() -> Protocol {
    Protocol::load(folder::folder(shop::SHOP).path()).expect("the shop")
}

fn anvil() -> OldItem {
    OldItem { sku: "a".into(), name: "Anvil".into(), price_cents: 4_900, note: String::new() }
}

fn sealed(protocol: &Protocol, item: &OldItem) -> Envelope {
    Envelope::seal(protocol, "1.0.0", "shop.v1.Item", item.encode_to_vec()).expect("an envelope")
}

/// The envelope of the anvil, for tests that change it.
fn wire() -> Wire {
    let wire = Wire::decode(sealed(&shop(), &anvil()).encode_to_vec().as_slice()).expect("a message");
    assert_eq!(wire.message, anvil().encode_to_vec());
    wire
}

fn opened(wire: &Wire) -> Result<(), EnvelopeError> {
    let converted = shop().open(Envelope::decode(wire.encode_to_vec())?)?.into_version("2.0.0")?;
    converted.decode::<NewItem>().map(|_| ())
}

#[test]
fn a_message_comes_out_in_the_version_that_its_reader_asks_for() {
    let protocol = shop();
    let bytes = sealed(&protocol, &anvil()).encode_to_vec();
    let envelope = Envelope::decode(bytes).expect("an envelope");
    assert_eq!((envelope.protocol(), envelope.message_type()), ("shop", "shop.v1.Item"));
    assert_eq!(envelope.version(), &Version::new(1, 0, 0));
    assert_eq!(envelope.schema(), Some(protocol.versions()[0].digest()));

    let converted = protocol.open(envelope.clone()).expect("its own").into_version("2.0.0").expect("a rewrite");
    assert_eq!((converted.message_type(), converted.version()), ("shop.v2.StockItem", &Version::new(2, 0, 0)));
    let item: NewItem = converted.decode().expect("a message");
    let price = Some(Price { units: 49 });
    assert_eq!(item, NewItem { sku: "a".into(), title: "Anvil".into(), grade: "A".into(), price });

    // The new envelope goes on by itself, here back to where it came from.
    let back = Envelope::decode(converted.into_envelope().encode_to_vec()).expect("an envelope");
    let back = protocol.open(back).expect("its own").into_version("1.0.7").expect("a rewrite");
    assert_eq!(back.decode::<OldItem>().expect("a message"), anvil());

    // In its own version a message stays as it is, byte for byte.
    let same = protocol.open(envelope.clone()).expect("its own").into_version("1.0.0").expect("no rewrite");
    assert_eq!((same.bytes().clone(), same.into_envelope()), (envelope.message().clone(), envelope));
}

#[test]
fn generated_messages_travel_between_generated_versions() {
    let protocol = generated::protocol();
    let item = v1_0_0::Item { sku: "a".into(), stock: 7, ..Default::default() };
    let envelope = Envelope::seal_message(&protocol, v1_0_0::LABEL.version, &item).expect("an envelope");
    assert_eq!(envelope.message_type(), "inventory.v1.Item");
    let bytes = envelope.encode_to_vec();
    let opened = protocol.open(Envelope::decode(bytes).expect("an envelope")).expect("its own");
    let converted = opened.into_version(v1_1_0::LABEL.version).expect("a rewrite");
    let item: v1_1_0::Item = converted.message().expect("a message");
    assert_eq!((item.sku.as_str(), item.stock), ("a", 7));
    let error = converted.message::<v1_1_0::Box>().expect_err("another type").to_string();
    assert!(error.contains("inventory.v1.Box is wanted"), "{error}");
}

#[test]
fn an_opener_opens_many_as_a_protocol_opens_one() {
    let opener = shop().opener();
    for cents in [0, 100, 4_900, 100] {
        let envelope = sealed(opener.protocol(), &OldItem { price_cents: cents, ..anvil() });
        let converted = opener.clone().open(envelope).expect("its own").into_version("2.0.0").expect("a rewrite");
        let item: NewItem = converted.decode().expect("a message");
        assert_eq!(item.price.map_or(0, |price| price.units), cents / 100);
    }
    // What has no counterpart has none the second time either.
    for _ in 0..2 {
        let audit = Envelope::seal(opener.protocol(), "2.0.0", "shop.v2.Audit", Vec::new()).expect("an envelope");
        let error = opener.open(audit).expect("its own").into_version("1.0.0").expect_err("no counterpart");
        assert!(matches!(error, EnvelopeError::NoRewrite(_)), "{error}");
        assert!(error.to_string().contains("step.toml"), "{error}");
    }
}

#[test]
fn fields_come_in_any_order_and_unknown_ones_are_passed_over() {
    let wire = wire();
    // Each field by itself, the last one first, with one in between that nobody knows, and one that comes twice.
    let parts = [
        Wire { later: Some("news".into()), ..Wire::default() },
        Wire { message: wire.message.clone(), ..Wire::default() },
        Wire { version: "9.9.9".into(), ..Wire::default() },
        Wire { message_type: wire.message_type.clone(), ..Wire::default() },
        Wire { version: wire.version.clone(), ..Wire::default() },
        Wire { protocol: wire.protocol.clone(), ..Wire::default() },
    ];
    let bytes: Vec<u8> = parts.iter().flat_map(Message::encode_to_vec).collect();
    let envelope = Envelope::decode(bytes).expect("an envelope");
    assert_eq!((envelope.version(), envelope.schema()), (&Version::new(1, 0, 0), None));
    let item = shop().open(envelope).expect("its own").into_version("2.0.0").expect("a rewrite").decode::<NewItem>();
    assert_eq!(item.expect("a message").title, "Anvil");
}

#[test]
fn what_is_no_envelope_is_malformed_and_says_where() {
    let wire = wire();
    let long = |bytes: usize| "x".repeat(bytes);
    let fine = wire.encode_to_vec();
    assert!(Envelope::decode(fine.clone()).is_ok());
    for (bytes, said) in [
        (b"no envelope".to_vec(), "no protobuf"),
        (fine[..fine.len() - 1].to_vec(), "no protobuf"),
        (Vec::new(), "`protocol` is empty"),
        (Wire { protocol: String::new(), ..wire.clone() }.encode_to_vec(), "`protocol` is empty"),
        (Wire { message_type: String::new(), ..wire.clone() }.encode_to_vec(), "`type` is empty"),
        (Wire { version: String::new(), ..wire.clone() }.encode_to_vec(), "`version`"),
        (Wire { version: "two".into(), ..wire.clone() }.encode_to_vec(), "`two` is not a version"),
        (Wire { version: format!("1.0.0-{}", long(123)), ..wire.clone() }.encode_to_vec(), "at most 128"),
        (Wire { protocol: long(257), ..wire.clone() }.encode_to_vec(), "may have 256"),
        (Wire { message_type: long(1025), ..wire.clone() }.encode_to_vec(), "may have 1024"),
        (Wire { schema: long(129), ..wire.clone() }.encode_to_vec(), "may have 128"),
        // A string that is no UTF-8.
        (b"\x0a\x02\xff\xfe".to_vec(), "no protobuf"),
    ] {
        let error = Envelope::decode(bytes).expect_err(said);
        assert!(matches!(error, EnvelopeError::Malformed { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(said) && text.contains("straddle.v1.Envelope") && text.len() < 400, "{text}");
    }
    let longest = Wire { protocol: long(256), message_type: long(1024), schema: long(128), ..wire };
    assert!(Envelope::decode(longest.encode_to_vec()).is_ok());
}

#[test]
fn an_envelope_that_its_reader_cannot_be_sure_of_is_told_so() {
    let wire = wire();
    let error = |wire: Wire| opened(&wire).expect_err("an error").to_string();
    assert!(opened(&wire).is_ok());
    let text = error(Wire { protocol: "shoe".into(), ..wire.clone() });
    assert!(text.contains("\"shoe\"") && text.contains("\"shop\""), "{text}");
    let text = error(Wire { version: "3.0.0".into(), ..wire.clone() });
    assert!(text.contains("shop has no version 3.0.0; it has 1.0.0, 2.0.0, 2.1.0; a newer program"), "{text}");
    let text = error(Wire { schema: "0123".into(), ..wire.clone() });
    assert!(text.contains("1.0.0 has the schema 0123") && text.contains("does not change"), "{text}");
    let text = error(Wire { message_type: "shop.v1.Itme".into(), ..wire.clone() });
    assert!(text.contains("shop 1.0.0 declares no message `shop.v1.Itme`; did you mean `shop.v1.Item`?"), "{text}");
    // The digest is that of its version, whatever its patch number.
    assert!(opened(&Wire { version: "1.0.9".into(), ..wire.clone() }).is_ok());
    let text = error(Wire { message: b"\x0a\x05a".to_vec(), ..wire });
    assert!(text.contains("the message is no such shop.v1.Item"), "{text}");
}

#[test]
fn sealing_takes_only_what_the_protocol_declares() {
    let protocol = shop();
    let error = |version: &str, message: &str| {
        Envelope::seal(&protocol, version, message, Vec::new()).expect_err("an error").to_string()
    };
    assert!(error("4.0.0", "shop.v1.Item").contains("no version 4.0.0"));
    assert!(error("one", "shop.v1.Item").contains("`one` is not a version"));
    assert!(error("2.0.0", "shop.v1.Item").contains("shop 2.0.0 declares no message `shop.v1.Item`"));
    let opened = protocol.open(sealed(&protocol, &anvil())).expect("its own");
    assert!(opened.into_version("4.0.0").is_err_and(|error| error.to_string().contains("no version 4.0.0")));
}

#[test]
fn what_is_kept_is_refused_where_it_would_be_lost_unless_it_is_read_as_something_else() {
    let protocol = shop();
    let noted = OldItem { note: "fragile".into(), ..anvil() };
    let error = protocol.open(sealed(&protocol, &noted)).expect("its own").into_version("2.0.0").expect_err("a loss");
    assert_eq!(error.refusal().and_then(|refusal| refusal.path()), Some("note"), "{error}");

    // A field of 2.1.0 that 2.0.0 does not know: kept data refuse, a request keeps it.
    let grown = Wire { protocol: "top".into(), ..Wire::default() }.encode_to_vec();
    let shelf = [b"\x52".as_slice(), &grown[1..]].concat();
    let envelope = Envelope::seal(&protocol, "2.1.0", "shop.v2.StockItem", shelf.clone()).expect("an envelope");
    let open = || protocol.open(envelope.clone()).expect("its own");
    let error = open().into_version("2.0.0").expect_err("a loss");
    assert_eq!(error.refusal().and_then(|refusal| refusal.path()), Some("shelf"), "{error}");
    let kept = open().as_use(Use::Request).into_version("2.0.0").expect("no loss");
    assert_eq!(kept.bytes().as_ref(), shelf);
}

#[test]
fn a_message_takes_no_more_than_its_limits() {
    let protocol = shop();
    let long = OldItem { name: "x".repeat(10_000), ..anvil() };
    let open = || protocol.open(sealed(&protocol, &long)).expect("its own");
    let error =
        open().limits(Limits { output: 1_000, ..Limits::default() }).into_version("2.0.0").expect_err("a limit");
    assert!(matches!(error, EnvelopeError::TooMuch { .. }), "{error}");
    assert!(open().into_version("2.0.0").is_ok());
}

#[test]
fn a_message_read_as_another_type_is_told_so() {
    let protocol = shop();
    let converted =
        protocol.open(sealed(&protocol, &anvil())).expect("its own").into_version("2.0.0").expect("a rewrite");
    let error = converted.decode::<Price>().expect_err("another type").to_string();
    assert!(
        error.contains("no such shop.v2.StockItem of 2.0.0") && error.contains("the type that it is read as"),
        "{error}"
    );
}
