//! What is to be done: from which version to which, with which message.

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};

use super::failure::Failure;
use super::names;
use crate::cli::BadArguments;
use crate::protocol::plan::Use;
use crate::protocol::{Protocol, Schema};
use crate::rewrite::{Limits, NoRewrite, Rewrite};
use crate::version::Version;

/// What is asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) from: Version,
    pub(super) to: Version,
    pub(super) message: String,
    pub(super) used: Use,
}

/// Turns messages of one type and version into those of another version.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) protocol: Protocol,
    /// Indices of the versions.
    pub(super) way: (usize, usize),
    pub(super) used: Use,
    pub(super) source: MessageDescriptor,
    pub(super) target: MessageDescriptor,
    /// None within one version.
    rewrite: Option<Rewrite>,
}

impl Job {
    pub(super) fn new(protocol: Protocol, wanted: &Wanted) -> Result<Self, Box<dyn std::error::Error>> {
        let from = protocol.require(&wanted.from).map_err(BadArguments)?;
        let to = protocol.require(&wanted.to).map_err(BadArguments)?;
        let source = names::message(&protocol.versions()[from], &wanted.message).map_err(BadArguments)?;
        if from == to {
            let target = source.clone();
            return Ok(Self { protocol, way: (from, to), used: wanted.used, source, target, rewrite: None });
        }
        let rewrite = Rewrite::new(&protocol, from, to, source.full_name(), wanted.used)
            .map_err(|error| no_rewrite(&protocol, from < to, &error))?;
        let target = names::message(&protocol.versions()[to], rewrite.target()).map_err(BadArguments)?;
        Ok(Self { protocol, way: (from, to), used: wanted.used, source, target, rewrite: Some(rewrite) })
    }

    /// The version that messages come in.
    pub(super) fn from(&self) -> &Schema {
        &self.protocol.versions()[self.way.0]
    }

    /// The version that they leave in.
    pub(super) fn to(&self) -> &Schema {
        &self.protocol.versions()[self.way.1]
    }

    /// What becomes of a message. Within one version it is read and written again: valid, and in the order of the numbers.
    pub(super) fn convert(&self, message: &Bytes) -> Result<Bytes, Failure> {
        match &self.rewrite {
            Some(rewrite) => Ok(rewrite.apply(message, &Limits::default())?.into_bytes()),
            None => DynamicMessage::decode(self.source.clone(), message.clone())
                .map(|message| message.encode_to_vec().into())
                .map_err(|error| Failure::bad(format!("this is no {}: {error}", self.source.full_name()))),
        }
    }
}

/// Why there is no rewrite, with the file in which somebody has to say something.
pub(super) fn no_rewrite(protocol: &Protocol, up: bool, error: &NoRewrite) -> String {
    let index = |version: &str| version.parse().ok().and_then(|version| protocol.index_of(&version));
    let newer = match error {
        // On the way down it is the step from the version that lacks it to the next one.
        NoRewrite::Absent { version, .. } => index(version).map(|index| if up { index } else { index + 1 }),
        NoRewrite::Open { from, to, .. } => index(from).max(index(to)),
        NoRewrite::UnknownMessage { .. } => None,
    };
    let advice = match error {
        NoRewrite::Absent { .. } => "\n  help: if it has another name there, say so under [rename.messages]",
        _ => "",
    };
    match newer.and_then(|newer| protocol.sources().get(newer)) {
        Some(source) => {
            let file = source.step.as_ref().map_or_else(|| source.origin.join("step.toml"), |(file, _)| file.clone());
            format!("{}: {error}{advice}", file.display())
        }
        None => format!("{error}{advice}"),
    }
}
