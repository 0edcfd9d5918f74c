//! Bundles: what is none is told so, and what is one says the same when it is written again, is a protocol or is told
//! why not, and is added to a protocol or is told why not.

#![no_main]

#[path = "../support/ways.rs"]
#[allow(dead_code)]
mod ways;

use std::cell::OnceCell;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use straddle::Protocol;
use straddle::bundle::{Bundle, BundleError};

thread_local! {
    static OWN: OnceCell<Protocol> = const { OnceCell::new() };
}

fuzz_target!(|input: &[u8]| {
    // As it is: nearly always the digest is wrong.
    let as_it_is = Bundle::read(Bytes::copy_from_slice(input));
    // And with a digest that is right, so that what lies behind it is met as well. A body without a head will do.
    let framed = framed(input.strip_prefix(MAGIC).and_then(|rest| rest.get(8..)).unwrap_or(input));
    for bundle in [as_it_is, Bundle::read(framed)] {
        match bundle {
            Ok(bundle) => use_it(&bundle),
            Err(error) => short(&error),
        }
    }
});

const MAGIC: &[u8] = b"straddle bundle\n";

fn framed(rest: &[u8]) -> Vec<u8> {
    // A whole file has its digest and the word that it is not signed behind the body; of a bare body no more than that is
    // lost.
    let body = &rest[..rest.len().saturating_sub(33)];
    let length = u32::try_from(body.len()).expect("what the fuzzer makes is short");
    let mut file = [MAGIC, &1u32.to_be_bytes(), &length.to_be_bytes(), body].concat();
    let digest = Sha256::digest(&file);
    file.extend(digest);
    file.push(0);
    file
}

fn use_it(bundle: &Bundle) {
    let again = Bundle::read(bundle.to_bytes()).expect("what was written");
    assert_eq!(again.digest(), bundle.digest());
    assert_eq!(again.versions().len(), bundle.versions().len());
    match bundle.protocol() {
        Ok(protocol) => {
            assert_eq!(protocol.versions().len(), bundle.versions().len());
            let rewritten = Bundle::of_protocol(&protocol).expect("what came out of a bundle goes into one");
            assert_eq!(rewritten.protocol().expect("the same").versions().len(), protocol.versions().len());
            // Whatever it is, it has itself.
            assert_eq!(protocol.with_bundle(bundle).expect("the same").versions().len(), protocol.versions().len());
        }
        Err(error) => short(&error),
    }
    OWN.with(|own| {
        let own = own.get_or_init(|| ways::protocols(&["fuzz/chain"]).remove(0));
        match own.with_bundle(bundle) {
            Ok(learned) => assert!(learned.versions().len() >= own.versions().len()),
            Err(error) => short(&error),
        }
    });
}

/// What is told of bytes from outside stays readable, however large they are.
fn short(error: &BundleError) {
    assert!(error.to_string().len() < 200_000, "{} bytes", error.to_string().len());
}
