//! All differences between two images, by rule.

use super::{Difference, Image};

/// How to compare.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Packages, messages, enums, services and methods that go by another name in the newer version, as (old, new) full
    /// names: what a step renames is compared with what it became, not reported as gone.
    pub renamed: Vec<(String, String)>,
}

/// All differences, in the order of their places.
#[must_use]
pub fn compare(old: &Image, new: &Image, options: &Options) -> Vec<Difference> {
    let _ = (old, new, options);
    Vec::new()
}
