//! What nodes, operators and the coordinator say to each other: the control protocol, `straddle`, of `schemas/straddle`.
//!
//! It is a protocol like those of users, so agents and coordinators of different ages understand each other. Its records are
//! what the upgrade database holds, in [envelopes](crate::rewrite::Envelope).

/// Messages, clients and servers of each version, generated from `schemas/straddle`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    rustdoc::all,
    reason = "written by tonic's and prost's generators, which do not know our lints"
)]
#[rustfmt::skip]
#[path = "control/generated/straddle.rs"]
pub mod generated;
mod retiring;

pub use generated::{protocol, v1_0_0};
