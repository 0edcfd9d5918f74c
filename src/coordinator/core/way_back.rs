//! Whether an upgrade is at its end before it begins, and whether a way leads back from it.

use super::fleet::{Fleet, Node};
use super::nodes::some_of;
use super::operate::at_target;
use super::upgrade::Running;
use super::{Denied, Reason};
use crate::version::Version;

impl Fleet {
    /// A version that is active needs no upgrade: nodes that are behind it are brought there by themselves, and none goes back.
    pub(super) fn is_to_be_active(&self, to: &Version) -> Result<(), Denied> {
        let Some(active) = self.active.as_ref().filter(|active| to <= active) else { return Ok(()) };
        let name = &self.name;
        let what = if to == active {
            format!("{to} is final at all nodes of {name} already")
        } else {
            format!("{active} is final at all nodes of {name}, and {to} is older")
        };
        let next = self.neighbour(active, false);
        let start = next.map(|next| format!("straddle upgrade start {name} {next}"));
        Err(Denied {
            reason: Reason::NoWay,
            what: format!("{what}: there is nothing to upgrade"),
            advice: start.unwrap_or_else(|| format!("publish the step to a version that is newer than {active}")),
        })
    }

    /// Some node can be taken back from an upgrade, or none has gone: else taking it back would never end.
    pub(super) fn leads_back(&self, running: &Running) -> Result<(), Denied> {
        let gone: Vec<&Node> = self.counted().filter(|node| running.is_there(node)).collect();
        if gone.is_empty() || gone.iter().any(|node| node.moving() || !self.is_bound(node, running)) {
            return Ok(());
        }
        let names: Vec<&str> = gone.iter().map(|node| node.name()).collect();
        let (from, to, number) = (&running.from, &running.to, running.number());
        let all = self.counted().count() == gone.len();
        let advice = if all {
            format!("finish it: straddle upgrade finalize {number}")
        } else {
            format!("keep the others where they are: straddle upgrade pause {number}")
        };
        Err(Denied {
            reason: Reason::TooLate,
            what: format!(
                "no node that runs {to} has a way back to {from}: {} came without one, or gave it up",
                some_of(&names)
            ),
            advice: format!("{advice}; what {to} does badly has to be mended in a newer version"),
        })
    }

    /// A node that goes by permits, and kept no way back to where the upgrade began.
    fn is_bound(&self, node: &Node, running: &Running) -> bool {
        let back = self.canonical(&node.stored.back).filter(|back| *back <= running.from);
        back.is_none() && !node.ways.is_empty()
    }

    /// Nodes at the new version that do not count any more.
    pub(super) fn left_out(&self, running: &Running) -> usize {
        self.nodes.values().filter(|node| node.stored.forgotten && at_target(running, node)).count()
    }
}
