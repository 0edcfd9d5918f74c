//! The arguments of `straddle add`.

use clap::Args;

use crate::tree::Location;
use crate::version::Version;

#[derive(Args, Debug)]
pub(in crate::cli) struct AddArguments {
    /// The new version, as 2.0.0
    pub(in crate::cli) version: Version,
    /// Where the working protos lie: a folder, or git:REVISION:PATH
    #[arg(long, value_name = "DIR|git:REV:PATH")]
    pub(in crate::cli) from: Location,
}
