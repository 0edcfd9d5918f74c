//! The length prefixes of messages, followed through the frames of a body.

use super::messages::PREFIX;

/// Where a body stands between its messages, whatever frames they came in.
///
/// A message that is announced as larger than the limit is found at its prefix: before more than one frame of it
/// was received, and before any buffer was made for it.
#[derive(Debug)]
pub(crate) struct Framing {
    limit: u32,
    /// Bytes of the current message that are still to come.
    remaining: usize,
    /// The part of a prefix that a frame ended in.
    prefix: [u8; PREFIX],
    filled: usize,
}

/// The size that a message announced, in bytes without its prefix; it is over the limit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLarge(pub(crate) u32);

impl Framing {
    pub(crate) const fn new(limit: u32) -> Self {
        Self { limit, remaining: 0, prefix: [0; PREFIX], filled: 0 }
    }

    pub(crate) const fn limit(&self) -> u32 {
        self.limit
    }

    /// Whether what came so far ends with a message.
    pub(crate) const fn is_between(&self) -> bool {
        self.remaining == 0 && self.filled == 0
    }

    /// Moves on over the next frame's data, whatever sizes are announced, and tells how much of it there is up to the end
    /// of the last message that ends in it.
    pub(crate) fn follow_to_end(&mut self, data: &[u8]) -> Option<usize> {
        let (mut at, mut end) = (0, None);
        while at < data.len() {
            let wanted = if self.remaining > 0 { self.remaining } else { PREFIX - self.filled };
            let next = data.len().min(at + wanted);
            // A limit would have been told before the whole message was followed; there is none here.
            self.follow(&data[at..next]).ok()?;
            at = next;
            if self.is_between() {
                end = Some(at);
            }
        }
        end
    }

    /// Moves on over the next frame's data.
    pub(crate) fn follow(&mut self, mut data: &[u8]) -> Result<(), TooLarge> {
        loop {
            let taken = self.remaining.min(data.len());
            self.remaining -= taken;
            data = &data[taken..];
            if data.is_empty() {
                return Ok(());
            }
            let length = match *data {
                // Nearly always a frame holds the whole prefix.
                [_, a, b, c, d, ref rest @ ..] if self.filled == 0 => {
                    data = rest;
                    [a, b, c, d]
                }
                [byte, ref rest @ ..] => {
                    self.prefix[self.filled] = byte;
                    self.filled += 1;
                    data = rest;
                    if self.filled < PREFIX {
                        continue;
                    }
                    self.filled = 0;
                    let [_, a, b, c, d] = self.prefix;
                    [a, b, c, d]
                }
                [] => return Ok(()),
            };
            let length = u32::from_be_bytes(length);
            if length > self.limit {
                return Err(TooLarge(length));
            }
            self.remaining = length as usize;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_end_of_a_message_is_found_however_frames_cut_them() {
        let bytes = [message(3), message(0), message(300), message(1)].concat();
        let ends = [8, 13, 318, 324];
        for size in 1..=bytes.len() {
            let mut framing = Framing::new(u32::MAX);
            for (number, frame) in bytes.chunks(size).enumerate() {
                let (begin, end) = (number * size, number * size + frame.len());
                let last = ends.iter().rev().find(|at| (begin + 1..=end).contains(*at)).map(|at| at - begin);
                assert_eq!(framing.follow_to_end(frame), last, "frames of {size} bytes, the one at {begin}");
                assert_eq!(framing.is_between(), ends.contains(&end));
            }
        }
    }

    fn message(length: usize) -> Vec<u8> {
        let mut message = vec![0];
        message.extend(u32::try_from(length).expect("a test's length").to_be_bytes());
        message.resize(PREFIX + length, 7);
        message
    }

    #[test]
    fn messages_up_to_the_limit_pass_however_they_are_cut_into_frames() {
        let stream: Vec<u8> = [0, 1, 100, 3].into_iter().flat_map(message).collect();
        for frame in 1..=stream.len() {
            let mut framing = Framing::new(100);
            for part in stream.chunks(frame) {
                assert_eq!(framing.follow(part), Ok(()), "frames of {frame} bytes");
            }
        }
    }

    #[test]
    fn a_message_over_the_limit_is_found_at_its_prefix() {
        let mut stream = message(10);
        stream.extend_from_slice(&message(101)[..PREFIX]);
        for frame in 1..=stream.len() {
            let mut framing = Framing::new(100);
            let found = stream.chunks(frame).try_for_each(|part| framing.follow(part));
            assert_eq!(found, Err(TooLarge(101)), "frames of {frame} bytes");
        }
    }
}
