//! `straddle plan`: what an upgrade would do, in which order, and what would block it.

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
    for (index, stage) in plan.stages.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}. {}{}", index + 1, stage.what, names(stage));
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

/// The nodes of a stage; where others may as well come in their place, how many of which.
fn names(stage: &PlannedStage) -> String {
    let PlannedStage { nodes, instead, .. } = stage;
    let all: Vec<&str> = nodes.iter().chain(instead).map(String::as_str).collect();
    let of = match (nodes.len(), instead.len()) {
        (0, _) => return String::new(),
        (_, 0) => String::new(),
        (1, _) => "one of ".to_owned(),
        (several, _) => format!("{several} of "),
    };
    match all.len() {
        few if few <= TOLD => format!(": {of}{}", all.join(", ")),
        many => format!(": {of}{}, and {} more", all[..TOLD].join(", "), many - TOLD),
    }
}
