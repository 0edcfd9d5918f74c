//! The server: a listener, its connections, and their end.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tower_service::Service;

use super::connection::{self, Settings};
use super::connections::Connections;
use super::health::HealthHandle;
use super::intake::IntakeHandle;
use super::limits::Limits;
use crate::metrics::Page;
use crate::wire::Body;

/// After a failure to accept that concerns the whole process (no more file descriptors), first and longest pause.
const ACCEPT_PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// Serves a tower service over HTTP/2, and its health over HTTP/1.1, on one port.
#[derive(Clone, Debug)]
pub struct Server {
    limits: Limits,
    health: Option<HealthHandle>,
    metrics: Option<Page>,
    intake: IntakeHandle,
    peer_addresses: bool,
}

/// A server at work: the future that serves, until its shutdown is over.
///
/// Dropping it closes the listener and cuts all connections at once.
#[must_use = "a server serves only while it is polled"]
pub struct Serving {
    local_addr: SocketAddr,
    connections: Connections,
    run: Pin<Box<dyn Future<Output = Served> + Send>>,
}

/// What a server did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// Connections that were accepted.
    pub connections: u64,
    /// Connections that were cut because calls still ran on them when [`Limits::shutdown`] was over.
    pub cut: usize,
}

impl Server {
    /// A server with default [`Limits`] that is healthy as long as it runs.
    #[must_use]
    pub fn builder() -> Self {
        Self {
            limits: Limits::default(),
            health: None,
            metrics: None,
            intake: IntakeHandle::new(),
            peer_addresses: false,
        }
    }

    /// Sets what peers may take.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets what `GET /healthz` tells; a shutdown ends it, see [`HealthHandle::shut_down`].
    #[must_use]
    pub fn health(mut self, health: &HealthHandle) -> Self {
        self.health = Some(health.clone());
        self
    }

    /// Sets what `GET /metrics` tells over HTTP/1.1.
    #[must_use]
    pub(crate) fn metrics(mut self, page: Page) -> Self {
        self.metrics = Some(page);
        self
    }

    /// Lets the intake say whether connections are taken. Without it they are, until the shutdown.
    #[must_use]
    pub fn intake(mut self, intake: &IntakeHandle) -> Self {
        self.intake = intake.clone();
        self
    }

    /// Whether each request's extensions hold a [`PeerAddress`](super::PeerAddress). Default: no, because it costs every
    /// call memory of its own, some 3 % of a small one, and few objects ask who called.
    #[must_use]
    pub fn peer_addresses(mut self, wanted: bool) -> Self {
        self.peer_addresses = wanted;
        self
    }

    /// Serves `service` to whoever connects to `listener`, until `shutdown` completes and running calls have finished.
    ///
    /// Each connection has its own clone of `service`, and each call is one [`Service::call`] on it. A call that panics
    /// is answered with `INTERNAL`; no other call notices. One whose answer is marked [`NotBegun`](crate::wire::NotBegun) ends
    /// with `REFUSED_STREAM` (RFC 9113 §8.7).
    ///
    /// On shutdown the listener is closed, health ends, peers are told to go away (RFC 9113 §6.8), and running calls
    /// may finish within [`Limits::shutdown`].
    ///
    /// # Errors
    /// When the listener has no local address.
    pub fn serve<S>(
        self,
        listener: TcpListener,
        service: S,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<Serving>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send + 'static,
    {
        let local_addr = listener.local_addr()?;
        let acceptor = Acceptor {
            listener,
            places: Arc::new(Semaphore::new(self.limits.max_connections.min(Semaphore::MAX_PERMITS))),
            pause: ACCEPT_PAUSE.0,
            paused_until: None,
        };
        let connections = Connections::new();
        let run = Box::pin(self.run(acceptor, connections.clone(), service, shutdown));
        Ok(Serving { local_addr, connections, run })
    }

    async fn run<S>(
        self,
        mut acceptor: Acceptor,
        told: Connections,
        service: S,
        shutdown: impl Future<Output = ()>,
    ) -> Served
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send + 'static,
    {
        let Self { limits, health, metrics, peer_addresses, .. } = self;
        let settings = Arc::new(Settings { limits, health, metrics, peer_addresses });
        let mut connections = JoinSet::new();
        let mut accepted = 0;
        let mut shutdown = pin!(shutdown);
        let mut intake = self.intake.watch();
        intake.mark_changed();
        let mut open = true;
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => {}
                Ok(()) = intake.changed() => {
                    open = *intake.borrow_and_update();
                    if !open {
                        told.go_away();
                    }
                }
                (stream, peer, place) = acceptor.accept(), if open => {
                    accepted += 1;
                    let connection = connection::serve(stream, peer, service.clone(), settings.clone(), told.accepted());
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
            }
        }

        drop(acceptor);
        if let Some(health) = &settings.health {
            health.shut_down();
        }
        told.shut_down();
        let finished = async { while connections.join_next().await.is_some() {} };
        let in_time = timeout(settings.limits.shutdown, finished).await.is_ok();
        let cut = connections.len();
        if !in_time {
            tracing::warn!(cut, "calls still ran when the time for shutting down was over");
            connections.shutdown().await;
        }
        Served { connections: accepted, cut }
    }
}

impl Serving {
    /// The address that is listened on, with the port that the system chose where none was named.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The server's connections, to tell their peers to go away while it goes on.
    #[must_use]
    pub fn connections(&self) -> Connections {
        self.connections.clone()
    }

    /// Does something beside, for as long as the server runs, and something more once the last call has ended.
    pub(crate) fn beside(
        self,
        beside: impl Future<Output = ()> + Send + 'static,
        last: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let run = self.run;
        let run = Box::pin(async move {
            let (mut run, mut beside) = (run, pin!(beside));
            let served = tokio::select! {
                served = &mut run => served,
                () = &mut beside => run.await,
            };
            last.await;
            served
        });
        Self { local_addr: self.local_addr, connections: self.connections, run }
    }
}

impl Future for Serving {
    type Output = Served;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Served> {
        self.run.as_mut().poll(context)
    }
}

impl std::fmt::Debug for Serving {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Serving").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

/// A listener that never gives up.
struct Acceptor {
    listener: TcpListener,
    places: Arc<Semaphore>,
    pause: Duration,
    /// Kept here, and not in a sleep, because `accept` is cancelled whenever a connection ends.
    paused_until: Option<Instant>,
}

impl Acceptor {
    async fn accept(&mut self) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        loop {
            if let Some(until) = self.paused_until {
                sleep_until(until).await;
                self.paused_until = None;
            }
            let Ok(place) = self.places.clone().acquire_owned().await else {
                // Nobody closes this semaphore; if somebody did, no place would ever come free.
                std::future::pending().await
            };
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    self.pause = ACCEPT_PAUSE.0;
                    return (stream, peer, place);
                }
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, pause = ?self.pause, "no connection can be accepted for now");
                    self.paused_until = Some(Instant::now() + self.pause);
                    self.pause = (self.pause * 2).min(ACCEPT_PAUSE.1);
                }
            }
        }
    }
}

/// Whether the peer went away before it was accepted; all else (EMFILE, ENFILE, ENOMEM) comes again if asked at once.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
