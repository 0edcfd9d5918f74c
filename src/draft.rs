//! A first `step.toml`, inferred from two versions.
//!
//! What names, types and numbers make certain is written as a rule, with a comment that says that it is a guess and why.
//! What they only suggest is written as a comment, and named under `undecided`, so that all that reaches it stays open until
//! the author has said what it means. A draft never relates two things in silence.
//!
//! ```text
//! names ──> a step that renames ──resolve──> pairs of messages ──> fields, values ──> text ──resolve──> what is open
//! ```

mod fields;
mod finding;
mod likeness;
mod matching;
mod names;
mod point;
mod types;
mod values;
mod write;

use std::collections::BTreeSet;

use prost_reflect::Kind;

use self::finding::{Finding, Place, Sure};
use self::names::Renamed;
use self::point::Opened;
pub use self::point::Point;
use self::types::Counterparts;
use self::write::Top;
use crate::protocol::plan::{Direction, Use};
use crate::protocol::{Protocol, ProtocolError, Step};

/// A drafted step.
#[derive(Clone, Debug)]
pub struct Draft {
    text: String,
    guesses: Vec<String>,
    undecided: Vec<String>,
    open: Vec<Point>,
}

/// Drafts the step at this index of the protocol's steps; what its `step.toml` says does not count.
///
/// # Errors
/// When the protocol cannot be put together with the draft, which is a fault of the draft.
pub fn draft(protocol: &Protocol, step: usize) -> Result<Draft, ProtocolError> {
    let (old, new) = (&protocol.versions()[step], &protocol.versions()[step + 1]);
    let mut findings = Vec::new();
    let renamed = names::names(old, new, &mut findings);
    let named = settle(protocol, step, &mut findings)?;
    let met = Met::new(&named.steps()[step], &renamed);
    let mut pairs: Vec<_> = named.steps()[step].plans(Direction::Up).iter(Use::Request).collect();
    pairs.sort_by(|one, other| one.source.full_name().cmp(other.source.full_name()));
    for plan in pairs.iter().filter(|plan| plan.source.package_name() != "google.protobuf") {
        fields::fields(&plan.source, &plan.target, &met, &mut findings);
    }
    for (one, other) in &met.enums {
        if let (Some(one), Some(other)) = (old.pool().get_enum_by_name(one), new.pool().get_enum_by_name(other)) {
            values::values(&one, &other, &mut findings);
        }
    }
    let drafted = settle(protocol, step, &mut findings)?;
    let open = Opened::of(&drafted, step, &findings);
    let text = write::write(
        old.version(),
        new.version(),
        &findings,
        &Top { open: Some(&open), pinned: is_pinned(&drafted, step) },
    );
    // What came to it at the top changes nothing, and shows that the whole goes together.
    protocol.with_step(step, &text.text)?;
    let undecided: BTreeSet<String> = findings
        .iter()
        .filter_map(|finding| if let Sure::Undecided(elements) = &finding.sure { Some(elements.clone()) } else { None })
        .flatten()
        .collect();
    let guesses = findings.iter().filter(|finding| finding.sure == Sure::Guess);
    Ok(Draft {
        text: text.text,
        guesses: guesses.map(|finding| finding.line.clone()).collect(),
        undecided: undecided.into_iter().collect(),
        open: open.points,
    })
}

impl Draft {
    /// The text of `step.toml`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The rules that are guesses, as they are written.
    #[must_use]
    pub fn guesses(&self) -> &[String] {
        &self.guesses
    }

    /// The elements that are left undecided, by full name.
    #[must_use]
    pub fn undecided(&self) -> &[String] {
        &self.undecided
    }

    /// All that is open, the most important first: what is undecided, and what rules alone leave open.
    #[must_use]
    pub fn open(&self) -> &[Point] {
        &self.open
    }
}

/// Resolves what is found so far. Guesses that do not go together become undecided: a fault names the line of one.
fn settle(protocol: &Protocol, step: usize, findings: &mut [Finding]) -> Result<Protocol, ProtocolError> {
    let (old, new) = (&protocol.versions()[step], &protocol.versions()[step + 1]);
    loop {
        let written = write::write(old.version(), new.version(), findings, &Top::default());
        let error = match protocol.with_step(step, &written.text) {
            Ok(protocol) => return Ok(protocol),
            Err(error) => error,
        };
        let lines: BTreeSet<usize> = error.faults().iter().filter_map(crate::protocol::Fault::line).collect();
        let mut faulty: Vec<usize> = lines.iter().filter_map(|line| written.guesses.get(line).copied()).collect();
        if faulty.is_empty() {
            faulty = written.guesses.values().copied().collect();
        }
        if faulty.is_empty() {
            return Err(error);
        }
        for index in faulty {
            let finding = &mut findings[index];
            finding.sure = Sure::Undecided(elements(finding));
            let told = error.faults().first().map(|fault| fault.what().to_owned()).unwrap_or_default();
            finding.because = format!("{}; but it does not go together with the rest: {told}", finding.because);
        }
    }
}

/// What stays open where a guess is not made.
fn elements(finding: &Finding) -> Vec<String> {
    let quoted = |index: usize| finding.line.split('"').nth(index).unwrap_or_default();
    match &finding.place {
        Place::Message(message) => vec![message.clone()],
        Place::Rename("messages" | "enums") => vec![quoted(1).to_owned(), quoted(3).to_owned()],
        Place::Rename("values") => vec![quoted(1).to_owned()],
        Place::Rename(_) | Place::Method => Vec::new(),
    }
}

/// Whether the draft writes out that loss is refused: else it would hang on which other differences there are.
fn is_pinned(drafted: &Protocol, step: usize) -> bool {
    let (from, to) = (drafted.versions()[step].version(), drafted.versions()[step + 1].version());
    drafted.steps()[step].is_breaking() && !crate::protocol::is_breaking_by_number(from, to)
}

/// What became of messages and enums, as the renames that were found resolve.
struct Met {
    messages: BTreeSet<(String, String)>,
    old_messages: BTreeSet<String>,
    new_messages: BTreeSet<String>,
    enums: BTreeSet<(String, String)>,
}

impl Met {
    fn new(step: &Step, renamed: &Renamed) -> Self {
        let plans = step.plans(Direction::Up);
        let mut messages: BTreeSet<(String, String)> = BTreeSet::new();
        let mut enums: BTreeSet<(String, String)> =
            renamed.enums().map(|(old, new)| (old.clone(), new.clone())).collect();
        for plan in plans.iter(Use::Request) {
            messages.insert((plan.source.full_name().to_owned(), plan.target.full_name().to_owned()));
            // Enums meet where fields that are one are of their types, if they have no other counterpart.
            for field in plan.source.fields() {
                let other = plan.target.get_field_by_name(field.name());
                if let (Kind::Enum(one), Some(Kind::Enum(other))) = (field.kind(), other.map(|other| other.kind()))
                    && renamed.enumeration(one.full_name()).is_none()
                {
                    enums.insert((one.full_name().to_owned(), other.full_name().to_owned()));
                }
            }
        }
        let old_messages = messages.iter().map(|(old, _)| old.clone()).collect();
        let new_messages = messages.iter().map(|(_, new)| new.clone()).collect();
        Self { messages, old_messages, new_messages, enums }
    }
}

impl Counterparts for Met {
    fn message(&self, old: &str, new: &str) -> bool {
        old == new && old.starts_with("google.protobuf.") || self.messages.contains(&(old.to_owned(), new.to_owned()))
    }

    fn enumeration(&self, old: &str, new: &str) -> bool {
        self.enums.contains(&(old.to_owned(), new.to_owned()))
    }

    fn was_there(&self, new: &str) -> bool {
        self.new_messages.contains(new)
    }

    fn is_there(&self, old: &str) -> bool {
        self.old_messages.contains(old)
    }
}
