//! What is answered over HTTP/1.1: health, numbers for whoever watches, and hints for people.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, UPGRADE};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::health::HealthHandle;
use crate::metrics::{self, Page};
use crate::wire::Body;

/// Answers `GET /healthz` for probes and load balancers, `GET /metrics` where there are numbers, and tells all else where calls
/// belong.
#[derive(Debug)]
pub(super) struct Hints {
    health: Option<HealthHandle>,
    metrics: Option<Page>,
}

impl Hints {
    pub(super) fn new(health: Option<HealthHandle>, metrics: Option<Page>) -> Self {
        Self { health, metrics }
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Body> {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            "/healthz" | "/metrics" | "/" if !reads => {
                let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered here\n");
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
                response
            }
            "/healthz" => match &self.health {
                Some(health) if !health.is_serving() => text(StatusCode::SERVICE_UNAVAILABLE, "not serving\n"),
                _ => text(StatusCode::OK, "serving\n"),
            },
            "/" => text(
                StatusCode::OK,
                "This is a Straddle node: it answers gRPC over HTTP/2 on this port (in clear text: with prior \
                 knowledge), and GET /healthz over HTTP/1.1.\n",
            ),
            _ if is_grpc(request) => {
                let mut response = text(
                    StatusCode::UPGRADE_REQUIRED,
                    "gRPC needs HTTP/2; this request came over HTTP/1.1. Look for a proxy in between that speaks \
                     HTTP/1.1 to this node.\n",
                );
                response.headers_mut().insert(UPGRADE, HeaderValue::from_static("h2c"));
                response
            }
            _ => text(
                StatusCode::NOT_FOUND,
                "nothing is here; over HTTP/1.1 there is GET /healthz, and GET /metrics on admin ports\n",
            ),
        }
    }
}

impl hyper::service::Service<Request<Incoming>> for Hints {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let page = self.metrics.as_ref().filter(|_| reads && request.uri().path() == "/metrics");
        let Some(page) = page.cloned() else {
            let answer = self.answer(&request);
            return Box::pin(async { Ok(answer) });
        };
        Box::pin(async move {
            Ok(match page.text().await {
                Ok(text) => whole(StatusCode::OK, metrics::CONTENT_TYPE, text.into()),
                Err(why) => whole(StatusCode::SERVICE_UNAVAILABLE, PLAIN, format!("{why}\n").into()),
            })
        })
    }
}

const PLAIN: &str = "text/plain; charset=utf-8";

fn is_grpc(request: &Request<Incoming>) -> bool {
    request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

fn text(status: StatusCode, text: &'static str) -> Response<Body> {
    whole(status, PLAIN, Bytes::from_static(text.as_bytes()))
}

fn whole(status: StatusCode, kind: &'static str, text: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::full(text));
    *response.status_mut() = status;
    let headers: [(HeaderName, HeaderValue); 2] =
        [(CONTENT_TYPE, HeaderValue::from_static(kind)), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    response.headers_mut().extend(headers);
    response
}
