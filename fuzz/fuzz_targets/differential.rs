//! The engine against the plain interpreter, and its ways that make haste against the careful one.
//!
//! The input: two bytes for the rewrite, then the message. For the interpreter, what the bytes mean is compared, so they are
//! written anew first, without what their version does not know: what comes of that depends on an order that a decoded
//! message has lost.

#![no_main]

#[path = "../support/ways.rs"]
mod ways;

use std::cell::OnceCell;

use libfuzzer_sys::fuzz_target;
use prost::Message as _;
use prost_reflect::{DynamicMessage, Value};
use straddle::Protocol;
use straddle::verify::judge::{Known, Trial, Verdict};
use straddle::verify::same;
use ways::Way;

thread_local! {
    static WAYS: OnceCell<(Vec<Protocol>, Vec<Way>)> = const { OnceCell::new() };
}

fuzz_target!(|input: &[u8]| {
    WAYS.with(|all| {
        let (protocols, all) = all.get_or_init(|| {
            let protocols = ways::protocols(&["tests/data/everything", "schemas/inventory", "fuzz/chain"]);
            let ways = ways::ways(&protocols);
            (protocols, ways)
        });
        let Some((way, message)) = ways::choose(all, input) else { return };
        let protocol = &protocols[way.protocol];
        let known = Known::new(protocol, way.to);
        let trial = Trial {
            protocol,
            from: way.from,
            to: way.to,
            used: way.used,
            source: way.source.clone(),
            target: way.target.clone(),
            rewrite: way.rewrite.clone(),
            known: &known,
        };
        assert_eq!(trial.swift_fault(message), None, "with haste and with care");
        let Ok(message) = DynamicMessage::decode(way.source.clone(), message) else { return };
        let mut message = same::without_unknown_fields(&message);
        without_negative_zeros(&mut message);
        let bytes = message.encode_to_vec();
        assert!(!matches!(trial.judge(&bytes), Verdict::Wrong(_)), "{}", trial.told(&bytes));
    });
});

/// What decodes messages for the reference takes a negative zero for no value at all.
fn without_negative_zeros(message: &mut DynamicMessage) {
    message.fields_mut().for_each(|(_, value)| positive(value));
}

fn positive(value: &mut Value) {
    match value {
        Value::F32(value) => *value = if *value == 0.0 { 0.0 } else { *value },
        Value::F64(value) => *value = if *value == 0.0 { 0.0 } else { *value },
        Value::Message(inner) => without_negative_zeros(inner),
        Value::List(values) => values.iter_mut().for_each(positive),
        Value::Map(values) => values.values_mut().for_each(positive),
        _ => {}
    }
}
