//! Whose turn it is to write: there is one write at a time, and work in the background does not come between two writes that
//! wait, or only now and then.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How many writes work in the background lets go before it.
const PATIENCE: u32 = 4;

#[derive(Debug, Default)]
pub(super) struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    writing: bool,
    waiting: usize,
    /// How many writes have gone before the work in the background that waits.
    passed: u32,
}

/// The turn to write, until it is dropped.
#[must_use]
#[derive(Debug)]
pub(super) struct Turn<'t>(&'t Turns);

impl Turns {
    /// Waits for the turn to write what somebody waits for.
    pub(super) fn write(&self) -> Turn<'_> {
        let mut state = self.lock();
        state.waiting += 1;
        while state.writing {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting -= 1;
        state.passed = state.passed.saturating_add(1);
        self.taken(state)
    }

    /// Waits for the turn to write what nobody waits for. One at a time does so.
    pub(super) fn work(&self) -> Turn<'_> {
        let mut state = self.lock();
        state.passed = 0;
        while state.writing || (state.waiting > 0 && state.passed < PATIENCE) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        self.taken(state)
    }

    fn taken<'t>(&'t self, mut state: MutexGuard<'t, State>) -> Turn<'t> {
        state.writing = true;
        Turn(self)
    }

    /// Nothing can be half done where a panic poisons the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().writing = false;
        self.0.changed.notify_all();
    }
}
