//! One address and the connection to it.
//!
//! ```text
//!           call            connected
//!  Idle ----------> Connecting ------> Up
//!                    |      ^           | closed, and a call comes
//!             failed |      | a call    +-------> Connecting
//!                    v      | after the backoff
//!                   Down ---+
//! ```
//!
//! Connecting is a task of its own: it goes on when the call that began it is cancelled, and all calls wait for the
//! same one.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use http::uri::Authority;
use http::{Uri, uri};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::heard::Heard;
use super::{InvalidKind, Settings};
use crate::transport::tcp;
use crate::wire::Body;

/// Window of a connection, in bytes. It also is what h2's budget against floods of small frames is taken from, by
/// which a stalled client would lose its connection to a server that sends one frame for each small message
/// (RUSTSEC-2026-0258). What a stream may hold in memory is bounded by its own window.
const CONNECTION_WINDOW: u32 = 1 << 30;

/// A node's address, with at most one connection to it.
#[derive(Debug)]
pub(super) struct Address {
    authority: Authority,
    settings: Settings,
    random: Arc<Mutex<fastrand::Rng>>,
    state: watch::Sender<State>,
    /// Whether the last connection carried an answer. One that was closed before it did counts as a failure: a peer that
    /// accepts connections only to close them is not asked without pause.
    answered: AtomicBool,
}

/// Why there is no connection now, and when the next may be tried.
#[derive(Clone, Debug)]
pub(super) struct Unreachable {
    pub(super) why: Arc<str>,
    pub(super) until: Instant,
}

#[derive(Debug)]
enum State {
    Idle,
    Connecting { failures: u32 },
    Up { sender: SendRequest<Body>, failures: u32 },
    Down { unreachable: Unreachable, failures: u32 },
}

impl Address {
    pub(super) fn new(
        address: String,
        settings: Settings,
        random: Arc<Mutex<fastrand::Rng>>,
    ) -> Result<Arc<Self>, InvalidKind> {
        if address.starts_with("https://") {
            return Err(InvalidKind::Tls(address));
        }
        let authority = address.strip_prefix("http://").unwrap_or(&address).trim_end_matches('/');
        match authority.parse::<Authority>() {
            Ok(authority) if authority.port_u16().is_some() && !authority.as_str().contains('@') => {
                Ok(Arc::new(Self {
                    authority,
                    settings,
                    random,
                    state: watch::Sender::new(State::Idle),
                    answered: AtomicBool::new(false),
                }))
            }
            _ => Err(InvalidKind::Address(address)),
        }
    }

    pub(super) fn name(&self) -> &str {
        self.authority.as_str()
    }

    /// Where a call to `uri` goes: this address, whatever host the URI names.
    pub(super) fn locate(&self, uri: &Uri) -> Uri {
        let mut parts = uri::Parts::default();
        parts.scheme = Some(uri::Scheme::HTTP);
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = uri.path_and_query().cloned().or(Some(uri::PathAndQuery::from_static("/")));
        // Scheme, authority and path together are always a URI.
        Uri::from_parts(parts).unwrap_or_default()
    }

    /// The connection carried an answer.
    pub(super) fn answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// The connection, made if there is none.
    ///
    /// All calls share its backoff: while an address is down, it is not tried again before its time.
    pub(super) async fn connection(self: &Arc<Self>) -> Result<SendRequest<Body>, Unreachable> {
        loop {
            if let Some(settled) = self.state.borrow().settled() {
                return settled;
            }
            let mut changes = self.state.subscribe();
            let mut begun = None;
            self.state.send_if_modified(|state| {
                let next = self.next(state);
                if let Some(State::Connecting { failures }) = next {
                    begun = Some(failures);
                }
                next.map(|next| *state = next).is_some()
            });
            if let Some(failures) = begun {
                let attempt = Attempt { address: self.clone(), over: false };
                tokio::spawn(attempt.connect(failures));
            }
            // Cannot fail: the sender lives in `self`.
            let _ = changes.wait_for(|state| !matches!(state, State::Connecting { .. })).await;
        }
    }

    /// Lets go of a connection that ended, and with it of what hyper still holds of it.
    fn closed(&self) {
        self.state.send_if_modified(|state| {
            let next = match state {
                State::Up { sender, .. } if !sender.is_closed() => None,
                State::Up { .. } if self.answered.load(Ordering::Relaxed) => Some(State::Idle),
                State::Up { .. } => self.next(state),
                _ => None,
            };
            next.map(|next| *state = next).is_some()
        });
    }

    /// The state that a call moves this one to.
    fn next(&self, state: &State) -> Option<State> {
        match state {
            State::Idle => Some(State::Connecting { failures: 0 }),
            State::Connecting { .. } => None,
            _ if state.settled().is_some() => None,
            State::Up { .. } if self.answered.load(Ordering::Relaxed) => Some(State::Connecting { failures: 0 }),
            State::Up { failures, .. } => {
                Some(self.down("the connection was closed before it carried an answer", *failures))
            }
            State::Down { failures, .. } => Some(State::Connecting { failures: *failures }),
        }
    }

    fn down(&self, why: &str, failures: u32) -> State {
        let failures = failures.saturating_add(1);
        let until = Instant::now() + self.settings.backoff.after(failures, &self.random);
        State::Down { unreachable: Unreachable { why: why.into(), until }, failures }
    }

    async fn connect(self: &Arc<Self>) -> Result<SendRequest<Body>, String> {
        let limit = self.settings.connect_timeout;
        timeout(limit, self.connect_and_hear()).await.unwrap_or_else(|_| Err(format!("no connection within {limit:?}")))
    }

    async fn connect_and_hear(self: &Arc<Self>) -> Result<SendRequest<Body>, String> {
        let stream = self.open().await.map_err(|error| error.to_string())?;
        let (stream, heard) = Heard::new(stream);
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).initial_connection_window_size(CONNECTION_WINDOW);
        if let Some((interval, timeout)) = self.settings.keep_alive {
            builder.keep_alive_interval(interval).keep_alive_timeout(timeout);
        }
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        // The connection ends when nobody can send over it; so it must not keep its own address.
        let address = Arc::downgrade(self);
        tokio::spawn(async move {
            let ended = connection.await;
            let Some(address) = address.upgrade() else { return };
            if let Err(error) = ended {
                tracing::debug!(address = address.name(), %error, "the connection failed");
            }
            address.closed();
        });
        heard.await.map_err(|_| "the connection was closed before the node was heard on it".to_owned())?;
        Ok(sender)
    }

    /// Opens what HTTP/2 is spoken over. TLS belongs here: all above takes any stream.
    async fn open(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.authority.as_str()).await?;
        tcp::prepare(&stream, self.settings.tcp_keep_alive)?;
        Ok(stream)
    }
}

impl State {
    /// What a call can go on with at once, if it need not wait.
    fn settled(&self) -> Option<Result<SendRequest<Body>, Unreachable>> {
        match self {
            Self::Up { sender, .. } if !sender.is_closed() => Some(Ok(sender.clone())),
            Self::Down { unreachable, .. } if Instant::now() < unreachable.until => Some(Err(unreachable.clone())),
            _ => None,
        }
    }
}

/// An attempt to connect; if its task is dropped (its runtime ended), the next call makes another.
struct Attempt {
    address: Arc<Address>,
    over: bool,
}

impl Attempt {
    async fn connect(mut self, failures: u32) {
        let address = self.address.clone();
        let state = match address.connect().await {
            Ok(sender) => {
                address.answered.store(false, Ordering::Relaxed);
                State::Up { sender, failures }
            }
            Err(why) => address.down(&why, failures),
        };
        // From the next line on, the state belongs to the calls; they may begin another attempt at once.
        self.over = true;
        address.state.send_replace(state);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.over {
            self.address.state.send_replace(State::Idle);
        }
    }
}
