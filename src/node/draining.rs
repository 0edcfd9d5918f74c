//! A node that is taken out of service: callers that look go elsewhere, whoever calls all the same is answered.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{interval, sleep};

use super::front::Fronts;
use super::life::NodeStatus;
use crate::dispatch::Gate;

/// How often whoever watches is told how many calls are left.
const TICK: Duration = Duration::from_millis(100);

/// Sends callers elsewhere, streams that can be resumed first of all.
pub(super) fn drain(gate: &Gate, fronts: &Fronts) {
    gate.set_awaited(true);
    // Whoever goes on elsewhere with a stream should not find this node in service.
    fronts.set_drained(true);
    gate.drain_streams();
}

/// Calls callers back.
pub(super) fn resume(gate: &Gate, fronts: &Fronts) {
    fronts.set_drained(false);
    gate.set_awaited(false);
}

/// Waits until nobody is inside, the time is over, or the node is back in service: how many calls are left.
pub(super) async fn emptied(
    gate: &Gate,
    mut status: watch::Receiver<NodeStatus>,
    wait: Duration,
    tell: impl Fn(),
) -> usize {
    let back = async {
        // Whoever tells of it is this node itself, which is there.
        let _ = status.wait_for(|status| !status.drained).await;
    };
    let ticking = async {
        let mut tick = interval(TICK);
        loop {
            tick.tick().await;
            tell();
        }
    };
    tokio::select! {
        biased;
        () = gate.is_empty() => 0,
        () = back => gate.inside(),
        () = sleep(wait) => gate.inside(),
        () = ticking => 0,
    }
}
