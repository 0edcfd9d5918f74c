//! Processes of this program that talk by lines, and what they cost.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// Keeps this process, and those that it starts from now on, on one core; says which.
pub(crate) fn pin() -> Result<usize, String> {
    let allowed = sched_getaffinity(None).map_err(|error| format!("cannot tell the allowed cores: {error}"))?;
    // The last one, since the first has more of the system's own work.
    let core = (0..CpuSet::MAX_CPU).rev().find(|core| allowed.is_set(*core)).ok_or("no core is allowed")?;
    let mut one = CpuSet::new();
    one.set(core);
    sched_setaffinity(None, &one).map_err(|error| format!("cannot pin to core {core}: {error}"))?;
    Ok(core)
}

/// User and system time of this process so far.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("nanoseconds fit in 32 bits"))
}

/// Hands each line of standard input to `line`, in a thread. Its end is the parent's: this process ends with it.
pub(crate) fn obey(mut line: impl FnMut(&str) + Send + 'static) {
    std::thread::spawn(move || {
        for text in std::io::stdin().lines().map_while(Result::ok) {
            line(&text);
        }
        std::process::exit(0);
    });
}

/// Writes a line to the parent.
pub(crate) fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// A started process; it is killed when this is dropped.
pub(crate) struct Spawned {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Spawned {
    pub(crate) fn start(arguments: &[&str]) -> Result<Self, String> {
        let this = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
        let mut child = Command::new(this)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", arguments.join(" ")))?;
        let input = child.stdin.take().expect("was asked for");
        let output = BufReader::new(child.stdout.take().expect("was asked for"));
        Ok(Self { child, input, output })
    }

    pub(crate) fn say(&mut self, line: &str) -> Result<(), String> {
        writeln!(self.input, "{line}").map_err(|error| format!("is gone: {error}"))
    }

    /// The next line, without the word that it has to begin with.
    pub(crate) fn expect(&mut self, word: &str) -> Result<String, String> {
        let mut line = String::new();
        self.output.read_line(&mut line).map_err(|error| format!("cannot be read: {error}"))?;
        match line.trim_end().strip_prefix(word) {
            Some(rest) => Ok(rest.trim_start().to_owned()),
            None if line.is_empty() => Err(format!("ended before it said {word}")),
            None => Err(format!("said {line:?} in place of {word}")),
        }
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
