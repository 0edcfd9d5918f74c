//! Compressed calls, which tonic's own server answers.

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
async fn answers_are_compressed_for_callers_that_take_it() {
    let call = Call { headers: vec![("grpc-accept-encoding", "gzip")], ..Call::of([message("squeeze this")]) };
    let config = Config { compressed: true, ..Config::default() };
    for kind in KINDS {
        let seen = ours(kind, config, call.clone()).await;
        assert_eq!(seen.headers["grpc-encoding"], "gzip", "{kind:?}");
        assert_eq!(seen.data[0], 1, "a compressed message");
        assert_eq!(seen, tonics(kind, config, call.clone()).await);
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
