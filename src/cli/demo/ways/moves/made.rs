//! A move that came to its end, and how it is told.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::node::admin::wire::Moved;

/// A move that came to its end.
#[derive(Clone, Debug)]
pub(in crate::cli::demo) struct Made {
    pub(super) node: &'static str,
    pub(super) killed: bool,
    pub(super) from: String,
    pub(super) to: &'static str,
    /// Why the node is still where it was.
    pub(super) failure: Option<String>,
    /// As the node told; a program that was killed can tell of nothing.
    pub(super) moved: Option<Moved>,
    /// Records carried, as far as the node told, and the most calls that were seen to wait; where somebody listened.
    pub(super) told: Option<(u64, u64)>,
    pub(super) took: Duration,
}

impl Made {
    pub(super) fn new(node: &'static str, from: String, to: &'static str, begun: Instant) -> Self {
        Self { node, killed: false, from, to, failure: None, moved: None, told: None, took: begun.elapsed() }
    }

    pub(in crate::cli::demo) fn text(&self) -> String {
        let Self { node, from, to, .. } = self;
        let [mut pause, mut drained, mut cut, mut records, mut waiting] = [const { String::new() }; 5];
        if let Some(moved) = &self.moved {
            let waited = Duration::from_micros(moved.pause_microseconds);
            pause = format!("{:.1} ms", waited.as_secs_f64() * 1000.0);
            (drained, cut) = (moved.streams_drained.to_string(), moved.streams_cut.to_string());
        }
        if let Some((carried, most)) = self.told {
            (records, waiting) = (carried.to_string(), most.to_string());
        }
        let note = match &self.failure {
            Some(why) => format!("  a broken release: the node serves on at {from} ({why})"),
            None if self.killed => "  killed while it transformed, and started again".to_owned(),
            None => String::new(),
        };
        format!("{node:<9} {from:>7} -> {to:<7} {pause:>9} {records:>9} {waiting:>8} {drained:>8} {cut:>8}{note}")
    }

    pub(in crate::cli::demo) fn json(&self) -> Value {
        json!({
            "node": self.node,
            "from": self.from,
            "to": self.to,
            "killed": self.killed,
            "failure": self.failure,
            "pause_us": self.moved.as_ref().map(|moved| moved.pause_microseconds),
            "records": self.told.map(|(records, _)| records),
            "waiting": self.told.map(|(_, waiting)| waiting),
            "streams_drained": self.moved.as_ref().map(|moved| moved.streams_drained),
            "streams_cut": self.moved.as_ref().map(|moved| moved.streams_cut),
            "took_ms": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

/// The heading over [`Made::text`].
pub(in crate::cli::demo) fn heading() -> String {
    format!(
        "{:<9} {:>7} -> {:<7} {:>9} {:>9} {:>8} {:>8} {:>8}",
        "node", "from", "to", "pause", "records", "waiting", "drained", "cut"
    )
}
