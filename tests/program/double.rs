//! A test double for systemd: it holds the listening socket, starts programs with it, and hears what they tell.

use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Run, straddle};

/// Far beyond what anything takes: a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(120);

const STRADDLE: &str = env!("CARGO_BIN_EXE_straddle");

/// The one who starts programs.
pub(crate) struct Double {
    sockets: Vec<TcpListener>,
    place: TempDir,
    pub(crate) address: String,
}

impl Double {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let address = listener.local_addr().expect("its address").to_string();
        Self { sockets: vec![listener], place: tempfile::tempdir().expect("a folder"), address }
    }

    /// Passes one more socket; its address.
    pub(crate) fn pass_another(&mut self) -> String {
        self.sockets.push(TcpListener::bind("127.0.0.1:0").expect("a socket"));
        self.sockets[self.sockets.len() - 1].local_addr().expect("its address").to_string()
    }

    pub(crate) fn state(&self) -> String {
        self.place.path().join("state").display().to_string()
    }

    /// Starts a release that can run these versions, to run this one.
    pub(crate) fn start(&self, runs: &str, run: &str) -> Program {
        self.start_with(&["--names", "callers"], &["--runs", runs], &[("STRADDLE_RUN", run)])
    }

    /// Starts a release that is broken like that.
    pub(crate) fn start_broken(&self, runs: &str, run: &str, how: &str) -> Program {
        self.start_with(&["--names", "callers"], &["--runs", runs, "--break", how], &[("STRADDLE_RUN", run)])
    }

    pub(crate) fn start_with(&self, pass: &[&str], arguments: &[&str], environment: &[(&str, &str)]) -> Program {
        let mut command = Command::new(STRADDLE);
        command.arg("pass-sockets").args(pass).args(["--", STRADDLE, "serve-node"]).args(arguments);
        let mapping = |(at, socket): (usize, &TcpListener)| FdMapping {
            parent_fd: socket.try_clone().expect("a descriptor").into(),
            child_fd: 3 + i32::try_from(at).expect("a small number"),
        };
        let mappings = self.sockets.iter().enumerate().map(mapping).collect();
        command.fd_mappings(mappings).expect("each descriptor once");
        self.run(command, environment)
    }

    /// Starts a release to which nobody passes a socket.
    pub(crate) fn start_alone(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Program {
        let mut command = Command::new(STRADDLE);
        command.arg("serve-node").args(arguments);
        self.run(command, environment)
    }

    fn run(&self, mut command: Command, environment: &[(&str, &str)]) -> Program {
        let folder = tempfile::tempdir_in(self.place.path()).expect("a folder").keep();
        let name = folder.join("notify");
        let socket = UnixDatagram::bind(&name).expect("a socket");
        command.env("NOTIFY_SOCKET", &name).env("STRADDLE_STATE", self.state()).env("STRADDLE_LOG", "info");
        command.envs(environment.iter().copied()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program");
        let mut errors = child.stderr.take().expect("a pipe");
        let (tell, told) = channel();
        std::thread::spawn(move || {
            let mut datagram = vec![0; 1 << 16];
            while let Ok(length) = socket.recv(&mut datagram) {
                let text = String::from_utf8_lossy(&datagram[..length]).into_owned();
                if tell.send(text).is_err() {
                    return;
                }
            }
        });
        let errors = std::thread::spawn(move || std::io::read_to_string(&mut errors).unwrap_or_default());
        Program { child, told, heard: Vec::new(), errors: Some(errors) }
    }
}

/// A program that was started; it does not outlive the test.
pub(crate) struct Program {
    child: Child,
    told: Receiver<String>,
    /// All that it has told, a line each.
    heard: Vec<(String, String)>,
    errors: Option<std::thread::JoinHandle<String>>,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// Waits until it tells this, and with which value; what it has told before counts.
    pub(crate) fn hears(&mut self, name: &str) -> String {
        self.hears_where(name, |_| true)
    }

    pub(crate) fn hears_where(&mut self, name: &str, wanted: impl Fn(&str) -> bool) -> String {
        loop {
            let found = self.heard.iter().find(|(own, value)| own == name && wanted(value));
            if let Some((_, value)) = found {
                return value.clone();
            }
            if !self.listen(PATIENCE) {
                let end = self.child.try_wait().ok().flatten();
                panic!("the program never told {name}; it has told {:?}, and its end is {end:?}", self.heard);
            }
        }
    }

    /// Waits until it has told this twice.
    pub(crate) fn hears_twice(&mut self, name: &str) {
        while self.heard.iter().filter(|(own, _)| own == name).count() < 2 {
            assert!(self.listen(PATIENCE), "the program told {:?}", self.heard);
        }
    }

    /// Takes one more datagram in.
    fn listen(&mut self, patience: Duration) -> bool {
        let told = match self.told.recv_timeout(patience) {
            Ok(told) => told,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return false,
        };
        let lines = told.lines().map(|line| line.split_once('=').unwrap_or_else(|| panic!("{line:?} assigns nothing")));
        self.heard.extend(lines.map(|(name, value)| (name.to_owned(), value.to_owned())));
        true
    }

    /// The names of what it has told, in order, but for what comes by the clock.
    pub(crate) fn order(&mut self) -> Vec<String> {
        while self.listen(Duration::ZERO) {}
        let by_the_clock = ["STATUS", "WATCHDOG", "EXTEND_TIMEOUT_USEC"];
        let names = self.heard.iter().map(|(name, _)| name.clone());
        names.filter(|name| !by_the_clock.contains(&name.as_str())).collect()
    }

    pub(crate) fn has_told(&mut self, name: &str) -> bool {
        self.order().iter().any(|own| own == name)
    }

    /// The address of its admin service.
    pub(crate) fn admin(&mut self) -> String {
        self.hears("X_STRADDLE_ADMIN")
    }

    /// Waits until it serves; the version that it runs.
    pub(crate) fn ready(&mut self) -> String {
        assert_eq!(self.hears("READY"), "1");
        self.hears("X_STRADDLE_VERSION")
    }

    pub(crate) fn status(&mut self) -> Value {
        straddle(&["node", "status", &self.admin(), "--json"]).ended(0, &[]).value()
    }

    /// Waits until its status is like that.
    pub(crate) fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let status = self.status();
            if wanted(&status) {
                return status;
            }
        }
    }

    /// Tells it to hand over.
    pub(crate) fn hand_over(&mut self, how: &str) -> Run {
        hand_over(&self.admin(), how)
    }

    /// Sends it a signal, as TERM.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{signal}"), &id]).status().expect("kill");
        assert!(sent.success());
    }

    /// Waits for its end: the exit code, none after a signal, and what it said on standard error.
    pub(crate) fn ended(&mut self) -> (Option<i32>, String) {
        let code = self.child.wait().expect("its end").code();
        let errors = self.errors.take().map(|errors| errors.join().expect("the reader of errors"));
        (code, errors.unwrap_or_default())
    }
}

pub(crate) fn hand_over(admin: &str, how: &str) -> Run {
    straddle(&["call", admin, "straddle.v1.Node", "HandOver", how, "--timeout", "100s"])
}
