//! A protocol whose second version counts further than its first, and under another name; and objects of it.

use std::convert::Infallible;
use std::future::Future;

use bytes::{Buf, BufMut, Bytes};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use prost::Message;
use straddle::Protocol;
use straddle::dispatch::{Dispatch, Object};
use straddle::refusal::Refusal;
use straddle::simulation::Adjacent;
use straddle::wire::Body;
use tonic::Status;
use tower::{ServiceExt, service_fn};

use crate::folder::folder;

pub(crate) const SERVICE: &str = "shop.v1.Shop";

/// The methods, one of each kind, and one that changes nothing.
pub(crate) const METHODS: [&str; 5] = ["Get", "Put", "List", "Sum", "Chat"];

/// A stock as 1.0.0 has it.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Old {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(int32, tag = "2")]
    pub(crate) qty: i32,
}

/// A stock as 2.0.0 has it.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct New {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(int64, tag = "3")]
    pub(crate) quantity: i64,
}

pub(crate) fn old(qty: i32) -> Old {
    Old { name: "nail".to_owned(), qty }
}

pub(crate) fn new(quantity: i64) -> New {
    New { name: "nail".to_owned(), quantity }
}

/// A version whose message has this field beside its name.
pub(crate) fn proto(field: &str) -> String {
    format!(
        r#"
syntax = "proto3";
package shop.v1;
message Stock {{ string name = 1; {field} }}
message Query {{ Stock stock = 1; }}
service Shop {{
  rpc Get(Stock) returns (Stock) {{ option idempotency_level = NO_SIDE_EFFECTS; }}
  rpc Put(Stock) returns (Stock);
  rpc List(Stock) returns (stream Stock);
  rpc Sum(stream Stock) returns (Stock);
  rpc Chat(stream Stock) returns (stream Stock);
}}
"#
    )
}

/// A step that renames the field, both of whose sides may refuse responses.
pub(crate) fn step(from: &str, old: &str, new: &str) -> String {
    let accepted: Vec<String> = METHODS[1..].iter().map(|method| format!("\"{SERVICE}.{method}\"")).collect();
    format!(
        "from = \"{from}\"\naccept_refused_responses = [{}]\n[rename.fields]\n\"shop.v1.Stock.{old}\" = \"{new}\"\n",
        accepted.join(", ")
    )
}

pub(crate) fn load(files: &[(&str, &str)]) -> Protocol {
    let files = [&[("protocol.toml", "name = \"shop\"\n")], files].concat();
    Protocol::load(folder(&files).path()).unwrap_or_else(|error| panic!("{error}"))
}

/// 1.0.0 and 2.0.0.
pub(crate) fn protocol() -> Protocol {
    load(&[
        ("1.0.0/shop.proto", &proto("int32 qty = 2;")),
        ("2.0.0/shop.proto", &proto("reserved 2; int64 quantity = 3;")),
        ("2.0.0/step.toml", &step("1.0.0", "qty", "quantity")),
    ])
}

/// An object that reads all messages of a request, and answers each with what a function makes of it.
pub(crate) fn object<M, F>(answer: F) -> Object
where
    M: Message + Default + 'static,
    F: Fn(M) -> Result<M, Status> + Clone + Send + Sync + 'static,
{
    raw(move |request: Request<Body>| {
        let answer = answer.clone();
        async move {
            assert!(!request.headers().contains_key("grpc-encoding"), "plain messages");
            let answered = match messages::<M>(request.into_body()).await {
                Ok(messages) => messages.into_iter().map(answer).collect::<Result<Vec<M>, Status>>(),
                Err(status) => Err(status),
            };
            match answered {
                Ok(messages) => {
                    let mut trailers = HeaderMap::new();
                    trailers.insert("grpc-status", "0".parse().expect("a header value"));
                    let frames = messages.iter().map(|message| Frame::data(Bytes::from(framed(message))));
                    let frames: Vec<_> = frames.chain([Frame::trailers(trailers)]).map(Ok::<_, Status>).collect();
                    Response::new(Body::new(StreamBody::new(tokio_stream::iter(frames))))
                }
                Err(status) => status.into_http(),
            }
        }
    })
}

/// An object of the service that a function answers.
pub(crate) fn raw<F, A>(answer: F) -> Object
where
    F: Fn(Request<Body>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<Body>> + Send + 'static,
{
    let service = service_fn(move |request| {
        let answered = answer(request);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    Object::default().and_service(SERVICE, service)
}

/// A simulation object that passes each call on as it is.
pub(crate) fn pass_on(adjacent: Adjacent) -> Object {
    raw(move |request: Request<Body>| {
        let adjacent = adjacent.clone();
        async move {
            let path = request.uri().path().to_owned();
            let body = tonic::body::Body::new(request.into_body());
            let Ok(response) = adjacent.oneshot(Request::post(path).body(body).expect("a request")).await;
            response
        }
    })
}

async fn messages<M: Message + Default>(body: Body) -> Result<Vec<M>, Status> {
    let data = body.collect().await?.to_bytes();
    Ok(split(data))
}

/// The plain messages in these bytes.
pub(crate) fn split<M: Message + Default>(mut data: Bytes) -> Vec<M> {
    let mut messages = Vec::new();
    while data.has_remaining() {
        assert_eq!(data.get_u8(), 0, "a plain message");
        let length = data.get_u32() as usize;
        messages.push(M::decode(data.split_to(length)).expect("a message of its version"));
    }
    messages
}

pub(crate) fn framed(message: &impl Message) -> Vec<u8> {
    let encoded = message.encode_to_vec();
    let mut data = vec![0];
    data.put_u32(u32::try_from(encoded.len()).expect("a short message"));
    [data, encoded].concat()
}

/// What a caller gets: messages, and the status.
pub(crate) async fn call<M: Message + Default>(
    node: &Dispatch,
    version: &str,
    method: &str,
    sent: &[M],
) -> (Vec<M>, Status) {
    send(node, version, method, sent.iter().flat_map(framed).collect()).await
}

/// The same of a request of these bytes.
pub(crate) async fn send<M: Message + Default>(
    node: &Dispatch,
    version: &str,
    method: &str,
    data: Vec<u8>,
) -> (Vec<M>, Status) {
    let body = Body::full(data.into());
    let request = Request::post(format!("/{SERVICE}/{method}")).header("straddle-version", version).body(body);
    let Ok(response) = node.clone().oneshot(request.expect("a request")).await;
    assert_eq!(response.headers()["straddle-version"], version);
    let (parts, body) = response.into_parts();
    let answered = body.collect().await.expect("a status in trailers");
    let headers = answered.trailers().cloned().unwrap_or(parts.headers);
    (split(answered.to_bytes()), Status::from_header_map(&headers).expect("a status"))
}

pub(crate) fn refusal(status: &Status) -> Refusal {
    Refusal::from_status(status).unwrap_or_else(|| panic!("no refusal: {status:?}"))
}
