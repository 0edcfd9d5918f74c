//! What is open in a step, for a checklist.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, Sure};
use crate::protocol::plan::{Direction, Use};
use crate::protocol::{Cause, Difference, Hop, Protocol, Schema};

/// Something that the author still has to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    element: String,
    what: String,
    methods: usize,
}

impl Point {
    /// The element that it is about, by full name.
    #[must_use]
    pub fn element(&self) -> &str {
        &self.element
    }

    /// What is open, and what to write.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// How many methods it keeps from being served across the step, counted on both sides.
    #[must_use]
    pub fn methods(&self) -> usize {
        self.methods
    }

    pub(super) fn told(&self) -> String {
        let held = match self.methods {
            0 => "reached by no method".to_owned(),
            1 => "holds up 1 method".to_owned(),
            many => format!("holds up {many} methods"),
        };
        format!("{} ({held}): {}", self.element, self.what)
    }
}

/// All that is open in a step.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// The most important first: what holds up most methods. One for each thing that is to be decided.
    pub(super) points: Vec<Point>,
    /// Methods whose responses may be refused after the call has run, by the name that callers use.
    pub(super) late: BTreeSet<String>,
}

impl Opened {
    pub(super) fn of(protocol: &Protocol, step: usize, findings: &[Finding]) -> Self {
        let mut gathered = Gathered::new(protocol, step, findings);
        let mut late = BTreeSet::new();
        let resolved = &protocol.steps()[step];
        for direction in [Direction::Up, Direction::Down] {
            for plan in Use::ALL.into_iter().flat_map(|used| resolved.plans(direction).iter(used)) {
                for open in &plan.open {
                    gathered.add(&open.element, &open.what, None);
                }
            }
        }
        let (old, new) = (&protocol.versions()[step], &protocol.versions()[step + 1]);
        for (past, schema, hops) in [(true, old, resolved.past()), (false, new, resolved.future())] {
            for (method, hop) in schema.methods().iter().zip(hops) {
                let caller = (past, method.full_name());
                match hop {
                    Hop::Refused(Cause::Open(differences)) => {
                        for Difference { element, what } in differences {
                            if what.contains("accept_refused_responses") {
                                late.insert(method.full_name().to_owned());
                            } else {
                                gathered.add(element, what, Some(caller));
                            }
                        }
                    }
                    // A method that is new has no callers yet who could miss it: it is refused as it is.
                    Hop::Refused(Cause::Absent) if past => {
                        let what = format!(
                            "{} has it alone: rename it, give it code, or refuse it with a reason",
                            schema.version()
                        );
                        gathered.add(method.full_name(), &what, Some(caller));
                    }
                    _ => {}
                }
            }
        }
        let mut points = gathered.points();
        if !late.is_empty() {
            let element = "accept_refused_responses".to_owned();
            let what = "responses of these methods may be refused after the call has run; see below".to_owned();
            points.push(Point { element, what, methods: late.len() });
        }
        Self { points, late }
    }
}

/// Points by what is to be decided: what both directions and several uses say of it is said once.
struct Gathered<'a> {
    old: &'a Schema,
    /// Messages of the newer version under other names, and what they were called.
    before: BTreeMap<String, String>,
    /// What is decided along with something else.
    along: BTreeMap<&'a str, &'a str>,
    found: BTreeMap<String, Said>,
}

/// What is said of one element.
#[derive(Default)]
struct Said {
    whats: BTreeSet<String>,
    /// The methods that it holds up: whether they are of the older version, and their names.
    methods: BTreeSet<(bool, String)>,
}

impl<'a> Gathered<'a> {
    fn new(protocol: &'a Protocol, step: usize, findings: &'a [Finding]) -> Self {
        let old = &protocol.versions()[step];
        let plans = protocol.steps()[step].plans(Direction::Up).iter(Use::Request);
        let pairs = plans.map(|plan| (plan.target.full_name(), plan.source.full_name()));
        let moved = pairs.filter(|(new, _)| old.pool().get_message_by_name(new).is_none());
        let before = moved.map(|(new, old)| (new.to_owned(), old.to_owned())).collect();
        let mut along = BTreeMap::new();
        for finding in findings {
            if let Sure::Undecided(elements) = &finding.sure
                && let [first, others @ ..] = elements.as_slice()
            {
                along.extend(others.iter().chain(&finding.along).map(|other| (other.as_str(), first.as_str())));
            }
        }
        Self { old, before, along, found: BTreeMap::new() }
    }

    fn add(&mut self, element: &str, what: &str, caller: Option<(bool, &str)>) {
        let (element, what) = shown(element, what);
        let element = self.as_before(&element).unwrap_or(element);
        let element = self.along.get(element.as_str()).map_or(element, |first| (*first).to_owned());
        let said = self.found.entry(element).or_default();
        said.whats.insert(what);
        said.methods.extend(caller.map(|(past, method)| (past, method.to_owned())));
    }

    /// What an element of the newer version was called in the older one, where that had it.
    fn as_before(&self, element: &str) -> Option<String> {
        let (mut message, mut path) = element.rsplit_once('.')?;
        loop {
            if let Some(old) = self.before.get(message) {
                let field = path.split('.').next().unwrap_or(path);
                let known = self.old.pool().get_message_by_name(old)?.get_field_by_name(field).is_some();
                return known.then(|| format!("{old}.{path}"));
            }
            (message, path) = (message.rsplit_once('.')?.0, &element[message.rfind('.')? + 1..]);
        }
    }

    fn points(self) -> Vec<Point> {
        let mut points: Vec<Point> = self
            .found
            .into_iter()
            .map(|(element, said)| Point { element, what: told(said.whats), methods: said.methods.len() })
            .collect();
        points.sort_by(|one, other| (other.methods, &one.element).cmp(&(one.methods, &other.element)));
        points
    }
}

const UNDECIDED: &str = "undecided; step.toml says what it may have become";

/// What is undecided is told once, under its own name, wherever it is met.
fn shown(element: &str, what: &str) -> (String, String) {
    if !what.contains("left undecided by line") {
        return (element.to_owned(), what.to_owned());
    }
    let named = what.strip_prefix('`').and_then(|rest| rest.split_once('`')).map(|(name, _)| name);
    (named.unwrap_or(element).to_owned(), UNDECIDED.to_owned())
}

/// What was said of one thing, as one sentence. That `a` is not `b` and `b` is not `a` is the same.
fn told(whats: BTreeSet<String>) -> String {
    if whats.contains(UNDECIDED) {
        return UNDECIDED.to_owned();
    }
    let mut said: BTreeMap<Vec<String>, String> = BTreeMap::new();
    for what in whats {
        let mut words: Vec<String> =
            what.split_whitespace().map(|word| word.trim_matches([':', ',', ';']).to_owned()).collect();
        words.sort();
        said.entry(words).or_insert(what);
    }
    said.into_values().collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_one_thing_from_both_sides_is_said_once() {
        let all = |whats: &[&str]| told(whats.iter().map(|what| (*what).to_owned()).collect());
        assert_eq!(all(&["a.A is not b.B: say so", "b.B is not a.A: say so"]), "a.A is not b.B: say so");
        assert_eq!(all(&["it is narrower", "it has no default"]).matches("; ").count(), 1);
        assert_eq!(all(&["it is narrower", UNDECIDED]), UNDECIDED);
    }
}
