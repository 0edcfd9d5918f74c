//! Observing the calls of the current object: the paper's interceptor model.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context as Waking, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt;
use tonic::Status;

use crate::dispatch::{Answer, Answering, Object};
use crate::protocol::Schema;
use crate::wire::{ACCEPT_ENCODING, Body, Encoding, Messages, WireMessage, compressed, encodings, plain};

/// Messages larger than this are not held in memory for observers; their calls are refused.
const LIMIT: usize = 64 * 1024 * 1024;

/// Sees the calls that reach the current object, whatever version their callers speak: their messages are those of the
/// current version by then.
///
/// A simulation object adjacent to the current object uses this to follow a state that other callers change. It may
/// refuse a call before it runs; it changes nothing. Messages come as protobuf bytes; decode them with the current
/// version's generated types. A call whose messages it cannot see, since they are compressed, fails; so does one at
/// which an observer panics.
pub trait Observe: Send + Sync + 'static {
    /// A call is about to reach the object. `first` is its request, unless the caller streams requests.
    ///
    /// # Errors
    /// An error refuses the call, with that status, before it runs.
    fn admit(&self, call: &ObservedCall, first: Option<&Bytes>) -> Result<(), Status> {
        let _ = (call, first);
        Ok(())
    }

    /// A message of a streaming caller passes on to the object.
    fn request(&self, call: &ObservedCall, message: &Bytes) {
        let _ = (call, message);
    }

    /// A message of the object's answer passes on to the caller.
    fn response(&self, call: &ObservedCall, message: &Bytes) {
        let _ = (call, message);
    }

    /// A call that was admitted is over: the answer has ended, the caller has gone, or another observer has refused it.
    /// Its status is in `trailers`, where it came so far.
    fn end(&self, call: &ObservedCall, trailers: Option<&HeaderMap>) {
        let _ = (call, trailers);
    }
}

/// A call as observers see it.
#[derive(Clone, Debug)]
pub struct ObservedCall {
    /// Counts the calls of this node, in the order in which they reached the object.
    pub number: u64,
    /// The method in the current version, as `/package.Service/Method`.
    pub method: String,
    /// The metadata of the request.
    pub metadata: HeaderMap,
}

/// The object with its observers in front; the object itself where there are none.
pub(crate) fn observed(object: Object, observers: &[Arc<dyn Observe>], schema: &Schema) -> Object {
    if observers.is_empty() {
        return object;
    }
    let streaming = schema.methods().iter().map(|method| (method.path().to_owned(), method.is_client_streaming()));
    let shared =
        Arc::new(Observers { all: observers.to_vec(), streaming: streaming.collect(), calls: AtomicU64::new(0) });
    object.map(|inner| Arc::new(Observed { inner, shared: shared.clone() }))
}

struct Observers {
    all: Vec<Arc<dyn Observe>>,
    /// Whether the caller streams, by path.
    streaming: HashMap<String, bool>,
    calls: AtomicU64,
}

struct Observed {
    inner: Arc<dyn Answer>,
    shared: Arc<Observers>,
}

impl Answer for Observed {
    fn answer(&self, request: Request<Body>) -> Answering {
        let (inner, shared) = (self.inner.clone(), self.shared.clone());
        Answering::new(async move {
            match observe(&*inner, shared, request).await {
                Ok(response) => response,
                Err(status) => status.into_http(),
            }
        })
    }
}

async fn observe(inner: &dyn Answer, shared: Arc<Observers>, request: Request<Body>) -> Result<Response<Body>, Status> {
    let accepted = Encoding::accepted(request.headers(), encodings());
    let limit = request.body().message_limit().unwrap_or(LIMIT);
    let (mut parts, mut body) = plain(request, limit)?.into_parts();
    parts.headers.remove(&ACCEPT_ENCODING);
    let streaming = shared.streaming.get(parts.uri.path()).copied().unwrap_or(false);
    let (first, mut frames) = if streaming { (None, VecDeque::new()) } else { first_message(&mut body).await? };
    let call = ObservedCall {
        number: shared.calls.fetch_add(1, Ordering::Relaxed),
        method: parts.uri.path().to_owned(),
        metadata: parts.headers.clone(),
    };
    let watched = Arc::new(Watched { call, shared });
    let mut ending = Ending { watched: watched.clone(), admitted: 0 };
    for observer in &watched.shared.all {
        observer.admit(&watched.call, first.as_ref())?;
        ending.admitted += 1;
    }
    let body = if streaming {
        Body::new(Passing { inner: body, messages: Messages::new(LIMIT), watched: watched.clone(), ending: None })
    } else {
        frames.retain(|frame| frame.is_data() || frame.is_trailers());
        Body::begun(frames, body)
    };
    let response = inner.answer(Request::from_parts(parts, body)).await;
    let (parts, body) = response.into_parts();
    let trailers_only = parts.headers.contains_key("grpc-status");
    if trailers_only {
        ending.end(Some(&parts.headers));
        return Ok(Response::from_parts(parts, body));
    }
    let body = Body::new(Passing { inner: body, messages: Messages::new(LIMIT), watched, ending: Some(ending) });
    Ok(compressed(Response::from_parts(parts, body), accepted))
}

/// Reads on to the end of the first message; gives it and all frames that were read.
async fn first_message(body: &mut Body) -> Result<(Option<Bytes>, VecDeque<Frame<Bytes>>), Status> {
    let mut messages = Messages::new(LIMIT);
    let mut frames = VecDeque::new();
    let mut first = None;
    while first.is_none()
        && let Some(frame) = body.frame().await
    {
        let frame = frame?;
        if let Some(data) = frame.data_ref() {
            push(&mut messages, data.clone(), |message| {
                first.get_or_insert(message);
            })?;
        }
        frames.push_back(frame);
    }
    Ok((first, frames))
}

/// Gives each message that is whole; a compressed one cannot be seen, and what cannot be seen is not let through.
fn push(messages: &mut Messages, data: Bytes, mut each: impl FnMut(Bytes)) -> Result<(), Status> {
    let mut compressed = false;
    messages
        .push(data, |WireMessage { compressed: flag, bytes }| {
            compressed |= flag;
            if !compressed {
                each(bytes);
            }
        })
        .map_err(|error| Status::resource_exhausted(error.to_string()))?;
    if compressed {
        return Err(Status::unimplemented("this node observes its calls and sees uncompressed messages only"));
    }
    Ok(())
}

/// One call under observation.
struct Watched {
    call: ObservedCall,
    shared: Arc<Observers>,
}

impl Watched {
    /// Tells the first observers; a panic in one does not keep it from the others.
    fn tell(&self, first: usize, tell: impl Fn(&dyn Observe, &ObservedCall)) -> Result<(), Status> {
        let mut told = Ok(());
        for observer in self.shared.all.iter().take(first) {
            if catch_unwind(AssertUnwindSafe(|| tell(&**observer, &self.call))).is_err() {
                tracing::error!(method = %self.call.method, "an observer panicked; this call fails, the node goes on");
                told = Err(Status::internal("an observer of the node's calls panicked"));
            }
        }
        told
    }
}

/// Tells the observers that have admitted a call that it is over, once, whatever becomes of it.
struct Ending {
    watched: Arc<Watched>,
    admitted: usize,
}

impl Ending {
    fn end(&mut self, trailers: Option<&HeaderMap>) {
        let admitted = std::mem::take(&mut self.admitted);
        // There is nothing left that could fail.
        let _ = self.watched.tell(admitted, |observer, call| observer.end(call, trailers));
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.end(None);
    }
}

/// A body whose messages are shown to observers as they pass.
struct Passing {
    inner: Body,
    messages: Messages,
    watched: Arc<Watched>,
    /// With the answer; a request has none.
    ending: Option<Ending>,
}

impl Passing {
    fn show(&mut self, data: &Bytes) -> Result<(), Status> {
        let (watched, answer) = (&self.watched, self.ending.is_some());
        let mut told = Ok(());
        push(&mut self.messages, data.clone(), |message| {
            let shown = watched.tell(usize::MAX, |observer, call| {
                if answer { observer.response(call, &message) } else { observer.request(call, &message) }
            });
            told = std::mem::replace(&mut told, Ok(())).and(shown);
        })?;
        told
    }

    fn ended(&mut self, trailers: Option<&HeaderMap>) {
        if let Some(ending) = &mut self.ending {
            ending.end(trailers);
        }
    }

    /// Lets nothing more through. An answer ends as a call that failed, in a way that its caller can read.
    fn cut(&mut self, status: Status) -> Result<Frame<Bytes>, Status> {
        self.inner = Body::empty();
        if self.ending.is_none() {
            return Err(status);
        }
        let mut trailers = HeaderMap::new();
        Status::internal(format!("{}; the call has run", status.message())).add_header(&mut trailers)?;
        self.ended(Some(&trailers));
        Ok(Frame::trailers(trailers))
    }
}

impl HttpBody for Passing {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = ready!(Pin::new(&mut self.inner).poll_frame(waking));
        if let Some(Ok(frame)) = &polled
            && let Some(data) = frame.data_ref()
        {
            return Poll::Ready(match self.show(data) {
                Ok(()) => polled,
                Err(status) => Some(self.cut(status)),
            });
        }
        self.ended(polled.as_ref().and_then(|frame| frame.as_ref().ok()?.trailers_ref()));
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        // It may be cut short.
        http_body::SizeHint::default()
    }
}
