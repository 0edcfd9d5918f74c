//! `straddle events`: who did what when.

use std::process::ExitCode;

use super::Outcome;
use super::arguments::EventsArguments;
use super::inspect::printable;
use super::node::{line, say};
use super::operator::{self, Operator, json, time};
use crate::control::v1_0_0::{Event, EventsRequest};

pub(super) fn run(arguments: &EventsArguments) -> Outcome {
    operator::ask(&arguments.at, |operator| tell(operator, arguments))
}

async fn tell(mut operator: Operator, arguments: &EventsArguments) -> Outcome {
    let request = EventsRequest {
        after: arguments.after,
        follow: arguments.follow,
        protocol: arguments.protocol.clone().unwrap_or_default(),
        upgrade: arguments.upgrade.unwrap_or_default(),
        node: arguments.node.clone().unwrap_or_default(),
        newest: arguments.newest.unwrap_or_default(),
    };
    let request = operator.following(request);
    let mut events = match operator.client.events(request).await {
        Ok(events) => events.into_inner(),
        Err(status) => return operator.failed(&status),
    };
    loop {
        match events.message().await {
            Ok(Some(event)) if operator.json => line(&json::event(&event))?,
            Ok(Some(event)) => say(&text(&event))?,
            Ok(None) => return Ok(ExitCode::SUCCESS),
            Err(status) => return operator.failed(&status),
        }
    }
}

/// An event on one line.
pub(super) fn text(event: &Event) -> String {
    let upgrade = if event.upgrade == 0 { String::new() } else { format!("  upgrade {}", event.upgrade) };
    let node =
        if event.node.is_empty() || event.node == event.who { String::new() } else { format!("  {}", event.node) };
    let why = if event.why.is_empty() { String::new() } else { format!(": {}", event.why) };
    let text = format!(
        "{}  {}{upgrade}{node}  {}  {}  {}{why}",
        time::at(event.at),
        event.number,
        event.who,
        event.kind,
        event.what
    );
    printable(&text).replace('\n', " ")
}
