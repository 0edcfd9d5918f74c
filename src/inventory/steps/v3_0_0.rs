//! From 2.0.0 to 3.0.0: a reservation becomes a hold, which expires unless it is confirmed.
//!
//! Items, and all that is done with them, are the same in both versions, so no call of theirs comes here. What is
//! simulated is what reservations mean: [`Past`] makes the final reservations of 2.0.0 out of holds, without state;
//! [`Future`] makes holds out of final reservations, and has to remember them.

mod future;
mod past;

pub use future::Future;
pub use past::Past;
