//! The step from 1.1.0 to 2.0.0 as a person would write it, message by message: what the rules are held against, and
//! what they are measured against.

pub(crate) mod convert;
pub(crate) mod future;
pub(crate) mod past;
mod streams;
