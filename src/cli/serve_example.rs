//! `straddle serve-example`: one node of the inventory.

use std::future::{Future, poll_fn};
use std::io::{self, Write};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::Poll;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::Outcome;
use super::arguments::ServeExampleArguments;
use super::{keygen, signals};
use crate::inventory::clock::{Clock, SystemClock};
use crate::inventory::{builder_for_good, inventory_node_as_of, inventory_node_slow};
use crate::state::Mode;
use crate::transport::cannot_listen;

pub(super) fn run(arguments: &ServeExampleArguments) -> Outcome {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(arguments))
}

async fn serve(arguments: &ServeExampleArguments) -> Outcome {
    let temporary = tempfile::Builder::new().prefix("straddle-example-").tempdir()?;
    let state = arguments.state.as_deref().unwrap_or(temporary.path());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let trusted = arguments.trust.iter().map(|file| keygen::public_key(file)).collect::<Result<Vec<_>, _>>()?;
    let version = arguments.version.to_string();
    let slow = arguments.transform_for.unwrap_or_default();
    let builder = match (&arguments.knows_up_to, &arguments.state) {
        (Some(newest), _) => inventory_node_as_of(newest, state, &clock, slow)?,
        (None, Some(_)) => inventory_node_slow(&version, state, &clock, Mode::Online, slow)?,
        (None, None) => builder_for_good(&version, state, &clock)?,
    };
    let builder = match arguments.stream_grace {
        Some(grace) => builder.stream_grace(grace),
        None => builder,
    };
    let builder = arguments.coordinated.apply(trusted.iter().fold(builder, |builder, key| builder.trust(*key)));
    let node = if arguments.state.is_some() { builder.start().await? } else { builder.build()? };
    let listener = TcpListener::bind(&arguments.listen)
        .await
        .map_err(|error| cannot_listen(&arguments.listen, &error, "with --listen"))?;
    let admin_listener = TcpListener::bind(&arguments.admin)
        .await
        .map_err(|error| cannot_listen(&arguments.admin, &error, "with --admin"))?;
    let (asked, stopping) = oneshot::channel();
    let (stop_admin, admin_stops) = oneshot::channel::<()>();
    let until_stdin_ends = arguments.until_stdin_ends;
    let serving = node.serve(listener, async move {
        signals::stop(until_stdin_ends).await;
        let _ = (asked.send(()), stop_admin.send(()));
    })?;
    let admin = node.serve_admin(admin_listener, async move { drop(admin_stops.await) })?;
    let admin_address = admin.local_addr();
    tokio::spawn(admin);
    let address = serving.local_addr();
    // When calls can come: scripts wait for the first line, read the port from its end, and may listen no longer. So both
    // lines are written at once.
    let told = format!(
        "inventory {} serves callers of {} on {address}\nits admin service, for straddle node, is on {admin_address}\n",
        node.version(),
        versions(&node)
    );
    io::stdout().write_all(told.as_bytes())?;
    io::stdout().flush()?;
    if arguments.state.is_none() {
        say(
            "its state goes away with it, and it stays at its version; with --state DIR it keeps the one and can leave the other",
        );
    }
    let asked_again = async {
        let _ = stopping.await;
        let mut again = pin!(signals::interrupted());
        // It listens from its first poll on, so that comes before anybody is told.
        if poll_fn(|waking| Poll::Ready(again.as_mut().poll(waking))).await.is_ready() {
            return;
        }
        say("stopping when the running calls are done; Ctrl-C again cuts them");
        again.await;
    };
    tokio::select! {
        served = serving => say(&format!("stopped: {} connections served, {} cut", served.connections, served.cut)),
        () = asked_again => say("stopped: what ran was cut"),
    }
    Ok(ExitCode::SUCCESS)
}

fn versions(node: &crate::node::Node) -> String {
    let versions: Vec<String> = node.protocol().versions().iter().map(|schema| schema.version().to_string()).collect();
    versions.join(", ")
}

/// Tells how it goes; nobody has to listen.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
