//! The verdict on a difference: the worst of what becomes of it where it is reached.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::{Evidence, Open};
use super::finding::Finding;
use super::methods::Claimed;
use super::refusing::MayRefuse;
use super::subject::{Kind, Subject};
use super::{Judge, spots};
use crate::check::{Category, Difference, Verdict};
use crate::protocol::plan::{Direction, Use};
use crate::protocol::{Cause, Hop};

/// What becomes of a difference, way by way.
#[derive(Default)]
struct Fates {
    evidence: Evidence,
    open: BTreeSet<Open>,
    /// Methods that code answers, and where it is said.
    code: BTreeSet<String>,
    code_line: Option<usize>,
    /// Methods that are refused, and why.
    refused: BTreeSet<(String, String)>,
    /// Methods of the older version that the newer one lacks.
    absent: BTreeSet<String>,
    /// Methods that pass as they are.
    same: BTreeSet<String>,
    /// Methods whose messages rules rewrite.
    ruled: BTreeSet<String>,
    /// Methods that are open for reasons that are not this difference's.
    open_otherwise: BTreeSet<String>,
}

/// A verdict, what else there is to know, and which values are refused all the same.
type Told = (Verdict, Vec<String>, MayRefuse);

impl Judge<'_> {
    /// A difference with its verdict. What it says about open methods is noted as claimed.
    pub(super) fn difference(&self, difference: Difference, claimed: &mut Claimed) -> Finding {
        let subject = self.subject(&difference);
        let place = difference.place.as_ref().map(|place| spots::of_place(self.pair, place));
        let (verdict, notes, refuses) = self.judge(&subject, &difference, claimed);
        let json_only = difference.rule.categories.contains(&Category::WireJson)
            && !difference.rule.categories.contains(&Category::Wire);
        let mut finding = Finding::of(difference, verdict);
        if matches!(finding.verdict, Some(Verdict::Bridged { .. })) {
            finding.may_refuse = refuses;
        }
        finding.notes.extend(notes);
        if json_only && finding.verdict == Some(Verdict::Compatible) {
            finding.notes.push("the bytes stay as they are; JSON that passes Straddle by does not".to_owned());
        }
        finding.place = place;
        finding.step = Some(self.names());
        finding
    }

    fn judge(&self, subject: &Subject, difference: &Difference, claimed: &mut Claimed) -> Told {
        if subject.kind == Kind::Nothing {
            let note =
                if difference.rule.categories.iter().any(|one| matches!(one, Category::Wire | Category::WireJson)) {
                    "no message and no method of this version is meant by it"
                } else {
                    "it concerns generated code only: what travels stays the same"
                };
            return (Verdict::Compatible, vec![note.to_owned()], MayRefuse::default());
        }
        let mut fates = Fates::default();
        for direction in [Direction::Up, Direction::Down] {
            self.follow(subject, direction, &mut fates, claimed);
        }
        if subject.kind == Kind::Methods {
            let (verdict, notes) = self.of_methods(&fates);
            return (verdict, notes, MayRefuse::default());
        }
        let reached = !self.reached(subject).is_empty();
        if !reached {
            for direction in [Direction::Up, Direction::Down] {
                self.plans.of(subject, (direction, Use::Stored), &mut fates.evidence);
            }
            fates.open = std::mem::take(&mut fates.evidence.open);
        }
        if let Kind::Enum(value) = &subject.kind {
            let mut names = subject.old.types.iter().chain(&subject.new.types);
            let said = names.find_map(|name| self.said.of_enum(name, value.as_deref()));
            fates.evidence.lines.extend(said.filter(|_| fates.evidence.planned));
        }
        let mut notes = Vec::new();
        let is_enum = matches!(subject.kind, Kind::Enum(_));
        if is_enum && subject.old.fields.is_empty() && subject.new.fields.is_empty() {
            notes.push("no field is of this enum, so it never travels".to_owned());
        } else if !reached {
            notes.push(if fates.evidence.planned {
                "no method reaches it: this is what becomes of it as stored data".to_owned()
            } else {
                "no method reaches it, and stored data of it has no counterpart: `straddle convert` refuses it"
                    .to_owned()
            });
        } else if !fates.open_otherwise.is_empty() {
            notes.push(format!("{} is open for another reason", list(&fates.open_otherwise)));
        }
        (self.verdict(&fates), notes, std::mem::take(&mut fates.evidence.may_refuse))
    }

    /// The methods that reach the subject, in either version.
    fn reached(&self, subject: &Subject) -> BTreeSet<(Direction, usize, Use)> {
        let mut found = BTreeSet::new();
        for (direction, side, reach) in
            [(Direction::Up, &subject.old, &self.of_old), (Direction::Down, &subject.new, &self.of_new)]
        {
            for name in &side.types {
                found.extend(reach.methods(name).iter().map(|(index, used)| (direction, *index, *used)));
            }
        }
        found
    }

    /// Adds what becomes of the subject in the calls of one side.
    fn follow(&self, subject: &Subject, direction: Direction, fates: &mut Fates, claimed: &mut Claimed) {
        let (side, callers, _) = self.side(direction);
        let hops = if direction == Direction::Up { self.step.past() } else { self.step.future() };
        let of_side = if direction == Direction::Up { &subject.old } else { &subject.new };
        let mut ways: BTreeSet<(usize, Option<Use>)> = of_side.methods.iter().map(|index| (*index, None)).collect();
        let reached = self.reached(subject);
        ways.extend(reached.iter().filter(|(of, ..)| *of == direction).map(|(_, index, used)| (*index, Some(*used))));
        // Many methods go one way: what plans say is gathered once for each.
        let mut ruled_ways = BTreeSet::new();
        let mut own_of_ways: BTreeMap<_, Evidence> = BTreeMap::new();
        for (index, used) in ways {
            let method = &callers.methods()[index];
            let name = method.full_name().to_owned();
            // Requests go the way of the call, responses the other way.
            let way = used.map(|used| match (used, direction) {
                (Use::Response, Direction::Up) => (Direction::Down, used),
                (Use::Response, Direction::Down) => (Direction::Up, used),
                (used, direction) => (direction, used),
            });
            match &hops[index] {
                Hop::Same { .. } => {
                    fates.same.insert(name);
                }
                Hop::Rules { .. } => {
                    ruled_ways.extend(way);
                    fates.ruled.insert(name);
                }
                Hop::Code { .. } => {
                    fates.code_line =
                        fates.code_line.or_else(|| self.said.of_method(side, method.full_name(), method.service()));
                    fates.code.insert(name);
                }
                Hop::Refused(Cause::Declared { reason, .. }) => {
                    fates.refused.insert((name, reason.clone()));
                }
                Hop::Refused(Cause::Absent) => {
                    // A method that is new has no callers of the older version, and none can be missed.
                    if direction == Direction::Up {
                        if subject.kind == Kind::Methods {
                            claimed.gone(index);
                        }
                        fates.absent.insert(name);
                    }
                }
                Hop::Refused(Cause::Open(reasons)) => {
                    let own = own_of_ways.entry(way).or_insert_with(|| {
                        let mut own = Evidence::default();
                        if let Some(way) = way {
                            self.plans.of(subject, way, &mut own);
                        }
                        own
                    });
                    let types = |name: &str| {
                        [method.descriptor().input(), method.descriptor().output()]
                            .iter()
                            .any(|one| one.full_name() == name)
                    };
                    let mut is_own = false;
                    for reason in reasons {
                        let open = Open { element: reason.element.clone(), what: reason.what.clone() };
                        let of_method = subject.kind == Kind::Methods
                            && (reason.element == method.full_name() || types(&reason.element))
                            && !super::methods::comes_late(reason);
                        let of_message = subject.kind == Kind::Message
                            && (subject.old.types.contains(&reason.element)
                                || subject.new.types.contains(&reason.element));
                        if own.open.contains(&open) || of_method || of_message {
                            is_own = true;
                            claimed.open(direction, index, reason);
                            fates.open.insert(open);
                        }
                    }
                    if !is_own {
                        fates.open_otherwise.insert(name);
                    }
                }
            }
        }
        for way in ruled_ways {
            self.plans.of(subject, way, &mut fates.evidence);
        }
        for own in own_of_ways.into_values() {
            fates.evidence.planned |= own.planned;
            fates.evidence.lines.extend(own.lines);
            fates.evidence.silently.extend(own.silently);
            fates.evidence.lost |= own.lost;
            fates.evidence.may_refuse.add(own.may_refuse);
        }
    }

    fn of_methods(&self, fates: &Fates) -> (Verdict, Vec<String>) {
        if !fates.absent.is_empty() {
            let advice = format!(
                "say {} what becomes of {}: a counterpart under [rename.methods], code under [past], or \
                 [[past.refuse]] with a reason",
                self.where_to_write(),
                // Of a single method the finding says which, and methods with the same advice are told together.
                if fates.absent.len() == 1 {
                    "its calls".to_owned()
                } else {
                    format!("calls of {}", list(&fates.absent))
                }
            );
            return (Verdict::Open { advice }, Vec::new());
        }
        let mut notes = Vec::new();
        if !fates.open_otherwise.is_empty() {
            notes.push(format!("{} is open for another reason", list(&fates.open_otherwise)));
        }
        (self.verdict(fates), notes)
    }

    fn verdict(&self, fates: &Fates) -> Verdict {
        if !fates.open.is_empty() {
            let elements: BTreeSet<&str> = fates.open.iter().map(|open| open.element.as_str()).collect();
            let told = |open: &Open| match elements.len() {
                1 => open.what.clone(),
                _ => format!("{}: {}", open.element, open.what),
            };
            let told: BTreeSet<String> = fates.open.iter().map(told).collect();
            let told: Vec<String> = told.into_iter().collect();
            return Verdict::Open { advice: format!("{}; say so {}", told.join("; "), self.where_to_write()) };
        }
        let mut by = fates.evidence.by();
        if by.is_empty() && !fates.ruled.is_empty() && fates.same.is_empty() && !fates.evidence.planned {
            by.push(format!("rules for the messages of {}", list(&fates.ruled)));
        }
        if !fates.code.is_empty() {
            by.push(format!("code of {}", list(&fates.code)));
        }
        let refused: Vec<String> =
            fates.refused.iter().map(|(method, reason)| format!("{method} is refused: {reason}")).collect();
        if by.is_empty() {
            if !refused.is_empty() && fates.same.is_empty() && fates.ruled.is_empty() {
                return Verdict::Refused { reason: refused.join("; ") };
            }
            if !fates.absent.is_empty() && fates.same.is_empty() && fates.ruled.is_empty() {
                let reason = format!("it goes with {}, which has no counterpart", list(&fates.absent));
                return Verdict::Refused { reason };
            }
            return Verdict::Compatible;
        }
        if self.pair.step_file.is_none() && fates.evidence.lost {
            // No step stands between the two, so nobody has decided that it may get lost.
            let advice = format!("{}; say so {}", by.join(", "), self.where_to_write());
            return Verdict::Open { advice };
        }
        let line = fates.evidence.lines.first().copied().or(fates.code_line);
        by.extend(refused);
        Verdict::Bridged { by: by.join(", "), at: line.and_then(|line| self.said.at(line)) }
    }
}

/// Up to three names, and how many more there are.
pub(super) fn list(names: &BTreeSet<String>) -> String {
    let first: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
    let more = names.len() - first.len();
    if more > 0 { format!("{} and {more} more", first.join(", ")) } else { first.join(", ") }
}
