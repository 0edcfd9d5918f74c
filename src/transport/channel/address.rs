//! One address and the connection to it.
//!
//! ```text
//!           call            connected        health, if it is watched
//!  Idle ----------> Connecting ------> Up: not known ------> serves <──> does not serve
//!                    |      ^            └──────────┬───────────────────────────┘
//!             failed |      | a call                | closed, or told to go away, and a call comes
//!                    v      | after the backoff     v
//!                   Down ---+                  Connecting
//! ```
//!
//! Connecting is a task of its own: it goes on when the call that began it is cancelled, and all calls wait for the
//! same one.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::uri::Authority;
use http::{Uri, uri};
use hyper::client::conn::http2::SendRequest;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::connecting::{Attempt, Connection, Link};
use super::watch::Watch;
use super::{InvalidKind, Settings};
use crate::wire::Body;

/// A node's address, with at most one connection to it that takes calls.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) authority: Authority,
    pub(super) settings: Settings,
    pub(super) random: Arc<Mutex<fastrand::Rng>>,
    state: watch::Sender<State>,
    /// Told when any address of the channel changes.
    changed: Arc<Notify>,
    /// Whether the last connection carried an answer. One that was closed before it did counts as a failure: a peer that
    /// accepts connections only to close them is not asked without pause.
    answered: AtomicBool,
    in_flight: AtomicUsize,
}

/// Why there is no connection now, and when the next may be tried.
#[derive(Clone, Debug)]
pub(super) struct Unreachable {
    pub(super) why: Arc<str>,
    pub(super) until: Instant,
}

/// What an address is good for.
#[derive(Clone, Debug)]
pub(super) enum Standing {
    /// It takes calls.
    Ready,
    /// It is connected, and its node says that it does not serve.
    NotServing(Arc<str>),
    /// It is being connected, or its health is not known yet; after so many failures in a row.
    Pending {
        failures: u32,
    },
    /// There is no connection, and one may be made.
    Due,
    Down(Unreachable),
}

/// What a node says of its health.
#[derive(Clone, Debug)]
pub(super) enum Serving {
    NotKnown,
    Yes,
    No(Arc<str>),
}

#[derive(Debug)]
pub(super) enum State {
    Idle,
    Connecting { failures: u32 },
    Up { link: Link, failures: u32, serving: Serving, watch: Option<Watch> },
    Down { unreachable: Unreachable, failures: u32 },
}

impl Address {
    pub(super) fn new(
        address: String,
        settings: Settings,
        random: Arc<Mutex<fastrand::Rng>>,
        changed: Arc<Notify>,
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
                    changed,
                    answered: AtomicBool::new(false),
                    in_flight: AtomicUsize::new(0),
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

    /// How many calls are under way, to the last byte of their responses.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn standing(&self) -> Standing {
        self.state.borrow().standing()
    }

    /// The connection, where there is one, whatever is said of health.
    pub(super) fn sender(&self) -> Option<(SendRequest<Body>, Connection)> {
        match &*self.state.borrow() {
            State::Up { link, .. } if link.is_usable() => Some((link.sender(), link.connection())),
            _ => None,
        }
    }

    /// That connection, if it still takes calls.
    pub(super) fn sender_over(&self, over: &Connection) -> Option<SendRequest<Body>> {
        match &*self.state.borrow() {
            State::Up { link, .. } if link.is(over) && link.is_usable() => Some(link.sender()),
            _ => None,
        }
    }

    /// Begins to connect if that is due; all calls share the backoff.
    pub(super) fn begin(self: &Arc<Self>) {
        let mut begun = None;
        self.change(|state| {
            let next = self.next(state);
            if let Some(State::Connecting { failures }) = next {
                begun = Some(failures);
            }
            next.map(|next| *state = next).is_some()
        });
        if let Some(failures) = begun {
            tokio::spawn(Attempt::new(self.clone()).connect(failures));
        }
    }

    /// What the address is good for once that is known; connects if there is no connection.
    pub(super) async fn settled(self: &Arc<Self>) -> Standing {
        loop {
            let mut changes = self.state.subscribe();
            match self.standing() {
                Standing::Due => self.begin(),
                Standing::Pending { .. } => {
                    // Cannot fail: the sender lives in `self`.
                    let _ = changes.changed().await;
                }
                standing => return standing,
            }
        }
    }

    /// A connection is there.
    pub(super) fn connected(&self, link: Link, failures: u32) {
        self.answered.store(false, Ordering::Relaxed);
        let serving = if self.settings.health.is_some() { Serving::NotKnown } else { Serving::Yes };
        self.replace(State::Up { link, failures, serving, watch: None });
    }

    /// Keeps a watch for as long as its connection is the one that takes calls.
    pub(super) fn keep(&self, watch: Watch, over: &Connection) {
        let mut watch = Some(watch);
        self.change(|state| {
            if let State::Up { link, watch: place, .. } = state
                && link.is(over)
            {
                *place = watch.take();
            }
            false
        });
    }

    /// Notes what was said of health over a connection.
    pub(super) fn tell(&self, over: &Connection, told: Serving) {
        self.change(|state| match state {
            State::Up { link, serving, .. } if link.is(over) => {
                *serving = told;
                true
            }
            _ => false,
        });
    }

    pub(super) fn failed(&self, why: &str, failures: u32) {
        self.replace(self.down(why, failures));
    }

    /// Nobody connects any more.
    pub(super) fn given_up(&self) {
        self.replace(State::Idle);
    }

    /// Lets go of a connection that takes no more calls, and with it of what hyper still holds of them.
    pub(super) fn over(&self) {
        self.change(|state| {
            let next = match state {
                State::Up { link, .. } if link.is_usable() => None,
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
            _ if !matches!(state.standing(), Standing::Due) => None,
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

    fn replace(&self, state: State) {
        self.state.send_replace(state);
        self.changed.notify_waiters();
    }

    fn change(&self, change: impl FnOnce(&mut State) -> bool) {
        if self.state.send_if_modified(change) {
            self.changed.notify_waiters();
        }
    }
}

impl State {
    fn standing(&self) -> Standing {
        match self {
            Self::Connecting { failures } => Standing::Pending { failures: *failures },
            Self::Up { link, serving, .. } if link.is_usable() => match serving {
                Serving::NotKnown => Standing::Pending { failures: 0 },
                Serving::Yes => Standing::Ready,
                Serving::No(why) => Standing::NotServing(why.clone()),
            },
            Self::Down { unreachable, .. } if Instant::now() < unreachable.until => Standing::Down(unreachable.clone()),
            _ => Standing::Due,
        }
    }
}

/// A call that is under way to an address.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Address>);

impl InFlight {
    pub(super) fn to(address: &Arc<Address>) -> Self {
        address.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(address.clone())
    }
}

impl Deref for InFlight {
    type Target = Address;

    fn deref(&self) -> &Address {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;
    use crate::transport::Channel;

    /// Of HTTP/2, with nothing in it (RFC 9113, section 6.5).
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

    #[tokio::test]
    async fn a_connection_that_has_ended_is_let_go_of_though_nobody_calls() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let name = listener.local_addr().expect("an address").to_string();
        let settings = Channel::owner(&name).build().expect("a channel").0.settings.clone();
        let random = Arc::new(Mutex::new(fastrand::Rng::with_seed(1)));
        let address = Address::new(name, settings, random, Arc::default()).expect("an address");
        let node = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            stream.write_all(&SETTINGS).await.expect("it is read");
            stream
        });
        assert!(matches!(address.settled().await, Standing::Ready));
        let mut states = address.state.subscribe();
        drop(node.await.expect("no panic"));
        // What was sent just as it ended comes back only when the last sender has gone: nobody else has one.
        let let_go = timeout(Duration::from_secs(30), states.wait_for(|state| !matches!(state, State::Up { .. })));
        assert!(let_go.await.is_ok(), "the link is there still: {:?}", address.state.borrow());
    }
}
