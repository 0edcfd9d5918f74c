//! What simulations take of a real node: what is retired at it, and the doors that callers come through, without a state folder,
//! sockets and tasks.
//!
//! All that decides is what a node has: what of a word can be in force, what is written down, the routes, the doors, who is waited
//! for. In which order that happens is `engine/retired.rs`'s affair in a node, and the simulation's here.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use super::agent::retiring;
use super::life::RetiredStatus;
use super::retire::limited;
use crate::control::v1_0_0 as wire;
use crate::dispatch::{Dispatch, Object, Objects, Table};
use crate::protocol::{Protocol, Schema};
use crate::retiring::{Retiring, WallClock};
use crate::state::Retired;
use crate::version::Version;

/// The doors of a node's program, as long as it runs.
pub struct Doors {
    protocol: Protocol,
    clock: Arc<dyn WallClock>,
    dispatch: Dispatch,
    kept: Option<Retired>,
    in_force: Retiring,
    refused: Option<String>,
}

/// What the node runs, and what it could go back to: indices of the protocol's versions.
pub type Runs = (usize, Option<usize>);

/// What is to be in force once it is written down.
pub struct Settled {
    next: Retired,
    in_force: Retiring,
    refused: Option<String>,
}

impl Doors {
    /// A program starts: what was written down is in force before anybody is answered.
    ///
    /// # Errors
    /// Says that the line is none.
    pub fn start(
        protocol: Protocol,
        line: Option<&str>,
        runs: Runs,
        clock: Arc<dyn WallClock>,
    ) -> Result<Self, String> {
        let read = |line: &str| line.trim_end().parse().map_err(|()| format!("{line:?} was not written so"));
        let kept: Option<Retired> = line.map(read).transpose()?;
        let dispatch = Dispatch::new();
        let mut doors = Self { protocol, clock, dispatch, kept, in_force: Retiring::default(), refused: None };
        if let Some(told) = doors.kept.as_ref().map(|kept| kept.told.clone()) {
            (doors.in_force, doors.refused) = doors.limited(&told, runs);
            doors.dispatch.retire(&doors.in_force, &doors.clock);
        }
        Ok(doors)
    }

    /// The objects of a version stand: `at` their places, but for those older than `oldest`; of a program that was built with the
    /// versions `built`, first and last.
    ///
    /// # Errors
    /// Says that objects are missing.
    pub fn install(
        &self,
        node: usize,
        oldest: usize,
        at: &[Option<Object>],
        built: (usize, usize),
    ) -> Result<(), String> {
        let objects = Objects { node, oldest, at, built: built.0..built.1 + 1 };
        let table = Table::new(&self.protocol, &objects).map_err(|missing| format!("{missing:?}"))?;
        self.dispatch.install(table);
        Ok(())
    }

    /// What a node makes of what it is told, or of versions that have changed; none where nothing was ever told.
    ///
    /// # Errors
    /// Says why it cannot be read.
    pub fn settle(&self, told: Option<&wire::Retiring>, runs: Runs) -> Result<Option<Settled>, String> {
        let told = match told {
            Some(told) => Retiring::try_from(told).map_err(|error| error.to_string())?,
            None => match &self.kept {
                Some(kept) => kept.told.clone(),
                None => return Ok(None),
            },
        };
        told.check()?;
        let (in_force, refused) = self.limited(&told, runs);
        let next = Retired::settled(self.kept.as_ref(), told, in_force.retired_up_to.as_ref(), 0, self.clock.now());
        Ok(Some(Settled { next, in_force, refused }))
    }

    /// What was written down is in force: callers are told.
    pub fn put_in_force(&mut self, settled: Settled) {
        let Settled { next, in_force, refused } = settled;
        (self.kept, self.in_force, self.refused) = (Some(next), in_force, refused);
        self.dispatch.retire(&self.in_force, &self.clock);
    }

    /// How callers come in.
    #[must_use]
    pub fn dispatch(&self) -> Dispatch {
        self.dispatch.clone()
    }

    /// Whether no call of a retired version is inside.
    #[must_use]
    pub fn are_gone(&self) -> bool {
        let going = self.dispatch.going();
        pin!(going.are_gone()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    /// The table loses its routes of retired versions, before their objects go.
    pub fn let_go_of_retired(&self) {
        self.dispatch.let_go_of_retired();
    }

    /// The index of the newest version that is retired.
    #[must_use]
    pub fn retired_up_to(&self) -> Option<usize> {
        self.protocol.index_of(self.in_force.retired_up_to.as_ref()?)
    }

    /// As the node reports it.
    #[must_use]
    pub fn report(&self) -> Option<wire::RetiringInForce> {
        let swept_up_to = self.kept.as_ref()?.swept_up_to().cloned();
        let status = RetiredStatus { in_force: self.in_force.clone(), refused: self.refused.clone(), swept_up_to };
        Some(retiring::in_force(&status))
    }

    fn limited(&self, told: &Retiring, (runs, back): Runs) -> (Retiring, Option<String>) {
        let versions: Vec<&Version> = self.protocol.versions().iter().map(Schema::version).collect();
        limited(told, &self.protocol, versions[runs], back.map(|back| versions[back]))
    }
}

impl Settled {
    /// The line that is written down.
    ///
    /// # Errors
    /// Says why there is none.
    pub fn line(&self) -> Result<String, String> {
        let line = self.next.line().map_err(|error| error.to_string())?;
        String::from_utf8(line).map_err(|error| error.to_string())
    }

    /// The index of the newest version that will be retired.
    #[must_use]
    pub fn retired_up_to(&self, doors: &Doors) -> Option<usize> {
        doors.protocol.index_of(self.in_force.retired_up_to.as_ref()?)
    }
}
