//! The call itself: requests out, responses in, until something ends it.

use std::num::NonZeroU64;
use std::pin::pin;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue};
use prost_reflect::{DynamicMessage, MethodDescriptor};
use tokio::sync::oneshot;
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::{Request, Status, Streaming};

use super::argument::Header;
use super::codec::DynamicCodec;
use super::input::Requests;
use super::method;
use super::print::Printer;
use super::schema::CallSchema;
use crate::cli::BadArguments;
use crate::dispatch;
use crate::transport::{Channel, Idempotent, Simulates, Steps, labelled};

/// What ended a call.
#[derive(Debug)]
pub(super) enum Ending {
    /// The node did, or what stands before it.
    Status { status: Status, trailers: MetadataMap },
    /// As many responses came as were asked for.
    Limit,
    /// Ctrl-C.
    Interrupted,
}

/// The request, with its label and what else it carries.
pub(super) fn request(
    requests: Requests,
    method: &MethodDescriptor,
    schema: &CallSchema,
    headers: &[Header],
    timeout: Option<Duration>,
) -> Request<Requests> {
    let mut request = Request::new(requests);
    let mut metadata = HeaderMap::new();
    for Header { name, value } in headers {
        metadata.append(name.clone(), value.clone());
    }
    let said = [
        (&dispatch::VERSION, schema.label.as_ref().map(ToString::to_string)),
        (&dispatch::SCHEMA, schema.digest.clone()),
    ];
    for (name, text) in said {
        // Versions and digests are visible ASCII.
        if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
            metadata.insert(name, value);
        }
    }
    *request.metadata_mut() = MetadataMap::from_headers(metadata);
    if let Some(timeout) = timeout {
        request.set_timeout(timeout);
    }
    if method::is_idempotent(method) {
        request.extensions_mut().insert(Idempotent);
    }
    if let CallSchema { label: Some(label), digest: Some(digest), protocol: Some(protocol), .. } = schema {
        let (version, schema) = (label.to_string().into(), digest.clone().into());
        request.extensions_mut().insert(Simulates { version, schema, protocol: Steps::Loaded(protocol.clone()) });
    }
    request
}

/// Calls, and prints what comes; an error is one of the caller's data or of standard output.
pub(super) async fn run(
    channel: Channel,
    request: Request<Requests>,
    method: &MethodDescriptor,
    schema: &CallSchema,
    fault: oneshot::Receiver<String>,
    printer: &mut Printer,
    limit: Option<NonZeroU64>,
) -> Result<Ending, Box<dyn std::error::Error>> {
    let mut stopped = pin!(stopped(fault));
    let mut grpc = Grpc::new(channel).max_decoding_message_size(usize::MAX);
    let path = PathAndQuery::try_from(method::path(method))?;
    let called = tokio::select! {
        biased;
        stop = &mut stopped => return stop,
        called = grpc.streaming(request, path, DynamicCodec::new(method)) => called,
    };
    let (metadata, mut responses, _) = match called {
        Ok(response) => response.into_parts(),
        Err(status) => return Ok(ended(status)),
    };
    if let Some(refusal) = contradiction(&metadata, schema) {
        return Ok(ended(refusal));
    }
    printer.headers(metadata)?;
    let mut count = 0;
    loop {
        let response = tokio::select! {
            biased;
            stop = &mut stopped => return stop,
            response = responses.message() => response,
        };
        match response {
            Ok(Some(response)) => {
                count += 1;
                if count > 1 && !method.is_server_streaming() {
                    return Ok(ended(Status::internal("the node sent a second response to a call that has one only")));
                }
                printer.message(response)?;
                if limit.is_some_and(|limit| count >= limit.get()) && method.is_server_streaming() {
                    return Ok(Ending::Limit);
                }
            }
            Ok(None) => return Ok(complete(responses, count, method).await),
            Err(status) => return Ok(ended(status)),
        }
    }
}

/// Completes when the caller wants no more: because of a bad line, or Ctrl-C.
async fn stopped(fault: oneshot::Receiver<String>) -> Result<Ending, Box<dyn std::error::Error>> {
    let fault = async {
        match fault.await {
            Ok(fault) => fault,
            Err(_) => std::future::pending().await,
        }
    };
    let interrupted = async {
        // Without a handler the signal ends the process by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        fault = fault => Err(BadArguments(format!("{fault}\n  the call was cancelled")).into()),
        () = interrupted => Ok(Ending::Interrupted),
    }
}

/// A response in another version or schema could be read, but not be trusted.
fn contradiction(metadata: &MetadataMap, schema: &CallSchema) -> Option<Status> {
    let label = schema.label.as_ref()?.to_string();
    labelled::mismatch(metadata.as_ref(), &label, schema.digest.as_deref()).map(Status::from)
}

fn ended(status: Status) -> Ending {
    Ending::Status { status, trailers: MetadataMap::new() }
}

async fn complete(mut responses: Streaming<DynamicMessage>, count: u64, method: &MethodDescriptor) -> Ending {
    let status = if count == 0 && !method.is_server_streaming() {
        Status::internal("the node said OK, but sent no response")
    } else {
        Status::ok("")
    };
    let trailers = responses.trailers().await.ok().flatten().unwrap_or_default();
    Ending::Status { status, trailers }
}
