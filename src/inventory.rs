//! The inventory of a warehouse: the protocol that Straddle's documentation, tests and demonstrations use.
//!
//! It exists in four versions (`schemas/inventory`), so that each kind of step is there once:
//!
//! | step | what changes | how it is bridged |
//! |---|---|---|
//! | 1.0.0 to 1.1.0 | fields and a method are added | not at all: every method of 1.0.0 is *same* |
//! | 1.1.0 to 2.0.0 | package, names, numbers and types of fields | [`steps::v2_0_0`]: code that converts messages, without state |
//! | 2.0.0 to 3.0.0 | what `Reserve` means | [`steps::v3_0_0`]: code with state of its own, for just the methods concerned |
//!
//! [`objects`] holds the object of each version that the program can run, [`steps`] the simulation objects between
//! them; both are ordinary tonic code over [`generated`] traits and clients. Beneath each object lies a redb file.
//!
//! ```
//! use std::sync::Arc;
//! use straddle::inventory::clock::SystemClock;
//! use straddle::inventory::generated::{v1_1_0, v2_0_0};
//! use straddle::inventory::{objects, steps};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The current object of a node that runs 2.0.0 ...
//! # let directory = tempfile::tempdir()?;
//! let object = objects::v2_0_0::Object::open(directory.path(), Arc::new(SystemClock))?;
//! let current = v2_0_0::inventory_server::InventoryServer::new(object);
//!
//! // ... and the simulation object that serves callers of 1.1.0 there.
//! let past = steps::v2_0_0::Past::new(v2_0_0::inventory_client::InventoryClient::new(current));
//! let past = v1_1_0::inventory_server::InventoryServer::new(past);
//!
//! let mut caller = v1_1_0::inventory_client::InventoryClient::new(past);
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
mod store;
mod stream;
mod validate;

pub use self::node::{OpenNodeError, open_node};
pub use self::store::OpenError;
