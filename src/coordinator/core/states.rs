//! The states of an upgrade, and what leads from one to the next.
//!
//! ```text
//!              Pause                         Finalize              AllFinal
//!   Running <────────> Paused     ┌──────────────────> Finalizing ──────────> Finalized
//!    │ │  ^   Resume    │         │
//!    │ │  │ Straggler   │         │
//!    │ │  └───────── Complete ────┘
//!    │ └───────────────^ │ │
//!    │     AllThere      │ │
//!    │                   │ │
//!    │ RollBack          │ └ RollBack (RollBack from Paused, too)
//!    └──────────────> RollingBack ───────────> RolledBack
//!                                    AllBack
//! ```
//!
//! In `Complete`, Pause and Resume change nothing. Whoever is at the end starts another upgrade.

use crate::control::v1_0_0::UpgradeState as State;

/// What happens to an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Nobody is given a permit any more.
    Pause,
    /// It goes on.
    Resume,
    /// Every node runs the new version.
    AllThere,
    /// A node came that does not.
    Straggler,
    /// It is taken back.
    RollBack,
    /// Every node runs the old version again.
    AllBack,
    /// There is no way back any more.
    Finalize,
    /// Every node has given its way back up.
    AllFinal,
}

impl Event {
    /// Whether somebody, or a gate, has decided it; the others come when nodes are where they are to be.
    pub(super) fn is_somebodys(self) -> bool {
        matches!(self, Self::Pause | Self::Resume | Self::RollBack | Self::Finalize)
    }
}

/// The whole of it: what is not in here does not happen.
const TABLE: &[(State, Event, State)] = &[
    (State::Running, Event::Pause, State::Paused),
    (State::Running, Event::AllThere, State::Complete),
    (State::Running, Event::RollBack, State::RollingBack),
    (State::Paused, Event::Resume, State::Running),
    (State::Paused, Event::RollBack, State::RollingBack),
    (State::Complete, Event::Straggler, State::Running),
    (State::Complete, Event::RollBack, State::RollingBack),
    (State::Complete, Event::Finalize, State::Finalizing),
    (State::RollingBack, Event::AllBack, State::RolledBack),
    (State::Finalizing, Event::AllFinal, State::Finalized),
];

/// The state after an event; none when it knows no answer to it.
pub(super) fn after(state: State, event: Event) -> Option<State> {
    TABLE.iter().find(|(from, on, _)| (*from, *on) == (state, event)).map(|(_, _, next)| *next)
}

/// Whether nothing leads out of a state.
pub(super) fn is_end(state: State) -> bool {
    !TABLE.iter().any(|(from, _, _)| *from == state)
}

/// A state in a word for people.
pub(super) fn word(state: State) -> &'static str {
    match state {
        State::Unspecified => "unknown",
        State::Running => "running",
        State::Paused => "paused",
        State::Complete => "complete",
        State::RollingBack => "rolling back",
        State::RolledBack => "rolled back",
        State::Finalizing => "finalizing",
        State::Finalized => "finalized",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [State; 7] = [
        State::Running,
        State::Paused,
        State::Complete,
        State::RollingBack,
        State::RolledBack,
        State::Finalizing,
        State::Finalized,
    ];

    #[test]
    fn every_state_is_reached_from_the_first_and_leads_to_an_end() {
        for state in ALL {
            assert!(reached(State::Running).contains(&state), "{}", word(state));
            assert!(reached(state).into_iter().any(is_end), "{}", word(state));
        }
    }

    #[test]
    fn nothing_that_is_final_is_taken_back() {
        assert!(!reached(State::Finalizing).contains(&State::RollingBack));
        assert!(is_end(State::Finalized) && is_end(State::RolledBack));
    }

    #[test]
    fn no_state_answers_an_event_in_two_ways() {
        for (index, (state, event, _)) in TABLE.iter().enumerate() {
            assert!(!TABLE[index + 1..].iter().any(|(other, on, _)| (other, on) == (state, event)));
        }
    }

    fn reached(from: State) -> Vec<State> {
        let mut reached = vec![from];
        let mut next = 0;
        while let Some(state) = reached.get(next).copied() {
            next += 1;
            for (_, _, to) in TABLE.iter().filter(|(on, _, _)| *on == state) {
                if !reached.contains(to) {
                    reached.push(*to);
                }
            }
        }
        reached
    }
}
