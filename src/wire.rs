//! What travels: bodies of calls, and what generated code makes of them.
//!
//! Both sides of every hop, from the socket to the current object, speak in [`Body`]; so whatever answers a call can
//! stand in front of, or behind, anything else that does.

mod body;
mod codec;
mod framing;
mod grpc;
mod messages;
mod pool;

pub use body::Body;
pub use codec::Codec;
pub use grpc::Grpc;

#[cfg(fuzzing)]
pub(crate) use framing::{Framing, TooLarge};
pub(crate) use messages::{Messages, WireMessage};
