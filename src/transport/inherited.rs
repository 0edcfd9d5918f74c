//! Sockets that a program inherits from whoever starts it, as systemd passes them (`sd_listen_fds(3)`).
//!
//! They are file descriptors from 3 on. `LISTEN_FDS` says how many, `LISTEN_PID` to which process, and `LISTEN_FDNAMES` what
//! they are called. Whoever passes them keeps them: connections that come while no program accepts wait in the backlog.

use std::collections::VecDeque;
use std::io;
use std::net::TcpListener as Listener;

use tokio::net::TcpListener;

use super::unbound::cannot_listen;

/// Listening TCP sockets that this program was passed.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// use straddle::transport::{Inherited, listener};
///
/// let mut inherited = Inherited::take()?;
/// // Where none is called so, the first one; where there is none, a socket of our own.
/// let socket = inherited.named("callers").or_else(|| inherited.first());
/// let callers = listener(socket, "127.0.0.1:7000").await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct Inherited(VecDeque<(String, Listener)>);

impl Inherited {
    /// Takes all that the environment tells of; none where it tells of none. What was taken is not found again, and programs that
    /// this one starts do not inherit it.
    ///
    /// Call it at the start of the program: it takes `LISTEN_FDS` and `LISTEN_PID` out of the environment, which no other
    /// thread should be reading then.
    ///
    /// # Errors
    /// When something is passed that is no listening TCP socket; and on systems other than Unix, where nothing can be.
    pub fn take() -> io::Result<Self> {
        take().map(Self)
    }

    /// How many there are still.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The socket of this name.
    pub fn named(&mut self, name: &str) -> Option<Listener> {
        let at = self.0.iter().position(|(own, _)| own == name)?;
        self.0.remove(at).map(|(_, listener)| listener)
    }

    /// The first of those that are left, in the order in which they were passed.
    pub fn first(&mut self) -> Option<Listener> {
        self.0.pop_front().map(|(_, listener)| listener)
    }
}

/// The socket that was inherited, or else one that listens on `address`, as `127.0.0.1:7000`; port 0 takes a free one.
///
/// # Errors
/// When nothing can listen there; it says where, and what to do.
pub async fn listener(inherited: Option<Listener>, address: &str) -> io::Result<TcpListener> {
    let failed = |error: io::Error| io::Error::new(error.kind(), cannot_listen(address, &error, "for the program"));
    match inherited {
        Some(listener) => {
            // Whoever passed it shares the flag with us, and asks it for nothing.
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        }
        None => TcpListener::bind(address).await.map_err(failed),
    }
}

/// `listenfd` does the one thing that needs `unsafe`: it takes a number for a descriptor that nobody else owns.
#[cfg(unix)]
fn take() -> io::Result<VecDeque<(String, Listener)>> {
    // Read first: it stays in the environment, and means nothing without the others.
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut passed = listenfd::ListenFd::from_env();
    let mut listeners = VecDeque::new();
    for index in 0..passed.len() {
        let name = names.next().unwrap_or_default();
        let told = |why: &dyn std::fmt::Display| {
            let what = format!("socket {} of those that were passed ({name:?}): {why}", index + 1);
            io::Error::new(io::ErrorKind::InvalidInput, what)
        };
        let listener = passed.take_tcp_listener(index).map_err(|error| told(&error))?;
        let Some(listener) = listener.filter(listens) else {
            return Err(told(&"it is no TCP socket that listens; in a socket unit, use ListenStream= with a port"));
        };
        listeners.push_back((name.to_owned(), listener));
    }
    Ok(listeners)
}

#[cfg(not(unix))]
fn take() -> io::Result<VecDeque<(String, Listener)>> {
    if std::env::var_os("LISTEN_FDS").is_some() {
        let what = "LISTEN_FDS is set, and sockets are passed to programs on Unix alone: give an address";
        return Err(io::Error::new(io::ErrorKind::Unsupported, what));
    }
    Ok(VecDeque::new())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn listens(listener: &Listener) -> bool {
    socket2::SockRef::from(listener).is_listener().unwrap_or(false)
}

/// Elsewhere the first attempt to accept tells.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn listens(_: &Listener) -> bool {
    true
}
