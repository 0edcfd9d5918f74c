//! Moves that begin where nobody is answered, as in a program that takes a state over: whoever calls waits already, so that
//! phases in which nothing is done need no write of their own.

use std::path::PathBuf;

use super::{Phase, StateError, StateFolder, Version, Way};

impl StateFolder {
    /// Begins the upgrade to `to`, and to make its epoch: [`learn`](Self::learn), [`permit`](Self::permit),
    /// [`quiesce`](Self::quiesce) and [`transform`](Self::transform), as far as they did not come before. Only the last of
    /// them is written down, since nothing is done in the others while nobody is answered; after a crash before that, nothing
    /// has begun.
    ///
    /// # Errors
    /// As those. In a phase that answers callers nothing has begun; else [`fail`](Self::fail) leads back.
    pub fn transform_at_rest(&mut self, to: &Version) -> Result<PathBuf, StateError> {
        let known = self.status.under_way.as_ref().map(|under_way| under_way.to == *to && !under_way.on_word);
        if known == Some(false) {
            self.forget()?;
        }
        self.passing_to(|state| {
            if known != Some(true) {
                state.learn(to)?;
            }
            if state.status.phase == Phase::Learned {
                state.permit()?;
            }
            state.quiesce()?;
            state.enter_making(Way::On)
        })?;
        self.make_target()
    }

    /// The same for the way back: [`rollback`](Self::rollback) and [`reverse`](Self::reverse).
    ///
    /// # Errors
    /// As those. In a phase that answers callers nothing has begun; else [`fail`](Self::fail) leads back.
    pub fn reverse_at_rest(&mut self) -> Result<PathBuf, StateError> {
        self.passing_to(|state| {
            state.rollback()?;
            state.enter_making(Way::Back)
        })?;
        self.make_target()
    }

    /// Writes down where these steps lead to.
    fn passing_to(&mut self, steps: impl FnOnce(&mut Self) -> Result<(), StateError>) -> Result<(), StateError> {
        let before = self.status.clone();
        self.passing = true;
        let passed = steps(self);
        self.passing = false;
        let there = std::mem::replace(&mut self.status, before);
        passed.and_then(|()| self.enter(there))
    }
}
