//! Observing the calls of the current object: the paper's interceptor model.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context as Waking, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt;
use tonic::Status;

use crate::dispatch::{Answer, Answering, Object};
use crate::protocol::Schema;
use crate::wire::{Body, Messages, WireMessage};

/// Messages larger than this are not held in memory for observers; their calls are refused.
const LIMIT: usize = 64 * 1024 * 1024;

/// Sees the calls that reach the current object, whatever version their callers speak: their messages are those of the
/// current version by then.
///
/// A simulation object adjacent to the current object uses this to follow a state that other callers change. It may
/// refuse a call before it runs; it changes nothing. Messages come as protobuf bytes; decode them with the current
/// version's generated types.
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

    /// The call is over: the answer has ended or the caller has gone. Its status is in `trailers`, where it came so far.
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
    let (parts, mut body) = request.into_parts();
    let streaming = shared.streaming.get(parts.uri.path()).copied().unwrap_or(false);
    let (first, mut frames) = if streaming { (None, VecDeque::new()) } else { first_message(&mut body).await? };
    let call = ObservedCall {
        number: shared.calls.fetch_add(1, Ordering::Relaxed),
        method: parts.uri.path().to_owned(),
        metadata: parts.headers.clone(),
    };
    for observer in &shared.all {
        observer.admit(&call, first.as_ref())?;
    }
    let watched = Arc::new(Watched { call, shared });
    let body = if streaming {
        Body::new(Passing {
            inner: body,
            messages: Messages::new(LIMIT),
            watched: watched.clone(),
            side: Side::Request,
        })
    } else {
        frames.retain(|frame| frame.is_data() || frame.is_trailers());
        Body::begun(frames, body)
    };
    let response = inner.answer(Request::from_parts(parts, body)).await;
    let (parts, body) = response.into_parts();
    let trailers_only = parts.headers.contains_key("grpc-status");
    if trailers_only {
        watched.end(Some(&parts.headers));
        return Ok(Response::from_parts(parts, body));
    }
    let side = Side::Response { ended: false };
    let body = Body::new(Passing { inner: body, messages: Messages::new(LIMIT), watched, side });
    Ok(Response::from_parts(parts, body))
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
            each(bytes);
        })
        .map_err(|error| Status::resource_exhausted(error.to_string()))?;
    if compressed {
        return Err(Status::unimplemented("this node observes its calls and takes uncompressed messages only"));
    }
    Ok(())
}

/// One call under observation.
struct Watched {
    call: ObservedCall,
    shared: Arc<Observers>,
}

impl Watched {
    fn each(&self, tell: impl Fn(&dyn Observe, &ObservedCall)) {
        self.shared.all.iter().for_each(|observer| tell(&**observer, &self.call));
    }

    fn end(&self, trailers: Option<&HeaderMap>) {
        self.each(|observer, call| observer.end(call, trailers));
    }
}

enum Side {
    Request,
    Response { ended: bool },
}

/// A body whose messages are shown to observers as they pass.
struct Passing {
    inner: Body,
    messages: Messages,
    watched: Arc<Watched>,
    side: Side,
}

impl Passing {
    fn ended(&mut self, trailers: Option<&HeaderMap>) {
        if let Side::Response { ended } = &mut self.side
            && !std::mem::replace(ended, true)
        {
            self.watched.end(trailers);
        }
    }
}

impl HttpBody for Passing {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.inner).poll_frame(waking);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    let (watched, side) = (&this.watched, &this.side);
                    let shown = push(&mut this.messages, data.clone(), |message| {
                        watched.each(|observer, call| match side {
                            Side::Request => observer.request(call, &message),
                            Side::Response { .. } => observer.response(call, &message),
                        });
                    });
                    if let Err(status) = shown {
                        return Poll::Ready(Some(Err(status)));
                    }
                } else {
                    this.ended(frame.trailers_ref());
                }
            }
            Poll::Ready(_) => this.ended(None),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        self.ended(None);
    }
}
