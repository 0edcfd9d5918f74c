//! `straddle callers`: who calls what.

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use super::Outcome;
use super::arguments::CallersArguments;
use super::inspect::printable;
use super::node::{line, say};
use super::operator::table::table;
use super::operator::{self, Operator, time};
use crate::census::{LATE, TOLD_EACH};
use crate::control::v1_0_0::{
    CallerKind, CensusCaller, CensusGap, CensusNode, CensusOfService, CensusRow, ListCallersRequest,
    ListCallersResponse,
};

/// How often it is told again.
const EACH: Duration = Duration::from_secs(2);
/// Clears a terminal.
const CLEAR: &str = "\x1b[H\x1b[J";

pub(super) fn run(arguments: &CallersArguments) -> Outcome {
    operator::ask(&arguments.at, |operator| tell(operator, arguments))
}

async fn tell(mut operator: Operator, arguments: &CallersArguments) -> Outcome {
    loop {
        let request = operator.request(request(arguments));
        let told = match operator.client.list_callers(request).await {
            Ok(told) => told.into_inner(),
            Err(status) => return operator.failed(&status),
        };
        if operator.json {
            line(&as_json(arguments, &told))?;
        } else {
            let clear = if arguments.watch && io::stdout().is_terminal() { CLEAR } else { "" };
            say(&format!("{clear}{}", text(arguments, &told)))?;
        }
        if !arguments.watch {
            return Ok(ExitCode::SUCCESS);
        }
        tokio::time::sleep(EACH).await;
    }
}

fn request(arguments: &CallersArguments) -> ListCallersRequest {
    ListCallersRequest {
        protocol: arguments.protocol.clone(),
        version: arguments.version.as_ref().map(ToString::to_string).unwrap_or_default(),
        method: arguments.method.clone().unwrap_or_default().replace('/', "."),
        caller: arguments.caller.clone().unwrap_or_default(),
        unlabelled: arguments.unlabelled,
        within_microseconds: arguments.within.map_or(0, |within| u64::try_from(within.as_micros()).unwrap_or(u64::MAX)),
    }
}

fn text(arguments: &CallersArguments, told: &ListCallersResponse) -> String {
    let Some(since) = told.since_watched else {
        let protocol = printable(&arguments.protocol);
        return format!("no node of {protocol} has told yet who calls it\n{}", soon(told).trim_end());
    };
    let known = time::ago(told.watched.saturating_sub(since)).replace(" ago", "");
    let mut text = format!("calls of {}, counted for {known}\n\n", printable(&arguments.protocol));
    let rows: Vec<[String; 6]> =
        told.services.iter().flat_map(|service| service.rows.iter().map(|row| method(service, row, told))).collect();
    let callers = most_active(told);
    let shown = shown(&callers, arguments.most);
    match &arguments.caller {
        Some(name) if callers.is_empty() => {
            let nobody = format!("no caller is known whose name has {name:?} in it, of what was asked for\n");
            text.push_str(&printable(&nobody));
            text.push_str(&soon(told));
        }
        // These rows count the calls of all callers, whoever is asked for.
        Some(_) => {}
        None if rows.is_empty() => {
            text.push_str("nobody has called what was asked for\n");
            text.push_str(&soon(told));
        }
        None => {
            text.push_str(&table(["VERSION", "METHOD", "CALLS", "FAILED", "REFUSED", "LAST"], &rows, ""));
            text.push_str(if shown.is_empty() { "" } else { "\n" });
        }
    }
    if !shown.is_empty() {
        let rows: Vec<[String; 5]> = shown.iter().map(|(service, one)| caller(service, one, told)).collect();
        text.push_str(&table(["CALLER", "VERSION", "METHOD", "CALLS", "LAST"], &rows, ""));
    }
    if callers.len() > shown.len() {
        let more = format!("and {} more: --most 0 lists all\n", callers.len() - shown.len());
        text.push_str(&more);
    }
    for service in told.services.iter().filter(|service| service.callers_floor > 0) {
        let (version, name, floor) = (&service.version, &service.service, service.callers_floor);
        let line = format!("callers of {version} {name} that are not listed have made at most {floor} calls each\n");
        text.push_str(&printable(&line));
    }
    let missing: Vec<String> = missing(told).collect();
    if !missing.is_empty() {
        text.push_str("\nnot known:\n");
        let lines: Vec<String> = missing.iter().map(|line| format!("  {}", printable(line))).collect();
        text.push_str(&lines.join("\n"));
    }
    text.trim_end().to_owned()
}

/// When a call that was made by now is told.
fn soon(told: &ListCallersResponse) -> String {
    let first = Duration::from_micros(told.report_every_microseconds).min(TOLD_EACH);
    format!(
        "  help: nodes tell of a method's first call within {first:?}, and of others within {TOLD_EACH:?}; --watch shows when they do\n"
    )
}

/// The callers of all services, the most active first.
fn most_active(told: &ListCallersResponse) -> Vec<(&CensusOfService, &CensusCaller)> {
    let all = told.services.iter().flat_map(|service| service.callers.iter().map(move |caller| (service, caller)));
    let mut all: Vec<_> = all.collect();
    all.sort_by(|(_, one), (_, other)| other.calls.cmp(&one.calls).then_with(|| one.caller.cmp(&other.caller)));
    all
}

fn shown<T>(all: &[T], most: usize) -> &[T] {
    if most == 0 { all } else { &all[..all.len().min(most)] }
}

fn method(service: &CensusOfService, row: &CensusRow, told: &ListCallersResponse) -> [String; 6] {
    [
        labelled(&service.version, row.unlabelled),
        format!("{}.{}", service.service, row.method),
        row.begun.to_string(),
        row.failed.to_string(),
        row.refused.to_string(),
        time::ago(told.at.saturating_sub(row.last_seen)),
    ]
}

fn caller(service: &CensusOfService, caller: &CensusCaller, told: &ListCallersResponse) -> [String; 5] {
    let more = if caller.error > 0 { format!(" +{}", caller.error) } else { String::new() };
    [
        caller.caller.clone(),
        labelled(&service.version, caller.unlabelled),
        format!("{}.{}", service.service, caller.method),
        format!("{}{more}", caller.calls),
        time::ago(told.at.saturating_sub(caller.last_seen)),
    ]
}

fn labelled(version: &str, unlabelled: bool) -> String {
    if unlabelled { format!("{version}, no label") } else { version.to_owned() }
}

/// What is not known, in a line each.
fn missing(told: &ListCallersResponse) -> impl Iterator<Item = String> {
    let gaps = told.nodes.iter().flat_map(|node| {
        let line = |gap: &CensusGap| {
            format!("{} from {} to {}: {}", node.node, time::at(gap.from), time::at(gap.until), gap.why)
        };
        node.gaps.iter().map(line).collect::<Vec<_>>()
    });
    let late = told
        .nodes
        .iter()
        .filter(|node| is_late(node, told))
        .map(|node| format!("{} since {}: it has told nothing more", node.node, time::at(node.until)));
    let silent = told.silent.iter().map(|node| format!("{node}: it has told nothing yet"));
    gaps.chain(late).chain(silent)
}

pub(super) fn is_late(node: &CensusNode, told: &ListCallersResponse) -> bool {
    !node.closed && !node.forgotten && Duration::from_micros(told.watched.saturating_sub(node.until_watched)) > LATE
}

fn as_json(arguments: &CallersArguments, told: &ListCallersResponse) -> Value {
    let methods = told.services.iter().flat_map(|service| {
        service.rows.iter().map(move |row| {
            json!({
                "version": service.version,
                "unlabelled": row.unlabelled,
                "method": format!("{}.{}", service.service, row.method),
                "calls": row.begun,
                "answered": row.answered,
                "failed": row.failed,
                "refused": row.refused,
                "gone": row.gone,
                "first_seen": time::exact(row.first_seen),
                "last_seen": time::exact(row.last_seen),
            })
        })
    });
    let active = most_active(told);
    let callers = shown(&active, arguments.most).iter().map(|(service, caller)| {
        json!({
            "caller": caller.caller,
            "named": caller.kind() == CallerKind::Named,
            "version": service.version,
            "unlabelled": caller.unlabelled,
            "method": format!("{}.{}", service.service, caller.method),
            "calls": caller.calls,
            "error": caller.error,
            "first_seen": time::exact(caller.first_seen),
            "last_seen": time::exact(caller.last_seen),
        })
    });
    let others = told.services.iter().filter(|service| service.callers_floor > 0).map(|service| {
        json!({ "version": service.version, "service": service.service, "each_at_most": service.callers_floor })
    });
    let node = |node: &CensusNode| {
        let gap =
            |gap: &CensusGap| json!({ "from": time::exact(gap.from), "until": time::exact(gap.until), "why": gap.why });
        json!({
            "node": node.node,
            "from": time::exact(node.from),
            "until": time::exact(node.until),
            "closed": node.closed,
            "forgotten": node.forgotten,
            "late": is_late(node, told),
            "gaps": node.gaps.iter().map(gap).collect::<Vec<_>>(),
        })
    };
    json!({
        "protocol": arguments.protocol,
        "known_seconds": told.since_watched.map(|since| told.watched.saturating_sub(since) / 1_000_000),
        // What is known of one caller stands in `callers`: these count the calls of all.
        "methods": arguments.caller.is_none().then(|| methods.collect::<Vec<_>>()),
        "callers": callers.collect::<Vec<_>>(),
        "other_callers": others.collect::<Vec<_>>(),
        "nodes": told.nodes.iter().map(node).collect::<Vec<_>>(),
        "silent": told.silent,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> ListCallersResponse {
        let row = |method: &str, unlabelled, begun| CensusRow {
            method: method.to_owned(),
            unlabelled,
            begun,
            last_seen: 1_000_000_000,
            ..CensusRow::default()
        };
        let caller = |name: &str, calls, error| CensusCaller {
            caller: name.to_owned(),
            kind: CallerKind::Named.into(),
            method: "Get".to_owned(),
            calls,
            error,
            last_seen: 940_000_000,
            ..CensusCaller::default()
        };
        ListCallersResponse {
            services: vec![CensusOfService {
                version: "1.0.0".to_owned(),
                service: "shop.v1.Shop".to_owned(),
                rows: vec![row("Get", false, 12), row("Get", true, 3)],
                callers: vec![caller("billing", 9, 0), caller("tests\u{1b}", 2, 4)],
                callers_floor: 4,
                ..CensusOfService::default()
            }],
            silent: vec!["b".to_owned()],
            watched: 300_000_000,
            at: 1_000_000_000,
            since_watched: Some(0),
            ..ListCallersResponse::default()
        }
    }

    fn asked(most: &str) -> CallersArguments {
        use clap::{Args, Command, FromArgMatches};
        let matches = CallersArguments::augment_args(Command::new("callers"))
            .get_matches_from(["callers", "shop", "--most", most]);
        CallersArguments::from_arg_matches(&matches).expect("they are good")
    }

    #[test]
    fn who_calls_is_told_in_two_tables_with_what_is_not_known() {
        let text = text(&asked("1"), &told());
        let expected = "calls of shop, counted for 5 min\n\n\
            VERSION          METHOD            CALLS  FAILED  REFUSED  LAST\n\
            1.0.0            shop.v1.Shop.Get  12     0       0        just now\n\
            1.0.0, no label  shop.v1.Shop.Get  3      0       0        just now\n\n\
            CALLER   VERSION  METHOD            CALLS  LAST\n\
            billing  1.0.0    shop.v1.Shop.Get  9      60 s ago\n\
            and 1 more: --most 0 lists all\n\
            callers of 1.0.0 shop.v1.Shop that are not listed have made at most 4 calls each\n\n\
            not known:\n  b: it has told nothing yet";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_count_that_may_be_more_says_so_and_a_name_cannot_write_to_the_terminal() {
        let text = text(&asked("0"), &told());
        assert!(text.contains("2 +4") && !text.contains('\u{1b}'), "{text}");
        assert_eq!(as_json(&asked("0"), &told())["callers"][1]["error"], 4);
    }

    #[test]
    fn who_is_asked_for_is_told_alone() {
        let of = |name: &str| CallersArguments { caller: Some(name.to_owned()), ..asked("0") };
        let mut told = told();
        told.services[0].callers.truncate(1);
        told.services[0].callers_floor = 0;
        told.silent.clear();
        let expected = "calls of shop, counted for 5 min\n\n\
            CALLER   VERSION  METHOD            CALLS  LAST\n\
            billing  1.0.0    shop.v1.Shop.Get  9      60 s ago";
        assert_eq!(text(&of("bill"), &told), expected);
        let told_json = as_json(&of("bill"), &told);
        assert_eq!((&told_json["methods"], &told_json["callers"][0]["calls"]), (&Value::Null, &json!(9)));
        told.services.clear();
        assert!(text(&of("tea"), &told).contains("no caller is known whose name has \"tea\" in it"));
    }

    #[test]
    fn a_call_that_is_not_told_yet_is_waited_for() {
        let soon = "help: nodes tell of a method's first call within 2s, and of others within 30s; --watch shows";
        let mut told = ListCallersResponse { services: Vec::new(), report_every_microseconds: 2_000_000, ..told() };
        assert!(text(&asked("0"), &told).contains(&format!("nobody has called what was asked for\n  {soon}")));
        told.since_watched = None;
        assert!(text(&asked("0"), &told).contains(&format!("has told yet who calls it\n  {soon}")));
    }
}
