//! Two programs under one name.
//!
//! Who is there stays: another program (another `instance`) is admitted once the one before has ended its stream, or is not heard any
//! more. So one that is started again is admitted as soon as its predecessor is gone, and one that has the name by mistake neither
//! serves nor moves, and takes no permit over.

use super::fleet::{Fleet, Node};
use super::outbox::Outbox;
use super::{Now, reports};
use crate::control::v1_0_0 as wire;
use crate::coordinator::micros;

/// How long two programs may be there at once without anybody hearing of it: the stream of one that has ended takes a moment to
/// end. Microseconds.
const SETTLES: u64 = 1_000_000;
/// It is over when the other one has not come for so long. Agents come again after eight seconds at most.
const OVER: u64 = 30_000_000;

/// Another program that comes under a node's name, as often as it is refused.
pub(super) struct Contest {
    instance: String,
    address: String,
    since: u64,
    last: u64,
    told: bool,
}

impl Contest {
    fn goes_on(&self, now: u64) -> bool {
        now.saturating_sub(self.last) <= OVER
    }
}

impl Fleet {
    /// Why a program cannot have the name that it says: another one has it.
    pub(super) fn taken(&mut self, hello: &wire::Hello, now: Now, outbox: &mut Outbox) -> Option<String> {
        let away_after = micros(outbox.settings.away_after);
        let node = self.nodes.get_mut(&hello.node)?;
        let attends = node.live.as_ref().map_or("", |live| live.instance.as_str());
        let other = !attends.is_empty() && !hello.instance.is_empty() && attends != hello.instance;
        if !other || !node.connected(now.monotonic, away_after) {
            return None;
        }
        let ago = reports::told(now.monotonic.saturating_sub(node.heard.unwrap_or(now.monotonic)));
        let (name, at) = (&hello.node, &node.stored.address);
        let what = format!("{name} attends already, from {at}, and was heard {ago} ago: one name is for one node");
        let contest = node.contest.take().filter(|contest| contest.goes_on(now.monotonic));
        let (since, told) = contest.map_or((now.monotonic, false), |contest| (contest.since, contest.told));
        let (instance, address, last) = (hello.instance.clone(), hello.address.clone(), now.monotonic);
        let mut contest = Contest { instance, address, since, last, told };
        let news = !contest.told && now.monotonic.saturating_sub(contest.since) >= SETTLES;
        contest.told |= news;
        node.contest = Some(contest);
        if news {
            let why = node.contested(now.monotonic).unwrap_or_default();
            let what = format!("another program wants to attend as {name}, and is not admitted");
            self.tell_event(outbox, now, "name-contested", &hello.node, &what, &why);
        }
        Some(what)
    }
}

impl Node {
    /// A program is admitted: whoever wanted that has nobody to contest with.
    pub(super) fn won(&mut self, instance: &str) {
        self.contest = self.contest.take().filter(|contest| contest.instance != instance);
    }

    /// That another program comes under the node's name, as long as it does.
    pub(super) fn contested(&self, now: u64) -> Option<String> {
        let contest = self.contest.as_ref().filter(|contest| contest.told && contest.goes_on(now))?;
        let (name, at) = (self.name(), &self.stored.address);
        Some(format!(
            "{name} attends from {at}; another program comes from {} under the same name, and is not admitted: end it, or give \
             it a name of its own",
            contest.address
        ))
    }
}
