//! The schema that a call's messages are written in, and where it comes from.

use std::fs;
use std::path::{Path, PathBuf};

use prost_reflect::{DescriptorPool, MethodDescriptor};

use super::argument::LabelledProtocol;
use super::method;
use crate::cli::BadArguments;
use crate::protocol::{Protocol, Schema};
use crate::version::Version;

/// The schema of the version that a call is labelled with.
#[derive(Debug)]
pub(super) struct CallSchema {
    /// What calls carry; none for callers without a label.
    pub(super) label: Option<Version>,
    /// The digest, where it is known from disk: a node that has another schema of that version then refuses.
    pub(super) digest: Option<String>,
    /// All versions, where they are known from disk: nodes that do not know the label can then be called in an older one.
    pub(super) protocol: Option<Protocol>,
    pub(super) pool: DescriptorPool,
}

impl CallSchema {
    /// The schema out of the protocol's folder, or out of a folder that holds the protocol's.
    pub(super) fn load(folder: &Path, wanted: &LabelledProtocol) -> Result<Self, Box<dyn std::error::Error>> {
        let protocol = find(folder, &wanted.name)?;
        let schema = match &wanted.label {
            Some(label) => &protocol.versions()[protocol.require(label).map_err(BadArguments)?],
            None => unlabelled(&protocol),
        };
        let (digest, pool) = (Some(schema.digest().to_owned()), schema.pool().clone());
        Ok(Self { label: wanted.label.clone(), digest, protocol: Some(protocol), pool })
    }

    /// The method that is meant by `wanted`.
    pub(super) fn method(&self, wanted: &str) -> Result<MethodDescriptor, BadArguments> {
        let version = self.label.as_ref().map_or_else(|| "the schema".to_owned(), ToString::to_string);
        method::find(&self.pool, wanted, &version).map_err(BadArguments)
    }
}

fn find(folder: &Path, name: &str) -> Result<Protocol, Box<dyn std::error::Error>> {
    if folder.join("protocol.toml").exists() {
        let protocol = Protocol::load(folder)?;
        if protocol.name() == name {
            return Ok(protocol);
        }
        let what = format!("{} is the folder of {}, not of {name}", folder.display(), protocol.name());
        return Err(BadArguments(what).into());
    }
    let mut others = Vec::new();
    for folder in folders_of_protocols(folder, name)? {
        let protocol = Protocol::load(folder)?;
        if protocol.name() == name {
            return Ok(protocol);
        }
        others.push(protocol.name().to_owned());
    }
    let there = if others.is_empty() { "no protocol at all".to_owned() } else { format!("only {}", others.join(", ")) };
    Err(BadArguments(format!("{} holds no protocol {name}, but {there}; name another --schemas", folder.display()))
        .into())
}

/// The folders below `folder` that are a protocol's; first the one that is called `name`, as most are.
fn folders_of_protocols(folder: &Path, name: &str) -> Result<Vec<PathBuf>, BadArguments> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
    };
    let mut folders = read().map_err(|error| BadArguments(format!("--schemas {}: {error}", folder.display())))?;
    folders.retain(|folder| folder.join("protocol.toml").exists());
    folders.sort_by_key(|folder| (folder.file_name().is_none_or(|last| last != name), folder.clone()));
    Ok(folders)
}

/// The declared version of callers without a label, or else the oldest.
fn unlabelled(protocol: &Protocol) -> &Schema {
    // A protocol has one version at least.
    protocol.unlabelled().and_then(|version| protocol.schema(version)).unwrap_or(&protocol.versions()[0])
}
