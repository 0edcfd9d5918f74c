//! An upgrade at a glance: how far, what it waits for, what to do.

use std::fmt::Write;

use super::doing::{number, state};
use crate::cli::inspect::printable;
use crate::cli::operator::table::{short, table};
use crate::cli::operator::{time, words};
use crate::control::v1_0_0::{Blocker, NodeInUpgrade, UpgradeState, UpgradeStatus};

/// Nodes that are listed one by one; of more, only those that are not there.
const LISTED: usize = 20;
/// Names that are told in one line.
const NAMED: usize = 6;
/// Letters of what one node waits for.
const LONGEST: usize = 60;
/// Letters of the bar.
const BAR: u64 = 24;

/// All of it.
pub(super) fn status(status: &UpgradeStatus) -> String {
    let upgrade = status.upgrade.clone().unwrap_or_default();
    // Writing to a string cannot fail.
    let mut text = format!("{}: {}\n", name(status), words::state(upgrade.state));
    if status.total > 0 {
        let _ = writeln!(text, "  {}  {}", bar(status), counts(status));
    }
    if !upgrade.why.is_empty() {
        let by = if upgrade.changed_by.is_empty() { &upgrade.by } else { &upgrade.changed_by };
        let _ = writeln!(text, "  why        {} ({by})", upgrade.why);
    }
    if let Some(count) = &upgrade.taken_back_at {
        let (by, to) = (&upgrade.changed_by, &upgrade.to);
        let _ = writeln!(text, "  back       by {by}, when {} of {} nodes ran {to}", count.there, count.total);
    }
    if upgrade.ended_at.is_some() {
        let by = match upgrade.taken_back_at {
            None => format!(", finalized by {}", upgrade.changed_by),
            Some(_) => String::new(),
        };
        let _ = writeln!(text, "  ended      {}{by}; started by {}", time::at(upgrade.changed), upgrade.by);
    }
    text.push_str(&blockers(&status.waits_for, "waits for"));
    for gate in &status.gates {
        let holds = match (gate.holds, gate.waits) {
            (true, _) => "holds",
            (false, true) => "waits",
            (false, false) => "FAILS",
        };
        let what = if gate.what.is_empty() { String::new() } else { format!(": {}", gate.what) };
        let _ = writeln!(text, "  gate       {} {holds}{what}", gate.name);
    }
    for warning in &status.warnings {
        let _ = writeln!(text, "  warning    {warning}");
    }
    let _ = writeln!(text, "  to do      {}", if status.advice.is_empty() { "nothing" } else { &status.advice });
    text.push_str(&nodes(status));
    printable(&text)
}

/// `upgrade 3 of inventory, 1.1.0 -> 2.0.0`.
pub(super) fn name(status: &UpgradeStatus) -> String {
    let upgrade = status.upgrade.clone().unwrap_or_default();
    format!("upgrade {} of {}, {} -> {}", number(status), upgrade.protocol, upgrade.from, upgrade.to)
}

/// The same as a list, a line each.
pub(super) fn list(upgrades: &[UpgradeStatus]) -> String {
    let row = |status: &UpgradeStatus| {
        let upgrade = status.upgrade.clone().unwrap_or_default();
        [
            upgrade.number.to_string(),
            upgrade.protocol,
            format!("{} -> {}", upgrade.from, upgrade.to),
            words::state(upgrade.state),
            if status.total == 0 { String::new() } else { format!("{} of {}", status.there, status.total) },
            time::at(upgrade.started),
            upgrade.why,
        ]
    };
    let rows: Vec<_> = upgrades.iter().map(row).collect();
    table(["NUMBER", "PROTOCOL", "STEP", "STATE", "THERE", "STARTED", "WHY"], &rows, "")
}

fn bar(status: &UpgradeStatus) -> String {
    let there = (BAR * status.there).checked_div(status.total).unwrap_or_default();
    let moving = (BAR * (status.there + status.moving)).checked_div(status.total).unwrap_or_default() - there;
    let part = |letter: &str, count: u64| letter.repeat(usize::try_from(count).unwrap_or_default());
    format!("[{}{}{}]", part("#", there), part(">", moving), part(".", BAR.saturating_sub(there + moving)))
}

/// The version that nodes are to come to.
pub(super) fn target(status: &UpgradeStatus) -> String {
    let target = status.upgrade.as_ref().map(|upgrade| match state(status) {
        UpgradeState::RollingBack | UpgradeState::RolledBack => upgrade.from.clone(),
        _ => upgrade.to.clone(),
    });
    target.unwrap_or_default()
}

/// How many nodes are where.
pub(super) fn counts(status: &UpgradeStatus) -> String {
    if status.total == 0 {
        return "no nodes".to_owned();
    }
    let mut text = format!("{} of {} nodes at {}", status.there, status.total, target(status));
    let several = |count: u64, one: &str, several: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {several}")),
    };
    for told in [
        several(status.moving, "moves", "move"),
        several(status.waiting, "waits", "wait"),
        several(status.failed, "failed", "failed"),
        several(status.away, "is away", "are away"),
    ]
    .into_iter()
    .flatten()
    {
        text.push_str(", ");
        text.push_str(&told);
    }
    text
}

/// What keeps nodes from going, a line or two each.
pub(in crate::cli) fn blockers(blockers: &[Blocker], waits: &str) -> String {
    let mut text = String::new();
    for (index, blocker) in blockers.iter().enumerate() {
        let head = if index == 0 { waits } else { "" };
        let nodes = if blocker.nodes.is_empty() { String::new() } else { format!("{}: ", names(&blocker.nodes)) };
        // Writing to a string cannot fail.
        let stage = if blocker.stage == 0 { String::new() } else { format!(" (stage {})", blocker.stage) };
        let _ = writeln!(text, "  {head:<9}  {}{stage}: {nodes}{}", blocker.rule, blocker.what);
        if !blocker.advice.is_empty() {
            let _ = writeln!(text, "  {:<9}  help: {}", "", blocker.advice);
        }
    }
    text
}

fn names(nodes: &[String]) -> String {
    if nodes.len() <= NAMED {
        return nodes.join(", ");
    }
    format!("{}, and {} more", nodes[..NAMED].join(", "), nodes.len() - NAMED)
}

fn nodes(status: &UpgradeStatus) -> String {
    let all = status.nodes.len() <= LISTED;
    let there = |node: &&NodeInUpgrade| all || !is_quiet(node);
    let listed: Vec<&NodeInUpgrade> = status.nodes.iter().filter(there).collect();
    let row = |node: &&NodeInUpgrade| [node.node.clone(), node.version.clone(), doing(node), waits_for(node)];
    let rows: Vec<_> = listed.iter().take(LISTED).map(row).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}", table(["NODE", "VERSION", "PHASE", "WAITS FOR"], &rows, "  "));
    let left = status.nodes.len() - rows.len();
    if left > 0 {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  and {left} more, which --json tells");
    }
    text
}

/// Nothing is to be said of it.
fn is_quiet(node: &NodeInUpgrade) -> bool {
    node.connected && node.waits_for.is_empty() && node.failure.is_none() && node.permit == 0
}

fn doing(node: &NodeInUpgrade) -> String {
    if node.connected { words::phase(node.phase) } else { "away".to_owned() }
}

/// What stands above in full is shortened here.
fn waits_for(node: &NodeInUpgrade) -> String {
    let text = match &node.failure {
        Some(failure) if node.waits_for.is_empty() => format!("failed: {failure}"),
        Some(failure) if !node.waits_for.contains(failure.as_str()) => format!("failed: {failure}; {}", node.waits_for),
        _ => node.waits_for.clone(),
    };
    short(&text, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::v1_0_0::{GateStatus, NodeCount, Phase, StoredUpgrade};

    #[test]
    fn a_status_says_how_far_what_it_waits_for_and_what_to_do() {
        let node = |name: &str, version: &str, waits: &str| NodeInUpgrade {
            node: name.to_owned(),
            version: version.to_owned(),
            phase: Phase::Serving.into(),
            connected: name != "c",
            waits_for: waits.to_owned(),
            ..Default::default()
        };
        let told = status(&UpgradeStatus {
            upgrade: Some(StoredUpgrade {
                number: 3,
                protocol: "shop".to_owned(),
                from: "1.0.0".to_owned(),
                to: "2.0.0".to_owned(),
                state: UpgradeState::Running.into(),
                ..Default::default()
            }),
            there: 1,
            moving: 1,
            waiting: 1,
            failed: 0,
            away: 1,
            total: 4,
            nodes: vec![node("a", "2.0.0", ""), node("b", "1.0.0", "its turn"), node("c", "1.0.0", "")],
            waits_for: vec![Blocker {
                rule: "away".to_owned(),
                nodes: vec!["c".to_owned()],
                what: "nobody has heard of it for 20 s".to_owned(),
                advice: "start it".to_owned(),
                blocks: true,
                stage: 0,
            }],
            advice: "see why c is away".to_owned(),
            gates: vec![GateStatus { name: "errors".to_owned(), holds: true, ..Default::default() }],
            rests: false,
            warnings: vec!["two programs come as c".to_owned()],
        });
        let expected = "\
upgrade 3 of shop, 1.0.0 -> 2.0.0: running
  [######>>>>>>............]  1 of 4 nodes at 2.0.0, 1 moves, 1 waits, 1 is away
  waits for  away: c: nobody has heard of it for 20 s
             help: start it
  gate       errors holds
  warning    two programs come as c
  to do      see why c is away

  NODE  VERSION  PHASE    WAITS FOR
  a     2.0.0    serving
  b     1.0.0    serving  its turn
  c     1.0.0    away
";
        assert_eq!(told, expected);
    }

    #[test]
    fn an_upgrade_that_has_ended_says_how_by_whom_and_why() {
        let mut upgrade = StoredUpgrade {
            number: 3,
            protocol: "shop".to_owned(),
            from: "1.0.0".to_owned(),
            to: "2.0.0".to_owned(),
            state: UpgradeState::RolledBack.into(),
            why: "orders are slow".to_owned(),
            by: "ada".to_owned(),
            changed_by: "coordinator".to_owned(),
            changed: 1_763_000_000_000_000,
            taken_back_at: Some(NodeCount { there: 2, total: 6, away: 0 }),
            ended_at: Some(NodeCount { there: 6, total: 6, away: 0 }),
            ..Default::default()
        };
        let ended = |upgrade: &StoredUpgrade| {
            status(&UpgradeStatus { upgrade: Some(upgrade.clone()), there: 6, total: 6, ..Default::default() })
        };
        let expected = "\
upgrade 3 of shop, 1.0.0 -> 2.0.0: rolled-back
  [########################]  6 of 6 nodes at 1.0.0
  why        orders are slow (coordinator)
  back       by coordinator, when 2 of 6 nodes ran 2.0.0
  ended      2025-11-13T02:13:20Z; started by ada
  to do      nothing
";
        assert_eq!(ended(&upgrade), expected);
        upgrade.set_state(UpgradeState::Finalized);
        (upgrade.why, upgrade.changed_by, upgrade.taken_back_at) = (String::new(), "eve".to_owned(), None);
        let told = ended(&upgrade);
        assert!(
            told.contains(
                "6 of 6 nodes at 2.0.0\n  ended      2025-11-13T02:13:20Z, finalized by eve; started by ada\n"
            ),
            "{told}"
        );
    }
}
