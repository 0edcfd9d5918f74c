//! The old program is told to hand over, and whoever asked is told what comes of the move.

use std::time::Duration;

use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{Driver, Happening};
use crate::node::admin::wire::{HandOverRequest, MoveUpdate, Moved, NodeStatus, Phase, move_update::Update};
use crate::node::admin::{Reason, SAFE, unsent, wire};
use crate::refusal::DOMAIN;
use crate::supervise::admin::{self, More};
use crate::supervise::error::SuperviseError;
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
    /// Whether the old program still tells; it may have much to tell after it has let the state go.
    tells: bool,
    /// How the move ended, and when, until the old program has told all.
    outcome: Option<(Outcome, Instant)>,
}

/// What the old program tells of its handing over.
#[derive(Debug)]
pub(in crate::supervise) enum Told {
    Update(Box<Update>),
    /// Something for whoever asked.
    More,
    Failed(Status),
    /// It tells no more.
    Over,
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
        // While records are told that keep it from going back, the program serves on; it must not count as one that hangs.
        let bears = self.supervisor.limits().ready / 2;
        let more = self.asker.as_mut().map(|asker| asker.more(bears));
        self.handed.tells = true;
        tokio::spawn(async move {
            let told = |told| drop(happens.send(Happening::Told(id, Box::new(told))));
            if let Err(status) = follow(client, moving, more, told).await {
                told(Told::Failed(status));
            }
            told(Told::Over);
        });
    }

    pub(super) fn told(&mut self, id: Id, told: Told) {
        let update = match told {
            Told::Update(update) => *update,
            Told::More => return self.tell(Event::Progress(id, None)),
            Told::Failed(status) => return self.not_handed_over(id, status),
            Told::Over => {
                self.handed.tells = false;
                return self.end_asker();
            }
        };
        match update {
            Update::Status(status) => {
                let waits = status.phase != i32::from(Phase::Serving) && status.phase != i32::from(Phase::Permitted);
                if waits && self.handed.since.is_none() {
                    self.handed.since = Some(Instant::now());
                }
                let changed = doing(&self.latest) != doing(&status);
                (self.latest, self.latest_of) = (status, Some(id));
                self.publish();
                if changed {
                    self.tell(Event::Progress(id, None));
                }
            }
            Update::Done(done) => {
                let pause = done.moved.as_ref().map(|moved| Duration::from_micros(moved.pause_microseconds));
                let now = Instant::now();
                let shut = pause.and_then(|pause| now.checked_sub(pause)).unwrap_or(now);
                self.handed.since = Some(self.handed.since.map_or(shut, |since| since.min(shut)));
                self.handed.moved = done.moved;
                self.tell(Event::HandedOver(id));
            }
            // Told already whom it is for.
            Update::Refused(_) | Update::Lost(_) => {}
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

    /// A move ends before anything was done that it cannot be gone on from.
    pub(super) fn not_written_down(&mut self, error: &SuperviseError) {
        self.handed.stays = Some(admin::unwritten(error));
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
        self.handed.outcome = Some((outcome, Instant::now()));
        self.end_asker();
    }

    /// Tells whoever asked how the move ended, once the old program has told all that belongs to it: the new one may be ready before
    /// that.
    fn end_asker(&mut self) {
        if self.handed.tells || self.handed.outcome.is_none() {
            return;
        }
        let handed = std::mem::take(&mut self.handed);
        let (Some(asker), Some((outcome, ended))) = (self.asker.take(), handed.outcome) else { return };
        asker.end(match outcome {
            Ok(run) => {
                let version = run.version.to_string();
                let pause =
                    handed.since.map(|since| ended.saturating_duration_since(since).as_micros()).unwrap_or_default();
                let moved = handed.moved.unwrap_or_default();
                let pause_microseconds = u64::try_from(pause).unwrap_or(u64::MAX);
                let moved = Moved { from: handed.from, to: version.clone(), pause_microseconds, ..moved };
                Ok(wire::Done { moved: Some(moved), version })
            }
            Err(failed) => Err(handed.stays.unwrap_or_else(|| admin::failed(&failed, self.machine.at()))),
        });
    }
}

/// Tells it to hand over, and tells `tell` how that goes. What there may be any amount of goes to whoever asked, at their pace.
async fn follow(mut client: Client, moving: Move, mut more: Option<More>, tell: impl Fn(Told)) -> Result<(), Status> {
    let Move { back, accept_loss, .. } = moving;
    let mut updates = client.hand_over(HandOverRequest { back, accept_loss }).await?.into_inner();
    // The file that what is given up lies in, from its first part to the end of the move.
    let mut lost: Option<String> = None;
    loop {
        let update = match updates.message().await {
            Ok(Some(MoveUpdate { update: Some(update) })) => update,
            Ok(Some(MoveUpdate { update: None })) => continue,
            Ok(None) => return Ok(()),
            Err(status) => {
                if let (Some(more), Some(file)) = (&mut more, &lost) {
                    more.cut(unsent(file, &status.message()));
                }
                return Err(status);
            }
        };
        match (update, &mut more) {
            (update @ (Update::Refused(_) | Update::Lost(_)), Some(more)) => {
                if let Update::Lost(part) = &update {
                    lost = Some(part.file.clone());
                }
                if let Err(why) = more.tell(update).await {
                    tracing::warn!(why, "whoever asked for the move is not told all that belongs to it");
                    let file = lost.as_deref().unwrap_or_default();
                    more.cut(unsent(file, &why));
                }
                tell(Told::More);
            }
            (Update::Done(done), _) => {
                lost = None;
                tell(Told::Update(Box::new(Update::Done(done))));
            }
            (update, _) => tell(Told::Update(Box::new(update))),
        }
    }
}

/// What shows that it goes on.
fn doing(status: &NodeStatus) -> (i32, u64, u64) {
    (status.phase, status.progress.as_ref().map_or(0, |work| work.done), status.calls_running)
}
