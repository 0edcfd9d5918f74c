//! `straddle add`.

use super::Outcome;
use super::arguments::AddArguments;

pub(super) fn run(_arguments: &AddArguments) -> Outcome {
    Err("is being built".into())
}
