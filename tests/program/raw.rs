//! HTTP/2 by hand (RFC 9113): a peer that goes on where a library would heed what it was told.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Answered,
    /// With this error code.
    Reset(u32),
}

pub(crate) const REFUSED_STREAM: End = End::Reset(7);

pub(crate) struct Raw {
    stream: TcpStream,
    seen: Vec<(u8, u8, u32, Vec<u8>)>,
}

impl Raw {
    pub(crate) fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(120))).expect("an option");
        let mut raw = Self { stream, seen: Vec::new() };
        raw.stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").expect("a peer");
        raw.send(SETTINGS, 0, 0, &[]);
        raw
    }

    /// Begins a call in 1.1.0.
    pub(crate) fn begin(&mut self, stream: u32, method: &str) {
        // POST, and http, of the static table (RFC 7541, appendix A); all else as literals.
        let mut block = vec![0x83, 0x86];
        block.push(0x04);
        literal(&mut block, &format!("/inventory.v1.Inventory/{method}"));
        block.push(0x01);
        literal(&mut block, "127.0.0.1");
        for (name, value) in [("content-type", "application/grpc"), ("te", "trailers"), ("straddle-version", "1.1.0")] {
            block.push(0x00);
            literal(&mut block, name);
            literal(&mut block, value);
        }
        self.send(HEADERS, END_HEADERS, stream, &block);
    }

    /// Sends the request, which ends there.
    pub(crate) fn finish(&mut self, stream: u32, message: &[u8]) {
        let length = u32::try_from(message.len()).expect("a short message");
        let body = [&[0], length.to_be_bytes().as_slice(), message].concat();
        self.send(DATA, END_STREAM, stream, &body);
    }

    fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        self.stream.write_all(&[&head, payload].concat()).expect("a peer");
    }

    /// Waits until it is told to go away.
    pub(crate) fn told_to_go_away(&mut self) {
        self.until(|(kind, ..)| (*kind == GOAWAY).then_some(()));
    }

    /// Waits for a stream's end.
    pub(crate) fn end_of(&mut self, stream: u32) -> End {
        self.until(|(kind, flags, own, payload)| match *kind {
            _ if *own != stream => None,
            RST_STREAM => Some(End::Reset(u32::from_be_bytes(payload[..4].try_into().expect("a code")))),
            DATA | HEADERS if flags & END_STREAM != 0 => Some(End::Answered),
            _ => None,
        })
    }

    fn until<T>(&mut self, wanted: impl Fn(&(u8, u8, u32, Vec<u8>)) -> Option<T>) -> T {
        loop {
            if let Some(found) = self.seen.iter().find_map(&wanted) {
                return found;
            }
            let mut head = [0; 9];
            self.stream.read_exact(&mut head).expect("a frame");
            let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            let mut payload = vec![0; length];
            self.stream.read_exact(&mut payload).expect("its payload");
            let stream = u32::from_be_bytes(head[5..9].try_into().expect("four bytes"));
            self.seen.push((head[3], head[4], stream, payload));
        }
    }
}

/// A text that is not Huffman-coded, and shorter than 127 bytes.
fn literal(block: &mut Vec<u8>, text: &str) {
    block.push(u8::try_from(text.len()).expect("a short text"));
    block.extend_from_slice(text.as_bytes());
}
