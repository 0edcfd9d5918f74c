//! Several hops at once: what comes of them is what comes of one after the other.
//!
//! The input: two bytes for the rewrite, then the message.

#![no_main]

#[path = "../support/ways.rs"]
mod ways;

use std::cell::OnceCell;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use prost_reflect::DynamicMessage;
use straddle::Protocol;
use straddle::rewrite::Limits;
use straddle::verify::judge::Known;
use straddle::verify::same;
use ways::Way;

thread_local! {
    static WAYS: OnceCell<(Vec<Protocol>, Vec<Way>)> = const { OnceCell::new() };
}

fuzz_target!(|input: &[u8]| {
    WAYS.with(|all| {
        let (protocols, all) = all.get_or_init(|| {
            let protocols = ways::protocols(&["fuzz/chain", "schemas/inventory"]);
            let mut all = ways::ways(&protocols);
            all.retain(|way| way.from.abs_diff(way.to) > 1);
            (protocols, all)
        });
        let Some((way, message)) = ways::choose(all, input) else { return };
        let message = Bytes::copy_from_slice(message);
        let Some(at_once) = way.rewrite.apply_at_once(&message, &Limits::default()) else { return };
        // What cannot be read is no message, and where that is found out may differ.
        if DynamicMessage::decode(way.source.clone(), message.clone()).is_err() {
            return;
        }
        let one_by_one = way.rewrite.apply_hop_by_hop(&message, &Limits::default());
        let one_by_one = one_by_one.unwrap_or_else(|error| panic!("only hop by hop: {error}"));
        let read = |bytes| DynamicMessage::decode(way.target.clone(), bytes);
        // What a version does not know passes, whether or not it is what another version takes it for.
        let Ok(one_by_one) = read(one_by_one.into_bytes()) else { return };
        let at_once = read(at_once.into_bytes()).unwrap_or_else(|error| panic!("only at once: {error}"));
        let known = Known::new(&protocols[way.protocol], way.to);
        let found = same::difference(&one_by_one, &at_once, &known);
        assert!(found.is_none(), "{}: {found:?}", way.source.full_name());
    });
});
