//! What the plans of a step make of a field, and where it is said.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use prost_reflect::FieldDescriptor;

use super::refusing::MayRefuse;
use super::subject::{Side, Subject};
use crate::protocol::plan::{
    Conversion, Direction, Loss, Made, MessagePlan, Move, Origin, Path, Policy, Use, ValueConversion,
};
use crate::protocol::{Protocol, refusals_of_plan};

/// The plans of a step, by the messages that they are about.
pub(super) struct Index<'a> {
    protocol: &'a Protocol,
    /// Which of the protocol's steps.
    step: usize,
    plans: HashMap<(Direction, Use, String), Vec<&'a Arc<MessagePlan>>>,
}

/// Something that nobody has decided: the element, and what to write.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Open {
    pub(super) element: String,
    pub(super) what: String,
}

/// What plans say of a subject.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// Whether there is any plan for its message.
    pub(super) planned: bool,
    /// Lines of `step.toml`.
    pub(super) lines: BTreeSet<usize>,
    /// What is done without a word in `step.toml`.
    pub(super) silently: BTreeSet<String>,
    /// What is left open.
    pub(super) open: BTreeSet<Open>,
    /// Whether a field of the older version has no counterpart, and no line says what becomes of it.
    pub(super) lost: bool,
    /// Values that are refused though a rule bridges their field.
    pub(super) may_refuse: MayRefuse,
}

impl Evidence {
    /// What stands between the two versions, in words.
    pub(super) fn by(&self) -> Vec<String> {
        let lines: Vec<String> = self.lines.iter().map(|line| format!("step.toml:{line}")).collect();
        let said = (!lines.is_empty()).then(|| format!("rules ({})", lines.join(", ")));
        said.into_iter().chain(self.silently.iter().cloned()).collect()
    }
}

impl<'a> Index<'a> {
    pub(super) fn new(protocol: &'a Protocol, step: usize) -> Self {
        let mut plans: HashMap<(Direction, Use, String), Vec<&'a Arc<MessagePlan>>> = HashMap::new();
        for direction in [Direction::Up, Direction::Down] {
            for used in Use::ALL {
                for plan in protocol.steps()[step].plans(direction).iter(used) {
                    let (source, target) = (plan.source.full_name(), plan.target.full_name());
                    let names = BTreeSet::from([(true, source), (false, target)]);
                    for (is_source, name) in names {
                        // Messages of the older version are the sources on the way up, and the targets on the way down.
                        let side = if is_source == (direction == Direction::Up) { "old " } else { "new " };
                        plans.entry((direction, used, format!("{side}{name}"))).or_default().push(plan);
                    }
                }
            }
        }
        Self { protocol, step, plans }
    }

    /// What plans of this direction and use say of a subject.
    pub(super) fn of(&self, subject: &Subject, (direction, used): (Direction, Use), evidence: &mut Evidence) {
        let mut seen = BTreeSet::new();
        for (side, of) in [("old ", &subject.old), ("new ", &subject.new)] {
            let messages = of.fields.iter().map(|(message, _)| message).chain(&of.types);
            for name in messages.map(|name| format!("{side}{name}")).collect::<BTreeSet<_>>() {
                for plan in self.plans.get(&(direction, used, name)).into_iter().flatten() {
                    if seen.insert((plan.source.full_name().to_owned(), plan.target.full_name().to_owned())) {
                        let version = if direction == Direction::Up { self.step } else { self.step + 1 };
                        let passes = |lost: &Path| passes(self.protocol, version, plan, lost);
                        gather(plan, subject, (direction, used), &passes, evidence);
                    }
                }
            }
        }
    }
}

/// Adds what a plan says of the subject.
fn gather(
    plan: &MessagePlan,
    subject: &Subject,
    (direction, used): (Direction, Use),
    passes: &dyn Fn(&Path) -> bool,
    evidence: &mut Evidence,
) {
    evidence.planned = true;
    let is_lost = |loss: &Loss| {
        direction == Direction::Up
            && touches(&subject.old, plan.source.full_name(), &loss.path)
            && !matches!(loss.origin, Origin::Line(_))
    };
    evidence.lost |= plan.losses.iter().any(is_lost);
    let (source, target) = match direction {
        Direction::Up => (&subject.old, &subject.new),
        Direction::Down => (&subject.new, &subject.old),
    };
    let from = |path: &Path| touches(source, plan.source.full_name(), path);
    let to = |path: &Path| touches(target, plan.target.full_name(), path);
    let mut note = |origin: &Origin, silently: &str| match origin {
        Origin::Line(line) => {
            evidence.lines.insert(*line);
        }
        Origin::Name | Origin::Number | Origin::Schema => {
            if !silently.is_empty() {
                evidence.silently.insert(silently.to_owned());
            }
        }
    };
    for step in plan.moves.iter().filter(|step| from(&step.from) || to(&step.to)) {
        note(&step.origin, of_move(step));
    }
    for make in &plan.makes {
        let reads = match &make.value {
            Made::Constant { .. } => false,
            Made::Expression(expression) => expression.reads().iter().any(|read| {
                let path = read.iter().fold(plan.source.full_name().to_owned(), |path, name| format!("{path}.{name}"));
                source.covers(&path)
            }),
            Made::Join { from: parts, .. } => parts.iter().any(from),
            Made::Split { from: whole, .. } => from(whole),
        };
        if reads || to(&make.to) {
            note(&make.origin, "a value is made for it");
        }
    }
    for check in &plan.checks {
        if check.path.as_ref().is_some_and(from) {
            note(&check.origin, "it is refused on a condition");
        }
    }
    for drop in plan.drops.iter().filter(|drop| from(&drop.path)) {
        note(&drop.origin, "it is dropped");
    }
    for loss in plan.losses.iter().filter(|loss| from(&loss.path)) {
        let what = match used {
            Use::Request => "a request",
            Use::Response => "a response",
            Use::Stored => "stored data",
        };
        let told = match loss.policies.of(used) {
            Policy::Refuse => format!("the policy for losses: {what} with it is refused"),
            Policy::Pass if !passes(&loss.path) => match used {
                Use::Response => "the policy for losses: its number is taken, so a response goes without it".to_owned(),
                Use::Request | Use::Stored => {
                    format!("the policy for losses: its number is taken, so {what} with it is refused")
                }
            },
            Policy::Pass => format!("the policy for losses: in {what} it passes as an unknown field"),
            Policy::Drop => format!("the policy for losses: {what} goes without it"),
        };
        note(&loss.origin, &told);
    }
    for one in refusals_of_plan(plan, used).into_iter().filter(|one| !one.is_loss) {
        if source.covers(&one.element) || one.target.as_ref().is_some_and(|made| target.covers(made)) {
            evidence.may_refuse.note(direction, one.why);
        }
    }
    let covered = plan.open.iter().filter(|open| source.covers(&open.element) || target.covers(&open.element));
    evidence.open.extend(covered.map(|open| Open { element: open.element.clone(), what: open.what.clone() }));
}

/// Whether a lost field of the version at this index may pass under its number.
pub(super) fn passes(protocol: &Protocol, version: usize, plan: &MessagePlan, lost: &Path) -> bool {
    let (message, field) = (plan.source.full_name(), lost.leaf());
    // What lies in a message that is taken apart is met where that one lands.
    !lost.parents().is_empty()
        || plan.target.get_field(field.number()).is_none()
            && protocol.number_is_free(version, message, field.number(), Some(field))
}

/// Whether a path from `message` on leads to, or through, one of these fields.
fn touches(side: &Side, message: &str, path: &Path) -> bool {
    let mut holder = message.to_owned();
    path.fields().iter().any(|field| {
        let here = side.fields.contains(&(holder.clone(), field.name().to_owned()));
        holder = super::reach::type_of(field).unwrap_or_default();
        here
    })
}

/// What a move does that needs no word; nothing where the same bytes mean the same.
fn of_move(step: &Move) -> &'static str {
    let values = step.conversion.values();
    let copies = matches!(step.conversion, Conversion::One(_) | Conversion::Each(_) | Conversion::Map { .. })
        && values.iter().all(|value| matches!(value, ValueConversion::Copy | ValueConversion::Message { .. }));
    let (from, to) = (step.from.leaf(), step.to.leaf());
    match (copies, step.origin == Origin::Number) {
        (true, _) if shape(from) == shape(to) => "",
        (true, true) => "match = \"number\"",
        (true, false) if from.number() == to.number() => "rules that need no word: presence or cardinality",
        (true, false) => "names that meet: another number",
        (false, _) if values.iter().any(|value| is_table(value)) => "enum values that meet by their names",
        (false, _) => "rules that need no word: another type",
    }
}

fn is_table(value: &ValueConversion) -> bool {
    let table = |change: &crate::protocol::plan::Change| matches!(change, crate::protocol::plan::Change::Table(_));
    matches!(value, ValueConversion::Scalar(scalar) if scalar.changes.iter().any(table))
}

/// What bears on the bytes of a field, but for its type.
fn shape(field: &FieldDescriptor) -> impl PartialEq {
    let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic()).map(|oneof| oneof.name().to_owned());
    let default = field.field_descriptor_proto().default_value().to_owned();
    ((field.number(), field.is_list(), field.is_map(), field.is_packed()), (field.supports_presence(), oneof, default))
}
