//! The old program is told to hand over, and whoever asked is told what comes of the move.

use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{Driver, Happening};
use crate::node::admin::wire::{HandOverRequest, Moved, NodeStatus, Phase, move_update::Update};
use crate::node::admin::{Reason, SAFE, wire};
use crate::refusal::DOMAIN;
use crate::supervise::admin;
use crate::supervise::machine::{Event, Id, Move, Outcome};
use crate::supervise::news::News;
use crate::supervise::process::Process;
use crate::supervise::view::Client;

/// What is known of a move.
#[derive(Default)]
pub(super) struct Handed {
    from: String,
    /// Since when calls have waited.
    since: Option<Instant>,
    moved: Option<Moved>,
    /// Why the old one serves on.
    stays: Option<Status>,
}

/// What the old program tells of its handing over.
#[derive(Debug)]
pub(in crate::supervise) enum Told {
    Update(Box<Update>),
    Failed(Status),
}

impl Driver {
    pub(super) fn hand_over(&mut self, id: Id, moving: Move) {
        self.handed.from = moving.from.version.to_string();
        let Some(program) = self.programs.get(&id) else { return };
        let Some(client) = program.client() else {
            // A plain program, which knows of signals alone.
            return self.with(id, Process::terminate);
        };
        let happens = self.happens.clone();
        tokio::spawn(async move {
            let told = |told| happens.send(Happening::Told(id, Box::new(told)));
            if let Err(status) = follow(client, moving, |update| drop(told(Told::Update(Box::new(update))))).await {
                let _ = told(Told::Failed(status));
            }
        });
    }

    pub(super) fn told(&mut self, id: Id, told: Told) {
        let update = match told {
            Told::Update(update) => *update,
            Told::Failed(status) => return self.not_handed_over(id, status),
        };
        match update {
            Update::Status(status) => {
                let waits = status.phase != i32::from(Phase::Serving) && status.phase != i32::from(Phase::Permitted);
                if waits && self.handed.since.is_none() {
                    self.handed.since = Some(Instant::now());
                }
                let changed = doing(&self.latest) != doing(&status);
                self.latest = status;
                self.publish();
                if changed {
                    self.tell(Event::Progress(id, None));
                }
            }
            Update::Done(done) => {
                self.handed.since.get_or_insert_with(Instant::now);
                self.handed.moved = done.moved;
                self.tell(Event::HandedOver(id));
            }
            more => {
                if let Some(asker) = &self.asker {
                    asker.more(more);
                }
            }
        }
    }

    fn not_handed_over(&mut self, id: Id, status: Status) {
        let info = status.get_details_error_info().filter(|info| info.domain == DOMAIN);
        match info {
            Some(info)
                if info.reason == Reason::Stuck.name() || info.metadata.get(SAFE).is_none_or(|safe| safe != "true") =>
            {
                tracing::error!(%status, "the old program is stuck, and is ended");
                self.with(id, Process::kill);
            }
            Some(_) => self.stays(id, status),
            None if status.code() == Code::Unimplemented => self.stays(id, status),
            // Its end tells more, and comes soon; or its time is over.
            None => tracing::warn!(%status, "the old program stopped telling how it hands over"),
        }
    }

    fn stays(&mut self, id: Id, status: Status) {
        self.handed.stays = Some(status);
        self.tell(Event::Stays(id));
    }

    /// A move has ended.
    pub(super) fn moved(&mut self, outcome: Outcome) {
        match &outcome {
            Ok(run) => self.news(&News::Moved { release: run.release.clone(), version: run.version.clone() }),
            Err(failed) => {
                let said = self.handed.stays.as_ref().map(|status| status.message().to_owned());
                self.news(&News::Failed { why: said.unwrap_or_else(|| failed.why.clone()) });
            }
        }
        let Some(asker) = self.asker.take() else { return };
        let handed = std::mem::take(&mut self.handed);
        asker.end(match outcome {
            Ok(run) => {
                let version = run.version.to_string();
                let pause = handed.since.map(|since| since.elapsed().as_micros()).unwrap_or_default();
                let moved = handed.moved.unwrap_or_default();
                let pause_microseconds = u64::try_from(pause).unwrap_or(u64::MAX);
                let moved = Moved { from: handed.from, to: version.clone(), pause_microseconds, ..moved };
                Ok(wire::Done { moved: Some(moved), version })
            }
            Err(failed) => Err(handed.stays.unwrap_or_else(|| admin::failed(&failed, self.machine.at()))),
        });
    }
}

async fn follow(mut client: Client, moving: Move, tell: impl Fn(Update)) -> Result<(), Status> {
    let Move { back, accept_loss, .. } = moving;
    let mut updates = client.hand_over(HandOverRequest { back, accept_loss }).await?.into_inner();
    while let Some(update) = updates.message().await? {
        if let Some(update) = update.update {
            tell(update);
        }
    }
    Ok(())
}

/// What shows that it goes on.
fn doing(status: &NodeStatus) -> (i32, u64, u64) {
    (status.phase, status.progress.as_ref().map_or(0, |work| work.done), status.calls_running)
}
