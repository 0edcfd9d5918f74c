//! Bodies whose messages become others as they pass.
//!
//! Whatever is ready when the body is polled goes out together, as with the streams of generated servers (`stream`): a
//! frame for each message would be many times slower and would eat up the peer's budget for small frames
//! (RUSTSEC-2026-0258).

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;

use super::Body;
use super::compression::{ENCODING, Encoding, InflateError};
use super::messages::{FramingError, Messages, PREFIX, WireMessage};
use super::outgoing::{COMPRESSED, Outgoing};

/// So many messages in one go come of a busy source, whose pause is waited out once.
const BUSY: usize = 8;

/// What becomes of the messages of a body.
pub(crate) trait Map: Send + 'static {
    /// What becomes of a message, which is plain here.
    fn message(&mut self, message: Bytes, outgoing: &mut Outgoing) -> Result<(), Status>;

    /// What becomes of the trailers.
    fn trailers(&mut self, trailers: HeaderMap) -> HeaderMap {
        trailers
    }

    /// How the body ends when a message is not passed on, or cannot be read. `rest` is what was not read.
    fn fault(&mut self, status: Status, rest: Body, outgoing: &mut Outgoing) -> End {
        let _ = (rest, outgoing);
        End::Error(status)
    }
}

/// How a body ends.
#[derive(Debug)]
pub(crate) enum End {
    Nothing,
    Trailers(HeaderMap),
    Error(Status),
}

/// The request with plain messages; compressed ones may hold `limit` bytes at most.
///
/// # Errors
/// An encoding that nobody here reads is `UNIMPLEMENTED`.
pub(crate) fn plain(mut request: Request<Body>, limit: usize) -> Result<Request<Body>, Status> {
    let Some(encoding) = Encoding::of(request.headers())? else { return Ok(request) };
    request.headers_mut().remove(&ENCODING);
    request.headers_mut().remove(header::CONTENT_LENGTH);
    Ok(request.map(|body| Body::new(Mapped::new(body, Some(encoding), limit, None, Plain))))
}

/// The answer, whose messages are plain, with those compressed where that is worth it and the caller takes it.
pub(crate) fn compressed(mut response: Response<Body>, accepted: Option<Encoding>) -> Response<Body> {
    let Some(encoding) = accepted else { return response };
    let small = response.body().whole_length().is_some_and(|length| length < COMPRESSED + PREFIX);
    if small || response.body().is_end_stream() || response.headers().contains_key(&ENCODING) {
        return response;
    }
    response.headers_mut().insert(&ENCODING, encoding.header());
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.map(|body| Body::new(Mapped::new(body, None, usize::MAX, Some(encoding), Plain)))
}

/// Messages pass as they are, but plain.
pub(crate) struct Plain;

impl Map for Plain {
    fn message(&mut self, message: Bytes, outgoing: &mut Outgoing) -> Result<(), Status> {
        outgoing.put(&[message])
    }
}

/// A body whose messages become others.
pub(crate) struct Mapped<M> {
    inner: Body,
    /// What its compressed messages are compressed with.
    encoding: Option<Encoding>,
    /// Largest message, in bytes, as it came and as it is inflated.
    limit: usize,
    messages: Messages,
    /// What was not looked at of the frame that came last.
    frame: Bytes,
    map: M,
    outgoing: Outgoing,
    /// What comes behind all that goes out still.
    end: Option<End>,
    ended: bool,
}

impl<M: Map> Mapped<M> {
    /// Reads messages of at most `limit` bytes that may be compressed with `encoding`, and sends them compressed with
    /// `accepted` where that is worth it.
    pub(crate) fn new(
        inner: Body,
        encoding: Option<Encoding>,
        limit: usize,
        accepted: Option<Encoding>,
        map: M,
    ) -> Self {
        let (messages, outgoing) = (Messages::new(limit), Outgoing::new(accepted));
        Self { inner, encoding, limit, messages, frame: Bytes::new(), map, outgoing, end: None, ended: false }
    }

    /// Sees to the next message of the frame that is there; says whether there was one.
    fn step(&mut self) -> Result<bool, Status> {
        let next = self.messages.next(&mut self.frame).map_err(|error| unframed(&error))?;
        let Some(WireMessage { compressed, bytes }) = next else { return Ok(false) };
        let plain = match self.encoding {
            _ if !compressed => bytes,
            Some(encoding) => encoding.inflate(&bytes, self.limit).map_err(|error| not_inflated(&error))?,
            // gRPC's compression.md wants INTERNAL for a compressed message of a call that named no encoding.
            None => {
                return Err(Status::internal(
                    "protocol error: received message with compressed-flag but no grpc-encoding was specified",
                ));
            }
        };
        self.map.message(plain, &mut self.outgoing)?;
        Ok(true)
    }

    fn fault(&mut self, status: Status) {
        self.frame = Bytes::new();
        let rest = std::mem::take(&mut self.inner);
        self.end = Some(self.map.fault(status, rest, &mut self.outgoing));
    }

    /// Takes in what the body beneath gives.
    fn came(&mut self, frame: Option<Result<Frame<Bytes>, Status>>) {
        match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => self.frame = data,
                Err(frame) => self.close(|map| match frame.into_trailers() {
                    Ok(trailers) => End::Trailers(map.trailers(trailers)),
                    Err(_) => End::Nothing,
                }),
            },
            // Who sent this has gone away, or said too much; that is not about one of the messages.
            Some(Err(status)) => self.end = Some(End::Error(status)),
            None => self.close(|_| End::Nothing),
        }
    }

    fn close(&mut self, end: impl FnOnce(&mut M) -> End) {
        if self.messages.is_midway() {
            self.fault(Status::internal("Unexpected EOF decoding stream."));
        } else {
            self.end = Some(end(&mut self.map));
        }
    }

    fn data(&mut self) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Poll::Ready(self.outgoing.pop().map(|data| Ok(Frame::data(data))))
    }
}

impl<M: Map + Unpin> HttpBody for Mapped<M> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, waking: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let mut fresh = 0;
        loop {
            if this.ended {
                return Poll::Ready(None);
            }
            if this.outgoing.is_full() || (this.end.is_some() && !this.outgoing.is_empty()) {
                return this.data();
            }
            if let Some(end) = this.end.take() {
                this.ended = true;
                return Poll::Ready(match end {
                    End::Nothing => None,
                    End::Trailers(trailers) => Some(Ok(Frame::trailers(trailers))),
                    End::Error(status) => Some(Err(status)),
                });
            }
            match this.step() {
                Ok(true) => fresh += 1,
                Ok(false) => match Pin::new(&mut this.inner).poll_frame(waking) {
                    Poll::Ready(frame) => this.came(frame),
                    Poll::Pending if this.outgoing.is_empty() => return Poll::Pending,
                    Poll::Pending if fresh >= BUSY => {
                        waking.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    Poll::Pending => return this.data(),
                },
                Err(status) => this.fault(status),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cold]
fn unframed(error: &FramingError) -> Status {
    match error {
        FramingError::TooLarge { .. } => {
            Status::resource_exhausted(format!("{error}; send less at once, or raise the node's limit"))
        }
        FramingError::BadFlag(_) => Status::internal(format!("protocol error: {error}")),
    }
}

#[cold]
fn not_inflated(error: &InflateError) -> Status {
    match error {
        InflateError::TooLarge { .. } => Status::resource_exhausted(error.to_string()),
        InflateError::Corrupt { .. } => Status::internal(error.to_string()),
    }
}
