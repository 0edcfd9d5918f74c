//! The arguments, as data.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::version::Version;

/// Straddle: run several incompatible versions of a protocol at once
#[derive(Debug, Parser)]
#[command(name = "straddle", version, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print a protocol's versions and steps and, for a node, its routes
    Show(ShowArguments),
}

#[derive(Args, Debug)]
pub(super) struct ShowArguments {
    /// The protocol's folder, such as schemas/inventory
    pub(super) folder: PathBuf,
    /// Print the routes of a node that runs this version, too
    #[arg(long, value_name = "VERSION")]
    pub(super) node: Option<Version>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}
