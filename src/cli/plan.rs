//! `straddle plan`: what an upgrade would do, in which order, and what would block it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::process::ExitCode;

use super::Outcome;
use super::arguments::PlanArguments;
use super::inspect::printable;
use super::node::{line, say};
use super::operator::{self, Operator, json};
use super::upgrade::{blockers, wanted};
use crate::control::v1_0_0::{PlanRequest, PlanResponse, PlannedStage};

/// Something would block it.
const BLOCKED: u8 = 6;
/// Names that are told one by one.
const TOLD: usize = 8;

pub(super) fn run(arguments: &PlanArguments) -> Outcome {
    let upgrade = wanted(&arguments.wanted, arguments.schedule.text()?);
    operator::ask(&arguments.at, |operator| plan(operator, PlanRequest { upgrade: Some(upgrade) }))
}

async fn plan(mut operator: Operator, request: PlanRequest) -> Outcome {
    let request = operator.request(request);
    let plan = match operator.client.plan(request).await {
        Ok(plan) => plan.into_inner(),
        Err(status) => return operator.failed(&status),
    };
    if operator.json {
        line(&json::plan(&plan))?;
    } else {
        say(text(&plan).trim_end())?;
    }
    Ok(if plan.blockers.iter().any(|blocker| blocker.blocks) { ExitCode::from(BLOCKED) } else { ExitCode::SUCCESS })
}

fn text(plan: &PlanResponse) -> String {
    let mut text = format!("{} -> {}, nothing is changed by planning it\n", plan.from, plan.to);
    let mut open = Open::default();
    for (index, stage) in plan.stages.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}. {}{}", index + 1, stage.what, open.names(stage));
        if !stage.then.is_empty() {
            let _ = writeln!(text, "     then {}", stage.then);
        }
    }
    if plan.stages.is_empty() {
        text.push_str("  no node would go\n");
    }
    text.push_str(&blockers(&plan.blockers, "would wait for"));
    printable(&text)
}

/// Nodes of which it is open who goes first: that is told once, and by number from then on. Named again, one that went first might
/// stand in a later stage.
#[derive(Default)]
struct Open<'p> {
    nodes: BTreeSet<&'p str>,
    /// So many of them have not gone yet.
    left: usize,
}

impl<'p> Open<'p> {
    /// The nodes of a stage; where others may as well come in their place, how many of which.
    fn names(&mut self, stage: &'p PlannedStage) -> String {
        let PlannedStage { nodes, instead, .. } = stage;
        let all: Vec<&str> = nodes.iter().chain(instead).map(String::as_str).collect();
        let known = !all.is_empty() && all.iter().all(|node| self.nodes.contains(node));
        if !known {
            (self.nodes, self.left) = (BTreeSet::new(), all.len());
        }
        let (many, rest) = (nodes.len(), nodes.len() == self.left);
        self.left = self.left.saturating_sub(many);
        match (known, instead.len()) {
            _ if many == 0 => return String::new(),
            (true, _) if rest => {
                return if many == 1 { ": the other one".to_owned() } else { format!(": the other {many}") };
            }
            (true, _) => return format!(": {many} more of them"),
            (false, 0) => return format!(": {}", told(&all)),
            (false, _) => {}
        }
        let count = if many == 1 { "one".to_owned() } else { many.to_string() };
        let told = format!(": any {count} of {}", told(&all));
        self.nodes.extend(all);
        told
    }
}

fn told(nodes: &[&str]) -> String {
    match nodes.len() {
        few if few <= TOLD => nodes.join(", "),
        many => format!("{}, and {} more", nodes[..TOLD].join(", "), many - TOLD),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(what: &str, nodes: &[&str], instead: &[&str]) -> PlannedStage {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        PlannedStage { what: what.to_owned(), nodes: owned(nodes), instead: owned(instead), ..PlannedStage::default() }
    }

    fn lines(stages: Vec<PlannedStage>) -> Vec<String> {
        let plan = PlanResponse { stages, ..PlanResponse::default() };
        text(&plan).lines().skip(1).map(|line| line.trim_start().to_owned()).collect()
    }

    #[test]
    fn a_node_that_may_be_the_canary_is_named_once() {
        let stages = vec![
            stage("first", &["a"], &["b", "c", "d", "e"]),
            stage("second", &["b", "c"], &["d", "e"]),
            stage("third", &["d", "e"], &[]),
        ];
        let told = ["1. first: any one of a, b, c, d, e", "2. second: 2 more of them", "3. third: the other 2"];
        assert_eq!(lines(stages), told);
        let two = vec![stage("first", &["a"], &["b"]), stage("second", &["b"], &[])];
        assert_eq!(lines(two), ["1. first: any one of a, b", "2. second: the other one"]);
    }

    #[test]
    fn nodes_whose_turn_is_certain_are_named() {
        let stages = vec![
            stage("zone x", &["a", "b"], &[]),
            stage("zone y, first", &["c"], &["d"]),
            stage("zone y", &["d"], &[]),
            stage("zone z", &["e"], &[]),
            stage("last", &[], &[]),
        ];
        let told = ["1. zone x: a, b", "2. zone y, first: any one of c, d", "3. zone y: the other one", "4. zone z: e"];
        assert_eq!(lines(stages)[..4], told);
    }

    #[test]
    fn of_many_nodes_a_few_are_named() {
        let nodes: Vec<String> = (0..100).map(|node| format!("n{node}")).collect();
        let names: Vec<&str> = nodes.iter().map(String::as_str).collect();
        let told = lines(vec![stage("first", &names[..2], &names[2..]), stage("second", &names[2..], &[])]);
        assert_eq!(told[0], "1. first: any 2 of n0, n1, n2, n3, n4, n5, n6, n7, and 92 more");
        assert_eq!(told[1], "2. second: the other 98");
    }
}
