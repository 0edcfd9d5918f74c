//! A program that exports; its standard input is its life.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::program::{Run, straddle};

/// Longer than anything takes that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Exporting {
    child: Child,
    pub(crate) address: String,
    log: mpsc::Receiver<String>,
}

impl Exporting {
    /// A node of the inventory, with these variables.
    pub(crate) fn node(environment: &[(&str, &str)]) -> Self {
        Self::start(&["serve-example", "--version", "3.0.0", "--listen", "127.0.0.1:0"], environment)
    }

    /// Starts it, and waits until it says where it listens.
    pub(crate) fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_straddle"));
        // Whoever runs the tests may have a collector.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OTEL_")) {
            command.env_remove(name);
        }
        command.args(arguments).arg("--until-stdin-ends").env("STRADDLE_LOG", "info");
        // Who has much else to do may need longer for the last spans than a second.
        command.env("OTEL_BSP_EXPORT_TIMEOUT", "60000");
        command.envs(environment.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut line).expect("a line");
        let (sender, log) = mpsc::channel();
        let errors = BufReader::new(child.stderr.take().expect("a pipe"));
        thread::spawn(move || errors.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, address: line.rsplit(' ').next().unwrap_or_default().trim().to_owned(), log }
    }

    pub(crate) fn call(&self, arguments: &[&str]) -> Run {
        straddle(&[&["call", self.address.as_str()][..], arguments].concat())
    }

    /// A call that goes well, and says nothing of a trace.
    pub(crate) fn list(&self) {
        self.call(&["inventory@3.0.0", "ListItems"]).ended(0, &[]);
    }

    /// Waits until it logs this; the line. Of OTLP nothing else is to come before.
    pub(crate) fn logs(&self, part: &str) -> String {
        loop {
            let line = self.log.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("it does not log {part:?}"));
            if line.contains(part) {
                return line;
            }
            assert!(!line.contains("straddle::otlp"), "{line}");
        }
    }

    /// Ends it; what it has logged since.
    pub(crate) fn end(mut self) -> Vec<String> {
        drop(self.child.stdin.take());
        let log = self.log.iter().collect();
        assert!(self.child.wait().expect("its end").success());
        log
    }
}

impl Drop for Exporting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
