//! Calls that may run twice, and whose response broke off before any of it was handed on: sent again.
//!
//! ```text
//!            the end, a second message,
//!            or a moment without either
//!  Holding ------------------------------> Reading: as it comes
//!     ^ |
//!     | | the connection was lost
//!     | v
//!    Again ------------------------------> Ended
//!            no other answer
//! ```
//!
//! gRPC takes a call for answered once its headers have come (gRFC A6, *When Retries are Valid*), since a message may have been
//! handed on. A node may end between headers, message and status. Of a unary call they come within a moment; so the first message is
//! held back for as long, and as long as it is, the call can be sent again.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use tonic::{Code, Status};

use super::attempt::{Call, Shared};
use super::failure::Progress;
use crate::wire::{Body, ENCODING, PREFIX};

/// How long the first message waits for what comes behind it: of a stream the next one may take for ever.
const MOMENT: Duration = Duration::from_millis(25);
/// Most bytes that are held back: to have a longer response sent again costs more than it is worth.
const MOST: usize = 1 << 20;
/// Most frames that are held back, however small they are: 1 MiB takes 64 of the usual size.
const MOST_FRAMES: usize = 256;

/// The body of a response that begins.
pub(super) struct Repeating {
    shared: Arc<Shared>,
    form: Form,
    held: Held,
    at: At,
}

enum At {
    Holding { body: Body, call: Box<Call> },
    Again(Pin<Box<dyn Future<Output = Answered> + Send>>),
    Reading(Body),
    Ended,
}

/// A call that was sent again, and what came of it.
type Answered = (Box<Call>, Result<Response<Body>, Status>);
type Came = Result<Frame<Bytes>, Status>;

/// What was handed on of the headers, and says how the body is to be read.
type Form = [Option<HeaderValue>; 2];

fn form(headers: &HeaderMap) -> Form {
    [headers.get(&ENCODING).cloned(), headers.get(CONTENT_TYPE).cloned()]
}

/// What was not handed on yet.
#[derive(Default)]
struct Held {
    frames: VecDeque<Came>,
    bytes: usize,
    prefix: Vec<u8>,
    moment: Option<Pin<Box<Sleep>>>,
}

impl Held {
    /// Holds more back, and says whether that is more than a message, or than can be held.
    fn take(&mut self, frame: Frame<Bytes>) -> bool {
        let data = frame.data_ref().map(|data| &data[..]).unwrap_or_default();
        self.prefix.extend(data.iter().take(PREFIX - self.prefix.len()));
        self.bytes += data.len();
        self.frames.push_back(Ok(frame));
        let message = match self.prefix[..] {
            [_, a, b, c, d] => PREFIX.saturating_add(u32::from_be_bytes([a, b, c, d]) as usize),
            _ => PREFIX,
        };
        self.bytes > message || message > MOST || self.frames.len() > MOST_FRAMES
    }

    /// Whether nothing has come behind the beginning for long enough.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        if self.frames.is_empty() {
            // Nobody waits for the first message longer than it takes.
            return false;
        }
        let moment = self.moment.get_or_insert_with(|| Box::pin(sleep(MOMENT)));
        moment.as_mut().poll(context).is_ready()
    }
}

impl Repeating {
    pub(super) fn body(shared: Arc<Shared>, call: Box<Call>, answer: Response<Body>) -> Response<Body> {
        let form = form(answer.headers());
        let held = Held::default();
        answer.map(|body| Body::new(Self { shared, form, held, at: At::Holding { body, call } }))
    }

    /// What becomes of a response that is held back, when something has come of it, or nothing for a moment.
    fn goes_on(&mut self, came: Poll<Option<Came>>, body: Body, call: Box<Call>) -> At {
        match came {
            Poll::Ready(Some(Err(status))) if is_lost(&status) => {
                self.held = Held::default();
                At::Again(Box::pin(again(self.shared.clone(), call)))
            }
            Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                if self.held.take(frame) {
                    At::Reading(body)
                } else {
                    At::Holding { body, call }
                }
            }
            Poll::Ready(Some(end)) => {
                self.held.frames.push_back(end);
                At::Ended
            }
            Poll::Ready(None) => At::Ended,
            Poll::Pending => At::Reading(body),
        }
    }

    /// What becomes of the call when there is another answer, or none.
    fn answered(&mut self, call: Box<Call>, answer: Result<Response<Body>, Status>) -> At {
        let end = match answer {
            // A status alone.
            Ok(answer) if answer.headers().contains_key(Status::GRPC_STATUS) => {
                Ok(Frame::trailers(answer.into_parts().0.headers))
            }
            Ok(answer) if answer.status() == StatusCode::OK && form(answer.headers()) == self.form => {
                return At::Holding { body: answer.into_body(), call };
            }
            Ok(answer) => {
                let what = "the response broke off, and the next node answers in another form";
                Err(Status::unavailable(format!("{what} ({}): call again", answer.status())))
            }
            Err(status) => Err(status),
        };
        self.held.frames.push_back(end);
        At::Ended
    }
}

/// Sends a call again of whose response nothing was handed on.
async fn again(shared: Arc<Shared>, mut call: Box<Call>) -> Answered {
    let mut progress = Progress::new();
    // It has: its response had begun.
    progress.may_have_run = true;
    let answer = shared.repeat(&mut call, &mut progress).await;
    (call, answer)
}

impl HttpBody for Repeating {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Came>> {
        let this = &mut *self;
        loop {
            this.at = match &mut this.at {
                At::Holding { body, .. } => {
                    let came = Pin::new(body).poll_frame(context);
                    if came.is_pending() && !this.held.is_over(context) {
                        return Poll::Pending;
                    }
                    match std::mem::replace(&mut this.at, At::Ended) {
                        At::Holding { body, call } => this.goes_on(came, body, call),
                        other => other,
                    }
                }
                At::Again(answer) => {
                    let (call, answer) = ready!(answer.as_mut().poll(context));
                    this.answered(call, answer)
                }
                At::Reading(body) => match this.held.frames.pop_front() {
                    None => return Pin::new(body).poll_frame(context),
                    held => return Poll::Ready(held),
                },
                At::Ended => return Poll::Ready(this.held.frames.pop_front()),
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        self.held.frames.is_empty()
            && match &self.at {
                At::Reading(body) => body.is_end_stream(),
                At::Holding { .. } | At::Again(_) => false,
                At::Ended => true,
            }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.at {
            At::Reading(body) if self.held.frames.is_empty() => body.size_hint(),
            _ => SizeHint::default(),
        }
    }
}

/// What is Unavailable here was not said by the node, which says such things in trailers.
fn is_lost(status: &Status) -> bool {
    status.code() == Code::Unavailable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_cannot_have_more_held_back_than_a_message_of_some_size_in_some_frames() {
        let announced = |length: usize| [&[0][..], &u32::try_from(length).unwrap().to_be_bytes()].concat();
        // How it begins, what comes again and again, and behind how many frames it is too much.
        for (beginning, then, behind) in [
            (announced(MOST), &[][..], 0),
            (announced(1), &[0], 2),
            (announced(MOST - PREFIX), &[0], MOST_FRAMES),
            (announced(MOST - PREFIX), &[], MOST_FRAMES),
            (vec![0], &[], MOST_FRAMES),
        ] {
            let mut held = Held::default();
            let frames = std::iter::once(beginning).chain(std::iter::repeat(then.to_vec())).take(2 * MOST_FRAMES);
            let too_much = frames.map(|data| held.take(Frame::data(data.into()))).position(|too_much| too_much);
            assert_eq!(too_much, Some(behind), "{then:?}");
        }
    }
}
