//! `straddle bundle`.

use super::Outcome;
use super::arguments::BundleArguments;

pub(super) fn run(_arguments: &BundleArguments) -> Outcome {
    Err("is being built".into())
}
