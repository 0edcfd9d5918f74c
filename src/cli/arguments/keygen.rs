//! The arguments of `straddle keygen`.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
#[command(
    after_help = "The keys are of Ed25519, as OpenSSL reads and writes them: PKCS#8 and SubjectPublicKeyInfo in PEM.
Keep the secret one where only your releases are made; nodes and reviewers get the public one.

Exit codes: 0 when both were written, 1 when they could not be or are there already."
)]
pub(in crate::cli) struct KeygenArguments {
    /// Where the secret key is written, for its owner's eyes alone; the public one lies beside it, with
    /// .pub behind its name
    pub(in crate::cli) file: PathBuf,
    /// Replace keys that are there: what they signed stays verifiable with their public key only
    #[arg(long)]
    pub(in crate::cli) force: bool,
}
