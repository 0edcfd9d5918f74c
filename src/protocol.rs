//! Protocols: their versions, and the steps between them.
//!
//! # A protocol on disk
//!
//! ```text
//! schemas/inventory/
//!   protocol.toml               name, unlabelled version, where protos lie elsewhere
//!   1.0.0/inventory.proto
//!   1.1.0/inventory.proto       a folder a version: .proto files, or one descriptor set (*.binpb)
//!   2.0.0/inventory.proto
//!   2.0.0/step.toml             how 2.0.0 relates to 1.1.0; may be absent when nothing needs saying
//! ```
//!
//! `protocol.toml`:
//!
//! ```toml
//! name = "inventory"
//! unlabelled = "1.0.0"          # optional: the version of callers that carry no label
//!
//! [protos]                      # optional: folders of versions that lie elsewhere, seen from here
//! "1.0.0" = "../../vendor/inventory-1.0.0"
//!
//! [resume]                      # optional: streams that go on where they ended, see `Resume`
//! "inventory.v1.Inventory.WatchItems" = { from = "revision", into = "after_revision" }
//! ```
//!
//! `step.toml`:
//!
//! ```toml
//! from = "1.1.0"                # the version before this one
//!
//! [rename.methods]              # the same method under another name: "old" = "new"; or a whole service
//! "shop.v1.Shop.Put" = "shop.v2.Shop.Upsert"
//!
//! [past]                        # callers of 1.1.0 on a node that runs 2.0.0
//! code = ["shop.v1.Shop.Get"]   # methods, or whole services, that a simulation object answers
//!
//! [future]                      # callers of 2.0.0 on a node that runs 1.1.0
//! code = ["shop.v2.Shop.Get"]
//! same = ["shop.v2.Shop.List"]  # a node that runs 1.1.0 may pass over what is new in its requests
//!
//! [[future.refuse]]
//! method = "shop.v2.Shop.Audit"
//! reason = "1.1.0 keeps no audit trail"
//! advice = "call a node that runs 2.0.0"    # optional
//! ```
//!
//! A method's own entry goes before that of its service. What else it may say, about names, fields, enums and what gets
//! lost, is told in [`rules`].
//!
//! # What crosses a step
//!
//! Methods are matched by name (or as `[rename]` says), and compared by their descriptors:
//!
//! - *same*: what one side writes the other reads with the same meaning; the messages pass as they are. The newer version
//!   may have added fields, methods and values of open enums, on numbers and under names that no version before used or
//!   reserved. Names count, types count, a oneof must not gain an arm. And the step says nothing of these messages: no
//!   rule, no loss policy that would do more than pass.
//! - *rules*: the messages are rewritten. That takes no word in `step.toml` where [names and types](rules) say it all:
//!   numbers that changed, types that widened, fields that are gone. What a caller sets and the other version cannot
//!   express is refused by the value, not by the method.
//! - Everything else is *open*, and refused until the step says how rules bridge it, says `code`, or refuses it with a
//!   reason of its own: a change that rules do not see through, a method that streams now, and a method with side effects
//!   whose responses rules may refuse, since a refused response comes too late.
//!
//! A step is *breaking* where its numbers say so (the major number differs; under 0.x the minor one; or a side is a
//! pre-release), and where any method or message of both versions differs in more than additions. Across a breaking step a
//! newer caller's request that can say more than the older version hears is not same by itself: an older node would answer
//! as if it had not been said. Rules refuse such a request as soon as it says what is new; `same` under `[future]` says
//! that it may be passed over. Across other steps it passes, as users of protobuf expect, and `straddle show` lists it.

#[cfg(all(test, feature = "compile"))]
mod compiled;
mod digest;
mod embedded;
mod entries;
mod error;
#[cfg(feature = "compile")]
mod folder;
mod history;
mod imports;
#[cfg(feature = "compile")]
mod manifest;
pub mod mask;
mod numbers;
#[cfg(feature = "cli")]
mod places;
pub mod plan;
mod relate;
pub mod resume;
pub mod rules;
mod schema;
#[cfg(feature = "cli")]
mod spans;
mod step;
mod step_file;
mod text;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use prost_reflect::DescriptorPool;

pub use self::embedded::{Embedded, EmbeddedResume, EmbeddedVersion};
pub use self::error::{Fault, ProtocolError};
#[cfg(feature = "codegen")]
pub(crate) use self::folder::compile_with_comments;
#[cfg(feature = "cli")]
pub(crate) use self::folder::{compile_folder, schema_files};
#[cfg(feature = "cli")]
pub(crate) use self::places::Places;
pub use self::relate::Difference;
use self::resume::Resume;
#[cfg(feature = "cli")]
pub(crate) use self::rules::{Refusable, refusals, refusals_of_plan};
pub use self::schema::{Method, Schema};
#[cfg(feature = "cli")]
pub(crate) use self::spans::Spans;
#[cfg(feature = "cli")]
pub(crate) use self::step::is_breaking as is_breaking_by_number;
pub use self::step::{Cause, Hop, Step};
use self::step_file::StepText;
#[cfg(feature = "runtime")]
pub(crate) use self::text::{is_name, nearest};
use crate::version::Version;

/// A named set of protobuf services and messages that evolves as one; all its versions and the steps between them.
///
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Protocol(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    unlabelled: Option<usize>,
    versions: Vec<Schema>,
    steps: Vec<Step>,
    sources: Vec<Source>,
    resume: Vec<Resume>,
}

/// What `protocol.toml` says of the protocol as a whole, beside its name.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    /// The version, and the fault to tell of when there is no such version.
    pub(crate) unlabelled: Option<(Version, Fault)>,
    pub(crate) resume: Vec<Resume>,
}

/// A version as it was found, before it is related to the others.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) version: Version,
    /// Where it came from, for errors.
    pub(crate) origin: PathBuf,
    pub(crate) descriptor_set: Bytes,
    /// `step.toml`: its file and its text.
    pub(crate) step: Option<(PathBuf, String)>,
}

impl Protocol {
    /// Whether both are the same one, and not only alike.
    #[cfg(feature = "runtime")]
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Loads `schemas/<protocol>/` from disk and relates its versions.
    ///
    /// # Errors
    /// With the file, the line where there is one, the element and what to do, for each fault found.
    #[cfg(feature = "compile")]
    pub fn load(folder: impl AsRef<std::path::Path>) -> Result<Self, ProtocolError> {
        folder::load(folder.as_ref(), &mut folder::plainly)
    }

    /// The protocol that generated code carries.
    ///
    /// # Errors
    /// When the embedded parts do not fit together; those that `codegen` wrote do.
    pub fn from_embedded(embedded: &Embedded) -> Result<Self, ProtocolError> {
        embedded::open(embedded)
    }

    /// Puts a protocol together. `declared_in` stands for the protocol as a whole in errors.
    pub(crate) fn assemble(
        name: String,
        declared: Declared,
        mut sources: Vec<Source>,
        declared_in: PathBuf,
    ) -> Result<Self, ProtocolError> {
        if sources.is_empty() {
            let advice = "add a folder named after the first version, such as 1.0.0, with its .proto files";
            return Err(Fault::new(declared_in, "the protocol has no versions", advice).into());
        }
        sources.sort_by(|one, other| one.version.cmp(&other.version));
        refuse_twins(&sources)?;
        let mut versions: Vec<Schema> = sources.iter().map(schema_of).collect::<Result<_, _>>()?;
        let Declared { unlabelled, resume } = declared;
        resume::declare(&resume, &mut versions)?;
        let unlabelled = unlabelled
            .map(|(wanted, fault)| position(&versions, &wanted).ok_or_else(|| ProtocolError::from(fault)))
            .transpose()?;
        if let Some((file, _)) = &sources[0].step {
            let what = format!("{} is the oldest version: there is nothing to step from", sources[0].version);
            return Err(Fault::new(file, what, "remove this file, or restore the folder of the version before").into());
        }
        let mut steps = Vec::new();
        for index in 1..versions.len() {
            let declared = sources[index].step.as_ref().map(|(file, text)| StepText { file, text });
            let step = step_file::relate(&versions[..index], &steps, &versions[index], declared)?;
            steps.push(step);
        }
        Ok(Self(Arc::new(Inner { name, unlabelled, versions, steps, sources, resume })))
    }

    /// The same protocol with one version more, whose protos, and maybe `step.toml`, lie in this folder.
    ///
    /// # Errors
    /// As [`load`](Self::load) has them.
    #[cfg(feature = "cli")]
    pub(crate) fn with_version(&self, version: &Version, folder: &std::path::Path) -> Result<Self, ProtocolError> {
        let mut sources = self.0.sources.clone();
        sources.push(folder::source(version, Some(folder), None, &mut folder::plainly)?);
        let mut protocol = Self::assemble(self.0.name.clone(), self.declared_anew(), sources, folder.to_owned())?;
        if let Some(inner) = Arc::get_mut(&mut protocol.0) {
            let unlabelled = self.unlabelled();
            inner.unlabelled = unlabelled.and_then(|unlabelled| position(&inner.versions, unlabelled));
        }
        Ok(protocol)
    }

    /// The same protocol with another text for the step at this index, as if it lay beside the newer version's protos.
    ///
    /// # Errors
    /// As [`load`](Self::load) has them of the steps.
    #[cfg(feature = "cli")]
    pub(crate) fn with_step(&self, step: usize, text: &str) -> Result<Self, ProtocolError> {
        let mut sources = self.0.sources.clone();
        let newer = &mut sources[step + 1];
        let file = newer.step.take().map_or_else(|| newer.origin.join("step.toml"), |(file, _)| file);
        newer.step = Some((file, text.to_owned()));
        // Later steps may name what this one does not change.
        let declared_in = newer.origin.clone();
        let mut protocol = Self::assemble(self.0.name.clone(), self.declared_anew(), sources, declared_in)?;
        if let Some(inner) = Arc::get_mut(&mut protocol.0) {
            inner.unlabelled = self.0.unlabelled;
        }
        Ok(protocol)
    }

    /// What is declared of the whole, but for the unlabelled version, whose fault cannot be told twice.
    #[cfg(feature = "cli")]
    fn declared_anew(&self) -> Declared {
        Declared { unlabelled: None, resume: self.0.resume.clone() }
    }

    /// The protocol as it was when `newest` was its newest version; `None` when it has no such version.
    #[cfg(feature = "cli")]
    pub(crate) fn as_of(&self, newest: &Version) -> Option<Self> {
        let newest = self.index_of(newest)?;
        let mut sources = self.0.sources.clone();
        sources.truncate(newest + 1);
        let known = |entry: &&Resume| {
            let mut methods = self.0.versions[..=newest].iter().flat_map(Schema::methods);
            methods.any(|method| method.full_name() == entry.method())
        };
        let declared = Declared { unlabelled: None, resume: self.0.resume.iter().filter(known).cloned().collect() };
        let mut protocol = Self::assemble(self.0.name.clone(), declared, sources, PathBuf::from(self.name())).ok()?;
        if let Some(inner) = Arc::get_mut(&mut protocol.0) {
            inner.unlabelled = self.0.unlabelled.filter(|unlabelled| *unlabelled <= newest);
        }
        Some(protocol)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The versions, oldest first; at least one.
    #[must_use]
    pub fn versions(&self) -> &[Schema] {
        &self.0.versions
    }

    /// The steps: the one at index `i` leads from version `i` to version `i + 1`.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0.steps
    }

    /// The schema that `version` names; its patch number does not count.
    #[must_use]
    pub fn schema(&self, version: &Version) -> Option<&Schema> {
        self.index_of(version).map(|index| &self.0.versions[index])
    }

    /// The declared version of callers without a label.
    #[must_use]
    pub fn unlabelled(&self) -> Option<&Version> {
        self.0.unlabelled.map(|index| self.0.versions[index].version())
    }

    /// What `protocol.toml` says of streams that go on where they ended; for a version's own method see
    /// [`Method::resume`].
    #[must_use]
    pub fn resume(&self) -> &[Resume] {
        &self.0.resume
    }

    /// The version that a caller without a label is taken for when it calls a service of `package`: the only version
    /// that has the package; else the declared `unlabelled` version if it has it; else the oldest that has it.
    #[must_use]
    pub fn version_for_unlabelled(&self, package: &str) -> Option<&Version> {
        self.unlabelled_index(package).map(|index| self.0.versions[index].version())
    }

    pub(crate) fn unlabelled_index(&self, package: &str) -> Option<usize> {
        let mut having = (0..self.0.versions.len()).filter(|index| self.0.versions[*index].serves_package(package));
        let oldest = having.next()?;
        if having.next().is_none() {
            return Some(oldest);
        }
        let declared = self.0.unlabelled.filter(|index| self.0.versions[*index].serves_package(package));
        Some(declared.unwrap_or(oldest))
    }

    pub(crate) fn index_of(&self, version: &Version) -> Option<usize> {
        position(&self.0.versions, version)
    }

    /// The index of `version`, or words that say which versions there are.
    #[cfg(feature = "runtime")]
    pub(crate) fn require(&self, version: &Version) -> Result<usize, String> {
        self.index_of(version).ok_or_else(|| {
            let known: Vec<String> = self.0.versions.iter().map(|schema| schema.version().to_string()).collect();
            format!("{} has no version {version}; it has {}", self.0.name, known.join(", "))
        })
    }

    /// What the protocol was made of, for those who carry it elsewhere.
    #[cfg_attr(
        not(any(feature = "codegen", feature = "runtime")),
        expect(dead_code, reason = "only code generation and bundles carry sources elsewhere")
    )]
    pub(crate) fn sources(&self) -> &[Source] {
        &self.0.sources
    }
}

fn position(versions: &[Schema], wanted: &Version) -> Option<usize> {
    versions.iter().position(|schema| schema.version().same_schema(wanted))
}

/// Labels do not count the patch number, so two versions that differ in it only would be one.
fn refuse_twins(sources: &[Source]) -> Result<(), ProtocolError> {
    // They need not lie side by side: 1.0.0 stands between 1.0.0-rc and 1.0.1-rc.
    let twins = sources.iter().enumerate().find_map(|(index, other)| {
        Some((sources[..index].iter().find(|one| one.version.same_schema(&other.version))?, other))
    });
    let Some((one, other)) = twins else { return Ok(()) };
    let what = format!(
        "two folders of one version: labels do not count the patch number, so callers of {} (in {}) and of {} are the same",
        one.version,
        one.origin.display(),
        other.version
    );
    Err(Fault::new(&other.origin, what, "keep one of the two; a patch release changes no schema").into())
}

fn schema_of(source: &Source) -> Result<Schema, ProtocolError> {
    let fault = |what: String, advice: &str| ProtocolError::from(Fault::new(&source.origin, what, advice));
    let not_a_set = "put in a google.protobuf.FileDescriptorSet with imports (protoc --include_imports, buf build)";
    let files = prost_types::FileDescriptorSet::decode(source.descriptor_set.clone())
        .map_err(|error| fault(format!("is not a descriptor set: {error}"), not_a_set))?;
    // A descriptor pool panics on editions, so they are turned away before it sees them.
    if let Some(file) = files.file.iter().find(|file| file.syntax() == "editions") {
        let what = format!("`{}` is written in an edition, which is not supported yet", file.name());
        return Err(fault(what, "write it in proto3 or proto2"));
    }
    // Of any other syntax it panics as well, while it puts its error together.
    if let Some(file) = files.file.iter().find(|file| !["", "proto2", "proto3"].contains(&file.syntax())) {
        let what = format!("`{}` says that its syntax is {:?}, which nobody knows", file.name(), file.syntax());
        return Err(fault(what, not_a_set));
    }
    // Of imports in a circle it makes no panic but an overflow of the stack, which ends the program.
    imports::check(&files).and_then(|()| entries::check(&files)).map_err(|what| fault(what, not_a_set))?;
    // Whatever else it may panic on, the set is at fault and not the program.
    let decode = || DescriptorPool::decode(source.descriptor_set.clone());
    let pool = std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode))
        .map_err(|_| fault("its descriptors cannot be read".to_owned(), not_a_set))?
        .map_err(|error| fault(format!("its descriptors contradict each other: {error}"), not_a_set))?;
    Ok(Schema::new(source.version.clone(), pool, source.descriptor_set.clone()))
}
