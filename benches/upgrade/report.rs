//! The rows as tables and as JSON.

mod barrier;
mod gap;
mod pause;

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::barrier::Row as Switched;
use crate::gap::Row as Replaced;
use crate::options::Options;
use crate::pause::Row as Moved;
use crate::records::{Row, memory};

const RECORDS: &str = "Records carried over in a second, medians of the rounds: by the rules, and by a transform function \
written by hand (prost decode, conversion, prost encode, the same batches and durability). The ratio is the median of the \
rounds' ratios.";
const MEMORY: &str = "Memory of a process of its own, in MiB: before, and at most above that.";

/// All that was measured; parts that were not are empty.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) records: Vec<Row>,
    pub(crate) memory: Vec<memory::Row>,
    pub(crate) pause: Vec<Moved>,
    pub(crate) gap: Vec<Replaced>,
    pub(crate) barrier: Vec<Switched>,
}

impl Row {
    fn in_a_second(&self, durations: &[Duration]) -> f64 {
        median(durations.iter().map(|duration| self.records() / duration.as_secs_f64()))
    }

    fn ratio(&self) -> f64 {
        median(self.rules.iter().zip(&self.hand).map(|(rules, hand)| hand.as_secs_f64() / rules.as_secs_f64()))
    }

    #[allow(clippy::cast_precision_loss, reason = "a million is not much")]
    fn records(&self) -> f64 {
        self.records as f64
    }
}

impl memory::Row {
    fn above(&self) -> u64 {
        self.peak.saturating_sub(self.idle)
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

pub(crate) fn tables(measured: &Measured) -> String {
    let Measured { records, memory, pause, gap, barrier } = measured;
    let mut tables = Vec::new();
    if !records.is_empty() {
        let head = "| records | bytes | rules /s | by hand /s | ratio |\n|---:|---:|---:|---:|---:|\n";
        let mut text = format!("{RECORDS}\n\n{head}");
        for row in records {
            let (rules, hand, ratio) = (row.in_a_second(&row.rules), row.in_a_second(&row.hand), row.ratio());
            writeln!(text, "| {} | {} | {rules:.0} | {hand:.0} | {ratio:.2} |", row.records, row.bytes)
                .expect("a string takes all");
        }
        tables.push(text);
    }
    if !memory.is_empty() {
        let mut text = format!("{MEMORY}\n\n| way | records | before | above |\n|---|---:|---:|---:|\n");
        for row in memory {
            writeln!(text, "| {} | {} | {} | {} |", row.way, row.records, row.idle >> 20, row.above() >> 20)
                .expect("a string takes all");
        }
        tables.push(text);
    }
    if !pause.is_empty() {
        tables.push(pause::table(pause));
    }
    if !gap.is_empty() {
        tables.push(gap::table(gap));
    }
    if !barrier.is_empty() {
        tables.push(barrier::table(barrier));
    }
    tables.join("\n")
}

/// Parts that were not measured stay as an earlier run has left them.
pub(crate) fn write_json(options: &Options, measured: &Measured) -> Result<(), String> {
    let Measured { records, memory, pause, gap, barrier } = measured;
    let path = &options.json;
    let there = std::fs::read(path).ok().and_then(|there| serde_json::from_slice(&there).ok());
    let mut all = there.filter(Value::is_object).unwrap_or_else(|| json!({}));
    if !records.is_empty() {
        all["rounds"] = json!(options.rounds);
        all["records"] = json!({ "meaning": RECORDS, "rows": records.iter().map(row).collect::<Vec<_>>() });
    }
    if !memory.is_empty() {
        all["memory"] = json!({ "meaning": MEMORY, "rows": memory.iter().map(memory_row).collect::<Vec<_>>() });
    }
    if !pause.is_empty() {
        all["pause"] = json!({
            "meaning": pause::MEANING,
            "calls_per_second": options.rate,
            "rows": pause.iter().map(pause::json).collect::<Vec<_>>(),
        });
    }
    if !gap.is_empty() {
        all["gap"] = json!({ "meaning": gap::MEANING, "rows": gap.iter().map(gap::json).collect::<Vec<_>>() });
    }
    if !barrier.is_empty() {
        let rows: Vec<Value> = barrier.iter().map(barrier::json).collect();
        all["barrier"] = json!({ "meaning": barrier::MEANING, "rows": rows });
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    }
    std::fs::write(path, format!("{all:#}\n")).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn memory_row(row: &memory::Row) -> Value {
    json!({
        "way": row.way,
        "records": row.records,
        "idle_bytes": row.idle,
        "above_idle_bytes": row.above(),
    })
}

fn row(row: &Row) -> Value {
    let seconds = |durations: &[Duration]| durations.iter().map(Duration::as_secs_f64).collect::<Vec<_>>();
    json!({
        "records": row.records,
        "message_bytes": row.bytes,
        "rules_records_per_second": row.in_a_second(&row.rules),
        "hand_records_per_second": row.in_a_second(&row.hand),
        "rules_to_hand": row.ratio(),
        "rules_seconds": seconds(&row.rules),
        "hand_seconds": seconds(&row.hand),
    })
}
