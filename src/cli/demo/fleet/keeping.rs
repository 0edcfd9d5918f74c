//! `--keep`: all goes on when the demo is over, for those who want to look around.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use super::super::crew::{Called, Crew, Failed};
use super::super::model::Model;
use super::super::told::say;
use super::cluster::Fleet;

/// Whether all is kept, until its end.
#[derive(Debug, Default)]
pub(in crate::cli::demo) struct Keeping {
    on: AtomicBool,
    ended: Notify,
}

impl Keeping {
    /// Ends it; false when nothing is kept.
    pub(in crate::cli::demo) fn end(&self) -> bool {
        let was = self.on.swap(false, Ordering::Relaxed);
        if was {
            self.ended.notify_one();
        }
        was
    }

    /// Has callers go on, and tells what to try.
    pub(super) async fn until_its_end(
        &self,
        fleet: &Fleet,
        called: &[(Called, Arc<Model>)],
        seed: u64,
    ) -> Result<(), Failed> {
        // They stop when this is dropped.
        let _callers = Crew::at_leisure(called, seed)?;
        let (program, here) = (std::env::current_exe()?, std::env::current_dir()?);
        self.on.store(true, Ordering::Relaxed);
        say(&text(fleet, program.strip_prefix(here).unwrap_or(&program)));
        self.ended.notified().await;
        say("interrupted: the nodes are stopped");
        Ok(())
    }
}

fn text(fleet: &Fleet, program: &Path) -> String {
    let coordinator = &fleet.coordinator.address;
    let mut lines = vec![
        "all go on, and callers of 1.1.0 and newer with them, until Ctrl-C; in another terminal try".to_owned(),
        format!("  export STRADDLE_COORDINATOR={coordinator}"),
    ];
    for command in [
        "nodes",
        "upgrade status",
        "events",
        "callers inventory --version 1.0.0",
        "callers inventory --caller demo-1.1.0 --watch",
        "retire inventory 1.1.0 --guard 10s --dry-run",
        "unretire inventory",
    ] {
        lines.push(format!("  {} {command}", program.display()));
    }
    lines.push(format!("  curl -s http://{coordinator}/metrics"));
    for node in fleet.nodes.iter().take(1) {
        let (program, name) = (program.display(), node.place.name);
        lines.push(format!("  curl -s http://{}/metrics  # {name}'s", node.admin));
        lines.push(format!("  {program} call {} inventory@1.1.0 GetItem '{{\"sku\":\"contested\"}}'", node.address));
        lines.push(format!("  {program} call {} inventory@1.0.0 GetItem '{{\"sku\":\"contested\"}}'", node.address));
    }
    lines.join("\n")
}
