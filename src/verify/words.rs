//! Texts that mean something to a protocol.

use std::collections::BTreeSet;

use crate::Protocol;

/// The longest text that is taken.
const LONGEST: usize = 30;

/// What stands between quotes in the steps: names of values, constants of conditions, separators.
#[must_use]
pub fn words(protocol: &Protocol) -> Vec<String> {
    let mut words = BTreeSet::new();
    let steps = protocol.sources().iter().filter_map(|source| source.step.as_ref());
    for (_, step) in steps {
        for quote in ['\'', '"'] {
            let pieces = step.lines().flat_map(|line| line.split(quote).skip(1).step_by(2));
            words.extend(pieces.filter(|word| word.len() < LONGEST).map(str::to_owned));
        }
    }
    words.into_iter().collect()
}
