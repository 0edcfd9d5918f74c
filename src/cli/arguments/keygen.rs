//! The arguments of `straddle keygen`.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
pub(in crate::cli) struct KeygenArguments {
    /// Where the secret key is written; the public one lies beside it, with .pub behind its name
    pub(in crate::cli) file: PathBuf,
}
