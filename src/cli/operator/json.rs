//! What the coordinator says, for scripts. Times are RFC 3339 in UTC, or null; names of states and phases are those of the text.

use serde_json::{Value, json};

use super::time::exact;
use super::words;
use crate::control::v1_0_0::{
    Blocker, ChangedLimits, Event, GateStatus, GivenUp, NodeCount, NodeDescription, NodeInUpgrade, PlanResponse,
    PublishedVersion, StoredPermit, StoredUpgrade, UpgradeStatus,
};

pub(in crate::cli) fn status(status: &UpgradeStatus) -> Value {
    let mut told = status.upgrade.as_ref().map_or_else(|| json!({}), upgrade);
    told["nodes"] = json!({
        "total": status.total,
        "there": status.there,
        "moving": status.moving,
        "waiting": status.waiting,
        "failed": status.failed,
        "away": status.away,
        "each": status.nodes.iter().map(node_in_upgrade).collect::<Vec<_>>(),
    });
    told["waits_for"] = status.waits_for.iter().map(blocker).collect();
    told["gates"] = status.gates.iter().map(gate).collect();
    told["rests"] = status.rests.into();
    told["warnings"] = status.warnings.clone().into();
    told["advice"] = some(&status.advice);
    told
}

fn upgrade(upgrade: &StoredUpgrade) -> Value {
    json!({
        "number": upgrade.number,
        "protocol": upgrade.protocol,
        "from": upgrade.from,
        "to": upgrade.to,
        "state": words::state(upgrade.state),
        "why": some(&upgrade.why),
        "by": upgrade.by,
        "started": exact(upgrade.started),
        "changed": exact(upgrade.changed),
        "changed_by": some(&upgrade.changed_by),
        "taken_back_at": upgrade.taken_back_at.as_ref().map(count),
        "ended_at": upgrade.ended_at.as_ref().map(count),
        "schedule": upgrade.schedule,
        "seed": upgrade.seed,
        "on_failed_gate": words::on_failed_gate(upgrade.on_failed_gate),
        "accepted": upgrade.accepted,
        "changed_limits": upgrade.limits.as_ref().map(limits),
    })
}

fn limits(limits: &ChangedLimits) -> Value {
    json!({
        "minimum_serving": limits.minimum_serving,
        "serving_by": limits.serving_by,
        "versions": limits.versions,
        "apart": limits.apart,
    })
}

fn count(count: &NodeCount) -> Value {
    json!({ "there": count.there, "total": count.total, "away": count.away })
}

fn node_in_upgrade(node: &NodeInUpgrade) -> Value {
    json!({
        "node": node.node,
        "version": node.version,
        "phase": words::phase(node.phase),
        "connected": node.connected,
        "waits_for": some(&node.waits_for),
        "failure": node.failure,
        "labels": node.labels,
        "permit": number(node.permit),
    })
}

pub(in crate::cli) fn blocker(blocker: &Blocker) -> Value {
    json!({
        "rule": blocker.rule,
        "nodes": blocker.nodes,
        "what": blocker.what,
        "advice": some(&blocker.advice),
        "blocks": blocker.blocks,
        "stage": number(blocker.stage),
    })
}

fn gate(gate: &GateStatus) -> Value {
    json!({
        "name": gate.name,
        "expression": gate.expression,
        "holds": gate.holds,
        "waits": gate.waits,
        "what": some(&gate.what),
    })
}

pub(in crate::cli) fn plan(plan: &PlanResponse) -> Value {
    let stages = plan.stages.iter().map(|stage| {
        json!({ "what": stage.what, "nodes": stage.nodes, "then": some(&stage.then), "instead": stage.instead })
    });
    json!({
        "from": plan.from,
        "to": plan.to,
        "stages": stages.collect::<Vec<_>>(),
        "blockers": plan.blockers.iter().map(blocker).collect::<Vec<_>>(),
        "seed": plan.seed,
    })
}

pub(in crate::cli) fn node(described: &NodeDescription) -> Value {
    let node = described.node.clone().unwrap_or_default();
    json!({
        "node": node.node,
        "protocol": node.protocol,
        "address": node.address,
        "labels": node.labels,
        "version": node.version,
        "phase": words::phase(described.phase),
        "moving_to": some(&described.moving_to),
        "back": some(&node.back),
        "connected": described.connected,
        "serving": described.serving,
        "drained": described.drained,
        "forgotten": node.forgotten,
        "held": described.held,
        "failure": node.failure,
        "failed_in": number(node.failed_in),
        "stuck": node.stuck,
        "runs": node.runs,
        "knows": described.knows,
        "unlearned": described.unlearned,
        "contested": described.contested,
        "given_up": node.given_up.as_ref().map(given_up),
        "ways": node.ways.iter().map(|way| words::way(*way)).collect::<Vec<_>>(),
        "calls_running": described.calls_running,
        "heard_microseconds_ago": described.heard_microseconds_ago,
        "first_seen": exact(node.first_seen),
        "moved": exact(node.moved),
        "permit": described.permit.as_ref().map(permit),
    })
}

fn given_up(given_up: &GivenUp) -> Value {
    json!({ "permit": given_up.permit, "records": given_up.records, "file": given_up.file })
}

fn permit(permit: &StoredPermit) -> Value {
    json!({
        "permit": permit.permit,
        "upgrade": number(permit.upgrade),
        "from": permit.from,
        "to": permit.to,
        "back": permit.back,
        "way": words::way(permit.way),
        "given": exact(permit.given),
        "within_microseconds": permit.within_microseconds,
    })
}

pub(in crate::cli) fn event(event: &Event) -> Value {
    json!({
        "number": event.number,
        "at": exact(event.at),
        "who": event.who,
        "kind": event.kind,
        "protocol": some(&event.protocol),
        "upgrade": number(event.upgrade),
        "node": some(&event.node),
        "what": event.what,
        "why": some(&event.why),
    })
}

pub(in crate::cli) fn version(version: &PublishedVersion, active: bool) -> Value {
    json!({
        "protocol": version.protocol,
        "version": version.version,
        "after": some(&version.after),
        "schema": version.schema,
        "bundle": version.bundle,
        "by": version.by,
        "at": exact(version.at),
        "active": active,
    })
}

/// Null for an empty text.
fn some(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { text.into() }
}

/// Null for 0, which no number is.
fn number(number: u64) -> Value {
    if number == 0 { Value::Null } else { number.into() }
}
