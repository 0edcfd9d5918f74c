//! `straddle retire`, `unretire` and `deprecate`: versions that are served no longer, or not for long.

mod obstacles;

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use tonic::Status;

use super::arguments::{DeprecateArguments, RetireArguments, UnretireArguments};
use super::inspect::printable;
use super::node::{line, say};
use super::operator::{self, Operator, time};
use super::{Outcome, count};
use crate::control::v1_0_0::{
    AnnounceRequest, CensusCaller, ListNodesRequest, NodeDescription, Notice, RetireObstacle, RetireRequest,
    RetireResponse, StoredRetiring, UnretireRequest,
};

/// How long nodes have to do what they are told, before it is told that they have not yet.
const HEARD_WITHIN: Duration = Duration::from_secs(10);
const ASKED_EACH: Duration = Duration::from_millis(100);
/// How long nodes have to tell what was called up to now, and how often that is looked at.
const TOLD_WITHIN: Duration = crate::census::LATE;
const TOLD_EACH: Duration = Duration::from_millis(500);
const NOT_YET: &str = "it has not said so yet";

pub(super) fn run(arguments: &RetireArguments) -> Outcome {
    operator::ask(&arguments.at, |operator| retire(operator, arguments))
}

pub(super) fn unretire(arguments: &UnretireArguments) -> Outcome {
    operator::ask(&arguments.at, |mut operator| async move {
        let protocol = arguments.protocol.clone();
        let request = operator.request(UnretireRequest { protocol, anyway: arguments.anyway });
        match operator.client.unretire(request).await {
            Ok(stored) => {
                let what = format!("all versions of {} are served again", arguments.protocol);
                in_force(&mut operator, &stored.into_inner(), &what).await
            }
            Err(status) => operator.failed(&status),
        }
    })
}

pub(super) fn deprecate(arguments: &DeprecateArguments) -> Outcome {
    operator::ask(&arguments.at, |mut operator| async move {
        let protocol = arguments.protocol.clone();
        let request = operator.request(AnnounceRequest { protocol, notice: Some(notice(arguments)) });
        let stored = match operator.client.announce(request).await {
            Ok(stored) => stored.into_inner(),
            Err(status) => return operator.failed(&status),
        };
        let announced = stored.retiring.as_ref().map(|retiring| retiring.notices.as_slice()).unwrap_or_default();
        let lines: Vec<String> = announced.iter().map(announcement).collect();
        let nothing = format!("nothing is announced to callers of {} any more", arguments.protocol);
        let what = if lines.is_empty() { nothing } else { lines.join("\n") };
        in_force(&mut operator, &stored, &what).await
    })
}

async fn retire(mut operator: Operator, arguments: &RetireArguments) -> Outcome {
    let response = match decided(&mut operator, arguments).await {
        Ok(response) => response,
        Err(status) => return operator.failed(&status),
    };
    let nodes = match response.retiring.as_ref().filter(|_| response.retired) {
        Some(stored) => match wait(&mut operator, stored).await {
            Ok(nodes) => Some(nodes),
            Err(status) => return operator.failed(&status),
        },
        None => None,
    };
    if operator.json {
        let mut told = as_json(&response);
        told["nodes"] = nodes.as_ref().map(InForce::json).into();
        line(&told)?;
    } else {
        say(&text(arguments, &response))?;
        if let Some(nodes) = &nodes {
            say(&nodes.text())?;
        }
    }
    let well = response.retired || (arguments.dry_run && response.obstacles.is_empty());
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Asks, and waits until all nodes have told what was called up to now: it counts as well.
async fn decided(operator: &mut Operator, arguments: &RetireArguments) -> Result<RetireResponse, Status> {
    let request = |dry_run, told_up_to| RetireRequest {
        protocol: arguments.protocol.clone(),
        version: arguments.version.to_string(),
        guard_microseconds: Some(u64::try_from(arguments.guard.as_micros()).unwrap_or(u64::MAX)),
        force: arguments.force,
        dry_run,
        grace_seconds: arguments.grace.as_secs().max(1),
        told_up_to,
    };
    let first = operator.request(request(!arguments.force, 0));
    let first = operator.client.retire(first).await?.into_inner();
    if arguments.force || first.retired || !first.obstacles.is_empty() {
        return Ok(first);
    }
    let until = Instant::now() + TOLD_WITHIN;
    let mut told = String::new();
    loop {
        let again = operator.request(request(arguments.dry_run, first.asked));
        let response = operator.client.retire(again).await?.into_inner();
        let recent = response.obstacles.iter().find(|obstacle| obstacle.rule == "recent");
        match recent {
            Some(recent) if response.obstacles.len() == 1 && Instant::now() < until => {
                if std::mem::replace(&mut told, recent.what.clone()) != recent.what {
                    eprintln!("waiting: {}", printable(&recent.what));
                }
            }
            _ => return Ok(response),
        }
        tokio::time::sleep(TOLD_EACH).await;
    }
}

/// Tells what holds now, and at which nodes it does.
async fn in_force(operator: &mut Operator, stored: &StoredRetiring, what: &str) -> Outcome {
    let nodes = match wait(operator, stored).await {
        Ok(nodes) => nodes,
        Err(status) => return operator.failed(&status),
    };
    if operator.json {
        line(&json!({ "retiring": retiring(stored), "nodes": nodes.json() }))?;
    } else {
        say(what)?;
        say(&nodes.text())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// At which nodes it holds.
struct InForce {
    nodes: usize,
    /// Where it does not, and why.
    not: Vec<(String, String)>,
}

impl InForce {
    fn text(&self) -> String {
        let there = self.nodes - self.not.len();
        let all = format!("  in force at {there} of {}", count(self.nodes as u64, "node", "nodes"));
        let not = self.not.iter().map(|(node, why)| format!("  not at {node}: {why}"));
        printable(&std::iter::once(all).chain(not).collect::<Vec<_>>().join("\n"))
    }

    fn json(&self) -> Value {
        let not = self.not.iter().map(|(node, why)| json!({ "node": node, "why": why }));
        json!({ "all": self.nodes, "not_in_force": not.collect::<Vec<_>>() })
    }
}

/// Waits a moment for all nodes that are heard to do what is wanted.
async fn wait(operator: &mut Operator, wanted: &StoredRetiring) -> Result<InForce, Status> {
    let until = Instant::now() + HEARD_WITHIN;
    loop {
        let request = ListNodesRequest { protocol: wanted.protocol.clone(), node: String::new() };
        let request = operator.request(request);
        let nodes = operator.client.list_nodes(request).await?.into_inner().nodes;
        let counted = nodes.iter().filter(|node| node.node.as_ref().is_some_and(|node| !node.forgotten));
        let counted: Vec<&NodeDescription> = counted.collect();
        let not = counted.iter().filter_map(|node| {
            let name = node.node.as_ref().map(|node| node.node.clone()).unwrap_or_default();
            Some((name, why_not(node, wanted)?))
        });
        let told = InForce { nodes: counted.len(), not: not.collect() };
        if told.not.iter().all(|(_, why)| why != NOT_YET) || Instant::now() >= until {
            return Ok(told);
        }
        tokio::time::sleep(ASKED_EACH).await;
    }
}

/// Why it does not hold at a node, if it does not.
fn why_not(node: &NodeDescription, wanted: &StoredRetiring) -> Option<String> {
    let own = node.retiring.as_ref();
    if own.is_some_and(|own| own.retiring == wanted.retiring && own.refused.is_none()) {
        return None;
    }
    Some(match own.and_then(|own| own.refused.clone()) {
        _ if !node.connected => "it is away, and hears of it when it comes back".to_owned(),
        Some(why) => why,
        None => NOT_YET.to_owned(),
    })
}

fn notice(arguments: &DeprecateArguments) -> Notice {
    let version = arguments.version.to_string();
    if arguments.off {
        return Notice { version, ..Notice::default() };
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    Notice {
        version,
        deprecated_since: now,
        sunset: arguments.sunset.map_or(0, |sunset| sunset.0),
        brownout: arguments.brownout.map(|times| times.from(now)),
    }
}

fn announcement(notice: &Notice) -> String {
    let mut parts = vec![format!("callers of {} and older are told that it is deprecated", notice.version)];
    if notice.sunset > 0 {
        parts.push(format!(", and goes at {}", time::at_second(notice.sunset)));
    }
    if let Some(brownout) = &notice.brownout {
        let (seconds, every) = (brownout.seconds, brownout.every_seconds);
        parts.push(format!("; they are refused for {seconds} s of each {every} s"));
    }
    printable(&parts.concat())
}

fn text(arguments: &RetireArguments, response: &RetireResponse) -> String {
    let RetireArguments { protocol, version, .. } = arguments;
    let obstacles = response.obstacles.len() as u64 + response.more;
    let listed = obstacles::listed(response);
    let back = format!("`straddle unretire {protocol}` takes it back");
    match (response.retired, obstacles) {
        (true, 0) => {
            format!("{protocol} {version} is retired, and all older versions: their callers are told so; {back}")
        }
        (true, _) => format!("{protocol} {version} is retired, and all older versions, although\n{listed}\n{back}"),
        (false, 0) => format!("nothing stands in the way of retiring {protocol} {version} and older"),
        (false, _) => {
            let things = count(obstacles, "thing stands", "things stand");
            let advice = obstacles::advice(arguments, &response.obstacles);
            format!("{protocol} {version} is not retired: {things} in the way\n{listed}\nwhat to do\n{advice}")
        }
    }
}

fn as_json(response: &RetireResponse) -> Value {
    let caller = |caller: &CensusCaller| {
        json!({
            "caller": caller.caller,
            "calls": caller.calls,
            "error": caller.error,
            "last_seen": time::exact(caller.last_seen),
        })
    };
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let obstacle = |obstacle: &RetireObstacle| {
        json!({
            "rule": obstacle.rule,
            "what": obstacle.what,
            "version": some(&obstacle.version),
            "method": some(&obstacle.method),
            "unlabelled": obstacle.unlabelled,
            "last_seen": time::exact(obstacle.last_seen),
            "callers": obstacle.callers.iter().map(caller).collect::<Vec<_>>(),
            "node": some(&obstacle.node),
        })
    };
    json!({
        "retired": response.retired,
        "obstacles": response.obstacles.iter().map(obstacle).collect::<Vec<_>>(),
        "more": response.more,
        "retiring": response.retiring.as_ref().map(retiring),
    })
}

/// What is retired and announced, for scripts.
pub(super) fn retiring(stored: &StoredRetiring) -> Value {
    let told = stored.retiring.clone().unwrap_or_default();
    let notice = |notice: &Notice| {
        json!({
            "version": notice.version,
            "deprecated_since": time::exact_second(notice.deprecated_since),
            "sunset": time::exact_second(notice.sunset),
            "brownout": notice.brownout.as_ref().map(|brownout| json!({
                "seconds": brownout.seconds,
                "every_seconds": brownout.every_seconds,
                "from": time::exact_second(brownout.from),
            })),
        })
    };
    json!({
        "protocol": stored.protocol,
        "retired_up_to": Some(told.retired_up_to).filter(|version| !version.is_empty()),
        "retired": time::exact(stored.retired),
        "by": stored.by,
        "notices": told.notices.iter().map(notice).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(more: &[&str]) -> RetireArguments {
        use clap::{Args, Command, FromArgMatches};
        let words = ["retire", "shop", "1.0.0"].into_iter().chain(more.iter().copied());
        let matches = RetireArguments::augment_args(Command::new("retire")).get_matches_from(words);
        RetireArguments::from_arg_matches(&matches).expect("they are good")
    }

    fn called(method: &str, unlabelled: bool, callers: &[(&str, u64, u64)]) -> RetireObstacle {
        let at = 1_763_000_000_000_000;
        let caller = |(name, calls, error): &(&str, u64, u64)| CensusCaller {
            caller: (*name).to_owned(),
            calls: *calls,
            error: *error,
            last_seen: at,
            ..CensusCaller::default()
        };
        RetireObstacle {
            rule: "called".to_owned(),
            what: "1.0.0 shop.v1.Shop.Get is called".to_owned(),
            version: "1.0.0".to_owned(),
            method: format!("shop.v1.Shop.{method}"),
            unlabelled,
            last_seen: at,
            callers: callers.iter().map(caller).collect(),
            ..RetireObstacle::default()
        }
    }

    fn unknown(rule: &str, what: &str) -> RetireObstacle {
        RetireObstacle { rule: rule.to_owned(), what: what.to_owned(), ..RetireObstacle::default() }
    }

    #[test]
    fn what_stands_in_the_way_is_told_with_what_to_do() {
        let obstacles = vec![
            unknown("young", "calls of shop are known for 2m 5s, up to 12s ago, and have to be for 14d"),
            called("Get", false, &[("billing", 12, 0), ("night-job", 3, 4)]),
            called("GetTotal", true, &[]),
            unknown("silent", "b has told nothing of its calls yet"),
        ];
        let response = RetireResponse { obstacles, more: 2, ..RetireResponse::default() };
        let expected = "\
shop 1.0.0 is not retired: 6 things stand in the way

not known
  young   calls of shop are known for 2m 5s, up to 12s ago, and have to be for 14d
  silent  b has told nothing of its calls yet

called
  VERSION          METHOD                 CALLER     CALLS  LAST
  1.0.0            shop.v1.Shop.Get       billing    12     2025-11-13T02:13:20Z
  1.0.0            shop.v1.Shop.Get       night-job  3 +4   2025-11-13T02:13:20Z
  1.0.0, no label  shop.v1.Shop.GetTotal  not known         2025-11-13T02:13:20Z

and 2 more

what to do
  move these callers to a newer version; `straddle callers shop` tells more of them
  wait until all that is not known is older than --guard
  see to the nodes that tell nothing, as `straddle nodes shop` shows them; those that are gone for good: `straddle nodes forget shop NODE`
  or retire it all the same: `straddle retire shop 1.0.0 --force`";
        assert_eq!(text(&asked(&[]), &response), expected);
    }

    #[test]
    fn what_was_forced_is_told_with_what_it_breaks() {
        let response = RetireResponse {
            retired: true,
            obstacles: vec![called("Get", false, &[("billing", 1, 0)])],
            ..RetireResponse::default()
        };
        let told = text(&asked(&["--force"]), &response);
        assert!(told.starts_with("shop 1.0.0 is retired, and all older versions, although\n\ncalled\n"), "{told}");
        assert!(told.ends_with("`straddle unretire shop` takes it back"), "{told}");
    }
}
