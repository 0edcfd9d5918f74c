//! What comes after a program that has ended: the table above the machine.

use super::facts::{Back, Doing, Exit, Failed, How, Move};
use super::{Action, Id, Machine, State, Time, first_back};

impl Machine {
    /// A program has ended.
    pub(super) fn exited(&mut self, id: Id, exit: &Exit, now: Time) {
        self.leaving.remove(&id);
        self.gone_first.remove(&id);
        match self.state.clone() {
            State::Alone { id: alone, doing, .. } if alone == id => self.ended(doing, id, exit, now),
            State::Serving { id: serving } if serving == id => self.ended(Doing::Run, id, exit, now),
            // The lock is free, and the new one waits for it.
            State::Beside { old, new, moving, .. } if old == id => {
                self.state = State::Alone { id: new, doing: Doing::Take(moving), until: now + self.limits.ready };
            }
            State::Beside { old, new, .. } if new == id => self.not_begun(old, new, exit),
            State::Handing { old, .. } if old == id => self.old_is_gone(now),
            State::Handing { old, new: Some(new), moving, until } if new == id => {
                // The old one cannot be stopped any more; then the new one is started again.
                self.pace.crashed(now);
                self.state = State::Handing { old, new: None, moving, until };
            }
            _ => {}
        }
        self.complaints.remove(&id);
        self.alive.remove(&id);
    }

    /// What was alone has ended, or is killed because it has to.
    pub(super) fn ended(&mut self, doing: Doing, id: Id, exit: &Exit, now: Time) {
        let why = self.why(id, exit);
        match doing {
            Doing::Run => self.run_ended(why, now),
            Doing::Take(moving) => self.take_ended(moving, exit, why, now),
            Doing::Back(back) if exit.is_done() => self.then(Doing::Return(back), now),
            Doing::Back(back) if exit.is_failed() => self.no_way_back(back, &why, now),
            Doing::Back(back) => self.later(Doing::Return(back), now),
            // It says itself that the state is beyond it.
            Doing::Return(back) if exit.is_cannot() && back.needs_newer() => self.then(Doing::Back(back), now),
            Doing::Return(back) => self.later(first_back(back), now),
        }
    }

    /// The new one ended, or has to, before the old one was told anything.
    pub(super) fn not_begun(&mut self, old: Id, new: Id, exit: &Exit) {
        let why = self.why(new, exit);
        let how = if matches!(exit, Exit::Code(_)) && exit.is_cannot() { How::Cannot } else { How::NotBegun };
        if let State::Beside { moving, .. } = &self.state {
            self.failure = Some(format!("release {}: {why}", moving.to.release));
        }
        self.state = State::Serving { id: old };
        self.actions.push(Action::Tell(Err(Failed { how, why })));
    }

    /// The state is free for the new one.
    pub(super) fn old_is_gone(&mut self, now: Time) {
        let State::Handing { new, moving, .. } = self.state.clone() else { return };
        if std::mem::take(&mut self.aborted) {
            return self.take_aborted(moving, now);
        }
        let doing = Doing::Take(moving);
        self.state = match new {
            Some(id) => State::Alone { id, doing, until: now + self.limits.ready },
            None => State::Waiting { doing, until: now },
        };
    }

    pub(super) fn take_aborted(&mut self, moving: Move, now: Time) {
        let exit = Exit::Aborted;
        self.take_ended(moving, &exit, exit.to_string(), now);
    }

    fn run_ended(&mut self, why: String, now: Time) {
        self.failure = Some(format!("release {}: {why}", self.at.release));
        let too_many = self.pace.crashed(now);
        match self.good.clone() {
            Some(good) if too_many && good != self.at => {
                let back = Back { from: self.at.clone(), to: good, why };
                self.pace.forget();
                self.then(first_back(back), now);
            }
            _ => self.later_again(Doing::Run, now),
        }
    }

    fn take_ended(&mut self, moving: Move, exit: &Exit, why: String, now: Time) {
        let hopeless = exit.is_failed() || exit.is_cannot() || exit.is_hopeless();
        if hopeless || self.pace.crashed(now) {
            self.pace.forget();
            let back = Back { from: moving.to.clone(), to: moving.from.clone(), why };
            // Nobody was answered by the new one, so the old one can undo what it finds.
            self.then(Doing::Return(back), now);
        } else {
            self.later_again(Doing::Take(moving), now);
        }
    }

    /// The newer one is all that can run.
    fn no_way_back(&mut self, back: Back, why: &str, now: Time) {
        let why = format!("{}; and it cannot go back: {why}", back.why);
        self.failure = Some(format!("release {}: {why}", back.from.release));
        self.at = back.from;
        (self.good, self.before) = (Some(self.at.clone()), None);
        self.actions.push(Action::Tell(Err(Failed { how: How::NoWayBack, why })));
        self.later(Doing::Run, now);
    }

    fn then(&mut self, doing: Doing, now: Time) {
        self.state = State::Waiting { doing, until: now };
    }

    /// Counts a crash, and waits.
    fn later(&mut self, doing: Doing, now: Time) {
        self.pace.crashed(now);
        self.later_again(doing, now);
    }

    fn later_again(&mut self, doing: Doing, now: Time) {
        self.state = State::Waiting { doing, until: now + self.pace.wait() };
    }

    /// What it said itself, or what is seen of it.
    pub(in crate::supervise) fn why(&self, id: Id, exit: &Exit) -> String {
        match self.complaints.get(&id) {
            Some(said) => format!("{said}: {exit}"),
            None => exit.to_string(),
        }
    }
}
