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
use crate::cli::operator::time::at_second;
use crate::node::admin::wire::{NodeStatus, Program, Retired, StatusRequest, WatchRequest};

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

/// Up to which version code may act that asks for it (`Node::active`), where that is older than what the node runs.
fn active(status: &NodeStatus) -> Option<String> {
    let NodeStatus { active, version, attends, .. } = status;
    let until = match attends {
        _ if active == version || active.is_empty() => return None,
        Some(_) => format!("its coordinator has finalized an upgrade to {version}"),
        None => format!("{version} is finalized"),
    };
    Some(format!("{active}: code that asks whether it may do what is newer waits until {until}"))
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
    let waits = !status.back.is_empty() && !status.next.is_empty();
    let once = if waits { format!(", once {} is finalized", status.version) } else { String::new() };
    line("next", &format!("{}{once}", next(status)));
    for over in status.program.iter().flat_map(|program| &program.passed_over) {
        line("unusable", over);
    }
    line("back", or_none(&status.back, "none: no upgrade waits to be finalized"));
    if let Some(active) = active(status) {
        line("active", &active);
    }
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
    for told in status.retired.iter().flat_map(retired) {
        line("retired", &told);
    }
    if let Some(attends) = &status.attends {
        let name = if attends.node.is_empty() { String::new() } else { format!(", as {}", attends.node) };
        line("attends", &format!("the coordinator at {}{name}", attends.coordinator));
    }
    if let Some(program) = &status.program {
        line("program", &of_program(program));
        if let Some(micros) = program.given_up_in_microseconds {
            let left = Duration::from_micros(micros);
            let waits =
                if program.process == 0 { "callers wait for it: it" } else { "callers are served; the new program" };
            line(
                "",
                &format!(
                    "{waits} is given up in {left:.0?} unless it says that it goes on (--ready-limit), or by straddle node abort"
                ),
            );
        }
        if let Some(failure) = &program.failure {
            line("failed", failure);
        }
    }
    text
}

/// What is retired and announced, a line each.
fn retired(retired: &Retired) -> Vec<String> {
    let mut told = Vec::new();
    let swept = match retired.swept_up_to.as_str() {
        "" => String::new(),
        swept if swept == retired.up_to => "; its objects' state is gone".to_owned(),
        swept => format!("; the state of objects up to {swept} is gone"),
    };
    if !retired.up_to.is_empty() {
        told.push(format!("up to {}{swept}", retired.up_to));
    }
    told.extend(retired.refused.iter().map(|why| format!("not all that was told: {why}")));
    for notice in &retired.notices {
        let dates = [("deprecated since", notice.deprecated_since), ("to be retired", notice.sunset)];
        let dates = dates.into_iter().filter(|(_, at)| *at != 0);
        let mut announced: Vec<String> = dates.map(|(what, at)| format!("{what} {}", at_second(at))).collect();
        announced.extend(notice.brownout.as_ref().map(|brownout| {
            let (seconds, every) = (brownout.seconds, brownout.every_seconds);
            format!("browned out for {seconds} s every {every} s from {} on", at_second(brownout.from))
        }));
        told.push(format!("soon up to {}: {}", notice.version, announced.join(", ")));
    }
    told
}

/// Where an upgrade leads, and what runs that.
fn next(status: &NodeStatus) -> String {
    match (&status.program, status.next.as_str()) {
        (None, "") => "none: its program has no version after this, or no state folder".to_owned(),
        (Some(program), "") if is_down(status) => format!("not known while release {} is down", program.release),
        (Some(program), "") if program.next_release.is_empty() => {
            format!("none: no release of its supervisor runs {} and a newer version", status.version)
        }
        (Some(Program { next_release, .. }), "") => {
            format!("none; release {next_release} runs {} as well: straddle node replace", status.version)
        }
        (Some(Program { next_release, .. }), next) if !next_release.is_empty() => {
            format!("{next}, by release {next_release}")
        }
        (_, next) => next.to_owned(),
    }
}

/// Whether no program serves, though none is being replaced.
pub(super) fn is_down(status: &NodeStatus) -> bool {
    status.under_way.is_none() && status.program.as_ref().is_some_and(|program| program.process == 0)
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
    if let Some(program) = status.program.as_ref().filter(|_| is_down(status)) {
        return match program.restarts_in_microseconds {
            Some(0) | None => "down: its program starts".to_owned(),
            Some(micros) => format!("down: its program is started again in {:.1?}", Duration::from_micros(micros)),
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_whose_program_is_down_says_so_and_when_it_comes() {
        let program = Program {
            release: "2.0.0".to_owned(),
            restarts_in_microseconds: Some(3_000_000),
            failure: Some("release 2.0.0: it was ended by signal 6".to_owned()),
            ..Program::default()
        };
        let version = "2.0.0".to_owned();
        let mut status = NodeStatus { version, phase: 1, program: Some(program), ..NodeStatus::default() };
        assert_eq!(doing(&status), "down: its program is started again in 3.0s");
        assert_eq!(json::status(&status)["phase"], "down");
        let told = text(&status);
        assert!(told.contains("not known while release 2.0.0 is down") && !told.contains("serving"), "{told}");
        if let Some(program) = &mut status.program {
            program.process = 7;
        }
        let told = text(&status);
        assert!(told.contains("none: no release of its supervisor runs 2.0.0 and a newer version"), "{told}");
        assert_eq!(doing(&status), "serving");
    }

    #[test]
    fn what_is_active_is_told_where_it_is_older_than_what_the_node_runs() {
        use crate::node::admin::wire::Attends;
        let own = |active: &str| NodeStatus {
            version: "2.0.0".to_owned(),
            active: active.to_owned(),
            phase: 1,
            ..NodeStatus::default()
        };
        assert!(!text(&own("2.0.0")).contains("active"), "{}", text(&own("2.0.0")));
        let waits = "active    1.1.0: code that asks whether it may do what is newer waits until ";
        let told = text(&own("1.1.0"));
        assert!(told.contains(&format!("{waits}2.0.0 is finalized\n")), "{told}");
        let told = text(&NodeStatus { attends: Some(Attends::default()), ..own("1.1.0") });
        assert!(told.contains(&format!("{waits}its coordinator has finalized an upgrade to 2.0.0\n")), "{told}");
    }
}
