//! The channel beneath a simulation object.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Waking, Poll, ready};

use http::{Request, Response};
use tokio::time::Instant;
use tower_service::Service;

use crate::dispatch::{Call, Context, Ending, Within, add_missing, deadline, is_trailers_only, refusal_in};
use crate::version::Version;
use crate::wire::{Body, TRACEPARENT, TRACESTATE};

/// The in-process channel to the adjacent version: a simulation object holds that version's generated client over it.
///
/// What is called through it re-enters the node's routes at the adjacent version, one step nearer to the version that
/// the node runs. Nothing leaves the process. From the call that is being simulated these pass by themselves:
///
/// - the **deadline**: the call beneath sees how much time is left;
/// - **cancellation**: when the caller goes away, what is called beneath is dropped with it;
/// - **metadata**: the caller's go down (unless the simulation object sets the same name itself), the answer's go up, but
///   for those that come only after its messages;
/// - the **trace**: W3C `traceparent` and gRPC's `grpc-trace-bin` are metadata; `tracestate` goes with the `traceparent` that
///   it came with, and not with another one that the object sets.
///
/// That holds in the task of the call and in its response stream. Work of the object's own, such as a timer in a
/// spawned task, has no caller above it: it uses the node's current routes, without deadline or metadata.
#[derive(Clone)]
pub struct Adjacent(Within);

impl Adjacent {
    pub(crate) fn new(within: Within) -> Self {
        Self(within)
    }

    /// The version that is called through this channel.
    #[must_use]
    pub fn version(&self) -> &Version {
        self.0.version()
    }
}

impl fmt::Debug for Adjacent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Adjacent").field(self.version()).finish()
    }
}

impl Service<Request<tonic::body::Body>> for Adjacent {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = AdjacentCall;

    fn poll_ready(&mut self, _: &mut Waking<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> AdjacentCall {
        let mut request = request.map(Body::from);
        let above = Context::current();
        let own_deadline = request.headers().contains_key(&deadline::TIMEOUT);
        if let Some(above) = &above {
            take_over(above, request.headers_mut());
        }
        let (call, ending) = self.0.begin(above.as_deref(), request, own_deadline);
        let note = above.map(|above| Note { above, changes: call.changes(), begun: false });
        AdjacentCall { call, ending, note }
    }
}

/// A call to the adjacent version on its way; dropping it cancels the call.
#[must_use = "futures do nothing unless polled"]
pub struct AdjacentCall {
    call: Call,
    ending: Ending,
    note: Option<Note>,
}

/// What the call above wants to know of the answer.
struct Note {
    above: Arc<Context>,
    /// Whether this call may change something.
    changes: bool,
    /// Whether it is on its way, and nobody knows yet how far it has come.
    begun: bool,
}

/// A simulation object that drops a call, because of a timeout of its own or of a failure beside it, cannot know that
/// it did not run.
impl Drop for Note {
    fn drop(&mut self) {
        if self.changes && self.begun {
            self.above.note_run();
        }
    }
}

impl Future for AdjacentCall {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Self::Output> {
        if let Some(note) = &mut self.note {
            note.begun = true;
        }
        let Self { call, ending, .. } = &mut *self;
        let response = {
            let _within = ending.enter();
            ready!(Pin::new(call).poll(waking))
        };
        ending.answered(&response);
        let ending = std::mem::take(ending);
        if let Some(mut note) = self.note.take() {
            note.above.note_returned(response.headers());
            let refused_before =
                is_trailers_only(&response) && refusal_in(response.headers()).is_some_and(|refusal| !refusal.ran());
            note.begun = !refused_before;
        }
        Poll::Ready(Ok(response.map(|body| ending.watch(body))))
    }
}

/// Adds the metadata of the call above, and the time that it has left.
fn take_over(above: &Context, headers: &mut http::HeaderMap) {
    if !above.metadata.is_empty() {
        // What is said of one trace says nothing of another.
        let other_trace = headers.contains_key(&TRACEPARENT) && !headers.contains_key(&TRACESTATE);
        add_missing(headers, &above.metadata);
        if other_trace {
            headers.remove(&TRACESTATE);
        }
    }
    if let Some(end) = above.deadline
        && !headers.contains_key(&deadline::TIMEOUT)
    {
        let left = end.saturating_duration_since(Instant::now());
        headers.insert(&deadline::TIMEOUT, deadline::header(left));
    }
}
