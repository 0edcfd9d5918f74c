//! `straddle serve-example`: one node of the inventory.

use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::Outcome;
use super::arguments::ServeExampleArguments;
use crate::inventory::clock::{Clock, SystemClock};
use crate::inventory::open_node;

pub(super) fn run(arguments: &ServeExampleArguments) -> Outcome {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(arguments))
}

async fn serve(arguments: &ServeExampleArguments) -> Outcome {
    let temporary = tempfile::Builder::new().prefix("straddle-example-").tempdir()?;
    let state = arguments.state.as_deref().unwrap_or(temporary.path());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let node = open_node(&arguments.version.to_string(), state, &clock)?;
    let listener = TcpListener::bind(&arguments.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", arguments.listen))?;
    let serving = node.serve(listener, stopped(arguments.until_stdin_ends))?;
    let address = serving.local_addr();
    // One line, when calls can come: scripts wait for it and read the port from its end.
    println!("inventory {} serves callers of {} on {address}", node.version(), versions(&node));
    io::stdout().flush()?;
    if arguments.state.is_none() {
        eprintln!("its state goes away with it; keep it with --state DIR");
    }
    let served = serving.await;
    eprintln!("stopped: {} connections served, {} cut", served.connections, served.cut);
    Ok(ExitCode::SUCCESS)
}

fn versions(node: &crate::node::Node) -> String {
    let versions: Vec<String> = node.protocol().versions().iter().map(|schema| schema.version().to_string()).collect();
    versions.join(", ")
}

/// Completes on Ctrl-C, on SIGTERM, and, where asked for, when standard input ends: whoever started us is gone then.
async fn stopped(until_stdin_ends: bool) {
    let interrupted = async {
        // Without a handler the signal ends the process by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupted => {}
        () = terminated() => {}
        () = stdin_ended(), if until_stdin_ends => {}
    }
}

#[cfg(unix)]
async fn terminated() {
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

async fn stdin_ended() {
    // A thread of its own: a blocked read must not hold up the end of the runtime.
    let (ended, notice) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        while io::stdin().read(&mut buffer).is_ok_and(|read| read > 0) {}
        let _ = ended.send(());
    });
    let _ = notice.await;
}
