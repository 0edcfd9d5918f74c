//! Where a node is to be, what it is to learn, and whether it may serve until then.

use std::collections::BTreeSet;

use super::fleet::{Bounds, Fleet, Live, Node, Waits};
use super::outbox::Outbox;
use crate::control::v1_0_0 as wire;
use crate::control::v1_0_0::{UpgradeState, Way, to_agent};
use crate::version::Version;

/// The next step of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) from: Version,
    pub(super) to: Version,
    pub(super) back: bool,
    /// It leads to where the upgrade begins, and is not the schedule's to decide.
    pub(super) behind: bool,
}

impl Fleet {
    /// Whether a node may serve at the version that it runs; else why not.
    pub(super) fn may_serve(&self, node: &Node, bounds: Option<&Bounds>) -> Result<(), String> {
        let Some(bounds) = bounds else { return Ok(()) };
        let name = node.name();
        let Some(version) = &node.version else {
            return Err(format!("{name} runs {}, which is no version", node.stored.version));
        };
        if self.index(version).is_none() {
            let what =
                format!("{name} runs {version}, which nobody has published: publish it, or start another program");
            return Err(what);
        }
        if *version < bounds.base {
            return Err(format!(
                "{name} runs {version}, and the others are at {}: it is brought there first",
                bounds.base
            ));
        }
        if *version > bounds.top {
            let back = node.report.back.parse().ok().filter(|back: &Version| back < version);
            return Err(match back {
                Some(_) => format!("{name} runs {version}, and the others are at {}: it goes back first", bounds.top),
                None => format!(
                    "{name} runs {version}, which cannot be taken back any more, and the others are at {}: start an upgrade \
                     to {version}, or a node that runs {}",
                    bounds.top, bounds.top
                ),
            });
        }
        Ok(())
    }

    /// The step that a node is to take next; none when it is where it is to be.
    pub(super) fn next_step(&self, node: &Node, bounds: Option<&Bounds>) -> Option<Step> {
        let (bounds, version) = (bounds?, node.version.as_ref()?);
        let aim = if *version < bounds.base { &bounds.base } else { &bounds.goal };
        let back = match version.cmp(aim) {
            std::cmp::Ordering::Equal => return None,
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => true,
        };
        let to = self.neighbour(version, back)?.clone();
        let behind = *version < bounds.base || *version > bounds.top || self.upgrade.is_none() || {
            // What is not at either side of the step has to come there by itself.
            bounds.base == bounds.top
        };
        Some(Step { from: version.clone(), to, back, behind })
    }

    /// How a node takes a step; else why it cannot.
    pub(super) fn way(node: &Node, step: &Step) -> Result<Way, Waits> {
        let newer = if step.back { &step.from } else { &step.to };
        let named = |way: &Way| *way != Way::Barrier && *way != Way::Unspecified;
        if node.ways.is_empty() {
            let what = format!("{} cannot go from version to version by itself", node.name());
            return Err(Waits::new("way", what, "upgrade it by hand: it counts as soon as it reports its version"));
        }
        if node.runs.contains(&step.to) && node.runs.contains(newer) {
            return Ok(node.ways.iter().copied().find(named).unwrap_or(Way::Soft));
        }
        let replaced = |way: &&Way| **way == Way::Restart;
        node.ways.iter().find(replaced).copied().ok_or_else(|| {
            let runs: Vec<String> = node.runs.iter().map(ToString::to_string).collect();
            let what = format!("the program of {} can run {}, and not {}", node.name(), runs.join(", "), step.to);
            let advice = format!("start it with a program that can run {} and {}", step.from, step.to);
            Waits::new("program", what, advice)
        })
    }

    /// Whether the node's supervisor has no release that can take a step, and why.
    pub(super) fn lacks_release(&self, node: &Node, step: &Step, way: Way) -> Option<Waits> {
        if way != Way::Restart || step.back || self.canonical(&node.report.next).as_ref() == Some(&step.to) {
            return None;
        }
        let name = node.name();
        let what = format!("the supervisor of {name} has no release that can run {} and {}", step.from, step.to);
        Some(match &node.report.unusable {
            Some(why) => Waits::new("program", format!("{what}: {why}"), format!("mend it in {name}'s releases")),
            None => Waits::new("program", what, format!("put one beside {name}'s others: straddle release --help")),
        })
    }

    /// The digests of bundles that somebody lacks who knows these versions, in the order in which they can be learned.
    pub(super) fn lacking<'a>(&self, of: impl IntoIterator<Item = &'a Version>) -> Vec<String> {
        let mut known: BTreeSet<Version> = of.into_iter().cloned().collect();
        let mut lacking = Vec::new();
        while let Some((bundle, versions)) = self
            .bundles
            .iter()
            .find(|(bundle, versions)| !lacking.contains(&bundle.digest) && adjoins(&known, versions))
        {
            lacking.push(bundle.digest.clone());
            known.extend(versions.iter().cloned());
        }
        lacking
    }

    /// What a node is told of where it is to be.
    pub(super) fn goal(&self, node: &Node, bounds: Option<&Bounds>) -> wire::Goal {
        let running = self.upgrade.as_ref();
        let aim = bounds.zip(node.version.as_ref()).map(|(bounds, version)| {
            let aim = if *version < bounds.base { &bounds.base } else { &bounds.goal };
            // A node that is there hears its own name for it: patch numbers do not count.
            if aim == version { node.stored.version.clone() } else { aim.to_string() }
        });
        // A permit to go on is given only after the node has said that it has finalized.
        let final_up_to = bounds.and_then(|bounds| bounds.final_up_to.as_ref());
        let way = self.next_step(node, bounds).and_then(|step| Self::way(node, &step).ok()).unwrap_or_default();
        wire::Goal {
            upgrade: running.map_or(0, super::upgrade::Running::number),
            version: aim.unwrap_or_default(),
            accept_loss: running.is_some_and(|running| running.stored.accept_loss),
            active: self.active.as_ref().map(ToString::to_string).unwrap_or_default(),
            bundles: self.lacking(node.knows.versions()),
            paused: running.is_some_and(|running| running.state() == UpgradeState::Paused),
            way: way.into(),
            final_up_to: final_up_to.map(ToString::to_string).unwrap_or_default(),
            // Where nothing was ever retired nothing is said of it: nodes keep what they have.
            retiring: self.retiring.as_ref().and_then(|stored| stored.retiring.clone()),
        }
    }

    /// Tells a node where it is to be, and whether it may serve, if that is news to it.
    pub(super) fn tell_goal(&mut self, name: &str, bounds: Option<&Bounds>, outbox: &mut Outbox) {
        let Some(node) = self.nodes.get(name).filter(|node| node.live.is_some()) else { return };
        let (goal, may_serve) = (self.goal(node, bounds), self.may_serve(node, bounds).is_ok());
        let Some(node) = self.nodes.get_mut(name) else { return };
        let (admission, heard) = (node.stored.admission, node.heard);
        let Some(live) = &mut node.live else { return };
        if may_serve && !live.serve {
            live.serve = true;
            live.idle = heard.unwrap_or(live.idle);
            outbox.tell(live.session, welcome(live, admission, "", 0, outbox));
        }
        if live.goal.as_ref() != Some(&goal) {
            outbox.tell(live.session, to_agent::Message::Goal(goal.clone()));
            live.goal = Some(goal);
        }
    }

    /// Tells all nodes.
    pub(super) fn tell_goals(&mut self, outbox: &mut Outbox) {
        let bounds = self.bounds();
        let names: Vec<String> =
            self.counted().filter(|node| node.live.is_some()).map(|node| node.name().to_owned()).collect();
        for name in names {
            self.tell_goal(&name, bounds.as_ref(), outbox);
        }
    }
}

/// What an agent is told when it is let in.
pub(super) fn welcome(live: &Live, admission: u64, why: &str, census_after: u64, outbox: &Outbox) -> to_agent::Message {
    to_agent::Message::Welcome(wire::Welcome {
        admission,
        report_every_microseconds: crate::coordinator::micros(outbox.settings.report_every),
        serve: live.serve,
        why: why.to_owned(),
        coordinator: outbox.settings.name.clone(),
        census_after_microseconds: census_after,
    })
}

/// Whether a bundle of these versions brings something new at an end of those that are known.
fn adjoins(known: &BTreeSet<Version>, versions: &[Version]) -> bool {
    let (Some(first), Some(last)) = (known.first(), known.last()) else { return true };
    let beyond = versions.iter().any(|version| version > last) && versions.contains(last);
    // Older versions come by steps alone.
    let before = versions.len() == 2 && versions[1] == *first && !known.contains(&versions[0]);
    beyond || before
}
