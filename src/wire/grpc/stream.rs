//! Answers of many messages: those that are ready go out together.
//!
//! A frame for each message would be many times slower and would eat up the peer's budget for small frames
//! (RUSTSEC-2026-0258). A source that is busy pauses now and then only to let others run: tokio's budget, or
//! `tokio_stream::iter` after each 32 messages. So a pause after several messages is waited out once: the task goes to
//! the end of the queue, and what is not there when its turn comes is not waited for.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use pin_project_lite::pin_project;
use prost::Message;
use tokio_stream::Stream;
use tonic::Status;

use super::Response;
use super::response::{length, ok, put, respond, trailers};
use crate::wire::messages::PREFIX;
use crate::wire::{Body, pool};

/// What is sent at once, unless one message is larger.
const CHUNK: usize = 32 * 1024;
/// So many messages in one go come of a busy source.
const BUSY: usize = 8;

/// An answer of many messages, each of at most `limit` bytes.
pub(super) fn many<S, T>(answer: tonic::Response<S>, limit: usize) -> Response
where
    S: Stream<Item = Result<T, Status>> + Send + 'static,
    T: Message + 'static,
{
    let (metadata, source, extensions) = answer.into_parts();
    respond(metadata, extensions, Body::new(Encoded { source, limit, data: BytesMut::new(), next: None, ended: false }))
}

pin_project! {
    /// The frames of a stream's messages.
    struct Encoded<S, T> {
        #[pin]
        source: S,
        limit: usize,
        // Messages that were not sent yet.
        data: BytesMut,
        // What comes after them.
        next: Option<Next<T>>,
        ended: bool,
    }
}

enum Next<T> {
    /// A message that did not fit with them, and its length.
    Message(T, u32),
    /// The end.
    Trailers(Result<HeaderMap, Status>),
}

impl<S, T> HttpBody for Encoded<S, T>
where
    S: Stream<Item = Result<T, Status>>,
    T: Message,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut this = self.project();
        if *this.ended {
            return Poll::Ready(None);
        }
        let mut fresh = 0;
        loop {
            let next = match this.next.take() {
                Some(next) => next,
                None => match this.source.as_mut().poll_next(context) {
                    Poll::Ready(item) => Next::of(item, *this.limit),
                    Poll::Pending if this.data.is_empty() => return Poll::Pending,
                    Poll::Pending if fresh >= BUSY => {
                        context.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    Poll::Pending => break,
                },
            };
            match next {
                Next::Message(message, length) if make_room(this.data, PREFIX + length as usize) => {
                    put(&message, length, this.data);
                    fresh += 1;
                }
                Next::Trailers(trailers) if this.data.is_empty() => {
                    *this.ended = true;
                    return Poll::Ready(Some(trailers.map(Frame::trailers)));
                }
                next => {
                    *this.next = Some(next);
                    break;
                }
            }
        }
        Poll::Ready(Some(Ok(Frame::data(pool::freeze(std::mem::take(this.data))))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}

impl<T: Message> Next<T> {
    fn of(item: Option<Result<T, Status>>, limit: usize) -> Self {
        let measured = match item {
            None => return Self::Trailers(Ok(ok())),
            Some(item) => item.and_then(|message| length(&message, limit).map(|length| (message, length))),
        };
        match measured {
            Ok((message, length)) => Self::Message(message, length),
            Err(status) => Self::Trailers(trailers(&status)),
        }
    }
}

/// Makes room for `size` more bytes; says no where what is there has to go first.
///
/// The first message gets a buffer of its size, for it may be the only one for long; more of them get a chunk.
fn make_room(data: &mut BytesMut, size: usize) -> bool {
    if data.capacity() - data.len() >= size {
        return true;
    }
    if data.is_empty() {
        *data = pool::take(size);
        return true;
    }
    let fits = data.len() + size <= CHUNK;
    if fits && data.capacity() < CHUNK {
        let mut chunk = pool::take(CHUNK);
        chunk.extend_from_slice(data);
        *data = chunk;
    }
    fits
}
