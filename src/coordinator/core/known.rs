//! The versions that a node knows.

use crate::version::Version;

/// The versions that a node knows, oldest first, each with whether it has that from a bundle. A list: there are few of them, many nodes
/// know the same, and a map would take the room of eleven for each.
#[derive(Default)]
pub(super) struct Known(Vec<(Version, bool)>);

impl Known {
    /// It knows this version. What was said last of it counts.
    pub(super) fn insert(&mut self, version: Version, learned: bool) {
        match self.0.binary_search_by(|(known, _)| known.cmp(&version)) {
            Ok(place) => self.0[place].1 = learned,
            Err(place) => {
                self.0.reserve_exact(1);
                self.0.insert(place, (version, learned));
            }
        }
    }

    pub(super) fn contains(&self, version: &Version) -> bool {
        self.0.binary_search_by(|(known, _)| known.cmp(version)).is_ok()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn versions(&self) -> impl Iterator<Item = &Version> {
        self.0.iter().map(|(version, _)| version)
    }

    /// Those that its program was built with.
    pub(super) fn built(&self) -> impl DoubleEndedIterator<Item = &Version> {
        self.0.iter().filter(|(_, learned)| !learned).map(|(version, _)| version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_known_once_and_in_order_and_what_was_said_last_counts() {
        let version = |text: &str| -> Version { text.parse().unwrap() };
        let mut known = Known::default();
        for (text, learned) in [("2.0.0", true), ("1.0.0", false), ("1.1.0", true), ("1.1.0", false)] {
            known.insert(version(text), learned);
        }
        assert_eq!(known.versions().map(ToString::to_string).collect::<Vec<_>>(), ["1.0.0", "1.1.0", "2.0.0"]);
        assert_eq!(known.built().map(ToString::to_string).collect::<Vec<_>>(), ["1.0.0", "1.1.0"]);
        assert!(known.contains(&version("2.0.0")) && !known.contains(&version("3.0.0")));
        assert_eq!(known.len(), 3);
    }
}
