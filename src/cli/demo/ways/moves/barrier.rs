//! Nodes that switch at one word, as `straddle barrier` gives it.

use std::process::Stdio;

use tokio::process::Command;
use tokio::time::{Instant, timeout};

use super::follow::{client, settled};
use super::{Failed, Made, Moving, PATIENCE, begin};

/// Takes the nodes to a version, all at once.
pub(super) async fn switch(nodes: &[Moving], to: &'static str) -> Result<Vec<Made>, Failed> {
    let begun = Instant::now();
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("barrier");
    let mut from = Vec::new();
    for Moving { node, model } in nodes {
        from.push(begin(&mut client(node)?, true).await?);
        model.standing.may_come_to(to);
        command.arg(&node.reached.admin);
    }
    let folder = tempfile::tempdir()?;
    command.args(["--to", to, "--record"]).arg(folder.path().join("record.json"));
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(PATIENCE, output).await??;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("straddle barrier ended with {}: {}", output.status, said.trim()).into());
    }
    let mut made = Vec::new();
    for (Moving { node, model }, from) in nodes.iter().zip(from) {
        let now = settled(&mut client(node)?).await?;
        if now.version != to {
            return Err(format!("{} is at {} after the barrier", node.reached.place.name, now.version).into());
        }
        model.standing.is_at(to);
        made.push(Made { moved: now.last, ..Made::new(node.reached.place.name, from, to, begun) });
    }
    Ok(made)
}
