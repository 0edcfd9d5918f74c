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
    /// Run callers of every version against nodes of every version, with an auditor
    #[command(after_help = "Exit codes: 0 when nothing failed and nothing was wrong, 1 otherwise, 130 after Ctrl-C.")]
    Demo(DemoArguments),
    /// Print a protocol's versions and steps and, for a node, its routes
    Show(ShowArguments),
    /// Run one node of the inventory, the example protocol
    ServeExample(ServeExampleArguments),
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

#[derive(Args, Debug)]
pub(super) struct ServeExampleArguments {
    /// The version that the node runs: 1.1.0, 2.0.0 or 3.0.0
    #[arg(long, default_value = "2.0.0")]
    pub(super) version: Version,
    /// The address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7000")]
    pub(super) listen: String,
    /// The folder of the node's state; without it the state goes away with the node
    #[arg(long, value_name = "DIR")]
    pub(super) state: Option<PathBuf>,
    /// Stop when standard input ends
    #[arg(long, hide = true)]
    pub(super) until_stdin_ends: bool,
}

#[derive(Args, Debug)]
pub(super) struct DemoArguments {
    /// How long the callers call, in seconds
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(super) seconds: u64,
    /// Write the table as JSON, too
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Repeat the choices of a run that printed this seed
    #[arg(long)]
    pub(super) seed: Option<u64>,
}
