//! A round: what time and news have made due. Which nodes go, whether gates hold, and whether an upgrade has come to its end.
//!
//! Rounds follow news at once in small fleets; in large ones so many reports come that they are gathered, so that what rounds
//! cost stays in proportion to what they decide.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::fleet::{Bounds, Fleet, Node, Waits};
use super::goals::Step;
use super::invariants::Guard;
use super::outbox::Outbox;
use super::upgrade::{Running, clock};
use super::{Now, sizes, states};
use crate::control::v1_0_0 as wire;
use crate::control::v1_0_0::{UpgradeState, Way};
use crate::coordinator::micros;
use crate::coordinator::schedule::{self, Decision, Limits};
use crate::coordinator::view::View;
use crate::version::Version;

/// How often gates are looked at, and schedules that nothing wakes, while an upgrade runs, in microseconds.
const LOOK_EVERY: u64 = 1_000_000;
/// Rounds of so many nodes are a millisecond apart; of twice as many, two.
const NODES_A_MILLISECOND: u64 = 50;
/// The most permits of one round. Others follow in the next one, which is due as soon as one may be.
const MOST_PERMITS: usize = 500;
/// The most events of one round that tell why single nodes wait; where more do, one event tells of all.
const MOST_WAITS: usize = 8;

/// A release that was put beside the others is told of within this time, in microseconds: supervisors are asked now and then.
const SEEN_WITHIN: u64 = 10_000_000;
/// The reason of a move that would lose records, as nodes tell it.
const LOSSY: &str = "RECORDS_REFUSED";

/// Why nodes wait that a round has looked at, by their places.
struct Waiting(Vec<Option<Waits>>);

impl Waiting {
    fn of(nodes: usize) -> Self {
        Self(std::iter::repeat_with(|| None).take(nodes).collect())
    }

    /// Those that the schedule keeps wait for this.
    fn scheduled_wait_for(&mut self, instead: &Waits) {
        for waits in self.0.iter_mut().flatten().filter(|waits| waits.rule == "schedule") {
            waits.clone_from(instead);
        }
    }

    fn insert(&mut self, place: usize, waits: Waits) {
        if let Some(place) = self.0.get_mut(place) {
            *place = Some(waits);
        }
    }

    fn of_node(&self, node: &Node) -> Option<&Waits> {
        self.0.get(node.place)?.as_ref()
    }

    fn all(&self) -> impl Iterator<Item = &Waits> {
        self.0.iter().flatten()
    }
}

/// What a node is allowed by a round.
struct Granted {
    node: String,
    place: usize,
    step: Step,
    way: Way,
}

impl Fleet {
    /// When the next round is due, on the monotonic clock.
    pub(super) fn round_due(&self) -> Option<u64> {
        let spread = u64::try_from(self.nodes.len()).unwrap_or(u64::MAX) / NODES_A_MILLISECOND * 1_000;
        let soonest = self.pace.last.map_or(0, |last| last.saturating_add(spread));
        let changed = self.pace.changed.then_some(soonest);
        let due = self.pace.due.map(|due| due.max(soonest));
        changed.into_iter().chain(due).min()
    }

    /// Decides anew, on everything.
    pub(super) fn round(&mut self, others: &Others, now: Now, outbox: &mut Outbox) {
        self.pace = super::fleet::Pace { changed: false, last: Some(now.monotonic), due: None };
        self.barrier(now, outbox);
        self.ends(now, outbox);
        let bounds = self.bounds();
        let mut waits = Waiting::of(self.nodes.len());
        let mut retry = None;
        for (place, node) in self.nodes.values_mut().enumerate() {
            node.place = place;
            if !node.stored.forgotten {
                let later = [node.retry, node.again.at].into_iter().filter(|later| *later > now.monotonic);
                retry = later.chain(retry).min();
            }
        }
        let mut granted = Vec::new();
        let limits = self.upgrade.as_ref().map_or_else(Limits::default, |running| running.scheduling.limits.clone());
        let mut guard = Guard::new(self, &limits, now, &outbox.settings);
        let away_after = micros(outbox.settings.away_after);
        if self.bring_on(bounds.as_ref(), &mut guard, &mut granted, &mut waits, now, away_after) {
            self.pace.changed = true;
        } else {
            self.scheduled(others, bounds.as_ref(), &mut guard, &mut granted, &mut waits, now, outbox);
        }
        self.pace.due = self.pace.due.into_iter().chain(retry).min();
        self.tell_waits(waits, &granted, now, outbox);
        let together: Vec<String> =
            granted.iter().filter(|one| one.way == Way::Barrier).map(|one| one.node.clone()).collect();
        for one in granted {
            self.permit(&one.node, &one.step, one.way, now, outbox);
        }
        self.begin_barrier(&together, outbox);
    }

    /// Whether all nodes are where they are to be.
    fn ends(&mut self, now: Now, outbox: &mut Outbox) {
        let Some(running) = &self.upgrade else { return };
        let there = |node: &Node| running.is_there(node) && node.permit.is_none() && !node.reports_move();
        let (event, all) = match running.state() {
            UpgradeState::Running => (states::Event::AllThere, self.counted().all(there)),
            UpgradeState::Complete => (states::Event::Straggler, !self.counted().all(there)),
            UpgradeState::RollingBack => (states::Event::AllBack, self.counted().all(there)),
            UpgradeState::Finalizing => {
                (states::Event::AllFinal, self.counted().all(|node| there(node) && node.stored.back.is_empty()))
            }
            _ => return,
        };
        if all {
            self.change(event, "", "coordinator", now, outbox);
        }
    }

    /// Nodes that are behind where the upgrade begins, or beyond where it leads, are brought there, whatever its schedule says.
    /// Whether there are more of them than one round lets go.
    fn bring_on(
        &self,
        bounds: Option<&Bounds>,
        guard: &mut Guard,
        granted: &mut Vec<Granted>,
        waits: &mut Waiting,
        now: Now,
        away_after: u64,
    ) -> bool {
        let Some(bounds) = bounds else { return false };
        // Nearly all nodes are on the way of the upgrade, and a look at their versions tells.
        let on_the_way = |version: &Version| {
            self.upgrade.is_some() && bounds.base != bounds.top && *version >= bounds.base && *version <= bounds.top
        };
        for node in self.counted().filter(|node| !node.version.as_ref().is_some_and(on_the_way)) {
            let bounds = Some(bounds);
            let Some(step) = self.next_step(node, bounds).filter(|step| step.behind && !node.moving()) else {
                continue;
            };
            let ready = self.ready(node, &step, now, away_after);
            let decided = ready.and_then(|way| guard.keeps(self, node, &step).map_or(Ok(way), Err));
            match decided {
                Ok(_) if granted.len() >= MOST_PERMITS => return true,
                Ok(way) => {
                    guard.goes(self, node, &step);
                    granted.push(Granted { node: node.name().to_owned(), place: node.place, step, way });
                }
                Err(why) => waits.insert(node.place, why),
            }
        }
        false
    }

    /// Those that the schedule is asked about.
    #[allow(clippy::too_many_arguments, reason = "all of them are what one round is about")]
    fn scheduled(
        &mut self,
        others: &Others,
        bounds: Option<&Bounds>,
        guard: &mut Guard,
        granted: &mut Vec<Granted>,
        waits: &mut Waiting,
        now: Now,
        outbox: &mut Outbox,
    ) {
        let Some(running) = &mut self.upgrade else { return };
        let state = running.state();
        if !matches!(state, UpgradeState::Running | UpgradeState::RollingBack | UpgradeState::Paused) {
            return;
        }
        let settings = outbox.settings.clone();
        let view = running.view(&mut self.nodes, &self.name, others.all(), now, &settings);
        self.pace.due = Some(now.monotonic.saturating_add(LOOK_EVERY));
        let held = self.held(&view, now, outbox);
        let state_now = self.upgrade.as_ref().map(Running::state);
        if state_now != Some(state) {
            // A gate has ended it; the next round goes from there.
            return;
        }
        let paused = state == UpgradeState::Paused;
        let passing = waits.all().any(|one| one.rule == "schedule");
        let mut decided = self.decide(&view, bounds, guard, granted, waits, now, &settings);
        let too_much = |running: &Running| sizes::remembers(&running.stored.marks, &decided.marks).err();
        let too_much = self.upgrade.as_ref().and_then(too_much);
        let rests = too_much.is_some() || !passing && decided.stands() && granted.is_empty();
        let still = held.is_none() && !paused && rests;
        let stands = still && !waits.all().any(Waits::passes) && !self.unsettled(waits, now, &settings);
        if let Some(too_much) = &too_much {
            waits.scheduled_wait_for(too_much);
        }
        let held = held
            .or_else(|| paused.then(|| Waits::new("paused", "the upgrade is paused", "straddle upgrade resume")))
            .or(too_much);
        if let Some(held) = held {
            // What the schedule would have let go waits for the gates, or for an operator.
            for one in decided.granted.drain(..) {
                waits.insert(one.place, held.clone());
            }
            decided.marks.clear();
        } else {
            granted.append(&mut decided.granted);
        }
        self.pace.changed |= decided.more;
        if let Some(until) = decided.until {
            let wait = until.saturating_sub(now.watched).max(1_000);
            let due = now.monotonic.saturating_add(wait);
            self.pace.due = Some(self.pace.due.map_or(due, |before| before.min(due)));
        }
        if let Some(running) = &mut self.upgrade {
            if std::mem::replace(&mut running.stands, stands) != stands {
                outbox.changed(running.number());
            }
            running.keep(view);
            let before = running.stored.marks.clone();
            running.stored.marks.extend(decided.marks);
            if running.stored.marks != before {
                let stored = running.stored.clone();
                outbox.put(crate::coordinator::record::keys::upgrade(stored.number), &stored);
            }
        }
    }

    /// Whether a node moves, or has waited for a program for so short a time that it may just not have been seen: supervisors look
    /// for releases, and nodes tell of them, now and then.
    fn unsettled(&self, waits: &Waiting, now: Now, settings: &super::Settings) -> bool {
        let patience = micros(settings.away_after).max(SEEN_WITHIN);
        let lacks = |node: &Node| waits.of_node(node).is_some_and(|waits| waits.rule == "program");
        let new = |node: &Node| node.lacking.is_none_or(|since| now.monotonic.saturating_sub(since) < patience);
        self.counted().any(|node| node.moving() || (lacks(node) && new(node)))
    }

    /// Asks the schedule about each node.
    #[allow(clippy::too_many_arguments, reason = "all of them are what one round is about")]
    fn decide(
        &self,
        view: &View,
        bounds: Option<&Bounds>,
        guard: &mut Guard,
        granted: &[Granted],
        waits: &mut Waiting,
        now: Now,
        settings: &super::Settings,
    ) -> Decided {
        let mut decided = Decided::default();
        let Some(running) = &self.upgrade else { return decided };
        let away_after = micros(settings.away_after);
        let mut round = running.scheduling.schedule.round(view, clock(now), running.stored.seed);
        let mut together: Vec<Granted> = Vec::new();
        let mut apart: Option<Arc<str>> = None;
        // Most nodes wait for what the one before waits for.
        let mut last: Option<Waits> = None;
        let nodes = self.in_view(view);
        for at in schedule::order(&*round, view) {
            let seen = &view.nodes[at];
            if view.is_there(seen) || seen.moving {
                continue;
            }
            let Some(node) = nodes[at] else { continue };
            let Some(step) = self.next_step(node, bounds).filter(|step| !step.behind) else { continue };
            let answer = round.decide(at, seen);
            let ready = self.ready(node, &step, now, away_after);
            let way = match (&answer, ready) {
                // What is wrong with the node itself is what helps to know.
                (Decision::Go | Decision::Wait { .. }, Err(why)) => {
                    decided.passing |= why.rule == "schedule";
                    waits.insert(node.place, why);
                    continue;
                }
                (Decision::GoTogether, Err(why)) => {
                    decided.passing |= why.rule == "schedule";
                    apart.get_or_insert_with(|| why.what.clone());
                    waits.insert(node.place, why);
                    continue;
                }
                (_, Ok(way)) => way,
            };
            match answer {
                Decision::Wait { why, until } => {
                    decided.until = [decided.until, until].into_iter().flatten().min();
                    let same = last.take().filter(|last| Arc::ptr_eq(&last.what, &why));
                    let scheduled = same.unwrap_or_else(|| Waits::new("schedule", why, ""));
                    last = Some(scheduled.clone());
                    waits.insert(node.place, scheduled);
                }
                Decision::Go if decided.granted.len() + granted.len() >= MOST_PERMITS => {
                    decided.more = true;
                    break;
                }
                Decision::Go | Decision::GoTogether => {
                    let together_with = answer == Decision::GoTogether;
                    if let Some(why) = guard.keeps(self, node, &step) {
                        if together_with {
                            apart.get_or_insert_with(|| why.what.clone());
                        }
                        waits.insert(node.place, why);
                        continue;
                    }
                    guard.goes(self, node, &step);
                    round.goes(at, seen);
                    let one = Granted { node: seen.name.clone(), place: node.place, step, way };
                    if together_with {
                        together.push(Granted { way: Way::Barrier, ..one });
                    } else {
                        decided.granted.push(one);
                    }
                }
            }
        }
        let barrier = |node: &str| self.nodes.get(node).is_some_and(|node| node.ways.contains(&Way::Barrier));
        if let Some(one) = together.iter().find(|one| !barrier(&one.node)) {
            apart.get_or_insert_with(|| format!("{} cannot prepare for a word", one.node).into());
        }
        if let Some(apart) = apart {
            for one in together {
                let what = format!("all go together, and one cannot: {apart}");
                waits.insert(one.place, Waits::new("schedule", what, "see to the one that cannot"));
            }
        } else {
            decided.granted.append(&mut together);
        }
        decided.marks = round.marks();
        decided
    }

    /// The nodes in their places in the view.
    fn in_view(&self, view: &View) -> Vec<Option<&Node>> {
        let mut nodes = vec![None; view.nodes.len()];
        for node in self.counted().filter(|node| node.version.is_some()) {
            if let Some(place) = nodes.get_mut(node.at) {
                *place = Some(node);
            }
        }
        nodes
    }

    /// Whether a node means this version by its name: patch numbers do not count.
    fn names(&self, text: &str, version: &Version) -> bool {
        text.parse().is_ok_and(|named: Version| named == *version) || self.canonical(text).as_ref() == Some(version)
    }

    /// Whether a node itself is ready for a step: its way there, else why not.
    fn ready(&self, node: &Node, step: &Step, now: Now, away_after: u64) -> Result<Way, Waits> {
        let name = node.name();
        if !node.connected(now.monotonic, away_after) {
            let advice = format!("start it again; if it is gone for good: {}", node.forget());
            return Err(Waits::new("away", format!("{name} is not heard"), advice));
        }
        if let Some(stuck) = &node.report.stuck {
            return Err(Waits::new(
                "failed",
                format!("{name} answers nobody: {stuck}"),
                format!("start the program of {name} again"),
            ));
        }
        let upgrade = self.upgrade.as_ref().map_or(0, Running::number);
        if let Some(failure) = &node.stored.failure
            && node.stored.failed_in == upgrade
            && !self.upgrade.as_ref().is_some_and(|running| running.stored.let_go.iter().any(|one| one == name))
        {
            let what = format!("{name} could not go from {} to {}: {failure}", step.from, step.to);
            if !step.behind {
                return Err(Waits::new("failed", what, after_failure(node, step, upgrade)));
            }
            // There may be no upgrade to resume, and nobody else waits for it.
            if now.monotonic < node.again.at {
                let advice = format!("see to it: it is tried again by itself; or {}", node.forget());
                return Err(Waits::new("failed", what, advice));
            }
        }
        let way = Self::way(node, step)?;
        if let Some(held) = &node.report.held {
            return Err(Waits::new("held", format!("{name} says not now: {held}"), ""));
        }
        if !step.back && !node.report.back.is_empty() {
            return Err(Waits::new("order", format!("{name} gives up its way back to {} first", node.report.back), ""));
        }
        if step.back && self.canonical(&node.report.back).as_ref() != Some(&step.to) {
            let what = format!("{name} cannot be taken back from {} to {}: it was finalized", step.from, step.to);
            return Err(Waits::new(
                "way",
                what,
                format!("the others go back without it. To end with them, leave it out: {}", node.forget()),
            ));
        }
        if now.monotonic < node.retry {
            return Err(Waits::new("schedule", format!("{name} is asked again in a moment"), ""));
        }
        let asks = node.live.as_ref().and_then(|live| live.request.as_ref());
        let same = asks.is_some_and(|request| {
            request.upgrade == upgrade && self.names(&request.from, &step.from) && self.names(&request.to, &step.to)
        });
        if same {
            return Ok(way);
        }
        if let Some(lacks) = self.lacks_release(node, step, way) {
            return Err(lacks);
        }
        let why = node.report.unlearned.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let knows = node.knows.contains(&step.to);
        let what = if knows && node.report.phase() == wire::Phase::Learned {
            format!("{name} gets ready for {}: it copies what it can while it serves, and asks then", step.to)
        } else if knows {
            format!("{name} has not asked to go to {} yet", step.to)
        } else {
            format!("{name} has not learned {} yet{why}", step.to)
        };
        let advice = if why.is_empty() { "" } else { "see to it: the node tries again by itself, less and less often" };
        Err(Waits::new(if knows { "schedule" } else { "learning" }, what, advice))
    }

    /// Keeps why nodes wait, and tells what is new of it.
    fn tell_waits(&mut self, waits: Waiting, granted: &[Granted], now: Now, outbox: &mut Outbox) {
        let goes: BTreeSet<&str> = granted.iter().map(|one| one.node.as_str()).collect();
        let mut news: BTreeMap<(&'static str, Arc<str>), Vec<String>> = BTreeMap::new();
        let mut changed = false;
        for ((name, node), wait) in self.nodes.iter_mut().zip(waits.0) {
            let wait = wait.filter(|_| !goes.contains(name.as_str()) && !node.stored.forgotten);
            let lacks = wait.as_ref().is_some_and(|wait| wait.rule == "program");
            node.lacking = if lacks { node.lacking.or(Some(now.monotonic)) } else { None };
            if node.waits != wait {
                changed = true;
                // The words of one reason may change all the time, as numbers do.
                if let Some(wait) = &wait
                    && node.waits.as_ref().is_none_or(|before| before.rule != wait.rule)
                {
                    news.entry((wait.rule, wait.what.clone())).or_default().push(name.clone());
                }
                node.waits = wait;
            }
        }
        if let (true, Some(running)) = (changed, &self.upgrade) {
            outbox.changed(running.number());
        }
        // What passes by itself within moments is not worth an event.
        let lasting = |rule: &str, what: &str| rule != "schedule" || !what.contains("asked");
        for ((rule, what), nodes) in news.into_iter().filter(|((rule, what), _)| lasting(rule, what)).take(MOST_WAITS) {
            match nodes.as_slice() {
                [node] => self.tell_event(outbox, now, "waits", node, &format!("{node} waits ({rule})"), &what),
                nodes => {
                    self.tell_event(outbox, now, "waits", "", &format!("{} nodes wait ({rule})", nodes.len()), &what);
                }
            }
        }
    }
}

/// What to do about a move that has failed.
fn after_failure(node: &Node, step: &Step, upgrade: u64) -> String {
    match (step.back, node.stored.failure_reason.as_str()) {
        (true, LOSSY) => format!(
            "change these records through a caller, then straddle upgrade rollback {upgrade}; or go back without them: \
             straddle upgrade rollback {upgrade} --accept-loss"
        ),
        (true, _) => format!("see to it, then straddle upgrade rollback {upgrade} once more"),
        (false, _) => {
            format!(
                "see to it, then straddle upgrade resume {upgrade}; or take it back: straddle upgrade rollback {upgrade}"
            )
        }
    }
}

/// What a schedule has decided.
#[derive(Default)]
struct Decided {
    granted: Vec<Granted>,
    marks: Vec<(String, u64)>,
    until: Option<u64>,
    /// More may go than one round lets go.
    more: bool,
    /// A node is about to ask.
    passing: bool,
}

impl Decided {
    /// Whether nobody goes, and time alone changes nothing.
    fn stands(&self) -> bool {
        self.granted.is_empty() && self.until.is_none() && !self.more && !self.passing
    }
}

/// How many nodes of each protocol run which version.
#[derive(Default)]
pub(super) struct Others(BTreeMap<String, BTreeMap<Version, usize>>);

impl Others {
    pub(super) fn of<'f>(fleets: impl Iterator<Item = &'f Fleet>) -> Self {
        let count = |fleet: &Fleet| {
            let mut counts = BTreeMap::new();
            for version in fleet.counted().filter_map(|node| node.version.as_ref()) {
                // A version is cloned once, not for each node.
                match counts.get_mut(version) {
                    Some(count) => *count += 1,
                    None => {
                        counts.insert(version.clone(), 1);
                    }
                }
            }
            counts
        };
        Self(fleets.map(|fleet| (fleet.name.clone(), count(fleet))).collect())
    }

    pub(super) fn all(&self) -> BTreeMap<String, BTreeMap<Version, usize>> {
        self.0.clone()
    }
}
