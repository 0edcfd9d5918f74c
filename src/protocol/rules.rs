#![doc = include_str!("rules.md")]

mod convert;
pub(super) mod faults;
pub(super) mod file;
mod identity;
pub(super) mod names;
mod refusing;
pub(super) mod resolve;
mod rule;
mod undecided;

#[cfg(feature = "cli")]
pub(crate) use self::refusing::of_plan as refusals_of_plan;
pub(super) use self::refusing::{OpenPoints, say_more};
pub(crate) use self::refusing::{Refusable, refusals};
