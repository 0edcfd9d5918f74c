//! Coordinators: each is the real core, and a model of the driver around it.

use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::{from_agent, to_agent};
use straddle::coordinator::core::{Ask, Core, Effects, Input, Output, Request, Session, Settings};
use straddle::coordinator::database::Write;
use straddle::coordinator::record::keys;

use super::clock::{Clock, SECOND};
use super::database::{NotBegun, Outcome};
use super::world::{Crash, Event, Process, World};

impl World {
    /// The one that has the lead, while it runs.
    pub(crate) fn leader(&self) -> Option<&Process> {
        self.processes.get(&self.store.leader)
    }

    fn settings(&self) -> Settings {
        Settings { invariants: self.invariants, ..Settings::default() }
    }

    pub(crate) fn start_coordinator(&mut self) {
        let kept = match self.store.begin() {
            Ok(kept) => kept,
            Err(NotBegun::Again(why)) => {
                self.note(|| format!("no coordinator can begin: {why}"));
                let wait = self.random.u64(SECOND..5 * SECOND);
                return self.after(wait, Event::StartCoordinator);
            }
            Err(NotBegun::Damaged(why)) => return self.checks.fail("durability", &why),
        };
        // Whoever led before notices it by and by, even with nothing to write.
        let before: Vec<u64> = self.processes.keys().copied().collect();
        for old in before {
            let wait = self.random.u64(1_000..12 * SECOND);
            self.after(wait, Event::Deposed(old));
        }
        let epoch = self.store.leader;
        let clock = Clock::new(&mut self.random, self.time);
        let core = match Core::load(kept, clock.now(self.time), self.settings()) {
            Ok(core) => core,
            Err(error) => return self.checks.fail("load", &error.to_string()),
        };
        self.note(|| format!("coordinator {epoch} begins"));
        self.processes.insert(epoch, Process { core, clock, next_tick: None });
        self.drive(epoch, None);
        super::census::holds(self);
    }

    /// An input to a coordinator, and all that comes of it.
    pub(crate) fn drive(&mut self, epoch: u64, input: Option<Input>) {
        let time = self.time;
        let Some(process) = self.processes.get_mut(&epoch) else { return };
        let now = process.clock.now(time);
        if let Some(input) = input {
            process.core.handle(input, now);
        }
        process.core.tick(now);
        let effects = process.core.take();
        let wait = process.clock.true_time(process.core.next_tick(now));
        let next = time + wait.max(1);
        if process.next_tick.is_none_or(|before| before > next || before <= time) {
            process.next_tick = Some(next);
            self.at(next, Event::CoordinatorTick(epoch));
        }
        self.commit(epoch, effects);
    }

    pub(crate) fn tick(&mut self, epoch: u64) {
        let time = self.time;
        if let Some(process) = self.processes.get_mut(&epoch)
            && process.next_tick == Some(time)
        {
            process.next_tick = None;
            self.drive(epoch, None);
        }
    }

    /// As the driver does it: what is written is written before anything is said.
    fn commit(&mut self, epoch: u64, effects: Effects) {
        let Effects { writes, outputs } = effects;
        let mut keys: Vec<_> = writes.iter().map(key).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|two| two[0] == two[1]) {
            return self.checks.fail("commit", "a key is written twice");
        }
        if !writes.is_empty()
            && epoch == self.store.leader
            && let Some(crash) = self.crash.take()
        {
            return self.crash_coordinator(epoch, crash, &writes);
        }
        let outcome = if writes.is_empty() { Outcome::Written } else { self.store.commit(epoch, &writes) };
        match outcome {
            Outcome::Written => outputs.into_iter().for_each(|output| self.say(output)),
            Outcome::Refused => {
                // It has lost the lead: what it knows is worth nothing.
                self.note(|| format!("coordinator {epoch} notices that it has lost the lead"));
                self.end_coordinator(epoch);
            }
            Outcome::Failed(error) if error.is_unavailable() || error.is_unknown() => {
                self.note(|| format!("coordinator {epoch} cannot write, and begins anew: {error}"));
                self.end_coordinator(epoch);
                if epoch == self.store.leader {
                    let wait = self.random.u64(100_000..3 * SECOND);
                    self.after(wait, Event::StartCoordinator);
                }
            }
            Outcome::Failed(error) => self.checks.fail("commit", &error.to_string()),
        }
    }

    fn crash_coordinator(&mut self, epoch: u64, crash: Crash, writes: &[Write]) {
        let power = self.random.bool().then(|| self.random.u64(..));
        self.note(|| {
            let with = if power.is_some() { " without power" } else { "" };
            format!("coordinator {epoch} crashes {crash:?} a commit of {} writes{with}", writes.len())
        });
        let written = match crash {
            Crash::Before => 0,
            // What a batch of the census comes to is one transaction.
            Crash::Within if writes.iter().any(is_of_census) => writes.len() * self.dice.usize(0..2),
            Crash::Within => self.random.usize(0..=writes.len()),
            Crash::After => writes.len(),
            Crash::Amid(operations) => {
                self.store.die_after(operations);
                writes.len()
            }
        };
        // Nobody hears what has become of it.
        let _ = self.store.commit(epoch, &writes[..written]);
        self.store.crash(power);
        self.end_coordinator(epoch);
        let wait = self.random.u64(SECOND..30 * SECOND);
        self.after(wait, Event::StartCoordinator);
    }

    pub(crate) fn end_coordinator(&mut self, epoch: u64) {
        self.processes.remove(&epoch);
        let streams: Vec<u64> =
            self.streams.iter().filter(|(_, stream)| stream.epoch == epoch).map(|(number, _)| *number).collect();
        for stream in streams {
            let notices = self.random.u64(1_000..20 * SECOND);
            self.cut(stream, notices, 1);
        }
    }

    fn say(&mut self, output: Output) {
        match output {
            Output::Tell(Session(number), said) => {
                super::checks::told(self, number, &said);
                if let Some(to_agent::Message::Permit(permit)) = &said.message {
                    let (node, permit) = (self.streams[&number].node, permit.clone());
                    self.out.insert(node, (permit.permit, number, self.time));
                    self.note(|| format!("permit {} for node {node}: {} -> {}", permit.permit, permit.from, permit.to));
                }
                self.down(number, said);
            }
            Output::End(Session(number), reason, _) => {
                let delay = self.delay();
                if let Some(stream) = self.streams.get_mut(&number).filter(|stream| !stream.cut) {
                    stream.cut = true;
                    let time = (self.time + delay).max(stream.down + 1);
                    self.at(time, Event::Lost(number, Some(reason.name().to_owned())));
                }
            }
            Output::Answer(Request(number), answer) => super::operator::answered(self, number, answer),
            Output::Event(event) => {
                self.note(|| format!("event {} {}: {} ({})", event.number, event.kind, event.what, event.why));
            }
            Output::Changed(_) => {}
        }
    }

    pub(crate) fn ask(&mut self, ask: Ask) {
        let epoch = self.store.leader;
        self.operator.asked += 1;
        let request = Request(self.operator.asked);
        self.drive(epoch, Some(Input::Asked(request, "operator".to_owned(), Box::new(ask))));
        super::census::holds(self);
    }

    pub(crate) fn heard(&mut self, number: u64, said: wire::FromAgent) {
        let Some(stream) = self.streams.get_mut(&number) else { return };
        match &said.message {
            Some(from_agent::Message::Hello(hello)) => {
                stream.hello_admission = hello.admission;
                stream.reported.clone_from(&hello.report);
            }
            Some(from_agent::Message::Report(report)) => stream.reported = Some(report.clone()),
            _ => {}
        }
        let (epoch, is_census) = (stream.epoch, matches!(said.message, Some(from_agent::Message::Census(_))));
        super::checks::heard(self, number, &said);
        self.drive(epoch, Some(Input::Said(Session(number), said)));
        if is_census {
            super::census::holds(self);
        }
    }

    pub(crate) fn closed(&mut self, number: u64) {
        let Some(epoch) = self.streams.get(&number).map(|stream| stream.epoch) else { return };
        self.drive(epoch, Some(Input::Closed(Session(number))));
    }
}

fn is_of_census(write: &Write) -> bool {
    write.key().starts_with(keys::CENSUS_NODES.as_bytes())
}

fn key(write: &Write) -> bytes::Bytes {
    match write {
        Write::Put { key, .. } | Write::Delete(key) => key.clone(),
    }
}
