//! What can be wrong with a bundle.

use crate::protocol::ProtocolError;

/// Why a bundle cannot be read, trusted or used. Says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{what}\n  help: {advice}")]
pub struct BundleError {
    kind: Kind,
    what: String,
    advice: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    NoBundle,
    Damaged,
    Newer,
    Beyond,
    Untrusted,
    Contradiction,
    Invalid,
    Key,
}

impl BundleError {
    /// Whether the bytes are something else altogether.
    #[must_use]
    pub fn is_no_bundle(&self) -> bool {
        self.kind == Kind::NoBundle
    }

    /// Whether the bytes are not those that were written: cut off, or changed on their way. Another copy may be whole.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.kind == Kind::Damaged
    }

    /// Whether a newer program can read what this one cannot.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        self.kind == Kind::Newer
    }

    /// Whether a [limit](super#limits) was met.
    #[must_use]
    pub fn is_beyond_limits(&self) -> bool {
        self.kind == Kind::Beyond
    }

    /// Whether the bundle is whole, but nobody whom the reader trusts has signed it.
    #[must_use]
    pub fn is_untrusted(&self) -> bool {
        self.kind == Kind::Untrusted
    }

    /// Whether the bundle is good in itself, and does not fit the protocol that it was to be added to.
    #[must_use]
    pub fn is_contradiction(&self) -> bool {
        self.kind == Kind::Contradiction
    }

    /// Whether the bundle is as it was written, but what it says is no step and no protocol: its writer is at fault.
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        self.kind == Kind::Invalid
    }

    /// Whether it is about a key rather than a bundle.
    #[must_use]
    pub fn is_about_a_key(&self) -> bool {
        self.kind == Kind::Key
    }

    fn new(kind: Kind, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { kind, what: what.into(), advice: advice.into() }
    }

    pub(super) fn no_bundle() -> Self {
        Self::new(Kind::NoBundle, "this is no bundle", "name a file that `straddle bundle` wrote")
    }

    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::new(
            Kind::Damaged,
            format!("the bundle is damaged: {}", what.into()),
            "fetch it once more from its source",
        )
    }

    pub(super) fn newer(what: impl Into<String>) -> Self {
        let advice = "read it with a newer Straddle, or write it with one that is as old as its readers";
        Self::new(Kind::Newer, what, advice)
    }

    pub(super) fn beyond(what: impl Into<String>) -> Self {
        Self::new(
            Kind::Beyond,
            what,
            "leave comments and unused files out of its descriptor sets, or bundle single steps",
        )
    }

    pub(super) fn untrusted(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(Kind::Untrusted, what, advice)
    }

    pub(super) fn contradiction(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(Kind::Contradiction, what, advice)
    }

    pub(super) fn invalid(what: impl Into<String>) -> Self {
        let what = format!("the bundle was not written rightly: {}", what.into());
        Self::new(Kind::Invalid, what, "write it anew with `straddle bundle`")
    }

    pub(super) fn unrelated(protocol: &str, error: &ProtocolError) -> Self {
        let what = format!("the bundle of {protocol} holds what is no protocol:\n{error}");
        Self::new(Kind::Invalid, what, "correct it in the protocol's folder, and write the bundle anew")
    }

    pub(super) fn key(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(Kind::Key, what, advice)
    }
}
