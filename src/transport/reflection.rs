//! Reflection of several versions: each caller sees the schema of its own.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::{Request, Response};
use semver::{BuildMetadata, Version};
use thiserror::Error;
use tonic::Status;
use tonic_reflection::server::Builder;
use tower_service::Service;

use super::beside::Answer;
use crate::dispatch::VERSION;
use crate::refusal::{Reason, Refusal};
use crate::wire::Body;

/// The name that tells `grpc.reflection.v1alpha` from `grpc.reflection.v1`, which speak the same messages.
const V1ALPHA: &str = "/grpc.reflection.v1alpha.";

/// Answers `grpc.reflection.v1` and `v1alpha` (gRPC Server Reflection) for each version of a protocol.
///
/// The request's `straddle-version` names the version; its patch number is ignored. Without it the default version is
/// shown. A version that is not there is refused as `UNKNOWN_VERSION`.
///
/// Clones show the same, also after [`replace`](Self::replace).
#[derive(Clone)]
pub struct Reflection(Arc<ArcSwap<Versions>>);

/// Descriptor sets that cannot be reflected.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct InvalidReflection(#[from] InvalidKind);

#[derive(Debug, Error)]
enum InvalidKind {
    #[error("`{label}` is no version, so nobody could ask for it: {source}")]
    Label { label: String, source: semver::Error },
    #[error("the label `{label}` stands for the same version as another one; labels ignore the patch number")]
    Twice { label: String },
    #[error("the default version {label} has no descriptor set")]
    NoDefault { label: String },
    #[error("the descriptor set of version {label} cannot be read: {source}")]
    Set { label: String, source: tonic_reflection::server::Error },
}

impl InvalidReflection {
    /// Whether a label is at fault: no version, given twice, or a default that is missing.
    #[must_use]
    pub fn is_label(&self) -> bool {
        !self.is_descriptor_set()
    }

    /// Whether a descriptor set is at fault.
    #[must_use]
    pub fn is_descriptor_set(&self) -> bool {
        matches!(self.0, InvalidKind::Set { .. })
    }
}

struct Versions {
    by_label: BTreeMap<Version, OneVersion>,
    default: Version,
}

struct OneVersion {
    v1: Reflect,
    v1alpha: Reflect,
}

type Reflect = Box<dyn Fn(Request<Body>) -> Answer + Send + Sync>;

impl Reflection {
    /// Reflects `versions`: labels, each with its encoded `google.protobuf.FileDescriptorSet`, imports included.
    ///
    /// # Errors
    /// When a label is no semver, two labels differ in the patch number alone, `default` is none of them, or a
    /// descriptor set cannot be read.
    pub fn new<'a>(
        versions: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        default: &str,
    ) -> Result<Self, InvalidReflection> {
        Ok(Self(Arc::new(ArcSwap::from_pointee(Versions::new(versions, default)?))))
    }

    /// Reflects other versions from now on, as those of a node that has learned some.
    ///
    /// # Errors
    /// As [`new`](Self::new); what was shown before stays.
    pub fn replace<'a>(
        &self,
        versions: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        default: &str,
    ) -> Result<(), InvalidReflection> {
        self.0.store(Arc::new(Versions::new(versions, default)?));
        Ok(())
    }

    pub(super) fn answer(&self, request: Request<Body>) -> Answer {
        let versions = self.0.load();
        match versions.of(&request) {
            Ok(version) if request.uri().path().starts_with(V1ALPHA) => (version.v1alpha)(request),
            Ok(version) => (version.v1)(request),
            Err(refusal) => Box::pin(async { Ok(Status::from(refusal).into_http()) }),
        }
    }
}

impl Versions {
    fn new<'a>(
        versions: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        default: &str,
    ) -> Result<Self, InvalidReflection> {
        let mut by_label = BTreeMap::new();
        for (label, set) in versions {
            let version =
                OneVersion::new(set).map_err(|source| InvalidKind::Set { label: label.to_owned(), source })?;
            if by_label.insert(labelled(label)?, version).is_some() {
                return Err(InvalidKind::Twice { label: label.to_owned() }.into());
            }
        }
        let label = default;
        let default = labelled(label)?;
        if !by_label.contains_key(&default) {
            return Err(InvalidKind::NoDefault { label: label.to_owned() }.into());
        }
        Ok(Self { by_label, default })
    }

    fn of(&self, request: &Request<Body>) -> Result<&OneVersion, Refusal> {
        let Some(label) = request.headers().get(&VERSION) else {
            return self.by_label.get(&self.default).ok_or_else(|| self.unknown(&self.default.to_string()));
        };
        let label = String::from_utf8_lossy(label.as_bytes());
        labelled(&label).ok().and_then(|version| self.by_label.get(&version)).ok_or_else(|| self.unknown(&label))
    }

    fn unknown(&self, label: &str) -> Refusal {
        let known: Vec<_> = self.by_label.keys().map(Version::to_string).collect();
        Refusal::new(Reason::UnknownVersion, format!("this node cannot show the schema of version {label:?}"))
            .with("caller_version", label)
            .advice(format!(
                "ask for one of {}, or leave {} away for {}",
                known.join(", "),
                VERSION.as_str(),
                self.default
            ))
    }
}

impl OneVersion {
    fn new(set: &[u8]) -> Result<Self, tonic_reflection::server::Error> {
        let builder = || Builder::configure().register_encoded_file_descriptor_set(set);
        Ok(Self { v1: reflect(builder().build_v1()?), v1alpha: reflect(builder().build_v1alpha()?) })
    }
}

fn reflect<S>(server: S) -> Reflect
where
    S: Service<Request<Body>, Response = Response<tonic::body::Body>, Error = std::convert::Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    Box::new(move |request| {
        let answer = server.clone().call(request);
        Box::pin(async move { Ok(answer.await?.map(Body::from)) })
    })
}

/// What a label stands for: its version without the patch number, of which the schema is the same.
fn labelled(label: &str) -> Result<Version, InvalidKind> {
    let mut version = Version::parse(label).map_err(|source| InvalidKind::Label { label: label.to_owned(), source })?;
    version.patch = 0;
    version.build = BuildMetadata::EMPTY;
    Ok(version)
}

impl fmt::Debug for Reflection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: Vec<_> = self.0.load().by_label.keys().map(Version::to_string).collect();
        formatter.debug_tuple("Reflection").field(&versions).finish()
    }
}
