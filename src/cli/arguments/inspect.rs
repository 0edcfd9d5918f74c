//! The arguments of `straddle inspect`.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 when the bundle is whole and, with --trust, signed with such a key; 1 when it is not;
2 when the arguments are bad or a file cannot be read."
)]
pub(in crate::cli) struct InspectArguments {
    /// The bundle
    pub(in crate::cli) file: PathBuf,
    /// Demand that it is signed with this public key; with several, with any of them. Its steps are
    /// looked at only then
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) trust: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
