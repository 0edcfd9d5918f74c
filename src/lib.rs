#![doc = include_str!("../README.md")]
//!
//! # Map of the modules
//!
//! From the left, as layers: a module uses those before it, never those after it.
//!
//! | module | what is in it |
//! |---|---|
//! | [`Version`] | versions, and the labels that name them |
//! | [`refusal`] | calls that cannot be served, as typed errors |
//! | [`retiring`] | what is retired, and announced |
//! | [`expression`] | CEL over messages |
//! | [`protocol`] | protocols on disk and in generated code: versions, schemas, steps, rules, plans |
//! | [`wire`] | bodies of calls, their messages, and the codec of generated code |
//! | [`rewrite`] | plans compiled and run on protobuf bytes; envelopes |
//! | `check` | what a change of protos means, difference by difference |
//! | `draft` | a first `step.toml`, inferred from two versions |
//! | `verify` | rules tried on generated messages, against a plain interpreter |
//! | [`bundle`] | steps and protocols as one signed file |
//! | `tree` | folders on disk and in git |
//! | `codegen` | Rust code of a protocol, for build scripts |
//! | `otlp` | spans of calls, exported |
//! | [`dispatch`] | labels to routes to objects |
//! | [`simulation`] | what authors of simulation objects use |
//! | [`transport`] | the server, the channel, health and reflection |
//! | [`state`] | a node's folder: epochs, who owns it, the journal of phases |
//! | [`control`] | what nodes, operators and the coordinator say to each other |
//! | [`node`] | all of these put together |
//! | [`coordinator`] | which versions and nodes there are, and who may move when |
//! | `supervise` | releases on disk, and the supervisor that runs their programs |
//! | `inventory` | the example protocol, in four versions |
//! | `cli` | the `straddle` program |

// So that generated code of our own schemas can name this crate as that of users does.
extern crate self as straddle;

#[cfg(feature = "runtime")]
pub mod bundle;
#[cfg(feature = "runtime")]
pub mod census;
pub mod expression;
mod nearest;
mod version;

#[cfg(feature = "cli")]
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "codegen")]
pub mod codegen;
#[cfg(feature = "runtime")]
pub mod control;
#[cfg(feature = "coordinator")]
pub mod coordinator;
#[cfg(feature = "runtime")]
pub mod dispatch;
#[cfg(feature = "cli")]
pub mod draft;
#[cfg(all(fuzzing, feature = "runtime"))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "cli")]
pub mod inventory;
#[cfg(feature = "runtime")]
mod metrics;
#[cfg(feature = "runtime")]
pub mod node;
#[cfg(feature = "otlp")]
pub mod otlp;
pub mod protocol;
#[cfg(feature = "runtime")]
pub mod refusal;
#[cfg(feature = "runtime")]
pub mod retiring;
#[cfg(feature = "runtime")]
pub mod rewrite;
#[cfg(feature = "runtime")]
pub mod simulation;
#[cfg(feature = "runtime")]
pub mod state;
#[cfg(feature = "cli")]
pub mod supervise;
#[cfg(feature = "runtime")]
pub mod transport;
#[cfg(any(feature = "cli", feature = "fuzz"))]
pub mod tree;
#[cfg(feature = "verify")]
pub mod verify;
#[cfg(feature = "runtime")]
pub mod wire;

pub use protocol::Protocol;
pub use version::{Version, VersionError};

/// Brings in the code that `straddle::codegen::compile` made of a protocol in the build script, by the protocol's name.
#[macro_export]
macro_rules! include_protocol {
    ($name:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $name, ".rs"));
    };
}
