//! Messages that are there as a whole when they are looked at, as those of nearly every unary call are: they are rewritten
//! on the spot, and no body is put around theirs.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use tonic::Status;

use super::{Rewriter, apply};
use crate::rewrite::{RewriteError, Rewritten};
use crate::wire::{Body, Encoding, Outgoing, framed, sole};

/// What rewriting a message came to; the outer status is that of a rewrite which panicked.
pub(super) type Applied = Result<Result<Rewritten, RewriteError>, Status>;

/// What became of a body that was looked at.
pub(super) enum Looked {
    /// It was one plain message, and is rewritten.
    Rewritten(Body),
    /// It is as before; what its first message comes to is told where it is known.
    Same(Body, Option<Box<Applied>>),
}

/// Answers of so many bytes go out in one buffer; the large parts of others are not copied.
const COPIED: usize = 4 * 1024;

/// Looks at a request, waits for nothing, and rewrites it where all of it is there: one plain message of at most `limit`
/// bytes. A message that is refused is left to those who tell of it once the object asks for it.
pub(super) async fn request(mut body: Body, rewrite: &dyn Rewriter, limit: usize) -> Looked {
    let first = match look(&mut body).await {
        Poll::Ready(Some(Ok(first))) => first,
        Poll::Ready(Some(Err(status))) => return Looked::Same(Body::failed(status), None),
        Poll::Ready(None) => return Looked::Same(Body::empty(), None),
        Poll::Pending => return Looked::Same(body, None),
    };
    let Some(message) = first.data_ref().and_then(|data| sole(data, limit)) else {
        return Looked::Same(Body::begun([first].into(), body), None);
    };
    let applied = apply(rewrite, &message);
    let second = if body.is_end_stream() { Poll::Ready(None) } else { look(&mut body).await };
    let (frames, rest) = match second {
        Poll::Ready(None) => {
            if let Ok(Ok(rewritten)) = &applied
                && let Ok(data) = framed(rewritten.parts())
            {
                return Looked::Rewritten(Body::full(data));
            }
            ([first].into(), Body::empty())
        }
        Poll::Ready(Some(Ok(second))) => ([first, second].into(), body),
        Poll::Ready(Some(Err(status))) => ([first].into(), Body::failed(status)),
        Poll::Pending => ([first].into(), body),
    };
    Looked::Same(Body::begun(frames, rest), Some(Box::new(applied)))
}

/// Rewrites an answer where all of it is there: one plain message of at most `limit` bytes, and what its trailers say.
/// Where it is worth it, it goes out compressed with `accepted`.
pub(super) fn response(mut body: Body, rewrite: &dyn Rewriter, limit: usize, accepted: Option<Encoding>) -> Looked {
    let Some(message) = body.data_ref().and_then(|data| sole(data, limit)) else { return Looked::Same(body, None) };
    let applied = apply(rewrite, &message);
    let Ok(Ok(rewritten)) = &applied else { return Looked::Same(body, Some(Box::new(applied))) };
    let parts = rewritten.parts();
    if accepted.is_none() && rewritten.len() < COPIED {
        if let Ok(data) = framed(parts) {
            body.take_data();
            return Looked::Rewritten(body.behind([data]));
        }
    } else {
        let mut outgoing = Outgoing::new(accepted);
        if outgoing.put(parts).is_ok() {
            body.take_data();
            return Looked::Rewritten(body.behind(std::iter::from_fn(|| outgoing.pop())));
        }
    }
    Looked::Same(body, Some(Box::new(applied)))
}

/// The next frame where it has come already.
async fn look(body: &mut Body) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
    poll_fn(|waking| Poll::Ready(Pin::new(&mut *body).poll_frame(waking))).await
}
