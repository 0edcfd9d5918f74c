//! What is open in a step, for a checklist.

use std::collections::{BTreeMap, BTreeSet};

use crate::protocol::plan::{Direction, Use};
use crate::protocol::{Cause, Difference, Hop, Protocol};

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
    /// The most important first: what holds up most methods.
    pub(super) points: Vec<Point>,
    /// Methods whose responses may be refused after the call has run, by the name that callers use.
    pub(super) late: BTreeSet<String>,
}

impl Opened {
    pub(super) fn of(protocol: &Protocol, step: usize) -> Self {
        // By element and what is open: the methods.
        let mut found: BTreeMap<(String, String), BTreeSet<(bool, String)>> = BTreeMap::new();
        let mut late = BTreeSet::new();
        let resolved = &protocol.steps()[step];
        for direction in [Direction::Up, Direction::Down] {
            for plan in Use::ALL.into_iter().flat_map(|used| resolved.plans(direction).iter(used)) {
                for open in &plan.open {
                    found.entry(shown(&open.element, &open.what)).or_default();
                }
            }
        }
        let (old, new) = (&protocol.versions()[step], &protocol.versions()[step + 1]);
        for (past, schema, hops) in [(true, old, resolved.past()), (false, new, resolved.future())] {
            for (method, hop) in schema.methods().iter().zip(hops) {
                let differences = match hop {
                    Hop::Refused(Cause::Open(differences)) => differences.clone(),
                    Hop::Refused(Cause::Absent) => {
                        let what = format!(
                            "{} has it alone: rename it, give it code, or refuse it with a reason",
                            schema.version()
                        );
                        vec![Difference { element: method.full_name().to_owned(), what }]
                    }
                    _ => continue,
                };
                for Difference { element, what } in differences {
                    if what.contains("accept_refused_responses") {
                        late.insert(method.full_name().to_owned());
                    } else {
                        found.entry(shown(&element, &what)).or_default().insert((past, method.full_name().to_owned()));
                    }
                }
            }
        }
        let mut points: Vec<Point> = found
            .into_iter()
            .map(|((element, what), methods)| Point { element, what, methods: methods.len() })
            .collect();
        points.sort_by(|one, other| (other.methods, &one.element).cmp(&(one.methods, &other.element)));
        if !late.is_empty() {
            let element = "accept_refused_responses".to_owned();
            let what = "responses of these methods may be refused after the call has run; see below".to_owned();
            points.push(Point { element, what, methods: late.len() });
        }
        Self { points, late }
    }
}

/// What is undecided is told once, under its own name, wherever it is met.
fn shown(element: &str, what: &str) -> (String, String) {
    if !what.contains("left undecided by line") {
        return (element.to_owned(), what.to_owned());
    }
    let named = what.strip_prefix('`').and_then(|rest| rest.split_once('`')).map(|(name, _)| name);
    (named.unwrap_or(element).to_owned(), "undecided, see below".to_owned())
}
