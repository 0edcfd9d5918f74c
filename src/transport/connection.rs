//! One connection of a server.
//!
//! ```text
//!            recognized           idle, shutdown, go_away      closed by both
//!  Opened ----------------> Open -------------------> Closing -----------------> gone
//!    | handshake_timeout,    | peer closed                | no call runs and the peer
//!    v shutdown              v                            v kept silent for handshake_timeout
//!   gone                    gone                         gone
//! ```

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tower_service::Service;

use super::call::Calls;
use super::connections::Listening;
use super::health::HealthHandle;
use super::http1::Hints;
use super::late::Late;
use super::limits::Limits;
use super::preface::{Protocol, Unread, recognize};
use super::tcp;
use crate::metrics::Page;
use crate::wire::Body;

/// An idle connection is noticed at the latest this part of the idle timeout after it was due.
const IDLE_STEPS: u32 = 4;
/// hyper reads the head of a request into a buffer that may not be smaller.
const SMALLEST_HTTP1_BUFFER: usize = 8 * 1024;

/// How long a peer that has just connected has to show its protocol once the server closes: so it hears that it is to go away,
/// and does not take the server for broken.
const GREETING: Duration = Duration::from_secs(1);

/// How long a peer has to close its side after ours was closed.
const LINGER: Duration = Duration::from_secs(1);

/// What all connections of a server have in common.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) limits: Limits,
    pub(super) health: Option<HealthHandle>,
    pub(super) metrics: Option<Page>,
    pub(super) peer_addresses: bool,
}

/// Serves one connection until it is gone, or closed because it was told so.
pub(super) async fn serve<S>(
    stream: TcpStream,
    peer: SocketAddr,
    service: S,
    settings: Arc<Settings>,
    mut listening: Listening,
) where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let limits = &settings.limits;
    if let Err(error) = tcp::prepare(&stream, limits.tcp_keep_alive) {
        tracing::debug!(%peer, %error, "the connection's socket cannot be set up");
        return;
    }
    let closes = async {
        listening.shut_down().await;
        sleep(GREETING).await;
    };
    let recognized = tokio::select! {
        recognized = timeout(limits.handshake_timeout, recognize(stream)) => recognized,
        // Nothing was promised to this peer yet.
        () = closes => return,
    };
    let result = match recognized {
        Err(_) => return tracing::debug!(%peer, "the connection did not show its protocol in time"),
        Ok(Err(error)) => return tracing::debug!(%peer, %error, "the connection ended before it showed its protocol"),
        Ok(Ok((Protocol::Http2, io))) => serve_http2(io, peer, service, &settings, listening).await,
        Ok(Ok((Protocol::Http1, io))) => serve_http1(io, &settings, listening).await,
    };
    if let Err(error) = result {
        tracing::debug!(%peer, %error, "the connection failed");
    }
}

async fn serve_http2<S>(
    io: Unread<TcpStream>,
    peer: SocketAddr,
    service: S,
    settings: &Settings,
    listening: Listening,
) -> hyper::Result<()>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let limits = &settings.limits;
    let mut io = Late::new(io);
    let streams = Arc::new(Streams::default());
    let mut builder = http2::Builder::new(Spawn(streams.clone()));
    builder
        .timer(TokioTimer::new())
        // gRPC has no use for it, and it would cost both sides a header in each call.
        .auto_date_header(false)
        .max_header_list_size(limits.max_header_list_size)
        .max_concurrent_streams(limits.max_concurrent_streams)
        .initial_connection_window_size(limits.connection_window)
        .keep_alive_interval(limits.keep_alive_interval)
        .keep_alive_timeout(limits.keep_alive_timeout);
    let calls = Calls::new(service, peer, settings);
    let connection = builder.serve_connection(TokioIo::new(&mut io), calls);
    drop(builder);
    // From here on, each further holder is a stream.
    let without_streams = Arc::strong_count(&streams);
    let activity = || (Arc::strong_count(&streams) > without_streams, streams.opened.load(Ordering::Relaxed));
    let close = http2::Connection::graceful_shutdown;
    let result = drive(pin!(connection), close, activity, limits.idle_timeout, limits, listening).await;
    linger(io).await;
    result
}

/// Reads on until the peer has closed as well. A socket that is closed while its peer still sends resets the connection,
/// and the reset may overtake the GOAWAY, or the response, that the peer has not read yet (RFC 9112 §9.6).
async fn linger(mut io: Late<Unread<TcpStream>>) {
    let drained = async {
        io.shutdown().await?;
        // Not in the future itself, which each connection keeps from its beginning.
        let mut unwanted = vec![0; 4096];
        while io.read(&mut unwanted).await? > 0 {}
        io::Result::Ok(())
    };
    // Whether the peer closed, failed or kept silent makes no difference any more.
    let _ = timeout(LINGER, drained).await;
}

async fn serve_http1(io: Unread<TcpStream>, settings: &Settings, listening: Listening) -> hyper::Result<()> {
    let limits = &settings.limits;
    let buffer = usize::try_from(limits.max_header_list_size).unwrap_or(usize::MAX).max(SMALLEST_HTTP1_BUFFER);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read_timeout)
        .max_buf_size(buffer)
        .serve_connection(TokioIo::new(io), Hints::new(settings.health.clone(), settings.metrics.clone()));
    // The time to read a head bounds how long such a connection may be idle.
    drive(pin!(connection), http1::Connection::graceful_shutdown, || (false, 0), None, limits, listening).await
}

/// Polls a connection through its states; `activity` tells whether calls run, and how many were ever opened.
async fn drive<C: Future<Output = hyper::Result<()>>>(
    mut connection: Pin<&mut C>,
    close: impl Fn(Pin<&mut C>),
    activity: impl Fn() -> (bool, u64),
    idle_timeout: Option<Duration>,
    limits: &Limits,
    mut listening: Listening,
) -> hyper::Result<()> {
    let step = idle_timeout.map(|idle| idle / IDLE_STEPS);
    let mut idle_steps = 0;
    let mut opened_before = 0;
    let mut open = true;
    let mut timer = pin!(sleep(step.unwrap_or_default()));
    loop {
        tokio::select! {
            biased;
            result = connection.as_mut() => return result,
            () = listening.close(), if open => {
                open = false;
            }
            () = timer.as_mut(), if !open || step.is_some() => {
                let (running, opened) = activity();
                let idle = !running && opened == opened_before;
                opened_before = opened;
                idle_steps = if idle { idle_steps + 1 } else { 0 };
                match step {
                    // A peer that is alive has closed by now.
                    _ if !open && idle => return Ok(()),
                    _ if !open => {
                        timer.as_mut().reset(Instant::now() + limits.handshake_timeout);
                        continue;
                    }
                    Some(step) if idle_steps < IDLE_STEPS => {
                        timer.as_mut().reset(Instant::now() + step);
                        continue;
                    }
                    _ => open = false,
                }
            }
        }
        close(connection.as_mut());
        timer.as_mut().reset(Instant::now() + limits.handshake_timeout);
    }
}

/// The calls of one connection.
///
/// hyper gives each stream a clone of the executor for as long as the stream lives, response body and all; so the
/// number of holders tells whether calls run, at no cost to the calls.
#[derive(Debug, Default)]
struct Streams {
    opened: AtomicU64,
}

#[derive(Clone, Debug)]
struct Spawn(Arc<Streams>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Spawn {
    fn execute(&self, stream: F) {
        self.0.opened.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(stream);
    }
}
