//! What nodes report: how they are doing, that they want to go, and that they have gone.

use std::collections::HashMap;

use super::Now;
use super::fleet::{Again, Fleet, Node};
use super::outbox::Outbox;
use crate::control::v1_0_0 as wire;
use crate::coordinator::micros;
use crate::coordinator::record::keys;
use crate::refusal::shortened;
use crate::retiring::Retiring;

/// Failures that are nobody's fault: the node is asked again.
const PASSING: [&str; 6] = ["BUSY", "EXPIRED", "HELD", "NOT_PERMITTED", "NO_WORD", "TOO_LATE"];
/// How often it is written that a method still has callers.
const SEEN_EVERY: u64 = 24 * 60 * 60 * 1_000_000;
/// The most entries of a report's lists that are looked at: versions times methods of a large protocol.
const MOST_CALLS: usize = 20_000;
/// The most values of a report, and the longest name of one.
const MOST_VALUES: usize = 256;
const LONGEST_VALUE_NAME: usize = 128;

/// How a permit has come to its end.
pub(super) enum Outcome {
    /// The node says that it has moved, or why not.
    Told(Option<wire::Failure>, u64),
    /// What the node reports does not show a move any more.
    Seen,
}

impl Fleet {
    /// A node reports; `hello` with the first one of a stream. Whether it was away until now.
    pub(super) fn reported(
        &mut self,
        name: &str,
        report: wire::Report,
        now: Now,
        hello: bool,
        outbox: &mut Outbox,
    ) -> bool {
        let mut report = bounded(report);
        let calls = std::mem::take(&mut report.calls);
        let version = self.canonical(&report.version);
        let Some(mut node) = self.nodes.remove(name) else { return false };
        node.heard = Some(now.monotonic);
        let was_away = !std::mem::replace(&mut node.awaited, true);
        let learned = std::mem::take(&mut report.learned);
        let knew = node.knows.len();
        node.learn(&learned, self);
        let settles =
            node.permit.as_ref().is_some_and(|permit| permit.session != node.live.as_ref().map(|live| live.session));
        // Hello alone does not show that it has gone back.
        let unsettled = node.stored.version != report.version;
        let changed =
            hello || was_away || settles || unsettled || node.knows.len() != knew || differs(&node.report, &report);
        if let Some(live) = node.live.as_mut().filter(|_| report.serving) {
            live.idle = now.monotonic;
        }
        node.report = report;
        if version.is_some() && node.version != version {
            node.calls.clear(now.monotonic);
        }
        node.version = version.or(node.version);
        self.count(&mut node, &calls, now, outbox);
        node.stale = true;
        self.nodes.insert(name.to_owned(), node);
        if changed {
            self.settle_permit(name, hello, now, outbox);
            if !hello {
                self.fallen_back(name, now, outbox);
            }
            self.keep(name, now, outbox);
            // Nothing is said before Welcome.
            if !hello {
                self.tell_word(name, outbox);
                let bounds = self.bounds();
                self.tell_goal(name, bounds.as_ref(), outbox);
            }
            self.touch(Some(name));
            if let Some(running) = &self.upgrade {
                outbox.changed(running.number());
            }
        }
        if was_away {
            self.tell_event(outbox, now, "back", name, &format!("{name} is heard again"), "");
        }
        was_away
    }

    /// Whether what a node reports shows that its permit is over.
    ///
    /// What names it does. What does not may have crossed it: but not on another stream than the permit's, once the agent
    /// has heard Welcome there, because an agent acts on one stream alone. A Hello by itself may be an old one that was
    /// underway for long.
    fn settle_permit(&mut self, name: &str, hello: bool, now: Now, outbox: &mut Outbox) {
        let Some(node) = self.nodes.get(name) else { return };
        let (Some(permit), Some(live)) = (&node.permit, &node.live) else { return };
        let names = node.report.permit == permit.stored.permit;
        let later = !hello && permit.session != Some(live.session);
        if (names || later) && !node.reports_move() && node.report.phase().answers_callers() {
            self.permit_ended(name, Outcome::Seen, now, outbox);
        }
    }

    /// A permit is over: the node has moved, or not.
    pub(super) fn permit_ended(&mut self, name: &str, outcome: Outcome, now: Now, outbox: &mut Outbox) {
        let retry_after = micros(outbox.settings.retry_after);
        let Some(node) = self.nodes.get_mut(name) else { return };
        let Some(permit) = node.permit.take() else { return };
        outbox.delete(keys::permit(&self.name, name));
        let permit = permit.stored;
        let moved = node.version.as_ref().map(ToString::to_string).as_deref() == Some(permit.to.as_str());
        let (failure, pause) = match outcome {
            Outcome::Told(failure, pause) => (failure, pause),
            Outcome::Seen if moved => (None, 0),
            // What it says of its last move is told of this one, if it has begun it.
            Outcome::Seen => {
                let began = node.report.permit == permit.permit;
                let what = node.report.failure.clone().filter(|_| began);
                (what.map(|what| wire::Failure { what, ..wire::Failure::default() }), 0)
            }
        };
        let passing = failure.as_ref().is_some_and(|failure| PASSING.contains(&failure.reason.as_str()));
        let before = node.stored.clone();
        let (kind, what, why) = match &failure {
            Some(failure) => {
                let why = [failure.what.as_str(), failure.advice.as_str()];
                let why = why.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
                if passing {
                    node.retry = now.monotonic.saturating_add(retry_after);
                    ("not-moved", format!("{name} stays at {}", permit.from), why)
                } else {
                    node.stored.failure = Some(why.clone());
                    node.stored.failure_reason.clone_from(&failure.reason);
                    node.stored.failed_in = permit.upgrade;
                    node.again = node.again.after(now.monotonic);
                    ("move-failed", format!("{name} could not go from {} to {}", permit.from, permit.to), why)
                }
            }
            None if moved => {
                node.stored.failure = None;
                node.stored.failure_reason.clear();
                node.stored.failed_in = 0;
                node.again = Again::default();
                (node.stored.moved, node.stored.moved_watched) = (now.wall, now.watched);
                let why = if pause > 0 { format!("new calls waited {}", told(pause)) } else { String::new() };
                ("moved", format!("{name} runs {}", permit.to), why)
            }
            None => {
                node.retry = now.monotonic.saturating_add(retry_after);
                let why = "it came back without having moved";
                ("not-moved", format!("{name} stays at {}", permit.from), why.to_owned())
            }
        };
        if before != node.stored {
            node.stored.changed = now.wall;
            outbox.put(keys::node(&self.name, name), &node.stored);
        }
        self.tell_event(outbox, now, kind, name, &what, &why);
        self.touch(Some(name));
    }

    /// Writes down what has changed of a node for good.
    pub(super) fn keep(&mut self, name: &str, now: Now, outbox: &mut Outbox) {
        let fell = self.fell(name);
        let Some(node) = self.nodes.get_mut(name) else { return };
        let before = node.stored.clone();
        if before.version != node.report.version && !fell {
            node.stored.version.clone_from(&node.report.version);
            if !before.version.is_empty() {
                (node.stored.moved, node.stored.moved_watched) = (now.wall, now.watched);
            }
        }
        node.stored.back.clone_from(&node.report.back);
        node.stored.stuck.clone_from(&node.report.stuck);
        // A program that is started anew does not know of it any more.
        node.stored.given_up = node.report.given_up.clone().or(node.stored.given_up.take());
        if before == node.stored {
            return;
        }
        node.stored.changed = now.wall;
        outbox.put(keys::node(&self.name, name), &node.stored);
        let given_up = node.stored.given_up.clone().filter(|given_up| before.given_up.as_ref() != Some(given_up));
        let (stored, stuck) = (&node.stored, node.stored.stuck.clone().unwrap_or_default());
        if stored.stuck != before.stuck && !stuck.is_empty() {
            self.tell_event(
                outbox,
                now,
                "stuck",
                name,
                &format!("{name} answers nobody until it is started again"),
                &stuck,
            );
        }
        if let Some(wire::GivenUp { records, file, .. }) = given_up {
            let records = if records == 1 { "1 record".to_owned() } else { format!("{records} records") };
            let what = format!("{name} has gone back without {records}");
            self.tell_event(outbox, now, "given-up", name, &what, &format!("written to {file} on its machine before"));
        }
    }

    /// The node asks whether it may go.
    pub(super) fn asked(&mut self, name: &str, request: wire::PermitRequest, now: Now, outbox: &mut Outbox) {
        self.fallen_back(name, now, outbox);
        let Some(node) = self.nodes.get_mut(name) else { return };
        let Some(live) = &mut node.live else { return };
        let again = live.request.as_ref().is_some_and(|before| {
            (before.upgrade, &before.from, &before.to) == (request.upgrade, &request.from, &request.to)
        });
        live.request = Some(request);
        if !again {
            self.touch(Some(name));
        }
    }

    /// The node says that a move is over, or was not begun.
    pub(super) fn ended(&mut self, name: &str, ended: wire::Ended, now: Now, outbox: &mut Outbox) {
        let version = self.canonical(&ended.version);
        let Some(node) = self.nodes.get_mut(name) else { return };
        node.heard = Some(now.monotonic);
        let Some(permit) = node.permit.as_ref().filter(|permit| permit.stored.permit == ended.permit) else { return };
        // A report of all of it follows; what it was before the move does not count any more.
        node.report.moving_to.clear();
        node.report.prepared.clear();
        node.report.permit = ended.permit;
        if version.is_some() && node.version != version {
            node.calls.clear(now.monotonic);
            node.report.version.clone_from(&ended.version);
            node.report.back = if permit.stored.back { String::new() } else { permit.stored.from.clone() };
            node.version = version;
        }
        let failure = ended.failure.map(|failure| wire::Failure {
            reason: shortened(failure.reason),
            what: shortened(failure.what),
            advice: shortened(failure.advice),
        });
        self.permit_ended(name, Outcome::Told(failure, ended.pause_microseconds), now, outbox);
        self.fallen_back(name, now, outbox);
        self.keep(name, now, outbox);
        let bounds = self.bounds();
        self.tell_goal(name, bounds.as_ref(), outbox);
    }

    /// Counts calls, and remembers who calls.
    fn count(&mut self, node: &mut Node, calls: &[wire::Calls], now: Now, outbox: &mut Outbox) {
        for one in calls.iter().take(MOST_CALLS) {
            if one.node_version.is_empty() || self.canonical(&one.node_version) == node.version {
                node.calls.add(one, now.monotonic);
            }
            if one.answered + one.failed + one.refused > 0 {
                self.seen(one, now, outbox);
            }
        }
    }

    /// A method has a caller. Only what was published can be called so, so strangers cannot fill the database.
    fn seen(&mut self, calls: &wire::Calls, now: Now, outbox: &mut Outbox) {
        let Some(schema) = calls.version.parse().ok().and_then(|version| self.protocol.as_ref()?.schema(&version))
        else {
            return;
        };
        let key = (schema.version().clone(), calls.method.clone());
        if let Some(seen) = self.callers.get_mut(&key) {
            if seen.last_seen_watched.saturating_add(SEEN_EVERY) <= now.watched {
                (seen.last_seen, seen.last_seen_watched) = (now.wall, now.watched);
                outbox.put(keys::caller(&self.name, &seen.version, &seen.method), seen);
            }
            return;
        }
        if !schema.methods().iter().any(|method| method.full_name() == calls.method) {
            return;
        }
        let seen = wire::SeenCaller {
            protocol: self.name.clone(),
            version: key.0.to_string(),
            method: calls.method.clone(),
            unlabelled: calls.unlabelled,
            last_seen: now.wall,
            last_seen_watched: now.watched,
        };
        outbox.put(keys::caller(&self.name, &seen.version, &seen.method), &seen);
        self.callers.insert(key, seen);
        self.touch(None);
    }

    /// Nodes that were not heard for too long are away, as far as it has not been told.
    pub(super) fn missed(&mut self, name: &str, now: Now, outbox: &mut Outbox) -> Option<u64> {
        let away_after = micros(outbox.settings.away_after);
        let node = self.nodes.get_mut(name)?;
        if node.stored.forgotten {
            node.awaited = false;
            return None;
        }
        let heard = node.heard.unwrap_or(0);
        let due = heard.saturating_add(away_after).saturating_add(1);
        if due > now.monotonic {
            return Some(due);
        }
        if std::mem::replace(&mut node.awaited, false) {
            let moving = match &node.permit {
                Some(permit) => format!("it had permit {} to go to {}", permit.stored.permit, permit.stored.to),
                None => String::new(),
            };
            self.tell_event(outbox, now, "away", name, &format!("{name} is not heard any more"), &moving);
            self.touch(Some(name));
        }
        None
    }
}

impl wire::Phase {
    /// Whether callers are answered in this phase.
    pub(super) fn answers_callers(self) -> bool {
        matches!(self, Self::Unspecified | Self::Serving | Self::Learned | Self::Permitted | Self::Finalizing)
    }
}

/// A report as it may be kept and passed on: of a text that is too long there is its beginning, and of too many values none.
fn bounded(report: wire::Report) -> wire::Report {
    let all = |texts: [String; 6]| texts.map(shortened);
    let [version, moving_to, back, next, prepared, active] =
        all([report.version, report.moving_to, report.back, report.next, report.prepared, report.active]);
    let [held, failure, stuck, unlearned, unusable] =
        [report.held, report.failure, report.stuck, report.unlearned, report.unusable].map(|text| text.map(shortened));
    let many = report.values.len() > MOST_VALUES || report.values.keys().any(|name| name.len() > LONGEST_VALUE_NAME);
    let values = if many { HashMap::new() } else { report.values };
    let given_up = report.given_up.map(|one| wire::GivenUp { file: shortened(one.file), ..one });
    let retiring = report.retiring.map(|mut one| {
        one.refused = one.refused.map(shortened);
        one.swept_up_to = shortened(one.swept_up_to);
        // What a node cannot be told it cannot have in force.
        one.retiring = one.retiring.filter(|told| Retiring::try_from(told).is_ok_and(|all| all.check().is_ok()));
        one
    });
    wire::Report {
        given_up,
        retiring,
        version,
        moving_to,
        back,
        next,
        prepared,
        active,
        held,
        failure,
        stuck,
        unlearned,
        unusable,
        values,
        unknown: Vec::new(),
        ..report
    }
}

/// Whether anything but counts has changed.
fn differs(before: &wire::Report, after: &wire::Report) -> bool {
    let told = |report: &wire::Report| wire::Report {
        calls_running: 0,
        values: HashMap::new(),
        over_microseconds: 0,
        unknown: Vec::new(),
        calls: Vec::new(),
        learned: Vec::new(),
        filling: None,
        ..report.clone()
    };
    told(before) != told(after)
}

/// A duration for people.
pub(super) fn told(microseconds: u64) -> String {
    match microseconds {
        0..1_000 => format!("{microseconds} µs"),
        1_000..1_000_000 => format!("{} ms", microseconds / 1_000),
        1_000_000..120_000_000 => format!("{}.{} s", microseconds / 1_000_000, microseconds / 100_000 % 10),
        _ => format!("{} min", microseconds / 60_000_000),
    }
}
