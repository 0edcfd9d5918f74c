//! Findings about methods: what keeps one from being bridged, and what may be refused too late.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::Open;
use super::finding::{Finding, Level, own};
use super::verdict::list;
use super::{Judge, spots};
use crate::check::{Side, Verdict};
use crate::protocol::plan::{Direction, Use};
use crate::protocol::{Cause, Difference, Hop, Refusable, refusals};

/// An element that keeps methods from being bridged: why, and which, by the side that their callers are on.
#[derive(Default)]
struct OpenElement {
    whys: BTreeSet<String>,
    past: BTreeSet<String>,
    future: BTreeSet<String>,
}

/// What differences say already, so that it is not told again of the method.
#[derive(Default)]
pub(super) struct Claimed {
    gone: BTreeSet<usize>,
    open: BTreeSet<(Direction, usize, Open)>,
}

impl Claimed {
    /// A method of the older version that the newer one lacks.
    pub(super) fn gone(&mut self, index: usize) {
        self.gone.insert(index);
    }

    /// A reason why a method is open.
    pub(super) fn open(&mut self, direction: Direction, index: usize, reason: &Difference) {
        self.open.insert((direction, index, of(reason)));
    }
}

fn of(reason: &Difference) -> Open {
    Open { element: reason.element.clone(), what: reason.what.clone() }
}

/// Whether a method is open because its responses may be refused: such a reason names the key that accepts it.
pub(super) fn comes_late(reason: &Difference) -> bool {
    reason.what.contains("accept_refused_responses")
}

impl Judge<'_> {
    /// What is open beyond any difference, and methods that are gone without one.
    pub(super) fn open_methods(&self, claimed: &Claimed) -> Vec<Finding> {
        let mut open: BTreeMap<(String, Option<String>), OpenElement> = BTreeMap::new();
        let mut findings = Vec::new();
        for (direction, hops) in [(Direction::Up, self.step.past()), (Direction::Down, self.step.future())] {
            let (_, callers, _) = self.side(direction);
            for (index, (method, hop)) in callers.methods().iter().zip(hops).enumerate() {
                match hop {
                    Hop::Refused(Cause::Open(reasons)) => {
                        for reason in reasons {
                            if !claimed.open.contains(&(direction, index, of(reason))) {
                                // Late refusals are told once for all methods that have the same reasons.
                                let late = comes_late(reason).then(|| reason.what.clone());
                                let element = open.entry((reason.element.clone(), late)).or_default();
                                element.whys.insert(reason.what.clone());
                                let sides =
                                    if direction == Direction::Up { &mut element.past } else { &mut element.future };
                                sides.insert(method.full_name().to_owned());
                            }
                        }
                    }
                    Hop::Refused(Cause::Absent) if direction == Direction::Up && !claimed.gone.contains(&index) => {
                        findings.push(self.gone(method.full_name()));
                    }
                    _ => {}
                }
            }
        }
        findings.extend(open.into_iter().map(|((element, late), open)| self.open(element, late.is_some(), &open)));
        findings
    }

    fn gone(&self, method: &str) -> Finding {
        let mut finding = Finding::new(
            &own::METHOD_GONE,
            Level::Error,
            method,
            format!("{} has no such method, and nothing says why", self.pair.names.1),
        );
        method.rsplit_once('.').map_or(method, |(service, _)| service).clone_into(&mut finding.group);
        finding.verdict = Some(Verdict::Open {
            advice: format!(
                "say {} what becomes of its calls: a counterpart under [rename.methods], code under [past], or \
                 [[past.refuse]] with a reason",
                self.where_to_write()
            ),
        });
        finding.place = spots::of_element(self.pair, method, Side::New);
        finding.step = Some(self.names());
        finding
    }

    fn open(&self, element: String, late: bool, open: &OpenElement) -> Finding {
        let rule = if late { &own::LATE_REFUSAL } else { &own::METHOD_OPEN };
        let (old, new) = &self.pair.names;
        let mut sides = Vec::new();
        let mut tables = Vec::new();
        for (methods, table, from, to) in [(&open.past, "past", old, new), (&open.future, "future", new, old)] {
            if !methods.is_empty() {
                sides.push(format!(
                    "calls of {} by callers of {from} cannot reach a node that runs {to}",
                    list(methods)
                ));
                tables.push(format!("[{table}]"));
            }
        }
        let mut finding = Finding::new(rule, Level::Error, element, sides.join(", and "));
        finding.group = self.group(&finding.element);
        let whys = open.whys.iter().cloned().collect::<Vec<_>>().join("; ");
        let place = self.where_to_write();
        let tables = tables.join(" and ");
        let advice = if late {
            format!("{whys}; write {place}")
        } else {
            format!("{whys}; say {place} what becomes of it, or give the methods code or a refusal under {tables}")
        };
        finding.verdict = Some(Verdict::Open { advice });
        finding.place = spots::of_element(self.pair, &finding.element, Side::New);
        finding.step = Some(self.names());
        finding
    }

    /// The message, service or enum that an element lies in.
    fn group(&self, element: &str) -> String {
        let known = |name: &str| {
            [self.old, self.new].iter().any(|schema| {
                let pool = schema.pool();
                pool.get_message_by_name(name).is_some()
                    || pool.get_enum_by_name(name).is_some()
                    || pool.get_service_by_name(name).is_some()
            })
        };
        let mut name = element;
        while !known(name) {
            let Some((parent, _)) = name.rsplit_once('.') else { return element.to_owned() };
            name = parent;
        }
        name.to_owned()
    }

    /// Responses that rules may refuse after a call has run, where the step accepts that.
    pub(super) fn late_refusals(&self) -> Vec<Finding> {
        type Methods = BTreeMap<String, Option<usize>>;
        let mut found: BTreeMap<(String, String, Direction), (usize, Methods)> = BTreeMap::new();
        for (direction, hops) in [(Direction::Up, self.step.past()), (Direction::Down, self.step.future())] {
            let (_, callers, node) = self.side(direction);
            let responses = match direction {
                Direction::Up => self.step.plans(Direction::Down),
                Direction::Down => self.step.plans(Direction::Up),
            };
            for (caller, hop) in callers.methods().iter().zip(hops) {
                let Hop::Rules { counterpart, .. } = hop else { continue };
                let object = &node.methods()[*counterpart];
                if object.has_no_side_effects() {
                    continue;
                }
                let (source, target) = (object.descriptor().output(), caller.descriptor().output());
                let refused = refusals(responses, source.full_name(), target.full_name(), Use::Response, node);
                if let Some(first) = refused.first() {
                    let names = [caller.full_name(), caller.service(), object.full_name(), object.service()];
                    let key = (first.element.clone(), Refusable::told(&refused), direction);
                    let (count, methods) = found.entry(key).or_default();
                    *count = Refusable::causes(&refused).len();
                    methods.insert(caller.full_name().to_owned(), self.said.accepts(&names));
                }
            }
        }
        found
            .into_iter()
            .map(|((element, why, direction), (count, methods))| {
                self.late(&element, (&why, count), direction, &methods)
            })
            .collect()
    }

    fn late(
        &self,
        element: &str,
        (why, count): (&str, usize),
        direction: Direction,
        methods: &BTreeMap<String, Option<usize>>,
    ) -> Finding {
        let caller = if direction == Direction::Up { &self.pair.names.0 } else { &self.pair.names.1 };
        let reasons = if count == 1 { String::new() } else { format!(", for {count} causes") };
        let what = format!("a response to callers of {caller} may be refused after the call has run{reasons}: {why}");
        let mut finding = Finding::new(&own::LATE_REFUSAL, Level::Note, element, what);
        finding.group = self.group(element);
        let names: BTreeSet<String> = methods.keys().cloned().collect();
        let line = methods.values().flatten().next().copied();
        finding.verdict = Some(Verdict::Bridged {
            by: format!("accept_refused_responses, for {}", list(&names)),
            at: line.and_then(|line| self.said.at(line)),
        });
        finding.place = spots::of_element(self.pair, element, Side::Old).filter(|_| direction == Direction::Down);
        finding.place = finding.place.or_else(|| spots::of_element(self.pair, element, Side::New));
        finding.step = Some(self.names());
        finding
    }
}
