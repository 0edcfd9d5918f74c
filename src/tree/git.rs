//! The `git` program, run so that it only reads objects that are there.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use super::TreeError;

/// What it printed.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) succeeded: bool,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
}

/// How much of what it says about errors is kept.
const COMPLAINT: u64 = 16 << 10;

/// Runs git in this directory with these arguments and this input; its output may have `limit` bytes.
pub(super) fn run<S: AsRef<OsStr>>(
    directory: &Path,
    arguments: &[S],
    input: &[u8],
    limit: u64,
) -> Result<Output, TreeError> {
    let mut command = Command::new("git");
    command.current_dir(directory);
    // What a tag says is what its commit says, whatever this clone would put in its place.
    command.arg("--no-replace-objects").args(arguments);
    command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0");
    // A clone without all its objects would call for them over the network, one by one.
    command.env("GIT_NO_LAZY_FETCH", "1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            let advice = "install git, or name a folder on disk";
            TreeError::new("the program `git` was not found", advice)
        } else {
            failed(&error)
        }
    })?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    // All three at once, since each may fill up while git waits for another one.
    let (output, complaint) = thread::scope(|scope| {
        scope.spawn(|| {
            // It closes its input where it has seen enough; what it says tells why.
            stdin.map(|mut stdin| stdin.write_all(input))
        });
        let complaint = scope.spawn(|| read(stderr, COMPLAINT));
        let output = read(stdout, limit + 1);
        if output.as_ref().is_ok_and(|output| output.len() as u64 > limit) {
            // Nobody reads on, so it would wait for ever; where it has ended by itself there is nothing to end.
            let _ = child.kill();
        }
        (output, complaint.join().unwrap_or_else(|_| Ok(Vec::new())))
    });
    let status = child.wait().map_err(|error| failed(&error))?;
    let stdout = output.map_err(|error| failed(&error))?;
    if stdout.len() as u64 > limit {
        let what = format!("git prints more than {limit} bytes for it");
        return Err(TreeError::new(what, "name the folder that holds the protos and nothing else"));
    }
    let stderr = String::from_utf8_lossy(&complaint.unwrap_or_default()).trim().to_owned();
    Ok(Output { succeeded: status.success(), stdout, stderr })
}

fn read(source: Option<impl Read>, limit: u64) -> io::Result<Vec<u8>> {
    let mut found = Vec::new();
    if let Some(source) = source {
        source.take(limit).read_to_end(&mut found)?;
    }
    Ok(found)
}

fn failed(error: &io::Error) -> TreeError {
    TreeError::new(format!("git could not be run: {error}"), "check that `git --version` works here")
}

impl Output {
    /// What it printed, where it succeeded.
    pub(super) fn checked(self) -> Result<Vec<u8>, TreeError> {
        if self.succeeded { Ok(self.stdout) } else { Err(self.complaint()) }
    }

    /// What it complained of.
    pub(super) fn complaint(&self) -> TreeError {
        let said = self.stderr.lines().filter(|line| !line.is_empty()).take(3).collect::<Vec<_>>().join("; ");
        let advice = if said.contains("not a git repository") {
            "run it within the repository, or name a folder on disk"
        } else if said.contains("dubious ownership") {
            "tell git that you trust the repository: git config --global --add safe.directory PATH"
        } else {
            "check that the repository is whole: git fsck"
        };
        TreeError::new(format!("git says: {}", if said.is_empty() { "nothing" } else { &said }), advice)
    }
}
