//! As `direct`, and the request's message reaches tonic as one frame, in a buffer of just its size, which tonic's
//! `BytesMut::put` takes over without a copy.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame};
use hyper::body::Incoming;
use straddle::wire::Body;
use tokio::net::TcpListener;
use tonic::Status;
use tower_service::Service;

use super::{Ours, pool};
use crate::candidates::Serving;
use crate::echo::straddle::echo_server::EchoServer;

pub(crate) fn serve<const POOLED: bool>(listener: TcpListener) -> Serving {
    let server = EchoServer::new(Ours);
    super::serve(listener, move |request| {
        let mut server = server.clone();
        async move {
            let answer = server.call(request.map(Gather::<POOLED>::new)).await;
            answer.unwrap_or_else(|never| match never {}).map(Body::from)
        }
    })
}

pub(crate) struct Gather<const POOLED: bool> {
    body: Incoming,
    whole: BytesMut,
    missing: usize,
}

impl<const POOLED: bool> Gather<POOLED> {
    pub(crate) fn new(body: Incoming) -> Self {
        Self { body, whole: BytesMut::new(), missing: 0 }
    }
}

impl<const POOLED: bool> HttpBody for Gather<POOLED> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        loop {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(Status::from_error(Box::new(error))))),
                Some(Ok(frame)) => frame,
            };
            let data = match frame.into_data() {
                Ok(data) => data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            };
            if self.missing == 0 {
                let length = data
                    .get(1..5)
                    .map_or(0, |length| u32::from_be_bytes(length.try_into().expect("four")) as usize + 5);
                if length <= data.len() || length > 4 << 20 {
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                self.whole = if POOLED { pool::take(length) } else { BytesMut::with_capacity(length) };
                self.missing = length;
            }
            self.whole.extend_from_slice(&data);
            self.missing = self.missing.saturating_sub(data.len());
            if self.missing == 0 {
                let whole = std::mem::take(&mut self.whole);
                let whole = if POOLED { pool::freeze(whole) } else { whole.freeze() };
                return Poll::Ready(Some(Ok(Frame::data(whole))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.missing == 0 && self.body.is_end_stream()
    }
}
