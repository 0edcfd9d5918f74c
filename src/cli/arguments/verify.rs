//! The arguments of `straddle verify`.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
pub(in crate::cli) struct VerifyArguments {
    /// The protocol's folder, such as schemas/inventory
    pub(in crate::cli) folder: PathBuf,
}
