//! How the methods of a step cross it, counted; and what nobody has decided.

use serde_json::{Value, json};

use crate::protocol::plan::{Direction, Use};
use crate::protocol::{Cause, Hop, Protocol};

/// The hops of one side of a step.
#[derive(Default)]
pub(super) struct Tally {
    same: usize,
    rules: usize,
    code: usize,
    refused: usize,
    /// Of the refused, those that nobody has decided.
    open: usize,
}

impl Tally {
    pub(super) fn of(hops: &[Hop]) -> Self {
        let mut tally = Self::default();
        for hop in hops {
            match hop {
                Hop::Same { .. } => tally.same += 1,
                Hop::Rules { .. } => tally.rules += 1,
                Hop::Code { .. } => tally.code += 1,
                Hop::Refused(cause) => {
                    tally.refused += 1;
                    tally.open += usize::from(matches!(cause, Cause::Open(_)));
                }
            }
        }
        tally
    }

    pub(super) fn text(&self) -> String {
        let Self { same, rules, code, refused, open } = self;
        let open = if *open == 0 { String::new() } else { format!(" ({open} of them open)") };
        format!("{same} same, {rules} by rules, {code} by code, {refused} refused{open}")
    }

    pub(super) fn json(&self) -> Value {
        let Self { same, rules, code, refused, open } = self;
        json!({ "same": same, "rules": rules, "code": code, "refused": refused, "open": open })
    }
}

/// What is open in the step with this index, a line each: methods, or, in a protocol that has none, messages.
pub(super) fn open(protocol: &Protocol, index: usize) -> Vec<String> {
    let (step, old, new) = (&protocol.steps()[index], &protocol.versions()[index], &protocol.versions()[index + 1]);
    let mut found = Vec::new();
    for (side, schema, hops) in [("past", old, step.past()), ("future", new, step.future())] {
        for (method, hop) in schema.methods().iter().zip(hops) {
            if let Hop::Refused(Cause::Open(differences)) = hop {
                let why = differences.first().map(|difference| format!(": {difference}")).unwrap_or_default();
                found.push(format!("{} -> {}, {side}: {}{why}", step.from(), step.to(), method.full_name()));
            }
        }
    }
    if old.methods().is_empty() && new.methods().is_empty() {
        for direction in [Direction::Up, Direction::Down] {
            for open in step.plans(direction).iter(Use::Stored).flat_map(|plan| &plan.open) {
                found.push(format!("{} -> {}: {} {}", step.from(), step.to(), open.element, open.what));
            }
        }
    }
    found
}
