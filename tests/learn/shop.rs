//! A protocol of four versions, of which programs are built with some.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use straddle::Protocol;
use straddle::bundle::{Bundle, SecretKey};
use straddle::dispatch::Object;
use straddle::node::Node;
use straddle::refusal::Refusal;
use straddle::wire::Body;
use tokio::sync::Notify;
use tonic::{Code, Status};
use tower::{ServiceExt, service_fn};

use crate::folder::folder;

const FILES: &[(&str, &str)] = &[
    ("protocol.toml", "name = \"shop\"\n"),
    (
        "1.0.0/shop.proto",
        "syntax = \"proto3\"; package shop.v1; message M { string text = 1; int64 cents = 2; }
         service Shop { rpc Get(M) returns (M); rpc Put(M) returns (M); }",
    ),
    (
        "2.0.0/shop.proto",
        "syntax = \"proto3\"; package shop.v2; message M { string text = 1; int64 cents = 2; }
         service Shop { rpc Get(M) returns (M); rpc Put(M) returns (M); }",
    ),
    ("2.0.0/step.toml", "from = \"1.0.0\"\n[rename.packages]\n\"shop.v1\" = \"shop.v2\"\n"),
    (
        "3.0.0/shop.proto",
        "syntax = \"proto3\"; package shop.v3; message M { string words = 1; int64 units = 3; reserved 2; }
         service Shop { rpc Get(M) returns (M); rpc Put(M) returns (M); rpc Count(M) returns (M); }",
    ),
    (
        "3.0.0/step.toml",
        "from = \"2.0.0\"\n[rename.packages]\n\"shop.v2\" = \"shop.v3\"\n[future]\ncode = [\"shop.v3.Shop.Count\"]\n
         [messages.\"shop.v2.M\"]\nrules = [\n{ old = \"text\", new = \"words\" },
         { old = \"cents\", new = \"units\" },\n]\n",
    ),
    (
        "4.0.0/shop.proto",
        "syntax = \"proto3\"; package shop.v4; message M { string words = 1; int64 units = 3; reserved 2; }
         service Shop { rpc Get(M) returns (M); rpc Put(M) returns (M); rpc Count(M) returns (M); }",
    ),
    ("4.0.0/step.toml", "from = \"3.0.0\"\n[rename.packages]\n\"shop.v3\" = \"shop.v4\"\n"),
];

/// The protocol with just these versions.
pub(crate) fn folder_of(versions: &[&str]) -> Protocol {
    let named = |path: &str| path.split_once('/').map(|(version, file)| (version.to_owned(), file.to_owned()));
    let wanted = |path: &str| {
        named(path).is_none_or(|(version, file)| {
            versions.contains(&version.as_str()) && (file != "step.toml" || versions[0] != version)
        })
    };
    let files: Vec<_> = FILES.iter().filter(|(path, _)| wanted(path)).copied().collect();
    load(&files)
}

fn load(files: &[(&str, &str)]) -> Protocol {
    Protocol::load(folder(files).path()).unwrap_or_else(|error| panic!("{error}"))
}

/// The key that nodes here trust.
pub(crate) fn key() -> SecretKey {
    // The one that RFC 8410 shows in its section 10.
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    SecretKey::from_pem(pem).expect("a key")
}

pub(crate) fn step(from: &str, to: &str) -> Bundle {
    let (from, to) = (from.parse().expect("a version"), to.parse().expect("a version"));
    Bundle::of_step(&load(FILES), &from, &to).expect("a bundle")
}

pub(crate) fn unsigned(from: &str, to: &str) -> Bytes {
    step(from, to).to_bytes()
}

pub(crate) fn signed(from: &str, to: &str) -> Bytes {
    step(from, to).signed(&key()).to_bytes()
}

/// The whole protocol, signed.
pub(crate) fn bundle() -> Bytes {
    Bundle::of_protocol(&load(FILES)).expect("a bundle").signed(&key()).to_bytes()
}

/// A signed step of a protocol in which a word is another one.
pub(crate) fn changed(from: &str, to: &str, word: &str, other: &str) -> Bytes {
    let files: Vec<(&str, String)> = FILES.iter().map(|(path, text)| (*path, text.replace(word, other))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let (from, to) = (from.parse().expect("a version"), to.parse().expect("a version"));
    Bundle::of_step(&load(&files), &from, &to).expect("a bundle").signed(&key()).to_bytes()
}

/// The messages that an object has seen.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<Bytes>>>);

impl Seen {
    pub(crate) fn take(&self) -> Vec<Bytes> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// An object of 2.0.0 that answers each message with the same.
pub(crate) fn object(seen: &Seen) -> Object {
    let seen = seen.clone();
    answering("shop.v2.Shop", move |_, message: Bytes| {
        seen.0.lock().unwrap().push(message.slice(5..));
        async move { message }
    })
}

/// The same, but that a Put says when it has come in and waits until it may go on.
pub(crate) fn holding(entered: &Arc<Notify>, go_on: &Arc<Notify>) -> Object {
    let (entered, go_on) = (entered.clone(), go_on.clone());
    answering("shop.v2.Shop", move |path: String, message| {
        let (entered, go_on) = (entered.clone(), go_on.clone());
        async move {
            if path.ends_with("/Put") {
                entered.notify_one();
                go_on.notified().await;
            }
            message
        }
    })
}

/// An object that answers each message of a service with the same.
#[allow(dead_code, reason = "not all tests that share this use it")]
pub(crate) fn echo(service: &str) -> Object {
    answering(service, |_, message| std::future::ready(message))
}

fn answering<A>(service: &str, answer: impl Fn(String, Bytes) -> A + Clone + Send + Sync + 'static) -> Object
where
    A: Future<Output = Bytes> + Send + 'static,
{
    let answering = service_fn(move |request: Request<Body>| {
        let answer = answer.clone();
        async move {
            let path = request.uri().path().to_owned();
            let message = request.into_body().collect().await.expect("a body").to_bytes();
            let mut response = Response::new(Body::full(answer(path, message).await));
            response.headers_mut().insert("grpc-status", "0".parse().expect("a value"));
            Ok::<_, Infallible>(response)
        }
    });
    Object::default().and_service(service, answering)
}

/// Calls with one message, and gives back the answer's.
pub(crate) async fn call(node: &Node, path: &str, label: &str, message: &[u8]) -> Result<Bytes, Status> {
    let length = u32::try_from(message.len()).expect("a short message").to_be_bytes();
    let framed = [&[0], &length[..], message].concat();
    let request = Request::post(path).header("straddle-version", label).header("content-type", "application/grpc");
    let request = request.body(Body::full(Bytes::from(framed))).expect("a request");
    let Ok(response) = node.service().oneshot(request).await;
    if let Some(status) = Status::from_header_map(response.headers()).filter(|status| status.code() != Code::Ok) {
        return Err(status);
    }
    let answered = response.into_body().collect().await.expect("a body");
    match answered.trailers().and_then(Status::from_header_map).filter(|status| status.code() != Code::Ok) {
        Some(status) => Err(status),
        None => Ok(answered.to_bytes().slice(5..)),
    }
}

pub(crate) fn refusal(status: &Status) -> Refusal {
    Refusal::from_status(status).unwrap_or_else(|| panic!("no refusal: {status:?}"))
}

pub(crate) fn status(status: &Status) -> Code {
    status.code()
}
