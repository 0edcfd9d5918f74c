//! `straddle node drain` and `resume`, and moves with `--drain`.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use tonic::Status;

use super::progress::Progress;
use super::{Client, Failure, INTERRUPTED, connect, failed, line, say, say_aside, unless_interrupted};
use crate::cli::Outcome;
use crate::cli::arguments::{AdminAddress, DrainArguments, ResumeArguments};
use crate::node::admin::wire::move_update::Update;
use crate::node::admin::wire::{DrainRequest, ResumeRequest, StatusRequest};

/// How long a node may take to say that it is back in service.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn run(arguments: &DrainArguments) -> Outcome {
    let at = &arguments.at;
    let client = match connect(at).await? {
        Ok(client) => client,
        Err(failure) => return failed(at, &failure),
    };
    let mut progress = Progress::new(at.json);
    let drained = unless_interrupted(drain(client, arguments.within, &mut progress)).await;
    progress.end();
    let address = &at.address;
    let left = match drained {
        None => {
            say_aside(&format!(
                "stopped watching; the node stays drained: `straddle node resume {address}` takes it back"
            ));
            return Ok(ExitCode::from(INTERRUPTED));
        }
        Some(Ok(left)) => left,
        Some(Err(Undrained::Node(status))) => return failed(at, &Failure::of(address, &status, false)),
        Some(Err(Undrained::Output(error))) => return Err(error.into()),
    };
    if at.json {
        line(&json!({ "done": { "drained": true, "calls_left": left } }))?;
    } else {
        let inside = if left == 0 { "nobody is inside".to_owned() } else { told(left, arguments.within) };
        say(&format!("the node is drained: {inside}; `straddle node resume {address}` takes it back into service"))?;
    }
    Ok(if left == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) async fn resume(arguments: &ResumeArguments) -> Outcome {
    let at = &arguments.at;
    let mut client = match connect(at).await? {
        Ok(client) => client,
        Err(failure) => return failed(at, &failure),
    };
    if let Err(status) = client.resume(ResumeRequest {}).await {
        return failed(at, &Failure::of(&at.address, &status, false));
    }
    if at.json {
        line(&json!({ "done": { "drained": false } }))?;
    } else {
        say("the node is in service")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A node that was drained for a move.
pub(super) struct First {
    /// By somebody else, who may want it so.
    before: bool,
}

/// What has become of a node that was drained for a move.
pub(super) enum Drained {
    Resumed,
    /// As it was before.
    Before,
    Stays,
}

/// Drains a node before a move; an exit code when that is all.
pub(super) async fn first(
    client: &Client,
    at: &AdminAddress,
    within: Duration,
    progress: &mut Progress,
) -> Result<Result<First, ExitCode>, Box<dyn std::error::Error>> {
    let mut asking = client.clone();
    let drained = unless_interrupted(async {
        let before = asking.status(StatusRequest {}).await.map_err(Undrained::Node)?.get_ref().drained;
        Ok((before, drain(client.clone(), within, progress).await?))
    });
    match drained.await {
        None => {
            progress.end();
            // Nothing has begun that it would have to be out of service for.
            let resumed = First { before: false }.over(client.clone(), at).await;
            say_aside("stopped before the move began");
            if let Some(drained) = resumed {
                say_aside(&drained.told(at));
            }
            Ok(Err(ExitCode::from(INTERRUPTED)))
        }
        Some(Ok((before, left))) => {
            if left > 0 {
                say_aside(&format!("drained, but {}: they end as in any move", told(left, within)));
            }
            Ok(Ok(First { before }))
        }
        Some(Err(Undrained::Node(status))) => {
            progress.end();
            failed(at, &Failure::of(&at.address, &status, false)).map(Err)
        }
        Some(Err(Undrained::Output(error))) => Err(error.into()),
    }
}

impl First {
    /// Takes the node back into service, unless it was out of it before.
    pub(super) async fn over(self, mut client: Client, at: &AdminAddress) -> Option<Drained> {
        if self.before {
            // A program that has taken its place is in service: that it was drained was known to the one before alone.
            let asked = tokio::time::timeout(PATIENCE.max(at.wait), client.status(StatusRequest {})).await;
            let in_service = matches!(asked, Ok(Ok(status)) if !status.get_ref().drained);
            return Some(if in_service { Drained::Resumed } else { Drained::Before });
        }
        let resumed = tokio::time::timeout(PATIENCE.max(at.wait), client.resume(ResumeRequest {})).await;
        Some(if matches!(resumed, Ok(Ok(_))) { Drained::Resumed } else { Drained::Stays })
    }
}

impl Drained {
    pub(super) fn is_drained(&self) -> bool {
        !matches!(self, Self::Resumed)
    }

    pub(super) fn told(&self, at: &AdminAddress) -> String {
        let how = format!("`straddle node resume {}` takes it back into service", at.address);
        match self {
            Self::Resumed => "the node is in service".to_owned(),
            Self::Before => format!("the node was drained before, and stays so: {how}"),
            Self::Stays => format!("the node stays drained: {how}"),
        }
    }
}

/// Why a node was not drained.
enum Undrained {
    Node(Status),
    Output(std::io::Error),
}

/// Drains a node: how many calls are left.
async fn drain(mut client: Client, within: Duration, progress: &mut Progress) -> Result<u64, Undrained> {
    let request = DrainRequest { wait_microseconds: u64::try_from(within.as_micros()).unwrap_or(u64::MAX) };
    let mut updates = client.drain(request).await.map_err(Undrained::Node)?.into_inner();
    let mut left = 0;
    loop {
        let update = updates.message().await.map_err(Undrained::Node)?;
        let update = update.ok_or_else(|| Undrained::Node(Status::unavailable("the node stopped telling")))?;
        match update.update {
            Some(Update::Status(status)) => {
                left = status.calls_running;
                progress.show(&status).map_err(Undrained::Output)?;
            }
            Some(Update::Done(_)) => return Ok(left),
            // Something that a newer node tells.
            _ => {}
        }
    }
}

fn told(left: u64, within: Duration) -> String {
    let calls = if left == 1 { "call is" } else { "calls are" };
    format!("{left} {calls} left inside after {within:?}")
}
