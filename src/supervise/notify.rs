//! What programs say about themselves: datagrams of `sd_notify(3)`, with three fields of our own.
//!
//! | field | meaning |
//! |---|---|
//! | `X_STRADDLE_PREPARED=1` | all is checked; the program waits for the state |
//! | `X_STRADDLE_ADMIN=127.0.0.1:7001` | where its admin service is |
//! | `READY=1` | it accepts callers |
//! | `X_STRADDLE_VERSION=2.0.0` | with READY: the version that it runs |
//! | `STATUS=…` | what it is doing, for people; a new one shows that it goes on |
//! | `EXTEND_TIMEOUT_USEC=…` | how many microseconds more it wants; counts beside a new `STATUS` |
//! | `WATCHDOG=1` | it is alive, and will say so again within the time that `WATCHDOG_USEC` said |
//! | `X_STRADDLE_FAILED=…` | why it will end |
//!
//! Other fields mean nothing here.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixDatagram};
use std::path::Path;
use std::time::Duration;

use socket2::SockRef;

use crate::version::Version;

/// No datagram is longer, in bytes.
pub(super) const LONGEST: usize = 16 << 10;
/// No text in one is longer that is kept.
const LONGEST_TEXT: usize = 1024;
/// No program gets more time at once than this.
const MOST_TIME: Duration = Duration::from_secs(3600);

/// One datagram.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) prepared: bool,
    pub(super) admin: Option<SocketAddr>,
    pub(super) ready: bool,
    pub(super) version: Option<Version>,
    pub(super) status: Option<String>,
    pub(super) more_time: Option<Duration>,
    pub(super) alive: bool,
    pub(super) failed: Option<String>,
}

/// Reads a datagram; what is not understood is passed over.
pub(super) fn read(datagram: &[u8]) -> Said {
    let mut said = Said::default();
    for line in String::from_utf8_lossy(datagram).lines() {
        let Some((name, value)) = line.split_once('=') else { continue };
        match name {
            "X_STRADDLE_PREPARED" => said.prepared = value == "1",
            "X_STRADDLE_ADMIN" => said.admin = value.parse().ok(),
            "READY" => said.ready = value == "1",
            "X_STRADDLE_VERSION" => said.version = value.parse().ok(),
            "STATUS" => said.status = Some(shortened(value)),
            "EXTEND_TIMEOUT_USEC" => {
                said.more_time = value.parse().ok().map(|micros| Duration::from_micros(micros).min(MOST_TIME));
            }
            "WATCHDOG" => said.alive = value == "1",
            "X_STRADDLE_FAILED" => said.failed = Some(shortened(value)),
            _ => {}
        }
    }
    said
}

fn shortened(text: &str) -> String {
    let end = (0..=LONGEST_TEXT.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text[..end].to_owned()
}

/// Tells whoever supervises us, as systemd does. Without `NOTIFY_SOCKET` nobody has to be told.
#[derive(Debug)]
pub(super) struct Above {
    to: Option<(UnixDatagram, UnixAddress)>,
    /// The status that was told last.
    status: String,
}

impl Above {
    pub(super) fn from_environment() -> Self {
        let to = std::env::var_os("NOTIFY_SOCKET").and_then(|name| {
            let address = match name.as_bytes() {
                [b'@', name @ ..] => UnixAddress::from_abstract_name(name),
                _ => UnixAddress::from_pathname(Path::new(&name)),
            };
            Some((UnixDatagram::unbound().ok()?, address.ok()?))
        });
        Self { to, status: String::new() }
    }

    /// Tells what we are doing, when that has changed.
    pub(super) fn status(&mut self, status: String) {
        if status != self.status {
            self.tell(&format!("STATUS={status}"));
            self.status = status;
        }
    }

    pub(super) fn tell(&self, text: &str) {
        let Some((socket, address)) = &self.to else { return };
        if let Err(error) = socket.send_to_addr(text.as_bytes(), address) {
            tracing::warn!(%error, "whoever started the supervisor could not be told how it is doing");
        }
    }
}

/// A socket of its own for each program, so that nobody has to be asked who sent what.
///
/// # Errors
/// When it cannot be made; a path of more than 107 bytes is too long for a socket (unix(7)).
pub(super) fn socket(path: &Path) -> io::Result<tokio::net::UnixDatagram> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    tokio::net::UnixDatagram::bind(path)
}

/// What was said before now, of somebody who says no more. The system is asked: the runtime may not have heard of it yet.
pub(super) fn left(socket: &tokio::net::UnixDatagram) -> Vec<Said> {
    let socket = SockRef::from(socket);
    let (mut left, mut buffer) = (Vec::new(), vec![0; LONGEST]);
    while let Ok(length) = (&*socket).read(&mut buffer) {
        left.push(read(&buffer[..length]));
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_and_what_is_unknown_is_passed_over() {
        let said = read(b"X_STRADDLE_PREPARED=1\nX_STRADDLE_ADMIN=127.0.0.1:7001\nMAINPID=7\n\xff\nSTATUS=checked");
        let admin = Some("127.0.0.1:7001".parse().unwrap());
        assert_eq!(said, Said { prepared: true, admin, status: Some("checked".to_owned()), ..Said::default() });
        let said = read(b"READY=1\nX_STRADDLE_VERSION=2.0.0\nEXTEND_TIMEOUT_USEC=5000000");
        let (version, more_time) = (Some(Version::new(2, 0, 0)), Some(Duration::from_secs(5)));
        assert_eq!(said, Said { ready: true, version, more_time, ..Said::default() });
        assert!(read(b"WATCHDOG=1").alive && !read(b"WATCHDOG=trigger").alive);
    }

    #[tokio::test]
    async fn what_was_said_at_the_end_is_read_before_the_runtime_has_heard_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let socket = socket(&path).unwrap();
        assert!(socket.try_recv(&mut [0]).is_err(), "nothing is there");
        let program = UnixDatagram::unbound().unwrap();
        for said in ["STATUS=ends", "X_STRADDLE_FAILED=no room"] {
            program.send_to(said.as_bytes(), &path).unwrap();
        }
        assert!(socket.try_recv(&mut [0; LONGEST]).is_err(), "the runtime knows nothing of it yet");
        let left = left(&socket);
        assert_eq!(left.iter().filter_map(|said| said.failed.as_deref()).collect::<Vec<_>>(), ["no room"]);
        assert_eq!(left.len(), 2);
    }

    #[test]
    fn what_is_said_is_bounded_and_nonsense_is_nothing() {
        let said = read(format!("STATUS={}\nEXTEND_TIMEOUT_USEC={}", "ü".repeat(5000), u64::MAX).as_bytes());
        assert_eq!(said.status.map(|text| text.len()), Some(LONGEST_TEXT));
        assert_eq!(said.more_time, Some(MOST_TIME));
        assert_eq!(read(b"READY=yes\nX_STRADDLE_VERSION=two\nX_STRADDLE_ADMIN=here\n=\n"), Said::default());
    }
}
