//! The arguments of `straddle verify`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use crate::version::Version;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  straddle verify schemas/inventory
  straddle verify schemas/inventory --step 1.1.0..2.0.0 --message Item --messages 10000
  straddle verify schemas/inventory --seed 7 --counterexamples found/ --json > report.json")]
pub(in crate::cli) struct VerifyArguments {
    /// The protocol's folder, such as schemas/inventory
    pub(in crate::cli) folder: PathBuf,
    /// Only between these two versions, both ways, as 1.1.0..2.0.0
    #[arg(long, value_name = "FROM..TO")]
    pub(in crate::cli) step: Option<Between>,
    /// Only this message, as inventory.v1.Item, or just Item
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) message: Option<String>,
    /// How many messages are made for each message type, use and pair of versions
    #[arg(long, value_name = "NUMBER", default_value = "100")]
    pub(in crate::cli) messages: NonZeroUsize,
    /// Make the same messages as another run did, which printed its seed [default: a new one]
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::cli) seed: Option<u64>,
    /// Write each counterexample as JSON into a file of its own in this folder (where it is one, or
    /// its name ends with /), or all of them into this file
    #[arg(long, value_name = "DIR|FILE")]
    pub(in crate::cli) counterexamples: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// Two versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Between {
    pub(in crate::cli) from: Version,
    pub(in crate::cli) to: Version,
}

impl FromStr for Between {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (from, to) =
            text.split_once("..").ok_or("write two versions with two dots between them, as 1.1.0..2.0.0")?;
        let version = |text: &str| text.parse::<Version>().map_err(|error| error.to_string());
        Ok(Self { from: version(from)?, to: version(to)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_versions_stand_on_both_sides_of_two_dots() {
        let between: Between = "1.0.0-rc.1..2.0.0".parse().expect("two versions");
        assert_eq!((between.from.to_string(), between.to.to_string()), ("1.0.0-rc.1".to_owned(), "2.0.0".to_owned()));
        for wrong in ["1.0.0", "1.0.0..", "..1.0.0", "1.0.0.2.0.0", "one..two"] {
            assert!(wrong.parse::<Between>().is_err(), "{wrong}");
        }
    }
}
