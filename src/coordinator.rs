//! The coordinator: it knows which versions there are and which nodes, and says which node may move when.
//!
//! It is never on the path of a call. See *The coordinator* in ARCHITECTURE.md.

mod build;
pub mod core;
pub mod database;
mod driver;
mod handle;
mod open_files;
pub mod record;
pub mod schedule;
mod service;
pub mod view;

pub use self::build::{Builder, Coordinator, StartError};

/// A duration on the clocks of this module, in microseconds.
fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
