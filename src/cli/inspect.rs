//! `straddle inspect`.

use super::Outcome;
use super::arguments::InspectArguments;

pub(super) fn run(_arguments: &InspectArguments) -> Outcome {
    Err("is being built".into())
}
