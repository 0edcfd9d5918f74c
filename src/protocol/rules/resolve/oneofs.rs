//! Fields that become arms of one oneof: only one of them can be said.

use std::collections::BTreeMap;

use prost_reflect::{FieldDescriptor, OneofDescriptor};

use super::expand::Expansion;
use crate::expression::Expression;
use crate::protocol::plan::{Check, Condition, Direction, Move, Open, Origin};

impl Expansion<'_, '_, '_> {
    /// Refuses messages in which more than one field is set that becomes an arm of the same oneof: the last one would
    /// silently win.
    pub(super) fn arms_exclude_each_other(&mut self) {
        let mut arms: BTreeMap<Vec<String>, Vec<&Move>> = BTreeMap::new();
        for step in &self.moves {
            if let Some(oneof) = oneof(step.to.leaf()) {
                let mut place: Vec<String> = step.to.parents().iter().map(|field| field.name().to_owned()).collect();
                place.push(oneof.name().to_owned());
                arms.entry(place).or_default().push(step);
            }
        }
        let (mut checks, mut open) = (Vec::new(), Vec::new());
        for (place, steps) in arms {
            // Arms of one oneof already exclude each other.
            let exclusive = |one: &Move, other: &Move| {
                one.from.parents() == other.from.parents()
                    && oneof(one.from.leaf()).is_some_and(|held| oneof(other.from.leaf()).as_ref() == Some(&held))
            };
            let Some((first, others)) = steps.split_first() else { continue };
            if others.iter().all(|other| other.from == first.from || exclusive(first, other)) {
                continue;
            }
            match self.more_than_one(&steps) {
                Ok(check) => checks.push(check),
                Err(what) => open.push(Open {
                    element: format!("{}.{}", self.target.full_name(), place.join(".")),
                    what: format!(
                        "several fields become arms of this oneof, and nothing says which one counts: {what}"
                    ),
                }),
            }
        }
        self.said.checks.extend(checks);
        self.open.extend(open);
    }

    fn more_than_one(&self, steps: &[&Move]) -> Result<Check, String> {
        let variable = if self.direction == Direction::Up { "old" } else { "new" };
        let set: Vec<String> = steps
            .iter()
            .map(|step| {
                let has = format!("has({variable}.{})", step.from);
                step.when.as_ref().map_or(has.clone(), |when| format!("{has} && ({})", when.text()))
            })
            .collect();
        let text = format!("size([{}].filter(set, set)) > 1", set.join(", "));
        let condition = Expression::compile(&text, variable, &self.source).map_err(|error| error.what)?;
        let names: Vec<String> = steps.iter().map(|step| format!("`{}`", step.from)).collect();
        let version = match self.direction {
            Direction::Up => self.resolver.names.new.version(),
            Direction::Down => self.resolver.names.old.version(),
        };
        Ok(Check {
            condition: Condition::Holds(condition),
            path: None,
            reason: format!("{} exclude each other in {version}", names.join(" and ")),
            advice: Some("set one of them".to_owned()),
            origin: Origin::Schema,
        })
    }
}

fn oneof(field: &FieldDescriptor) -> Option<OneofDescriptor> {
    field.containing_oneof().filter(|oneof| !oneof.is_synthetic())
}
