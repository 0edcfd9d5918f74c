//! Rules tried on generated messages.
//!
//! Each message that a method uses, and each that may be stored, goes from each version to each other one, made at random
//! and at the edges of its types, and has to pass these checks:
//!
//! - what comes out is a message of the target version;
//! - the plain interpreter ([`mod@reference`]), which reads the same rules over decoded messages and shares no code with the
//!   engine, makes the same of it, or refuses it as well;
//! - several steps at once make the same of it as one after the other;
//! - across one step and back it is what it was, but for what the rules declare ([`round_trip`]).
//!
//! A message that fails is cut down to a small one that fails in the same way ([`Counterexample`]). What code answers is
//! not tried: no rule says what comes of it.
//!
//! ```text
//!   subject (what there is to try) -> generate -> attempt (the checks, shrinking) -> report
//! ```

mod attempt;
mod counterexample;
#[doc(hidden)]
pub mod engine;
#[doc(hidden)]
pub mod fault;
#[doc(hidden)]
pub mod generate;
#[doc(hidden)]
pub mod judge;
#[doc(hidden)]
pub mod reference;
mod report;
#[doc(hidden)]
pub mod round_trip;
mod run;
#[doc(hidden)]
pub mod same;
mod subject;
#[cfg(test)]
mod tests;
mod words;

pub use self::counterexample::{Counterexample, direction_name, use_name};
pub use self::fault::{Fault, Kind};
pub use self::report::{OpenPoint, Report, Tried, median};
pub use self::round_trip::{Reason, Why};
pub use self::run::{Verify, Watch};
pub use self::subject::{Because, NotTried, Subject, subjects, tally};
pub use self::words::words;
