//! The inventory of a warehouse: the protocol that Straddle's documentation, tests and demonstrations use.
//!
//! It exists in four versions (`schemas/inventory`), so that each kind of step is there once:
//!
//! | step | what changes | how it is bridged |
//! |---|---|---|
//! | 1.0.0 to 1.1.0 | fields and a method are added | not at all: every method of 1.0.0 is *same* |
//! | 1.1.0 to 2.0.0 | package, names, numbers and types of fields | rules (`schemas/inventory/2.0.0/step.toml`): requests and responses are rewritten, no code runs |
//! | 2.0.0 to 3.0.0 | what `Reserve` means | [`steps::v3_0_0`]: code with state of its own, for just the methods concerned |
//!
//! [`objects`] holds the object of each version that the program can run, [`steps`] the simulation objects between
//! them; both are ordinary tonic code over [`generated`] traits and clients. Beneath each object lie
//! [records](crate::state::Records), so that a node can go from version to version with them: see [`inventory_node`].
//!
//! ```
//! use std::sync::Arc;
//! use straddle::inventory::clock::{Clock, SystemClock};
//! use straddle::inventory::generated::v1_1_0;
//! use straddle::inventory::open_node;
//! use straddle::transport::Channel;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A node that runs 2.0.0 ...
//! # let directory = tempfile::tempdir()?;
//! let clock: Arc<dyn Clock> = Arc::new(SystemClock);
//! let node = open_node("2.0.0", directory.path(), &clock)?;
//!
//! // ... answers callers of 1.1.0.
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let address = listener.local_addr()?.to_string();
//! tokio::spawn(node.serve(listener, std::future::pending())?);
//! let mut caller = v1_1_0::inventory_client(Channel::owner(&address).build()?);
//! let item = v1_1_0::Item { sku: "anvil".into(), name: "Anvil".into(), price: 49.5, ..Default::default() };
//! caller.put_item(v1_1_0::PutItemRequest { item: Some(item), request_id: "first".into() }).await?;
//! let item = caller.get_item(v1_1_0::GetItemRequest { sku: "anvil".into() }).await?.into_inner();
//! assert_eq!(item.price, 49.5);
//! # Ok(())
//! # }
//! ```

pub mod clock;
/// Messages, clients and servers of each version, generated from `schemas/inventory`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    rustdoc::all,
    reason = "written by tonic's and prost's generators, which do not know our lints"
)]
#[rustfmt::skip]
#[path = "inventory/generated/inventory.rs"]
pub mod generated;
pub mod objects;
pub mod steps;

mod expiry;
mod items;
mod node;
mod release;
mod store;
mod stream;
mod validate;

#[cfg(feature = "cli")]
pub(crate) use self::node::inventory_node_as_of;
pub use self::node::{OpenNodeError, inventory_node, inventory_node_from, open_node, open_node_trusting};
pub(crate) use self::node::{builder_for_good, inventory_node_slow};
pub(crate) use self::release::{Spoil, release};
pub use self::store::OpenError;
