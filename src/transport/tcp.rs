//! Options of a connection's socket.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// Probes that may stay unanswered before the kernel takes the peer's host for dead.
const PROBES: u32 = 3;

/// Sends small writes at once (gRPC coalesces by itself), and lets the kernel look for a peer whose host is gone.
pub(super) fn prepare(stream: &TcpStream, keep_alive: Option<Duration>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let Some(idle) = keep_alive else { return Ok(()) };
    let interval = (idle / 4).max(Duration::from_secs(1));
    let keep_alive =
        TcpKeepalive::new().with_time(idle.max(Duration::from_secs(1))).with_interval(interval).with_retries(PROBES);
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&keep_alive)?;
    // Data under way suspend the probes; this bounds how long they may stay unacknowledged (RFC 5482).
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(idle + interval * PROBES))?;
    Ok(())
}
