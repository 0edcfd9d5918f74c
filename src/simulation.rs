//! What authors of simulation objects use.
//!
//! A simulation object implements the trait that tonic generates of its own version's proto, and holds the generated
//! client of the adjacent version over an [`Adjacent`] channel. Its author knows two versions and nothing else; the
//! steps beyond are crossed by the routes beneath.
//!
//! Its methods need writing only where the step says `code`; the others never reach it. Whatever it cannot do it
//! refuses with a [`Refusal`](crate::refusal::Refusal). It may keep state of its own. A panic in it, or a deadline that
//! passes, fails that one call and nothing else.

mod adjacent;
mod observe;

pub use self::adjacent::{Adjacent, AdjacentCall};
pub use self::observe::{Observe, ObservedCall};

pub(crate) use self::observe::observed;
