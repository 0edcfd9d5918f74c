//! Versions of a protocol, and the labels that name them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use semver::Prerelease;
use serde::{Deserialize, Serialize};

/// A version of a protocol: a semantic version without build metadata (Semantic Versioning 2.0.0).
///
/// Patch releases share one schema, so what tells versions apart is the rest: see [`Version::same_schema`].
///
/// ```
/// use straddle::Version;
///
/// let label: Version = "2.1.7".parse()?;
/// assert!(label.same_schema(&Version::new(2, 1, 0)));
/// assert!(Version::new(1, 9, 0) < "2.0.0-beta.3".parse()?);
/// assert!("2.0".parse::<Version>().is_err());
/// # Ok::<(), straddle::VersionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(semver::Version);

impl Version {
    /// A label comes from outside and goes back in answers and into logs.
    const LONGEST_LABEL: usize = 128;

    /// The version `major.minor.patch`.
    #[must_use]
    pub const fn new(major: u64, minor: u64, patch: u64) -> Self {
        Self(semver::Version::new(major, minor, patch))
    }

    /// The version that a label names, from the bytes of the `straddle-version` metadata. Allocates only for
    /// pre-releases of more than eight bytes.
    ///
    /// # Errors
    /// When the bytes are not a version, or are more than 128.
    pub fn from_label(label: &[u8]) -> Result<Self, VersionError> {
        if label.len() > Self::LONGEST_LABEL {
            let why = format!("a label has at most {} bytes", Self::LONGEST_LABEL);
            return Err(VersionError::new(&String::from_utf8_lossy(label), why));
        }
        match std::str::from_utf8(label) {
            Ok(text) => text.parse(),
            Err(_) => Err(VersionError::new(&String::from_utf8_lossy(label), "it is not text".to_owned())),
        }
    }

    /// Whether both name the same schema: equal but for the patch number, which labels do not count.
    #[must_use]
    pub fn same_schema(&self, other: &Self) -> bool {
        (self.0.major, self.0.minor) == (other.0.major, other.0.minor) && self.0.pre == other.0.pre
    }

    /// The major number.
    #[must_use]
    pub fn major(&self) -> u64 {
        self.0.major
    }

    /// The minor number.
    #[must_use]
    pub fn minor(&self) -> u64 {
        self.0.minor
    }

    /// The patch number.
    #[must_use]
    pub fn patch(&self) -> u64 {
        self.0.patch
    }

    /// Whether this is a pre-release, such as `2.0.0-beta.3`.
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        self.0.pre != Prerelease::EMPTY
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let version = semver::Version::parse(text).map_err(|error| VersionError::new(text, error.to_string()))?;
        if version.build.is_empty() {
            Ok(Self(version))
        } else {
            Err(VersionError::new(text, "build metadata names no schema".to_owned()))
        }
    }
}

impl TryFrom<String> for Version {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, VersionError> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

// Versions are compared for each node of a fleet, over and over: numbers first, and here, where they are inlined.
impl Ord for Version {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = |version: &semver::Version| (version.major, version.minor, version.patch);
        numbers(&self.0).cmp(&numbers(&other.0)).then_with(|| self.0.pre.cmp(&other.0.pre))
    }
}

impl PartialOrd for Version {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A text that is not a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a version such as 2.1.0 or 2.0.0-beta.3: {why}")]
pub struct VersionError {
    text: String,
    why: String,
}

impl VersionError {
    /// A label comes from outside: an error repeats no more than this many characters of it.
    const SHOWN: usize = 64;

    fn new(text: &str, why: String) -> Self {
        Self { text: text.chars().take(Self::SHOWN).collect(), why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_order_as_semver_says() {
        let ordered = ["0.9.9", "1.0.0-alpha", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.0.1", "1.10.0"];
        let parsed: Vec<Version> = ordered.iter().map(|text| text.parse().unwrap()).collect();
        assert!(parsed.is_sorted());
    }

    #[test]
    fn patch_is_ignored_and_pre_release_is_not() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(version("1.2.3").same_schema(&version("1.2.0")));
        assert!(!version("1.2.0-rc.1").same_schema(&version("1.2.0")));
        assert!(!version("1.2.0").same_schema(&version("1.3.0")));
    }

    #[test]
    fn what_is_not_a_version_is_told_so() {
        for text in ["", "2", "v2.0.0", "2.0.0+build", "02.0.0", " 2.0.0", "2.0.0\n"] {
            assert!(text.parse::<Version>().is_err(), "{text:?}");
        }
        assert!(Version::from_label(b"\xff\xfe").is_err());
        let long = "9".repeat(10_000);
        assert!(long.parse::<Version>().unwrap_err().to_string().len() < 300);
        let label = format!("1.0.0-{long}a");
        assert!(Version::from_label(label.as_bytes()).unwrap_err().to_string().len() < 300);
        assert!(Version::from_label("1.0.0-ü".as_bytes()).is_err());
    }
}
