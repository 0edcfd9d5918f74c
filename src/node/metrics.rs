//! The numbers of a node, for whoever watches it.

use super::{Node, NodeStatus};
use crate::dispatch::{Called, Cost, Counted, Counts, RewriteCosts, bound};
use crate::metrics::{Family, Kind, Text, float};
use crate::refusal::Reason;
use crate::state::Phase;

/// What a call is counted under whose version or method nobody declares: callers may say what they like.
const OTHER: &str = "other";

impl Node {
    /// The node's numbers in Prometheus's text format (0.0.4), as its [admin service](crate::node::admin) tells them on
    /// `GET /metrics`; for programs that have a page of their own. Calls are counted from when the admin service is served, a
    /// coordinator is attended, or this is first called.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.dispatch().count_calls();
        let (status, mut text) = (self.status(), Text::default());
        text.build();
        self.calls(&status.protocol, &mut text);
        rewrites(&status.protocol, &self.dispatch().rewrite_costs(), &mut text);
        self.gate(&mut text);
        phases(&status, &mut text);
        moves(&status, &mut text);
        text.into_text()
    }

    fn calls(&self, protocol: &str, text: &mut Text) {
        let unrouted = self.dispatch().unrouted();
        let told = |counted: Counted| {
            let versions = [counted.called.version.to_string(), counted.called.node.to_string()];
            (counted, versions)
        };
        let counted: Vec<_> = self.dispatch().counted().into_iter().map(told).collect();
        let rows: Vec<Row<'_>> = counted.iter().map(|counted| Row::of(protocol, counted)).collect();
        let runs = self.version().to_string();
        let other = |more| {
            let (caller, served) = (("caller_version", OTHER), ("served_version", runs.as_str()));
            [("protocol", protocol), caller, ("unlabelled", "false"), served, ("method", OTHER), more]
        };

        let help =
            "Calls from outside that have ended, by caller version, the version that the node ran, and how they ended.";
        let mut family = text.family("straddle_calls_total", Kind::Counter, help);
        for row in &rows {
            let Counts { answered, failed, gone, .. } = row.counts;
            let refused = row.counts.refusals();
            for (outcome, count) in
                [("answered", *answered), ("failed", *failed), ("refused", refused), ("gone", *gone)]
            {
                family.count(&row.and(("outcome", outcome)), count);
            }
        }
        family.count(&other(("outcome", "refused")), unrouted.refused.iter().sum());
        family.count(&other(("outcome", "undeclared")), unrouted.undeclared);

        let help = "Calls from outside that were refused, by the reason that their callers were told.";
        let mut family = text.family("straddle_refusals_total", Kind::Counter, help);
        for reason in Reason::ALL {
            for row in rows.iter().filter(|row| row.counts.refused[reason.index()] > 0) {
                family.count(&row.and(("reason", reason.name())), row.counts.refused[reason.index()]);
            }
            family.count(&other(("reason", reason.name())), unrouted.refused[reason.index()]);
        }

        let help = "Calls from outside that have begun and not ended.";
        let mut family = text.family("straddle_calls_running", Kind::Gauge, help);
        for row in &rows {
            family.count(&row.labels, row.counts.running());
        }

        let help = "How long unary calls took that were not refused, with their wait at the gate, until their answers were sent.";
        let mut family = text.family("straddle_call_duration_seconds", Kind::Histogram, help);
        for row in &rows {
            latency(row, &mut family);
        }
    }

    fn gate(&self, text: &mut Text) {
        let gate = self.dispatch().gate();
        let help = "Calls inside the gate in front of the node's objects, and calls that wait at it.";
        let mut family = text.family("straddle_gate_calls", Kind::Gauge, help);
        family.count(&[("where", "inside")], gate.inside() as u64);
        family.count(&[("where", "waiting")], gate.waiting() as u64);
        let ended = gate.ended_streams();
        let help = "Streams that ended before their time because the node moved: drained ones go on elsewhere, cut ones do not.";
        let mut family = text.family("straddle_streams_ended_total", Kind::Counter, help);
        family.count(&[("how", "drained")], ended.drained);
        family.count(&[("how", "cut")], ended.cut);
    }
}

/// The numbers of one version and method, and what they are told under.
struct Row<'c> {
    labels: [(&'static str, &'c str); 5],
    counts: &'c Counts,
}

impl<'c> Row<'c> {
    fn of(protocol: &'c str, counted: &'c (Counted, [String; 2])) -> Self {
        let (Counted { called: Called { unlabelled, method, .. }, counts }, [caller, served]) = counted;
        let unlabelled = if *unlabelled { "true" } else { "false" };
        let labels = [
            ("protocol", protocol),
            ("caller_version", caller),
            ("unlabelled", unlabelled),
            ("served_version", served),
            ("method", method.trim_start_matches('/')),
        ];
        Self { labels, counts }
    }

    fn and(&self, more: (&'static str, &'c str)) -> [(&'static str, &'c str); 6] {
        let [protocol, caller, unlabelled, served, method] = self.labels;
        [protocol, caller, unlabelled, served, method, more]
    }
}

/// Every second group is told: four times as long as the one before is as fine as anybody asks, and half the lines.
fn latency(row: &Row<'_>, family: &mut Family<'_>) {
    if row.counts.latency.iter().all(|count| *count == 0) {
        return;
    }
    let groups = row.counts.latency.chunks(2).enumerate().map(|(pair, counts)| {
        let last = bound(pair * 2 + counts.len() - 1);
        (last.map_or(f64::INFINITY, |bound| bound.as_secs_f64()), counts.iter().sum())
    });
    family.histogram(&row.labels, groups, float(row.counts.latency_microseconds) / 1e6);
}

/// What it costs that callers of other versions are served by rules.
fn rewrites(protocol: &str, costs: &[RewriteCosts], text: &mut Text) {
    let versions = |costs: &RewriteCosts| [costs.caller.to_string(), costs.node.to_string()];
    let versions: Vec<[String; 2]> = costs.iter().map(versions).collect();
    let rows: Vec<([(&str, &str); 4], Cost)> = costs
        .iter()
        .zip(&versions)
        .flat_map(|(RewriteCosts { costs, .. }, [caller, served])| {
            let labels = |direction| {
                let (caller, served) = (("caller_version", caller.as_str()), ("served_version", served.as_str()));
                [("protocol", protocol), caller, served, ("direction", direction)]
            };
            [(labels("request"), costs.requests), (labels("response"), costs.responses)]
        })
        .filter(|(_, cost)| cost.messages > 0)
        .collect();

    let help = "Messages that rules were applied to, also those that they refused, by caller version and the version that the node ran.";
    let mut family = text.family("straddle_rewrite_messages_total", Kind::Counter, help);
    for (labels, cost) in &rows {
        family.count(labels, cost.messages);
    }
    let help = "How large these messages were before.";
    let mut family = text.family("straddle_rewrite_bytes_total", Kind::Counter, help);
    for (labels, cost) in &rows {
        family.count(labels, cost.bytes);
    }
    let help = "How long applying rules to them took; of a stream each 16th message is measured, and stands for those up to the next.";
    let mut family = text.family("straddle_rewrite_seconds_total", Kind::Counter, help);
    for (labels, cost) in &rows {
        family.number(labels, cost.took.as_secs_f64());
    }
}

fn phases(status: &NodeStatus, text: &mut Text) {
    let version = status.version.to_string();
    let active = status.active.to_string();
    let help = "The version that the node runs, and the newest one whose behaviour is active; always 1.";
    let labels = [("protocol", status.protocol.as_str()), ("version", &version), ("active_version", &active)];
    text.family("straddle_node_version_info", Kind::Gauge, help).number(&labels, 1.0);
    let mut family =
        text.family("straddle_node_phase", Kind::Gauge, "1 for the phase that the node is in, 0 for all others.");
    for phase in Phase::ALL {
        family.count(&[("phase", &phase.to_string())], u64::from(phase == status.phase));
    }
    let help = "1 for what keeps callers, or the next move, from the node, 0 for what does not.";
    let mut family = text.family("straddle_node_condition", Kind::Gauge, help);
    for (condition, is_so) in [
        ("drained", status.drained),
        ("failed", status.failure.is_some()),
        ("held", status.held.is_some()),
        ("stuck", status.stuck.is_some()),
        ("unadmitted", status.unadmitted.is_some()),
    ] {
        family.count(&[("condition", condition)], u64::from(is_so));
    }
}

fn moves(status: &NodeStatus, text: &mut Text) {
    if let Some((done, total)) = status.filling {
        let help = "Records that a lazy upgrade has yet to bring over: how many are done, and of how many.";
        let mut family = text.family("straddle_filling_records", Kind::Gauge, help);
        family.count(&[("of", "done")], done);
        family.count(&[("of", "all")], total);
    }
    let Some(moved) = &status.last else { return };
    let (from, to) = (moved.from.to_string(), moved.to.to_string());
    let labels = [("from", from.as_str()), ("to", to.as_str())];
    let help = "How long callers waited at the gate in the last move that came to its end.";
    text.family("straddle_last_move_pause_seconds", Kind::Gauge, help).number(&labels, moved.pause.as_secs_f64());
}
