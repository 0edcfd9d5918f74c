//! Values that come to lie in one place, or in arms of one oneof: only one of them can be said.

use std::collections::BTreeMap;

use prost_reflect::{FieldDescriptor, OneofDescriptor};

use super::expand::Expansion;
use super::paths::strictly_within;
use crate::expression::Expression;
use crate::protocol::plan::{Check, Condition, Direction, Made, Open, Origin, Path};

/// What writes into a place, and when.
struct Writer<'p> {
    /// The field that it comes from; none for what a rule makes.
    from: Option<&'p Path>,
    to: &'p Path,
    when: Option<&'p Expression>,
    origin: Option<&'p Origin>,
}

/// A place, what is wrong there if several write, and all that does: for each arm, or each for itself.
type Group<'p> = (Vec<String>, &'static str, Vec<Vec<Writer<'p>>>);

impl Writer<'_> {
    /// Whether both never write: they come from one field, or from arms of one oneof.
    fn excludes(&self, other: &Self) -> bool {
        let (Some(one), Some(other)) = (self.from, other.from) else { return false };
        let part = one.fields().iter().zip(other.fields()).find(|(one, other)| one != other);
        one == other || part.is_some_and(|(one, other)| oneof(one).is_some_and(|held| oneof(other) == Some(held)))
    }

    /// That it writes, as an expression over `variable`.
    fn text(&self, variable: &str) -> String {
        let when = self.when.map(|when| format!("({})", when.text()));
        let set = self.from.map(|from| format!("has({variable}.{from})"));
        let parts: Vec<String> = set.into_iter().chain(when).collect();
        if parts.is_empty() { "true".to_owned() } else { parts.join(" && ") }
    }

    fn told(&self) -> String {
        match (self.from, self.origin) {
            (Some(from), _) => format!("`{from}`"),
            (None, Some(Origin::Line(line))) => format!("what line {line} makes"),
            (None, _) => format!("what `{}` is made of", self.to),
        }
    }
}

impl Expansion<'_, '_, '_> {
    /// Refuses messages in which more than one field is set that becomes an arm of the same oneof, or the same field: the
    /// last one would silently win.
    pub(super) fn writers_exclude_each_other(&mut self) {
        // By the place, and by the arm in it.
        let mut arms: BTreeMap<Vec<String>, BTreeMap<u32, Vec<Writer<'_>>>> = BTreeMap::new();
        let mut fields: BTreeMap<Vec<String>, Vec<Writer<'_>>> = BTreeMap::new();
        for (writer, is_container) in self.writers() {
            for (index, field) in writer.to.fields().iter().enumerate() {
                let Some(oneof) = oneof(field) else { continue };
                if !is_container && self.comes_with_a_container(&writer, index) {
                    continue;
                }
                let mut place = names(&writer.to.fields()[..index]);
                place.push(oneof.name().to_owned());
                arms.entry(place).or_default().entry(field.number()).or_default().push(Writer { ..writer });
            }
            if writer.from.is_some() && !is_container {
                fields.entry(names(writer.to.fields())).or_default().push(writer);
            }
        }
        let mut groups: Vec<Group<'_>> = Vec::new();
        for (place, arms) in arms {
            groups.push((place, "several fields become arms of this oneof", arms.into_values().collect()));
        }
        for (place, writers) in fields {
            let each = writers.into_iter().map(|writer| vec![writer]).collect();
            groups.push((place, "several fields become this one", each));
        }
        let (mut checks, mut open) = (Vec::new(), Vec::new());
        for (place, several, sides) in groups {
            if !may_meet(&sides) {
                continue;
            }
            match self.more_than_one(&sides) {
                Ok(check) => checks.push(check),
                Err(what) => open.push(Open {
                    element: format!("{}.{}", self.target.full_name(), place.join(".")),
                    what: format!("{several}, and nothing says which one counts: {what}"),
                }),
            }
        }
        self.said.checks.extend(checks);
        self.open.extend(open);
    }

    /// All that writes, and whether it is a container.
    fn writers(&self) -> Vec<(Writer<'_>, bool)> {
        let containers = self.containers.iter().map(|container| {
            (Writer { from: Some(&container.from), to: &container.to, when: None, origin: None }, true)
        });
        let moves = self.moves.iter().map(|step| {
            (
                Writer { from: Some(&step.from), to: &step.to, when: step.when.as_ref(), origin: Some(&step.origin) },
                false,
            )
        });
        let makes = self.said.makes.iter().filter_map(|make| {
            let from = match &make.value {
                Made::Constant { into_absent, .. } if !make.to.parents().is_empty() && !into_absent => return None,
                // It may come to nothing, which cannot be told before.
                Made::Expression(made) if make.when.is_none() && made.text().contains("null") => return None,
                Made::Constant { .. } | Made::Expression(_) => None,
                Made::Join { from, .. } => from.first(),
                Made::Split { from, .. } => Some(from),
            };
            Some((Writer { from, to: &make.to, when: make.when.as_ref(), origin: Some(&make.origin) }, false))
        });
        // What rules make of nothing goes over what is moved to the same field.
        containers.chain(moves).chain(makes).collect()
    }

    /// Whether a container writes the arm at `index` of a path wherever this one does.
    fn comes_with_a_container(&self, writer: &Writer<'_>, index: usize) -> bool {
        let Some(from) = writer.from else { return false };
        self.containers.iter().any(|container| {
            container.to.fields().len() > index
                && strictly_within(from.fields(), container.from.fields())
                && strictly_within(writer.to.fields(), container.to.fields())
        })
    }

    /// A check that refuses where more than one of these sides is written.
    fn more_than_one(&self, sides: &[Vec<Writer<'_>>]) -> Result<Check, String> {
        let variable = if self.direction == Direction::Up { "old" } else { "new" };
        let set: Vec<String> = sides
            .iter()
            .map(|side| side.iter().map(|writer| writer.text(variable)).collect::<Vec<_>>().join(" || "))
            .collect();
        let text = format!("size([{}].filter(set, set)) > 1", set.join(", "));
        let condition = Expression::compile(&text, variable, &self.source).map_err(|error| error.what)?;
        let told = sides.iter().map(|side| side.iter().map(Writer::told).collect::<Vec<_>>().join(" or "));
        let told: Vec<String> = told.collect();
        let version = match self.direction {
            Direction::Up => self.resolver.names.new.version(),
            Direction::Down => self.resolver.names.old.version(),
        };
        Ok(Check {
            condition: Condition::Holds(condition),
            path: None,
            reason: format!("{} exclude each other in {version}", told.join(" and ")),
            advice: Some("set one of them".to_owned()),
            origin: Origin::Schema,
        })
    }
}

/// Whether two sides may both be written, one of them by what is carried over.
fn may_meet(sides: &[Vec<Writer<'_>>]) -> bool {
    sides.iter().enumerate().any(|(index, side)| {
        let others = || sides[..index].iter().flatten();
        side.iter()
            .any(|one| others().any(|other| (one.from.is_some() || other.from.is_some()) && !one.excludes(other)))
    })
}

fn names(fields: &[FieldDescriptor]) -> Vec<String> {
    fields.iter().map(|field| field.name().to_owned()).collect()
}

fn oneof(field: &FieldDescriptor) -> Option<OneofDescriptor> {
    field.containing_oneof().filter(|oneof| !oneof.is_synthetic())
}
