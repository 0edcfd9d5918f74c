//! The rows as tables and as JSON.

mod fleet;

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::core::Row as Decided;
use crate::decision::Row;
use crate::fleet::Row as Fleet;
use crate::machine;
use crate::options::Options;

const DECISION: &str = "One round of a schedule over all nodes, and what its gates say, in milliseconds of one core: medians, and \
the slowest.";
const CORE: &str = "All that the coordinator decides, in time of one core: a round over all nodes, with all that two seconds of reports \
have changed, and the status of an upgrade, in milliseconds; what one report costs, in microseconds. Medians, and the slowest.";

/// All that was measured; parts that were not are empty.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) decision: Vec<Row>,
    pub(crate) core: Vec<Decided>,
    pub(crate) fleet: Option<Fleet>,
}

pub(crate) fn tables(measured: &Measured) -> String {
    let Measured { decision, core, fleet } = measured;
    let mut tables = Vec::new();
    if !decision.is_empty() {
        let head = "| schedule | nodes | go | wait | round | slowest | gates |\n|---|---:|---:|---:|---:|---:|---:|\n";
        let mut text = format!("{DECISION}\n\n{head}");
        for row in decision {
            let Row { schedule, nodes, goes, waits, round, gates } = row;
            let (median, slowest, gates) = (median(round), slowest(round), self::median(gates));
            writeln!(text, "| {schedule} | {nodes} | {goes} | {waits} | {median:.1} | {slowest:.1} | {gates:.1} |")
                .expect("a string takes all");
        }
        tables.push(text);
    }
    if !core.is_empty() {
        let head =
            "| schedule | nodes | permits | round | slowest | report | status |\n|---|---:|---:|---:|---:|---:|---:|\n";
        let mut text = format!("{CORE}\n\n{head}");
        for row in core {
            let Decided { schedule, nodes, permits, .. } = row;
            let (round, slowest, status) = (median(&row.round), slowest(&row.round), median(&row.status));
            let report = median(&row.report) * 1000.0;
            writeln!(
                text,
                "| {schedule} | {nodes} | {permits} | {round:.1} | {slowest:.1} | {report:.1} | {status:.1} |"
            )
            .expect("a string takes all");
        }
        tables.push(text);
    }
    if let Some(fleet) = fleet {
        tables.push(fleet::table(fleet));
    }
    tables.join("\n")
}

/// Parts that were not measured stay as an earlier run has left them.
pub(crate) fn write_json(options: &Options, measured: &Measured) -> Result<(), String> {
    let Measured { decision, core, fleet } = measured;
    let path = &options.json;
    let there = std::fs::read(path).ok().and_then(|there| serde_json::from_slice(&there).ok());
    let mut all = there.filter(Value::is_object).unwrap_or_else(|| json!({}));
    if !decision.is_empty() {
        let rows: Vec<Value> = decision.iter().map(decision_row).collect();
        all["decision"] = json!({ "meaning": DECISION, "rounds": options.rounds, "rows": rows });
    }
    if !core.is_empty() {
        let rows: Vec<Value> = core.iter().map(core_row).collect();
        all["core"] = json!({ "meaning": CORE, "rounds": options.rounds, "rows": rows });
    }
    if let Some(fleet) = fleet {
        all["fleet"] = fleet::json(fleet);
    }
    all["machine"] = machine::json();
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    }
    std::fs::write(path, format!("{all:#}\n")).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn decision_row(row: &Row) -> Value {
    let all = |durations: &[Duration]| durations.iter().map(|one| milliseconds(*one)).collect::<Vec<_>>();
    json!({
        "schedule": row.schedule,
        "nodes": row.nodes,
        "goes": row.goes,
        "waits": row.waits,
        "round_milliseconds": median(&row.round),
        "slowest_round_milliseconds": slowest(&row.round),
        "gates_milliseconds": median(&row.gates),
        "all_rounds_milliseconds": all(&row.round),
    })
}

fn core_row(row: &Decided) -> Value {
    json!({
        "schedule": row.schedule,
        "nodes": row.nodes,
        "permits": row.permits,
        "reports_before_each_round": row.reports,
        "round_milliseconds": median(&row.round),
        "slowest_round_milliseconds": slowest(&row.round),
        "report_microseconds": median(&row.report) * 1000.0,
        "status_milliseconds": median(&row.status),
    })
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn median(durations: &[Duration]) -> f64 {
    let mut values: Vec<f64> = durations.iter().copied().map(milliseconds).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

fn slowest(durations: &[Duration]) -> f64 {
    durations.iter().copied().map(milliseconds).fold(0.0, f64::max)
}
