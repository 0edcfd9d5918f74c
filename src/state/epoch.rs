//! An epoch: the time between two switches, and the folder that holds its state.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::version::Version;

/// An epoch of a node's state, by number and version; its folder is named `0007-2.0.0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Epoch {
    number: u64,
    version: Version,
}

/// Text that names no epoch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no epoch; an epoch is a number of at least four digits, `-` and a version, such as 0007-2.0.0")]
pub struct NoEpoch(String);

impl Epoch {
    pub(super) fn new(number: u64, version: Version) -> Self {
        Self { number, version }
    }

    /// The number; it counts up, and is never used again.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The version that the state is for.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{}", self.number, self.version)
    }
}

impl FromStr for Epoch {
    type Err = NoEpoch;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (number, version) = text.split_once('-')?;
            let epoch = Self { number: number.parse().ok()?, version: version.parse().ok()? };
            // One epoch has one name: no signs, no more zeros than are needed.
            (epoch.to_string() == text).then_some(epoch)
        };
        read().ok_or_else(|| NoEpoch(text.to_owned()))
    }
}

impl TryFrom<String> for Epoch {
    type Error = NoEpoch;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Epoch> for String {
    fn from(epoch: Epoch) -> Self {
        epoch.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_read_as_it_is_written() {
        for name in ["0001-1.0.0", "0007-2.0.0-beta.1", "12345-3.1.4"] {
            assert_eq!(name.parse::<Epoch>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn what_is_written_otherwise_names_no_epoch() {
        for name in ["", "0001", "1-1.0.0", "+0001-1.0.0", "00001-1.0.0", "0001-1.0", "0001-01.0.0", "trash-0001-1.0.0"]
        {
            assert!(name.parse::<Epoch>().is_err(), "{name}");
        }
    }
}
