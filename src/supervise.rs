//! Upgrade by restart: [releases](Release) on disk, and the [supervisor](Supervisor) that runs their programs.
//!
//! The supervisor keeps the listening socket and passes it to each program as systemd does (`sd_listen_fds(3)`); a program tells
//! how it is doing as it would tell systemd (`sd_notify(3)`). Another release is started beside the one that serves, checks what
//! can be checked without the state, takes the state once the old one has let it go, and is given up when it fails. At no time
//! is a connection refused: while no program accepts, connections wait in the socket's backlog.
//!
//! # What lies on disk
//!
//! ```text
//! DIR/
//!   node/               the state of the node: STRADDLE_STATE of its programs
//!   supervisor/
//!     LOCK              empty; held with an exclusive file lock by the supervisor
//!     JOURNAL           one line of JSON: what runs, what is under way, and the processes; replaced as a whole
//!     notify/<number>   the socket that a program tells on how it is doing; gone with the program
//! ```
//!
//! `JOURNAL` holds `supervisor` (`process`, `admin`, `callers`: whoever comes second is told), `at` (`release`, `version`: what
//! runs, or is to run), `good` (what was seen to be good last), `before` (what the last upgrade came from), `stage`, `failure`,
//! and `programs` (`id`, `launch`, `process`, `started`, `boot`, `admin`, `ready`, `watchdog`: started, and not seen to end). `stage` is
//! `"run"`, or what is under way: `beside`, `handing`, `take` with a move, `back` and `return` with where from, where to and why.
//! It is written under the name with `.new` behind it, synced, renamed, and the folder synced, before anything is done that it
//! tells of. A program's process is written down before the program begins: it waits for a byte of the supervisor until then.
//!
//! # A supervisor that ends without its program
//!
//! It may be killed, or told to start its own program file anew. The program serves on. The next supervisor finds it in the
//! journal, by process number, start time and boot, so that no other process is mistaken for it. It gets the listening socket
//! passed on, or takes it back out of the program (`pidfd_getfd(2)`: the same user, and no stricter rule of ptrace(2)); where it
//! cannot, it stops the program first, and callers are refused until the next one is started. A program that did not serve,
//! or was told to hand over, because a move was under way, leaves the socket as well, is ended and started again: the journals of both, of the supervisor
//! and of the node's state, say how to go on. Two programs never write the state, since each takes the state's own lock first.
//!
//! # Limits
//!
//! Linux only: it takes `pidfd_open(2)` (Linux 5.3) and `pidfd_getfd(2)` (Linux 5.6). Programs run as the supervisor's user.

mod release;

#[cfg(target_os = "linux")]
mod admin;
#[cfg(target_os = "linux")]
mod driver;
#[cfg(target_os = "linux")]
mod error;
#[cfg(target_os = "linux")]
mod inherit;
#[cfg(target_os = "linux")]
mod journal;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod news;
#[cfg(target_os = "linux")]
mod notify;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod sockets;
#[cfg(target_os = "linux")]
mod supervisor;
#[cfg(target_os = "linux")]
mod view;

pub use self::release::{Manifest, Release, ReleaseError, Releases};
#[cfg(target_os = "linux")]
pub use self::{
    error::SuperviseError,
    news::News,
    supervisor::{Ended, Listen, Order, Running, Supervisor},
};
