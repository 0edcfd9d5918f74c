//! The phases of a node, and what leads from one to the next.
//!
//! ```text
//!            Learn            Permit            Quiesce
//!  Serving ────────> Learned ────────> Permitted ────────┐
//!   │ │ ^ ^             │ Forget          │ Forget       │
//!   │ │ │ └─────────────┴─────────────────┘              v
//!   │ │ │                                            Quiescing
//!   │ │ │                 Rollback                    │  │  ^
//!   │ │ └─ · ─────────────────────────────────────────┼──┼──┘
//!   │ │    Fail, from any of these:        Transform  │  │ Reverse
//!   │ │    Quiescing, Transforming, Reversing,        v  v
//!   │ │    Switching, Verifying            Transforming  Reversing
//!   │ │                                           Switch │  │ Switch
//!   │ │ Finalize          Release             Verify     v  v
//!   │ │            ┌───────────── Verifying <────────── Switching
//!   │ v            v
//!   │ Finalizing ──> Serving
//!   │       Freed
//!   └─ Rollback ──> Quiescing
//! ```
//!
//! Nothing that callers were told is lost on any way: until Release, calls wait, so that Fail can always go back to what
//! was served before.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a node is doing about its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It serves, and nothing is under way.
    Serving,
    /// It has heard of an upgrade; it serves.
    Learned,
    /// It may upgrade now; it serves.
    Permitted,
    /// New calls wait, running ones finish, background work stops.
    Quiescing,
    /// The new state is made from the old one.
    Transforming,
    /// The old state is made from the new one.
    Reversing,
    /// The pointer is being moved to the epoch that was made.
    Switching,
    /// The object of that epoch shows whether it is sane; calls still wait.
    Verifying,
    /// The epoch that was kept for rollback is being removed; it serves.
    Finalizing,
}

/// What leads from one phase to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// There is an upgrade.
    Learn,
    /// There is none any more.
    Forget,
    /// Now.
    Permit,
    /// Calls are held back, for an upgrade.
    Quiesce,
    /// Calls are held back, for a rollback.
    Rollback,
    /// The transform function begins.
    Transform,
    /// The reverse function begins.
    Reverse,
    /// The epoch is made; the pointer moves.
    Switch,
    /// The pointer has moved; the object is tried.
    Verify,
    /// The object is sane; calls go on.
    Release,
    /// Something went wrong before calls went on: back to what was served before.
    Fail,
    /// There is no way back any more.
    Finalize,
    /// What was kept for it is gone.
    Freed,
}

/// The whole of it: what is not in here is illegal.
const TABLE: &[(Phase, Event, Phase)] = &[
    (Phase::Serving, Event::Learn, Phase::Learned),
    (Phase::Serving, Event::Rollback, Phase::Quiescing),
    (Phase::Serving, Event::Finalize, Phase::Finalizing),
    (Phase::Learned, Event::Forget, Phase::Serving),
    (Phase::Learned, Event::Permit, Phase::Permitted),
    (Phase::Permitted, Event::Forget, Phase::Serving),
    (Phase::Permitted, Event::Quiesce, Phase::Quiescing),
    (Phase::Quiescing, Event::Transform, Phase::Transforming),
    (Phase::Quiescing, Event::Reverse, Phase::Reversing),
    (Phase::Quiescing, Event::Fail, Phase::Serving),
    (Phase::Transforming, Event::Switch, Phase::Switching),
    (Phase::Transforming, Event::Fail, Phase::Serving),
    (Phase::Reversing, Event::Switch, Phase::Switching),
    (Phase::Reversing, Event::Fail, Phase::Serving),
    (Phase::Switching, Event::Verify, Phase::Verifying),
    (Phase::Switching, Event::Fail, Phase::Serving),
    (Phase::Verifying, Event::Release, Phase::Serving),
    (Phase::Verifying, Event::Fail, Phase::Serving),
    (Phase::Finalizing, Event::Freed, Phase::Serving),
];

/// An event that the phase knows no answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a node that is {phase} cannot {event}; it can {}", .phase.choices())]
pub struct IllegalEvent {
    /// The phase.
    pub phase: Phase,
    /// The event.
    pub event: Event,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 9] = [
        Self::Serving,
        Self::Learned,
        Self::Permitted,
        Self::Quiescing,
        Self::Transforming,
        Self::Reversing,
        Self::Switching,
        Self::Verifying,
        Self::Finalizing,
    ];

    /// The phase after `event`.
    ///
    /// # Errors
    /// When the phase knows no answer to it.
    pub fn after(self, event: Event) -> Result<Self, IllegalEvent> {
        let found = TABLE.iter().find(|(phase, on, _)| (*phase, *on) == (self, event));
        found.map(|(_, _, next)| *next).ok_or(IllegalEvent { phase: self, event })
    }

    /// Whether callers are answered in this phase, rather than held back.
    #[must_use]
    pub fn answers_callers(self) -> bool {
        matches!(self, Self::Serving | Self::Learned | Self::Permitted | Self::Finalizing)
    }

    /// The events that the phase has an answer to, for people.
    fn choices(self) -> String {
        let events: Vec<String> =
            TABLE.iter().filter(|(phase, _, _)| *phase == self).map(|(_, event, _)| event.to_string()).collect();
        events.join(", ")
    }
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 13] = [
        Self::Learn,
        Self::Forget,
        Self::Permit,
        Self::Quiesce,
        Self::Rollback,
        Self::Transform,
        Self::Reverse,
        Self::Switch,
        Self::Verify,
        Self::Release,
        Self::Fail,
        Self::Finalize,
        Self::Freed,
    ];
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&format!("{self:?}").to_lowercase())
    }
}

impl fmt::Display for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&format!("{self:?}").to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_phase_but_serving_leads_back_to_serving_and_is_reached_from_there() {
        for phase in Phase::ALL {
            assert!(leads(phase, Phase::Serving), "{phase} does not lead to serving");
            assert!(leads(Phase::Serving, phase), "serving does not lead to {phase}");
        }
    }

    #[test]
    fn each_event_has_a_phase_that_answers_it_and_no_phase_answers_it_in_two_ways() {
        for event in Event::ALL {
            assert!(Phase::ALL.into_iter().any(|phase| phase.after(event).is_ok()), "nothing answers {event}");
        }
        for (index, (phase, event, _)) in TABLE.iter().enumerate() {
            let twice = TABLE[index + 1..].iter().any(|(other, on, _)| (other, on) == (phase, event));
            assert!(!twice, "{phase} answers {event} in two ways");
        }
    }

    #[test]
    fn a_phase_that_holds_callers_back_can_fail_and_one_that_answers_them_cannot() {
        for phase in Phase::ALL {
            assert_eq!(phase.after(Event::Fail).is_ok(), !phase.answers_callers(), "{phase}");
        }
    }

    #[test]
    fn an_illegal_event_says_what_is_legal() {
        let error = Phase::Learned.after(Event::Switch).unwrap_err();
        assert_eq!(error.to_string(), "a node that is learned cannot switch; it can forget, permit");
    }

    fn leads(from: Phase, to: Phase) -> bool {
        let mut reached = vec![from];
        let mut next = 0;
        while let Some(phase) = reached.get(next).copied() {
            next += 1;
            for after in Event::ALL.into_iter().filter_map(|event| phase.after(event).ok()) {
                if !reached.contains(&after) {
                    reached.push(after);
                }
            }
        }
        reached.contains(&to)
    }
}
