//! Rewrites of any bytes: no panic, nothing beyond the limits, and what can be read before can be read after.
//!
//! The input: two bytes for the rewrite, then the message.

#![no_main]

#[path = "../support/ways.rs"]
#[allow(dead_code)]
mod ways;

use std::cell::OnceCell;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use prost::Message as _;
use prost_reflect::DynamicMessage;
use straddle::rewrite::{Limits, RewriteError};
use straddle::verify::same;
use ways::Way;

thread_local! {
    static WAYS: OnceCell<Vec<Way>> = const { OnceCell::new() };
}

fuzz_target!(|input: &[u8]| {
    WAYS.with(|all| {
        let all = all.get_or_init(|| {
            ways::ways(&ways::protocols(&["tests/data/everything", "schemas/inventory", "fuzz/chain"]))
        });
        if let Some((way, message)) = ways::choose(all, input) {
            run(way, &Bytes::copy_from_slice(message));
        }
    });
});

fn run(way: &Way, message: &Bytes) {
    if let Err(RewriteError::Malformed { offset, .. }) = way.rewrite.apply(message, &Limits::default()) {
        assert!(offset <= message.len(), "malformed at byte {offset} of {}", message.len());
    }
    // What a version does not know passes, whether or not it is what another version takes it for.
    if let Ok(readable) = DynamicMessage::decode(way.source.clone(), message.clone()) {
        let known = Bytes::from(same::without_unknown_fields(&readable).encode_to_vec());
        if let Ok(rewritten) = way.rewrite.apply(&known, &Limits::default()) {
            let read = DynamicMessage::decode(way.target.clone(), rewritten.into_bytes());
            assert!(read.is_ok(), "{} became what cannot be read: {read:?}", way.source.full_name());
        }
    }
    for limits in [Limits { depth: 3, output: 64 }, Limits { depth: 100, output: message.len() }] {
        if let Ok(rewritten) = way.rewrite.apply(message, &limits) {
            assert!(rewritten.len() <= limits.output, "{} bytes of {}", rewritten.len(), limits.output);
        }
    }
}
