//! One body type for both directions of every call.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tonic::Status;

use super::framing::{Framing, TooLarge};
use super::peer::Peer;
use super::said::{Heard, SaidAll};

/// The body of a call's request or response: frames of bytes, then perhaps trailers.
///
/// Data are gRPC length-prefixed messages (gRPC over HTTP/2, *Requests* and *Responses*); a frame may hold a part of a
/// message or several of them. The kinds that the way of a call meets again and again are held without a box.
#[derive(Debug, Default)]
pub struct Body(Kind, Option<Peer>);

#[derive(Debug, Default)]
enum Kind {
    #[default]
    Empty,
    Whole {
        data: Option<Bytes>,
        trailers: Trailers,
    },
    /// Frames that came before the rest.
    Begun {
        frames: VecDeque<Frame<Bytes>>,
        rest: Box<Body>,
    },
    Incoming(Incoming),
    Limited {
        body: Incoming,
        framing: Framing,
    },
    /// An error that came already.
    Failed(Box<Status>),
    Tonic(tonic::body::Body),
    Heard(Box<Heard>),
}

#[derive(Debug)]
enum Trailers {
    None,
    /// What nearly every answer ends with: `grpc-status: 0`. They need no memory before they are sent.
    Ok,
    Some(Box<HeaderMap>),
}

impl Trailers {
    fn take(&mut self) -> Option<HeaderMap> {
        match std::mem::replace(self, Self::None) {
            Self::None => None,
            Self::Ok => {
                let mut trailers = HeaderMap::with_capacity(1);
                trailers.insert(Status::GRPC_STATUS, HeaderValue::from_static("0"));
                Some(trailers)
            }
            Self::Some(trailers) => Some(*trailers),
        }
    }
}

impl Body {
    /// A body without data and without trailers.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Kind::Empty, None)
    }

    /// A body that is already whole in memory.
    #[must_use]
    pub fn full(data: Bytes) -> Self {
        if data.is_empty() {
            Self::empty()
        } else {
            Self(Kind::Whole { data: Some(data), trailers: Trailers::None }, None)
        }
    }

    /// A body that is already whole in memory and ends with trailers.
    #[must_use]
    pub fn with_trailers(data: Bytes, trailers: HeaderMap) -> Self {
        let data = (!data.is_empty()).then_some(data);
        Self(Kind::Whole { data, trailers: Trailers::Some(Box::new(trailers)) }, None)
    }

    /// A body of one message, prefix and all, that ends an answer that went well.
    pub(crate) fn answer(data: Bytes) -> Self {
        Self(Kind::Whole { data: Some(data), trailers: Trailers::Ok }, None)
    }

    /// A body of which some frames are there already.
    pub(crate) fn begun(frames: VecDeque<Frame<Bytes>>, rest: Self) -> Self {
        if frames.is_empty() { rest } else { Self(Kind::Begun { frames, rest: Box::new(rest) }, None) }
    }

    /// A body that gives this error and nothing else.
    pub(crate) fn failed(status: Status) -> Self {
        Self(Kind::Failed(Box::new(status)), None)
    }

    /// A body off a connection, none of whose messages may be larger than `limit` bytes (without its prefix).
    ///
    /// A larger one ends the body with `RESOURCE_EXHAUSTED` at its prefix, before memory is spent on it.
    #[must_use]
    pub fn limited(body: Incoming, limit: u32) -> Self {
        if body.is_end_stream() {
            Self::empty()
        } else {
            Self(Kind::Limited { body, framing: Framing::new(limit) }, None)
        }
    }

    /// Any other body; it is boxed.
    pub fn new<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        tonic::body::Body::new(body).into()
    }

    /// The same body, and a sign of whether its end has come to whoever reads it.
    pub(crate) fn heard(self) -> (Self, SaidAll) {
        let (heard, said) = Heard::new(self);
        (Self(Kind::Heard(Box::new(heard)), None), said)
    }

    /// The data, when the body is whole in memory and has no trailers; the body itself otherwise.
    ///
    /// # Errors
    /// Gives the body back when its data may still be on their way.
    pub fn try_into_bytes(self) -> Result<Bytes, Self> {
        match self.0 {
            Kind::Empty => Ok(Bytes::new()),
            Kind::Whole { data, trailers: Trailers::None } => Ok(data.unwrap_or_default()),
            other => Err(Self(other, self.1)),
        }
    }

    /// The same body, of a request that came from there.
    pub(crate) fn with_peer(self, peer: Peer) -> Self {
        Self(self.0, Some(peer))
    }

    /// Where the request came from whose body this is, once.
    pub(crate) fn take_peer(&mut self) -> Option<Peer> {
        self.1.take()
    }

    /// Whether nothing of the body is still on its way.
    pub(crate) fn is_whole(&self) -> bool {
        match &self.0 {
            Kind::Empty | Kind::Whole { .. } => true,
            // Trailers among the frames are not what `trailers_mut` gives.
            Kind::Begun { frames, rest } => rest.is_whole() && frames.iter().all(Frame::is_data),
            _ => false,
        }
    }

    /// The data of a whole body, where they are in one.
    pub(crate) fn data_ref(&self) -> Option<&Bytes> {
        match &self.0 {
            Kind::Whole { data, .. } => data.as_ref(),
            _ => None,
        }
    }

    /// Puts others in the place of what [`data_ref`](Self::data_ref) shows; trailers stay.
    pub(crate) fn replace_data(&mut self, replacement: impl IntoIterator<Item = Bytes>) {
        let Kind::Whole { data, .. } = &mut self.0 else { return };
        let mut replacement = replacement.into_iter();
        *data = replacement.next();
        let Some(second) = replacement.next() else { return };
        let frames = data.take().into_iter().chain([second]).chain(replacement).map(Frame::data).collect();
        *self = Self::begun(frames, std::mem::take(self));
    }

    /// How many bytes of data there are, prefixes included, where the body is whole.
    pub(crate) fn whole_length(&self) -> Option<usize> {
        match &self.0 {
            Kind::Empty => Some(0),
            Kind::Whole { data, .. } => Some(data.as_ref().map_or(0, Bytes::len)),
            Kind::Begun { frames, rest } if self.is_whole() => {
                let begun: usize = frames.iter().filter_map(Frame::data_ref).map(Bytes::len).sum();
                Some(begun + rest.whole_length()?)
            }
            _ => None,
        }
    }

    /// The largest message that whoever made this body lets through, in bytes.
    pub(crate) fn message_limit(&self) -> Option<usize> {
        match &self.0 {
            Kind::Limited { framing, .. } => usize::try_from(framing.limit()).ok(),
            Kind::Begun { rest, .. } => rest.message_limit(),
            Kind::Heard(heard) => heard.body.message_limit(),
            _ => None,
        }
    }

    /// Whether a whole body ends an answer that went well, as far as that can be told at a glance.
    pub(crate) fn ends_well(&self) -> bool {
        match &self.0 {
            Kind::Whole { trailers, .. } => matches!(trailers, Trailers::Ok),
            Kind::Begun { rest, .. } => rest.ends_well(),
            _ => false,
        }
    }

    /// The trailers of a whole body, where they may tell of an error.
    pub(crate) fn trailers(&self) -> Option<&HeaderMap> {
        match &self.0 {
            Kind::Whole { trailers: Trailers::Some(trailers), .. } => Some(trailers),
            Kind::Begun { rest, .. } => rest.trailers(),
            _ => None,
        }
    }

    /// The trailers of a whole body, where they may tell of an error.
    pub(crate) fn trailers_mut(&mut self) -> Option<&mut HeaderMap> {
        match &mut self.0 {
            Kind::Whole { trailers: Trailers::Some(trailers), .. } => Some(trailers),
            Kind::Begun { rest, .. } => rest.trailers_mut(),
            _ => None,
        }
    }
}

impl From<Incoming> for Body {
    fn from(body: Incoming) -> Self {
        if body.is_end_stream() { Self::empty() } else { Self(Kind::Incoming(body), None) }
    }
}

impl From<tonic::body::Body> for Body {
    fn from(body: tonic::body::Body) -> Self {
        if body.is_end_stream() { Self::empty() } else { Self(Kind::Tonic(body), None) }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match &mut self.0 {
            Kind::Empty => Poll::Ready(None),
            Kind::Whole { data, trailers } => Poll::Ready(match data.take() {
                Some(data) => Some(Ok(Frame::data(data))),
                None => trailers.take().map(|trailers| Ok(Frame::trailers(trailers))),
            }),
            Kind::Begun { frames, rest } => match frames.pop_front() {
                Some(frame) => Poll::Ready(Some(Ok(frame))),
                None => Pin::new(rest.as_mut()).poll_frame(context),
            },
            Kind::Incoming(body) => {
                Pin::new(body).poll_frame(context).map_err(|error| Status::from_error(Box::new(error)))
            }
            Kind::Limited { body, framing } => {
                let frame = match ready!(Pin::new(&mut *body).poll_frame(context)) {
                    Some(Ok(frame)) => frame,
                    None if body.is_end_stream() => return Poll::Ready(None),
                    // hyper ends a body in the same way when its peer resets the stream with NO_ERROR as when the peer has
                    // said all. Whoever reads would take what was cut for the whole.
                    None => {
                        self.0 = Kind::Empty;
                        return Poll::Ready(Some(Err(taken_back())));
                    }
                    Some(Err(error)) => {
                        let status = Status::from_error(Box::new(error));
                        // tonic's streams of requests end at CANCELLED (0.14) as if the caller had ended them.
                        let cancelled = status.code() == tonic::Code::Cancelled;
                        return Poll::Ready(Some(Err(if cancelled { taken_back() } else { status })));
                    }
                };
                let followed = frame.data_ref().map_or(Ok(()), |data| framing.follow(data));
                if let Err(TooLarge(size)) = followed {
                    let limit = framing.limit();
                    // What is left of the message is not read: the peer's window for this stream stays shut.
                    self.0 = Kind::Empty;
                    return Poll::Ready(Some(Err(too_large(size, limit))));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Kind::Failed(_) => Poll::Ready(match std::mem::take(&mut self.0) {
                Kind::Failed(status) => Some(Err(*status)),
                _ => None,
            }),
            Kind::Tonic(body) => Pin::new(body).poll_frame(context),
            Kind::Heard(heard) => heard.poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Empty => true,
            Kind::Whole { data, trailers } => data.is_none() && matches!(trailers, Trailers::None),
            Kind::Begun { frames, rest } => frames.is_empty() && rest.is_end_stream(),
            Kind::Incoming(body) | Kind::Limited { body, .. } => body.is_end_stream(),
            Kind::Failed(_) => false,
            Kind::Tonic(body) => body.is_end_stream(),
            Kind::Heard(heard) => heard.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Whole { data, trailers } => {
                let length = data.as_ref().map_or(0, |data| data.len() as u64);
                if matches!(trailers, Trailers::None) {
                    return SizeHint::with_exact(length);
                }
                // Of an exact size hyper would make a `content-length`, which gRPC has no use for in an answer and both
                // sides of each call would pay for.
                let mut hint = SizeHint::new();
                hint.set_lower(length);
                hint
            }
            Kind::Begun { .. } | Kind::Failed(_) => SizeHint::default(),
            Kind::Incoming(body) | Kind::Limited { body, .. } => body.size_hint(),
            Kind::Tonic(body) => body.size_hint(),
            Kind::Heard(heard) => heard.body.size_hint(),
        }
    }
}

#[cold]
fn taken_back() -> Status {
    Status::aborted("the caller took the call back before it had said all")
}

#[cold]
fn too_large(size: u32, limit: u32) -> Status {
    Status::resource_exhausted(format!(
        "a message of {size} bytes was announced, and this node takes {limit} at most; \
         send less at once, or raise the node's limit"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_a_call_has_no_content_length() {
        let data = Bytes::from_static(b"\0\0\0\0\x01a");
        for body in [Body::answer(data.clone()), Body::with_trailers(data.clone(), HeaderMap::new())] {
            let hint = body.size_hint();
            assert_eq!((hint.lower(), hint.exact()), (6, None));
        }
        assert_eq!(Body::full(data).size_hint().exact(), Some(6));
    }
}
