//! Telling whoever supervises this program how it does, as `sd_notify(3)` says: datagrams of lines `NAME=value`, to the socket
//! that `NOTIFY_SOCKET` names.
//!
//! Written out, since it is short: of the protocol's crates none knows when its datagram has found no room.

use std::io;
use std::time::Duration;

use tokio::time::sleep;

/// How long a datagram waits for room, and how often it looks: whoever supervises us may be slow, but we have work to do.
const PATIENCE: u32 = 100;
const LOOK: Duration = Duration::from_millis(10);

/// Tells whoever listens; nobody has to.
#[derive(Debug, Default)]
pub(crate) struct Notifier(Option<Socket>);

impl Notifier {
    /// To where the environment says.
    pub(crate) fn from_env() -> Self {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Self(None);
        };
        Socket::to(&name).map_or_else(
            |error| {
                tracing::warn!(%error, socket = %name.display(), "whoever supervises this program cannot be told anything");
                Self(None)
            },
            |socket| Self(Some(socket)),
        )
    }

    /// Whether there is somebody to tell.
    pub(crate) fn has_listener(&self) -> bool {
        self.0.is_some()
    }

    /// Tells these in one datagram. A value stays on its line.
    pub(crate) async fn tell(&self, lines: &[(&str, &str)]) {
        let Some(socket) = &self.0 else { return };
        let line = |(name, value): &(&str, &str)| format!("{name}={}\n", value.replace(['\n', '\r'], " "));
        let datagram: String = lines.iter().map(line).collect();
        for _ in 0..PATIENCE {
            match socket.send(datagram.as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(LOOK).await,
                Err(error) => {
                    tracing::warn!(%error, datagram, "whoever supervises this program was not told");
                    return;
                }
                Ok(()) => return,
            }
        }
        tracing::warn!(datagram, "whoever supervises this program does not listen, and was not told");
    }
}

#[cfg(unix)]
#[derive(Debug)]
struct Socket {
    own: std::os::unix::net::UnixDatagram,
    theirs: std::os::unix::net::SocketAddr,
}

#[cfg(unix)]
impl Socket {
    fn to(name: &std::ffi::OsStr) -> io::Result<Self> {
        let own = std::os::unix::net::UnixDatagram::unbound()?;
        own.set_nonblocking(true)?;
        Ok(Self { own, theirs: address(name)? })
    }

    fn send(&self, datagram: &[u8]) -> io::Result<()> {
        self.own.send_to_addr(datagram, &self.theirs).map(|_| ())
    }
}

/// A path, or, behind an `@`, a name in Linux's abstract namespace (`unix(7)`).
#[cfg(unix)]
fn address(name: &std::ffi::OsStr) -> io::Result<std::os::unix::net::SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = std::os::unix::ffi::OsStrExt::as_bytes(name).strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt;
        return std::os::unix::net::SocketAddr::from_abstract_name(name);
    }
    std::os::unix::net::SocketAddr::from_pathname(name)
}

#[cfg(not(unix))]
#[derive(Debug)]
struct Socket;

#[cfg(not(unix))]
impl Socket {
    fn to(_: &std::ffi::OsStr) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "NOTIFY_SOCKET is for Unix alone"))
    }

    fn send(&self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    use super::*;

    #[tokio::test]
    async fn a_name_may_be_an_abstract_one_and_a_value_stays_on_its_line() {
        let name = format!("straddle-notify-{}", std::process::id());
        let listener = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let notifier = Notifier(Some(Socket::to(format!("@{name}").as_ref()).unwrap()));
        notifier.tell(&[("READY", "1"), ("STATUS", "two\nlines")]).await;
        let mut datagram = [0; 256];
        let length = listener.recv(&mut datagram).unwrap();
        assert_eq!(&datagram[..length], b"READY=1\nSTATUS=two lines\n");
    }

    #[tokio::test]
    async fn whoever_has_gone_holds_nobody_up() {
        let place = tempfile::tempdir().unwrap();
        let notifier = Notifier(Some(Socket::to(place.path().join("gone").as_ref()).unwrap()));
        notifier.tell(&[("READY", "1")]).await;
    }
}
