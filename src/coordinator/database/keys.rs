//! Ranges of keys.

use std::ops::{Bound, RangeBounds};

use bytes::Bytes;

use super::Keys;

impl Keys {
    /// All keys.
    #[must_use]
    pub fn all() -> Self {
        Self { from: Bound::Unbounded, to: Bound::Unbounded }
    }

    /// One key.
    #[must_use]
    pub fn one(key: impl Into<Bytes>) -> Self {
        let key = key.into();
        Self { from: Bound::Included(key.clone()), to: Bound::Included(key) }
    }

    /// The keys that begin so.
    #[must_use]
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        let prefix = prefix.into();
        // The first key behind them: the last byte that can be raised is, and what follows it goes.
        let last = prefix.iter().rposition(|byte| *byte < u8::MAX);
        let to = last.map_or(Bound::Unbounded, |last| {
            let mut behind = prefix[..=last].to_vec();
            behind[last] += 1;
            Bound::Excluded(behind.into())
        });
        Self { from: Bound::Included(prefix), to }
    }

    /// The same, from behind `key` on: the next page.
    #[must_use]
    pub fn after(self, key: impl Into<Bytes>) -> Self {
        Self { from: Bound::Excluded(key.into()), to: self.to }
    }

    /// Whether a key is one of them.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        RangeBounds::<[u8]>::contains(&self.bounds(), key)
    }

    /// Whether there can be no such key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self.bounds() {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
        }
    }

    /// The bounds, as maps and tables take them.
    #[must_use]
    pub fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (self.from.as_ref().map(AsRef::as_ref), self.to.as_ref().map(AsRef::as_ref))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_behind_the_last_key_that_has_it() {
        for (prefix, inside, outside) in [
            (&b"a/"[..], vec![&b"a/"[..], b"a/b", b"a/\xff\xff"], vec![&b"a"[..], b"a0", b"b"]),
            (b"a\xff", vec![b"a\xff", b"a\xff\xff"], vec![b"a", b"a\xfe", b"b"]),
            (b"\xff\xff", vec![b"\xff\xff", b"\xff\xff\xff"], vec![b"\xff", b"\xff\xfe"]),
            (b"", vec![b"", b"a", b"\xff"], vec![]),
        ] {
            let keys = Keys::prefix(prefix);
            for key in inside {
                assert!(keys.contains(key), "{key:?} begins with {prefix:?}");
            }
            for key in outside {
                assert!(!keys.contains(key), "{key:?} does not begin with {prefix:?}");
            }
        }
    }

    #[test]
    fn a_range_that_ends_before_it_begins_is_empty() {
        let range = |from: Bound<&'static str>, to: Bound<&'static str>| Keys {
            from: from.map(Bytes::from),
            to: to.map(Bytes::from),
        };
        for (keys, empty) in [
            (range(Bound::Included("b"), Bound::Included("a")), true),
            (range(Bound::Included("a"), Bound::Included("a")), false),
            (range(Bound::Included("a"), Bound::Excluded("a")), true),
            (range(Bound::Excluded("a"), Bound::Included("a")), true),
            (range(Bound::Excluded("a"), Bound::Excluded("b")), false),
            (Keys::all(), false),
        ] {
            assert_eq!(keys.is_empty(), empty, "{keys:?}");
        }
    }
}
