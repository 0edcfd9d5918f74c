//! A process of this same program that serves until its standard input ends.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;

/// How long a process may take to start, and to stop.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Running {
    name: &'static str,
    process: Child,
    /// It serves until this is closed.
    lifeline: Option<ChildStdin>,
    output: mpsc::UnboundedReceiver<String>,
    log: PathBuf,
}

impl Running {
    /// Starts it. Dropped, it is killed, unless it `ends_others`: then it ends by itself, and those before.
    pub(super) fn start(
        name: &'static str,
        folder: &Path,
        arguments: &[String],
        ends_others: bool,
    ) -> io::Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let mut process = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::options().create(true).append(true).open(&log)?)
            .kill_on_drop(!ends_others)
            .spawn()?;
        let lifeline = process.stdin.take();
        let Some(output) = process.stdout.take() else {
            return Err(io::Error::other("a process's output was not piped"));
        };
        Ok(Self { name, process, lifeline, output: lines(output), log })
    }

    /// The next line that it writes.
    pub(super) async fn line(&mut self) -> io::Result<String> {
        let line = tokio::time::timeout(PATIENCE, self.output.recv()).await.map_err(|_| {
            let what = format!("{} did not start within {PATIENCE:?}", self.name);
            io::Error::new(io::ErrorKind::TimedOut, what)
        })?;
        line.ok_or_else(|| self.failed("did not start"))
    }

    /// What stands at the end of the next line.
    pub(super) async fn address(&mut self) -> io::Result<String> {
        let line = self.line().await?;
        Ok(line.rsplit(' ').next().unwrap_or_default().to_owned())
    }

    /// Kills it as nothing else can be: it does not even notice.
    pub(super) async fn kill(&mut self) -> io::Result<()> {
        self.process.kill().await
    }

    /// Stops it as an operator would; an error when it did not stop well.
    pub(super) async fn stop(&mut self) -> io::Result<()> {
        drop(self.lifeline.take());
        match tokio::time::timeout(PATIENCE, self.process.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(self.failed(&format!("ended with {status}"))),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(self.failed(&format!("did not stop within {PATIENCE:?}"))),
        }
    }

    fn failed(&self, what: &str) -> io::Error {
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        io::Error::other(format!("{} {what}: {}", self.name, said.trim()))
    }
}

/// What it writes; all of it is read, so that it never waits for a reader.
fn lines(output: ChildStdout) -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            // Only the first lines have a reader.
            let _ = sender.send(line);
        }
    });
    receiver
}
