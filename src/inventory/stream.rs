//! A stream out of a state and a function that takes the next step.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio_stream::Stream;
use tonic::Status;
use tonic::codegen::BoxStream;

/// Makes each item when it is asked for, so that a slow reader slows its source. `None` and the first error end it.
pub(crate) fn unfold<S, T, F, Step>(state: S, next: F) -> BoxStream<T>
where
    S: Send + Unpin + 'static,
    T: Send + 'static,
    F: FnMut(S) -> Step + Send + Unpin + 'static,
    Step: Future<Output = Result<Option<(T, S)>, Status>> + Send + 'static,
{
    Box::pin(Unfold { next, at: At::Rest(state) })
}

struct Unfold<S, F, Step> {
    next: F,
    at: At<S, Step>,
}

enum At<S, Step> {
    Rest(S),
    Step(Pin<Box<Step>>),
    End,
}

impl<S, T, F, Step> Stream for Unfold<S, F, Step>
where
    S: Unpin,
    F: FnMut(S) -> Step + Unpin,
    Step: Future<Output = Result<Option<(T, S)>, Status>>,
{
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut step = match std::mem::replace(&mut self.at, At::End) {
            At::Rest(state) => Box::pin((self.next)(state)),
            At::Step(step) => step,
            At::End => return Poll::Ready(None),
        };
        let Poll::Ready(result) = step.as_mut().poll(context) else {
            self.at = At::Step(step);
            return Poll::Pending;
        };
        Poll::Ready(match result {
            Ok(Some((item, state))) => {
                self.at = At::Rest(state);
                Some(Ok(item))
            }
            Ok(None) => None,
            Err(status) => Some(Err(status)),
        })
    }
}
