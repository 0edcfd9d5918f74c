//! What a caller is told when a call goes wrong.

use std::collections::HashMap;

use http::{HeaderMap, Response};
use http_body::Body as _;
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt};

use super::context::Context;
use super::route::{Route, Stamp};
use super::table::{RESUME, RESUME_DRAIN};
use crate::refusal::{DOMAIN, Reason, Refusal};
use crate::wire::Body;

/// The caller's own deadline; it alone knows whether it waits for more.
pub(super) fn deadline_passed() -> Status {
    Status::deadline_exceeded("the deadline of the call passed before it was answered; it may have run")
}

/// The same before anything was done.
pub(super) fn deadline_had_passed() -> Status {
    Status::deadline_exceeded("the deadline of the call had passed before it began; it has not run")
}

/// The call came while the node upgraded, and nobody could wait any longer.
pub(super) fn not_let_in(why: &str) -> Status {
    Status::unavailable(format!("{why}; it has not run"))
}

/// The stream was ended so that the node could upgrade.
pub(super) fn cut() -> Status {
    Status::unavailable("the node upgrades, and ended this stream; call again and go on from the last message")
}

/// The caller's version is served no longer; these are.
pub(super) fn retired(stamp: &Stamp, served: &str) -> Refusal {
    Refusal::new(Reason::Retired, format!("{} of {} is no longer served", stamp.caller, stamp.protocol))
        .with("protocol", &stamp.protocol)
        .with("caller_version", stamp.caller.to_string())
        .with("node_version", stamp.node.to_string())
        .with("served", served)
        .advice("move the caller to a version that is served")
}

/// The stream was ended so that the node could upgrade, and its caller has said that it goes on with it.
pub(super) fn drained() -> Status {
    let message = "the node upgrades, and this stream goes on where it ended when it is called again";
    let mut status = Status::unavailable(message);
    status.metadata_mut().as_mut().insert(&RESUME, RESUME_DRAIN);
    status
}

/// A stream that nobody polled gave way while it was to end.
pub(super) fn gave_way() -> Status {
    tracing::error!("an object panicked while its stream was to end; this call fails, the node goes on");
    Status::internal("the node's object panicked; the call may have run")
}

/// The object that answered gave way; the call may have run up to there.
pub(super) fn panicked(route: &Route) -> Status {
    tracing::error!(
        method = &*route.method,
        caller_version = %route.stamp.caller,
        node_version = %route.stamp.node,
        "an object panicked; this call fails, the node goes on"
    );
    let message = format!("the node's object for {} panicked; the call may have run", route.stamp.caller);
    let metadata = HashMap::from([
        ("protocol".to_owned(), route.stamp.protocol.clone()),
        ("caller_version".to_owned(), route.stamp.caller.to_string()),
        ("node_version".to_owned(), route.stamp.node.to_string()),
        ("method".to_owned(), route.method.to_string()),
        ("ran".to_owned(), "true".to_owned()),
    ]);
    Status::with_error_details(
        tonic::Code::Internal,
        message,
        ErrorDetails::with_error_info("PANICKED", DOMAIN, metadata),
    )
}

/// Where the headers or trailers tell of a refusal by a simulation object, adds what only dispatch knows: the versions,
/// the method that was called, and whether an earlier call beneath may have changed something.
pub(super) fn complete_refusal(headers: &mut HeaderMap, route: &Route, context: Option<&Context>) {
    let Some(refusal) = refusal_in(headers) else { return };
    // A refusal that already says its protocol was told to an object that passes it on. From beneath a simulation
    // object it is about this call; any other is about a call that the object made elsewhere, while it ran.
    let of_another_call = match context {
        Some(_) => refusal.protocol().is_some_and(|protocol| protocol != route.stamp.protocol),
        None => refusal.protocol().is_some(),
    };
    let ran = of_another_call || context.is_some_and(Context::may_have_run);
    let refusal = if ran { refusal.after_run() } else { refusal };
    let beneath = match (refusal.caller_version(), refusal.method()) {
        (Some(version), Some(method)) if method != &*route.method => Some(format!("{version} {method}")),
        _ => None,
    };
    let refusal = match beneath {
        Some(beneath) => refusal.with("beneath", beneath),
        None => refusal,
    };
    // Whoever refused may know better; this holds for every pair of versions.
    let advice = format!("call in {}, or call a node that runs {}", route.stamp.node, route.stamp.caller);
    tell(
        headers,
        refusal
            .advice(advice)
            .set("protocol", &route.stamp.protocol)
            .set("caller_version", route.stamp.caller.to_string())
            .set("node_version", route.stamp.node.to_string())
            .set("method", &*route.method),
    );
}

/// Puts a refusal in the place of the status that headers or trailers tell of.
pub(crate) fn tell(headers: &mut HeaderMap, refusal: Refusal) {
    for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
        headers.remove(name);
    }
    // A status that was read from headers can be written to them.
    let _ = Status::from(refusal).add_header(headers);
}

/// Whether the answer is a status and nothing else, which is then in its headers (gRPC over HTTP/2, *Trailers-Only*).
pub(crate) fn is_trailers_only(response: &Response<Body>) -> bool {
    response.body().is_end_stream()
}

/// The refusal that headers or trailers tell of.
pub(crate) fn refusal_in(headers: &HeaderMap) -> Option<Refusal> {
    if !headers.contains_key("grpc-status-details-bin") {
        return None;
    }
    Refusal::from_status(&Status::from_header_map(headers)?)
}
