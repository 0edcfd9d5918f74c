//! Programs as processes: started, watched, ended, and found again.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::thread;
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::machine::{Exit, Told};

/// The number of the first socket that is passed on: `SD_LISTEN_FDS_START` of `sd_listen_fds(3)`.
const FIRST: i32 = 3;
/// The number of the verified program's file, behind the sockets.
const PROGRAM: i32 = FIRST + 1;

/// A process, so that one that has got its number later is not mistaken for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Name {
    /// Its number.
    pub(super) process: u32,
    /// When it was started, in ticks since the machine was: field 22 of `/proc/…/stat`, see proc(5).
    pub(super) started: u64,
    /// Names the time since the machine was started.
    pub(super) boot: String,
}

/// What is started.
#[derive(Debug)]
pub(super) struct Start {
    /// This program, which passes the socket on.
    pub(super) helper: PathBuf,
    /// The program as it was verified.
    pub(super) program: File,
    /// What it is called.
    pub(super) name: PathBuf,
    pub(super) arguments: Vec<OsString>,
    pub(super) callers: OwnedFd,
    pub(super) state: PathBuf,
    /// Where the supervisor is told what to do.
    pub(super) admin: SocketAddr,
    /// More variables for it.
    pub(super) environment: Vec<(String, String)>,
    pub(super) told: Told,
    pub(super) notify: PathBuf,
    /// How long it may say nothing.
    pub(super) watchdog: Option<Duration>,
}

/// A process that waits for its word.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) name: Name,
    pub(super) process: Process,
    word: ChildStdin,
}

impl Waiting {
    /// Lets it go on. Without the word it ends: a supervisor that is gone before it could write down whom it has started
    /// leaves nobody behind.
    pub(super) fn go_on(mut self) -> io::Result<Process> {
        self.word.write_all(b"\n")?;
        Ok(self.process)
    }
}

impl Start {
    /// Starts a process that will be the program.
    pub(super) fn spawn(self) -> io::Result<Waiting> {
        let mut command = Command::new(&self.helper);
        command.args(["pass-sockets", "--wait", "--as"]).arg(&self.name);
        command.arg("--").arg(format!("/proc/self/fd/{PROGRAM}")).args(&self.arguments);
        command.env("STRADDLE_STATE", &self.state).env("NOTIFY_SOCKET", &self.notify);
        for variable in ["LISTEN_PID", "WATCHDOG_USEC", "WATCHDOG_PID", "STRADDLE_RUN", "STRADDLE_BACK"] {
            command.env_remove(variable);
        }
        command.env("STRADDLE_SUPERVISOR", self.admin.to_string());
        command.envs(self.environment);
        match &self.told {
            Told::Run(version) => command.env("STRADDLE_RUN", version.to_string()),
            Told::Back(version) => command.env("STRADDLE_BACK", version.to_string()),
        };
        if let Some(watchdog) = self.watchdog {
            // Whose it is, it need not say: the variable is for this program alone.
            command.env("WATCHDOG_USEC", watchdog.as_micros().to_string());
        }
        command.env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", "callers");
        // Ctrl-C is for the supervisor, which stops its programs one after the other.
        command.stdin(Stdio::piped()).process_group(0);
        let sockets = vec![
            FdMapping { parent_fd: self.callers, child_fd: FIRST },
            FdMapping { parent_fd: self.program.into(), child_fd: PROGRAM },
        ];
        command.fd_mappings(sockets).map_err(|error| io::Error::other(error.to_string()))?;
        let mut child = command.spawn()?;
        let Some(word) = child.stdin.take() else { return Err(io::Error::other("it has no standard input")) };
        // It cannot have been reaped, so the number is still its own.
        let process = Process::open(child.id())?;
        let name = Name::of(child.id()).ok_or_else(|| io::Error::other("it ended at once"))?;
        Ok(Waiting { name, process, word })
    }
}

impl Name {
    /// Of a process that was not waited for.
    pub(super) fn of(process: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The second field is the program's name, in parentheses, and may hold anything.
        let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace();
        let started = fields.nth(19)?.parse().ok()?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
        Some(Self { process, started, boot })
    }

    /// The process that has this name, if it still runs: one that is being killed does until it holds no file any more.
    pub(super) fn find(&self) -> Option<Process> {
        // Opened first: what is looked at after that is what was opened.
        let process = Process::open(self.process).ok()?;
        (Self::of(self.process).as_ref() == Some(self) && !process.has_ended()).then_some(process)
    }
}

/// A process that was not waited for yet.
#[derive(Debug)]
pub(super) struct Process(OwnedFd);

impl Process {
    fn open(process: u32) -> io::Result<Self> {
        let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(Self(pidfd_open(pid, PidfdFlags::empty())?))
    }

    pub(super) fn clone(&self) -> io::Result<Self> {
        Ok(Self(self.0.try_clone()?))
    }

    /// Asks it to end. One that has ended is no error.
    pub(super) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it.
    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        match pidfd_send_signal(&self.0, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => tracing::error!(%error, "a program could not be signalled"),
        }
    }

    /// Whether all its threads have ended. That its first one is a zombie says nothing of the files that the others still hold.
    fn has_ended(&self) -> bool {
        matches!(poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&Timespec::default())), Ok(1..))
    }

    /// Waits for its end, on a thread of its own: nothing else waits for processes of others, and needs no `unsafe`.
    pub(super) async fn ended(self) -> Exit {
        let (ended, end) = oneshot::channel();
        let waits = move || ended.send(self.wait());
        match thread::Builder::new().name("straddle-waits".to_owned()).spawn(waits) {
            Ok(_) => end.await.unwrap_or(Exit::Unknown),
            Err(error) => {
                tracing::error!(%error, "nobody can wait for a program");
                std::future::pending().await
            }
        }
    }

    fn wait(self) -> Exit {
        loop {
            match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], None) {
                Ok(0) | Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                Ok(_) => break,
                Err(_) => return Exit::Unknown,
            }
        }
        // One that another process has started is none of ours to wait for.
        match waitid(WaitId::PidFd(self.0.as_fd()), WaitIdOptions::EXITED) {
            Ok(Some(status)) => match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => Exit::Code(code),
                (None, Some(signal)) => Exit::Signal(signal),
                (None, None) => Exit::Unknown,
            },
            _ => Exit::Unknown,
        }
    }

    /// The first socket that was passed to it, if it still has it, and the system lets us have it: the same user, and
    /// no narrower rule of ptrace(2).
    pub(super) fn first_socket(&self) -> io::Result<OwnedFd> {
        Ok(rustix::process::pidfd_getfd(&self.0, FIRST, rustix::process::PidfdGetfdFlags::empty())?)
    }
}

/// This program, also when its file was replaced since it was started.
pub(super) fn this_program() -> &'static Path {
    Path::new("/proc/self/exe")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_found_until_it_has_ended_though_nobody_waits_for_it() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let name = Name::of(child.id()).unwrap();
        let other = Name { started: name.started + 1, ..name.clone() };
        assert!(name.find().is_some() && other.find().is_none());
        let process = name.find().unwrap();
        process.kill();
        poll(&mut [PollFd::new(&process.0, PollFlags::IN)], None).unwrap();
        assert_eq!(Name::of(child.id()).as_ref(), Some(&name), "it is still there to be waited for");
        assert!(name.find().is_none());
        child.wait().unwrap();
        assert!(name.find().is_none());
    }
}
