//! As `direct`, and the response's small frames go out together, whatever made them.
//!
//! A stream that is busy answers `Pending` now and then only to let others run (tokio's budget; `tokio_stream::iter`
//! each 32 messages). Sending what is there at each such pause makes many small frames; so a pause after several
//! messages is waited out once: the task goes to the end of the queue, and what is still missing then is not awaited.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame};
use straddle::wire::Body;
use tokio::net::TcpListener;
use tonic::Status;
use tower_service::Service;

use super::{Ours, pool};
use crate::candidates::Serving;
use crate::echo::straddle::echo_server::EchoServer;

pub(crate) fn serve<const SIZE: usize>(listener: TcpListener) -> Serving {
    let server = EchoServer::new(Ours);
    super::serve(listener, move |request| {
        let mut server = server.clone();
        async move {
            let stream = request.uri().path().ends_with("/Stream");
            let answer = server.call(request.map(Body::from)).await.unwrap_or_else(|never| match never {});
            if stream {
                answer.map(|body| Body::new(Coalesce::<SIZE> { body, data: BytesMut::new(), next: None, ended: false }))
            } else {
                answer.map(Body::from)
            }
        }
    })
}

struct Coalesce<const SIZE: usize> {
    body: tonic::body::Body,
    data: BytesMut,
    /// What came after the data that were sent last.
    next: Option<Result<Frame<Bytes>, Status>>,
    ended: bool,
}

/// A frame of this size came of a busy stream.
const BUSY: usize = 256;

impl<const SIZE: usize> HttpBody for Coalesce<SIZE> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.next.is_some() || self.ended {
            return Poll::Ready(self.next.take());
        }
        let mut fresh = 0;
        loop {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Pending if self.data.is_empty() => return Poll::Pending,
                Poll::Pending if fresh >= BUSY => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Pending => break,
                Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                    let Ok(data) = frame.into_data() else { continue };
                    if self.data.is_empty() && data.len() >= SIZE {
                        return Poll::Ready(Some(Ok(Frame::data(data))));
                    }
                    if self.data.len() + data.len() > SIZE {
                        self.next = Some(Ok(Frame::data(data)));
                        break;
                    }
                    if self.data.capacity() == 0 {
                        self.data = pool::take(SIZE);
                    }
                    fresh += data.len();
                    self.data.extend_from_slice(&data);
                }
                Poll::Ready(next) => {
                    self.ended = next.is_none();
                    if self.data.is_empty() {
                        return Poll::Ready(next);
                    }
                    self.next = next;
                    break;
                }
            }
        }
        let data = std::mem::take(&mut self.data);
        Poll::Ready(Some(Ok(Frame::data(pool::freeze(data)))))
    }
}
