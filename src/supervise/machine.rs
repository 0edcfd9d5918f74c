//! What the supervisor does about its programs: what happens goes in, what is to be done comes out. Nothing here waits,
//! reads a clock, or touches a file, so every order of events can be tried.
//!
//! ```text
//!                      started          ready
//!        WAITING ------------> ALONE ----------> SERVING <------------------------------+
//!           ^   ^                |                  |  ^                                |
//!           |   +----------------+ ended: what next?|  |  the new one failed,           |
//!           |          (the table below)            |  |  or the old one stays          |
//!           |                          upgrade, or  v  |                                |
//!           |                          rollback   BESIDE   the old one serves,          |
//!           |                                       |      the new one is checked       |
//!           |                            prepared   |                                   |
//!           |                                       v                                   |
//!           |                                    HANDING   the old one was told to      |
//!           |        the old one is gone            |      hand over                    |
//!           +---------------------------------------+-----------------------------------+
//!                                                         the new one is ready
//! ```
//!
//! What a program that is alone is there for, and what comes after it:
//!
//! | it is there to | it ends with | what is known of the state | what comes next |
//! |---|---|---|---|
//! | *run* | a crash, one of the first | as its own journal says | it is started again, later each time |
//! | *run* | a crash, the last of too many, and another run is known to be good | at its version | where the good one runs an older version, the newer one *goes back*; then the good one *returns* |
//! | *take* over, in a move | ready | at the version that is wanted | it serves, on probation |
//! | *take* | 75, the move failed | back at the older version | the old one *returns* |
//! | *take* | 78, it cannot, or it cannot be started | as it was, or between | the old one *returns* |
//! | *take* | a crash, one of the first | as its own journal says | it is started again, later each time |
//! | *take* | a crash, the last of too many; not ready in time; ready with another version; given up by somebody | anything | the old one *returns*: what nobody was answered by, it undoes |
//! | *go back* | 0 | at the older version | the older one *returns* |
//! | *go back* | 75, it cannot go back | at the newer version | the newer one *runs*: there is no other way |
//! | *go back* | anything else | anything | the older one *returns* all the same, if it can |
//! | *return* | ready | at its version | it serves, and whoever asked is told that the move failed |
//! | *return* | 78, the state is beyond it | at the newer version, or between | the newer one *goes back* |
//! | *return* | anything else | anything | the newer one *goes back*, if there is a newer one; else it *returns* again; later each time |
//!
//! A program that is ended has to be gone before the next one is started. The state's own lock keeps two from writing in
//! any case.

mod abort;
mod alive;
mod ended;
mod facts;
mod pace;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use self::facts::Doing;
pub(super) use self::facts::{Back, Exit, Failed, How, Launch, Limits, Move, Outcome, Record, Run, Stage, Told};
use self::pace::Pace;
use crate::version::Version;

/// Time on a monotonic clock, since some moment.
pub(super) type Time = Duration;

/// A program that was started, by a number that no other one has.
pub(super) type Id = u64;

/// What happens.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// Time passed.
    Tick,
    /// Somebody wants to move.
    Move(Move),
    /// Somebody does not want the move that is under way any more.
    Abort,
    /// The last upgrade is final: there is no way back.
    Finalized,
    /// A program has been checked, and waits for the state.
    Prepared(Id),
    /// A program accepts callers, at this version.
    Ready(Id, Version),
    /// The program that serves has moved by itself, to this version.
    Moved(Id, Version),
    /// A program says that it goes on, and how much more time it wants, if it says so.
    Progress(Id, Option<Duration>),
    /// A program says that it is alive, and will say so again within this time.
    Alive(Id, Duration),
    /// A program says why it will end.
    Complains(Id, String),
    /// The program that was told to hand over has let the state go.
    HandedOver(Id),
    /// It serves on, and does not hand over.
    Stays(Id),
    /// A program has ended.
    Exited(Id, Exit),
    /// The supervisor is to end.
    Stop,
}

/// What is to be done, in this order, once the [`Record`] is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Starts a program.
    Start(Id, Launch),
    /// Tells a program to hand over, and to go back where that is said.
    HandOver(Id, Move),
    /// Asks a program to end.
    Terminate(Id),
    /// Ends a program.
    Kill(Id),
    /// Tells whoever asked for the move how it ended.
    Tell(Outcome),
}

pub(super) struct Machine {
    limits: Limits,
    /// What runs, or is to run.
    at: Run,
    /// What was seen to be good last.
    good: Option<Run>,
    /// What the last upgrade came from.
    before: Option<Run>,
    state: State,
    /// Since when what runs has been ready.
    since: Time,
    pace: Pace,
    /// Killed, or handed over: with the time when their end is enforced.
    leaving: BTreeMap<Id, Time>,
    /// Killed, or asked to end: they have to be gone before another one starts.
    gone_first: BTreeSet<Id>,
    /// Until when programs have to say again that they are alive, and how much time that gives them.
    alive: BTreeMap<Id, (Time, Duration)>,
    /// Why programs said that they would end, or have to.
    complaints: BTreeMap<Id, String>,
    /// The move is given up as soon as the old program has let the state go.
    aborted: bool,
    failure: Option<String>,
    next: Id,
    actions: Vec<Action>,
}

#[derive(Clone, Debug)]
enum State {
    Waiting { doing: Doing, until: Time },
    Alone { id: Id, doing: Doing, until: Time },
    Serving { id: Id },
    Beside { old: Id, new: Id, moving: Move, until: Time },
    Handing { old: Id, new: Option<Id>, moving: Move, until: Time },
    Stopping,
    Stopped,
}

impl Machine {
    /// Begins with what was written down, and with the program that was found to serve, if one was.
    pub(super) fn begin(record: Record, serving: Option<Id>, limits: Limits, seed: u64, now: Time) -> Self {
        let Record { at, good, before, stage, failure } = record;
        let doing = match (stage, serving) {
            // Nothing had been handed over, or the old one is still there: the move is forgotten.
            (Stage::Run | Stage::Beside(_), _) | (Stage::Handing(_) | Stage::Take(_), Some(_)) => Doing::Run,
            (Stage::Handing(moving) | Stage::Take(moving), None) => Doing::Take(moving),
            (Stage::Back(back), _) => first_back(back),
            (Stage::Return(back), _) => Doing::Return(back),
        };
        let state = match serving {
            Some(id) => State::Serving { id },
            None => State::Waiting { doing, until: now },
        };
        let pace = Pace::new(limits, seed);
        let next = serving.map_or(1, |id| id + 1);
        let (leaving, gone_first, alive, complaints) = Default::default();
        Self {
            limits,
            at,
            good,
            before,
            state,
            since: now,
            pace,
            leaving,
            gone_first,
            alive,
            complaints,
            aborted: false,
            failure,
            next,
            actions: Vec::new(),
        }
    }

    /// What has to be written down, so that a supervisor that is started anew goes on from here.
    pub(super) fn record(&self) -> Record {
        let stage = match &self.state {
            State::Waiting { doing, .. } | State::Alone { doing, .. } => match doing.clone() {
                Doing::Run => Stage::Run,
                Doing::Take(moving) => Stage::Take(moving),
                Doing::Back(back) => Stage::Back(back),
                Doing::Return(back) => Stage::Return(back),
            },
            State::Beside { moving, .. } => Stage::Beside(moving.clone()),
            State::Handing { moving, .. } => Stage::Handing(moving.clone()),
            State::Serving { .. } | State::Stopping | State::Stopped => Stage::Run,
        };
        let (at, good, before) = (self.at.clone(), self.good.clone(), self.before.clone());
        Record { at, good, before, stage, failure: self.failure.clone() }
    }

    /// What comes of an event.
    pub(super) fn on(&mut self, event: Event, now: Time) -> Vec<Action> {
        match event {
            Event::Tick => {}
            Event::Move(moving) => self.begin_move(moving, now),
            Event::Abort => self.abort(now),
            Event::Finalized => {
                self.good = Some(self.at.clone());
                self.before = None;
            }
            Event::Prepared(id) => self.prepared(id, now),
            Event::Ready(id, version) => self.ready(id, &version, now),
            Event::Moved(id, version) => self.has_moved(id, version),
            Event::Progress(id, more) => self.progress(id, more, now),
            Event::Alive(id, within) => self.is_alive(id, within, now),
            Event::Complains(id, why) => {
                self.complaints.insert(id, why);
            }
            Event::HandedOver(id) => self.handed_over(id, now),
            Event::Stays(id) => self.stays(id),
            Event::Exited(id, exit) => self.exited(id, &exit, now),
            Event::Stop => self.stop(now),
        }
        self.due(now);
        std::mem::take(&mut self.actions)
    }

    /// When [`Event::Tick`] has something to do.
    pub(super) fn deadline(&self) -> Option<Time> {
        let own = match &self.state {
            State::Waiting { until, .. } => Some(*until).filter(|_| self.gone_first.is_empty()),
            State::Alone { until, .. } | State::Beside { until, .. } | State::Handing { until, .. } => Some(*until),
            State::Serving { .. } => Some(self.since + self.limits.window).filter(|_| !self.is_good()),
            State::Stopping | State::Stopped => None,
        };
        own.into_iter().chain(self.leaving.values().copied()).chain(self.silent_from()).min()
    }

    /// What runs, or is to run.
    pub(super) fn at(&self) -> &Run {
        &self.at
    }

    /// What the last upgrade came from, if there may be a way back.
    pub(super) fn before(&self) -> Option<&Run> {
        self.before.as_ref()
    }

    /// What was seen to be good last.
    pub(super) fn good(&self) -> Option<&Run> {
        self.good.as_ref()
    }

    /// The program that serves.
    pub(super) fn serving(&self) -> Option<Id> {
        match self.state {
            State::Serving { id } => Some(id),
            State::Beside { old, .. } => Some(old),
            _ => None,
        }
    }

    /// Whether a move could begin.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state, State::Serving { .. }) && self.leaving.is_empty() && self.gone_first.is_empty()
    }

    /// The move that is under way.
    pub(super) fn moving(&self) -> Option<(&Run, bool)> {
        match &self.state {
            State::Beside { moving, .. } | State::Handing { moving, .. } => Some((&moving.to, moving.back)),
            State::Waiting { doing, .. } | State::Alone { doing, .. } => match doing {
                Doing::Run => None,
                Doing::Take(moving) => Some((&moving.to, moving.back)),
                Doing::Back(back) | Doing::Return(back) => Some((&back.to, true)),
            },
            _ => None,
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        matches!(self.state, State::Stopped)
    }

    /// Crashes that still count.
    pub(super) fn crashes(&self) -> usize {
        self.pace.crashes()
    }

    /// When a program is started again.
    pub(super) fn restarts_at(&self) -> Option<Time> {
        match &self.state {
            State::Waiting { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// When the program that is started, or told to hand over, is given up.
    pub(super) fn gives_up_at(&self) -> Option<Time> {
        match &self.state {
            State::Alone { until, .. } | State::Beside { until, .. } | State::Handing { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// The release that callers wait for: the one before has let the state go, and this one has its time to be ready.
    pub(super) fn awaited(&self) -> Option<&Version> {
        match &self.state {
            State::Alone { doing: Doing::Take(moving), .. } => Some(&moving.to.release),
            _ => None,
        }
    }

    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    fn is_good(&self) -> bool {
        self.good.as_ref() == Some(&self.at)
    }

    fn begin_move(&mut self, moving: Move, now: Time) {
        let State::Serving { id } = self.state else {
            return self.actions.push(Action::Tell(Err(Failed::busy())));
        };
        if !self.is_idle() {
            return self.actions.push(Action::Tell(Err(Failed::busy())));
        }
        if !moving.back {
            // Whoever goes on from here trusts it.
            self.good = Some(self.at.clone());
        }
        (self.failure, self.aborted) = (None, false);
        self.pace.forget();
        let new = self.start(Launch { release: moving.to.release.clone(), told: Told::Run(moving.to.version.clone()) });
        self.state = State::Beside { old: id, new, moving, until: now + self.limits.ready };
    }

    fn prepared(&mut self, id: Id, now: Time) {
        if let State::Beside { old, new, moving, .. } = &self.state
            && *new == id
        {
            let (old, moving) = (*old, moving.clone());
            self.actions.push(Action::HandOver(old, moving.clone()));
            self.state = State::Handing { old, new: Some(id), moving, until: now + self.limits.ready };
        }
    }

    fn ready(&mut self, id: Id, version: &Version, now: Time) {
        match self.state.clone() {
            State::Alone { id: alone, doing, .. } if alone == id => match doing {
                Doing::Run if *version == self.at.version => self.serve(id, now),
                Doing::Take(moving) if *version == moving.to.version => self.arrived(id, moving, now),
                Doing::Return(back) if *version == back.to.version => self.returned(id, back, now),
                doing => {
                    self.terminate(id, now);
                    self.ended(doing, id, &Exit::Other(version.clone()), now);
                }
            },
            // The lock is free, so the old one has nothing any more, whether its end was seen or not.
            State::Beside { old, new, moving, .. } | State::Handing { old, new: Some(new), moving, .. }
                if new == id =>
            {
                self.leaves(old, now);
                if *version == moving.to.version {
                    self.arrived(id, moving, now);
                } else {
                    self.terminate(id, now);
                    self.ended(Doing::Take(moving), id, &Exit::Other(version.clone()), now);
                }
            }
            _ => {}
        }
    }

    /// An upgrade within the program: it has not crashed over it, and is as good as it was.
    fn has_moved(&mut self, id: Id, version: Version) {
        if matches!(self.state, State::Serving { id: serving } if serving == id) && version != self.at.version {
            self.before = self.at.moves(version);
            self.good = Some(self.at.clone());
        }
    }

    fn progress(&mut self, id: Id, more: Option<Duration>, now: Time) {
        let limit = now + more.unwrap_or(self.limits.ready);
        match &mut self.state {
            State::Alone { id: alone, until, .. } if *alone == id => *until = limit.max(*until),
            State::Beside { new, until, .. } if *new == id => *until = limit.max(*until),
            State::Handing { old, new, until, .. } if *old == id || *new == Some(id) => *until = limit.max(*until),
            _ => {}
        }
    }

    fn handed_over(&mut self, id: Id, now: Time) {
        if let State::Handing { old, .. } = self.state
            && old == id
        {
            self.leaves(id, now);
            self.old_is_gone(now);
        }
    }

    fn stays(&mut self, id: Id) {
        if let State::Handing { old, new, .. } = self.state.clone()
            && old == id
        {
            if let Some(new) = new {
                self.kill(new);
            }
            self.state = State::Serving { id: old };
            self.actions.push(Action::Tell(Err(Failed { how: How::Stayed, why: String::new() })));
        }
    }

    fn serve(&mut self, id: Id, now: Time) {
        (self.state, self.since) = (State::Serving { id }, now);
        if self.good.is_none() {
            // There is nothing better to go back to.
            self.good = Some(self.at.clone());
        }
    }

    fn arrived(&mut self, id: Id, moving: Move, now: Time) {
        // Another release at the same version leads back to where the one before led.
        if moving.from.version != moving.to.version {
            self.before = (!moving.back).then(|| moving.from.clone());
        }
        if moving.back {
            self.good = Some(moving.to.clone());
        }
        self.at = moving.to;
        self.pace.forget();
        self.serve(id, now);
        self.actions.push(Action::Tell(Ok(self.at.clone())));
    }

    fn returned(&mut self, id: Id, back: Back, now: Time) {
        self.failure = Some(back.told());
        if back.to != self.at {
            self.at = back.to;
            self.before = None;
        }
        self.good = Some(self.at.clone());
        self.pace.forget();
        self.serve(id, now);
        self.actions.push(Action::Tell(Err(Failed { how: How::Back, why: back.why })));
    }

    fn stop(&mut self, now: Time) {
        let alive: Vec<Id> = match self.state {
            State::Alone { id, .. } | State::Serving { id } => vec![id],
            State::Beside { old, new, .. } | State::Handing { old, new: Some(new), .. } => {
                // It has nothing of the state, and would only take it for a moment.
                self.kill(new);
                vec![old]
            }
            State::Handing { old, new: None, .. } => vec![old],
            State::Waiting { .. } => Vec::new(),
            State::Stopping | State::Stopped => return,
        };
        for id in alive {
            self.terminate(id, now);
        }
        self.state = State::Stopping;
    }

    /// Does what the time has come for.
    fn due(&mut self, now: Time) {
        self.end_silent(now);
        let late: Vec<Id> = self.leaving.iter().filter(|(_, until)| **until <= now).map(|(id, _)| *id).collect();
        for id in late {
            self.kill(id);
        }
        match self.state.clone() {
            State::Waiting { doing, until } if until <= now && self.gone_first.is_empty() => {
                let launch = doing.launch(&self.at);
                let id = self.start(launch);
                self.state = State::Alone { id, doing, until: now + self.limits.ready };
            }
            State::Alone { id, doing, until } if until <= now => {
                self.kill(id);
                self.ended(doing, id, &Exit::Late, now);
                self.due(now);
            }
            State::Beside { old, new, until, .. } if until <= now => {
                self.kill(new);
                self.not_begun(old, new, &Exit::Late);
            }
            // Calls wait at it, and it does not end: whatever it is at, the state's journal knows.
            State::Handing { old, until, .. } if until <= now => {
                self.kill(old);
                self.old_is_gone(now);
                self.due(now);
            }
            State::Serving { .. } if !self.is_good() && self.since + self.limits.window <= now => {
                self.good = Some(self.at.clone());
                self.pace.forget();
            }
            State::Stopping if self.leaving.is_empty() && self.gone_first.is_empty() => {
                self.state = State::Stopped;
            }
            _ => {}
        }
    }

    fn start(&mut self, launch: Launch) -> Id {
        let id = self.next;
        self.next += 1;
        self.actions.push(Action::Start(id, launch));
        id
    }

    /// It is to end by itself, within its time.
    fn leaves(&mut self, id: Id, now: Time) {
        if !self.gone_first.contains(&id) {
            self.leaving.entry(id).or_insert(now + self.limits.stop);
        }
    }

    fn kill(&mut self, id: Id) {
        let asked = self.leaving.remove(&id).is_some();
        if self.gone_first.insert(id) || asked {
            self.actions.push(Action::Kill(id));
        }
    }

    /// Asks it to end, because callers may be with it; it has to be gone before another one starts.
    fn terminate(&mut self, id: Id, now: Time) {
        self.gone_first.insert(id);
        self.leaving.insert(id, now + self.limits.stop);
        self.actions.push(Action::Terminate(id));
    }
}

/// Goes back with the newer program where that is possible, and returns at once where not.
fn first_back(back: Back) -> Doing {
    if back.needs_newer() { Doing::Back(back) } else { Doing::Return(back) }
}
