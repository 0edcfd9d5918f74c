//! What travels: bodies of calls, and what generated code makes of them.
//!
//! Both sides of every hop, from the socket to the current object, speak in [`Body`]; so whatever answers a call can
//! stand in front of, or behind, anything else that does.

mod body;
mod codec;
mod compression;
mod framing;
mod grpc;
mod mapped;
mod messages;
mod not_begun;
mod outgoing;
mod peer;
mod pool;
mod said;
mod trace;
mod unread;

pub use body::Body;
pub use codec::Codec;
pub use compression::encodings;
pub use grpc::Grpc;
pub use not_begun::NotBegun;

pub(crate) use compression::{ACCEPT_ENCODING, ENCODING, Encoding};
pub(crate) use framing::Framing;
#[cfg(fuzzing)]
pub(crate) use framing::TooLarge;
pub(crate) use mapped::{End, Map, Mapped, compressed, plain};
pub(crate) use messages::{Messages, PREFIX, WireMessage, sole};
pub(crate) use outgoing::{Outgoing, framed};
pub(crate) use peer::Peer;
pub(crate) use said::SaidAll;
pub(crate) use trace::{CALLS, TRACEPARENT, TRACESTATE, TraceParent};
pub(crate) use unread::Unread;
