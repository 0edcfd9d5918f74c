//! `straddle node`: a running node, asked how it is doing and told what to do, over its admin service.
//!
//! ```text
//!   arguments -> the admin service's client -> follow (a move, as it goes) -> text or JSON, and an exit code
//! ```

mod abort;
mod drain;
mod failure;
mod follow;
pub(super) mod json;
mod learn;
pub(super) mod look;
mod lost;
mod progress;
pub(super) mod status;

use std::future::Future;
use std::io::{self, Write};
use std::pin::pin;

pub(super) use self::failure::Failure;
use self::follow::After;
use super::arguments::{AdminAddress, Directive, NodeArguments};
use super::{BadArguments, Outcome, signals};
use crate::node::admin::wire::node_client::NodeClient;
use crate::node::admin::wire::{FinalizeRequest, RollbackRequest, UpgradeRequest};
use crate::transport::Channel;

pub(super) type Client = NodeClient<Channel>;

/// What a shell gives to a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

pub(super) fn run(arguments: &NodeArguments) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match &arguments.directive {
            Directive::Status(arguments) => status::run(arguments).await,
            Directive::Learn(arguments) => learn::run(arguments).await,
            Directive::Upgrade(arguments) => {
                let request = UpgradeRequest { to: arguments.to.to_string(), ..UpgradeRequest::default() };
                let call = |mut client: Client| async move { client.upgrade(request).await };
                let look = |status: &_| look::upgrade(status, arguments);
                follow::run(&arguments.at, After::Upgrade, look, arguments.first.within(), None, call).await
            }
            Directive::Replace(arguments) => {
                let release = arguments.release.as_ref().map(ToString::to_string).unwrap_or_default();
                let request = UpgradeRequest { release, ..UpgradeRequest::default() };
                let call = |mut client: Client| async move { client.upgrade(request).await };
                // The version stays, so a coordinator has nothing against it.
                let look = |_: &_| Ok(());
                follow::run(&arguments.at, After::Replace, look, arguments.first.within(), None, call).await
            }
            Directive::Abort(arguments) => abort::run(&arguments.at).await,
            Directive::Rollback(arguments) => {
                let lost = arguments.accept_loss.as_deref().map(lost::File::begin).transpose()?;
                let request = RollbackRequest { dry_run: arguments.dry_run, accept_loss: lost.is_some() };
                let after = if arguments.dry_run { After::DryRun } else { After::Rollback };
                let call = |mut client: Client| async move { client.rollback(request).await };
                let look = |status: &_| look::rollback(status, arguments);
                follow::run(&arguments.at, after, look, arguments.first.within(), lost, call).await
            }
            Directive::Finalize(arguments) => {
                let call = |mut client: Client| async move { client.finalize(FinalizeRequest {}).await };
                let look = |status: &_| look::finalize(status, arguments);
                follow::run(&arguments.at, After::Finalize, look, None, None, call).await
            }
            Directive::Drain(arguments) => drain::run(arguments).await,
            Directive::Resume(arguments) => drain::resume(arguments).await,
        }
    })
}

/// A client of the node's admin service, once the node is reached.
async fn connect(at: &AdminAddress) -> Result<Result<Client, Failure>, BadArguments> {
    let channel = Channel::owner(&at.address).connect_timeout(at.wait).wait_limit(at.wait).build();
    let channel = channel.map_err(|error| BadArguments(error.to_string()))?;
    Ok(match channel.connect().await {
        Ok(()) => Ok(NodeClient::new(channel)),
        Err(status) => Err(Failure::unreachable(&at.address, &status)),
    })
}

/// What comes of something, or `None` after Ctrl-C.
async fn unless_interrupted<T>(something: impl Future<Output = T>) -> Option<T> {
    let mut interrupted = pin!(signals::interrupted());
    tokio::select! {
        biased;
        () = &mut interrupted => None,
        came = something => Some(came),
    }
}

/// Tells of a failure, on standard error, and for scripts on standard output as well.
fn failed(at: &AdminAddress, failure: &Failure) -> Outcome {
    if at.json {
        line(&serde_json::json!({ "error": failure.json() }))?;
    }
    // Nobody has to read it.
    let _ = writeln!(io::stderr(), "{}", failure.text());
    Ok(failure.code())
}

/// One line of JSON on standard output, seen at once.
pub(super) fn line(value: &serde_json::Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}

/// Beside the result; nobody has to read it.
pub(super) fn say_aside(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// One line, or several, for people on standard output.
pub(super) fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
