//! Messages on their way out: small ones together in a frame, large parts as they are.
#![allow(clippy::cast_possible_truncation, reason = "bytes of a varint, and lengths that were looked at before")]

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use tonic::Status;

use super::compression::Encoding;
use super::messages::PREFIX;
use super::pool;

/// What is gathered at most before it is sent.
const CHUNK: usize = 32 * 1024;
/// Parts of this size are sent as they are; copying a smaller one costs less than a frame of its own. Frames between such
/// parts are small ones (RUSTSEC-2026-0258), but so few of them fit into a window that its budget for them lasts.
const SHARED: usize = 4 * 1024;
/// Messages of this size are compressed; of smaller ones little is saved.
pub(crate) const COMPRESSED: usize = 1024;

/// Messages that were not sent yet.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// What the receiver takes.
    encoding: Option<Encoding>,
    /// What is to be sent first.
    frames: VecDeque<Bytes>,
    /// What is gathered behind that.
    data: BytesMut,
    begun: bool,
}

impl Outgoing {
    pub(crate) fn new(encoding: Option<Encoding>) -> Self {
        Self { encoding, frames: VecDeque::new(), data: BytesMut::new(), begun: false }
    }

    /// Adds a message; its parts follow each other.
    pub(crate) fn put(&mut self, parts: &[Bytes]) -> Result<(), Status> {
        let length: usize = parts.iter().map(Bytes::len).sum();
        let compressed = self.encoding.filter(|_| length >= COMPRESSED).and_then(|encoding| encoding.deflate(parts));
        match compressed {
            Some(compressed) => self.put_as(1, compressed.len(), &[compressed]),
            None => self.put_as(0, length, parts),
        }
    }

    fn put_as(&mut self, flag: u8, length: usize, parts: &[Bytes]) -> Result<(), Status> {
        let prefix = prefix(flag, length)?;
        let copied: usize = parts.iter().map(Bytes::len).filter(|length| *length < SHARED).sum();
        self.make_room(PREFIX + copied.min(CHUNK));
        self.data.extend_from_slice(&prefix);
        for part in parts {
            if part.len() < SHARED {
                self.make_room(part.len());
                self.data.extend_from_slice(part);
            } else {
                self.flush();
                self.frames.push_back(part.clone());
            }
        }
        Ok(())
    }

    /// Whether enough is there to be sent without waiting for more.
    pub(crate) fn is_full(&self) -> bool {
        !self.frames.is_empty() || self.data.len() >= CHUNK
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.data.is_empty()
    }

    /// Whether anything was taken out.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Forgets what was not taken out.
    pub(crate) fn clear(&mut self) {
        self.frames.clear();
        self.data = BytesMut::new();
    }

    /// What is sent next.
    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        // What is gathered needs no list to be sent from.
        let next = self.frames.pop_front().or_else(|| self.gathered());
        self.begun |= next.is_some();
        next
    }

    fn flush(&mut self) {
        let gathered = self.gathered();
        self.frames.extend(gathered);
    }

    fn gathered(&mut self) -> Option<Bytes> {
        (!self.data.is_empty()).then(|| pool::freeze(std::mem::take(&mut self.data)))
    }

    /// The first message gets a buffer of its size, for it may be the only one for long; more of them get a chunk.
    fn make_room(&mut self, size: usize) {
        if self.data.capacity() - self.data.len() >= size {
            return;
        }
        if self.data.is_empty() {
            self.data = pool::take(size);
        } else if self.data.len() + size <= CHUNK && self.data.capacity() < CHUNK {
            let mut chunk = pool::take(CHUNK);
            chunk.extend_from_slice(&self.data);
            self.data = chunk;
        } else {
            self.flush();
            self.data = pool::take(size);
        }
    }
}

/// One message as it stands on the wire, in one buffer.
pub(crate) fn framed(parts: &[Bytes]) -> Result<Bytes, Status> {
    let length = parts.iter().map(Bytes::len).sum();
    let prefix = prefix(0, length)?;
    let mut data = pool::take(PREFIX + length);
    data.extend_from_slice(&prefix);
    for part in parts {
        data.extend_from_slice(part);
    }
    Ok(pool::freeze(data))
}

fn prefix(flag: u8, length: usize) -> Result<[u8; PREFIX], Status> {
    let announced = u32::try_from(length)
        .map_err(|_| Status::resource_exhausted(format!("a message of {length} bytes is more than gRPC can say")))?;
    let [one, two, three, four] = announced.to_be_bytes();
    Ok([flag, one, two, three, four])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn popped(outgoing: &mut Outgoing) -> Vec<Bytes> {
        std::iter::from_fn(|| outgoing.pop()).collect()
    }

    #[test]
    fn small_messages_share_a_frame() {
        let mut outgoing = Outgoing::new(None);
        for number in 0..100 {
            outgoing.put(&[Bytes::from(vec![number; 20]), Bytes::from_static(b"end")]).unwrap();
        }
        let frames = popped(&mut outgoing);
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0].len(), 100 * (PREFIX + 23));
        assert_eq!(frames[0][..PREFIX], [0, 0, 0, 0, 23]);
        assert!(outgoing.is_empty());
    }

    #[test]
    fn a_large_part_is_not_copied_and_keeps_its_place() {
        let mut outgoing = Outgoing::new(None);
        let large = Bytes::from(vec![7; SHARED]);
        outgoing.put(&[Bytes::from_static(b"before"), large.clone(), Bytes::from_static(b"behind")]).unwrap();
        outgoing.put(&[Bytes::from_static(b"next")]).unwrap();
        let frames = popped(&mut outgoing);
        assert_eq!(frames.len(), 3);
        assert_eq!(frames[1].as_ptr(), large.as_ptr());
        let length = u32::try_from(SHARED + 12).unwrap().to_be_bytes();
        let whole = [&[0][..], &length, b"before", &large, b"behind\0\0\0\0\x04next"].concat();
        assert_eq!(frames.concat(), whole);
    }

    #[test]
    fn many_parts_of_any_size_come_out_in_their_order() {
        let sizes = [0, 1, 5, 300, SHARED - 1, SHARED, SHARED + 1, CHUNK, 17, CHUNK - 1];
        let mut outgoing = Outgoing::new(None);
        let mut expected = Vec::new();
        for message in 0..50_usize {
            let parts: Vec<Bytes> =
                (0..message % 7).map(|part| vec![message as u8; sizes[(message + part * 3) % 10]].into()).collect();
            let length = u32::try_from(parts.concat().len()).unwrap().to_be_bytes();
            expected.extend([&[0][..], &length, &parts.concat()].concat());
            outgoing.put(&parts).unwrap();
        }
        assert_eq!(popped(&mut outgoing).concat(), expected);
    }

    #[test]
    fn a_message_in_one_buffer_is_the_same_message() {
        let parts = [Bytes::from_static(b"one"), Bytes::new(), Bytes::from(vec![7; SHARED])];
        let mut outgoing = Outgoing::new(None);
        outgoing.put(&parts).unwrap();
        assert_eq!(framed(&parts).unwrap(), popped(&mut outgoing).concat());
    }

    #[test]
    fn what_is_worth_it_is_compressed_where_that_is_taken() {
        let mut outgoing = Outgoing::new(Some(Encoding::Gzip));
        outgoing.put(&[Bytes::from(vec![7; COMPRESSED - 1])]).unwrap();
        outgoing.put(&[Bytes::from(vec![7; COMPRESSED])]).unwrap();
        let frame = popped(&mut outgoing).concat();
        assert_eq!(frame[0], 0, "a small message");
        let second = &frame[PREFIX + COMPRESSED - 1..];
        assert_eq!(second[0], 1, "a large one");
        assert_eq!(Encoding::Gzip.inflate(&second[PREFIX..], COMPRESSED).unwrap(), vec![7; COMPRESSED]);
    }
}
