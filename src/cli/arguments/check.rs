//! The arguments of `straddle check`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::CoordinatorAddress;
use crate::cli::duration;
use crate::tree::Location;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  straddle check
  straddle check schemas/inventory --quiet
  straddle check schemas/inventory --against git:main:schemas/inventory --format github
  straddle check protos --against git:v1.0.0:protos
  straddle check schemas/inventory --format sarif > check.sarif
  straddle check schemas/inventory --update-lock
  straddle check schemas/inventory --against-fleet 127.0.0.1:7300

Exit codes: 0 when nothing was found that fails (see --fail-on; by default: nothing is open, no published
version changed, and nothing that a fleet calls is refused), 1 when something was, 2 when the arguments are bad,
the protos, step.toml, protocol.toml or straddle.lock cannot be read, or the coordinator cannot be asked.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(in crate::cli) struct CheckArguments {
    /// The protocol's folder, such as schemas/inventory; or with --against a folder of protos
    ///
    /// Left out, it is the only protocol of the current folder or of its folder schemas.
    pub(in crate::cli) folder: Option<PathBuf>,
    /// Check what changed since this: another state of the protocol, a protocol whose newest version the
    /// working protos are compared with, or a plain folder of protos
    #[arg(long, value_name = "DIR|git:REV:PATH")]
    pub(in crate::cli) against: Option<Location>,
    /// Hold the newest version against what really runs and is really called: ask the coordinator at this address, as
    /// 127.0.0.1:7300, for its nodes' versions and for its census
    ///
    /// A call that is made, and that the newest version would refuse, is an error; one that can lose something there, a warning.
    /// Of refusals that nobody is known to run into it tells since when calls are counted, and what is not known of them.
    #[arg(long, value_name = "URL", conflicts_with = "list_rules")]
    pub(in crate::cli) against_fleet: Option<String>,
    /// With --against-fleet: count a method as called when its last call was within this time
    #[arg(long, value_name = "DURATION", default_value = "30d", requires = "against_fleet", value_parser = duration::parse)]
    pub(in crate::cli) calls_within: Duration,
    /// With --against-fleet: wait this long for a coordinator that cannot be reached
    #[arg(long, value_name = "DURATION", default_value = "2s", requires = "against_fleet", value_parser = duration::parse)]
    pub(in crate::cli) wait: Duration,
    /// How to print what was found
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(in crate::cli) format: CheckFormat,
    /// Look only at differences of this category; may be given several times
    #[arg(long = "category", value_name = "CATEGORY", ignore_case = true)]
    pub(in crate::cli) categories: Vec<CategoryName>,
    /// End with 1 from this level on: an error is open, changed after it was published, or called in a fleet and
    /// refused; a warning is refused, or a version number that promises too much, or something that a fleet's callers may
    /// miss; a note is any other difference
    #[arg(long, value_name = "LEVEL", default_value = "error")]
    pub(in crate::cli) fail_on: FailOn,
    /// Print only what fails and the last lines of each step; for text
    #[arg(long, short, conflicts_with = "all")]
    pub(in crate::cli) quiet: bool,
    /// Print what was added, too, a line for each message; for text (JSON always has it)
    #[arg(long)]
    pub(in crate::cli) all: bool,
    /// Record all versions in straddle.lock as they are now, as published, before checking
    #[arg(long, conflicts_with = "against")]
    pub(in crate::cli) update_lock: bool,
    /// Print all rules, with what each checks (as JSON with --format json)
    #[arg(long, conflicts_with_all = ["folder", "against", "update_lock"])]
    pub(in crate::cli) list_rules: bool,
}

impl CheckArguments {
    /// Where the coordinator is whose fleet is asked for.
    pub(in crate::cli) fn coordinator(&self) -> Option<CoordinatorAddress> {
        let coordinator = Some(self.against_fleet.clone()?);
        Some(CoordinatorAddress { coordinator, wait: self.wait, json: false })
    }
}

/// How `straddle check` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum CheckFormat {
    /// For people, grouped by message, the worst first
    Text,
    /// One JSON document
    Json,
    /// Annotations of GitHub Actions
    Github,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// A category, as Buf writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum CategoryName {
    /// Readers of the bytes are broken
    #[value(name = "WIRE")]
    Wire,
    /// Readers of the bytes or of JSON are broken
    #[value(name = "WIRE_JSON")]
    WireJson,
    /// Generated code is broken, by package
    #[value(name = "PACKAGE")]
    Package,
    /// Generated code is broken, by file
    #[value(name = "FILE")]
    File,
    /// What no rule of Buf tells of
    #[value(name = "STRADDLE")]
    Straddle,
}

/// From which level on a check fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum FailOn {
    /// What is open, what changed after it was published, and what a fleet calls and would be refused
    Error,
    /// Errors, refused differences, numbers that promise too much, and what a fleet's callers may miss
    Warning,
    /// Any difference that breaks a rule, and any other finding; additions break none
    Note,
    /// Nothing
    Never,
}
