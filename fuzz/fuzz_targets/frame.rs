//! Messages in frames: where frames are cut changes nothing, and no more is held than has come.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use straddle::fuzzing::{Found, follow, split};

// The input: two bytes for the limit, one that says how many cuts follow, the cuts, the bytes to be cut.
fuzz_target!(|input: &[u8]| {
    let [high, low, cuts, rest @ ..] = input else { return };
    let limit = u16::from_be_bytes([*high, *low]);
    let (cuts, bytes) = rest.split_at(usize::from(*cuts).min(rest.len()));

    let whole = [Bytes::copy_from_slice(bytes)];
    let frames = cut(bytes, cuts);
    let single: Vec<Bytes> = bytes.iter().map(|byte| Bytes::copy_from_slice(&[*byte])).collect();

    let found = split(&whole, limit.into());
    check(&found, bytes, limit);
    for frames in [&frames, &single] {
        let other = split(frames, limit.into());
        assert_eq!(found.messages, other.messages);
        assert_eq!(found.fault, other.fault);
        check(&other, bytes, limit);
    }

    // What only follows the prefixes finds the same message too large.
    let followed = follow(&whole, limit.into());
    for frames in [&frames, &single] {
        assert_eq!(followed, follow(frames, limit.into()));
    }
    match found.fault.as_deref() {
        None => assert_eq!(followed, None),
        Some(fault) if fault.contains("larger than the limit") => assert!(followed.is_some(), "{fault}"),
        // It does not look at flags.
        Some(_) => {}
    }
});

/// Cuts where the running sum of `cuts` falls; a cut of 0 makes an empty frame.
fn cut(bytes: &[u8], cuts: &[u8]) -> Vec<Bytes> {
    let mut rest = Bytes::copy_from_slice(bytes);
    let mut frames: Vec<Bytes> = cuts.iter().map(|cut| rest.split_to(usize::from(*cut).min(rest.len()))).collect();
    frames.push(rest);
    frames
}

fn check(found: &Found, bytes: &[u8], limit: u16) {
    let mut rest = bytes;
    for (compressed, message) in &found.messages {
        assert!(message.len() <= usize::from(limit));
        let (head, tail) = rest.split_at(5);
        assert_eq!(head[0] == 1, *compressed);
        assert_eq!(&tail[..message.len()], &message[..]);
        rest = &tail[message.len()..];
    }
    // A prefix is believed up to 128 bytes for each that came, and a large buffer that is used again may have four times the
    // size that was asked for; a buffer of few bytes has no less than 64.
    assert!(found.held <= 4 * 128 * bytes.len() + 64, "{} bytes came, {} are held", bytes.len(), found.held);
}
