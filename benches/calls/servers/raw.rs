//! hyper's HTTP/2 server, which knows of gRPC no more than the prefix: the limit that no candidate beats.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use tokio::net::TcpListener;

use crate::candidates::Serving;
use crate::echo::StreamRequest;

pub(crate) fn serve(listener: TcpListener) -> Serving {
    Box::pin(super::accept(listener, |stream| {
        let connection =
            http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service_fn(answer));
        tokio::spawn(connection);
    }))
}

async fn answer(request: Request<Incoming>) -> Result<Response<Answer>, Infallible> {
    let stream = request.uri().path().ends_with("/Stream");
    let data = gather(request.into_body()).await;
    let answer = if stream {
        let asked = StreamRequest::decode(data.slice(5..)).expect("the raw driver asks well");
        Answer::stream(asked)
    } else {
        Answer { data, times: 1, left: 1, ended: false }
    };
    let mut response = Response::new(answer);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    Ok(response)
}

/// The data of the one message of a body; its prefix says how much room they need.
async fn gather(mut body: Incoming) -> Bytes {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.expect("the raw driver sends all").into_data() else { break };
        if whole.is_empty() && data.len() >= 5 {
            let length = u32::from_be_bytes([data[1], data[2], data[3], data[4]]) as usize + 5;
            if data.len() == length {
                return data;
            }
            whole.reserve(length);
        }
        whole.extend_from_slice(&data);
    }
    whole.freeze()
}

/// A frame of gRPC messages so many times, in chunks, then trailers.
struct Answer {
    data: Bytes,
    times: usize,
    left: usize,
    ended: bool,
}

impl Answer {
    fn stream(asked: StreamRequest) -> Self {
        let message = crate::echo::Message { payload: vec![7; asked.size as usize].into() };
        let mut data = BytesMut::new();
        data.put_u8(0);
        data.put_u32(u32::try_from(message.encoded_len()).expect("a message of less than 4 GiB"));
        message.encode(&mut data).expect("a buffer grows");
        Self { times: (CHUNK / data.len()).max(1), data: data.freeze(), left: asked.count as usize, ended: false }
    }
}

const CHUNK: usize = 32 * 1024;

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let times = self.times.min(self.left);
        self.left -= times;
        Poll::Ready(match times {
            0 if self.ended => None,
            0 => {
                self.ended = true;
                let mut trailers = HeaderMap::new();
                trailers.insert("grpc-status", HeaderValue::from_static("0"));
                Some(Ok(Frame::trailers(trailers)))
            }
            1 => Some(Ok(Frame::data(self.data.clone()))),
            times => {
                let mut chunk = BytesMut::with_capacity(times * self.data.len());
                for _ in 0..times {
                    chunk.extend_from_slice(&self.data);
                }
                Some(Ok(Frame::data(chunk.freeze())))
            }
        })
    }
}
