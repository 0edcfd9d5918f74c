//! What comes of what was handled: gathered until the driver takes it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use prost::{Message, Name};

use super::{Answer, Denied, Effects, Now, Output, Reason, Request, Session, Settings};
use crate::control::v1_0_0 as wire;
use crate::control::v1_0_0::to_agent;
use crate::coordinator::database::Write;
use crate::coordinator::record::{self, keys};
use crate::refusal::shortened;

/// Effects on their way, and the numbers that they use up.
pub(super) struct Outbox {
    pub(super) settings: Settings,
    counters: wire::Counters,
    effects: Effects,
    /// What is written before that.
    first: Vec<Write>,
    /// Where the write of a key is.
    places: BTreeMap<Bytes, usize>,
    changed: BTreeSet<u64>,
    /// What is kept of the watch.
    kept: u64,
}

impl Outbox {
    pub(super) fn new(settings: Settings, counters: wire::Counters) -> Self {
        Self {
            settings,
            counters,
            effects: Effects::default(),
            first: Vec::new(),
            places: BTreeMap::new(),
            changed: BTreeSet::new(),
            kept: counters.watched,
        }
    }

    /// What the watch shows: it is kept whenever the counters are.
    pub(super) fn watched(&mut self, now: Now) {
        self.counters.watched = now.watched;
    }

    /// Keeps the watch if the last time is so long ago.
    pub(super) fn keep_watch(&mut self, every: u64) {
        if self.counters.watched.saturating_sub(self.kept) >= every {
            self.keep_counters();
        }
    }

    fn keep_counters(&mut self) {
        self.kept = self.counters.watched;
        let counters = self.counters;
        self.put(keys::COUNTERS.into(), &counters);
    }

    /// A number that nobody has yet. The counters are written before what refers to it.
    pub(super) fn number(&mut self, of: fn(&mut wire::Counters) -> &mut u64) -> u64 {
        let counter = of(&mut self.counters);
        *counter += 1;
        let number = *counter;
        self.keep_counters();
        number
    }

    /// Nothing was written, and nothing is to be said.
    pub(super) fn is_empty(&self) -> bool {
        self.effects.writes.is_empty() && self.effects.outputs.is_empty()
    }

    /// How many records are written, and how many bytes of them.
    pub(super) fn size(&self) -> (usize, usize) {
        let writes = self.first.iter().chain(&self.effects.writes);
        (writes.clone().count(), writes.map(Write::size).sum())
    }

    /// Writes a record before all others; no other one has its key.
    pub(super) fn put_first<M: Message + Name>(&mut self, key: Bytes, record: &M) {
        self.first.push(Write::Put { key, value: record::seal(record), lease: None });
    }

    pub(super) fn put<M: Message + Name>(&mut self, key: Bytes, record: &M) {
        let write = Write::Put { key: key.clone(), value: record::seal(record), lease: None };
        self.write(key, write);
    }

    pub(super) fn delete(&mut self, key: Bytes) {
        self.write(key.clone(), Write::Delete(key));
    }

    /// A key is written once, at the place where it was written first: what came after may refer to it.
    fn write(&mut self, key: Bytes, write: Write) {
        if let Some(place) = self.places.get(&key) {
            self.effects.writes[*place] = write;
        } else {
            self.places.insert(key, self.effects.writes.len());
            self.effects.writes.push(write);
        }
    }

    pub(super) fn tell(&mut self, session: Session, message: to_agent::Message) {
        self.effects.outputs.push(Output::Tell(session, wire::ToAgent { message: Some(message) }));
    }

    pub(super) fn end(&mut self, session: Session, reason: Reason, what: impl Into<String>) {
        self.effects.outputs.push(Output::End(session, reason, what.into()));
    }

    pub(super) fn answer(&mut self, request: Request, answer: Result<Answer, Denied>) {
        self.effects.outputs.push(Output::Answer(request, answer));
    }

    /// Something that whoever watches this upgrade sees has changed.
    pub(super) fn changed(&mut self, upgrade: u64) {
        if upgrade > 0 {
            self.changed.insert(upgrade);
        }
    }

    /// Writes an event down, and tells it; number, time and, where nobody else did it, the coordinator are filled in. Of texts that
    /// are too long there is the beginning.
    pub(super) fn event(&mut self, now: Now, event: wire::Event) {
        let number = self.number(|counters| &mut counters.event);
        let who = if event.who.is_empty() { "coordinator".to_owned() } else { event.who };
        let (who, what, why) = (shortened(who), shortened(event.what), shortened(event.why));
        let event = wire::Event { number, at: now.wall, who, what, why, ..event };
        self.put(keys::event(number), &event);
        if let Some(old) = number.checked_sub(self.settings.events_kept).filter(|old| *old > 0) {
            self.delete(keys::event(old));
        }
        self.effects.outputs.push(Output::Event(event));
    }

    pub(super) fn take(&mut self) -> Effects {
        self.places.clear();
        let mut effects = std::mem::take(&mut self.effects);
        if !self.first.is_empty() {
            effects.writes.splice(..0, self.first.drain(..));
        }
        effects.outputs.extend(std::mem::take(&mut self.changed).into_iter().map(Output::Changed));
        effects
    }
}
