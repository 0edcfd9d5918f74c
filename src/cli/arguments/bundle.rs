//! The arguments of `straddle bundle`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use crate::tree::Location;
use crate::version::Version;

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 when the bundle was written, 1 when the protocol does not load, has open points or
cannot be written, 2 when the arguments are bad.

Examples:
  straddle bundle schemas/inventory -o inventory.bundle
  straddle bundle git:v3.0.0:schemas/inventory -o inventory.bundle
  straddle bundle schemas/inventory --step 2.0.0..3.0.0 -o inventory-3.0.0.bundle --sign release.key"
)]
pub(in crate::cli) struct BundleArguments {
    /// The protocol's folder, such as schemas/inventory, or git:REVISION:PATH for how a release had it
    #[arg(value_name = "DIR|git:REV:PATH")]
    pub(in crate::cli) folder: Location,
    /// Bundle this step alone, between two versions that follow each other
    #[arg(long, value_name = "FROM..TO")]
    pub(in crate::cli) step: Option<StepName>,
    /// The file that is written; one that is there is replaced
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) output: PathBuf,
    /// Sign it with this secret key
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) sign: Option<PathBuf>,
    /// Bundle it although methods are open: calls of them are refused
    #[arg(long)]
    pub(in crate::cli) allow_open: bool,
    /// Say what was written in JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// A step, by its versions.
#[derive(Clone, Debug)]
pub(in crate::cli) struct StepName {
    pub(in crate::cli) from: Version,
    pub(in crate::cli) to: Version,
}

impl FromStr for StepName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, to) = text.split_once("..").ok_or("write FROM..TO, such as 1.1.0..2.0.0")?;
        let version = |text: &str| text.parse().map_err(|error: crate::version::VersionError| error.to_string());
        Ok(Self { from: version(from)?, to: version(to)? })
    }
}
