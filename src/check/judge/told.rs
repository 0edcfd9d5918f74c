//! Findings about one and the same thing, told together: one change often breaks several rules.

use std::collections::HashMap;

use super::Finding;
use crate::check::{Category, Rule};

/// All that is to be said of one element, on one line, with one verdict.
pub(crate) struct Element<'f> {
    /// The first finding: place, verdict and notes are those of all.
    pub(crate) finding: &'f Finding,
    /// What was found, by its effect, the worst first.
    pub(crate) told: Vec<Told<'f>>,
}

/// What is told as one.
pub(crate) struct Told<'f> {
    /// The first of the findings: all have its effect.
    pub(crate) finding: &'f Finding,
    /// The rules that are broken.
    pub(crate) rules: Vec<&'static Rule>,
    /// What was found, each thing once.
    pub(crate) what: String,
}

impl Told<'_> {
    /// The categories of all rules, each once.
    pub(crate) fn categories(&self) -> Vec<Category> {
        let mut all: Vec<Category> = self.rules.iter().flat_map(|rule| rule.categories).copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The ids of all rules.
    pub(crate) fn ids(&self) -> String {
        self.rules.iter().map(|rule| rule.id).collect::<Vec<_>>().join(", ")
    }

    fn add(&mut self, finding: &Finding) {
        if !self.rules.iter().any(|rule| rule.id == finding.rule.id) {
            self.rules.push(finding.rule);
        }
        self.what = joined(&self.what, &finding.what);
    }
}

impl Element<'_> {
    /// The ids of all rules.
    pub(crate) fn ids(&self) -> String {
        self.told.iter().map(Told::ids).collect::<Vec<_>>().join(", ")
    }
}

/// Puts together what is about one element at one line with one verdict; within that, what has one effect. The order is
/// that of the findings.
pub(crate) fn together(findings: &[Finding]) -> Vec<Element<'_>> {
    let mut elements: Vec<Element<'_>> = Vec::new();
    let mut known: HashMap<_, usize> = HashMap::new();
    for finding in findings {
        let line = finding.place.as_ref().map(|place| (&place.file, place.line));
        // A verdict has no hash; what it says does as well.
        let key = (&finding.element, line, format!("{:?}", finding.verdict), finding.level, &finding.step);
        let index = *known.entry(key).or_insert_with(|| {
            elements.push(Element { finding, told: Vec::new() });
            elements.len() - 1
        });
        let told = &mut elements[index].told;
        match told.iter_mut().find(|one| one.finding.effect == finding.effect && finding.verdict.is_some()) {
            Some(one) => one.add(finding),
            None => told.push(Told { finding, rules: vec![finding.rule], what: finding.what.clone() }),
        }
    }
    for element in &mut elements {
        element.told.sort_by_key(|told| told.categories().first().copied());
    }
    elements
}

/// Two sentences as one, what they begin with in common said once.
fn joined(one: &str, other: &str) -> String {
    if one.contains(other) {
        return one.to_owned();
    }
    if let Some(rest) = other.strip_prefix(one) {
        return format!("{one}{rest}");
    }
    // "x is gone, and its name is not reserved" and "x is gone, and its number is not reserved".
    let first = one.split(", ").next().unwrap_or(one);
    match other.strip_prefix(first).and_then(|rest| rest.strip_prefix(", ")) {
        Some(rest) => format!("{one}, {rest}"),
        None => format!("{one}; {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_in_common_is_said_once() {
        for (one, other, both) in [
            ("x is gone", "x is gone", "x is gone"),
            ("x is gone", "x is gone, and y", "x is gone, and y"),
            ("x is gone, and y", "x is gone", "x is gone, and y"),
            ("x is gone, and y", "x is gone, and z", "x is gone, and y, and z"),
            ("x is gone", "z came", "x is gone; z came"),
        ] {
            assert_eq!(joined(one, other), both);
        }
    }
}
