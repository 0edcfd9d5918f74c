//! Help with texts that people write.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::error::{Fault, ProtocolError};
pub(crate) use crate::nearest::nearest;

/// The line, from 1, of a byte offset.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// Reads a TOML file into its shape; the error says where it departs from it.
pub(super) fn parse_toml<T: DeserializeOwned>(file: &Path, text: &str) -> Result<T, ProtocolError> {
    toml::from_str(text).map_err(|error| {
        let what = error.message().lines().collect::<Vec<_>>().join(" ");
        let advice = if error.span().is_some_and(|span| is_key_of_step(text, span.start)) {
            "this is a key of the step: write it above the first [table], below which it is a key of that table"
        } else if what.starts_with("unknown field") {
            "remove the key, or correct its spelling; a newer Straddle may know it"
        } else {
            "correct the file; the README shows its form under *step.toml*"
        };
        Fault::new(file, what, advice).at_line(error.span().map(|span| line_of(text, span.start))).into()
    })
}

/// Whether the line at this offset begins with a key that belongs to a step as a whole, and stands below a table.
fn is_key_of_step(text: &str, offset: usize) -> bool {
    let line = text.lines().nth(line_of(text, offset) - 1).unwrap_or_default();
    let key = line.split('=').next().unwrap_or_default().trim();
    let below = text.lines().take(line_of(text, offset)).any(|line| line.trim_start().starts_with('['));
    below && ["accept_refused_responses", "from", "undecided"].contains(&key)
}

/// Whether this may be the name of a protocol.
#[cfg(any(feature = "compile", feature = "runtime"))]
pub(crate) fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_from_one() {
        assert_eq!(line_of("a\nb\nc", 0), 1);
        assert_eq!(line_of("a\nb\nc", 4), 3);
    }
}
