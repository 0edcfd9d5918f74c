//! A move, from its beginning to its end or to Ctrl-C.

use std::future::Future;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use tonic::{Response, Status, Streaming};

use super::drain::Drained;
use super::progress::Progress;
use super::{
    Client, Failure, connect, drain, failed, json as told, line, lost, say, say_aside, status, unless_interrupted,
};
use crate::cli::Outcome;
use crate::cli::arguments::AdminAddress;
use crate::cli::inspect::printable;
use crate::node::admin::wire::move_update::Update;
use crate::node::admin::wire::{Done, MoveUpdate, NodeStatus, RefusedRecord, StatusRequest};

/// Records that are shown, for people.
const SHOWN: usize = 20;

/// What has been done, when it has been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Upgrade,
    Replace,
    Rollback,
    DryRun,
    Finalize,
}

/// Tells a node to move, and follows it; drained first, if there is a time for that. What speaks against it by how the node is doing
/// keeps it from being told anything.
pub(super) async fn run<F>(
    at: &AdminAddress,
    after: After,
    look: impl FnOnce(&NodeStatus) -> Result<(), Failure>,
    first: Option<Duration>,
    mut lost: Option<lost::File>,
    call: impl FnOnce(Client) -> F,
) -> Outcome
where
    F: Future<Output = Result<Response<Streaming<MoveUpdate>>, Status>>,
{
    let mut client = match connect(at).await? {
        Ok(client) => client,
        Err(failure) => return failed(at, &failure),
    };
    let looked = match unless_interrupted(client.status(StatusRequest {})).await {
        None => return Ok(ExitCode::from(super::INTERRUPTED)),
        Some(Ok(status)) => look(status.get_ref()),
        Some(Err(status)) => Err(Failure::of(&at.address, &status, false)),
    };
    if let Err(failure) = looked {
        return failed(at, &failure);
    }
    let mut progress = Progress::new(at.json);
    let drained = match first {
        None => None,
        Some(within) => match drain::first(&client, at, within, &mut progress).await? {
            Ok(drained) => Some(drained),
            Err(code) => return Ok(code),
        },
    };
    let followed = unless_interrupted(follow(call(client.clone()), at, &mut progress, &mut lost)).await;
    progress.end();
    let safe = match &followed {
        Some(Ok(Ended::Done(_) | Ended::Unwritten(_))) => true,
        Some(Ok(Ended::Failed(status, _))) => Failure::of(&at.address, status, true).is_as_before(),
        None | Some(Err(_)) => false,
    };
    let drained = match drained {
        Some(drained) if safe => drained.over(client, at).await,
        Some(_) => Some(Drained::Stays),
        None => None,
    };
    let outcome = match followed {
        None => Ok(interrupted(at, lost.is_some())),
        Some(Err(error)) => Err(error.into()),
        Some(Ok(Ended::Done(done))) => end(at, after, &done, lost, drained.as_ref()),
        Some(Ok(Ended::Failed(status, shown))) => {
            if let Some(file) = lost.as_ref().and_then(lost::File::at_node) {
                say_aside(&format!("what was given up lies in {} on the node's machine", printable(file)));
            }
            let failure = Failure::of(&at.address, &status, true);
            let more = failure.count().unwrap_or_default().saturating_sub(shown as u64);
            if more > 0 && !at.json {
                say_aside(&format!("  and {more} more"));
            }
            failed(at, &failure)
        }
        Some(Ok(Ended::Unwritten(why))) => Err(why.into()),
    };
    if let Some(drained) = drained {
        say_aside(&drained.told(at));
    }
    outcome
}

/// How the stream of a move ends.
enum Ended {
    Done(Done),
    /// After so many records that are in the way.
    Failed(Status, usize),
    /// What was given up could not be written here.
    Unwritten(String),
}

async fn follow(
    call: impl Future<Output = Result<Response<Streaming<MoveUpdate>>, Status>>,
    at: &AdminAddress,
    progress: &mut Progress,
    lost: &mut Option<lost::File>,
) -> io::Result<Ended> {
    let mut shown = 0;
    let mut updates = match call.await {
        Ok(updates) => updates.into_inner(),
        Err(status) => return Ok(Ended::Failed(status, shown)),
    };
    loop {
        let update = match updates.message().await {
            Ok(Some(MoveUpdate { update })) => update,
            Ok(None) => return Ok(Ended::Failed(Status::unavailable("the node stopped telling"), shown)),
            Err(status) => return Ok(Ended::Failed(status, shown)),
        };
        match update {
            Some(Update::Status(status)) => progress.show(&status)?,
            Some(Update::Refused(refused)) => {
                progress.end();
                for record in &refused.records {
                    shown += show(at, record, shown)?;
                }
            }
            Some(Update::Lost(part)) => {
                let Some(file) = lost else { continue };
                if let Err(why) = file.write(&part.part, part.file.clone()) {
                    let at_node = printable(&part.file);
                    let what =
                        format!("{why}\n  help: the node has gone back, and keeps what was given up in {at_node}");
                    return Ok(Ended::Unwritten(what));
                }
            }
            Some(Update::Done(done)) => return Ok(Ended::Done(done)),
            // Something that a newer node tells.
            None => {}
        }
    }
}

/// Shows a record that is in the way, and says how many are shown by that.
fn show(at: &AdminAddress, record: &RefusedRecord, before: usize) -> io::Result<usize> {
    if at.json {
        line(&json!({ "refused": told::refused(record) }))?;
    } else if before < SHOWN {
        let key = String::from_utf8_lossy(&record.key).into_owned();
        writeln!(io::stderr(), "  {}", printable(&format!("{} {key:?}: {}", record.table, record.why)))?;
    } else {
        return Ok(0);
    }
    Ok(1)
}

fn end(at: &AdminAddress, after: After, done: &Done, lost: Option<lost::File>, drained: Option<&Drained>) -> Outcome {
    let wanted = lost.is_some();
    let written = match lost.map(lost::File::end) {
        None => None,
        Some(Ok(written)) => written,
        Some(Err(why)) => {
            let what = format!("the node has gone back to {} and keeps what was given up; here {why}", done.version);
            return Err(what.into());
        }
    };
    let moved = done.moved.as_ref();
    if at.json {
        let lost =
            written.as_ref().map(|(file, at_node)| json!({ "file": file.display().to_string(), "at_node": at_node }));
        let moved = moved.map(told::moved);
        let mut told = json!({ "version": done.version, "moved": moved, "lost": lost });
        if let Some(drained) = drained {
            told["drained"] = json!(drained.is_drained());
        }
        line(&json!({ "done": told }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let moved = moved.map_or_else(|| format!("the node runs {}", done.version), status::moved);
    let address = &at.address;
    say(&match after {
        After::Upgrade => format!(
            "{moved}\nuntil `straddle node finalize {address}` there is a way back: `straddle node rollback {address}`"
        ),
        After::Replace => format!("{moved}\nwhich release runs, `straddle node status {address}` says"),
        After::Rollback => moved,
        After::DryRun => format!("nothing would be lost: `straddle node rollback {address}` takes the node back"),
        After::Finalize => format!("{} is final: the state of the version before is gone", done.version),
    })?;
    match written {
        Some((file, at_node)) => {
            say(&format!(
                "what was given up is in {}, and on the node's machine in {}",
                file.display(),
                printable(&at_node)
            ))?;
        }
        None if wanted => say("nothing was given up, so there is no file")?,
        None => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Ctrl-C ends the watching alone.
fn interrupted(at: &AdminAddress, losing: bool) -> ExitCode {
    say_aside(&format!("stopped watching; the move goes on: `straddle node status {} --watch` shows it", at.address));
    if losing {
        say_aside("what is given up stays in the folder `lost` of the node's state");
    }
    ExitCode::from(super::INTERRUPTED)
}
