//! Ports for programs that a test starts, each kept for its program.

use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// A port of the loopback address that nobody comes by, for as long as this is there.
///
/// It is bound, and nobody listens. Linux gives such a port to none who asks for any free one, neither to listen at nor to connect
/// from; but whoever names it may listen there, as servers set `SO_REUSEADDR` (socket(7)). Before and after that connections are
/// refused. A port that was only found to be free is anybody's before its program comes to it, and once more between two
/// programs.
pub(crate) struct Port {
    address: SocketAddr,
    _kept: Option<TcpSocket>,
}

impl Port {
    pub(crate) fn free() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("it may be listened at");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        let address = socket.local_addr().expect("its address");
        Self { address, _kept: cfg!(target_os = "linux").then_some(socket) }
    }

    /// As `127.0.0.1:7000`.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }
}
