//! `straddle node status`.

use std::fmt::Write;
use std::process::ExitCode;
use std::time::Duration;

use tonic::Status;

use super::json;
use super::{Client, Failure, connect, failed, line, say, unless_interrupted};
use crate::cli::Outcome;
use crate::cli::arguments::StatusArguments;
use crate::cli::inspect::printable;
use crate::node::admin::wire::{NodeStatus, Program, StatusRequest, WatchRequest};

pub(super) async fn run(arguments: &StatusArguments) -> Outcome {
    let at = &arguments.at;
    let mut client = match connect(at).await? {
        Ok(client) => client,
        Err(failure) => return failed(at, &failure),
    };
    let told = |status: &NodeStatus| match (at.json, arguments.watch) {
        (true, _) => line(&json::status(status)),
        (false, true) => say(&short(status)),
        (false, false) => say(&text(status)),
    };
    if arguments.watch {
        let ended = unless_interrupted(watch(client, |status| told(&status))).await;
        return match ended {
            // Whoever watches ends it so.
            None => Ok(ExitCode::SUCCESS),
            Some(Err(Watching::Output(error))) => Err(error.into()),
            Some(Err(Watching::Node(status))) => failed(at, &Failure::of(&at.address, &status, false)),
            Some(Ok(())) => failed(at, &Failure::of(&at.address, &Status::unavailable("the node has stopped"), false)),
        };
    }
    match client.status(StatusRequest {}).await {
        Ok(status) => {
            told(status.get_ref())?;
            Ok(ExitCode::SUCCESS)
        }
        Err(status) => failed(at, &Failure::of(&at.address, &status, false)),
    }
}

/// What ends watching.
enum Watching {
    Output(std::io::Error),
    Node(Status),
}

async fn watch(mut client: Client, tell: impl Fn(NodeStatus) -> std::io::Result<()>) -> Result<(), Watching> {
    let mut changes = client.watch(WatchRequest {}).await.map_err(Watching::Node)?.into_inner();
    while let Some(status) = changes.message().await.map_err(Watching::Node)? {
        tell(status).map_err(Watching::Output)?;
    }
    Ok(())
}

/// All of it, a line each.
fn text(status: &NodeStatus) -> String {
    let mut text = format!("{} {}, {}", status.protocol, status.version, doing(status));
    let mut line = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {name:<10}{}", printable(value));
    };
    line("serves", &status.served.join(", "));
    if !status.learned.is_empty() {
        line("learned", &format!("{}: from bundles; the program was built without", status.learned.join(", ")));
    }
    line("next", or_none(&status.next, "none: its program has no version after this, or no state folder"));
    line("back", or_none(&status.back, "none: no upgrade waits to be finalized"));
    line("active", &status.active);
    line("calls", &format!("{} running, {} waiting", status.calls_running, status.calls_waiting));
    if let Some(filling) = &status.filling {
        line("filling", &format!("{} of {} {}", filling.done, filling.total, filling.what));
    }
    for (name, told) in [("held", &status.held), ("failure", &status.failure), ("stuck", &status.stuck)] {
        if let Some(told) = told {
            line(name, told);
        }
    }
    if let Some(last) = &status.last {
        line("last", &moved(last));
    }
    if let Some(program) = &status.program {
        line("program", &of_program(program));
        if let Some(failure) = &program.failure {
            line("", failure);
        }
    }
    text
}

/// What a supervisor knows, on one line.
fn of_program(program: &Program) -> String {
    let process = match (program.process, program.restarts_in_microseconds) {
        (0, Some(micros)) => format!("not running, started in {:.1?}", Duration::from_micros(micros)),
        (0, None) if program.doing.is_empty() => "not serving yet".to_owned(),
        (0, None) => format!("not serving yet: {}", program.doing),
        (process, _) => format!("process {process}"),
    };
    let crashes = match program.crashes {
        0 => String::new(),
        1 => ", 1 crash".to_owned(),
        crashes => format!(", {crashes} crashes"),
    };
    let probation = if program.last_good.is_empty() || program.last_good == program.release {
        String::new()
    } else {
        format!(", on probation: crashes lead back to release {}", program.last_good)
    };
    format!("release {}, {process}{crashes}{probation}", program.release)
}

/// A move that is over, on one line.
pub(in crate::cli) fn moved(moved: &crate::node::admin::wire::Moved) -> String {
    let pause = Duration::from_micros(moved.pause_microseconds);
    let (drained, cut) = (moved.streams_drained, moved.streams_cut);
    let lost = match moved.lost {
        0 => String::new(),
        1 => ", 1 record given up".to_owned(),
        lost => format!(", {lost} records given up"),
    };
    let streams = if drained == 1 { "stream" } else { "streams" };
    format!(
        "{} -> {}, new calls waited {pause:.1?}, {drained} {streams} drained, {cut} cut{lost}",
        moved.from, moved.to
    )
}

/// The most important, on one line.
pub(super) fn short(status: &NodeStatus) -> String {
    let filling = status.filling.as_ref();
    let filling = filling.map(|filling| format!(", filling {} of {}", filling.done, filling.total)).unwrap_or_default();
    printable(&format!("{} {}, {}{filling}", status.protocol, status.version, doing(status)))
}

/// The phase, where it leads, and how far it has come.
pub(in crate::cli) fn doing(status: &NodeStatus) -> String {
    if status.stuck.is_some() {
        return "stuck: it answers no callers until its program is started again".to_owned();
    }
    let mut text = json::phase(status.phase);
    if let Some(way) = &status.under_way {
        let _ = write!(text, " {} {}", if way.back { "back to" } else { "to" }, way.to);
    }
    if let Some(work) = &status.progress {
        let _ = write!(text, ": {}", work.what);
        let _ = match (work.done, work.total) {
            (0, 0) => Ok(()),
            (done, 0) => write!(text, " {done}"),
            (done, total) => write!(text, " {done} of {total}"),
        };
    }
    if let Some(prepared) = &status.prepared {
        let left = Duration::from_micros(prepared.left_microseconds).as_secs();
        let _ = write!(text, ": prepared, waits {left} s more for the word");
    }
    if status.drained {
        text.push_str(", drained");
        if status.calls_running > 0 {
            let _ = write!(text, ", {} inside", status.calls_running);
        }
    }
    text
}

fn or_none<'a>(text: &'a str, none: &'a str) -> &'a str {
    if text.is_empty() { none } else { text }
}
