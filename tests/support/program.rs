//! The built program, and nodes that it runs.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use serde_json::Value;

/// A run of the program that is over.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// The standard output, a JSON value a line.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// The standard output as one JSON value.
    pub(crate) fn value(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }

    /// Asserts how it ended, and what standard error says.
    pub(crate) fn ended(self, code: i32, said: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        for part in said {
            assert!(self.err.contains(part), "{part:?} is missing from\n{}", self.err);
        }
        self
    }
}

/// Runs the program with these arguments, and with nothing on standard input.
pub(crate) fn straddle(arguments: &[&str]) -> Run {
    straddle_reading(arguments, "")
}

/// Runs the program with these arguments and this standard input.
pub(crate) fn straddle_reading(arguments: &[&str], input: &str) -> Run {
    let mut child = Running(spawn(arguments));
    let mut stdin = child.0.stdin.take().expect("a pipe");
    // Who does not read its input may be gone already.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.finish()
}

fn spawn(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_straddle"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program")
}

/// A child that does not outlive the test.
struct Running(Child);

impl Running {
    fn finish(mut self) -> Run {
        let child = &mut self.0;
        let mut errors = child.stderr.take().expect("a pipe");
        let reader = std::thread::spawn(move || std::io::read_to_string(&mut errors).expect("its errors"));
        let out = std::io::read_to_string(child.stdout.take().expect("a pipe")).expect("its output");
        let err = reader.join().expect("the reader of errors");
        Run { code: child.wait().expect("its end").code(), out, err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A call that is still running, to be talked with.
pub(crate) struct Conversation {
    child: Running,
    input: Option<ChildStdin>,
    output: BufReader<std::process::ChildStdout>,
}

impl Conversation {
    /// Begins a run of the program.
    pub(crate) fn begin(arguments: &[&str]) -> Self {
        let mut child = spawn(arguments);
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child: Running(child), input, output }
    }

    /// Says a line.
    pub(crate) fn say(&mut self, line: &str) {
        writeln!(self.input.as_mut().expect("an open input"), "{line}").expect("a reader");
    }

    /// Waits for a line.
    pub(crate) fn hear(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line");
        line
    }

    /// Says no more, and waits for the end.
    pub(crate) fn end(mut self) -> Option<i32> {
        drop(self.input.take());
        self.child.0.wait().expect("its end").code()
    }

    /// Sends the program a signal, as `-INT`.
    #[allow(dead_code, reason = "not all tests that share this use it")]
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.0.id().to_string();
        let killed = Command::new("kill").args([signal, &id]).status().expect("kill");
        assert!(killed.success());
    }

    /// Interrupts the program, as Ctrl-C does, and waits for the end.
    pub(crate) fn interrupt(self) -> Output {
        self.ended_by("-INT")
    }

    /// Sends the program a signal that ends it, and waits for the end.
    pub(crate) fn ended_by(mut self, signal: &str) -> Output {
        self.signal(signal);
        let err = std::io::read_to_string(self.child.0.stderr.take().expect("a pipe")).expect("its errors");
        let status = self.child.0.wait().expect("its end");
        Output { status, stdout: Vec::new(), stderr: err.into_bytes() }
    }
}

/// A node of the inventory; it stops when this is dropped.
pub(crate) struct Node {
    _child: Running,
    pub(crate) address: String,
}

impl Node {
    /// Starts a node that runs `version`.
    pub(crate) fn start(version: &str) -> Self {
        let mut child =
            spawn(&["serve-example", "--version", version, "--listen", "127.0.0.1:0", "--until-stdin-ends"]);
        let mut line = String::new();
        let read = BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut line);
        let child = Running(child);
        assert!(read.is_ok_and(|read| read > 0), "the node says where it listens");
        let address = line.trim().rsplit(' ').next().expect("an address").to_owned();
        Self { _child: child, address }
    }

    /// Calls this node.
    pub(crate) fn call(&self, arguments: &[&str]) -> Run {
        self.call_reading(arguments, "")
    }

    /// Calls this node with this on standard input.
    pub(crate) fn call_reading(&self, arguments: &[&str], input: &str) -> Run {
        straddle_reading(&[&["call", &self.address][..], arguments].concat(), input)
    }
}
