//! Labels and the calls that carry them: whatever the bytes, a node answers with a status, and whom it serves it serves
//! in their own version.
//!
//! The input reads like the head of a request: the path, a line for each header, an empty line, the body.

#![no_main]

use std::cell::OnceCell;
use std::convert::Infallible;
use std::path::Path;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use libfuzzer_sys::fuzz_target;
use straddle::dispatch::{Dispatch, Object};
use straddle::node::Node;
use straddle::protocol::Hop;
use straddle::transport::{Beside, HealthHandle};
use straddle::wire::Body;
use straddle::{Protocol, Version};
use tokio::runtime::Runtime;
use tower::{ServiceExt, service_fn};

/// The header by which an object of this target tells that it was reached.
const REACHED: &str = "x-reached";

struct Nodes {
    protocol: Protocol,
    nodes: Vec<Beside<Dispatch>>,
    runtime: Runtime,
}

thread_local! {
    static NODES: OnceCell<Nodes> = const { OnceCell::new() };
}

fuzz_target!(|input: &[u8]| {
    let first = input.split(|byte| *byte == b'\n').next().unwrap_or_default();
    label(first);
    let Some(request) = request(input) else { return };
    for value in request.0.headers.get_all("straddle-version") {
        label(value.as_bytes());
    }
    NODES.with(|nodes| nodes.get_or_init(build).call(&request));
});

/// What is a version is written as it was read; what is none is told in few words.
fn label(bytes: &[u8]) {
    match Version::from_label(bytes) {
        Ok(version) => {
            assert_eq!(version.to_string().as_bytes(), bytes);
            assert_eq!(version.to_string().parse(), Ok(version));
        }
        Err(error) => assert!(error.to_string().len() < 600, "{} bytes", error.to_string().len()),
    }
}

struct Head {
    uri: Uri,
    headers: HeaderMap,
}

fn request(input: &[u8]) -> Option<(Head, Bytes)> {
    let mut headers = HeaderMap::new();
    let mut lines = input.split(|byte| *byte == b'\n');
    let first = lines.next()?;
    let uri = Uri::try_from(first).ok()?;
    let mut read = first.len() + 1;
    for line in lines.by_ref() {
        read += line.len() + 1;
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        headers.try_append(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?).ok()?;
    }
    Some((Head { uri, headers }, Bytes::copy_from_slice(input.get(read..).unwrap_or_default())))
}

impl Nodes {
    fn call(&self, (head, body): &(Head, Bytes)) {
        for node in &self.nodes {
            let mut request = Request::new(Body::full(body.clone()));
            *request.uri_mut() = head.uri.clone();
            *request.headers_mut() = head.headers.clone();
            let Ok(response) = self.runtime.block_on(node.clone().oneshot(request));
            if !head.uri.path().starts_with("/grpc.") {
                self.check(head, response.headers());
            }
        }
    }

    fn check(&self, head: &Head, answer: &HeaderMap) {
        if let Some(status) = answer.get("grpc-status") {
            let code: Option<u8> = status.to_str().ok().and_then(|code| code.parse().ok());
            assert!(code.is_some_and(|code| (1..=16).contains(&code)), "{status:?} is no status of an error");
            return;
        }
        assert!(answer.contains_key(REACHED), "neither a status nor an object: {answer:?}");
        let served = answer.get("straddle-version").and_then(|version| Version::from_label(version.as_bytes()).ok());
        let served = served.expect("the version of the answer");
        let schema = self.protocol.schema(&served).expect("a version of the protocol");
        assert!(schema.method(head.uri.path()).is_some(), "{served} does not declare {}", head.uri.path());
        let mut labels = head.headers.get_all("straddle-version").iter();
        if let Some(label) = labels.next() {
            assert_eq!(labels.next(), None, "two labels were followed");
            let label = Version::from_label(label.as_bytes()).expect("a label that was followed");
            assert!(label.same_schema(&served), "{label} was answered in {served}");
        }
        if let Some(schema_of_caller) = head.headers.get("straddle-schema") {
            assert_eq!(schema_of_caller, schema.digest());
        }
    }
}

/// A node of each version of the inventory.
fn build() -> Nodes {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/inventory");
    let protocol = Protocol::load(folder).unwrap_or_else(|error| panic!("{error}"));
    let versions: Vec<String> = protocol.versions().iter().map(|schema| schema.version().to_string()).collect();
    let nodes = (0..versions.len()).map(|node| {
        let mut builder = Node::builder(protocol.clone()).object(&versions[node], object(&protocol));
        // A node takes simulation objects only where a step declares code for them.
        let code = |hops: &[Hop]| hops.iter().any(|hop| matches!(hop, Hop::Code { .. }));
        for (past, _) in versions.iter().zip(protocol.steps()).take(node).filter(|(_, step)| code(step.past())) {
            let simulate = object(&protocol);
            builder = builder.past(past, move |_| simulate);
        }
        let newer = versions.iter().skip(1).zip(protocol.steps()).skip(node);
        for (future, _) in newer.filter(|(_, step)| code(step.future())) {
            let simulate = object(&protocol);
            builder = builder.future(future, move |_| simulate);
        }
        let node = builder.build().unwrap_or_else(|error| panic!("{error}"));
        node.service_with(&HealthHandle::new()).unwrap_or_else(|error| panic!("{error}"))
    });
    let nodes = nodes.collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    Nodes { protocol, nodes, runtime }
}

/// Answers every service of every version at once.
fn object(protocol: &Protocol) -> Object {
    let services = protocol.versions().iter().flat_map(straddle::protocol::Schema::methods);
    let services: Vec<String> = services.map(|method| method.service().to_owned()).collect();
    services.into_iter().fold(Object::default(), |object, service| {
        object.and_service(
            service,
            service_fn(|_| async {
                let mut response = Response::new(Body::empty());
                response.headers_mut().insert(REACHED, HeaderValue::from_static("yes"));
                Ok::<_, Infallible>(response)
            }),
        )
    })
}
