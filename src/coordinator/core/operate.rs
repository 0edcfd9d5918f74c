//! What operators have changed: upgrades start, pause, go on, go back, come to their end.

use std::collections::BTreeSet;

use super::fleet::{Fleet, Node};
use super::outbox::Outbox;
use super::upgrade::{Running, measure};
use super::{Denied, Now, Reason, Settings, sizes, states};
use crate::control::v1_0_0 as wire;
use crate::control::v1_0_0::UpgradeState;
use crate::coordinator::micros;
use crate::coordinator::record::keys;
use crate::refusal::shortened;
use crate::version::Version;

/// The longest schedule, in bytes.
const LONGEST_SCHEDULE: usize = 64 * 1024;

impl Fleet {
    /// An upgrade as it would be, looked at.
    pub(super) fn draft(
        &self,
        request: &wire::StartUpgradeRequest,
        by: &str,
        now: Now,
        settings: &Settings,
    ) -> Result<Running, Denied> {
        sizes::within(request)?;
        let Some(protocol) = &self.protocol else { return Err(no_protocol(&self.name)) };
        let to = self.published_version(&request.to)?;
        if let Some(running) = &self.upgrade {
            let (number, to, state) = (running.number(), &running.to, states::word(running.state()));
            return Err(Denied {
                reason: Reason::UnderWay,
                what: format!("upgrade {number} of {} to {to} is {state}", self.name),
                advice: format!("finalize it, or take it back: straddle upgrade status {number}"),
            });
        }
        let Some(from) = self.neighbour(&to, true).cloned() else {
            let what = format!("{to} is the first version of {}: nothing leads to it", self.name);
            return Err(Denied {
                reason: Reason::NoWay,
                what,
                advice: "publish the step to a newer version".to_owned(),
            });
        };
        self.is_to_be_active(&to)?;
        self.reachable(&from, &to)?;
        for accepted in &request.accept {
            accepted_method(protocol, accepted)?;
        }
        for caller in &request.callers {
            self.published_version(&caller.version)?;
        }
        if request.schedule.len() > LONGEST_SCHEDULE {
            let what = format!("the schedule has {} bytes, and may have {LONGEST_SCHEDULE}", request.schedule.len());
            let advice = "leave comments out of it".to_owned();
            return Err(Denied { reason: Reason::InvalidSchedule, what, advice });
        }
        let mut stored = wire::StoredUpgrade {
            protocol: self.name.clone(),
            from: from.to_string(),
            to: to.to_string(),
            schedule: request.schedule.clone(),
            seed: if request.seed == 0 { random(now) } else { request.seed },
            on_failed_gate: request.on_failed_gate,
            accepted: request.accept.clone(),
            callers: request.callers.clone(),
            baseline: Some(measure(self, now)),
            by: by.to_owned(),
            started: now.wall,
            started_watched: now.watched,
            changed: now.wall,
            ..wire::StoredUpgrade::default()
        };
        stored.set_state(UpgradeState::Running);
        sizes::keeps(&stored)?;
        Running::new(stored, from, to, settings).map_err(|error| Denied {
            reason: Reason::InvalidSchedule,
            what: format!("{}:{}: {}", error.line, error.column, error.what),
            advice: error.advice,
        })
    }

    /// Nodes have to be at one of both sides of the step, or be behind it because they were away.
    fn reachable(&self, from: &Version, to: &Version) -> Result<(), Denied> {
        let at_least = self.bounds().map(|bounds| bounds.base);
        let behind = |version: &Version| version < from && at_least.as_ref().is_none_or(|least| least < from);
        for node in self.counted() {
            let Some(version) = &node.version else { continue };
            let (name, between) = (node.name(), format!("{from} to {to}"));
            if version > to {
                let what = format!("{name} runs {version} already, and the step leads from {between}");
                let advice =
                    format!("if it is gone: {}; else take it back to {to}: straddle node rollback", node.forget());
                return Err(Denied { reason: Reason::NoWay, what, advice });
            }
            if behind(version) {
                let what = format!("{name} runs {version}, and the step leads from {between}");
                let next = self.neighbour(version, false).unwrap_or(from);
                let advice = format!("go one step after the other: straddle upgrade start {} {next}", self.name);
                return Err(Denied { reason: Reason::NoWay, what, advice });
            }
        }
        Ok(())
    }

    pub(super) fn start(
        &mut self,
        request: &wire::StartUpgradeRequest,
        by: &str,
        now: Now,
        outbox: &mut Outbox,
    ) -> Result<u64, Denied> {
        let mut running = self.draft(request, by, now, &outbox.settings)?;
        let number = outbox.number(|counters| &mut counters.upgrade);
        running.stored.number = number;
        outbox.put(keys::upgrade(number), &running.stored);
        let what = format!("the upgrade of {} from {} to {} begins", self.name, running.from, running.to);
        self.upgrade = Some(running);
        self.operator_event(outbox, now, by, "upgrade-started", what, String::new());
        self.tell_goals(outbox);
        self.touch(None);
        Ok(number)
    }

    pub(super) fn pause(&mut self, why: &str, by: &str, now: Now, outbox: &mut Outbox) -> Result<(), Denied> {
        match self.state() {
            UpgradeState::Paused => Ok(()),
            UpgradeState::Running => self.changed_by(states::Event::Pause, why, by, now, outbox),
            state => Err(Self::out_of_place("pause", state)),
        }
    }

    pub(super) fn resume(&mut self, accept: &[String], by: &str, now: Now, outbox: &mut Outbox) -> Result<(), Denied> {
        let state = self.state();
        if !matches!(state, UpgradeState::Paused | UpgradeState::Running | UpgradeState::Complete) {
            return Err(Self::out_of_place("resume", state));
        }
        self.accept(accept, outbox)?;
        self.try_failed_again(now, outbox);
        if state == UpgradeState::Paused {
            return self.changed_by(states::Event::Resume, "", by, now, outbox);
        }
        Ok(())
    }

    pub(super) fn roll_back(
        &mut self,
        request: &wire::RollBackUpgradeRequest,
        by: &str,
        now: Now,
        outbox: &mut Outbox,
    ) -> Result<(), Denied> {
        let state = self.state();
        if matches!(state, UpgradeState::Finalizing | UpgradeState::Finalized) {
            let number = request.number;
            let what = format!("upgrade {number} is {}: there is no way back any more", states::word(state));
            return Err(Denied {
                reason: Reason::TooLate,
                what,
                advice: "publish a newer version that does as the old one did".to_owned(),
            });
        }
        if let Some(running) = self.upgrade.as_ref().filter(|running| !running.back()) {
            self.leads_back(running)?;
        }
        self.accept(&request.accept, outbox)?;
        let mut accepts = false;
        if let Some(running) = &mut self.upgrade
            && request.accept_loss
            && !running.stored.accept_loss
        {
            (running.stored.accept_loss, accepts) = (true, true);
            outbox.put(keys::upgrade(running.stored.number), &running.stored);
            let what = format!("nodes of {} may go back without what {} cannot express", self.name, running.from);
            self.operator_event(outbox, now, by, "loss-accepted", what, shortened(&request.why));
        }
        self.try_failed_again(now, outbox);
        if state == UpgradeState::RollingBack {
            if !accepts && !request.why.is_empty() {
                let what = "nodes that could not go back try it again".to_owned();
                self.operator_event(outbox, now, by, "tried-again", what, shortened(&request.why));
            }
            self.tell_goals(outbox);
            self.touch(None);
            return Ok(());
        }
        self.changed_by(states::Event::RollBack, &request.why, by, now, outbox)
    }

    pub(super) fn finalize(&mut self, by: &str, now: Now, outbox: &mut Outbox) -> Result<(), Denied> {
        match self.state() {
            UpgradeState::Finalizing => Ok(()),
            UpgradeState::Complete => self.changed_by(states::Event::Finalize, "", by, now, outbox),
            UpgradeState::Running | UpgradeState::Paused => Err(Denied {
                reason: Reason::Blocked,
                what: "not every node is there yet: those that are not would have no version to come from".to_owned(),
                advice: "wait until it is complete, or forget the nodes that are gone for good".to_owned(),
            }),
            state => Err(Self::out_of_place("finalize", state)),
        }
    }

    /// Lets nodes go that a manual schedule holds, or that have failed.
    pub(super) fn let_go(&mut self, nodes: &[String], by: &str, now: Now, outbox: &mut Outbox) -> Result<(), Denied> {
        if let Some(unknown) = nodes.iter().find(|name| self.nodes.get(*name).is_none_or(|node| node.stored.forgotten))
        {
            return Err(super::nodes::no_node(&self.name, unknown));
        }
        let Some(running) = &mut self.upgrade else { return Ok(()) };
        let mut stored = running.stored.clone();
        let known: BTreeSet<&String> = running.stored.let_go.iter().collect();
        let new: BTreeSet<&String> = nodes.iter().filter(|name| !known.contains(name)).collect();
        stored.let_go.extend(new.into_iter().cloned());
        sizes::keeps(&stored)?;
        running.stored = stored;
        outbox.put(keys::upgrade(running.stored.number), &running.stored);
        self.operator_event(outbox, now, by, "let-go", format!("{} may go", nodes.join(", ")), String::new());
        self.touch(None);
        Ok(())
    }

    /// The upgrade is in another state: written, told, and nodes with it.
    pub(super) fn change(&mut self, event: states::Event, why: &str, by: &str, now: Now, outbox: &mut Outbox) -> bool {
        let away_after = micros(outbox.settings.away_after);
        let back = event == states::Event::RollBack;
        let is = |running: &Running, node: &Node| {
            if back { at_target(running, node) } else { running.is_there(node) }
        };
        let count = self.count_nodes(is, now, away_after);
        let left_out = self.upgrade.as_ref().map_or(0, |running| self.left_out(running));
        let Some(running) = &mut self.upgrade else { return false };
        if !running.step(event, now) {
            return false;
        }
        let why = shortened(why);
        if event.is_somebodys() {
            by.clone_into(&mut running.stored.changed_by);
        }
        if back {
            running.stored.taken_back_at = Some(count);
        }
        if states::is_end(running.state()) {
            running.stored.ended_at = Some(count);
        }
        // Why it went back is still of interest when it is back.
        if !why.is_empty() || running.state() != UpgradeState::RolledBack {
            running.stored.why.clone_from(&why);
        }
        if back {
            // What was let go was let go forward.
            running.stored.let_go.clear();
        }
        let (stored, state) = (running.stored.clone(), running.state());
        outbox.put(keys::upgrade(stored.number), &stored);
        let (from, to, name) = (&stored.from, &stored.to, &self.name);
        let (kind, what) = match state {
            UpgradeState::Running if event == states::Event::Straggler => {
                ("resumed", format!("the upgrade of {name} to {to} goes on: a node came that is not there"))
            }
            UpgradeState::Running => ("resumed", format!("the upgrade of {name} to {to} goes on")),
            UpgradeState::Paused => ("paused", format!("the upgrade of {name} to {to} is paused")),
            UpgradeState::Complete => ("complete", format!("all nodes of {name} run {to}")),
            UpgradeState::RollingBack => ("rolling-back", format!("the upgrade of {name} to {to} is taken back")),
            UpgradeState::RolledBack => ("rolled-back", taken_back(&stored, left_out)),
            UpgradeState::Finalizing => ("finalizing", format!("nodes of {name} give up their way back to {from}")),
            UpgradeState::Finalized | UpgradeState::Unspecified => {
                ("finalized", format!("{to} is final at all nodes of {name}"))
            }
        };
        self.operator_event(outbox, now, by, kind, what, why);
        self.forget_waits();
        match state {
            UpgradeState::Finalizing => self.activate(&stored.to, outbox),
            UpgradeState::RolledBack | UpgradeState::Finalized => {
                self.upgrade = None;
                self.ended.insert(stored.number, stored);
            }
            _ => {}
        }
        self.tell_goals(outbox);
        self.touch(None);
        true
    }

    /// Why nodes wait is found anew by the next round: what held them before is not to be told of what holds now.
    pub(super) fn forget_waits(&mut self) {
        self.nodes.values_mut().for_each(|node| node.waits = None);
    }

    /// How many nodes are as somebody looks for.
    fn count_nodes(&self, is: impl Fn(&Running, &Node) -> bool, now: Now, away_after: u64) -> wire::NodeCount {
        let mut count = wire::NodeCount::default();
        let Some(running) = &self.upgrade else { return count };
        for node in self.counted() {
            count.total += 1;
            count.there += u64::from(is(running, node));
            count.away += u64::from(!node.connected(now.monotonic, away_after));
        }
        count
    }

    /// Every node runs a version, and none goes behind it any more: its behaviour is active.
    fn activate(&mut self, version: &str, outbox: &mut Outbox) {
        let version = self.canonical(version);
        if version <= self.active {
            return;
        }
        self.active = version;
        let told = self.active.as_ref().map(ToString::to_string).unwrap_or_default();
        outbox.put(keys::active(&self.name), &wire::ActiveVersion { protocol: self.name.clone(), version: told });
    }

    fn changed_by(
        &mut self,
        event: states::Event,
        why: &str,
        by: &str,
        now: Now,
        outbox: &mut Outbox,
    ) -> Result<(), Denied> {
        let state = self.state();
        if self.change(event, why, by, now, outbox) { Ok(()) } else { Err(Self::out_of_place("change", state)) }
    }

    /// More methods may become refused.
    fn accept(&mut self, accept: &[String], outbox: &mut Outbox) -> Result<(), Denied> {
        let Some(protocol) = &self.protocol else { return Ok(()) };
        for accepted in accept {
            accepted_method(protocol, accepted)?;
        }
        let Some(running) = &mut self.upgrade else { return Ok(()) };
        let new: BTreeSet<&String> = accept.iter().filter(|one| !running.accepted.contains(*one)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut stored = running.stored.clone();
        stored.accepted.extend(new.into_iter().cloned());
        sizes::keeps(&stored)?;
        running.stored = stored;
        running.accepted.extend(accept.iter().cloned());
        outbox.put(keys::upgrade(running.stored.number), &running.stored);
        self.touch(None);
        Ok(())
    }

    /// Nodes that have failed may try again.
    fn try_failed_again(&mut self, now: Now, outbox: &mut Outbox) {
        let Some(number) = self.upgrade.as_ref().map(Running::number) else { return };
        for (name, node) in &mut self.nodes {
            if node.stored.failed_in == number && node.stored.failure.take().is_some() {
                node.stored.failed_in = 0;
                node.stored.changed = now.wall;
                outbox.put(keys::node(&self.name, name), &node.stored);
            }
        }
        self.touch(None);
    }

    fn state(&self) -> UpgradeState {
        self.upgrade.as_ref().map_or(UpgradeState::Unspecified, Running::state)
    }

    fn out_of_place(what: &str, state: UpgradeState) -> Denied {
        let reason = match state {
            UpgradeState::Finalizing
            | UpgradeState::Finalized
            | UpgradeState::RolledBack
            | UpgradeState::Unspecified => Reason::TooLate,
            _ => Reason::UnderWay,
        };
        Denied {
            reason,
            what: format!("an upgrade that is {} cannot be told to {what}", states::word(state)),
            advice: "straddle upgrade status says what it waits for".to_owned(),
        }
    }

    /// A version that was published, as it is named there.
    pub(super) fn published_version(&self, text: &str) -> Result<Version, Denied> {
        let version = self.canonical(text).filter(|version| self.index(version).is_some());
        version.ok_or_else(|| {
            let known: Vec<String> = self.published.keys().map(ToString::to_string).collect();
            Denied {
                reason: Reason::NoSuchVersion,
                what: format!("{text} of {} was not published; there are {}", self.name, known.join(", ")),
                advice: "straddle publish its bundle".to_owned(),
            }
        })
    }

    /// Writes down what an operator has done.
    pub(super) fn operator_event(
        &self,
        outbox: &mut Outbox,
        now: Now,
        by: &str,
        kind: &str,
        what: String,
        why: String,
    ) {
        let (who, kind) = (by.to_owned(), kind.to_owned());
        self.event(outbox, now, wire::Event { who, kind, what, why, ..wire::Event::default() });
    }
}

/// That an upgrade was taken back, and how far.
fn taken_back(stored: &wire::StoredUpgrade, left_out: usize) -> String {
    let (name, from, to) = (&stored.protocol, &stored.from, &stored.to);
    match (stored.ended_at.is_some_and(|count| count.total == 0), left_out) {
        (true, _) => format!("no node of {name} is left that could be taken back from {to} to {from}"),
        (false, 0) => format!("all nodes of {name} run {from} again"),
        (false, _) => format!("all nodes of {name} run {from} again, but for {left_out} at {to} that were forgotten"),
    }
}

/// Whether a node runs the new version, whichever way the upgrade goes.
pub(super) fn at_target(running: &Running, node: &Node) -> bool {
    node.version.as_ref().is_some_and(|version| *version >= running.to)
}

/// A protocol that nobody has published.
pub(super) fn no_protocol(name: &str) -> Denied {
    Denied {
        reason: Reason::NoSuchProtocol,
        what: format!("no version of a protocol {name} was published"),
        advice: "straddle publish its bundle".to_owned(),
    }
}

/// Whether what may become refused is there at all: who misspells it would wait for ever.
fn accepted_method(protocol: &crate::protocol::Protocol, accepted: &str) -> Result<(), Denied> {
    let (version, method) = accepted.split_once(' ').unwrap_or((accepted, ""));
    let schema = version.parse().ok().and_then(|version| protocol.schema(&version));
    // As it is compared later.
    let exact = schema.filter(|schema| schema.version().to_string() == version);
    let known = exact.is_some_and(|schema| schema.methods().iter().any(|one| one.full_name() == method));
    if known {
        return Ok(());
    }
    Err(Denied {
        reason: Reason::NoSuchVersion,
        what: format!("`{accepted}` is no method of {}", protocol.name()),
        advice: "write the callers' version and the method's full name, as `2.0.0 package.Service.Method`".to_owned(),
    })
}

/// A seed that nobody chose: it is written down, so that what it decides can be told again.
fn random(now: Now) -> u64 {
    // The finalizer of SplitMix64 (Steele, Lea, Flood 2014), so that seeds of one second differ in all bits.
    let mut seed = now.wall ^ now.monotonic.rotate_left(32);
    seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (seed ^ (seed >> 31)).max(1)
}
