//! Whole messages of a stream, and how far they have come.

use std::collections::VecDeque;

use bytes::Bytes;

use super::token;
use crate::transport::Resumable;
use crate::wire::{Messages, WireMessage};

/// The largest message that is followed, in bytes. A larger one is handed on in pieces, so as not to be kept here, and its
/// stream ends where it ends.
const LARGEST: usize = 16 * 1024 * 1024;

/// Follows a stream from frame to frame, over all its attempts.
#[derive(Debug)]
pub(super) struct Follow {
    method: &'static Resumable,
    /// None once it is not known any more how far the stream has come.
    messages: Option<Messages>,
    token: Option<Vec<u8>>,
}

impl Follow {
    pub(super) fn new(method: &'static Resumable) -> Self {
        Self { method, messages: Some(Messages::new(LARGEST)), token: None }
    }

    /// Whether the stream can go on where it is.
    pub(super) fn can_go_on(&self) -> bool {
        self.messages.is_some()
    }

    /// Takes a frame in, and adds what can be handed on: messages that are whole.
    pub(super) fn take(&mut self, mut frame: Bytes, ready: &mut VecDeque<Bytes>) {
        let Some(mut messages) = self.messages.take() else { return ready.push_back(frame) };
        let whole = frame.clone();
        let mut begun_before = messages.is_midway();
        // What of the frame is whole messages by itself goes on as it came.
        let (mut from, mut to) = (0, 0);
        let followed = loop {
            match messages.next(&mut frame) {
                Ok(Some(message)) => {
                    to = whole.len() - frame.len();
                    let known = self.note(&message);
                    if std::mem::take(&mut begun_before) {
                        ready.extend([prefix(&message), message.bytes]);
                        from = to;
                    }
                    if !known {
                        break false;
                    }
                }
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        ready.push_back(whole.slice(from..to));
        if followed {
            self.messages = Some(messages);
        } else {
            ready.extend([messages.take_begun(), frame]);
        }
        ready.retain(|data| !data.is_empty());
    }

    /// Notes how far the stream has come; `false` when that cannot be told.
    fn note(&mut self, message: &WireMessage) -> bool {
        if message.compressed {
            return false;
        }
        if let Some(value) = token::read(&message.bytes, self.method) {
            let token = self.token.get_or_insert_default();
            token.clear();
            token.extend_from_slice(value);
        }
        true
    }

    /// The request that goes on behind what was handed on; a message that had begun is thrown away. `None` when the caller's
    /// request is no message.
    pub(super) fn go_on(&mut self, request: &Bytes) -> Option<Bytes> {
        self.messages = Some(Messages::new(LARGEST));
        match &self.token {
            Some(value) => token::put(request, self.method, value).map(Bytes::from),
            None => Some(request.clone()),
        }
    }
}

/// What stood before a message that came in several frames.
fn prefix(message: &WireMessage) -> Bytes {
    // Its length was read from four bytes.
    let length = u32::try_from(message.bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    let flag = u8::from(message.compressed);
    Bytes::copy_from_slice(&[flag, length[0], length[1], length[2], length[3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::resume::Token;

    static METHOD: Resumable =
        Resumable { path: "/a.B/C", from: &[1], into: &[2], token: Token::Varint, zero_counts: false };

    fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
        let length = u32::try_from(message.len()).expect("a short message").to_be_bytes();
        [&[flag], &length[..], message].concat()
    }

    #[test]
    fn only_whole_messages_are_handed_on_however_frames_cut_them() {
        let messages: Vec<Vec<u8>> = (1..=5).map(|number| framed(0, &[8, number])).collect();
        let stream = messages.concat();
        for size in 1..=stream.len() {
            let (mut follow, mut ready) = (Follow::new(&METHOD), VecDeque::new());
            let mut handed_on = Vec::new();
            for (index, frame) in stream.chunks(size).enumerate() {
                follow.take(Bytes::copy_from_slice(frame), &mut ready);
                handed_on.extend(ready.drain(..).flatten());
                let whole = stream.len().min((index + 1) * size) / 7;
                assert_eq!(handed_on, stream[..whole * 7], "frames of {size} bytes");
                let expected = (whole > 0).then(|| vec![u8::try_from(whole).expect("five at most")]);
                assert_eq!(follow.token, expected);
            }
            assert!(follow.can_go_on());
        }
    }

    #[test]
    fn what_had_begun_is_thrown_away_when_the_stream_goes_on() {
        let (mut follow, mut ready) = (Follow::new(&METHOD), VecDeque::new());
        let request = Bytes::from_static(&[16, 9, 24, 7]);
        assert_eq!(follow.go_on(&request).as_deref(), Some(&request[..]), "nothing was seen");
        follow.take(Bytes::from([framed(0, &[8, 1]), vec![0, 0]].concat()), &mut ready);
        assert_eq!(follow.go_on(&request).as_deref(), Some(&[24, 7, 16, 1][..]));
        follow.take(Bytes::from(framed(0, &[8, 2])), &mut ready);
        follow.take(Bytes::from(framed(0, &[])), &mut ready);
        assert_eq!(follow.go_on(&request).as_deref(), Some(&[24, 7, 16, 2][..]), "the last one that had a token");
        let handed_on: Vec<u8> = ready.into_iter().flatten().collect();
        assert_eq!(handed_on, [framed(0, &[8, 1]), framed(0, &[8, 2]), framed(0, &[])].concat());
    }

    #[test]
    fn what_cannot_be_followed_is_handed_on_as_it_comes() {
        let too_large = [&[0][..], &u32::MAX.to_be_bytes(), &[8, 2]].concat();
        for odd in [framed(1, &[31, 139]), framed(2, &[8, 2]), too_large] {
            let stream = [framed(0, &[8, 1]), odd, framed(0, &[8, 3])].concat();
            for size in 1..=stream.len() {
                let (mut follow, mut ready) = (Follow::new(&METHOD), VecDeque::new());
                stream.chunks(size).for_each(|frame| follow.take(Bytes::copy_from_slice(frame), &mut ready));
                assert_eq!(ready.into_iter().flatten().collect::<Vec<u8>>(), stream, "frames of {size} bytes");
                assert!(!follow.can_go_on());
            }
        }
    }
}
