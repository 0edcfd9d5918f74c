//! hyper's HTTP/2 client with frames made beforehand.

use std::net::Ipv4Addr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, Version, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::candidates::{Answer, Candidate};
use crate::sent::Sent;
use crate::workloads::Call;

#[derive(Clone)]
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    uri: Uri,
    headers: HeaderMap,
    data: Bytes,
    expected: Arc<Expected>,
}

struct Expected {
    status: HeaderValue,
    /// Bytes of data, prefixes included.
    length: usize,
}

impl Connection {
    pub(crate) async fn open(candidate: &Candidate, call: Call, port: u16) -> Result<Self, String> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let (sender, connection) =
            handshake(TokioExecutor::new(), TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        tokio::spawn(connection);

        let Sent { path, data, answered } = (candidate.sent)(call);
        let uri = format!("http://127.0.0.1:{port}{path}");
        Ok(Self {
            sender,
            uri: uri.parse().map_err(|error| format!("{uri}: {error}"))?,
            headers: headers(candidate),
            data,
            expected: Arc::new(match candidate.answer {
                Answer::Echo => Expected { status: HeaderValue::from_static("0"), length: answered },
                Answer::Status(code) => Expected { status: HeaderValue::from(i32::from(code)), length: 0 },
            }),
        })
    }

    pub(crate) async fn call(&mut self) -> Result<(), String> {
        let mut request = Request::new(Full::new(self.data.clone()));
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        self.sender.ready().await.map_err(|error| format!("the connection died: {error}"))?;
        let response = self.sender.send_request(request).await.map_err(|error| format!("a call failed: {error:?}"))?;
        self.check(response).await
    }

    async fn check(&self, response: Response<Incoming>) -> Result<(), String> {
        let mut status = response.headers().get("grpc-status").cloned();
        let mut message = response.headers().get("grpc-message").cloned();
        let mut body = response.into_body();
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| format!("an answer broke off: {error}"))?;
            if let Some(data) = frame.data_ref() {
                length += data.len();
            } else if let Some(trailers) = frame.trailers_ref() {
                status = trailers.get("grpc-status").cloned();
                message = trailers.get("grpc-message").cloned();
            }
        }
        if status.as_ref() == Some(&self.expected.status) && length == self.expected.length {
            return Ok(());
        }
        Err(format!(
            "expected status {:?} and {} bytes; got {status:?} ({message:?}) and {length} bytes",
            self.expected.status, self.expected.length
        ))
    }
}

fn headers(candidate: &Candidate) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("straddle-bench"));
    for (name, value) in candidate.metadata {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers
}
