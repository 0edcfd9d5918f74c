//! `straddle coordinator`: the coordinator as a program.

use std::future::poll_fn;
use std::io::{self, Write};
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::Poll;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::arguments::CoordinatorArguments;
use super::{Outcome, events, keygen, signals};
use crate::coordinator::database::Embedded;
use crate::coordinator::{Builder, Coordinator};
use crate::transport::cannot_listen;

pub(super) fn run(arguments: &CoordinatorArguments) -> Outcome {
    let trusted = arguments.trust.iter().map(|file| keygen::public_key(file)).collect::<Result<Vec<_>, _>>()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(&arguments.listen)
            .await
            .map_err(|error| cannot_listen(&arguments.listen, &error, "with --listen"))?;
        let database = Arc::new(Embedded::open(&arguments.data)?);
        let builder = Coordinator::builder(database)
            .name(name(&arguments.data))
            .allow_unsigned(arguments.allow_unsigned)
            .report_every(arguments.report_every)
            .permit_within(arguments.permit_within)
            .most_agents(arguments.most_agents)
            .news(|event| say(&events::text(event)));
        let builder = trusted.into_iter().fold(builder, Builder::trust);
        if arguments.trust.is_empty() && !arguments.allow_unsigned {
            say("no key is trusted, so nothing can be published: --trust KEY names one, --allow-unsigned needs none");
        }
        let (asked, stopping) = oneshot::channel();
        let until_stdin_ends = arguments.until_stdin_ends;
        let serving = builder
            .serve(listener, async move {
                signals::stop(until_stdin_ends).await;
                let _ = asked.send(());
            })
            .await?;
        // Scripts wait for this line, read the address from its end, and may listen no longer.
        writeln!(io::stdout(), "the coordinator listens on {}", serving.local_addr())?;
        io::stdout().flush()?;
        let asked_again = async {
            let _ = stopping.await;
            let mut again = pin!(signals::stop(false));
            // It listens from its first poll on, so that comes before anybody is told.
            if poll_fn(|waking| Poll::Ready(again.as_mut().poll(waking))).await.is_ready() {
                return;
            }
            say("stopping when the running calls are done; Ctrl-C again cuts them");
            again.await;
        };
        tokio::select! {
            _ = serving => say("stopped"),
            () = asked_again => say("stopped: what ran was cut"),
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// A name that no other coordinator has: two processes never have the same folder open. One that starts again on it goes on at
/// once.
fn name(data: &Path) -> String {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let machine = if machine.trim().is_empty() { "localhost" } else { machine.trim() };
    let folder = data.canonicalize().unwrap_or_else(|_| data.to_owned());
    format!("{machine}:{}", folder.display())
}

/// Tells how it goes; nobody has to listen.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
