//! `straddle verify`.

use super::Outcome;
use super::arguments::VerifyArguments;

pub(super) fn run(_arguments: &VerifyArguments) -> Outcome {
    Err("is being built".into())
}
