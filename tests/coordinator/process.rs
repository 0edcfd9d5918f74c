//! A coordinator as a process, on a folder that outlives it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::program::{Run, straddle};

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A coordinator; it is killed when this is dropped.
pub(crate) struct Coordinator {
    child: Child,
    pub(crate) address: String,
    /// What it says on standard error, a line each.
    told: Receiver<String>,
}

impl Coordinator {
    /// Starts one on a free port.
    pub(crate) fn start(data: &Path, more: &[&str]) -> Self {
        Self::start_on("127.0.0.1:0", data, more)
    }

    /// Starts one where one has listened before.
    pub(crate) fn start_on(address: &str, data: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_straddle"))
            .args(["coordinator", "--listen", address, "--report-every", "200ms", "--data"])
            .arg(data)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        let errors = BufReader::new(child.stderr.take().expect("a pipe"));
        let (tell, told) = channel();
        std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                // Who does not listen any more has seen enough.
                let _ = tell.send(line);
            }
        });
        let mut first = String::new();
        let read = BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut first);
        if read.is_ok_and(|read| read == 0) {
            let _ = child.wait();
            panic!("no coordinator: {}", told.iter().collect::<Vec<_>>().join("\n"));
        }
        let address = first.trim().rsplit(' ').next().expect("an address").to_owned();
        Self { child, address, told }
    }

    /// Runs a command that asks it.
    pub(crate) fn asked(&self, arguments: &[&str]) -> Run {
        straddle(&[arguments, &["--coordinator", &self.address]].concat())
    }

    /// Publishes the inventory up to a version.
    pub(crate) fn publish(&self, up_to: &str) {
        self.asked(&["publish", "schemas/inventory", "--up-to", up_to]).ended(0, &[]);
    }

    /// Asks until the answer is as it should be.
    #[track_caller]
    pub(crate) fn until(&self, arguments: &[&str], is: impl Fn(&Run) -> bool) -> Run {
        let begun = Instant::now();
        loop {
            let run = self.asked(arguments);
            if is(&run) {
                return run;
            }
            let (out, err) = (&run.out, &run.err);
            assert!(begun.elapsed() < PATIENCE, "{arguments:?} does not come to what it should:\n{out}\n{err}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until it says a line on standard error with all of these parts.
    #[track_caller]
    pub(crate) fn says(&self, parts: &[&str]) -> String {
        let begun = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            let line = self.told.recv_timeout(left).unwrap_or_else(|_| panic!("it never said {parts:?}"));
            if parts.iter().all(|part| line.contains(part)) {
                return line;
            }
        }
    }

    /// Kills it, as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a kill");
        self.child.wait().expect("its end");
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let killed = Command::new("kill").args([signal, &self.child.id().to_string()]).status().expect("kill");
        assert!(killed.success());
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> Option<i32> {
        self.child.wait().expect("its end").code()
    }
}

impl Drop for Coordinator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
