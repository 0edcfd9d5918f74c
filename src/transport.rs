//! Sockets: the server that calls arrive at, and the [`Channel`] that they leave by.
//!
//! Nothing else in this crate opens a socket. Both sides speak gRPC over HTTP/2 (RFC 9113) and meet the rest as tower
//! services over [`Body`](crate::wire::Body): a [`Server`] serves any such service, a [`Channel`] is one.
//!
//! ```no_run
//! use straddle::transport::{Beside, HealthHandle, Server};
//! # async fn example<S>(object: S) -> std::io::Result<()>
//! # where
//! #     S: tower_service::Service<
//! #             http::Request<straddle::wire::Body>,
//! #             Response = http::Response<straddle::wire::Body>,
//! #             Error = std::convert::Infallible,
//! #         > + Clone + Send + 'static,
//! #     S::Future: Send,
//! # {
//! let health = HealthHandle::new();
//! let service = Beside::new(object).health(&health);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:7000").await?;
//! let shutdown = async { std::future::pending().await };
//! let serving = Server::builder().health(&health).serve(listener, service, shutdown)?;
//! health.set_serving();
//! let served = serving.await;
//! println!("{} connections, {} of them cut", served.connections, served.cut);
//! # Ok(())
//! # }
//! ```

mod beside;
mod call;
mod channel;
mod connection;
mod connections;
mod frames;
mod health;
mod http1;
mod inherited;
mod intake;
pub(crate) mod labelled;
mod late;
mod limits;
mod notify;
#[cfg(all(feature = "cli", target_os = "linux"))]
mod page;
mod preface;
mod reflection;
mod server;
mod tcp;
mod through;
mod unbound;

pub use beside::Beside;
pub use call::PeerAddress;
pub use channel::{Backoff, Balance, Channel, ChannelBuilder, Idempotent, InvalidChannel};
#[cfg(feature = "cli")]
pub(crate) use channel::{Simulates, Steps};
pub use connections::Connections;
pub use health::HealthHandle;
pub use inherited::{Inherited, listener};
pub use intake::IntakeHandle;
pub use labelled::{Label, Labelled, Resumable};
pub use limits::Limits;
pub(crate) use notify::Notifier;
#[cfg(all(feature = "cli", target_os = "linux"))]
pub(crate) use page::read_page;
pub use reflection::{InvalidReflection, Reflection};
pub use server::{Served, Server, Serving};
#[cfg(feature = "cli")]
pub(crate) use unbound::{advice, cannot_listen};
