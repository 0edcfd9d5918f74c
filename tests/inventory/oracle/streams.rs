//! Streams of one version as streams of another: message by message, when the reader asks for the next.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;
use tokio_stream::Stream;
use tonic::codegen::BoxStream;
use tonic::{Status, Streaming};

/// What the caller streams, for the client of the adjacent version; and what tells when that went wrong.
///
/// A client's stream can only end, and to end it would tell the other side that all is said. So a message that cannot
/// be converted, or a caller that goes away, leaves the stream hanging and raises the [`Fault`], which abandons the
/// call.
pub(crate) fn requests<A, B>(
    caller: Streaming<A>,
    convert: fn(A) -> Result<B, Status>,
) -> (impl Stream<Item = B> + Send + 'static, Fault)
where
    A: Send + 'static,
    B: 'static,
{
    let (raise, raised) = oneshot::channel();
    (Requests { caller, convert, raise: Some(raise) }, Fault(raised))
}

/// What the adjacent version's object streams, for the caller. The first error ends it, and the call beneath.
pub(crate) fn responses<A, B>(object: Streaming<A>, convert: fn(A) -> Result<B, Status>) -> BoxStream<B>
where
    A: Send + 'static,
    B: Send + 'static,
{
    Box::pin(Responses { object: Some(object), convert, fault: None })
}

/// Tells that a caller's stream cannot go on.
pub(crate) struct Fault(oneshot::Receiver<Status>);

impl Fault {
    /// The outcome of `call`, which is abandoned when the caller's stream cannot go on.
    pub(crate) async fn or<T>(&mut self, call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        tokio::select! {
            biased;
            Ok(status) = &mut self.0 => Err(status),
            outcome = call => outcome,
        }
    }

    /// [`responses`] that end when the caller's stream cannot go on.
    pub(crate) fn responses<A, B>(self, object: Streaming<A>, convert: fn(A) -> Result<B, Status>) -> BoxStream<B>
    where
        A: Send + 'static,
        B: Send + 'static,
    {
        Box::pin(Responses { object: Some(object), convert, fault: Some(self) })
    }
}

struct Requests<A, B> {
    caller: Streaming<A>,
    convert: fn(A) -> Result<B, Status>,
    raise: Option<oneshot::Sender<Status>>,
}

impl<A, B> Stream for Requests<A, B> {
    type Item = B;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<B>> {
        if self.raise.is_none() {
            return Poll::Pending;
        }
        let Some(message) = ready!(Pin::new(&mut self.caller).poll_next(context)) else { return Poll::Ready(None) };
        match message.and_then(self.convert) {
            Ok(message) => Poll::Ready(Some(message)),
            Err(status) => {
                if let Some(raise) = self.raise.take() {
                    // Nobody listens any more when the call is over, and then it does not matter.
                    let _ = raise.send(status);
                }
                // Whoever was told drops the call, and this stream with it.
                Poll::Pending
            }
        }
    }
}

struct Responses<A, B> {
    /// `None` once the stream is over.
    object: Option<Streaming<A>>,
    convert: fn(A) -> Result<B, Status>,
    fault: Option<Fault>,
}

impl<A, B> Stream for Responses<A, B> {
    type Item = Result<B, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = match self.poll_fault(context) {
            Some(status) => Some(Err(status)),
            None => match &mut self.object {
                Some(object) => ready!(Pin::new(object).poll_next(context)),
                None => None,
            },
        };
        let next = next.map(|message| message.and_then(self.convert));
        if !matches!(next, Some(Ok(_))) {
            self.object = None;
        }
        Poll::Ready(next)
    }
}

impl<A, B> Responses<A, B> {
    fn poll_fault(&mut self, context: &mut Context<'_>) -> Option<Status> {
        let Poll::Ready(outcome) = Pin::new(&mut self.fault.as_mut()?.0).poll(context) else { return None };
        // No fault can be raised any more.
        self.fault = None;
        outcome.ok()
    }
}
