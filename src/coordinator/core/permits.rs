//! Permits, and the word of barriers.

use super::Now;
use super::fleet::{Fleet, Permitted};
use super::goals::Step;
use super::outbox::Outbox;
use super::upgrade::{BARRIER_FROM, BARRIER_TO, NO_WORD, WORD};
use crate::control::v1_0_0 as wire;
use crate::control::v1_0_0::{Way, to_agent};
use crate::coordinator::micros;
use crate::coordinator::record::keys;

impl Fleet {
    /// Lets a node go, which asks for it: written first, then said.
    pub(super) fn permit(&mut self, name: &str, step: &Step, way: Way, now: Now, outbox: &mut Outbox) {
        let Some(node) = self.nodes.get_mut(name).filter(|node| node.permit.is_none()) else { return };
        let Some(live) = &mut node.live else { return };
        let Some(request) = live.request.take() else { return };
        let session = live.session;
        let stored = wire::StoredPermit {
            permit: outbox.number(|counters| &mut counters.permit),
            protocol: self.name.clone(),
            node: name.to_owned(),
            upgrade: self.upgrade.as_ref().map_or(0, super::upgrade::Running::number),
            from: step.from.to_string(),
            to: step.to.to_string(),
            back: step.back,
            way: way.into(),
            given: now.wall,
            within_microseconds: micros(outbox.settings.permit_within),
            word: None,
        };
        outbox.put(keys::permit(&self.name, name), &stored);
        let permit = wire::Permit {
            permit: stored.permit,
            request: request.number,
            upgrade: stored.upgrade,
            // As the node has named them: patch numbers do not count.
            from: request.from,
            to: request.to,
            back: stored.back,
            within_microseconds: stored.within_microseconds,
            way: stored.way,
            prepared_for_microseconds: if way == Way::Barrier { micros(outbox.settings.prepared_for) } else { 0 },
            accept_loss: step.back && self.upgrade.as_ref().is_some_and(|running| running.stored.accept_loss),
        };
        node.waits = None;
        node.permit = Some(Permitted { stored, since: now.monotonic, session: Some(session) });
        let what = format!("{name} may go from {} to {}", step.from, step.to);
        let why = if step.behind { "it is brought to where the others are" } else { "" };
        self.tell_event(outbox, now, "permitted", name, &what, why);
        outbox.tell(session, to_agent::Message::Permit(permit));
        self.touch(Some(name));
    }

    /// Decides on the word of a barrier: all are prepared, or one of them will not be. The decision is one write, and the word is
    /// said after it; whoever hears it twice, or never, can do no harm with it.
    pub(super) fn barrier(&mut self, now: Now, outbox: &mut Outbox) {
        let Some(running) = &self.upgrade else { return };
        let member = |permit: &&Permitted| {
            permit.stored.way() == Way::Barrier
                && permit.stored.upgrade == running.number()
                && running.word(&permit.stored).is_none()
        };
        let undecided: Vec<(&String, &super::fleet::Node, &Permitted)> = self
            .nodes
            .iter()
            .filter_map(|(name, node)| Some((name, &**node, node.permit.as_ref().filter(member)?)))
            .collect();
        let Some(last) = undecided.iter().map(|(_, _, permit)| permit.stored.permit).max() else { return };
        let prepared = |node: &super::fleet::Node, permit: &Permitted| {
            node.live.is_some() && !node.report.prepared.is_empty() && node.report.permit == permit.stored.permit
        };
        let all = undecided.iter().all(|(_, node, permit)| prepared(node, permit));
        // Permits of one barrier have numbers in a row. Where one is not there any more, its node has come back without the word.
        let first = undecided.iter().map(|(_, _, permit)| permit.stored.permit).min().unwrap_or(last);
        let mark = |name: &str| running.stored.marks.get(name).copied();
        let members = u64::try_from(undecided.len()).unwrap_or(u64::MAX);
        let whole = mark(BARRIER_FROM) == Some(first) && mark(BARRIER_TO) == Some(last) && last - first + 1 == members;
        let half = micros(outbox.settings.prepared_for) / 2;
        let late = undecided.iter().any(|(_, node, permit)| {
            permit.session.is_none() || permit.since.saturating_add(half) < now.monotonic || node.live.is_none()
        });
        let word = match (whole && !late, all) {
            (true, true) => true,
            (true, false) => return,
            (false, _) => false,
        };
        let names: Vec<String> = undecided.iter().map(|(name, _, _)| (*name).clone()).collect();
        self.decide_word(&names, last, word, now, outbox);
    }

    fn decide_word(&mut self, names: &[String], last: u64, word: bool, now: Now, outbox: &mut Outbox) {
        if let Some(running) = &mut self.upgrade {
            running.stored.marks.insert(if word { WORD } else { NO_WORD }.to_owned(), last);
            let stored = running.stored.clone();
            outbox.put(keys::upgrade(stored.number), &stored);
        }
        let nodes = names.len();
        let (kind, what) = if word {
            ("word", format!("all {nodes} nodes are prepared, and switch"))
        } else {
            ("no-word", format!("{nodes} nodes go on as they are: not all of them were prepared in time"))
        };
        self.tell_event(outbox, now, kind, "", &what, "");
        for name in names {
            if let Some(permit) = self.nodes.get_mut(name).and_then(|node| node.permit.as_mut()) {
                permit.stored.word = Some(word);
                outbox.put(keys::permit(&self.name, name), &permit.stored);
            }
            self.tell_word(name, outbox);
        }
    }

    /// Remembers which permits a barrier has, so that it can be told whether all of them are still there.
    pub(super) fn begin_barrier(&mut self, nodes: &[String], outbox: &mut Outbox) {
        let numbers = nodes.iter().filter_map(|name| self.nodes.get(name)?.permit.as_ref());
        let mut numbers: Vec<u64> = numbers.map(|permit| permit.stored.permit).collect();
        numbers.sort_unstable();
        let (Some(first), Some(last), Some(running)) = (numbers.first(), numbers.last(), &mut self.upgrade) else {
            return;
        };
        running.stored.marks.insert(BARRIER_FROM.to_owned(), *first);
        running.stored.marks.insert(BARRIER_TO.to_owned(), *last);
        let stored = running.stored.clone();
        outbox.put(keys::upgrade(stored.number), &stored);
    }

    /// Says the word to a node that may wait for it.
    pub(super) fn tell_word(&self, name: &str, outbox: &mut Outbox) {
        let (Some(running), Some(node)) = (&self.upgrade, self.nodes.get(name)) else { return };
        let (Some(permit), Some(live)) = (&node.permit, &node.live) else { return };
        if permit.stored.way() != Way::Barrier {
            return;
        }
        if let Some(switch) = running.word(&permit.stored) {
            outbox.tell(live.session, to_agent::Message::Word(wire::Word { permit: permit.stored.permit, switch }));
        }
    }
}
