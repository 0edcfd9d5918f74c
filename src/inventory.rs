//! tmp
#[allow(missing_docs)]
#[rustfmt::skip]
#[path = "inventory/generated/inventory.rs"]
pub mod generated;
