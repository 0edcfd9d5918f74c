//! What one server lets its peers take.

use std::time::Duration;

/// What a [`Server`](super::Server) lets its peers take, of memory and of time.
///
/// The defaults suit a node inside a cluster. Every limit is enforced for each connection by itself, but for
/// [`max_connections`](Self::max_connections) and [`shutdown`](Self::shutdown).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest header list of a request, in bytes as RFC 9113 §6.5.2 counts them (name, value and 32 for each field).
    /// A larger one is answered with 431. Over HTTP/1.1 it bounds the whole head of a request, and 8 KiB are allowed at
    /// least. Default: 16 KiB.
    pub max_header_list_size: u32,
    /// Largest message of a request, in bytes as it was sent, without its prefix; a larger one is answered with
    /// `RESOURCE_EXHAUSTED`. Objects built with tonic have a limit of their own. Default: 4 MiB, as with gRPC elsewhere.
    pub max_message_size: u32,
    /// Most calls that run at once on one connection; a peer that opens more gets `REFUSED_STREAM` (RFC 9113 §5.1.2).
    /// Default: 1,000.
    pub max_concurrent_streams: u32,
    /// Window of a connection (RFC 9113 §6.9), in bytes: most that a peer may have sent to calls of one connection that
    /// did not read it yet; a single call has 1 MiB of its own.
    ///
    /// Half of it also is h2's budget against floods of small frames (RUSTSEC-2026-0258): when that is used up, the
    /// connection and all of its calls die. Clients that send a frame for each message, as grpc-js and grpcio do, use up
    /// 256 bytes less the message for each that waits. Default: 16 MiB, which is some 38,000 messages of 32 bytes.
    pub connection_window: u32,
    /// Most connections at once; further ones wait in the listener's backlog. Default: 10,000.
    pub max_connections: usize,
    /// A connection that has no call for this long is closed gracefully; it may live a quarter longer. `None` keeps
    /// idle connections. Default: 15 minutes.
    pub idle_timeout: Option<Duration>,
    /// A new connection has to show its protocol within this time, and a connection that is being closed has to
    /// acknowledge that within it. Default: 10 s.
    pub handshake_timeout: Duration,
    /// A request over HTTP/1.1 has to show all of its head within this time; so it also bounds how long such a
    /// connection may be idle. Default: 10 s.
    pub header_read_timeout: Duration,
    /// A peer from which nothing was heard for this long is sent an HTTP/2 PING (RFC 9113 §6.7). Costs about 2 % of a
    /// small call's time. Default: `None`, because [`tcp_keep_alive`](Self::tcp_keep_alive) finds dead hosts as well.
    pub keep_alive_interval: Option<Duration>,
    /// A peer that does not acknowledge such a PING within this time is taken for dead. Default: 20 s.
    pub keep_alive_timeout: Duration,
    /// A connection on which nothing was heard for this long is probed by the kernel (RFC 9293 §3.8.4); a host that is
    /// gone is found about three quarters of this time later. Default: 60 s.
    pub tcp_keep_alive: Option<Duration>,
    /// Calls that still run this long after a shutdown began are cut. Connections whose peers keep them open without
    /// calls are waited for only as long as [`handshake_timeout`](Self::handshake_timeout) says. Default: 30 s.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_header_list_size: 16 * 1024,
            max_message_size: 4 * 1024 * 1024,
            max_concurrent_streams: 1_000,
            connection_window: 16 * 1024 * 1024,
            max_connections: 10_000,
            idle_timeout: Some(Duration::from_secs(15 * 60)),
            handshake_timeout: Duration::from_secs(10),
            header_read_timeout: Duration::from_secs(10),
            keep_alive_interval: None,
            keep_alive_timeout: Duration::from_secs(20),
            tcp_keep_alive: Some(Duration::from_secs(60)),
            shutdown: Duration::from_secs(30),
        }
    }
}
