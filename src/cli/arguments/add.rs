//! The arguments of `straddle add`.

use std::path::PathBuf;

use clap::Args;

use crate::tree::Location;
use crate::version::Version;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  straddle add 1.0.0 --from protos --name shop
  straddle add 2.0.0 --from protos
  straddle add 1.4.0 --from git:v1.4.0:protos --protocol schemas/shop --dry-run

What cannot be inferred is left open in the draft: for each name under `undecided`, write what becomes of it,
and take the name out of the list. straddle.lock records the versions before as published: their protos, and their
steps once nothing in them is open.

Exit codes: 0 when the version was added, 1 when the protos do not compile or something else failed, 2 when the
arguments are bad: a version that is there, or older than the newest one, or protos that did not change.")]
pub(in crate::cli) struct AddArguments {
    /// The new version, as 2.0.0
    pub(in crate::cli) version: Version,
    /// Where the working protos lie: a folder, or git:REVISION:PATH; it is their only import root
    #[arg(long, value_name = "DIR|git:REV:PATH")]
    pub(in crate::cli) from: Location,
    /// The protocol's folder [default: the current folder, or the only one below schemas, that has a protocol.toml]
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) protocol: Option<PathBuf>,
    /// The name of a protocol that is made anew, in schemas/NAME unless --protocol says where
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) name: Option<String>,
    /// Write nothing, and print the step.toml that would be written
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
