//! Findings about one and the same thing, told together: one change often breaks several rules.

use super::Finding;
use crate::check::{Category, Rule};

/// What is told as one.
pub(crate) struct Told<'f> {
    /// The first of the findings: what they say beside their rules is the same.
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
}

/// Puts together neighbours about one element at one place, with the same effect and verdict.
pub(crate) fn together(findings: &[Finding]) -> Vec<Told<'_>> {
    let mut told: Vec<Told<'_>> = Vec::new();
    for finding in findings {
        let same = |one: &&mut Told<'_>| {
            let known = one.finding;
            (&known.element, &known.place, &known.effect, &known.verdict, &known.step)
                == (&finding.element, &finding.place, &finding.effect, &finding.verdict, &finding.step)
        };
        match told.last_mut().filter(same) {
            Some(one) => {
                one.rules.push(finding.rule);
                one.what = joined(&one.what, &finding.what);
            }
            None => told.push(Told { finding, rules: vec![finding.rule], what: finding.what.clone() }),
        }
    }
    told
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
