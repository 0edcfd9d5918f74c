//! What a running node learns: versions that its program was built without.

use crate::bundle::{Bundle, BundleError, PublicKey};
use crate::dispatch::{End, Walk};
use crate::protocol::Protocol;
use crate::state::StateError;
use crate::version::Version;

/// What a node has learned from a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Learned {
    /// The bundle's digest.
    pub digest: String,
    /// The versions that are new to the node, the oldest first; none when it knew them all.
    pub added: Vec<Version>,
    /// Whether the bundle is on disk. A node without a state folder knows it until it ends.
    pub kept: bool,
    /// The methods of these versions that the node refuses, because they need code.
    pub needs_program: Vec<NeedsProgram>,
}

/// A method of a learned version that a simulation object would have to answer, which the node's program does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NeedsProgram {
    /// The version of its callers.
    pub version: Version,
    /// The method, as `package.Service.Method`.
    pub method: String,
    /// The version whose program has the object.
    pub program: Version,
}

/// Why a node did not learn a bundle. What it knows and serves is as before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LearnError {
    /// It is no bundle, is damaged, or holds no protocol.
    #[error(transparent)]
    Unreadable(BundleError),
    /// Nobody whom the node trusts has signed it.
    #[error(transparent)]
    Untrusted(BundleError),
    /// The node trusts nobody.
    #[error(
        "this node learns from nobody: its program names no key that it trusts\n  help: build it with `trust(key)`, for the \
         public key of whoever signs bundles"
    )]
    NobodyTrusted,
    /// It is of another protocol, does not adjoin what the node knows, or contradicts it.
    #[error(transparent)]
    Conflict(BundleError),
    /// A move is under way.
    #[error("{what}; wait for it to end")]
    Busy {
        /// What is under way.
        what: String,
    },
    /// It could not be written to the state folder.
    #[error(transparent)]
    NotKept(StateError),
}

impl super::Node {
    /// Teaches the node
    pub async fn learn(&self, file: impl Into<bytes::Bytes>) -> Result<Learned, LearnError> {
        let _ = (read(file.into(), &[])?, add, beyond, needs_program);
        todo!()
    }
    pub(super) fn place_for_lost(&self) -> Result<std::path::PathBuf, super::MoveError> { todo!() }
}

/// Reads a bundle, no further than to its signature unless that is of somebody who is trusted.
pub(super) fn read(file: bytes::Bytes, trusted: &[PublicKey]) -> Result<Bundle, LearnError> {
    if trusted.is_empty() {
        return Err(LearnError::NobodyTrusted);
    }
    Bundle::read_trusted(file, trusted).map_err(|error| {
        if error.is_untrusted() { LearnError::Untrusted(error) } else { LearnError::Unreadable(error) }
    })
}

/// The protocol with what the bundle brings.
pub(super) fn add(protocol: &Protocol, bundle: &Bundle) -> Result<Protocol, LearnError> {
    protocol.with_bundle(bundle).map_err(|error| {
        if error.is_contradiction() { LearnError::Conflict(error) } else { LearnError::Unreadable(error) }
    })
}

/// The versions of `all` that `some` lacks.
pub(super) fn beyond(some: &Protocol, all: &Protocol) -> Vec<Version> {
    let versions = all.versions().iter().map(crate::protocol::Schema::version);
    versions.filter(|version| some.schema(version).is_none()).cloned().collect()
}

/// The methods of the learned versions that a node which runs `node` cannot answer.
pub(super) fn needs_program(protocol: &Protocol, node: usize, learned: &[Version]) -> Vec<NeedsProgram> {
    let is_learned = |index: usize| learned.contains(protocol.versions()[index].version());
    let mut needs = Vec::new();
    for (index, schema) in protocol.versions().iter().enumerate().filter(|(index, _)| is_learned(*index)) {
        for (number, method) in schema.methods().iter().enumerate() {
            let walk = Walk::new(protocol, index, number, node);
            if matches!(walk.end, End::Simulated) && is_learned(walk.version) {
                needs.push(NeedsProgram {
                    version: schema.version().clone(),
                    method: method.full_name().to_owned(),
                    program: protocol.versions()[walk.program(node)].version().clone(),
                });
            }
        }
    }
    needs
}
