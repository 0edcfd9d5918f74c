//! One call through rewrites.
#![allow(
    clippy::large_enum_variant,
    clippy::single_match_else,
    reason = "made once, when tables are compiled or a call begins; both ways read as a table"
)]

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Waking, Poll, ready};

use http::{Request, Response};
use tonic::Status;

use super::fault::{Fault, Faulting, Refused};
use super::{Around, Side};
use crate::dispatch::answer::Answering;
use crate::wire::{Body, Encoding, Unread, encodings};

/// A call on its way to an answer. Written out: `async` would keep the request twice, and a call pays for each byte.
pub(super) struct Call {
    pub(super) around: Arc<Around>,
    /// How the caller takes answers compressed.
    pub(super) accepted: Option<Encoding>,
    pub(super) state: State,
}

pub(super) enum State {
    /// Nobody has looked at the request. Its messages come in behind it.
    Begun(Request<Body>),
    /// The object has it; messages that it asks for later may still be refused.
    Waiting(Answering, Option<Arc<Fault>>),
    /// It goes no further.
    Telling(Box<(Status, Option<Unread>)>),
    Done,
}

impl Future for Call {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Self::Output> {
        let Self { around, accepted, state } = &mut *self;
        if let State::Begun(request) = state {
            if around.side == Side::Node {
                *accepted = Encoding::accepted(request.headers(), encodings());
            }
            let next = match around.rewrites.request(request, around.side, waking) {
                Ok(fault) => State::Waiting(around.inner.answer(std::mem::take(request)), fault),
                Err(refused) => telling(refused, around.side),
            };
            *state = next;
        }
        if let State::Waiting(answering, fault) = state {
            let answered = Pin::new(answering).poll(waking);
            // An object that reads on after a refused message, or answers without it, would answer another request.
            match fault.as_ref().map(|fault| fault.poll(waking)) {
                // The object's future goes before the caller is told.
                Some(Poll::Ready(refused)) => *state = telling(refused, around.side),
                _ => {
                    let response = ready!(answered);
                    // Then nothing of the request is read any more.
                    let fault = fault.take().filter(|_| !response.body().is_whole());
                    let response = around.rewrites.respond(response, *accepted);
                    *state = State::Done;
                    return Poll::Ready(Ok(match fault {
                        Some(fault) => response.map(|body| Faulting::around(body, fault)),
                        None => response,
                    }));
                }
            }
        }
        // Polled after it was done, there is nothing more to come.
        let State::Telling(told) = state else { return Poll::Pending };
        told.1.take().into_iter().for_each(|unread| unread.let_go(waking));
        let response = told.0.clone().into_http();
        *state = State::Done;
        Poll::Ready(Ok(response))
    }
}

fn telling(Refused { status, rest }: Refused, side: Side) -> State {
    // What a caller has yet to say has not been sent: there it is just dropped.
    State::Telling(Box::new((status, (side == Side::Node).then(|| Unread::new(rest)))))
}
