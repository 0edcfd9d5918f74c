//! What a supervisor finds of the one before: a program that serves goes on, all others are ended.
//!
//! A supervisor that was killed takes its socket with it, but its programs have that socket as well: it is taken back from there
//! (`pidfd_getfd(2)`), also from one that is to be ended, so that no connection is refused meanwhile. Where the system does not
//! allow that, a program that serves has to end, since nobody else could listen at the address: callers are refused until its
//! successor listens.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use tokio::time::timeout;

use super::journal::{Program, Written};
use super::machine::{Launch, Stage, Told};
use super::news::News;
use super::process::Process;
use super::sockets::listening;
use super::supervisor::Listener;

/// How long a program that was not ready may take to end.
const MOMENT: Duration = Duration::from_secs(5);

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
        let found = take_back(&process, &mut left.callers, written);
        let kept = match (unfit(program, written), found) {
            (None, found) => found,
            (Some(why), Ok(())) => Err(why.to_owned()),
            (Some(why), Err(found)) => Err(format!("{why}; {found}")),
        };
        match kept {
            Ok(()) if left.serving.is_none() => {
                let (release, process_id) = (program.launch.release.clone(), program.name.process);
                listener(&News::Adopted { release, process: process_id });
                left.serving = Some((program.clone(), process));
            }
            kept => {
                let why = kept.err().unwrap_or_else(|| "another one serves".to_owned());
                listener(&News::Removed { process: program.name.process, why });
                remove(process, patience(program, written, stop)).await;
            }
        }
    }
    left
}

/// Why it does not do what is to be done, if it does not.
fn unfit(program: &Program, written: Option<&Written>) -> Option<&'static str> {
    let record = &written?.record;
    // Which version it runs does not matter: it may have moved within itself, and nobody was there to hear of it.
    let Launch { release, told } = &program.launch;
    if program.ready.is_none() || *release != record.at.release || !matches!(told, Told::Run(_)) {
        return Some("it did not serve");
    }
    match record.stage {
        // It may be anywhere on its way, and hang there; asked to stop, it comes to the end of it, and the next one goes on.
        Stage::Handing(_) => Some("it was told to hand over"),
        Stage::Back(_) | Stage::Return(_) => Some("another one has to take its place"),
        Stage::Run | Stage::Beside(_) | Stage::Take(_) => None,
    }
}

/// Finds the callers' socket, unless it is known.
fn take_back(process: &Process, callers: &mut Option<TcpListener>, written: Option<&Written>) -> Result<(), String> {
    if callers.is_none() {
        let found = process.first_socket().and_then(listening).and_then(|found| {
            // What it does not need it may have closed, and its number be another socket's.
            let own = written
                .is_some_and(|written| found.local_addr().is_ok_and(|at| at.to_string() == written.supervisor.callers));
            if own { Ok(found) } else { Err(io::Error::other("it is another one")) }
        });
        *callers = Some(found.map_err(|error| format!("its socket cannot be taken back: {error}"))?);
    }
    Ok(())
}

/// How long it may take to end. Nobody is with one that was not ready, and what it does of a move the state's journal knows: it is given a
/// moment to come to the end of it. One that was checked beside another has nothing of the state.
fn patience(program: &Program, written: Option<&Written>, stop: Duration) -> Duration {
    match written.map(|written| &written.record.stage) {
        Some(Stage::Beside(_)) if program.ready.is_none() => Duration::ZERO,
        _ if program.ready.is_none() => stop.min(MOMENT),
        _ => stop,
    }
}

async fn remove(process: Process, stop: Duration) {
    if !stop.is_zero() {
        process.terminate();
    }
    let Ok(watched) = process.clone() else { return process.kill() };
    if timeout(stop, watched.ended()).await.is_err() {
        process.kill();
        process.ended().await;
    }
}
