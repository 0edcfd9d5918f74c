//! One call on its route.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Waking, Poll, ready};
use std::time::Duration;

use http::uri::Uri;
use http::{HeaderMap, Request, Response};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;

use super::answer::Answering;
use super::context::Context;
use super::guard::{Guard, settle};
use super::route::{Route, Target};
use super::table::{NODE, Refused, SCHEMA, Table, VERSION};
use super::{deadline, outcome};
use crate::wire::{Body, Unread};

/// With less time left than this a call is not begun. Callers whose deadline has passed already say `1n`, and a clock may
/// stand still for longer than that.
const LEAST: Duration = Duration::from_micros(1);

/// A call on its way to an answer; dropping it cancels the call.
///
/// ```text
///             refused, or no route
///  begin ---------------------------------> Told ----> done
///    |                                       ^
///    |  object                               | panic, deadline
///    +-----------> Running ------------------+
///                     | answer
///                     +-------------------------------> done
/// ```
pub(crate) struct Call(State);

enum State {
    Told(Box<Told>),
    Running(Running),
    Done,
}

struct Told {
    response: Response<Body>,
    /// Taken when the call is answered.
    unread: Option<Unread>,
}

struct Running {
    answering: Answering,
    route: Arc<Route>,
    /// What calls beneath take over; for simulation objects only.
    context: Option<Arc<Context>>,
    deadline: Option<Pin<Box<Sleep>>>,
    caller: Caller,
}

/// Who waits for the answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Somebody beyond the socket.
    Outside,
    /// A simulation object of this node; it may have set a deadline of its own for this call.
    Within { own_deadline: bool },
}

impl Call {
    /// A call that nothing answers; of its request, `unread` is the body.
    pub(crate) fn told(refused: Refused, unread: Body) -> Self {
        Self::answered(refused.0.into_http(), unread)
    }

    fn answered(response: Response<Body>, unread: Body) -> Self {
        Self(State::Told(Box::new(Told { response, unread: Some(Unread::new(unread)) })))
    }

    /// Whether the call may change something. One that nothing answers changes nothing.
    pub(crate) fn changes(&self) -> bool {
        matches!(&self.0, State::Running(running) if running.route.changes)
    }

    /// Whether messages of the call may go on coming for as long as one side likes.
    pub(crate) fn streams(&self) -> bool {
        matches!(&self.0, State::Running(running) if running.route.server_streaming || running.route.client_streaming)
    }

    /// Whether its caller can send it again to go on with its answer: that is a stream, and its request is not.
    pub(crate) fn can_be_sent_again(&self) -> bool {
        matches!(&self.0, State::Running(running) if running.route.server_streaming && !running.route.client_streaming)
    }

    /// The route of a call that something answers.
    pub(crate) fn route(&self) -> Option<&Arc<Route>> {
        if let State::Running(running) = &self.0 { Some(&running.route) } else { None }
    }

    /// Sends a request on its route.
    pub(crate) fn begin(
        route: &Arc<Route>,
        table: impl FnOnce() -> Arc<Table>,
        request: Request<Body>,
        caller: Caller,
    ) -> Self {
        let (answer, path, simulated) = match &route.target {
            Target::Object { answer, path, simulated, .. } => (answer, path, *simulated),
            Target::Refused(headers) => {
                let mut response = Response::new(Body::empty());
                *response.headers_mut() = headers.clone();
                stamp(route, response.headers_mut());
                if caller == Caller::Outside {
                    route.stamp.announce(response.headers_mut());
                }
                let unread = if caller == Caller::Outside { request.into_body() } else { Body::empty() };
                return Self::answered(response, unread);
            }
        };
        // A deadline that was inherited is watched by the call above.
        let own = (caller != Caller::Within { own_deadline: false })
            .then(|| deadline::timeout(request.headers()).and_then(|timeout| Instant::now().checked_add(timeout)))
            .flatten();
        if own.is_some_and(|own| own.saturating_duration_since(Instant::now()) < LEAST) {
            let mut response = outcome::deadline_had_passed().into_http();
            stamp(route, response.headers_mut());
            if caller == Caller::Outside {
                route.stamp.announce(response.headers_mut());
            }
            return Self::answered(response, request.into_body());
        }
        let context = simulated.then(|| {
            let above = if caller == Caller::Outside { None } else { Context::current() };
            let inherited = above.and_then(|above| above.deadline);
            let earliest = [own, inherited].into_iter().flatten().min();
            Context::new(table(), request.headers(), earliest)
        });
        let request = match path {
            Some(path) => with_path(request, path.clone()),
            None => request,
        };
        // A server with layers of its own may do its work, and panic, before it gives its future.
        let answering = catch_unwind(AssertUnwindSafe(|| match &context {
            Some(context) => context.enter(|| answer.answer(request)),
            None => answer.answer(request),
        }));
        let Ok(answering) = answering else {
            let mut response = outcome::panicked(route).into_http();
            stamp(route, response.headers_mut());
            return Self::answered(response, Body::empty());
        };
        let deadline = own.map(|own| Box::pin(sleep_until(own)));
        Self(State::Running(Running { answering, route: route.clone(), context, deadline, caller }))
    }
}

impl Future for Call {
    type Output = Response<Body>;

    fn poll(mut self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Response<Body>> {
        let response = match &mut self.0 {
            State::Told(told) => {
                told.unread.take().into_iter().for_each(|unread| unread.let_go(waking));
                std::mem::take(&mut told.response)
            }
            State::Running(running) => ready!(running.poll(waking)),
            // Polled after it was done: there is nothing more to come.
            State::Done => return Poll::Pending,
        };
        self.0 = State::Done;
        Poll::Ready(response)
    }
}

impl Running {
    fn poll(&mut self, waking: &mut Waking<'_>) -> Poll<Response<Body>> {
        let answering = &mut self.answering;
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let poll = || Pin::new(answering).poll(waking);
            match &self.context {
                Some(context) => context.enter(poll),
                None => poll(),
            }
        }));
        let response = match polled {
            Ok(Poll::Ready(response)) => self.answered(response, waking),
            Ok(Poll::Pending) => match self.deadline.as_mut().map(|deadline| deadline.as_mut().poll(waking)) {
                Some(Poll::Ready(())) => outcome::deadline_passed().into_http(),
                _ => return Poll::Pending,
            },
            Err(_) => outcome::panicked(&self.route).into_http(),
        };
        Poll::Ready(self.finished(response))
    }

    /// Sees to it that the body, too, runs in the context, keeps the deadline, breaks nothing when it panics, and that what
    /// a rewrite refuses in it is completed.
    fn answered(&mut self, mut response: Response<Body>, waking: &mut Waking<'_>) -> Response<Body> {
        let rewritten = matches!(self.route.target, Target::Object { rewritten: true, .. });
        if self.context.is_none() && self.deadline.is_none() && !rewritten {
            return response;
        }
        if response.body().is_whole() {
            // Nothing is left to guard.
            if let Some(trailers) = response.body_mut().trailers_mut() {
                outcome::complete_refusal(trailers, &self.route, self.context.as_deref());
            }
            return response;
        }
        let (parts, body) = response.into_parts();
        let guard = Guard::new(body, self.route.clone(), self.context.clone(), self.deadline.take());
        let body = if self.route.server_streaming { guard.into_body() } else { settle(guard, waking) };
        Response::from_parts(parts, body)
    }

    fn finished(&self, mut response: Response<Body>) -> Response<Body> {
        let trailers_only = outcome::is_trailers_only(&response);
        let headers = response.headers_mut();
        if let Some(context) = &self.context {
            context.return_into(headers);
        }
        // Beneath another simulation object, too: only here is it known what ran beneath this one.
        if trailers_only && (self.caller == Caller::Outside || self.context.is_some()) {
            outcome::complete_refusal(headers, &self.route, self.context.as_deref());
        }
        if self.caller == Caller::Outside {
            stamp(&self.route, headers);
            self.route.stamp.announce(headers);
        }
        response
    }
}

/// Says what the messages are in, what the node runs, and which schema that is.
fn stamp(route: &Route, headers: &mut HeaderMap) {
    let [version, node, schema] = &route.stamp.headers;
    headers.insert(&VERSION, version.clone());
    headers.insert(&NODE, node.clone());
    headers.insert(&SCHEMA, schema.clone());
}

pub(super) fn with_path(request: Request<Body>, path: http::uri::PathAndQuery) -> Request<Body> {
    let (mut parts, body) = request.into_parts();
    let mut uri = std::mem::take(&mut parts.uri).into_parts();
    uri.path_and_query = Some(path);
    // Only the path differs from a URI that was valid.
    parts.uri = Uri::from_parts(uri).unwrap_or_default();
    Request::from_parts(parts, body)
}

/// What a caller is told that could not even be routed.
pub(crate) fn unavailable(why: &str) -> Refused {
    Refused(Status::unavailable(why.to_owned()))
}
