//! From 2.0.0 to 3.0.0: a reservation becomes a hold, which expires unless it is confirmed.
//!
//! Items, and all that is done with them, are the same in both versions, so no call of theirs comes here. What is
//! simulated is what reservations mean: [`Past`] makes the final reservations of 2.0.0 out of holds;
//! [`Future`] makes holds out of final reservations, and has to remember them. When a node goes from one version to the
//! other, the holds go along.

mod future;
mod past;
mod transform;

pub use future::Future;
pub use past::Past;
pub(crate) use transform::{to_2_0_0, to_3_0_0};
