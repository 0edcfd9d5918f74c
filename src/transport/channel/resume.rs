//! Streams that go on where they ended: one response of several attempts.
//!
//! ```text
//!             frames                 drained, UNAVAILABLE,
//!            +------+                or the connection was lost
//!  answer -> | Reading | -----------------------------------> Again
//!            +------+  <------------------------------------- | at once, or after the backoff
//!               |                    answered                 |
//!               v any other end                               v any other answer, deadline, wait limit
//!             Ended <-----------------------------------------+
//! ```
//!
//! gRPC itself tries no call again whose response has begun (gRFC A6, *When Retries are Valid*): it cannot know what the
//! caller has seen. Here the protocol says it (`[resume]` in `protocol.toml`), and what the caller has seen is known message
//! by message. Only whole messages are handed on; one that had begun is thrown away.

mod follow;
mod token;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body as HttpBody, Frame};
use tonic::{Code, Status};

use self::follow::Follow;
use super::attempt::{Call, Shared};
use super::failure::{Fate, Progress};
use super::outgoing::Outgoing;
use crate::dispatch::{RESUME, RESUME_ABLE, RESUME_DRAIN};
use crate::transport::labelled::{self, Label, Resumable};
use crate::wire::{ACCEPT_ENCODING, Body, ENCODING, Encoding, Messages, framed};

/// Marks a request, in its extensions, as one whose stream goes on where it ended.
#[derive(Clone, Copy, Debug)]
pub(in crate::transport) struct GoesOn {
    pub(in crate::transport) label: &'static Label,
    pub(in crate::transport) method: &'static Resumable,
}

/// What it takes to go on with a call's stream.
#[derive(Clone, Debug)]
pub(super) struct Resume {
    marked: GoesOn,
    /// The message of the caller's request, plain.
    request: Bytes,
}

impl Resume {
    /// Prepares a request whose stream can go on: it is marked so, and is one message that is here as a whole.
    pub(super) fn prepare(parts: &mut Parts, body: &Outgoing) -> Option<Self> {
        let marked = *parts.extensions.get::<GoesOn>()?;
        let request = sole_message(&parts.headers, body)?;
        parts.headers.insert(&RESUME, RESUME_ABLE);
        // What messages say is read as they pass; inflating each for that costs more than a compressed stream saves.
        parts.headers.remove(&ACCEPT_ENCODING);
        Some(Self { marked, request })
    }

    /// What ends a stream that has begun, of the answer to an attempt to go on with it; `None` when it goes on.
    fn end(&self, answer: &Response<impl HttpBody>) -> Option<Result<HeaderMap, Status>> {
        let headers = answer.headers();
        if headers.contains_key(Status::GRPC_STATUS) {
            return Some(Ok(headers.clone()));
        }
        if answer.status() != StatusCode::OK {
            let why = format!("the stream cannot go on: the answer was {}, and no gRPC", answer.status());
            return Some(Err(Status::unknown(why)));
        }
        let Label { version, schema, .. } = self.marked.label;
        labelled::mismatch(headers, version, Some(schema)).map(|refusal| Err(refusal.into()))
    }
}

/// Why an answer does not count as one, and what became of the attempt: the node drained the stream before it
/// answered, or, of a stream that has begun already, is not ready.
pub(super) fn is_no_answer<B>(answer: &Response<B>, has_begun: bool) -> Option<(String, Fate)> {
    let headers = answer.headers();
    let says = |default: &str| {
        let status = Status::from_header_map(headers);
        status.map_or_else(|| default.to_owned(), |status| status.message().to_owned())
    };
    if is_drained(headers) {
        return Some((says("the node drained the stream"), Fate::NotSent));
    }
    let not_ready = match headers.get(Status::GRPC_STATUS) {
        Some(status) => status == "14",
        // gRPC's mapping of HTTP statuses to codes.
        None => matches!(answer.status().as_u16(), 429 | 502..=504),
    };
    (has_begun && not_ready).then(|| (says(&format!("the answer was {}", answer.status())), Fate::Refused))
}

fn is_drained(headers: &HeaderMap) -> bool {
    headers.get(&RESUME).is_some_and(|says| says == RESUME_DRAIN)
        && headers.get(Status::GRPC_STATUS).is_some_and(|status| status == "14")
}

/// The only message of a request that is complete.
fn sole_message(headers: &HeaderMap, body: &Outgoing) -> Option<Bytes> {
    const ANY: usize = u32::MAX as usize;
    let Outgoing::Whole(data) = body else { return None };
    let mut data = data.clone();
    let message = Messages::new(ANY).next(&mut data).ok()??;
    let plain = match (message.compressed, headers.contains_key(&ENCODING)) {
        (false, _) => message.bytes,
        (true, true) => Encoding::of(headers).ok()??.inflate(&message.bytes, ANY).ok()?,
        (true, false) => return None,
    };
    data.is_empty().then_some(plain)
}

/// The body of a response that goes on where it ended.
pub(super) struct Resuming {
    shared: Arc<Shared>,
    resume: Resume,
    follow: Follow,
    /// Whole messages that were not read yet.
    ready: VecDeque<Bytes>,
    at: At,
}

enum At {
    Reading { body: Body, call: Box<Call> },
    Again(Pin<Box<dyn Future<Output = Answered> + Send>>),
    Ended,
}

/// A call that was sent again, and what came of it.
type Answered = (Box<Call>, Result<Response<Body>, Status>);
type Frames = Option<Result<Frame<Bytes>, Status>>;

impl Resuming {
    pub(super) fn body(shared: Arc<Shared>, call: Box<Call>, resume: Resume, answer: Response<Body>) -> Response<Body> {
        let method = resume.marked.method;
        answer.map(|body| {
            let at = At::Reading { body, call };
            Body::new(Self { shared, resume, follow: Follow::new(method), ready: VecDeque::new(), at })
        })
    }

    /// The stream ended so; goes on with it, or gives what its reader is told.
    fn ended(&mut self, end: Frames, call: Box<Call>) -> Option<Frames> {
        let fate = match &end {
            Some(Ok(frame)) => frame.trailers_ref().and_then(|trailers| {
                let unavailable = trailers.get(Status::GRPC_STATUS).is_some_and(|status| status == "14");
                let fate = if is_drained(trailers) { Fate::NotSent } else { Fate::Lost };
                unavailable.then_some(fate)
            }),
            Some(Err(status)) => (status.code() == Code::Unavailable).then_some(Fate::Lost),
            None => None,
        };
        if let Some(fate) = fate.filter(|_| self.follow.can_go_on())
            && let Some(request) = self.request()
        {
            self.at = At::Again(Box::pin(again(self.shared.clone(), call, request, fate)));
            return None;
        }
        self.at = At::Ended;
        Some(end)
    }

    fn request(&mut self) -> Option<Bytes> {
        framed(&[self.follow.go_on(&self.resume.request)?]).ok()
    }

    /// The stream goes on, or ends.
    fn answered(&mut self, call: Box<Call>, answer: Result<Response<Body>, Status>) -> Option<Frames> {
        self.at = At::Ended;
        let answer = match answer {
            Ok(answer) => answer,
            Err(status) => return Some(Some(Err(status))),
        };
        if let Some(end) = self.resume.end(&answer) {
            return Some(Some(end.map(Frame::trailers)));
        }
        self.at = At::Reading { body: answer.into_body(), call };
        None
    }
}

/// Sends a call again whose stream ended.
async fn again(shared: Arc<Shared>, mut call: Box<Call>, request: Bytes, fate: Fate) -> Answered {
    call.body = Outgoing::Whole(request);
    let mut progress = Progress::new();
    // It has: some of its response came.
    progress.may_have_run = true;
    let answer = shared.send_again(&mut call, fate, &mut progress).await;
    (call, answer)
}

impl HttpBody for Resuming {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Frames> {
        let this = &mut *self;
        loop {
            if let Some(data) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            let over = match &mut this.at {
                At::Reading { body, call } => match ready!(Pin::new(body).poll_frame(context)) {
                    Some(Ok(frame)) if frame.is_data() => {
                        this.follow.take(frame.into_data().unwrap_or_default(), &mut this.ready);
                        if !this.ready.is_empty() {
                            this.shared.progressed(call);
                        }
                        continue;
                    }
                    end => match std::mem::replace(&mut this.at, At::Ended) {
                        At::Reading { call, .. } => this.ended(end, call),
                        _ => Some(end),
                    },
                },
                At::Again(answer) => {
                    let (call, answer) = ready!(answer.as_mut().poll(context));
                    this.answered(call, answer)
                }
                At::Ended => return Poll::Ready(None),
            };
            if let Some(end) = over {
                return Poll::Ready(end);
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_empty() && matches!(self.at, At::Ended)
    }
}
