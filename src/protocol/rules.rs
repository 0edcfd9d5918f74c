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

pub(crate) use self::refusing::refusals;
pub(super) use self::refusing::{OpenPoints, say_more};
