//! The sockets that outlive every program: connections that come while none accepts wait in their backlog.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::time::{Instant, sleep};

use super::error::SuperviseError;
use super::supervisor::Listen;
use crate::node::admin::require_loopback;

/// Connections that wait until a program accepts; the system may allow fewer (listen(2)).
const BACKLOG: i32 = 4096;
/// How often an address that is taken is tried.
const LOOK: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) callers: TcpListener,
    pub(super) admin: TcpListener,
}

impl Sockets {
    /// `left` is the callers' socket as it was found at a program from before. A program that was killed may be on its way out, with the
    /// socket that it has: an address that is taken is tried again for as long as `patience`.
    pub(super) async fn open(
        left: Option<TcpListener>,
        callers: Option<String>,
        admin: Listen,
        patience: Duration,
    ) -> Result<Self, SuperviseError> {
        let callers = match (left, callers) {
            (Some(left), _) => left,
            (None, address) => {
                let address = address.unwrap_or_default();
                let bound = bind_within(&address, patience).await;
                bound.map_err(|error| SuperviseError::listen(&address, error, "with --listen"))?
            }
        };
        let admin = match admin {
            Listen::Inherited(listener) => listener,
            Listen::On(address) => bind(&address)
                .and_then(|listener| require_loopback(listener.local_addr()?).map(|()| listener))
                .map_err(|error| SuperviseError::listen(&address, error, "with --admin"))?,
        };
        Ok(Self { callers, admin })
    }

    pub(super) fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.callers.local_addr()?, self.admin.local_addr()?))
    }
}

/// What was passed, or else where to listen.
pub(super) fn inherited(callers: Listen) -> (Option<TcpListener>, Option<String>) {
    match callers {
        Listen::Inherited(listener) => (Some(listener), None),
        Listen::On(address) => (None, Some(address)),
    }
}

/// A listening socket out of anything that may be one.
pub(super) fn listening(socket: OwnedFd) -> io::Result<TcpListener> {
    let socket = Socket::from(socket);
    if !socket.is_listener()? {
        return Err(io::Error::other("it is no listening socket"));
    }
    Ok(socket.into())
}

async fn bind_within(address: &str, patience: Duration) -> io::Result<TcpListener> {
    let until = Instant::now() + patience;
    loop {
        match bind(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < until => sleep(LOOK).await,
            bound => return bound,
        }
    }
}

fn bind(address: &str) -> io::Result<TcpListener> {
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "an address is wanted, as 127.0.0.1:7000");
    for address in address.to_socket_addrs()? {
        match bind_one(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of a supervisor before that are not quite over do not hold this one up.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
