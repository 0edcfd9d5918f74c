//! The process of a node.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use straddle::inventory::clock::{Clock, SystemClock};
use straddle::inventory::inventory_node_from;
use straddle::node::Node;
use straddle::state::Mode;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::records::memory::{WAYS, of_this_process};
use crate::records::{text, version};

/// Opens a node of 1.1.0, whose records go on as `mode` says.
pub(crate) async fn open(mode: Mode, state: &Path) -> Result<Node, String> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    inventory_node_from("1.1.0", state, &clock, mode).map_err(text)?.start().await.map_err(text)
}

/// Says `ready ADDRESS`; at `upgrade`, `moved PAUSE TOOK IDLE` and `filled AFTER PEAK`; ends when nobody listens any more.
pub(crate) fn run((mode, state): &(String, PathBuf)) -> Result<(), String> {
    let (_, mode) = WAYS.iter().find(|(name, _)| name == mode).ok_or("there is no such mode")?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(text)?.block_on(serve(*mode, state))
}

async fn serve(mode: Mode, state: &Path) -> Result<(), String> {
    let node = open(mode, state).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(text)?;
    let (stop, stopping) = oneshot::channel::<()>();
    let serving = node.serve(listener, async move { drop(stopping.await) }).map_err(text)?;
    tell(&format!("ready {}", serving.local_addr()))?;
    let serving = tokio::spawn(serving);
    let mut told = told();
    while let Some(line) = told.recv().await {
        if line == "upgrade" {
            upgrade(&node).await?;
        }
    }
    drop(stop);
    serving.await.map_err(text)?;
    node.stop().await;
    Ok(())
}

async fn upgrade(node: &Node) -> Result<(), String> {
    // From here on the peak is that of the move.
    std::fs::write("/proc/self/clear_refs", "5").map_err(text)?;
    let (idle, began) = (of_this_process("VmRSS")?, Instant::now());
    let moved = node.upgrade(&version("2.0.0")).await.map_err(text)?;
    let took = began.elapsed();
    tell(&format!("moved {} {} {idle}", moved.pause.as_micros(), took.as_micros()))?;
    let mut status = node.watch();
    let filled = status.wait_for(|status| status.filling.is_none()).await.map_err(text)?;
    if let Some(why) = &filled.failure {
        return Err(why.clone());
    }
    drop(filled);
    tell(&format!("filled {} {}", began.elapsed().as_micros(), of_this_process("VmHWM")?))
}

pub(crate) fn tell(line: &str) -> Result<(), String> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}").and_then(|()| output.flush()).map_err(text)
}

/// The lines of the standard input, to its end.
pub(crate) fn told() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
