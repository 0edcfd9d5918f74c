//! What callers felt.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::pause::{Call, Row};

pub(super) const MEANING: &str = "A node that is upgraded from 1.1.0 to 2.0.0 under calls at a fixed rate, 19 of 20 read: \
latencies in ms, from when a call should have begun, before the move, and during: from its start to a second after its \
end. Pause, as the node tells it, and the whole move, in ms; memory of the node at most above that before the move, in MiB.";

/// Milliseconds.
struct Latencies {
    calls: usize,
    half: f64,
    p99: f64,
    most: f64,
}

impl Latencies {
    fn of<'c>(calls: impl Iterator<Item = &'c Call>) -> Self {
        let mut latencies: Vec<Duration> = calls.map(|call| call.latency).collect();
        latencies.sort_unstable();
        let at = |percent: usize| {
            // The smallest that so many percent are not above.
            let rank = (latencies.len() * percent).div_ceil(100).max(1);
            latencies.get(rank - 1).copied().map_or(0.0, milliseconds)
        };
        Self { calls: latencies.len(), half: at(50), p99: at(99), most: at(100) }
    }

    fn json(&self) -> Value {
        json!({ "calls": self.calls, "p50_ms": self.half, "p99_ms": self.p99, "max_ms": self.most })
    }
}

pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn failures(row: &Row) -> impl Iterator<Item = &String> {
    row.before.iter().chain(&row.during).chain(&row.filling).filter_map(|call| call.failure.as_ref())
}

pub(super) fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{MEANING}\n\n| items | mode | before p50 / p99 / max | during p50 / p99 / max | added p99 | added max | filling \
         p99 / max | pause | move | memory | failed |\n|---:|---|---|---|---:|---:|---|---:|---:|---:|---:|\n"
    );
    for row in rows {
        let [before, during, filling] =
            [&row.before, &row.during, &row.filling].map(|calls| Latencies::of(calls.iter()));
        writeln!(
            text,
            "| {} | {} | {:.1} / {:.1} / {:.1} | {:.1} / {:.1} / {:.1} | {:.1} | {:.1} | {:.1} / {:.1} | {:.1} | {:.0} \
             | {} | {} |",
            row.items,
            row.mode,
            before.half,
            before.p99,
            before.most,
            during.half,
            during.p99,
            during.most,
            during.p99 - before.p99,
            during.most - before.most,
            filling.p99,
            filling.most,
            milliseconds(row.pause),
            milliseconds(row.took),
            row.peak.saturating_sub(row.idle) >> 20,
            failures(row).count(),
        )
        .expect("a string takes all");
        if let Some(failure) = failures(row).next() {
            writeln!(text, "\n{}, {}: {failure}\n", row.items, row.mode).expect("a string takes all");
        }
    }
    text
}

pub(super) fn json(row: &Row) -> Value {
    let part = |calls: &[Call]| {
        json!({
            "all": Latencies::of(calls.iter()).json(),
            "reads": Latencies::of(calls.iter().filter(|call| !call.writes)).json(),
            "writes": Latencies::of(calls.iter().filter(|call| call.writes)).json(),
        })
    };
    let (before, during) = (Latencies::of(row.before.iter()), Latencies::of(row.during.iter()));
    json!({
        "items": row.items,
        "mode": row.mode,
        "before": part(&row.before),
        "during": part(&row.during),
        "filling": part(&row.filling),
        "added_p99_ms": during.p99 - before.p99,
        "added_max_ms": during.most - before.most,
        "pause_ms": milliseconds(row.pause),
        "move_ms": milliseconds(row.took),
        "filled_ms": milliseconds(row.filled),
        "failed_calls": failures(row).count(),
        "idle_bytes": row.idle,
        "above_idle_bytes": row.peak.saturating_sub(row.idle),
    })
}
