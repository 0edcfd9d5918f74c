//! What is told of a barrier: progress, and how it ended; for people, and for scripts.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::prepare::NotReady;
use super::record::Record;
use super::word::{Fate, Given};
use crate::cli::Outcome;
use crate::cli::inspect::printable;
use crate::cli::node::{Failure, json as of_node, line, say, say_aside, status};
use crate::node::admin::wire::{NodeStatus, Prepared, RefusedRecord};

/// Records that are shown of a node, for people.
const SHOWN: usize = 5;

pub(super) struct Told {
    json: bool,
    bar: Option<ProgressBar>,
    /// What was said of each node last.
    last: Vec<String>,
}

impl Told {
    pub(super) fn new(json: bool) -> Self {
        let bar = (!json && io::stderr().is_terminal()).then(bar);
        Self { json, bar, last: Vec::new() }
    }

    /// How a node is doing.
    pub(super) fn status(&mut self, place: usize, address: &str, told: &NodeStatus) -> io::Result<()> {
        if self.json {
            return line(&json!({ "address": address, "status": of_node::status(told) }));
        }
        // Counts go by too fast with many nodes.
        let mut coarse = told.clone();
        coarse.prepared = None;
        if let Some(work) = &mut coarse.progress {
            (work.done, work.total) = (0, 0);
        }
        let doing = printable(&format!("{address}  {}", status::doing(&coarse)));
        if let Some(bar) = &self.bar {
            bar.set_message(doing);
            return Ok(());
        }
        if self.last.len() <= place {
            self.last.resize(place + 1, String::new());
        }
        if self.last[place] != doing {
            say_aside(&doing);
            self.last[place] = doing;
        }
        Ok(())
    }

    /// Records that keep a node from being prepared.
    pub(super) fn refused(&self, address: &str, records: &[RefusedRecord]) -> io::Result<()> {
        for record in records.iter().take(if self.json { records.len() } else { SHOWN }) {
            if self.json {
                line(&json!({ "address": address, "refused": of_node::refused(record) }))?;
            } else {
                let key = String::from_utf8_lossy(&record.key).into_owned();
                self.aside(&format!("{address}  {} {key:?}: {}", record.table, record.why));
            }
        }
        Ok(())
    }

    /// A node is prepared, as one of so many.
    pub(super) fn prepared(&self, address: &str, prepared: &Prepared, count: usize, all: usize) -> io::Result<()> {
        if self.json {
            return line(&json!({ "address": address, "prepared": of_node::prepared(prepared) }));
        }
        if let Some(bar) = &self.bar {
            bar.set_length(all as u64);
            bar.set_position(count as u64);
        } else {
            say_aside(&format!("{address}  prepared, {count} of {all}"));
        }
        Ok(())
    }

    pub(super) fn decided(&self, file: &Path, took: Duration) -> io::Result<()> {
        let file = file.display().to_string();
        if self.json {
            return line(&json!({ "decided": { "record": file, "after_microseconds": micros(took) } }));
        }
        self.aside(&format!("all are prepared after {took:.1?}; the decision is in {file}"));
        Ok(())
    }

    /// What has become of a node.
    pub(super) fn fate(&self, address: &str, fate: &Fate) -> io::Result<()> {
        if self.json {
            return line(&of_fate(address, fate));
        }
        match fate {
            Fate::Switched { moved, .. } => {
                let moved = moved.as_ref().map_or_else(|| "has switched".to_owned(), status::moved);
                self.aside(&format!("{address}  {moved}"));
            }
            Fate::Straggler(why) => self.aside(&format!("{address}  has not switched: {why}")),
        }
        Ok(())
    }

    pub(super) fn retrying(&self, given: &Given, retry: Duration) -> io::Result<()> {
        let left = given.0.len() - given.switched().count();
        if self.json {
            return line(&json!({ "retrying": { "stragglers": left, "for_microseconds": micros(retry) } }));
        }
        self.aside(&format!("{left} of {} have not switched: they are tried for {retry:?}", given.0.len()));
        Ok(())
    }

    pub(super) fn end_progress(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// It ended before any node was told anything.
    pub(super) fn nothing_begun(&self, why: &str, nodes: &[(String, Failure)]) -> Outcome {
        self.end_progress();
        if self.json {
            line(&json!({ "aborted": { "why": why, "nodes": failures(nodes), "not_known": [] } }))?;
        }
        say_aside(&format!("nothing was begun: {why}"));
        each(nodes);
        Ok(ExitCode::FAILURE)
    }

    /// It ended before the word; of `left` it is not known that they are as before.
    pub(super) fn aborted(
        &self,
        not_ready: &NotReady,
        left: &[(String, String)],
        within: Option<Duration>,
        kept: Option<&str>,
    ) -> Outcome {
        self.end_progress();
        if self.json {
            let not_known = left.iter().map(|(address, why)| json!({ "address": address, "why": why }));
            line(&json!({ "aborted": {
                "why": not_ready.why,
                "nodes": failures(&not_ready.nodes),
                "not_known": not_known.collect::<Vec<_>>(),
            } }))?;
        }
        say_aside(&format!("aborted before the word: {}", not_ready.why));
        each(&not_ready.nodes);
        say_aside(if left.is_empty() {
            "nothing has changed: all nodes are as before"
        } else {
            "nothing has changed: no node has switched"
        });
        let by_itself = within.map_or_else(
            || "it goes back by itself when the time that it was given is over".to_owned(),
            |within| format!("it goes back by itself within {within:?}"),
        );
        for (address, why) in left {
            say_aside(&printable(&format!("  {address}  could not be told so: {why}; {by_itself}")));
        }
        if let Some(kept) = kept {
            say_aside(&format!("{kept}; remove it before the next run"));
        }
        Ok(ExitCode::FAILURE)
    }

    /// The word was given, and those that it did not reach were tried again. The record stays where some are left.
    pub(super) fn over(&self, record: &Record, file: &Path, given: &Given, unnoted: Option<&str>) -> io::Result<()> {
        self.end_progress();
        let (from, to) = (&record.from, &record.to);
        let kept = given.has_stragglers().then(|| file.display().to_string());
        let nodes = || record.nodes.iter().zip(&given.0);
        if self.json {
            line(&json!({ "done": {
                "protocol": record.protocol,
                "from": from,
                "to": to,
                "nodes": nodes().map(|(node, fate)| of_fate(&node.address, fate)).collect::<Vec<_>>(),
                "stragglers": given.0.len() - given.switched().count(),
                "window_microseconds": given.window().map(micros),
                "longest_pause_microseconds": given.longest_pause().map(micros),
                "record": kept,
            } }))?;
        } else {
            say(&format!("{} of {} nodes have switched, {from} -> {to}", given.switched().count(), given.0.len()))?;
            if let Some(window) = given.window() {
                say(&format!(
                    "  window         {window:.1?} from the first node that said `done` to the last, as it came here"
                ))?;
            }
            if let Some(pause) = given.longest_pause() {
                say(&format!("  longest pause  {pause:.1?} that new calls waited at a node, as it told"))?;
            }
            if let Some(file) = &kept {
                say(&format!("  record         {}", printable(file)))?;
            }
        }
        for (node, fate) in nodes() {
            if let Fate::Straggler(why) = fate {
                let address = &node.address;
                say_aside(&printable(&format!("{address} is left at {from}, and goes on under simulation: {why}")));
            }
        }
        match (kept, unnoted) {
            (Some(file), None) => say_aside(&format!("`straddle barrier --resume {file}` tries again")),
            (Some(file), Some(why)) => say_aside(&format!(
                "what has become of the nodes could not be written down: {why}; `straddle barrier --resume {file}` asks them"
            )),
            (None, Some(why)) => say_aside(&format!("{why}; nobody needs it any more: remove it before the next run")),
            (None, None) => {}
        }
        Ok(())
    }

    fn aside(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(printable(text)),
            None => say_aside(&printable(text)),
        }
    }
}

fn of_fate(address: &str, fate: &Fate) -> Value {
    match fate {
        Fate::Switched { moved, after } => json!({
            "address": address,
            "switched": { "moved": moved.as_ref().map(of_node::moved), "after_microseconds": after.map(micros) },
        }),
        Fate::Straggler(why) => json!({ "address": address, "straggler": { "why": why } }),
    }
}

fn failures(nodes: &[(String, Failure)]) -> Vec<Value> {
    nodes.iter().map(|(address, failure)| json!({ "address": address, "error": failure.json() })).collect()
}

fn each(nodes: &[(String, Failure)]) {
    for (address, failure) in nodes {
        say_aside(&printable(&format!("{address}  {}", failure.text())));
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    // The template is a constant; if it did not parse, the default bar would do.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len} prepared {elapsed}  {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
