//! What became of the fields of one message.

mod moves;
mod splits;

use prost_reflect::{FieldDescriptor, MessageDescriptor};

use super::finding::{Finding, Place};
use super::likeness::{ALIKE, SAME, likeness, says_the_same};
use super::matching::{Candidate, choose, rivals};
use super::types::{Counterparts, Fit, fit, without_unit};

/// A message of both versions, and the fields that only one of them has by name.
pub(super) struct Pair<'a> {
    pub(super) old: &'a MessageDescriptor,
    pub(super) new: &'a MessageDescriptor,
    gone: Vec<FieldDescriptor>,
    added: Vec<FieldDescriptor>,
    /// Names that both have, for what has nothing in common: the one may be gone and the other new.
    parted: Vec<String>,
    counterparts: &'a dyn Counterparts,
}

/// Finds what is to be said of a pair of messages.
pub(super) fn fields(
    old: &MessageDescriptor,
    new: &MessageDescriptor,
    counterparts: &dyn Counterparts,
    findings: &mut Vec<Finding>,
) {
    let gone = old.fields().filter(|field| new.get_field_by_name(field.name()).is_none()).collect();
    let added = new.fields().filter(|field| old.get_field_by_name(field.name()).is_none()).collect();
    let mut pair = Pair { old, new, gone, added, parted: Vec::new(), counterparts };
    for (field, other) in pair.common() {
        if fit(&field, &other, counterparts) == Fit::Foreign {
            pair.parted.push(field.name().to_owned());
            pair.gone.push(field);
            pair.added.push(other);
        }
    }
    pair.kept(findings);
    let mut settled = pair.moved(findings);
    settled.extend(pair.split_by_name(&settled, findings));
    settled.extend(pair.renamed(&settled, findings));
    settled.extend(pair.split_by_type(&settled, findings));
    pair.number_taken_over(findings);
    pair.alone(&settled, findings);
}

impl Pair<'_> {
    fn place(&self) -> Place {
        Place::Message(self.old.full_name().to_owned())
    }

    fn old_element(&self, field: &FieldDescriptor) -> String {
        format!("{}.{}", self.old.full_name(), field.name())
    }

    fn new_element(&self, field: &FieldDescriptor) -> String {
        format!("{}.{}", self.new.full_name(), field.name())
    }

    /// Fields that kept their names.
    fn kept(&self, findings: &mut Vec<Finding>) {
        let mut renumbered = Vec::new();
        for (field, other) in self.common() {
            if field.number() != other.number() {
                renumbered.push(format!("{} {} to {}", field.name(), field.number(), other.number()));
            }
            if let Fit::Rule { keys, sure, because } = fit(&field, &other, self.counterparts) {
                let line = rule(field.name(), other.name(), &keys);
                findings.push(if sure {
                    Finding::guess(self.place(), line, because)
                } else {
                    Finding::undecided(self.place(), line, because, vec![self.old_element(&field)])
                });
            }
        }
        if !renumbered.is_empty() {
            let what = format!(
                "these fields have other numbers and meet by their names, which needs no rule: {}",
                renumbered.join(", ")
            );
            findings.push(Finding::note(self.place(), what));
        }
    }

    fn common(&self) -> Vec<(FieldDescriptor, FieldDescriptor)> {
        let fields = self.old.fields();
        fields.filter_map(|field| self.new.get_field_by_name(field.name()).map(|other| (field, other))).collect()
    }

    /// Where most fields have other numbers, a number tells nothing.
    fn numbers_count(&self) -> bool {
        let common = self.common();
        let renumbered = common.iter().filter(|(field, other)| field.number() != other.number()).count();
        renumbered < 2 || renumbered * 3 < common.len()
    }

    /// Fields that go by another name: the names that are settled, whatever came of it.
    fn renamed(&self, moved: &[String], findings: &mut Vec<Finding>) -> Vec<String> {
        let mut candidates = Vec::new();
        for (index, field) in self.gone.iter().enumerate() {
            for (other_index, other) in self.added.iter().enumerate() {
                let settled = moved.iter().any(|name| name == field.name() || name == other.name());
                if settled && !self.is_parted(field) && !self.is_parted(other) || field.name() == other.name() {
                    continue;
                }
                candidates.extend(self.candidate((index, field), (other_index, other)));
            }
        }
        let mut settled = Vec::new();
        for chosen in choose(candidates) {
            let (field, other) = (&self.gone[chosen.old], &self.added[chosen.new]);
            settled.extend([field.name().to_owned(), other.name().to_owned()]);
            let (keys, because) = chosen.what;
            let line = rule(field.name(), other.name(), &keys);
            findings.push(if chosen.sure {
                Finding::guess(self.place(), line, because)
            } else {
                let old_rivals = chosen.old_rivals.iter().map(|rival| &self.gone[*rival]);
                let new_rivals = chosen.new_rivals.iter().map(|rival| &self.added[*rival]);
                let along = [other].into_iter().chain(new_rivals.clone()).map(|one| self.new_element(one)).collect();
                let others: Vec<String> = old_rivals.chain(new_rivals).map(|other| other.name().to_owned()).collect();
                let because = format!("{because}{}", rivals(&others));
                Finding::undecided(self.place(), line, because, vec![self.old_element(field)]).with(along)
            });
        }
        settled
    }

    /// Two fields that may be one: the keys of the rule, and why.
    fn candidate(
        &self,
        (index, field): (usize, &FieldDescriptor),
        (other_index, other): (usize, &FieldDescriptor),
    ) -> Option<Candidate<(String, String)>> {
        let fits = fit(field, other, self.counterparts);
        let alike = likeness(&without_unit(field), &without_unit(other)).max(likeness(field.name(), other.name()));
        let same_number = field.number() == other.number() && self.numbers_count();
        let only = fits == Fit::Same && self.is_only(field, other);
        let parted = self.is_parted(field) || self.is_parted(other);
        let telling =
            says_the_same(field.name(), other.name()) || says_the_same(&without_unit(field), &without_unit(other));
        let (certain, worth) = match &fits {
            Fit::Same => (alike >= SAME || same_number && telling, 0.6),
            Fit::Compatible => (same_number && telling, 0.5),
            Fit::Rule { sure: true, .. } => (alike >= SAME || same_number && telling, 0.4),
            Fit::Rule { sure: false, .. } => (false, 0.2),
            Fit::Foreign => (false, 0.0),
        };
        // A field that only changed its type is open by itself, unless another one has the old type now.
        let possible = if parted { only } else { same_number || alike >= ALIKE || only };
        if !possible {
            return None;
        }
        let number = match (same_number, field.number() == other.number()) {
            (true, _) => format!("both have number {}", field.number()),
            (false, true) => {
                format!("both have number {}, but so many numbers changed that this tells nothing", field.number())
            }
            (false, false) => format!("its number was {} and is {}", field.number(), other.number()),
        };
        let types = match &fits {
            Fit::Same => "their types are the same".to_owned(),
            Fit::Compatible => "their types need no rule".to_owned(),
            Fit::Rule { because, .. } => because.clone(),
            Fit::Foreign => "their types have nothing in common".to_owned(),
        };
        let told = if alike >= SAME {
            "the names say the same".to_owned()
        } else {
            format!("the names are alike by {:.0} %", alike * 100.0)
        };
        let because = format!("{told}, {number}, and {types}");
        let keys = if let Fit::Rule { keys, .. } = fits { keys } else { String::new() };
        let score = alike + worth + if same_number { 0.5 } else { 0.0 };
        Some(Candidate { old: index, new: other_index, score, sure: certain && !parted, what: (keys, because) })
    }

    fn is_parted(&self, field: &FieldDescriptor) -> bool {
        self.parted.iter().any(|name| name == field.name())
    }

    /// Whether two fields are the only ones without a namesake that hold their type.
    fn is_only(&self, field: &FieldDescriptor, other: &FieldDescriptor) -> bool {
        let same = |one: &FieldDescriptor, two: &FieldDescriptor| fit(one, two, self.counterparts) == Fit::Same;
        self.gone.iter().filter(|one| same(one, other)).count() == 1
            && self.added.iter().filter(|one| same(field, one)).count() == 1
    }

    /// A new field on a number that another one left, or under a name like that of one that moved.
    fn number_taken_over(&self, findings: &mut Vec<Finding>) {
        if !self.numbers_count() {
            return;
        }
        for other in &self.added {
            let Some(field) = self.old.get_field(other.number()) else { continue };
            let stayed = self.new.get_field_by_name(field.name()).is_some();
            // One that only changed its type is where it was.
            if stayed && field.name() != other.name() && likeness(field.name(), other.name()) >= ALIKE {
                let because = format!(
                    "`{}` had number {} and has another one now; nothing tells whether `{}` says the same",
                    field.name(),
                    other.number(),
                    other.name()
                );
                let line = format!(
                    "{{ old = \"{}\", new = \"{}\", direction = \"down\", when = \"…\" }}",
                    field.name(),
                    other.name()
                );
                findings.push(Finding::undecided(self.place(), line, because, vec![self.new_element(other)]));
            }
        }
    }

    /// Fields that have no partner at all: what is set there is lost.
    fn alone(&self, settled: &[String], findings: &mut Vec<Finding>) {
        for (fields, what) in [(&self.gone, "gone without a partner"), (&self.added, "new")] {
            let names: Vec<&str> = fields
                .iter()
                .filter(|field| !settled.iter().any(|name| name == field.name()) && !self.is_parted(field))
                .map(FieldDescriptor::name)
                .collect();
            if !names.is_empty() {
                let what =
                    format!("{what}, so what they hold is lost on the way to the other version: {}", names.join(", "));
                findings.push(Finding::note(self.place(), what));
            }
        }
    }
}

/// A rule for two fields.
fn rule(old: &str, new: &str, keys: &str) -> String {
    let keys = if keys.is_empty() { String::new() } else { format!(", {keys}") };
    format!("{{ old = \"{old}\", new = \"{new}\"{keys} }}")
}
