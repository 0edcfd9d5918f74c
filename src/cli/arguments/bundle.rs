//! The arguments of `straddle bundle`.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
pub(in crate::cli) struct BundleArguments {
    /// The protocol's folder, such as schemas/inventory
    pub(in crate::cli) folder: PathBuf,
}
