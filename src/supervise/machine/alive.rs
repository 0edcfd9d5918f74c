//! Programs that hang: they have said that they are alive, and say so no more.
//!
//! Only the one that callers are with is watched. Whoever takes the state over has its time to be ready, and whoever has let it go
//! has its time to end. One that never says that it is alive is let be: it need not know how.

use std::time::Duration;

use super::{Id, Machine, State, Time};

/// A supervisor that looks so much later than it wanted to was held up itself.
const HELD_UP: Duration = Duration::from_secs(1);

impl Machine {
    pub(super) fn is_alive(&mut self, id: Id, within: Duration, now: Time) {
        self.alive.insert(id, (now + within, within));
    }

    /// When the program that callers are with counts as one that hangs.
    pub(super) fn silent_from(&self) -> Option<Time> {
        self.accepting().and_then(|id| self.alive.get(&id)).map(|(until, _)| *until)
    }

    /// Ends it, when that time has come.
    pub(super) fn end_silent(&mut self, now: Time) {
        let Some(id) = self.accepting() else { return };
        let Some((until, within)) = self.alive.get(&id).copied().filter(|(until, _)| *until <= now) else { return };
        if now > until + HELD_UP {
            // Nobody has listened in time, so nobody knows what it has said.
            return self.is_alive(id, within, now);
        }
        self.alive.remove(&id);
        self.complaints.insert(id, format!("it did not say for {within:?} that it is alive"));
        self.kill(id);
    }

    /// The program that callers are with, until it has let the state go.
    fn accepting(&self) -> Option<Id> {
        match self.state {
            State::Serving { id } | State::Beside { old: id, .. } | State::Handing { old: id, .. } => Some(id),
            _ => None,
        }
    }
}
