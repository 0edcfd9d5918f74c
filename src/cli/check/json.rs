//! A check as one JSON document.

use serde_json::{Value, json};

use super::view::{View, categories, counts, level, word};
use crate::check::Verdict;
use crate::check::judge::{Change, Finding, Judged, fleet};
use crate::protocol::plan::Direction;

pub(super) fn of(view: &View<'_>, fails: bool) -> Result<String, serde_json::Error> {
    let report = &view.report;
    let mut document = json!({
        "protocol": report.protocol,
        "versions": report.versions.iter().map(|name| view.named(name)).collect::<Vec<_>>(),
        "failed": fails,
        "steps": report.steps.iter().map(|one| step(view, one)).collect::<Vec<_>>(),
        "findings": report.all().map(|finding| row(view, finding)).collect::<Vec<_>>(),
    });
    if let Some(judged) = &report.fleet {
        document["fleet"] = fleet(judged);
    }
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// A check that could not be made.
pub(super) fn of_error(told: &str) -> Result<String, serde_json::Error> {
    let document = json!({
        "protocol": null,
        "versions": [],
        "failed": true,
        "error": { "message": told },
        "steps": [],
        "findings": [],
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn step(view: &View<'_>, step: &Judged) -> Value {
    let [compatible, bridged, refused, open] = counts(&step.findings);
    json!({
        "from": view.named(&step.names.0),
        "to": view.named(&step.names.1),
        "counts": { "compatible": compatible, "bridged": bridged, "refused": refused, "open": open },
        "additions": step.findings.iter().filter(|finding| finding.is_addition()).count(),
        "refused_by_value": step.refusing.iter().map(|refusing| json!({
            "direction": way(refusing.direction),
            "element": refusing.element,
            "why": refusing.whys,
            "uses": refusing.uses,
            "line": refusing.line,
        })).collect::<Vec<_>>(),
        "bump": {
            "declared": step.bump.declared.map(Change::name),
            "needed": step.bump.needed.name(),
            "enough": !step.bump.is_too_small(),
            "why": step.bump.why,
        },
        "losses": step.losses.iter().map(|lost| {
            let mut row = json!({
                "direction": way(lost.direction),
                "element": lost.element,
                "line": lost.line,
            });
            for (used, policy) in lost.by_use() {
                row[used] = policy.into();
            }
            row
        }).collect::<Vec<_>>(),
    })
}

/// The fleet that it was held against, with what becomes of each call.
fn fleet(judged: &fleet::Judged) -> Value {
    let fleet = &judged.fleet;
    let called = |(called, outcomes): (&fleet::Called, &Vec<Option<&'static str>>)| {
        let callers =
            called.callers.iter().map(|one| json!({ "caller": one.name, "calls": one.calls, "error": one.error }));
        let at = judged.proposed.iter().zip(outcomes);
        json!({
            "version": called.version,
            "method": called.method,
            "calls": called.calls,
            "unlabelled": called.unlabelled,
            "seconds_ago": called.ago.as_secs(),
            "within": called.ago <= fleet.within,
            "callers": callers.collect::<Vec<_>>(),
            "others_at_most": called.others,
            "at": at.map(|(version, word)| json!({ "version": version, "route": word })).collect::<Vec<_>>(),
        })
    };
    let node = |node: &fleet::Node| json!({ "node": node.name, "version": node.version });
    json!({
        "coordinator": fleet.by,
        "proposed": judged.proposed,
        "published": fleet.published.keys().collect::<Vec<_>>(),
        "retired_up_to": fleet.retired,
        "nodes": fleet.nodes.iter().map(node).collect::<Vec<_>>(),
        "calls_within_seconds": fleet.within.as_secs(),
        "counted_seconds": fleet.counted_for.map(|counted| counted.as_secs()),
        "calls": fleet.calls.iter().zip(&judged.outcomes).map(called).collect::<Vec<_>>(),
        "unknown": fleet.unknown,
    })
}

fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "up",
        Direction::Down => "down",
    }
}

/// One finding.
pub(super) fn row(view: &View<'_>, finding: &Finding) -> Value {
    let shown = view.shown(finding);
    let verdict = finding.verdict.as_ref();
    let effect = &finding.effect;
    let mut row = json!({
        "file": shown.as_ref().map(|shown| &shown.file),
        "line": shown.as_ref().and_then(|shown| shown.spot.line),
        "column": shown.as_ref().and_then(|shown| shown.spot.line.map(|_| shown.spot.column)),
        "end_column": shown.as_ref().and_then(|shown| shown.spot.end),
        "rule": finding.rule.id,
        "categories": categories(finding),
        "level": level(finding.level),
        "element": finding.element,
        "group": finding.group,
        "what": view.named(&finding.what),
        "effect": { "old_reader": view.named(&effect.old_reader), "new_reader": view.named(&effect.new_reader) },
        "verdict": verdict.map(word),
        "refuses_values": { "up": finding.may_refuse.up, "down": finding.may_refuse.down },
        "notes": finding.notes.iter().map(|note| view.named(note)).collect::<Vec<_>>(),
        "step": finding.step.as_ref().map(|(from, to)| json!({ "from": view.named(from), "to": view.named(to) })),
    });
    match verdict {
        Some(Verdict::Bridged { by, .. }) => {
            row["by"] = by.as_str().into();
            row["at"] = verdict.and_then(|verdict| view.said_at(verdict)).into();
        }
        Some(Verdict::Refused { reason }) => row["reason"] = view.named(reason).into(),
        Some(Verdict::Open { advice }) => row["advice"] = view.named(advice).into(),
        Some(Verdict::Compatible) | None => {}
    }
    if let Some(advice) = &finding.advice {
        row["advice"] = view.named(advice).into();
    }
    row
}
