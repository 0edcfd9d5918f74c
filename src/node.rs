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

mod build;

use crate::dispatch::{Dispatch, Table};
use crate::protocol::Protocol;
use crate::version::Version;

pub use self::build::{BuildError, Builder};

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
    #[must_use]
    pub fn builder(protocol: Protocol) -> Builder {
        Builder::new(protocol)
    }

    /// What answers this node's calls: a tower service, for [`transport::Server`](crate::transport::Server) or any
    /// other.
    #[must_use]
    pub fn service(&self) -> Dispatch {
        self.dispatch.clone()
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
}
