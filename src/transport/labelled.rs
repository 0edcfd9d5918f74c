//! Labelling: a generated client's calls say which version their messages are in.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use tonic::Status;
use tower_service::Service;

use super::channel::{GoesOn, Idempotent, Simulates, Steps};
use crate::dispatch::{NODE, SCHEMA, VERSION};
use crate::protocol::Protocol;
use crate::protocol::resume::Token;
use crate::refusal::{Reason, Refusal};
use crate::wire::Body;

/// What a version's calls are labelled with; generated code holds one for each version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// The version, as `2.1.0`.
    pub version: &'static str,
    /// The digest of its schema.
    pub schema: &'static str,
    /// Paths, as `/package.Service/Method`, of the methods that may run more than once: those whose
    /// `idempotency_level` is `NO_SIDE_EFFECTS` or `IDEMPOTENT`.
    pub idempotent: &'static [&'static str],
    /// The methods whose streams a [`Channel`](super::Channel) goes on with where they ended: what `[resume]` in
    /// `protocol.toml` says.
    pub resumable: &'static [Resumable],
}

/// A method whose streams go on where they ended; see [`protocol::resume`](crate::protocol::resume).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resumable {
    /// The path of its calls, as `/package.Service/Method`.
    pub path: &'static str,
    /// The numbers of the fields that lead to the token of a response message, from the outermost in.
    pub from: &'static [u32],
    /// The numbers of the fields that lead to the token of the request.
    pub into: &'static [u32],
    /// How the token lies on the wire, on both sides.
    pub token: Token,
    /// Whether a token of 0, or an empty one, is a token where it is written.
    pub zero_counts: bool,
}

/// A gRPC channel whose calls carry a [`Label`].
///
/// Each request says `straddle-version` and `straddle-schema`, and carries the [`Idempotent`] marker where its method
/// may run more than once. Streams of methods that are declared resumable go on where they ended, over a
/// [`Channel`](super::Channel). A response that was made with another schema of that version, or in another version, is
/// refused as `LABEL_MISMATCH`: its bytes could be read, but not be trusted.
///
/// The channel may be a [`Channel`](super::Channel), tonic's own, or anything else that answers with a body. Where a node
/// does not know the version, a [`Channel`](super::Channel) makes the calls in an older one, if the client brings the steps
/// ([`simulating`](Self::simulating)); other channels pass the refusal on.
#[derive(Clone, Debug)]
pub struct Labelled<S> {
    inner: S,
    label: &'static Label,
    version: HeaderValue,
    schema: HeaderValue,
    protocol: Option<fn() -> Protocol>,
}

impl<S> Labelled<S> {
    /// Labels the calls of `inner`.
    ///
    /// # Panics
    /// When the version or the digest is not visible ASCII. Those of generated code always are.
    pub fn new(inner: S, label: &'static Label) -> Self {
        let version = HeaderValue::from_static(label.version);
        Self { inner, label, version, schema: HeaderValue::from_static(label.schema), protocol: None }
    }

    /// Has a [`Channel`](super::Channel) make calls in an older version where a node does not know this one, by the steps of
    /// `protocol`; it is asked for when the first node is found that does not. The constructors of generated code say so.
    #[must_use]
    pub fn simulating(mut self, protocol: fn() -> Protocol) -> Self {
        self.protocol = Some(protocol);
        self
    }
}

impl<S, B, R> Service<Request<B>> for Labelled<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Into<Body>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = LabelledFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.headers_mut().insert(&VERSION, self.version.clone());
        request.headers_mut().insert(&SCHEMA, self.schema.clone());
        if self.label.idempotent.contains(&request.uri().path()) {
            request.extensions_mut().insert(Idempotent);
        }
        let method = self.label.resumable.iter().find(|method| method.path == request.uri().path());
        if let Some(method) = method {
            request.extensions_mut().insert(GoesOn { label: self.label, method });
        }
        if let Some(protocol) = self.protocol {
            let (version, schema) = (self.label.version.into(), self.label.schema.into());
            request.extensions_mut().insert(Simulates { version, schema, protocol: Steps::Generated(protocol) });
        }
        LabelledFuture { response: self.inner.call(request), label: self.label }
    }
}

pin_project! {
    /// The response of [`Labelled`].
    #[derive(Debug)]
    pub struct LabelledFuture<F> {
        #[pin]
        response: F,
        label: &'static Label,
    }
}

impl<F, R, E> Future for LabelledFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Into<Body>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.response.poll(context))?;
        Poll::Ready(Ok(match mismatch(response.headers(), this.label.version, Some(this.label.schema)) {
            None => response.map(Into::into),
            Some(refusal) => Status::from(refusal).into_http(),
        }))
    }
}

/// The refusal of a response whose messages are not in the schema that the caller was built with.
pub(crate) fn mismatch(headers: &HeaderMap, label: &str, schema: Option<&str>) -> Option<Refusal> {
    // An error says more than that it comes from elsewhere, and has no messages.
    if headers.get(Status::GRPC_STATUS).is_some_and(|status| status != "0") {
        return None;
    }
    let text = |name: &HeaderName| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let differs = match (text(&VERSION), text(&SCHEMA), schema) {
        (Some(version), ..) if !same_but_patch(&version, label) => {
            format!("the response is in version {version}, but the call was labelled {label}")
        }
        (_, Some(theirs), Some(ours)) if theirs != ours => {
            format!("version {label} has two schemas: this caller was built with {ours}, the node serves {theirs}")
        }
        _ => return None,
    };
    let refusal = Refusal::new(Reason::LabelMismatch, differs).with("caller_version", label);
    let refusal = match headers.get(&NODE).and_then(|version| version.to_str().ok()) {
        Some(version) => refusal.with("node_version", version),
        None => refusal,
    };
    Some(
        refusal
            .advice("a published version is immutable: give the changed schema a new version, and rebuild one side")
            .after_run(),
    )
}

pub(super) fn same_but_patch(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let parse = |version| {
        let version = semver::Version::parse(version).ok()?;
        Some((version.major, version.minor, version.pre))
    };
    parse(one).is_some_and(|one| Some(one) == parse(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: Label = Label { version: "2.0.0", schema: "abc", idempotent: &[], resumable: &[] };

    fn refused(headers: &[(&'static str, &'static str)]) -> Option<Refusal> {
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        mismatch(&headers.collect(), LABEL.version, Some(LABEL.schema))
    }

    #[test]
    fn a_response_of_the_same_version_and_schema_passes() {
        assert_eq!(refused(&[]), None);
        assert_eq!(refused(&[("straddle-version", "2.0.0"), ("straddle-schema", "abc")]), None);
        assert_eq!(refused(&[("straddle-version", "2.0.7"), ("grpc-status", "0")]), None);
    }

    #[test]
    fn a_response_of_another_schema_or_version_is_refused_as_one_that_has_run() {
        for headers in [
            [("straddle-version", "2.0.0"), ("straddle-schema", "abd")],
            [("straddle-version", "2.1.0"), ("straddle-schema", "abc")],
            [("straddle-version", "2.0.0-rc.1"), ("straddle-schema", "abc")],
            [("straddle-schema", "abd"), ("grpc-status", "0")],
        ] {
            let refusal = refused(&headers).expect("a refusal");
            assert_eq!(refusal.reason(), Reason::LabelMismatch, "{headers:?}");
            assert_eq!(refusal.code(), tonic::Code::Internal);
        }
    }

    #[test]
    fn an_error_is_passed_on_whatever_it_says_of_versions() {
        assert_eq!(refused(&[("straddle-version", "1.0.0"), ("grpc-status", "9")]), None);
    }
}
