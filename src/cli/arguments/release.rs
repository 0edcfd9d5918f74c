//! The arguments of `straddle release`.

use std::path::PathBuf;

use clap::Args;

use crate::version::Version;

#[derive(Args, Debug)]
#[command(
    after_help = "`straddle supervise` starts a release only when the program is the very file whose digest the manifest \
tells, and only for a version that the manifest lists.

Exit codes: 0 when it was written, 1 when it could not be, 2 when the arguments are bad.

Examples:
  straddle release releases/2.0.0 --program server --runs 1.1.0,2.0.0 --protocol inventory"
)]
pub(in crate::cli) struct ReleaseArguments {
    /// The release's folder, whose name is its version, as releases/2.0.0
    pub(in crate::cli) folder: PathBuf,
    /// The program's file, from the release's folder on
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) program: String,
    /// The versions of the protocol that the program can run as current
    #[arg(long, value_name = "VERSION", value_delimiter = ',', required = true)]
    pub(in crate::cli) runs: Vec<Version>,
    /// The protocol's name
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) protocol: Option<String>,
    /// Replace the manifest that is there
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// Print what was written as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
