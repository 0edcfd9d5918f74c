//! `straddle check`.

use super::Outcome;
use super::arguments::CheckArguments;

pub(super) fn run(_arguments: &CheckArguments) -> Outcome {
    Err("is being built".into())
}
