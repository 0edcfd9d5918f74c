//! Sockets: the server that calls arrive at, and the [`Channel`] that they leave by.
//!
//! Nothing else in this crate opens a socket. Both sides speak gRPC over HTTP/2 (RFC 9113) and meet the rest as tower
//! services over [`Body`](crate::wire::Body): a [`Server`] serves any such service, a [`Channel`] is one.

mod call;
mod channel;
mod connection;
mod health;
mod http1;
mod labelled;
mod limits;
mod preface;
mod server;
mod tcp;

pub use call::PeerAddress;
pub use channel::{Backoff, Channel, ChannelBuilder, Idempotent, InvalidChannel};
pub use health::HealthHandle;
pub use labelled::{Label, Labelled};
pub use limits::Limits;
pub use server::{Served, Server, Serving};
