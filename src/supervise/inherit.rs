//! What a supervisor finds of the one before: a program that serves goes on, all others are ended.
//!
//! A supervisor that was killed takes its socket with it, but its program has that socket as well: it is taken back from there
//! (`pidfd_getfd(2)`). Where the system does not allow that, the program has to end, since nobody else could listen at the
//! address: callers are refused until its successor listens.

use std::net::TcpListener;
use std::time::Duration;

use tokio::time::timeout;

use super::journal::{Program, Written};
use super::machine::{Launch, Stage, Told};
use super::news::News;
use super::process::Process;
use super::sockets::listening;
use super::supervisor::Listener;

/// What is left.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub(super) serving: Option<(Program, Process)>,
    pub(super) callers: Option<TcpListener>,
}

/// Looks for the programs that were written down. `callers` is the socket, if it was passed on.
pub(super) async fn from_before(
    written: Option<&Written>,
    callers: Option<TcpListener>,
    stop: Duration,
    listener: &Listener,
) -> Left {
    let mut left = Left { serving: None, callers };
    for program in written.map(|written| written.programs.as_slice()).unwrap_or_default() {
        let Some(process) = program.name.find() else { continue };
        let kept =
            if fits(program, written) { keep(&process, &mut left.callers) } else { Err("it did not serve".to_owned()) };
        match kept {
            Ok(()) if left.serving.is_none() => {
                let (release, process_id) = (program.launch.release.clone(), program.name.process);
                listener(&News::Adopted { release, process: process_id });
                left.serving = Some((program.clone(), process));
            }
            kept => {
                let why = kept.err().unwrap_or_else(|| "another one serves".to_owned());
                listener(&News::Removed { process: program.name.process, why });
                remove(process, stop).await;
            }
        }
    }
    left
}

/// Whether it does what is to be done.
fn fits(program: &Program, written: Option<&Written>) -> bool {
    let Some(Written { record, .. }) = written else { return false };
    let (release, version) = (record.at.release.clone(), record.at.version.clone());
    let taken = matches!(record.stage, Stage::Back(_) | Stage::Return(_));
    let ready = program.ready.as_ref() == Some(&version);
    ready && !taken && program.launch == Launch { release, told: Told::Run(version) }
}

/// It goes on, if there is a socket to go on with.
fn keep(process: &Process, callers: &mut Option<TcpListener>) -> Result<(), String> {
    if callers.is_none() {
        let found = process.first_socket().and_then(listening);
        *callers = Some(found.map_err(|error| format!("its socket cannot be taken back: {error}"))?);
    }
    Ok(())
}

async fn remove(process: Process, stop: Duration) {
    process.terminate();
    let Ok(watched) = process.clone() else { return process.kill() };
    if timeout(stop, watched.ended()).await.is_err() {
        process.kill();
        process.ended().await;
    }
}
