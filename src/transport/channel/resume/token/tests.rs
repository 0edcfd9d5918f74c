//! Against prost, on random bytes of messages: fields in any order, more than once, unknown ones between.

use prost::Message;
use prost::encoding::encode_varint;

use super::*;

#[derive(Clone, PartialEq, Message)]
struct Outer {
    #[prost(uint64, tag = "1")]
    revision: u64,
    #[prost(message, optional, tag = "2")]
    header: Option<Header>,
    #[prost(string, tag = "3")]
    page: String,
    #[prost(sint64, optional, tag = "100")]
    position: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Header {
    #[prost(fixed64, tag = "1")]
    offset: u64,
    #[prost(message, optional, tag = "2")]
    inner: Option<Inner>,
    #[prost(bytes = "vec", optional, tag = "3")]
    cursor: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct Inner {
    #[prost(sfixed32, tag = "7")]
    count: i32,
}

/// A field that can be a token: its way, and prost's view of it.
struct Case {
    method: Resumable,
    get: fn(&Outer) -> Option<Vec<u8>>,
    set: fn(&mut Outer, &[u8]),
}

const fn method(path: &'static [u32], token: Token, zero_counts: bool) -> Resumable {
    Resumable { path: "/a.B/C", from: path, into: path, token, zero_counts }
}

fn varint(value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_varint(value, &mut bytes);
    bytes
}

fn number(mut bytes: &[u8]) -> u64 {
    prost::encoding::decode_varint(&mut bytes).expect("a varint")
}

fn zigzag(value: i64) -> u64 {
    (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned()
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

fn header(outer: &mut Outer) -> &mut Header {
    outer.header.get_or_insert_default()
}

const CASES: &[Case] = &[
    Case {
        method: method(&[1], Token::Varint, false),
        get: |outer| (outer.revision != 0).then(|| varint(outer.revision)),
        set: |outer, value| outer.revision = number(value),
    },
    Case {
        method: method(&[100], Token::Varint, true),
        get: |outer| outer.position.map(|position| varint(zigzag(position))),
        set: |outer, value| outer.position = Some(unzigzag(number(value))),
    },
    Case {
        method: method(&[3], Token::Bytes, false),
        get: |outer| (!outer.page.is_empty()).then(|| outer.page.clone().into_bytes()),
        set: |outer, value| outer.page = String::from_utf8(value.to_vec()).expect("a text"),
    },
    Case {
        method: method(&[2, 1], Token::Fixed64, false),
        get: |outer| outer.header.as_ref().map(|it| it.offset).filter(|it| *it != 0).map(|it| it.to_le_bytes().into()),
        set: |outer, value| header(outer).offset = u64::from_le_bytes(value.try_into().expect("eight bytes")),
    },
    Case {
        method: method(&[2, 3], Token::Bytes, true),
        get: |outer| outer.header.as_ref()?.cursor.clone(),
        set: |outer, value| header(outer).cursor = Some(value.to_vec()),
    },
    Case {
        method: method(&[2, 2, 7], Token::Fixed32, false),
        get: |outer| {
            let count = outer.header.as_ref()?.inner.as_ref()?.count;
            (count != 0).then(|| count.to_le_bytes().into())
        },
        set: |outer, value| {
            let count = i32::from_le_bytes(value.try_into().expect("four bytes"));
            header(outer).inner.get_or_insert_default().count = count;
        },
    },
];

/// Bytes of a message at this depth: 0 for `Outer`.
fn message(random: &mut fastrand::Rng, depth: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..random.usize(..6) {
        let part = match (depth, random.u8(..7)) {
            (0, 0) => Outer { revision: random.u64(..) >> random.u32(..64), ..Outer::default() }.encode_to_vec(),
            (0, 1) => Outer { position: Some(random.i64(-3..300)), ..Outer::default() }.encode_to_vec(),
            (0, 2) => Outer { page: "é".repeat(random.usize(..100)), ..Outer::default() }.encode_to_vec(),
            // What no encoder writes where there is no presence, and every decoder reads.
            (0, 3) => vec![8, 0],
            (1, 0) => Header { offset: random.u64(..), ..Header::default() }.encode_to_vec(),
            (1, 1) => {
                let length = random.usize(..9);
                let cursor = std::iter::repeat_with(|| random.u8(..)).take(length).collect();
                Header { cursor: Some(cursor), ..Header::default() }.encode_to_vec()
            }
            (2, 0 | 1) => Inner { count: random.i32(-2..2) }.encode_to_vec(),
            (0 | 1, 4) => {
                let within = message(random, depth + 1);
                [vec![0x12], varint(within.len() as u64), within].concat()
            }
            // An unknown varint, length, and group.
            (_, 5) => [&[0x60, 0x80, 0x01][..], &[0x6a, 2, 8, 1], &[0x73, 0x08, 0x01, 0x74]].concat(),
            // The same number, longer than it has to be.
            (0, 6) => vec![0x88, 0x80, 0x00, 0x85, 0x80, 0x00],
            _ => Vec::new(),
        };
        bytes.extend(part);
    }
    bytes
}

/// Values that are the same number, however long it is written, are one.
fn normal(case: &Case, value: &[u8]) -> Vec<u8> {
    if case.method.token == Token::Varint { varint(number(value)) } else { value.to_vec() }
}

#[test]
fn tokens_are_read_and_put_as_prost_reads_and_puts_them() {
    let seed = 7;
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut read_some, mut put_some) = (0, 0);
    for _ in 0..30_000 {
        let mut bytes = message(&mut random, 0);
        // Some are damaged: whatever prost can read has to be read the same way.
        if random.u8(..4) == 0 && !bytes.is_empty() {
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(..);
        }
        let token = message(&mut random, 0);
        let decoded = Outer::decode(bytes.as_slice());
        for case in CASES {
            let found = read(&bytes, &case.method).map(|value| normal(case, value));
            let Ok(outer) = &decoded else { continue };
            assert_eq!(found, (case.get)(outer), "{:?} of {bytes:?}", case.method.from);
            read_some += usize::from(found.is_some());
            let Some(value) = Outer::decode(token.as_slice()).ok().as_ref().and_then(case.get) else { continue };
            let mut expected = outer.clone();
            (case.set)(&mut expected, &value);
            let with_token = put(&bytes, &case.method, &value).expect("what prost reads is a message");
            assert_eq!(Outer::decode(with_token.as_slice()), Ok(expected), "{value:?} at {:?}", case.method.into);
            put_some += 1;
        }
    }
    assert!(read_some > 10_000 && put_some > 10_000, "{read_some} tokens were read, {put_some} put");
}

#[test]
fn what_a_request_says_beside_its_token_stays() {
    let method = method(&[2, 3], Token::Bytes, true);
    // A group, a header with an earlier token and an unknown field, another field.
    let request = [0x0b, 0x08, 1, 0x0c, 0x12, 6, 0x1a, 1, 9, 0xa0, 0x06, 4, 0x18, 5];
    let with_token = [0x0b, 0x08, 1, 0x0c, 0x18, 5, 0x12, 7, 0xa0, 0x06, 4, 0x1a, 2, b'x', b'y'];
    assert_eq!(put(&request, &method, b"xy").as_deref(), Some(&with_token[..]));
    for end in [1, 3, 5, 11, 13] {
        assert_eq!(put(&request[..end], &method, b"xy"), None, "{end} bytes are no message");
    }
}
