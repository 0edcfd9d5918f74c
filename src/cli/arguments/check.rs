//! The arguments of `straddle check`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::tree::Location;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  straddle check
  straddle check schemas/inventory --quiet
  straddle check schemas/inventory --against git:main:schemas/inventory --format github
  straddle check protos --against git:v1.0.0:protos
  straddle check schemas/inventory --format sarif > check.sarif
  straddle check schemas/inventory --update-lock

Exit codes: 0 when nothing was found that fails (see --fail-on; by default: nothing is open, and no
published version changed), 1 when something was, 2 when the arguments are bad or the protos, step.toml,
protocol.toml or straddle.lock cannot be read.")]
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
    /// How to print what was found
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(in crate::cli) format: CheckFormat,
    /// Look only at differences of this category; may be given several times
    #[arg(long = "category", value_name = "CATEGORY", ignore_case = true)]
    pub(in crate::cli) categories: Vec<CategoryName>,
    /// End with 1 from this level on: an error is open or changed after it was published, a warning is
    /// refused or a version number that promises too much, a note is any other difference
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
    /// What is open, and what changed after it was published
    Error,
    /// Errors, refused differences, and numbers that promise too much
    Warning,
    /// Any difference that breaks a rule, and any other finding; additions break none
    Note,
    /// Nothing
    Never,
}
