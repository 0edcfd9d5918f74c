//! What is retired, as the coordinator says it, and as it is told.

use crate::control::v1_0_0 as wire;
use crate::node::{Node, RetiredStatus};
use crate::retiring::Retiring;

/// Does what the coordinator says.
pub(super) async fn retire(node: &Node, told: wire::Retiring) -> Result<(), String> {
    let told = Retiring::try_from(&told).map_err(|error| error.to_string())?;
    node.retire(told).await.map_err(|error| error.to_string())
}

/// What is in force, as reports say it.
pub(in crate::node) fn in_force(status: &RetiredStatus) -> wire::RetiringInForce {
    wire::RetiringInForce {
        retiring: Some((&status.in_force).into()),
        refused: status.refused.clone(),
        swept_up_to: status.swept_up_to.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}
