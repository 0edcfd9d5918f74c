//! What a step can lose: what one version can say and the other one has no place for.

use std::collections::BTreeMap;
use std::fmt;

use super::evidence::passes;
use crate::protocol::plan::{Direction, MessagePlan, Origin, Policy, Use};
use crate::protocol::{Hop, Protocol};

/// A field that has no counterpart, and what becomes of it where it is set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lost {
    /// Whether it goes up, to the newer version, or down.
    pub(crate) direction: Direction,
    /// The full name of the field, as its own version has it; a path where it lies in messages that are taken apart.
    pub(crate) element: String,
    /// What becomes of it in requests, in responses and in stored data; none where it is met in none.
    pub(crate) policies: [Option<&'static str>; 3],
    /// The line of `step.toml` that says so.
    pub(crate) line: Option<usize>,
}

/// The losses of a step, by direction and field. Methods that pass as they are lose nothing by the way.
pub(super) fn of(protocol: &Protocol, index: usize) -> Vec<Lost> {
    let mut found: BTreeMap<(Direction, String), Lost> = BTreeMap::new();
    each_plan(protocol, index, |plan, direction, used| add((protocol, index), plan, direction, used, &mut found));
    found.into_values().collect()
}

/// What calls of one method can lose where they cross a step upwards by rules, and their answers downwards.
pub(super) fn of_past_hop(protocol: &Protocol, index: usize, method: usize) -> Vec<Lost> {
    let (step, old, new) = (&protocol.steps()[index], &protocol.versions()[index], &protocol.versions()[index + 1]);
    let mut found = BTreeMap::new();
    let Hop::Rules { counterpart, .. } = step.past()[method] else { return Vec::new() };
    let (caller, object) = (old.methods()[method].descriptor(), new.methods()[counterpart].descriptor());
    for (direction, used, source, target) in [
        (Direction::Up, Use::Request, caller.input(), object.input()),
        (Direction::Down, Use::Response, object.output(), caller.output()),
    ] {
        for plan in step.plans(direction).reached(source.full_name(), target.full_name(), used) {
            add((protocol, index), plan, direction, used, &mut found);
        }
    }
    found.into_values().collect()
}

/// Each plan that calls by rules or stored data meet, with the way that messages go and what they are.
pub(super) fn each_plan(protocol: &Protocol, index: usize, mut see: impl FnMut(&MessagePlan, Direction, Use)) {
    let (step, old, new) = (&protocol.steps()[index], &protocol.versions()[index], &protocol.versions()[index + 1]);
    // Many methods share messages.
    let mut seen = std::collections::HashSet::new();
    for (direction, hops, callers, node) in
        [(Direction::Up, step.past(), old, new), (Direction::Down, step.future(), new, old)]
    {
        let back = if direction == Direction::Up { Direction::Down } else { Direction::Up };
        for (method, hop) in callers.methods().iter().zip(hops) {
            let Hop::Rules { counterpart, .. } = hop else { continue };
            let (caller, object) = (method.descriptor(), node.methods()[*counterpart].descriptor());
            let ways = [
                (direction, Use::Request, caller.input(), object.input()),
                (back, Use::Response, object.output(), caller.output()),
            ];
            for (direction, used, source, target) in ways {
                if !seen.insert((direction, used, source.full_name().to_owned(), target.full_name().to_owned())) {
                    continue;
                }
                for plan in step.plans(direction).reached(source.full_name(), target.full_name(), used) {
                    see(plan, direction, used);
                }
            }
        }
        for plan in step.plans(direction).iter(Use::Stored) {
            see(plan, direction, Use::Stored);
        }
    }
}

fn add(
    (protocol, index): (&Protocol, usize),
    plan: &MessagePlan,
    direction: Direction,
    used: Use,
    found: &mut BTreeMap<(Direction, String), Lost>,
) {
    let version = if direction == Direction::Up { index } else { index + 1 };
    for loss in &plan.losses {
        let element = format!("{}.{}", plan.source.full_name(), loss.path);
        // What becomes of it nobody has said yet.
        if plan.open.iter().any(|open| open.element == element) {
            continue;
        }
        let lost = found.entry((direction, element.clone())).or_insert_with(|| Lost {
            direction,
            element,
            policies: [None; 3],
            line: None,
        });
        lost.policies[used as usize] = Some(match loss.policies.of(used) {
            Policy::Pass if !passes(protocol, version, plan, &loss.path) && used == Use::Response => "dropped",
            Policy::Pass if passes(protocol, version, plan, &loss.path) => "passed",
            Policy::Refuse | Policy::Pass => "refused",
            Policy::Drop => "dropped",
        });
        if let Origin::Line(line) = loss.origin {
            lost.line = Some(line);
        }
    }
}

impl Lost {
    /// The uses and what becomes of the field in each.
    pub(crate) fn by_use(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let uses = ["request", "response", "stored"];
        uses.into_iter().zip(self.policies).filter_map(|(used, policy)| Some((used, policy?)))
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: Vec<String> = self
            .by_use()
            .map(|(used, policy)| match used {
                "stored" => format!("{policy} in stored data"),
                used => format!("{policy} in a {used}"),
            })
            .collect();
        write!(formatter, "{}: {}", self.element, told.join(", "))?;
        if let Some(line) = self.line {
            write!(formatter, " (step.toml:{line})")?;
        }
        Ok(())
    }
}
