//! Nodes and their agents, against a coordinator that does as it is told.
#![cfg(feature = "cli")]

#[path = "agent/admission.rs"]
mod admission;
#[path = "agent/census.rs"]
mod census;
#[path = "agent/coordinator.rs"]
mod coordinator;
#[path = "agent/counting.rs"]
mod counting;
#[path = "support/folder.rs"]
mod folder;
#[path = "agent/knowing.rs"]
mod knowing;
#[path = "agent/moves.rs"]
mod moves;
#[path = "agent/nodes.rs"]
mod nodes;
#[path = "support/program.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod program;
#[path = "agent/programs.rs"]
mod programs;
#[path = "agent/retiring.rs"]
mod retiring;
#[path = "learn/shop.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod shop;

use straddle::Version;

fn version(text: &str) -> Version {
    text.parse().expect("a version")
}

/// `text = "anvil"`, `cents = 500`, as 1.0.0 and 2.0.0 write it.
const OLD: &[u8] = b"\x0a\x05anvil\x10\xf4\x03";
/// `words = "anvil"`, `units = 500`, as 3.0.0 writes it.
const NEW: &[u8] = b"\x0a\x05anvil\x18\xf4\x03";
