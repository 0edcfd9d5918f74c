//! How the node is doing, as its supervisor sees it.

use std::time::Duration;

use super::Driver;
use crate::node::admin::wire::{self, NodeStatus, Phase, Work};
use crate::supervise::machine::Run;
use crate::supervise::release::Releases;
use crate::supervise::view::View;

/// Of a node whose program has not said anything yet.
pub(super) fn unknown(at: &Run, releases: &Releases) -> NodeStatus {
    let release = releases.find(&at.release).ok();
    let protocol = release.and_then(|release| release.manifest().protocol.clone()).unwrap_or_default();
    let version = at.version.to_string();
    NodeStatus { protocol, active: version.clone(), version, phase: Phase::Serving.into(), ..NodeStatus::default() }
}

impl Driver {
    pub(super) fn view(&self) -> View {
        let serving = self.machine.serving().and_then(|id| self.programs.get(&id));
        let doing = self.programs.values().next_back().map(|program| program.doing.clone()).unwrap_or_default();
        let (at, now) = (self.machine.at(), self.epoch.elapsed());
        let mut status = self.latest.clone();
        let moving = self.machine.moving();
        // Whoever was told that a move is over may ask before the new program has said how it is doing.
        let is_of_another = moving.is_none() && self.machine.serving() != self.latest_of;
        if let Some((to, back)) = moving {
            status.under_way = Some(wire::Move { to: to.version.to_string(), back });
            if serving.is_some() {
                status.phase = Phase::Permitted.into();
            } else if self.handed_over() {
                status.phase = if back { Phase::Reversing } else { Phase::Transforming }.into();
                status.progress = Some(Work { what: doing.clone(), done: 0, total: 0 });
            }
        } else if serving.is_none() || is_of_another {
            (status.under_way, status.progress, status.phase) = (None, None, Phase::Serving.into());
        }
        if is_of_another && serving.is_some() && status.version != at.version.to_string() {
            status.back.clear();
        }
        if is_of_another || (serving.is_none() && !self.handing()) {
            (status.version, status.calls_running, status.calls_waiting) = (at.version.to_string(), 0, 0);
        }
        let in_micros = |until: Duration| u64::try_from(until.saturating_sub(now).as_micros()).unwrap_or(u64::MAX);
        let program = wire::Program {
            release: at.release.to_string(),
            process: serving.map_or(0, super::Program::number),
            crashes: u32::try_from(self.machine.crashes()).unwrap_or(u32::MAX),
            restarts_in_microseconds: self.machine.restarts_at().map(in_micros),
            last_good: self.machine.good().map(|good| good.release.to_string()).unwrap_or_default(),
            failure: self.machine.failure().map(str::to_owned),
            doing,
            given_up_in_microseconds: self.machine.gives_up_at().map(in_micros),
            ..wire::Program::default()
        };
        status.program = Some(program);
        View {
            client: serving.and_then(super::Program::client),
            program_admin: serving.and_then(super::Program::admin),
            status,
            at: Some(at.clone()),
            before: self.machine.before().cloned(),
            idle: self.machine.is_idle() && !self.anew,
            clears: serving.is_some() && moving.is_none() && !self.machine.is_idle(),
        }
    }

    fn handing(&self) -> bool {
        matches!(self.machine.record().stage, crate::supervise::machine::Stage::Handing(_))
    }

    fn handed_over(&self) -> bool {
        !self.handing()
    }
}
