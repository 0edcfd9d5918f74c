//! Making a connection, and hearing of its end.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::address::Address;
use super::heard::Heard;
use super::labels::Unknown;
use super::watch::Watch;
use crate::transport::tcp;
use crate::wire::Body;

/// Window of a connection, in bytes. It also is what h2's budget against floods of small frames is taken from, by
/// which a stalled client would lose its connection to a server that sends one frame for each small message
/// (RUSTSEC-2026-0258). What a stream may hold in memory is bounded by its own window.
const CONNECTION_WINDOW: u32 = 1 << 30;

/// A connection that was made.
#[derive(Debug)]
pub(super) struct Link {
    sender: SendRequest<Body>,
    connection: Connection,
}

/// Which connection it is, and what was heard of the node behind it.
#[derive(Clone, Debug, Default)]
pub(super) struct Connection(Arc<Said>);

#[derive(Debug, Default)]
struct Said {
    /// That it takes no more calls over it (GOAWAY, RFC 9113 §6.8): hyper finds that out when it sends the next one, and a
    /// watch would keep open what the node waits to see closed.
    goes_away: AtomicBool,
    /// Which labels it does not know.
    unknown: Unknown,
}

impl Link {
    /// Whether it takes calls.
    pub(super) fn is_usable(&self) -> bool {
        !self.sender.is_closed() && !self.connection.0.goes_away.load(Ordering::Acquire)
    }

    pub(super) fn sender(&self) -> SendRequest<Body> {
        self.sender.clone()
    }

    pub(super) fn connection(&self) -> Connection {
        self.connection.clone()
    }

    pub(super) fn is(&self, connection: &Connection) -> bool {
        Arc::ptr_eq(&self.connection.0, &connection.0)
    }
}

impl Connection {
    pub(super) fn unknown(&self) -> &Unknown {
        &self.0.unknown
    }
}

/// An attempt to connect; if its task is dropped (its runtime ended), the next call makes another.
pub(super) struct Attempt {
    address: Arc<Address>,
    over: bool,
}

impl Attempt {
    pub(super) fn new(address: Arc<Address>) -> Self {
        Self { address, over: false }
    }

    pub(super) async fn connect(mut self, failures: u32) {
        let address = self.address.clone();
        let limit = address.settings.connect_timeout;
        let connected = timeout(limit, connect(&address)).await;
        // From here on, the state belongs to the calls; they may begin another attempt at once.
        self.over = true;
        match connected.unwrap_or_else(|_| Err(format!("no connection within {limit:?}"))) {
            Ok(link) => {
                let connection = link.connection.clone();
                address.connected(link, failures);
                if let Some(service) = &address.settings.health {
                    address.keep(Watch::begin(&address, &connection, service.clone()), &connection);
                }
                // It may have ended before it was known.
                address.over();
            }
            Err(why) => address.failed(&why, failures),
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.over {
            self.address.given_up();
        }
    }
}

async fn connect(address: &Arc<Address>) -> Result<Link, String> {
    let stream = open(address).await.map_err(|error| error.to_string())?;
    let (stream, heard, told_to_go) = Heard::new(stream);
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.timer(TokioTimer::new()).initial_connection_window_size(CONNECTION_WINDOW);
    if let Some((interval, timeout)) = address.settings.keep_alive {
        builder.keep_alive_interval(interval).keep_alive_timeout(timeout);
    }
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let link = Link { sender, connection: Connection::default() };
    let went_away = link.connection.clone();
    // The connection ends when nobody can send over it; so it must not keep its own address.
    let weak = Arc::downgrade(address);
    tokio::spawn(async move {
        let ended = {
            let mut connection = pin!(connection);
            tokio::select! {
                biased;
                Ok(()) = told_to_go => {
                    went_away.0.goes_away.store(true, Ordering::Release);
                    weak.upgrade().inspect(|address| address.over());
                    // Calls that run finish.
                    connection.await
                }
                ended = &mut connection => ended,
            }
        };
        // Only now that hyper's end is dropped does the link say that it takes no more calls. A call that was sent just then is told
        // so when the last sender is gone, which is the link's: left in its place, it would wait until somebody else calls.
        let Some(address) = weak.upgrade() else { return };
        if let Err(error) = ended {
            tracing::debug!(address = address.name(), %error, "the connection failed");
        }
        address.over();
    });
    heard.await.map_err(|_| "the connection was closed before the node was heard on it".to_owned())?;
    Ok(link)
}

/// Opens what HTTP/2 is spoken over. TLS belongs here: all above takes any stream.
async fn open(address: &Address) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address.name()).await?;
    tcp::prepare(&stream, address.settings.tcp_keep_alive)?;
    Ok(stream)
}
