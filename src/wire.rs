//! What travels: bodies of calls and the codec of generated code.
//!
//! Both sides of every hop, from the socket to the current object, speak in [`Body`]; so whatever answers a call can
//! stand in front of, or behind, anything else that does.

mod body;
mod codec;
mod framing;
mod messages;

pub use body::Body;
pub use codec::Codec;

#[cfg(fuzzing)]
pub(crate) use framing::{Framing, TooLarge};
pub(crate) use messages::{Messages, WireMessage};
