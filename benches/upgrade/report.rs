//! The rows as tables and as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::options::Options;
use crate::records::{Row, memory};

const RECORDS: &str = "Records carried over in a second, medians of the rounds: by the rules, and by a transform function \
written by hand (prost decode, conversion, prost encode, the same batches and durability). The ratio is the median of the \
rounds' ratios.";
const MEMORY: &str = "Memory of a process of its own, in MiB: before, and at most above that.";

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

pub(crate) fn tables(rows: &[Row], memory: &[memory::Row]) -> String {
    let mut text =
        format!("{RECORDS}\n\n| records | bytes | rules /s | by hand /s | ratio |\n|---:|---:|---:|---:|---:|\n");
    for row in rows {
        let (rules, hand, ratio) = (row.in_a_second(&row.rules), row.in_a_second(&row.hand), row.ratio());
        writeln!(text, "| {} | {} | {rules:.0} | {hand:.0} | {ratio:.2} |", row.records, row.bytes)
            .expect("a string takes all");
    }
    write!(text, "\n{MEMORY}\n\n| way | records | before | above |\n|---|---:|---:|---:|\n")
        .expect("a string takes all");
    for row in memory {
        writeln!(text, "| {} | {} | {} | {} |", row.way, row.records, row.idle >> 20, row.above() >> 20)
            .expect("a string takes all");
    }
    text
}

pub(crate) fn write_json(options: &Options, rows: &[Row], memory: &[memory::Row]) -> Result<(), String> {
    let all = json!({
        "rounds": options.rounds,
        "records": { "meaning": RECORDS, "rows": rows.iter().map(row).collect::<Vec<_>>() },
        "memory": {
            "meaning": MEMORY,
            "rows": memory
                .iter()
                .map(|row| json!({
                    "way": row.way,
                    "records": row.records,
                    "idle_bytes": row.idle,
                    "above_idle_bytes": row.above(),
                }))
                .collect::<Vec<_>>(),
        },
    });
    let path = &options.json;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    }
    std::fs::write(path, format!("{all:#}\n")).map_err(|error| format!("cannot write {}: {error}", path.display()))
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
