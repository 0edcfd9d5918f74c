//! A response's body: bounded by the deadline, with errors that say where it came from.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;

use super::address::InFlight;
use super::failure;
use crate::wire::Body;

/// The body of a response that has begun.
pub(super) struct Arriving {
    /// Dropped as soon as it is over, which resets its stream if the node is not done.
    body: Option<Incoming>,
    deadline: Option<Pin<Box<Sleep>>>,
    address: InFlight,
}

impl Arriving {
    pub(super) fn body(body: Incoming, deadline: Option<Instant>, address: InFlight) -> Body {
        if body.is_end_stream() {
            return Body::empty();
        }
        Body::new(Self { body: Some(body), deadline: deadline.map(|at| Box::pin(sleep_until(at))), address })
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let status = match Pin::new(body).poll_frame(context) {
            Poll::Ready(Some(Err(error))) => failure::broken_off(&error, this.address.name()),
            Poll::Ready(Some(Ok(frame))) => return Poll::Ready(Some(Ok(frame))),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => {
                let over = this.deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(context).is_ready());
                if !over {
                    return Poll::Pending;
                }
                Status::deadline_exceeded(format!(
                    "the deadline is over, and the response of {} was not complete; the call may have run",
                    this.address.name()
                ))
            }
        };
        this.body = None;
        Poll::Ready(Some(Err(status)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}
