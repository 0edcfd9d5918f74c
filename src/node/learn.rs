//! What a running node learns: versions that its program was built without.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::{Kind, Node};
use crate::bundle::{Bundle, BundleError, PublicKey};
use crate::dispatch::{End, Walk};
use crate::protocol::{Protocol, Schema};
use crate::transport::{HealthHandle, InvalidReflection, Reflection};
use crate::version::Version;

/// What a node has learned from a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Learned {
    /// The bundle's digest.
    pub digest: String,
    /// The versions that are new to the node, the oldest first; none when it knew them all.
    pub added: Vec<Version>,
    /// Whether the node knows these versions when it is started again. One without a state folder knows them until it ends.
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
    /// It could not be written to the state folder.
    #[error("the bundle cannot be kept, so nothing was learned: {0}")]
    NotKept(String),
    /// The program ends, or fails in itself; what was learned may be known when it is started again.
    #[error("the bundle was not learned to its end: {0}")]
    Stopped(String),
}

/// The versions that a program was built with. What its node learns stands before and behind them, never between.
pub(super) struct Built(Vec<Version>);

impl Built {
    pub(super) fn of(protocol: &Protocol) -> Self {
        Self(protocol.versions().iter().map(|schema| schema.version().clone()).collect())
    }

    /// Their indices in a protocol that has them all.
    pub(super) fn range(&self, protocol: &Protocol) -> Range<usize> {
        let first = self.0.first().and_then(|first| protocol.index_of(first)).unwrap_or(0);
        first..first + self.0.len()
    }

    /// The versions that a protocol has beyond them, the oldest first.
    pub(super) fn learned(&self, protocol: &Protocol) -> Vec<Version> {
        let built = self.range(protocol);
        let versions = protocol.versions().iter().enumerate().filter(|(index, _)| !built.contains(index));
        versions.map(|(_, schema)| schema.version().clone()).collect()
    }
}

/// Whose bundles a node learns.
#[derive(Clone, Debug, Default)]
pub(super) struct Trust {
    pub(super) keys: Vec<PublicKey>,
    /// Everybody's.
    pub(super) unsigned: bool,
}

/// What a node has to know to learn.
#[derive(Debug)]
pub(super) struct Learning {
    trust: Trust,
    /// One bundle after the other.
    turn: tokio::sync::Mutex<()>,
    /// What callers are shown of the node's versions, and told of their services; from when it is served.
    shown: Mutex<Shown>,
}

#[derive(Debug, Default)]
struct Shown {
    reflection: Option<Reflection>,
    health: Vec<HealthHandle>,
}

impl Learning {
    pub(super) fn new(trust: Trust) -> Self {
        Self { trust, turn: tokio::sync::Mutex::default(), shown: Mutex::default() }
    }

    /// Reflection of a node's versions, of those as well that it learns later.
    pub(super) fn reflection(&self, protocol: &Protocol, node: &Version) -> Result<Reflection, InvalidReflection> {
        let mut shown = lock(&self.shown);
        if let Some(reflection) = &shown.reflection {
            return Ok(reflection.clone());
        }
        let reflection = reflect(protocol, node, |versions, default| Reflection::new(versions, default))?;
        shown.reflection = Some(reflection.clone());
        Ok(reflection)
    }

    /// Tells that all services are there, those as well that the node learns later.
    pub(super) fn tell(&self, protocol: &Protocol, health: &HealthHandle) {
        set_services(protocol, health);
        lock(&self.shown).health.push(health.clone());
    }

    fn show(&self, protocol: &Protocol, node: &Version) -> Result<(), InvalidReflection> {
        let shown = lock(&self.shown);
        if let Some(reflection) = &shown.reflection {
            reflect(protocol, node, |versions, default| reflection.replace(versions, default))?;
        }
        shown.health.iter().for_each(|health| set_services(protocol, health));
        Ok(())
    }
}

fn lock(shown: &Mutex<Shown>) -> MutexGuard<'_, Shown> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}

fn set_services(protocol: &Protocol, health: &HealthHandle) {
    for service in protocol.versions().iter().flat_map(|schema| schema.pool().services()) {
        health.set_service(service.full_name(), true);
    }
}

fn reflect<T>(
    protocol: &Protocol,
    node: &Version,
    make: impl FnOnce(Vec<(&str, &[u8])>, &str) -> Result<T, InvalidReflection>,
) -> Result<T, InvalidReflection> {
    let labels: Vec<String> = protocol.versions().iter().map(|schema| schema.version().to_string()).collect();
    let sets = protocol.versions().iter().map(|schema| schema.descriptor_set().as_ref());
    let default = protocol.unlabelled().unwrap_or(node).to_string();
    make(labels.iter().map(String::as_str).zip(sets).collect(), &default)
}

impl Node {
    /// Teaches the node the versions of a bundle, given as the bytes of its file: from then on it serves their callers. Routes
    /// are compiled anew beside the calls, none of which waits or ends; calls that need code which the program was built
    /// without are refused, naming the program that has it. A node with a state folder keeps the bundle there and knows it
    /// when it is started again; another one knows it until it ends.
    ///
    /// The bundle has to be signed with a key that the node [trusts](super::Builder::trust), and to hold the step that leads
    /// on from the newest version, or up to the oldest, that the node knows. It goes on to its end even if nobody waits.
    ///
    /// # Errors
    /// Says why nothing was learned; what the node serves is as before.
    pub async fn learn(&self, file: impl Into<Bytes>) -> Result<Learned, LearnError> {
        let (node, file) = (self.clone(), file.into());
        let learning = tokio::spawn(async move { node.learn_to_the_end(file).await });
        learning.await.unwrap_or_else(|error| Err(LearnError::Stopped(error.to_string())))
    }

    async fn learn_to_the_end(&self, file: Bytes) -> Result<Learned, LearnError> {
        let learning = self.learning();
        let _turn = learning.turn.lock().await;
        let (known, trust) = (self.protocol(), learning.trust.clone());
        let reading = spawn_blocking(move || {
            let bundle = read(file, &trust)?;
            let protocol = add(&known, &bundle)?;
            let added = beyond(&known, &protocol);
            Ok((bundle, protocol, added))
        });
        let (bundle, protocol, added) = reading.await.map_err(|error| LearnError::Stopped(error.to_string()))??;
        let digest = bundle.digest();
        let kept = matches!(self.0, Kind::Living(_));
        if !added.is_empty() {
            if let Kind::Living(life) = &self.0 {
                life.keep(bundle).await.map_err(LearnError::NotKept)?;
            }
            self.extend(protocol.clone()).await.map_err(LearnError::Stopped)?;
            let shown = learning.show(&protocol, &self.version());
            shown.map_err(|error| LearnError::Stopped(error.to_string()))?;
        }
        let needs_program = needs_program(&protocol, &self.version(), &self.status().learned, &added);
        Ok(Learned { digest, added, kept, needs_program })
    }
}

/// The protocol with all that was kept, in whatever order it fits together.
///
/// # Errors
/// Names a file that cannot be used any more, and says what to do.
pub(super) fn restore(
    mut protocol: Protocol,
    mut kept: Vec<(PathBuf, Bundle)>,
    trust: &Trust,
) -> Result<Protocol, String> {
    let advice = "if the program is right, remove the file: what the program was built with it knows without";
    let unusable = |file: &Path, error: &BundleError| {
        let error = error.to_string();
        let what = error.split("\n  help: ").next().unwrap_or_default();
        format!("what the node has learned cannot be used: {}: {what}\n  help: {advice}", file.display())
    };
    for (file, bundle) in &kept {
        if !trust.unsigned {
            bundle.verify(&trust.keys).map_err(|error| unusable(file, &error))?;
        }
    }
    while !kept.is_empty() {
        let mut left = Vec::new();
        let before = kept.len();
        for (file, bundle) in kept {
            match protocol.with_bundle(&bundle) {
                Ok(learned) => protocol = learned,
                Err(error) => left.push((file, bundle, error)),
            }
        }
        // Some fit only once others are there.
        if left.len() == before {
            return left.first().map_or(Ok(protocol), |(file, _, error)| Err(unusable(file, error)));
        }
        kept = left.into_iter().map(|(file, bundle, _)| (file, bundle)).collect();
    }
    Ok(protocol)
}

/// Reads a bundle, no further than to its signature unless that is of somebody who is trusted.
fn read(file: Bytes, trust: &Trust) -> Result<Bundle, LearnError> {
    if trust.unsigned {
        return Bundle::read(file).map_err(LearnError::Unreadable);
    }
    if trust.keys.is_empty() {
        return Err(LearnError::NobodyTrusted);
    }
    Bundle::read_trusted(file, &trust.keys).map_err(|error| {
        if error.is_untrusted() { LearnError::Untrusted(error) } else { LearnError::Unreadable(error) }
    })
}

/// The protocol with what the bundle brings.
fn add(protocol: &Protocol, bundle: &Bundle) -> Result<Protocol, LearnError> {
    protocol.with_bundle(bundle).map_err(|error| {
        if error.is_contradiction() { LearnError::Conflict(error) } else { LearnError::Unreadable(error) }
    })
}

/// The versions of `all` that `some` lacks.
pub(super) fn beyond(some: &Protocol, all: &Protocol) -> Vec<Version> {
    let versions = all.versions().iter().map(Schema::version);
    versions.filter(|version| some.schema(version).is_none()).cloned().collect()
}

/// The methods of the added versions that a node which runs `node` cannot answer, because some learned version needs code.
fn needs_program(protocol: &Protocol, node: &Version, learned: &[Version], added: &[Version]) -> Vec<NeedsProgram> {
    // A node runs a version of its protocol.
    let Some(node) = protocol.index_of(node) else { return Vec::new() };
    let among = |versions: &[Version], index: usize| versions.contains(protocol.versions()[index].version());
    let mut needs = Vec::new();
    for (index, schema) in protocol.versions().iter().enumerate().filter(|(index, _)| among(added, *index)) {
        for (number, method) in schema.methods().iter().enumerate() {
            let walk = Walk::new(protocol, index, number, node);
            if matches!(walk.end, End::Simulated) && among(learned, walk.version) {
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
