//! The body of a bundle: what it says, checked word by word, and how it is written.

use bytes::Bytes;
use prost::Message;

use super::error::BundleError;
use super::generated::bundle as wire;
use super::generated::bundle::Content as Wire;
use super::{Kind, generated, limits};
use crate::protocol::resume::{Place, Resume};
use crate::protocol::{Protocol, is_name};
use crate::version::Version;

/// What a bundle says.
#[derive(Clone, Debug)]
pub(super) struct Content {
    pub(super) kind: Kind,
    pub(super) protocol: String,
    /// One of the versions.
    pub(super) unlabelled: Option<Version>,
    /// Ascending; one at least, and two of a step.
    pub(super) versions: Vec<BundledVersion>,
    pub(super) resume: Vec<Resume>,
}

/// One version in a bundle.
#[derive(Clone, Debug)]
pub struct BundledVersion {
    pub(super) version: Version,
    pub(super) schema: String,
    pub(super) descriptor_set: Bytes,
    pub(super) step: Option<String>,
}

impl BundledVersion {
    /// The version.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The digest of its schema, as the bundle says it; it is held against the descriptors when they are used.
    #[must_use]
    pub fn schema_digest(&self) -> &str {
        &self.schema
    }

    /// Its schema: an encoded `google.protobuf.FileDescriptorSet`, not looked at so far.
    #[must_use]
    pub fn descriptor_set(&self) -> &Bytes {
        &self.descriptor_set
    }

    /// The text of its `step.toml`; none in the oldest version of a bundle.
    #[must_use]
    pub fn step(&self) -> Option<&str> {
        self.step.as_deref()
    }
}

impl Content {
    /// The body that says it. The same content has the same bytes.
    pub(super) fn encode(self) -> Vec<u8> {
        let mut versions: Vec<wire::Version> = self.versions.into_iter().map(write).collect();
        let content = match self.kind {
            Kind::Step => {
                let to = versions.pop();
                Wire::Step(wire::Step { from: versions.pop(), to })
            }
            Kind::Protocol => {
                let unlabelled = self.unlabelled.map(|version| version.to_string()).unwrap_or_default();
                Wire::Whole(wire::Whole { unlabelled, versions })
            }
        };
        let resume = self.resume.iter().map(|entry| wire::Resume {
            method: entry.method().to_owned(),
            from: entry.from().to_owned(),
            into: entry.into().to_owned(),
        });
        let (protocol, resume) = (self.protocol, resume.collect());
        generated::Bundle { requires: Vec::new(), protocol, resume, content: Some(content) }.encode_to_vec()
    }

    pub(super) fn decode(body: &Bytes) -> Result<Self, BundleError> {
        limits::count_records(body)?;
        let read = generated::Bundle::decode(body.clone())
            .map_err(|error| BundleError::invalid(format!("its body is no protobuf of its type: {error}")))?;
        if read.requires.len() > limits::REQUIRED {
            return Err(BundleError::beyond(format!("the bundle requires {} things at once", read.requires.len())));
        }
        // This program knows none of those words.
        if let Some(unknown) = read.requires.first() {
            let shown: String = unknown.chars().take(limits::REQUIRED).collect();
            let what = format!("the bundle requires {shown:?} of its reader, which this program does not know");
            return Err(BundleError::newer(what));
        }
        if read.protocol.len() > limits::NAME || !is_name(&read.protocol) {
            let shown: String = read.protocol.chars().take(limits::REQUIRED).collect();
            return Err(BundleError::invalid(format!("{shown:?} is not a name for a protocol")));
        }
        let resume = check_resume(&read.protocol, &read.resume)?;
        let (kind, unlabelled, versions) = match read.content {
            Some(Wire::Step(wire::Step { from: Some(from), to: Some(to) })) => {
                (Kind::Step, String::new(), vec![from, to])
            }
            Some(Wire::Step(_)) => return Err(BundleError::invalid("a side of its step is missing")),
            Some(Wire::Whole(whole)) => (Kind::Protocol, whole.unlabelled, whole.versions),
            None => return Err(BundleError::newer("the bundle holds neither a step nor a protocol")),
        };
        let versions = check_versions(versions)?;
        let unlabelled = Some(unlabelled).filter(|text| !text.is_empty()).map(|text| {
            let unlabelled = version(&text)?;
            let known = versions.iter().any(|one| one.version == unlabelled);
            let what = || format!("its unlabelled version {unlabelled} is not among its versions");
            if known { Ok(unlabelled) } else { Err(BundleError::invalid(what())) }
        });
        Ok(Self { kind, protocol: read.protocol, unlabelled: unlabelled.transpose()?, versions, resume })
    }
}

/// What a protocol's version becomes in a bundle. The step to the oldest is left out: the version before it is not there.
pub(super) fn versions(protocol: &Protocol, from: usize, to: usize) -> Vec<BundledVersion> {
    let all = protocol.versions().iter().zip(protocol.sources());
    let wanted = all.enumerate().take(to + 1).skip(from);
    let of =
        |(index, (schema, source)): (usize, (&crate::protocol::Schema, &crate::protocol::Source))| BundledVersion {
            version: schema.version().clone(),
            schema: schema.digest().to_owned(),
            descriptor_set: schema.descriptor_set().clone(),
            step: source.step.as_ref().filter(|_| index > from).map(|(_, text)| text.clone()),
        };
    wanted.map(of).collect()
}

/// What is said of streams of these versions' methods.
pub(super) fn resume(protocol: &Protocol, from: usize, to: usize) -> Vec<Resume> {
    let within = &protocol.versions()[from..=to];
    let declared =
        |name: &str| within.iter().flat_map(crate::protocol::Schema::methods).any(|method| method.full_name() == name);
    protocol.resume().iter().filter(|entry| declared(entry.method())).cloned().collect()
}

fn write(version: BundledVersion) -> wire::Version {
    let BundledVersion { version, schema, descriptor_set, step } = version;
    wire::Version { version: version.to_string(), schema, descriptor_set, step }
}

fn check_versions(read: Vec<wire::Version>) -> Result<Vec<BundledVersion>, BundleError> {
    if read.is_empty() {
        return Err(BundleError::invalid("it has no versions"));
    }
    if read.len() > limits::VERSIONS {
        let what = format!("the bundle has {} versions, and may have {}", read.len(), limits::VERSIONS);
        return Err(BundleError::beyond(what));
    }
    let steps: usize = read.iter().filter_map(|version| version.step.as_ref()).map(String::len).sum();
    if steps > limits::STEPS {
        let what = format!("its step.tomls have {steps} bytes, and may have {} MiB", limits::STEPS >> 20);
        return Err(BundleError::beyond(what));
    }
    let mut versions: Vec<BundledVersion> = Vec::with_capacity(read.len());
    for one in read {
        let version = check_version(one)?;
        if let Some(before) = versions.last()
            && (before.version >= version.version || before.version.same_schema(&version.version))
        {
            let what = format!("{} does not come after {}", version.version, before.version);
            return Err(BundleError::invalid(what));
        }
        if versions.is_empty() && version.step.is_some() {
            let what = format!("{} has a step.toml, and the version before it is not there", version.version);
            return Err(BundleError::invalid(what));
        }
        versions.push(version);
    }
    Ok(versions)
}

fn check_resume(protocol: &str, read: &[wire::Resume]) -> Result<Vec<Resume>, BundleError> {
    if read.len() > limits::RESUMED {
        let what = format!("the bundle resumes {} methods, and may resume {}", read.len(), limits::RESUMED);
        return Err(BundleError::beyond(what));
    }
    if read
        .iter()
        .flat_map(|entry| [&entry.method, &entry.from, &entry.into])
        .any(|text| text.len() > limits::FULL_NAME)
    {
        let what = format!("a text of a method that it resumes has more than {} bytes", limits::FULL_NAME);
        return Err(BundleError::beyond(what));
    }
    let place = || Place::within(format!("<bundle of {protocol}>"));
    Ok(read.iter().map(|entry| Resume::new(&entry.method, &entry.from, &entry.into, place())).collect())
}

fn check_version(read: wire::Version) -> Result<BundledVersion, BundleError> {
    let version = version(&read.version)?;
    let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if read.schema.len() != 32 || !read.schema.bytes().all(hexadecimal) {
        return Err(BundleError::invalid(format!("the digest of {version} is no 32 hexadecimal digits")));
    }
    if read.descriptor_set.is_empty() {
        return Err(BundleError::invalid(format!("the descriptors of {version} are missing")));
    }
    if let Some(bytes) = read.step.as_ref().map(String::len).filter(|bytes| *bytes > limits::STEP) {
        let what = format!("the step.toml of {version} has {bytes} bytes, and may have {} KiB", limits::STEP >> 10);
        return Err(BundleError::beyond(what));
    }
    Ok(BundledVersion { version, schema: read.schema, descriptor_set: read.descriptor_set, step: read.step })
}

fn version(text: &str) -> Result<Version, BundleError> {
    Version::from_label(text.as_bytes()).map_err(|error| BundleError::invalid(error.to_string()))
}
