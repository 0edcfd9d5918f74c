//! A protocol inside generated code.

use std::path::PathBuf;

use bytes::Bytes;

use super::error::{Fault, ProtocolError};
use super::resume::{Place, Resume};
use super::{Declared, Protocol, Source};
use crate::version::Version;

/// A protocol as generated code carries it; `straddle::codegen` writes it.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// The name.
    pub name: &'static str,
    /// The version of callers without a label.
    pub unlabelled: Option<&'static str>,
    /// The versions.
    pub versions: &'static [EmbeddedVersion],
    /// The methods whose streams go on where they ended.
    pub resume: &'static [EmbeddedResume],
}

/// An entry of `[resume]` in an [`Embedded`] protocol.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedResume {
    /// The full name of the method.
    pub method: &'static str,
    /// The path of the token in a response message.
    pub from: &'static str,
    /// The path of the token in the request.
    pub into: &'static str,
}

/// One version of an [`Embedded`] protocol.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedVersion {
    /// The version.
    pub version: &'static str,
    /// An encoded `google.protobuf.FileDescriptorSet`, imports included.
    pub descriptor_set: &'static [u8],
    /// The text of `step.toml`.
    pub step: Option<&'static str>,
}

pub(super) fn open(embedded: &Embedded) -> Result<Protocol, ProtocolError> {
    let origin = PathBuf::from(format!("<{}>", embedded.name));
    let parse = |text: &str| {
        text.parse::<Version>()
            .map_err(|error| Fault::new(&origin, error.to_string(), "generate the code anew with straddle::codegen"))
    };
    let sources = embedded
        .versions
        .iter()
        .map(|version| {
            let place = origin.join(version.version);
            Ok(Source {
                version: parse(version.version)?,
                descriptor_set: Bytes::from_static(version.descriptor_set),
                step: version.step.map(|text| (place.join("step.toml"), text.to_owned())),
                origin: place,
            })
        })
        .collect::<Result<_, Fault>>()?;
    let unlabelled = embedded
        .unlabelled
        .map(|text| {
            let what = format!("the unlabelled version {text} is not among the versions");
            Ok::<_, Fault>((parse(text)?, Fault::new(&origin, what, "generate the code anew with straddle::codegen")))
        })
        .transpose()?;
    let entry = |entry: &EmbeddedResume| Resume::new(entry.method, entry.from, entry.into, Place::within(&origin));
    let resume = embedded.resume.iter().map(entry).collect();
    Protocol::assemble(embedded.name.to_owned(), Declared { unlabelled, resume }, sources, origin)
}
