//! A node's agent: it tells the coordinator how the node is doing, learns what is published, and moves when it is let.
//!
//! ```no_run
//! # mod shop { pub fn builder() -> straddle::node::Builder { unimplemented!() } }
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use straddle::node::Coordinated;
//!
//! let coordinated = Coordinated::by("http://127.0.0.1:7300").name("shop-1").label("zone", "a").label("role", "front");
//! let node = shop::builder().state("shop-state").coordinated(coordinated).start().await?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:7000").await?;
//! // From here on the node attends, and callers are answered once it was admitted.
//! node.serve(listener, std::future::pending())?.await;
//! # Ok(()) }
//! ```
//!
//! What it decides is in [`core`], without sockets and clocks. What it does is what anybody can have the node do: upgrade, roll
//! back, finalize, prepare, drain, learn.

mod attending;
mod coordinated;
#[doc(hidden)]
pub mod core;
mod counting;
mod learning;
mod link;
mod moving;
mod reporting;
pub(super) mod retiring;
mod succession;
mod supervised;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::time::Instant;

use self::attending::Agent;
pub use self::attending::Attending;
pub use self::coordinated::Coordinated;
use self::reporting::Told;
pub(super) use self::succession::Succession;
use super::Node;
use super::engine::Under;
use crate::control::v1_0_0::GivenUp;
use crate::dispatch::Dispatch;
use crate::metrics;
use crate::protocol::Protocol;
use crate::state::Files;
use crate::version::Version;

/// What a node has of its agent.
#[derive(Debug, Default)]
pub(super) struct Agency {
    coordinated: Option<Coordinated>,
    /// What the node is called there.
    name: OnceLock<String>,
    /// Once it has begun.
    agent: OnceLock<Arc<Agent>>,
    /// The newest version that is active everywhere, as the coordinator has said.
    active: Mutex<Option<Version>>,
    /// Under which number the node was admitted; none while it is not.
    admission: Mutex<Option<u64>>,
    /// The permit under which the program is being replaced.
    leaving: Mutex<Option<Under>>,
    /// The last permit under which this program began to move, and the upgrade that it was for.
    moved_under: Mutex<Option<(u64, u64)>>,
    /// What was given up when the node went back last, as far as this program knows.
    given_up: Mutex<Option<GivenUp>>,
    /// The calls that its reports have told of.
    told: Mutex<Told>,
    /// What the program before has left.
    before: OnceLock<Succession>,
    /// From when on calls are counted.
    counts_since: OnceLock<Instant>,
    /// The node was asked to stop: that it loses its coordinator is nothing to worry about.
    stops: Arc<AtomicBool>,
}

impl Agency {
    pub(super) fn new(coordinated: Option<Coordinated>) -> Self {
        Self { coordinated, ..Self::default() }
    }

    /// Whether there is a coordinator to attend.
    pub(super) fn attends(&self) -> bool {
        self.coordinated.is_some()
    }

    /// The coordinator's address, and what the node is called there; an empty name as long as nobody knows it.
    pub(super) fn attends_as(&self) -> Option<(String, String)> {
        let coordinated = self.coordinated.as_ref()?;
        let name = self.name.get().or(coordinated.name.as_ref()).cloned();
        Some((coordinated.url.clone(), name.unwrap_or_default()))
    }

    /// Keeps callers away from a node that is to be admitted, and counts those that come. One that goes on right after
    /// another program is what that was.
    pub(super) fn hold(&self, dispatch: &Dispatch, before: Option<Succession>) {
        metrics::begin();
        if !self.attends() {
            return;
        }
        // Before the first call that is counted, so that nothing is of a time before.
        let _ = self.counts_since.set(Instant::now());
        dispatch.count_callers();
        if let Some(before) = before {
            let _ = self.before.set(before);
            if before.is_fresh() {
                *lock(&self.admission) = Some(before.admission);
                return;
            }
        }
        dispatch.keep_away("its coordinator has not admitted this node yet".to_owned());
    }

    /// Whether callers may be answered as far as the coordinator is concerned.
    pub(super) fn lets_serve(&self) -> bool {
        !self.attends() || lock(&self.admission).is_some()
    }

    /// Tells the program that goes on with the state what this one was.
    pub(super) fn leave_word(&self, files: &dyn Files, root: &Path) {
        let Some(admission) = *lock(&self.admission) else { return };
        let permit = self.leaving().map_or(0, |under| under.permit);
        if let Err(error) = Succession::now(admission, permit).leave(files, root) {
            tracing::warn!(error, "the next program has to be admitted before it serves");
        }
    }

    /// The upgrade that a permit was for, as far as this program knows.
    pub(super) fn upgrade_under(&self, permit: u64) -> Option<u64> {
        lock(&self.moved_under).filter(|(under, _)| *under == permit).map(|(_, upgrade)| upgrade)
    }

    /// The permit under which the program is being replaced.
    pub(super) fn leaving(&self) -> Option<Under> {
        *lock(&self.leaving)
    }

    /// The node was asked to stop.
    pub(super) fn stops(&self) {
        self.stops.store(true, Ordering::Relaxed);
    }

    /// This version is active everywhere, and stays so.
    pub(super) fn activate(&self, version: Version) {
        let mut active = lock(&self.active);
        if active.as_ref().is_none_or(|active| *active < version) {
            *active = Some(version);
        }
    }

    /// The newest version that is active everywhere, of a node that attends; until it was told the oldest one.
    pub(super) fn active(&self, protocol: &Protocol) -> Option<Version> {
        let oldest = protocol.versions().first().map(|schema| schema.version().clone());
        if self.attends() { lock(&self.active).clone().or(oldest) } else { None }
    }
}

impl Node {
    /// A version that somebody has named, as a peer does with `straddle-node` in its responses: a node that attends a coordinator
    /// asks it for what it does not know, and learns what was published. The name alone makes nothing known. Costs nothing for
    /// versions that are known; what nobody has published is asked for once in a minute at most.
    ///
    /// ```no_run
    /// # fn example(node: straddle::node::Node) -> Result<(), straddle::transport::InvalidChannel> {
    /// // Peers are nodes of the same protocol.
    /// let told = move |version: &str| node.heard_of(version);
    /// let channel = straddle::transport::Channel::owner("10.0.0.2:7000").node_versions(told).build()?;
    /// # drop(channel);
    /// # Ok(()) }
    /// ```
    pub fn heard_of(&self, version: &str) {
        if let Some(agent) = self.agency().agent.get() {
            agent.heard(version);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
