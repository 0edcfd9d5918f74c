//! The arguments of `straddle check`.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
pub(in crate::cli) struct CheckArguments {
    /// The protocol's folder, such as schemas/inventory; or with --against a folder of protos
    pub(in crate::cli) folder: Option<PathBuf>,
}
