//! The arguments of `straddle inspect`.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
pub(in crate::cli) struct InspectArguments {
    /// The bundle
    pub(in crate::cli) file: PathBuf,
}
