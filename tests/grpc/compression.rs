//! Compressed calls: tonic's own server reads their requests.

use std::io::Read;

use bytes::Bytes;
use tonic::Code;

use crate::service::{Call, Config, KINDS, message, ours, tonics};

/// A gzip member whose only block is stored, not compressed (RFC 1951 §3.2.4, RFC 1952 §2.3).
fn gzipped(text: &str) -> Vec<u8> {
    let plain = &message(text)[5..];
    let length = u16::try_from(plain.len()).unwrap();
    let crc = !plain.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    });
    let member = [
        &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1][..],
        &length.to_le_bytes(),
        &(!length).to_le_bytes(),
        plain,
        &crc.to_le_bytes(),
        &u32::from(length).to_le_bytes(),
    ]
    .concat();
    [&[1][..], &u32::try_from(member.len()).unwrap().to_be_bytes(), &member].concat()
}

#[tokio::test]
async fn compressed_requests_are_read_where_the_server_takes_them() {
    let call = Call { headers: vec![("grpc-encoding", "gzip")], ..Call::of([gzipped("squeezed")]) };
    let config = Config { compressed: true, ..Config::default() };
    for kind in KINDS {
        let seen = ours(kind, config, call.clone()).await;
        assert_eq!(seen.data, message("squeezed"), "{kind:?}");
        assert_eq!(seen, tonics(kind, config, call.clone()).await);
    }
}

#[tokio::test]
async fn large_answers_are_compressed_for_callers_that_take_it() {
    let text = "squeeze this ".repeat(100);
    let call = Call { headers: vec![("grpc-accept-encoding", "br, gzip")], ..Call::of([message(&text)]) };
    let config = Config { compressed: true, ..Config::default() };
    for kind in KINDS {
        let (seen, theirs) = (ours(kind, config, call.clone()).await, tonics(kind, config, call.clone()).await);
        assert_eq!(seen.headers, theirs.headers, "{kind:?}");
        assert_eq!(seen.headers["grpc-encoding"], "gzip");
        assert_eq!(seen.trailers, theirs.trailers);
        assert_eq!(plain(&seen.data), plain(&theirs.data));
        assert_eq!(plain(&seen.data), message(&text)[5..]);
    }
}

/// What one compressed message holds.
fn plain(data: &[u8]) -> Vec<u8> {
    assert_eq!(data[0], 1, "a compressed message");
    assert_eq!(data[1..5], u32::try_from(data.len() - 5).unwrap().to_be_bytes());
    let mut plain = Vec::new();
    flate2::bufread::GzDecoder::new(&data[5..]).read_to_end(&mut plain).unwrap();
    plain
}

#[tokio::test]
async fn small_answers_stay_plain_and_so_do_those_of_servers_that_send_none() {
    let large = "x".repeat(2_000);
    for (compressed, text) in [(true, "small"), (false, &large)] {
        let call = Call { headers: vec![("grpc-accept-encoding", "gzip")], ..Call::of([message(text)]) };
        let config = Config { compressed, ..Config::default() };
        for kind in KINDS {
            let seen = ours(kind, config, call.clone()).await;
            assert_eq!(seen.data, message(text), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn an_encoding_that_the_server_does_not_take_is_unimplemented() {
    for (compressed, taken) in [(false, "identity"), (true, "gzip,identity")] {
        let config = Config { compressed, ..Config::default() };
        for encoding in ["br", "snappy", "gzip, br"] {
            let call = Call { headers: vec![("grpc-encoding", encoding)], ..Call::of([Bytes::new()]) };
            for kind in KINDS {
                let seen = ours(kind, config, call.clone()).await;
                assert_eq!(seen.status().code(), Code::Unimplemented, "{kind:?}");
                assert_eq!(seen.headers["grpc-accept-encoding"], taken);
                assert_eq!(seen, tonics(kind, config, call.clone()).await);
            }
        }
    }
}
