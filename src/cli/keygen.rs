//! `straddle keygen`.

use super::Outcome;
use super::arguments::KeygenArguments;

pub(super) fn run(_arguments: &KeygenArguments) -> Outcome {
    Err("is being built".into())
}
