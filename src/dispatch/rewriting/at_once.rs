//! Messages that are there as a whole when they are looked at, as those of nearly every unary call are: they are rewritten
//! on the spot, and no body is put around theirs.

use std::pin::Pin;
use std::task::{Context as Waking, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use tonic::Status;

use super::{Metered, Rewriter};
use crate::rewrite::{RewriteError, Rewritten};
use crate::wire::{Body, Encoding, Outgoing, framed, sole};

/// What rewriting a message came to; the outer status is that of a rewrite which panicked.
pub(super) type Applied = Result<Result<Rewritten, RewriteError>, Status>;

/// What became of a body that was looked at.
pub(super) enum Looked {
    /// It was one plain message, and is rewritten.
    Rewritten,
    /// It is as before; what its first message comes to is told where it is known.
    Same(Option<Box<Applied>>),
}

/// Answers of so many bytes go out in one buffer; the large parts of others are not copied.
const COPIED: usize = 4 * 1024;

/// Looks at a request, waits for nothing, and rewrites it where all of it is there: one plain message of at most `limit`
/// bytes. A message that is refused is left to those who tell of it once the object asks for it.
pub(super) fn request(
    body: &mut Body,
    rewrite: &dyn Rewriter,
    metered: &mut Metered,
    limit: usize,
    waking: &mut Waking<'_>,
) -> Looked {
    let first = match Pin::new(&mut *body).poll_frame(waking) {
        Poll::Ready(Some(Ok(first))) => first,
        other => {
            put_back(body, None, other);
            return Looked::Same(None);
        }
    };
    let Some(message) = first.data_ref().and_then(|data| sole(data, limit)) else {
        put_back(body, Some(first), Poll::Pending);
        return Looked::Same(None);
    };
    let applied = metered.apply(rewrite, &message);
    let second = if body.is_end_stream() { Poll::Ready(None) } else { Pin::new(&mut *body).poll_frame(waking) };
    if let (Ok(Ok(rewritten)), Poll::Ready(None)) = (&applied, &second)
        && let Ok(data) = framed(rewritten.parts())
    {
        *body = Body::full(data);
        return Looked::Rewritten;
    }
    put_back(body, Some(first), second);
    Looked::Same(Some(Box::new(applied)))
}

/// What is told of a message that is refused, or cannot be rewritten at all.
pub(super) fn refused(applied: &Applied) -> Option<Status> {
    match applied {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.clone().into()),
        Err(status) => Some(status.clone()),
    }
}

/// Has the body give again what it gave.
fn put_back(body: &mut Body, first: Option<Frame<Bytes>>, next: Poll<Option<Result<Frame<Bytes>, Status>>>) {
    let (second, rest) = match next {
        Poll::Ready(Some(Ok(second))) => (Some(second), std::mem::take(body)),
        Poll::Ready(Some(Err(status))) => (None, Body::failed(status)),
        Poll::Ready(None) => (None, Body::empty()),
        Poll::Pending => (None, std::mem::take(body)),
    };
    *body = Body::begun(first.into_iter().chain(second).collect(), rest);
}

/// Rewrites an answer where all of it is there: one plain message of at most `limit` bytes. Where that is worth it, it goes
/// out compressed with `accepted`.
pub(super) fn response(
    body: &mut Body,
    rewrite: &dyn Rewriter,
    metered: &mut Metered,
    limit: usize,
    accepted: Option<Encoding>,
) -> Looked {
    let Some(message) = body.data_ref().and_then(|data| sole(data, limit)) else { return Looked::Same(None) };
    let applied = metered.apply(rewrite, &message);
    let Ok(Ok(rewritten)) = &applied else { return Looked::Same(Some(Box::new(applied))) };
    if accepted.is_none() && rewritten.len() < COPIED {
        if let Ok(data) = framed(rewritten.parts()) {
            body.replace_data([data]);
            return Looked::Rewritten;
        }
    } else {
        let mut outgoing = Outgoing::new(accepted);
        if outgoing.put(rewritten.parts()).is_ok() {
            body.replace_data(std::iter::from_fn(|| outgoing.pop()));
            return Looked::Rewritten;
        }
    }
    Looked::Same(Some(Box::new(applied)))
}
