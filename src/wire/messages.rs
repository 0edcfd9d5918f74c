//! gRPC's length-prefixed messages, found in the frames of a body.
//!
//! A message is one byte that says whether it is compressed, four bytes of length, most significant first, and that
//! many bytes (gRPC over HTTP/2, *Length-Prefixed-Message*). Frames of HTTP/2 know nothing of messages: one may hold
//! part of a message, or many.

use bytes::{Buf, Bytes, BytesMut};

use super::pool;

/// Bytes before each message.
pub(crate) const PREFIX: usize = 5;
/// How many bytes are set aside for each that has come, because a prefix says that more will. A first frame of 16 KiB, the
/// size that HTTP/2 begins with (RFC 9113, 4.2), gets up to 2 MiB at once; a prefix alone, next to nothing.
const BELIEVED: usize = 128;

/// Finds messages in frames that come one after the other. A message that lies in one frame is not copied.
#[derive(Debug)]
pub(crate) struct Messages {
    /// What came of the message that is not whole yet, prefix first.
    begun: BytesMut,
    limit: usize,
}

/// One message as it stood on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WireMessage {
    pub(crate) compressed: bool,
    pub(crate) bytes: Bytes,
}

/// Why frames hold no messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FramingError {
    #[error("a message of {length} bytes is larger than the limit of {limit} bytes")]
    TooLarge { length: usize, limit: usize },
    #[error("a message begins with {0}, which is neither 0 (plain) nor 1 (compressed)")]
    BadFlag(u8),
}

impl Messages {
    /// Messages of at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { begun: BytesMut::new(), limit }
    }

    /// Takes a frame in and gives each message that is whole with it.
    pub(crate) fn push(&mut self, mut frame: Bytes, mut each: impl FnMut(WireMessage)) -> Result<(), FramingError> {
        while let Some(message) = self.next(&mut frame)? {
            each(message);
        }
        Ok(())
    }

    /// The next message that is whole with what is left of `frame`, which is taken up to the message's end.
    pub(crate) fn next(&mut self, frame: &mut Bytes) -> Result<Option<WireMessage>, FramingError> {
        if self.begun.is_empty()
            && let Some((compressed, length)) = self.prefix(frame)?
            && frame.len() - PREFIX >= length
        {
            frame.advance(PREFIX);
            return Ok(Some(WireMessage { compressed, bytes: frame.split_to(length) }));
        }
        while !frame.is_empty() {
            // First the prefix, then what it asks for.
            let prefix = self.prefix(if self.begun.is_empty() { frame } else { &self.begun })?;
            let missing = PREFIX + prefix.map_or(0, |(_, length)| length) - self.begun.len();
            let taken = missing.min(frame.len());
            self.make_room(taken, missing);
            self.begun.extend_from_slice(&frame.split_to(taken));
            if let Some((compressed, length)) = self.prefix(&self.begun)?
                && self.begun.len() == PREFIX + length
            {
                let mut bytes = pool::freeze(std::mem::take(&mut self.begun));
                bytes.advance(PREFIX);
                return Ok(Some(WireMessage { compressed, bytes }));
            }
        }
        Ok(None)
    }

    /// Whether what came so far ends within a message.
    pub(crate) fn is_midway(&self) -> bool {
        !self.begun.is_empty()
    }

    /// What came of the message that is not whole yet, prefix first.
    pub(crate) fn take_begun(&mut self) -> Bytes {
        std::mem::take(&mut self.begun).freeze()
    }

    /// Makes room for `coming` bytes that are there, and for those of the `missing` ones that are believed in.
    fn make_room(&mut self, coming: usize, missing: usize) {
        let came = self.begun.len() + coming;
        if self.begun.capacity() < came {
            let whole = self.begun.len() + missing;
            let mut room = pool::take(whole.min(came.saturating_mul(BELIEVED)));
            room.extend_from_slice(&self.begun);
            self.begun = room;
        }
    }

    /// The memory set aside for the message that is not whole yet.
    #[cfg(fuzzing)]
    pub(crate) fn held(&self) -> usize {
        self.begun.capacity()
    }

    fn prefix(&self, bytes: &[u8]) -> Result<Option<(bool, usize)>, FramingError> {
        let [flag, one, two, three, four, ..] = bytes else { return Ok(None) };
        if *flag > 1 {
            return Err(FramingError::BadFlag(*flag));
        }
        let length = u32::from_be_bytes([*one, *two, *three, *four]) as usize;
        if length > self.limit {
            return Err(FramingError::TooLarge { length, limit: self.limit });
        }
        Ok(Some((*flag == 1, length)))
    }
}

/// The message of a frame that holds nothing else, where it is plain and has at most `limit` bytes.
pub(crate) fn sole(frame: &Bytes, limit: usize) -> Option<Bytes> {
    let [0, one, two, three, four, message @ ..] = &frame[..] else { return None };
    let length = u32::from_be_bytes([*one, *two, *three, *four]) as usize;
    (length == message.len() && length <= limit).then(|| frame.slice(PREFIX..))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(messages: &[&[u8]]) -> Vec<u8> {
        messages
            .iter()
            .flat_map(|message| {
                let length = u32::try_from(message.len()).unwrap().to_be_bytes();
                [&[0], &length[..], message].concat()
            })
            .collect()
    }

    #[test]
    fn messages_are_found_however_frames_cut_them() {
        let messages: [&[u8]; 4] = [b"one", b"", b"three", &[7; 1_000]];
        let bytes = encoded(&messages);
        for size in 1..bytes.len() {
            let mut found = Vec::new();
            let mut split = Messages::new(1_000);
            for frame in bytes.chunks(size) {
                split.push(Bytes::copy_from_slice(frame), |message| found.push(message.bytes)).unwrap();
            }
            assert_eq!(found, messages, "frames of {size} bytes");
        }
    }

    #[test]
    fn a_message_in_one_frame_is_not_copied() {
        let frame = Bytes::from(encoded(&[b"shared"]));
        let mut found = None;
        Messages::new(100).push(frame.clone(), |message| found = Some(message.bytes)).unwrap();
        assert_eq!(found.unwrap().as_ptr(), frame[PREFIX..].as_ptr());
    }

    #[test]
    fn a_message_is_alone_only_where_it_is_whole_and_plain_and_allowed() {
        let frame = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
        let whole = encoded(&[b"alone"]);
        assert_eq!(sole(&frame(&whole), 5), Some(frame(b"alone")));
        assert_eq!(sole(&frame(&encoded(&[b""])), 5), Some(Bytes::new()));
        assert_eq!(sole(&frame(&whole), 4), None, "too large");
        for cut in 0..whole.len() {
            assert_eq!(sole(&frame(&whole[..cut]), 5), None, "{cut} bytes of it");
        }
        assert_eq!(sole(&frame(&encoded(&[b"alone", b""])), 5), None, "one more behind it");
        for flag in [1, 2] {
            assert_eq!(sole(&frame(&[&[flag], &whole[1..]].concat()), 5), None, "flag {flag}");
        }
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_memory_is_spent() {
        let mut split = Messages::new(1_000);
        let frame = Bytes::from_static(&[0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]);
        let refused = split.push(frame, |_| panic!("no message is whole"));
        assert_eq!(refused, Err(FramingError::TooLarge { length: 0xffff_ffff, limit: 1_000 }));
        assert_eq!(split.begun.capacity(), 0);
        assert_eq!(Messages::new(9).push(Bytes::from_static(&[2; 5]), |_| ()), Err(FramingError::BadFlag(2)));
    }

    #[test]
    fn a_prefix_alone_gets_next_to_no_memory_and_a_first_frame_gets_enough() {
        let mut split = Messages::new(usize::MAX);
        let announced = 1024 * 1024;
        let prefix = [&[0][..], &u32::try_from(announced).unwrap().to_be_bytes()].concat();
        split.push(Bytes::from(prefix), |_| panic!("no message is whole")).unwrap();
        assert!(split.begun.capacity() <= 1024, "{}", split.begun.capacity());
        split.push(Bytes::from(vec![7; 16 * 1024]), |_| panic!("no message is whole")).unwrap();
        let room = split.begun.capacity();
        assert!((announced..=8 * announced).contains(&room), "{room}");
    }
}
