//! Who calls: a count of callers that stays small whatever callers send.
//!
//! Nothing here has a socket or a clock: a call is counted with the time that it is given. What a node counts by is its own business,
//! too; to this module a method of a version is a number.
//!
//! - [`Frequent`] counts what comes by, in a bounded number of places, and knows how wrong it may be. Nodes and the coordinator have
//!   the same one; two of them can be added up.
//! - [`Caller`] is who calls, by what a request says.
//! - [`Callers`] counts the callers of a node, for as many threads as there are, until they are told.

mod caller;
mod callers;
mod frequent;

use std::time::Duration;

pub use self::caller::{Caller, CallerKind, LONGEST_CALLER};
pub use self::callers::{CalledBy, Callers, Told};
pub use self::frequent::{Entry, Frequent};

/// The most methods that a batch of the census tells of, as `agent.proto` says.
pub const METHODS_AT_A_TIME: usize = 120;
/// The most callers that a batch tells of.
pub const CALLERS_AT_A_TIME: usize = 48;

/// A node tells its calls at least each so often.
pub(crate) const TOLD_EACH: Duration = Duration::from_secs(30);
/// One that has told nothing for so long is late.
#[cfg(feature = "coordinator")]
pub(crate) const LATE: Duration = TOLD_EACH.saturating_mul(3);
