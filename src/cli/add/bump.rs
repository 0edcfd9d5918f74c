//! Which number a change needs, and which one it was given.

use std::collections::BTreeSet;
use std::path::Path;

use crate::protocol::{Protocol, ProtocolError, Schema, is_breaking_by_number};
use crate::version::Version;

/// What the protos say, and what the version does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bump {
    /// Whether the protos change more than they add.
    pub(super) breaking: bool,
    /// Whether the number says that they may.
    pub(super) declared_breaking: bool,
}

impl Bump {
    /// Of a version whose protos and step lie in `folder`, after the newest one of `before`.
    pub(super) fn of(before: &Protocol, (version, folder): (&Version, &Path)) -> Result<Self, ProtocolError> {
        let older = before.versions().iter().max_by_key(|schema| schema.version());
        // A protocol has a version.
        let Some(older) = older else { unreachable!("a protocol has a version") };
        // Under a number that says nothing, what is left is what the schemas say.
        let minor: Option<Version> =
            format!("{}.{}.0", older.version().major(), older.version().minor() + 1).parse().ok();
        let silent = minor.filter(|minor| !is_breaking_by_number(older.version(), minor));
        let grown = before.with_version(silent.as_ref().unwrap_or(version), folder)?;
        let (step, newer) = (grown.steps().last(), &grown.versions()[grown.versions().len() - 1]);
        let breaking = silent.is_some() && step.is_some_and(crate::protocol::Step::is_breaking);
        Ok(Self {
            breaking: breaking || !names(older).is_subset(&names(newer)),
            declared_breaking: is_breaking_by_number(older.version(), version),
        })
    }

    /// What a reader should know.
    pub(super) fn told(self, version: &Version) -> String {
        match (self.breaking, self.declared_breaking) {
            (true, true) => format!("the protos change more than they add, and {version} says so"),
            (false, false) => format!("the protos only add, and {version} says so"),
            (true, false) => format!(
                "the protos change more than they add, which {version} does not say: a new {} number would",
                if version.major() == 0 { "minor" } else { "major" }
            ),
            (false, true) => format!("the protos only add; {version} says that they change more"),
        }
    }
}

/// All that a version declares, by full name.
fn names(schema: &Schema) -> BTreeSet<String> {
    let pool = schema.pool();
    let messages = pool.all_messages().map(|one| one.full_name().to_owned());
    let enums = pool.all_enums().map(|one| one.full_name().to_owned());
    let methods = schema.methods().iter().map(|one| one.full_name().to_owned());
    messages.chain(enums).chain(methods).filter(|name| !name.starts_with("google.protobuf.")).collect()
}
