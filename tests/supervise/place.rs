//! Releases on disk, and supervisors that run them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Conversation, Run, straddle};

pub(crate) const STRADDLE: &str = env!("CARGO_BIN_EXE_straddle");

/// A folder with releases and a state.
pub(crate) struct Place(TempDir);

impl Place {
    /// With release 1.1.0, which runs that version alone.
    pub(crate) fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a folder"));
        place.release("1.1.0", "1.1.0", "");
        place
    }

    /// With release 2.0.0 as well, which runs both.
    pub(crate) fn with_two() -> Self {
        let place = Self::new();
        place.release("2.0.0", "1.1.0,2.0.0", "");
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// A release of the inventory, broken as the arguments say.
    pub(crate) fn release(&self, name: &str, runs: &str, broken: &str) {
        self.script(name, runs, &format!("exec {STRADDLE} serve-node --runs {runs} {broken}"));
    }

    /// A release whose program is this script.
    pub(crate) fn script(&self, name: &str, runs: &str, script: &str) {
        let folder = self.path("releases").join(name);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("server"), format!("#!/bin/sh\n{script}\n")).expect("a script");
        fs::set_permissions(folder.join("server"), PermissionsExt::from_mode(0o755)).expect("its permissions");
        let folder = folder.display().to_string();
        straddle(&["release", &folder, "--program", "server", "--runs", runs, "--protocol", "inventory", "--force"])
            .ended(0, &[]);
    }

    /// Something that a script of a release waits at, for as long as it is there: `[ -p GATE ] && read -r _ <GATE`.
    pub(crate) fn gate(&self, name: &str) -> Gate {
        let path = self.path(name);
        assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success(), "{}", path.display());
        Gate(path)
    }

    pub(crate) fn pattern(&self) -> String {
        self.text("releases/{version}/server")
    }

    /// `straddle supervise`, whose callers come to a free port.
    pub(crate) fn supervise(&self, more: &[&str]) -> Supervised {
        self.supervise_on("127.0.0.1:0", more)
    }

    pub(crate) fn supervise_on(&self, address: &str, more: &[&str]) -> Supervised {
        let mut command = self.command(more);
        command.args(["--listen", address]);
        Supervised::begin(command, &self.pattern())
    }

    /// `straddle supervise` without an address and without a program.
    pub(crate) fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(STRADDLE);
        command.args(["supervise", "--json", "--until-stdin-ends", "--first-wait", "10ms", "--state"]);
        command.arg(self.path("state")).args(more);
        command
    }

    pub(crate) fn journal(&self) -> Value {
        let text = fs::read_to_string(self.path("state/supervisor/JOURNAL")).expect("a journal");
        serde_json::from_str(&text).expect("JSON")
    }

    pub(crate) fn state(&self) -> &Path {
        self.0.path()
    }
}

/// A named pipe. Who has come to it when this is dropped waits for ever, who comes later does not.
pub(crate) struct Gate(PathBuf);

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// How long anything may take to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A supervisor at work. It is stopped when this is dropped, with its program.
pub(crate) struct Supervised {
    child: Child,
    lines: Receiver<String>,
    pub(crate) callers: String,
    pub(crate) admin: String,
    /// All that was heard.
    pub(crate) heard: Vec<Value>,
}

impl Supervised {
    pub(crate) fn begin(mut command: Command, pattern: &str) -> Self {
        command.args(["--", pattern]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program");
        let lines = lines(child.stdout.take().expect("a pipe"));
        let (callers, admin) = Default::default();
        let mut supervised = Self { child, lines, callers, admin, heard: Vec::new() };
        let listening = supervised.hears("listening");
        let text = |name: &str| listening[name].as_str().expect("an address").to_owned();
        (supervised.callers, supervised.admin) = (text("callers"), text("admin"));
        supervised
    }

    /// Waits until this happens.
    pub(crate) fn hears(&mut self, event: &str) -> Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|error| panic!("{error} before {event}: {:?}", self.heard));
            let news: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            self.heard.push(news.clone());
            if news["event"] == event {
                return news;
            }
        }
    }

    /// Waits until this release serves.
    pub(crate) fn serves(&mut self, release: &str) {
        while self.hears("ready")["release"] != release {}
    }

    /// `straddle node COMMAND ADDRESS …`.
    pub(crate) fn node(&self, command: &str, more: &[&str]) -> Run {
        straddle(&[&["node", command, &self.admin], more].concat())
    }

    pub(crate) fn status(&self) -> Value {
        self.node("status", &["--json"]).ended(0, &[]).value()
    }

    /// The version that it serves at, once it serves and no move is under way.
    pub(crate) fn rests(&self) -> Value {
        self.hears_of(|status| status["program"]["process"].is_u64() && status["under_way"].is_null());
        self.status()["version"].clone()
    }

    /// Waits until the node does this.
    pub(crate) fn hears_of(&self, wanted: impl Fn(&Value) -> bool) {
        let mut watch = Conversation::begin(&["node", "status", &self.admin, "--watch", "--json"]);
        loop {
            let line = watch.hear();
            let status = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
            if wanted(&status) {
                drop(watch.interrupt());
                return;
            }
        }
    }

    /// The process of the program that serves.
    pub(crate) fn process(&self) -> String {
        self.status()["program"]["process"].to_string()
    }

    /// Sends a signal to the supervisor.
    pub(crate) fn signal(&self, signal: &str) {
        kill(signal, &self.child.id().to_string());
    }

    /// Waits for the end.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.child.wait().expect("its end").code()
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        // It stops its program then.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// What it writes. Its program may keep the pipe open, so its end is no sign of anything.
fn lines(output: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

pub(crate) fn kill(signal: &str, process: &str) {
    assert!(Command::new("kill").args([signal, process]).status().expect("kill").success(), "kill {signal} {process}");
}
