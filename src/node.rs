//! A node: one running instance of a service, and the versions that it answers in.
//!
//! ```
//! # mod shop {
//! #     pub fn protocol() -> straddle::Protocol { unimplemented!() }
//! # }
//! # fn build<A, B, C>(current: straddle::dispatch::Object, past: fn(straddle::simulation::Adjacent) -> straddle::dispatch::Object)
//! # -> Result<(), straddle::node::BuildError> {
//! use straddle::node::Node;
//!
//! let node = Node::builder(shop::protocol())
//!     .object("2.0.0", current)       // Object::of(ShopServer::new(shop))
//!     .past("1.0.0", past)            // |adjacent| Object::of(ShopServer::new(Past::new(ShopClient::new(adjacent))))
//!     .build()?;
//! let service = node.service();       // answers callers of 1.0.0 and of 2.0.0
//! # Ok(()) }
//! ```

pub mod admin;
pub mod agent;
mod background;
mod build;
mod chain;
mod checkpoint;
mod draining;
mod engine;
mod front;
mod goal;
mod learn;
mod life;
mod limits;
pub(crate) mod losses;
mod making;
mod metrics;
#[doc(hidden)]
pub mod modelled;
mod opening;
mod program;
mod random;
mod resting;
mod retire;
mod standing;
mod transforming;
mod upgrade;

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use self::agent::Agency;
use self::engine::{Life, Preparing};
use self::front::Fronts;
use self::learn::Learning;
use self::resting::Resting;

use crate::dispatch::{Dispatch, Table};
use crate::protocol::Protocol;
use crate::transport::{Beside, HealthHandle, IntakeHandle, InvalidReflection, Server, Serving};
use crate::version::Version;

pub use self::agent::Coordinated;
pub use self::build::{BuildError, Builder, Current, Simulation};
pub use self::learn::{LearnError, Learned, NeedsProgram};
pub use self::life::{HandOver, MoveError, Moved, NodeStatus, Prepared, RetiredStatus, Rollback};
pub use self::opening::{Background, Opening, Stopping};
pub use self::program::{Ended, Program, Ready};
pub use self::retire::RetireError;
pub use self::transforming::{States, Transforming};
pub use self::upgrade::Upgrade;

/// A node: its current object, the simulation objects around it, and the routes to them.
///
/// Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Node(Kind);

#[derive(Clone)]
enum Kind {
    Resting(Arc<Resting>),
    Living(Arc<Life>),
}

impl Node {
    /// Starts to build a node that serves `protocol`.
    pub fn builder(protocol: Protocol) -> Builder {
        Builder::new(protocol)
    }

    fn resting(resting: Resting) -> Self {
        Self(Kind::Resting(Arc::new(resting)))
    }

    fn living(life: Arc<Life>) -> Self {
        Self(Kind::Living(life))
    }

    /// What answers this node's calls: a tower service, for [`transport::Server`](crate::transport::Server) or any
    /// other. The node lives for as long as it does.
    #[must_use]
    pub fn service(&self) -> Dispatch {
        match &self.0 {
            Kind::Resting(resting) => resting.dispatch.clone(),
            Kind::Living(life) => life.service(),
        }
    }

    /// What answers this node's calls, and beside them gRPC health and server reflection (of the labelled version).
    ///
    /// # Errors
    /// When a version's descriptors cannot be reflected.
    pub fn service_with(&self, health: &HealthHandle) -> Result<Beside<Dispatch>, InvalidReflection> {
        let reflection = self.learning().reflection(&self.protocol(), &self.version())?;
        Ok(Beside::new(self.service()).health(health).reflection(reflection))
    }

    /// Serves this node's calls to whoever connects to `listener`, with health and reflection, until `shutdown`
    /// completes, or the node [was handed over](Self::hand_over), and running calls have finished; then the node
    /// [`stop`](Self::stop)s. For other limits, or a health of your
    /// own, give [`service_with`](Self::service_with) to a [`Server`].
    ///
    /// # Errors
    /// When the listener has no local address, or a version's descriptors cannot be reflected.
    pub fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<Serving> {
        let health = HealthHandle::new();
        let service = self.service_with(&health).map_err(io::Error::other)?;
        self.learning().tell(&self.protocol(), &health);
        let mut server = Server::builder().health(&health);
        if let Kind::Living(life) = &self.0 {
            server = server.intake(life.intake());
        }
        let handed_over = self.clone();
        let shutdown = async move {
            tokio::select! {
                () = shutdown => {}
                () = handed_over.handed_over() => {}
            }
            handed_over.agency().stops();
        };
        let serving = server.serve(listener, service, shutdown)?;
        self.fronts().add(&health, serving.connections());
        let attending = self.attend(&serving.local_addr().to_string())?;
        let (node, stuck, mut told) = (self.clone(), self.clone(), self.watch());
        Ok(serving.beside(
            async move {
                // A node that is stuck answers nobody.
                if told.wait_for(|status| status.stuck.is_some()).await.is_ok() {
                    stuck.fronts().give_up();
                }
            },
            async move {
                node.stop().await;
                if let Kind::Resting(resting) = &node.0
                    && attending.is_attending()
                {
                    // The coordinator is told that nobody is answered any more.
                    resting.dispatch.remove("the node has stopped");
                }
                attending.end().await;
            },
        ))
    }

    /// Ends the node, once no move is under way: the work of its objects in the background stops, what they have open is
    /// closed, and the state folder is free for another program. Callers that come later are told `UNAVAILABLE`. A node
    /// without a state has nothing to end.
    pub async fn stop(&self) {
        if let Kind::Living(life) = &self.0 {
            life.stop().await;
        }
    }

    /// The protocol that the node serves.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        match &self.0 {
            Kind::Resting(resting) => resting.protocol(),
            Kind::Living(life) => life.protocol(),
        }
    }

    /// The version that the node runs; while it moves, the one that it comes from.
    #[must_use]
    pub fn version(&self) -> Version {
        match &self.0 {
            Kind::Resting(resting) => resting.version.clone(),
            Kind::Living(life) => life.version(),
        }
    }

    /// The routes, as they are now; none while its objects change. What is returned keeps objects open: a node that moves
    /// waits for it to be dropped.
    #[must_use]
    pub fn table(&self) -> Option<Arc<Table>> {
        self.service().table()
    }

    /// How the node is doing.
    #[must_use]
    pub fn status(&self) -> NodeStatus {
        match &self.0 {
            Kind::Resting(resting) => resting.status(),
            Kind::Living(life) => life.status(),
        }
    }

    /// How the node is doing; changes are to be seen through it, of the phase and of the progress of a move.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<NodeStatus> {
        match &self.0 {
            Kind::Resting(resting) => resting.status.subscribe(),
            Kind::Living(life) => life.watch(),
        }
    }

    /// Upgrades the node to `to`, the next version that this program can run, while callers go on: see ARCHITECTURE.md,
    /// *The life of a node*. The move goes on to its end even if nobody waits for it.
    ///
    /// # Errors
    /// Says what kept it from happening, and what the node does now.
    pub async fn upgrade(&self, to: &Version) -> Result<Moved, MoveError> {
        self.life()?.upgrade(to).await
    }

    /// Takes the node back to the version before, as long as the upgrade is not finalized.
    ///
    /// # Errors
    /// As [`upgrade`](Self::upgrade).
    pub async fn rollback(&self, how: Rollback) -> Result<Moved, MoveError> {
        self.life()?.rollback(how).await
    }

    /// Ends the upgrade for good: there is no way back any more, and the older state is freed. Waits for records that are
    /// yet to be brought over.
    ///
    /// # Errors
    /// As [`upgrade`](Self::upgrade).
    pub async fn finalize(&self) -> Result<(), MoveError> {
        self.life()?.finalize().await
    }

    /// Ends the node in this program, so that another program goes on with its state: streams get their time, callers are held
    /// back, no connection is accepted any more, running calls come to their end, the node goes back where that is asked for,
    /// its objects are closed, and its state folder is let go. Calls that wait are refused as not begun
    /// ([`NotBegun`](crate::wire::NotBegun)). Returned is what has moved and which streams were ended; `from` and `to` are one version
    /// where it did not go back.
    ///
    /// What [`serve`](Self::serve) serves ends by itself after that. Whoever serves [`service_with`](Self::service_with) gives
    /// the node's [`intake`](Self::intake) to the server, and ends it once the node [was handed over](Self::handed_over).
    ///
    /// # Errors
    /// As [`upgrade`](Self::upgrade): the node serves on, but for [`MoveError::Stuck`].
    pub async fn hand_over(&self, how: HandOver) -> Result<Moved, MoveError> {
        self.life()?.hand_over(how).await
    }

    /// Completes when the node was handed over to another program. One without a state never is.
    pub async fn handed_over(&self) {
        let Kind::Living(life) = &self.0 else { return std::future::pending().await };
        let mut handed_over = life.watch_handed_over();
        // The node holds the other end.
        let _ = handed_over.wait_for(|handed_over| *handed_over).await;
    }

    /// Whether servers are to take connections for this node: not while it is handed over. For a
    /// [`Server`] of your own; those of nodes without a state always are.
    #[must_use]
    pub fn intake(&self) -> IntakeHandle {
        match &self.0 {
            Kind::Living(life) => life.intake().clone(),
            Kind::Resting(_) => IntakeHandle::new(),
        }
    }

    /// Takes the node out of service, and waits until nobody is inside, no longer than `wait`: the calls that are left then.
    ///
    /// The health of a node that [`serve`](Self::serve)s says `NOT_SERVING`, its connections are told to go away (GOAWAY, RFC 9113
    /// section 6.8), streams whose callers go on with them end, and callers that look go elsewhere. Whoever calls all the same is answered. The node stays drained over moves, until
    /// [`resume`](Self::resume) or until its program starts again; it goes on being so when this is dropped. A health of your own
    /// ([`service_with`](Self::service_with)) is told nothing: [`watch`](Self::watch) says when to
    /// [`set_drained`](HealthHandle::set_drained).
    pub async fn drain(&self, wait: Duration) -> usize {
        match &self.0 {
            Kind::Resting(resting) => resting.drain(wait).await,
            Kind::Living(life) => life.drain(wait).await,
        }
    }

    /// Takes a drained node back into service.
    pub fn resume(&self) {
        match &self.0 {
            Kind::Resting(resting) => resting.resume(),
            Kind::Living(life) => life.resume(),
        }
    }

    /// Does all of an upgrade to `to` that can be done while callers are served, and then waits for the word:
    /// [`switch`](Self::switch). So several nodes can switch at once.
    ///
    /// It is as it was before when the word has not come `within` this time (a day at most) from now on the monotonic clock,
    /// after [`abort`](Self::abort), when [`stop`](Self::stop) is called or the program ends, when it cannot stay prepared, as
    /// when its disk is full, and when this future is dropped before it is ready: what was prepared is removed, and only entries
    /// in the state's journal are left of it, and that the number of an epoch is used up. Until then the node is told nothing
    /// else ([`MoveError::Busy`]). Records that would be copied while callers wait ([`Mode::Eager`](crate::state::Mode::Eager)) are
    /// copied before, as with [`Mode::Online`](crate::state::Mode::Online), and what is written meanwhile is brought over now and
    /// then. A transform function runs when the word has come.
    ///
    /// # Errors
    /// As [`upgrade`](Self::upgrade); [`MoveError::TooLate`] when the time is over before the node is prepared.
    pub async fn prepare(&self, to: &Version, within: Duration) -> Result<Prepared, MoveError> {
        self.preparing(to, within)?.ready().await
    }

    /// Begins to prepare.
    fn preparing(&self, to: &Version, within: Duration) -> Result<Preparing, MoveError> {
        self.life()?.prepare(to, within)
    }

    /// The word for a preparation: the node switches, as in [`upgrade`](Self::upgrade). Streams have had their time
    /// ([`Builder::stream_limit`]) from when the node was prepared; younger ones have the grace only.
    ///
    /// # Errors
    /// As [`upgrade`](Self::upgrade); [`MoveError::TooLate`] when the preparation is over, or there is none of this name.
    /// Whatever it is, the preparation is over then.
    pub async fn switch(&self, name: &str) -> Result<Moved, MoveError> {
        self.life()?.switch(name).await
    }

    /// Takes a preparation back, and waits until the node is as before. One that is over, or that nobody knows of, is nothing to
    /// take back.
    ///
    /// # Errors
    /// When it cannot be written down that the preparation is over; it is all the same, and the next move, or the next start,
    /// writes it down.
    pub async fn abort(&self, name: &str) -> Result<(), MoveError> {
        match &self.0 {
            Kind::Resting(_) => Ok(()),
            Kind::Living(life) => life.abort(name).await,
        }
    }

    /// Whether code may act as `version` of `protocol` does: whether no node that still matters may go back behind it. Once
    /// true, it is true for ever.
    ///
    /// A node that [attends a coordinator](Builder::coordinated) is told by it, and keeps that in its state folder; without one it is
    /// told anew whenever its program starts. Until it was told only the oldest version counts. Of other nodes there is only this one: true up to the version that it runs, once that is
    /// finalized, and up to the one before until then.
    #[must_use]
    pub fn active(&self, protocol: &str, version: &str) -> bool {
        let active = match &self.0 {
            Kind::Resting(resting) => resting.status().active,
            Kind::Living(life) => life.active(),
        };
        *self.protocol().name() == *protocol && version.parse::<Version>().is_ok_and(|version| version <= active)
    }

    /// Serves `protocol` from the next call on: the one that it serves now, and versions that it has learned.
    async fn extend(&self, protocol: Protocol) -> Result<(), String> {
        match &self.0 {
            Kind::Resting(resting) => resting.extend(protocol),
            Kind::Living(life) => life.extend(protocol).await,
        }
    }

    fn learning(&self) -> &Learning {
        match &self.0 {
            Kind::Resting(resting) => &resting.learning,
            Kind::Living(life) => life.learning(),
        }
    }

    fn agency(&self) -> &Agency {
        match &self.0 {
            Kind::Resting(resting) => &resting.agency,
            Kind::Living(life) => life.agency(),
        }
    }

    fn dispatch(&self) -> &Dispatch {
        match &self.0 {
            Kind::Resting(resting) => &resting.dispatch,
            Kind::Living(life) => life.dispatch(),
        }
    }

    fn fronts(&self) -> &Fronts {
        match &self.0 {
            Kind::Resting(resting) => &resting.fronts,
            Kind::Living(life) => life.fronts(),
        }
    }

    fn life(&self) -> Result<&Arc<Life>, MoveError> {
        match &self.0 {
            Kind::Living(life) => Ok(life),
            Kind::Resting(_) => Err(MoveError::NoState),
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Node")
            .field("protocol", &self.protocol().name())
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}
