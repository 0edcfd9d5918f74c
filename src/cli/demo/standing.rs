//! What version a node has at a moment, as far as somebody who calls it can know.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The versions that a node may have: one, and two while it moves from one to the other.
#[derive(Debug)]
pub(super) struct Standing(Mutex<Vec<&'static str>>);

/// The versions that a node may have had while a call was under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span(Vec<&'static str>);

impl Standing {
    pub(super) fn at(version: &'static str) -> Self {
        Self(Mutex::new(vec![version]))
    }

    /// A call begins: what comes of it is held against what [`span`](Self::span) makes of this.
    pub(super) fn now(&self) -> Span {
        Span(self.versions().clone())
    }

    /// A call that began at `begun` has ended.
    pub(super) fn span(&self, begun: &Span) -> Span {
        let mut span = begun.clone();
        for version in self.versions().iter() {
            if !span.0.contains(version) {
                span.0.push(version);
            }
        }
        span
    }

    /// From now on the node may be at `version`, too.
    pub(super) fn may_come_to(&self, version: &'static str) {
        let mut versions = self.versions();
        if !versions.contains(&version) {
            versions.push(version);
        }
    }

    /// From now on the node is at `version`.
    pub(super) fn is_at(&self, version: &'static str) {
        *self.versions() = vec![version];
    }

    /// The newest that it may be at.
    pub(super) fn newest(&self) -> &'static str {
        // There is always one.
        self.versions().iter().max().copied().unwrap_or_default()
    }

    fn versions(&self) -> MutexGuard<'_, Vec<&'static str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The version of the node that a caller's last answer came from.
#[derive(Clone, Debug, Default)]
pub(super) struct Met(Arc<Mutex<Option<&'static str>>>);

impl Met {
    /// An answer says that its node runs this version.
    pub(super) fn note(&self, said: &str) {
        let known = ["1.1.0", "2.0.0", "3.0.0"].into_iter().find(|version| *version == said);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// Nothing that could say it has come.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn last(&self) -> Option<&'static str> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Span {
    pub(super) fn has(&self, version: &str) -> bool {
        self.0.contains(&version)
    }

    /// Whether the node was at this version all the time.
    pub(super) fn is(&self, version: &str) -> bool {
        self.0 == [version]
    }

    pub(super) fn versions(&self) -> &[&'static str] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_may_have_met_what_the_node_had_from_its_beginning_to_its_end() {
        let standing = Standing::at("1.1.0");
        let before = standing.now();
        standing.may_come_to("2.0.0");
        let during = standing.now();
        standing.is_at("2.0.0");
        assert!(standing.now().is("2.0.0"));
        for begun in [before, during] {
            let span = standing.span(&begun);
            assert!(span.has("1.1.0") && span.has("2.0.0") && !span.has("3.0.0") && !span.is("2.0.0"), "{span:?}");
        }
    }
}
