//! Callers that are newer than their node: where it does not know their version and cannot learn it, they make their calls
//! in an older one.
#![cfg(feature = "cli")]

#[path = "client_simulation/choosing.rs"]
mod choosing;
#[path = "support/folder.rs"]
mod folder;
#[path = "client_simulation/nodes.rs"]
mod nodes;
#[path = "support/older.rs"]
mod older;
#[path = "client_simulation/once.rs"]
mod once;
#[path = "client_simulation/refused.rs"]
mod refused;
#[path = "resume/relay.rs"]
mod relay;
#[path = "client_simulation/same.rs"]
mod same;
#[path = "resume/serving.rs"]
mod serving;
#[path = "client_simulation/streams.rs"]
mod streams;
