//! Envelopes: what is none is told so, and what is one says the same when it is written again.

#![no_main]

#[path = "../support/ways.rs"]
#[allow(dead_code)]
mod ways;

use std::cell::OnceCell;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use straddle::Protocol;
use straddle::rewrite::{Envelope, Opener};

thread_local! {
    static OPENER: OnceCell<Opener> = const { OnceCell::new() };
}

fuzz_target!(|input: &[u8]| {
    let envelope = match Envelope::decode(Bytes::copy_from_slice(input)) {
        Ok(envelope) => envelope,
        Err(error) => {
            assert!(error.to_string().len() < 2000, "{} bytes", error.to_string().len());
            return;
        }
    };
    let again = Envelope::decode(envelope.encode_to_vec()).expect("what was written");
    assert_eq!(again.version(), envelope.version());
    assert_eq!(again.message_type(), envelope.message_type());
    assert_eq!(again.message(), envelope.message());
    OPENER.with(|opener| {
        let opener = opener.get_or_init(|| ways::protocols(&["schemas/inventory"]).remove(0).opener());
        let versions = opener.protocol().versions();
        for version in versions.iter().map(|schema| schema.version().to_string()) {
            let Ok(opened) = opener.open(envelope.clone()) else { return };
            if let Ok(converted) = opened.into_version(&version) {
                assert!(declares(opener.protocol(), &version, converted.message_type()));
            }
        }
    });
});

fn declares(protocol: &Protocol, version: &str, message: &str) -> bool {
    let schema = protocol.versions().iter().find(|schema| schema.version().to_string() == version);
    schema.is_some_and(|schema| schema.pool().get_message_by_name(message).is_some())
}
