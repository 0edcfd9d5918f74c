//! Which value of an enum is which of its counterpart.

use prost_reflect::EnumDescriptor;

use super::finding::{Finding, Place};
use super::likeness::{ALIKE, SAME, likeness, says_the_same, words};
use super::matching::{Candidate, choose};

/// The name of a value without that of its enum, which many put before it, in words: `STATE_SOLD_OUT` is `sold out`.
pub(super) fn within(declared: &EnumDescriptor, value: &str) -> String {
    let (prefix, words) = (words(declared.name()), words(value));
    let rest = words.strip_prefix(prefix.as_slice()).filter(|rest| !rest.is_empty());
    rest.unwrap_or(&words).join(" ")
}

/// Finds the values that go by another name.
pub(super) fn values(old: &EnumDescriptor, new: &EnumDescriptor, findings: &mut Vec<Finding>) {
    let gone: Vec<_> = old.values().filter(|value| new.get_value_by_name(value.name()).is_none()).collect();
    let added: Vec<_> = new.values().filter(|value| old.get_value_by_name(value.name()).is_none()).collect();
    let mut candidates = Vec::new();
    for (index, value) in gone.iter().enumerate() {
        for (other_index, other) in added.iter().enumerate() {
            let alike = likeness(&within(old, value.name()), &within(new, other.name()));
            let same_number = value.number() == other.number();
            let sure = alike >= SAME || same_number && says_the_same(value.name(), other.name());
            if sure || same_number || alike >= ALIKE {
                let score = alike + if same_number { 0.5 } else { 0.0 };
                candidates.push(Candidate { old: index, new: other_index, score, sure, what: (alike, same_number) });
            }
        }
    }
    for chosen in choose(candidates) {
        let (value, other) = (&gone[chosen.old], &added[chosen.new]);
        let element = format!("{}.{}", old.full_name(), value.name());
        let line = format!("\"{element}\" = \"{}\"", other.name());
        let number = if chosen.what.1 {
            format!("both have number {}", value.number())
        } else {
            format!("its number was {} and is {}", value.number(), other.number())
        };
        let because = format!("the names are alike by {:.0} % and {number}", chosen.what.0 * 100.0);
        let place = Place::Rename("values");
        findings.push(if chosen.sure {
            Finding::guess(place, line, because)
        } else {
            Finding::undecided(place, line, because, vec![element])
        });
    }
    notes(old, new, findings);
}

/// What needs no rule, but a look.
fn notes(old: &EnumDescriptor, new: &EnumDescriptor, findings: &mut Vec<Finding>) {
    let place = || Place::Rename("values");
    let shifted: Vec<String> = old
        .values()
        .filter_map(|value| {
            let other = new.get_value_by_name(value.name())?;
            let differs = other.number() != value.number();
            differs.then(|| format!("{} {} to {}", value.name(), value.number(), other.number()))
        })
        .collect();
    if !shifted.is_empty() {
        let what = format!(
            "{}: these values have other numbers and meet by their names, which needs no rule: {}",
            new.full_name(),
            shifted.join(", ")
        );
        findings.push(Finding::note(place(), what));
    }
    for (one, other, way) in [(old, new, "up"), (new, old, "down")] {
        let values: Vec<_> = one.values().collect();
        let names = values.iter().map(prost_reflect::EnumValueDescriptor::name);
        let alone: Vec<&str> = names.filter(|name| other.get_value_by_name(name).is_none()).collect();
        if !alone.is_empty() {
            let what = format!(
                "{}: on the way {way} these values are refused, unless [enums.\"{}\"] says {way} = {{ … }}: {}",
                one.full_name(),
                old.full_name(),
                alone.join(", ")
            );
            findings.push(Finding::note(place(), what));
        }
    }
}
