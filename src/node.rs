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
mod build;
mod learn;
mod life;
mod opening;
mod transforming;
mod upgrade;

use std::future::Future;
use std::io;

use tokio::net::TcpListener;

use crate::dispatch::{Dispatch, Table};
use crate::protocol::Protocol;
use crate::transport::{Beside, HealthHandle, InvalidReflection, Reflection, Server, Serving};
use crate::version::Version;

pub use self::build::{BuildError, Builder, Current, Simulation};
pub use self::learn::{LearnError, Learned, NeedsProgram};
pub use self::life::{MoveError, Moved, NodeStatus, Rollback};
pub use self::opening::{Background, Opening, Stopping};
pub use self::transforming::{States, Transforming};
pub use self::upgrade::Upgrade;

/// A node: its current object, the simulation objects around it, and the routes to them.
///
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Node {
    protocol: Protocol,
    version: Version,
    dispatch: Dispatch,
}

impl Node {
    /// Starts to build a node that serves `protocol`.
    pub fn builder(protocol: Protocol) -> Builder {
        Builder::new(protocol)
    }

    /// What answers this node's calls: a tower service, for [`transport::Server`](crate::transport::Server) or any
    /// other.
    #[must_use]
    pub fn service(&self) -> Dispatch {
        self.dispatch.clone()
    }

    /// What answers this node's calls, and beside them gRPC health and server reflection (of the labelled version).
    ///
    /// # Errors
    /// When a version's descriptors cannot be reflected.
    pub fn service_with(&self, health: &HealthHandle) -> Result<Beside<Dispatch>, InvalidReflection> {
        let labels: Vec<String> = self.protocol.versions().iter().map(|schema| schema.version().to_string()).collect();
        let sets = self.protocol.versions().iter().map(|schema| schema.descriptor_set().as_ref());
        let default = self.protocol.unlabelled().unwrap_or(&self.version).to_string();
        let reflection = Reflection::new(labels.iter().map(String::as_str).zip(sets), &default)?;
        Ok(Beside::new(self.service()).health(health).reflection(reflection))
    }

    /// Serves this node's calls to whoever connects to `listener`, with health and reflection, until `shutdown`
    /// completes and running calls have finished. For other limits, or a health of your own, give
    /// [`service_with`](Self::service_with) to a [`Server`].
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
        for service in self.protocol.versions().iter().flat_map(|schema| schema.pool().services()) {
            health.set_service(service.full_name(), true);
        }
        health.set_serving();
        Server::builder().health(&health).serve(listener, service, shutdown)
    }

    /// The protocol that the node serves.
    #[must_use]
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// The version that the node runs.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The routes, as they are now.
    #[must_use]
    pub fn table(&self) -> Option<std::sync::Arc<Table>> {
        self.dispatch.table()
    }

    /// How the node is doing; changes are to be seen through it.
    #[must_use]
    pub fn watch(&self) -> tokio::sync::watch::Receiver<NodeStatus> {
        todo!()
    }

    /// Upgrades the node to `to`, the next version that this program can run, while callers go on: see ARCHITECTURE.md,
    /// *The life of a node*. The move goes on to its end even if nobody waits for it.
    ///
    /// # Errors
    /// Says what kept it from happening, and what the node does now.
    pub async fn upgrade(&self, to: &Version) -> Result<Moved, MoveError> {
        todo!("{to}")
    }

    /// Takes the node back to the version before, as long as the upgrade is not finalized.
    ///
    /// # Errors
    /// As [`upgrade`](Self::upgrade).
    pub async fn rollback(&self, how: Rollback) -> Result<Moved, MoveError> {
        todo!("{how:?}")
    }

    /// Ends the upgrade for good: there is no way back any more, and the older state is freed. Waits for records that are
    /// yet to be brought over.
    ///
    /// # Errors
    /// As [`upgrade`](Self::upgrade).
    pub async fn finalize(&self) -> Result<(), MoveError> {
        todo!()
    }

    /// Whether code may act as `version` of `protocol` does: whether no node that still matters may go back behind it. Once
    /// true, it is true for ever.
    #[must_use]
    pub fn active(&self, protocol: &str, version: &str) -> bool {
        todo!("{protocol} {version}")
    }
}
