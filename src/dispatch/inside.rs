//! A call and the gate: how it waits, and how it stays inside until its answer has been sent.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Waking, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame};
use tokio::time::{Instant, Sleep, sleep};
use tonic::Status;

use super::call::Call;
use super::gate::{Cut, Inside, Waiting};
use super::table::Refused;
use super::{deadline, outcome};
use crate::wire::Body;

/// How long a call waits that has no deadline, or a later one.
const PATIENCE: Duration = Duration::from_secs(60);

/// A call in front of the gate.
pub(super) struct AtGate {
    waiting: Waiting,
    request: Request<Body>,
    came: Instant,
    patience: Pin<Box<Sleep>>,
    own_deadline: bool,
}

impl AtGate {
    pub(super) fn new(waiting: Waiting, request: Request<Body>) -> Self {
        let own = deadline::timeout(request.headers()).filter(|own| *own < PATIENCE);
        let patience = Box::pin(sleep(own.unwrap_or(PATIENCE)));
        Self { waiting, request, came: Instant::now(), patience, own_deadline: own.is_some() }
    }

    /// Ready once the gate has let the call in, or its time is over.
    pub(super) fn poll(&mut self, waking: &mut Waking<'_>) -> Poll<Result<(Inside, Request<Body>), Call>> {
        if let Poll::Ready(inside) = Pin::new(&mut self.waiting).poll(waking) {
            let mut request = std::mem::take(&mut self.request);
            shorten_deadline(&mut request, self.came.elapsed());
            return Poll::Ready(Ok((inside, request)));
        }
        ready!(self.patience.as_mut().poll(waking));
        let status = if self.own_deadline {
            outcome::deadline_had_passed()
        } else {
            outcome::not_let_in("the node upgrades, and the call waited as long as a call may")
        };
        Poll::Ready(Err(Call::told(Refused(status), std::mem::take(&mut self.request).into_body())))
    }
}

/// What was waited for is gone from the time that the caller gives.
fn shorten_deadline(request: &mut Request<Body>, waited: Duration) {
    if let Some(own) = deadline::timeout(request.headers()) {
        let left = deadline::header(own.saturating_sub(waited));
        request.headers_mut().insert(deadline::TIMEOUT.clone(), left);
    }
}

/// A call that the gate has let in.
pub(super) struct Entered {
    call: Call,
    /// Until the answer has it.
    inside: Option<Inside>,
    /// Of calls that stream.
    cut: Option<Box<Cut>>,
}

impl Entered {
    pub(super) fn new(call: Call, inside: Inside) -> Self {
        let cut = call.streams().then(|| Box::new(inside.cut()));
        Self { call, inside: Some(inside), cut }
    }
}

impl Future for Entered {
    type Output = Response<Body>;

    fn poll(mut self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Response<Body>> {
        let is_cut = self.cut.as_mut().is_some_and(|cut| Pin::new(cut.as_mut()).poll(waking).is_ready());
        if is_cut {
            // The object's part ends before the call counts as having left.
            self.call = Call::told(Refused(outcome::cut()), Body::empty());
        }
        let response = ready!(Pin::new(&mut self.call).poll(waking));
        let (inside, cut) = (self.inside.take(), self.cut.take());
        Poll::Ready(match inside {
            // What is whole asks nothing of an object any more.
            Some(inside) if !response.body().is_whole() => {
                response.map(|body| Body::new(Remaining { body, inside: Some(inside), cut }))
            }
            _ => response,
        })
    }
}

/// The body of an answer that is still on its way, and keeps its call inside.
struct Remaining {
    body: Body,
    inside: Option<Inside>,
    cut: Option<Box<Cut>>,
}

impl Remaining {
    /// Nothing more is asked of the object.
    fn end(&mut self) {
        self.body = Body::empty();
        self.inside = None;
        self.cut = None;
    }
}

impl HttpBody for Remaining {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.inside.is_none() {
            return Poll::Ready(None);
        }
        // First, so that a stream that always has something to say ends as well.
        if self.cut.as_mut().is_some_and(|cut| Pin::new(cut.as_mut()).poll(waking).is_ready()) {
            self.end();
            let mut trailers = HeaderMap::new();
            // The message is our own: it can be written.
            let _ = outcome::cut().add_header(&mut trailers);
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(waking));
        if !matches!(&frame, Some(Ok(frame)) if frame.is_data()) {
            self.end();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inside.is_none() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        // It may be cut: a length that was promised would have to be kept.
        if self.cut.is_some() { http_body::SizeHint::default() } else { self.body.size_hint() }
    }
}
