//! `straddle barrier`: several nodes switch at one word, none before all are prepared.
//!
//! ```text
//!            all prepared        written down             all told
//!  Preparing ───────────> Ready ─────────────> Decided ───────────> over, or stragglers that are tried again
//!      │ one is not,        │ too late, one is lost,       │ killed
//!      │ Ctrl-C             │ Ctrl-C                       v
//!      └──────> Aborted <───┘                    --resume tells, or tries, all that have not switched
//! ```
//!
//! The promise: none switches before all are prepared. Not that all switch: who does not hear the word in time refuses it, and
//! goes on under simulation. So the decision has to last longer than this program: it is in the [record] before anybody is
//! told, and stays there until all have switched. No two runs have one record.

mod decide;
mod nodes;
mod prepare;
mod record;
mod resume;
mod told;
mod word;

use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;

use tokio::time::Instant;

use self::nodes::{Member, Names};
use self::prepare::NotReady;
use self::record::{Record, RecordFile, Stage};
use self::told::Told;
use self::word::Given;
use super::arguments::BarrierArguments;
use super::node::look;
use super::{BadArguments, Outcome, signals};
use crate::node::admin::wire::NodeStatus;
use crate::version::Version;

/// What a run that left nodes behind ends with.
const STRAGGLERS: u8 = 3;

pub(super) fn run(arguments: &BarrierArguments) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match (&arguments.resume, &arguments.to) {
            (Some(file), _) => resume::run(arguments, file).await,
            (None, Some(to)) => begin(arguments, to).await,
            (None, None) => Err(BadArguments("say where to go with --to".to_owned()).into()),
        }
    })
}

async fn begin(arguments: &BarrierArguments, to: &Version) -> Outcome {
    let file = arguments.record.clone().unwrap_or_else(|| PathBuf::from(format!("straddle-barrier-{to}.json")));
    record::expect_none(&file).map_err(BadArguments)?;
    decide::distinct(&arguments.addresses).map_err(BadArguments)?;
    let mut told = Told::new(arguments.json);
    let Some(found) = unless_interrupted(nodes::connect_all(&arguments.addresses, arguments.wait)).await else {
        return told.nothing_begun("interrupted", &[]);
    };
    let (mut members, mut statuses, mut unreachable) = (Vec::new(), Vec::new(), Vec::new());
    for (address, found) in arguments.addresses.iter().zip(found?) {
        match found {
            Ok((member, status)) => {
                members.push(member);
                statuses.push((address.clone(), status));
            }
            Err(failure) => unreachable.push((address.clone(), failure)),
        }
    }
    if !unreachable.is_empty() {
        return told.nothing_begun("not all nodes can be reached", &unreachable);
    }
    let coordinated = |(address, status): &(String, NodeStatus)| {
        let start = format!("start {} {to} --together", status.protocol);
        look::by_its_coordinator(status, arguments.anyway, &start).err().map(|failure| (address.clone(), failure))
    };
    let coordinated: Vec<_> = statuses.iter().filter_map(coordinated).collect();
    if !coordinated.is_empty() {
        return told.nothing_begun("a coordinator tells these nodes when to move", &coordinated);
    }
    let (protocol, from) = decide::common(&statuses, to).map_err(BadArguments)?;
    let mut record = Record::begin(&protocol, &from, to, &arguments.addresses);
    let mut file = RecordFile::begin(&file, &record).map_err(BadArguments)?;

    let begun = Instant::now();
    let mut interrupted = pin!(signals::interrupted());
    let ready = prepare::all(&members, arguments, &mut record, &mut file, &mut told, &mut interrupted).await;
    let names = record.names();
    let decided = match ready {
        Ok(until) => {
            let deciding = decide_at_last(arguments, &members, &names, until, &mut record, &mut file, &mut told);
            tokio::select! {
                biased;
                () = &mut interrupted => Err(NotReady::interrupted()),
                decided = deciding => decided,
            }
        }
        Err(not_ready) => Err(not_ready),
    };
    if let Err(not_ready) = decided {
        let left = nodes::take_back(&members, &names, &not_ready.refused()).await;
        let forgotten = file.remove();
        return told.aborted(&not_ready, &left, Some(arguments.within), forgotten.err().as_deref());
    }
    // From here on all are told, whatever becomes of the output.
    let _ = told.decided(file.path(), begun.elapsed());
    let _ = step(arguments, "word").await;
    let given = word::give(&members, &record, &mut told).await;
    finish(arguments, &members, given, &mut record, &mut file, &mut told, &mut interrupted).await
}

/// From here on nothing is taken back, if it comes to its end.
async fn decide_at_last(
    arguments: &BarrierArguments,
    members: &[Member],
    names: &Names,
    until: Vec<Instant>,
    record: &mut Record,
    file: &mut RecordFile,
    told: &mut Told,
) -> Result<(), NotReady> {
    step(arguments, "decision").await.map_err(|error| NotReady::here(error.to_string()))?;
    nodes::still_prepared(members, names, arguments.wait).await.map_err(NotReady::of)?;
    decide::time_is_left(Instant::now(), &until, arguments.within).map_err(NotReady::here)?;
    told.end_progress();
    record.stage = Stage::Decided;
    file.write(record).map_err(|why| NotReady::here(format!("the decision cannot be written down: {why}")))
}

/// Tries those again that have not switched, and says what has become of all.
async fn finish(
    arguments: &BarrierArguments,
    members: &[Member],
    mut given: Given,
    record: &mut Record,
    file: &mut RecordFile,
    told: &mut Told,
    interrupted: &mut (impl Future<Output = ()> + Unpin),
) -> Outcome {
    record.switched(given.switched());
    if given.has_stragglers() {
        // Should this program be killed meanwhile, nodes say themselves that they have switched.
        let _ = file.write(record);
        let _ = told.retrying(&given, arguments.retry);
        // Ctrl-C ends the trying; those that are under way go on at their nodes.
        let tried = record.clone();
        tokio::select! {
            biased;
            () = interrupted => {}
            () = word::try_again(members, &mut given, &tried, arguments.retry, told) => {}
        }
        record.switched(given.switched());
    }
    // Nobody has to go on with a run that has left nobody behind.
    let noted = if given.has_stragglers() { file.write(record) } else { file.remove() };
    told.over(record, file.path(), &given, noted.err().as_deref())?;
    Ok(if given.has_stragglers() { ExitCode::from(STRAGGLERS) } else { ExitCode::SUCCESS })
}

/// What comes of something, or `None` after Ctrl-C.
async fn unless_interrupted<T>(something: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = signals::interrupted() => None,
        came = something => Some(came),
    }
}

/// Waits for a line on standard input, for those who go through it step by step.
async fn step(arguments: &BarrierArguments, before: &str) -> io::Result<()> {
    if !arguments.stepwise {
        return Ok(());
    }
    super::node::line(&serde_json::json!({ "waits": before }))?;
    // A thread of its own: a read that blocks must not hold up the end of the runtime.
    let (read, line) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = io::stdin().read_line(&mut String::new());
        let _ = read.send(());
    });
    let _ = line.await;
    Ok(())
}
