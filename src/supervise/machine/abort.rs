//! A move that somebody does not want any more: the program before serves on, or is started again.

use super::facts::{Doing, Exit};
use super::{Machine, State, Time};

impl Machine {
    /// Whether a move is under way that can be given up. One that goes back already goes on to its end.
    pub(in crate::supervise) fn can_abort(&self) -> bool {
        match &self.state {
            State::Beside { .. } | State::Handing { .. } => true,
            State::Alone { doing, .. } | State::Waiting { doing, .. } => matches!(doing, Doing::Take(_)),
            State::Serving { .. } | State::Stopping | State::Stopped => false,
        }
    }

    pub(super) fn abort(&mut self, now: Time) {
        match self.state.clone() {
            State::Beside { old, new, .. } => {
                self.kill(new);
                self.not_begun(old, new, &Exit::Aborted);
            }
            // It comes to the end of what it was told; then the program before is started again.
            State::Handing { old, new, moving, until } => {
                if let Some(new) = new {
                    self.kill(new);
                }
                self.aborted = true;
                self.state = State::Handing { old, new: None, moving, until };
            }
            State::Alone { id, doing: doing @ Doing::Take(_), .. } => {
                self.kill(id);
                self.ended(doing, id, &Exit::Aborted, now);
            }
            State::Waiting { doing: Doing::Take(moving), .. } => self.take_aborted(moving, now),
            _ => {}
        }
    }
}
