//! Without tonic's `Streaming` and `EncodeBody`: the request's message whole, the answer's in buffers of just its size.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use straddle::wire::Body;
use tokio::net::TcpListener;
use tokio_stream::Stream;
use tonic::Status;
use tonic::metadata::MetadataMap;

use super::{Ours, pool};
use crate::candidates::Serving;
use crate::echo::StreamRequest;
use crate::echo::straddle::echo_server::Echo;

pub(crate) fn serve<const POOLED: bool, const COALESCE: usize>(listener: TcpListener) -> Serving {
    super::serve(listener, |request| async move {
        let outcome = if request.uri().path().ends_with("/Stream") {
            stream::<POOLED, COALESCE>(request).await
        } else {
            unary::<POOLED>(request).await
        };
        outcome.unwrap_or_else(Status::into_http)
    })
}

async fn unary<const POOLED: bool>(request: Request<Incoming>) -> Result<Response<Body>, Status> {
    Ok(one::<POOLED, _>(Ours.unary(read::<POOLED, _, _>(request).await?).await?))
}

pub(crate) fn one<const POOLED: bool, M: prost::Message>(answer: tonic::Response<M>) -> Response<Body> {
    let (metadata, message, extensions) = answer.into_parts();
    let mut data = take::<POOLED>(5 + message.encoded_len());
    put(&message, &mut data);
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(Status::GRPC_STATUS, HeaderValue::from_static("0"));
    respond(metadata, extensions, Body::with_trailers(freeze::<POOLED>(data), trailers))
}

async fn stream<const POOLED: bool, const COALESCE: usize>(
    request: Request<Incoming>,
) -> Result<Response<Body>, Status> {
    let answer = Ours.stream(read::<POOLED, StreamRequest, _>(request).await?).await?;
    Ok(many::<POOLED, COALESCE, _>(answer))
}

pub(crate) fn many<const POOLED: bool, const COALESCE: usize, S>(answer: tonic::Response<S>) -> Response<Body>
where
    Encode<S, POOLED, COALESCE>: HttpBody<Data = Bytes, Error = Status> + Send + 'static,
{
    let (metadata, messages, extensions) = answer.into_parts();
    let body = Encode::<_, POOLED, COALESCE> { messages, data: BytesMut::new(), status: None, ended: false };
    respond(metadata, extensions, Body::new(body))
}

fn respond(metadata: MetadataMap, extensions: http::Extensions, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.headers_mut() = metadata.into_headers();
    *response.extensions_mut() = extensions;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

pub(crate) async fn read<const POOLED: bool, M, B>(request: Request<B>) -> Result<tonic::Request<M>, Status>
where
    M: prost::Message + Default,
    B: HttpBody,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (parts, body) = request.into_parts();
    let mut data = gather::<POOLED, _>(body).await?;
    if data.len() < 5 || data[0] != 0 {
        return Err(Status::internal("no message"));
    }
    data.advance(5);
    let message = M::decode(data).map_err(|error| Status::internal(error.to_string()))?;
    Ok(tonic::Request::from_parts(MetadataMap::from_headers(parts.headers), parts.extensions, message))
}

async fn gather<const POOLED: bool, B>(body: B) -> Result<Bytes, Status>
where
    B: HttpBody,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut body = std::pin::pin!(body);
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(|error| Status::from_error(error.into()))?.into_data() else { break };
        // Of `Bytes`, this is no copy.
        let data = data.copy_to_bytes(data.remaining());
        if whole.is_empty() && data.len() >= 5 {
            let length = u32::from_be_bytes([data[1], data[2], data[3], data[4]]) as usize + 5;
            if data.len() == length {
                return Ok(data);
            }
            whole = take::<POOLED>(length);
        }
        whole.extend_from_slice(&data);
    }
    Ok(freeze::<POOLED>(whole))
}

fn take<const POOLED: bool>(size: usize) -> BytesMut {
    if POOLED { pool::take(size) } else { BytesMut::with_capacity(size) }
}

fn freeze<const POOLED: bool>(data: BytesMut) -> Bytes {
    if POOLED { pool::freeze(data) } else { data.freeze() }
}

fn put(message: &impl prost::Message, data: &mut BytesMut) {
    let length = message.encoded_len();
    data.reserve(5 + length);
    let [a, b, c, d] = u32::try_from(length).expect("less than 4 GiB").to_be_bytes();
    data.put_slice(&[0, a, b, c, d]);
    message.encode_raw(data);
}

/// So many messages at once come of a busy stream; its next pause is waited out once, see `coalesce`.
const BUSY: usize = 8;

pub(crate) struct Encode<S, const POOLED: bool, const COALESCE: usize> {
    messages: S,
    data: BytesMut,
    status: Option<Status>,
    ended: bool,
}

impl<S, M, const POOLED: bool, const COALESCE: usize> HttpBody for Encode<S, POOLED, COALESCE>
where
    S: Stream<Item = Result<M, Status>> + Unpin,
    M: prost::Message,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let mut fresh = 0;
        while self.status.is_none() {
            match Pin::new(&mut self.messages).poll_next(context) {
                Poll::Pending if self.data.is_empty() => return Poll::Pending,
                Poll::Pending if POOLED && fresh >= BUSY => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Pending => break,
                Poll::Ready(None) => self.status = Some(Status::ok("")),
                Poll::Ready(Some(Err(status))) => self.status = Some(status),
                Poll::Ready(Some(Ok(message))) => {
                    if self.data.capacity() == 0 {
                        self.data = take::<POOLED>(COALESCE);
                    }
                    let before = self.data.len();
                    put(&message, &mut self.data);
                    fresh += 1;
                    // Before the buffer would have to grow for one more like this.
                    if self.data.len() + (self.data.len() - before) > COALESCE {
                        break;
                    }
                }
            }
        }
        if !self.data.is_empty() {
            let data = std::mem::take(&mut self.data);
            return Poll::Ready(Some(Ok(Frame::data(freeze::<POOLED>(data)))));
        }
        self.ended = true;
        let status = self.status.take().expect("it has ended");
        let mut trailers = HeaderMap::with_capacity(3);
        Poll::Ready(Some(status.add_header(&mut trailers).map(|()| Frame::trailers(trailers))))
    }
}
