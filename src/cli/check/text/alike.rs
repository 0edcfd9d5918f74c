//! Elements of which the same is to be said.

use crate::check::judge::{Element, Finding};

/// How many elements of which the same is to be said are told together.
const ALIKE: usize = 3;

/// Elements that follow one another in one group, and of which the same is to be said, together; all others alone.
pub(super) fn grouped(elements: Vec<Element<'_>>) -> Vec<Vec<Element<'_>>> {
    let mut runs: Vec<Vec<Element<'_>>> = Vec::new();
    for element in elements {
        match runs.last_mut() {
            Some(run) if are_alike(&run[0], &element) => run.push(element),
            _ => runs.push(vec![element]),
        }
    }
    let split =
        |run: Vec<_>| if run.len() < ALIKE { run.into_iter().map(|one| vec![one]).collect() } else { vec![run] };
    runs.into_iter().flat_map(split).collect()
}

fn are_alike(one: &Element<'_>, other: &Element<'_>) -> bool {
    let (first, second) = (one.finding, other.finding);
    let together = first.group == second.group && first.element != first.group && second.element != second.group;
    let kind = |finding: &Finding| finding.verdict.as_ref().map(std::mem::discriminant);
    // Values of an enum change places with each other: what is said of each is one and the same.
    let of_values = |element: &Element<'_>| {
        element
            .told
            .iter()
            .flat_map(|told| &told.rules)
            .all(|rule| rule.id.contains("ENUM_VALUE") || rule.id == "STRADDLE_ENUM_SAME_DEFAULT")
    };
    let same = first.verdict == second.verdict
        && first.may_refuse == second.may_refuse
        && first.notes == second.notes
        && first.advice == second.advice
        && one.ids() == other.ids();
    together
        && first.level == second.level
        && kind(first) == kind(second)
        && (same || of_values(one) && of_values(other))
}
