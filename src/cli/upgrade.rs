//! `straddle upgrade`: a fleet moved from version to version, by the coordinator.

mod doing;
mod text;
mod watch;

use std::process::ExitCode;

use tonic::{Response, Status};

use self::doing::Wish;
pub(super) use self::text::blockers;
use super::arguments::{
    Named, StartArguments, UpgradeArguments, UpgradeDirective, UpgradeStatusArguments, WantedUpgrade, Watch,
    WhichUpgrade,
};
use super::node::{line, say};
use super::operator::{self, Operator, json};
use super::{BadArguments, Outcome};
use crate::control::v1_0_0::{
    ChangeLimitsRequest, ChangedLimits, FinalizeUpgradeRequest, LetGoRequest, ListUpgradesRequest, OnFailedGate,
    PauseUpgradeRequest, ResumeUpgradeRequest, RollBackUpgradeRequest, StartUpgradeRequest, UpgradeStatus,
};

pub(super) fn run(arguments: &UpgradeArguments) -> Outcome {
    // Files are read before anybody is asked.
    let start = match &arguments.directive {
        UpgradeDirective::Start(arguments) => Some(wanted(&arguments.wanted, arguments.schedule.text()?)),
        _ => None,
    };
    operator::ask(&arguments.at, |operator| async move {
        match (&arguments.directive, start) {
            (UpgradeDirective::Start(arguments), Some(request)) => begin(operator, arguments, request).await,
            (directive, _) => other(operator, directive).await,
        }
    })
}

/// What the coordinator is asked for.
pub(super) fn wanted(wanted: &WantedUpgrade, schedule: String) -> StartUpgradeRequest {
    StartUpgradeRequest {
        protocol: wanted.protocol.clone(),
        to: wanted.version.to_string(),
        schedule,
        on_failed_gate: wanted.on_failed_gate.map_or(OnFailedGate::Unspecified, Into::into).into(),
        accept: wanted.accept.iter().map(|accepted| accepted.0.clone()).collect(),
        callers: wanted.callers.iter().map(|callers| callers.0.clone()).collect(),
        seed: wanted.seed.unwrap_or_default(),
    }
}

async fn begin(mut operator: Operator, arguments: &StartArguments, request: StartUpgradeRequest) -> Outcome {
    let request = operator.request(request);
    let started = operator.client.start_upgrade(request).await;
    told(operator, started, &arguments.watch, Wish::Forward).await
}

async fn other(mut operator: Operator, directive: &UpgradeDirective) -> Outcome {
    match directive {
        UpgradeDirective::Status(arguments) => status(operator, arguments).await,
        UpgradeDirective::Pause(arguments) => {
            let (number, wish) = match find(&mut operator, &arguments.which).await? {
                Ok(found) => found,
                Err(status) => return operator.failed(&status),
            };
            let request = operator.request(PauseUpgradeRequest { number, why: arguments.why.clone() });
            let paused = operator.client.pause_upgrade(request).await;
            told(operator, paused, &arguments.which.watch, wish).await
        }
        UpgradeDirective::Resume(arguments) => {
            let (number, wish) = match find(&mut operator, &arguments.which).await? {
                Ok(found) => found,
                Err(status) => return operator.failed(&status),
            };
            let accept = arguments.accept.iter().map(|accepted| accepted.0.clone()).collect();
            let request = operator.request(ResumeUpgradeRequest { number, accept });
            let resumed = operator.client.resume_upgrade(request).await;
            told(operator, resumed, &arguments.which.watch, wish).await
        }
        UpgradeDirective::Rollback(arguments) => {
            let (number, _) = match find(&mut operator, &arguments.which).await? {
                Ok(found) => found,
                Err(status) => return operator.failed(&status),
            };
            let request = operator.request(RollBackUpgradeRequest {
                number,
                why: arguments.why.clone(),
                accept_loss: arguments.accept_loss,
                accept: arguments.accept.iter().map(|accepted| accepted.0.clone()).collect(),
            });
            let goes_back = operator.client.roll_back_upgrade(request).await;
            told(operator, goes_back, &arguments.which.watch, Wish::Back).await
        }
        UpgradeDirective::Finalize(arguments) => {
            let (number, _) = match find(&mut operator, &arguments.which).await? {
                Ok(found) => found,
                Err(status) => return operator.failed(&status),
            };
            let request = operator.request(FinalizeUpgradeRequest { number });
            let finalizes = operator.client.finalize_upgrade(request).await;
            told(operator, finalizes, &arguments.which.watch, Wish::Forward).await
        }
        UpgradeDirective::Limits(arguments) => {
            let (number, wish) = match find(&mut operator, &arguments.which).await? {
                Ok(found) => found,
                Err(status) => return operator.failed(&status),
            };
            let limits = ChangedLimits {
                minimum_serving: arguments.minimum_serving.map(|least| least.to_string()),
                serving_by: arguments.serving_by.clone(),
                versions: arguments.versions,
                apart: arguments.apart,
            };
            let why = arguments.why.clone();
            let request = operator.request(ChangeLimitsRequest { number, limits: Some(limits), why });
            let changed = operator.client.change_limits(request).await;
            told(operator, changed, &arguments.which.watch, wish).await
        }
        UpgradeDirective::LetGo(arguments) => {
            let request = operator.request(LetGoRequest { number: arguments.number, nodes: arguments.nodes.clone() });
            let let_go = operator.client.let_go(request).await;
            told(operator, let_go, &Watch { watch: false, timeout: None }, Wish::Forward).await
        }
        // It has a request of its own.
        UpgradeDirective::Start(_) => Ok(ExitCode::SUCCESS),
    }
}

/// Tells what has become of an upgrade that was just begun or changed, and follows it where that is wanted.
async fn told(
    operator: Operator,
    status: Result<Response<UpgradeStatus>, Status>,
    watch: &Watch,
    wish: Wish,
) -> Outcome {
    let status = match status {
        Ok(status) => status.into_inner(),
        Err(status) => return operator.failed(&status),
    };
    if watch.watch {
        return watch::run(operator, &status, wish, watch.timeout).await;
    }
    if operator.json {
        line(&json::status(&status))?;
    } else {
        say(text::status(&status).trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn status(mut operator: Operator, arguments: &UpgradeStatusArguments) -> Outcome {
    let protocol = arguments.protocol.clone().unwrap_or_default();
    if arguments.all {
        let upgrades = match list(&mut operator, ListUpgradesRequest { protocol, number: 0, all: true }).await {
            Ok(upgrades) => upgrades,
            Err(status) => return operator.failed(&status),
        };
        if operator.json {
            line(&serde_json::json!({ "upgrades": upgrades.iter().map(json::status).collect::<Vec<_>>() }))?;
        } else if upgrades.is_empty() {
            say("there was no upgrade yet; `straddle upgrade start` begins one")?;
        } else {
            say(text::list(&upgrades).trim_end())?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let request = match &arguments.which.named {
        Some(named) => named_by(Some(named)),
        None => ListUpgradesRequest { protocol, ..Default::default() },
    };
    let upgrades = match list(&mut operator, request).await {
        Ok(upgrades) => upgrades,
        Err(status) => return operator.failed(&status),
    };
    let Some(upgrade) = only(&upgrades)? else {
        if operator.json {
            line(&serde_json::json!({ "upgrades": [] }))?;
        } else {
            say("there was no upgrade yet; `straddle upgrade start` begins one")?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    let wish = Wish::of(upgrade);
    if arguments.which.watch.watch {
        return watch::run(operator, upgrade, wish, arguments.which.watch.timeout).await;
    }
    if operator.json {
        line(&json::status(upgrade))?;
    } else {
        say(text::status(upgrade).trim_end())?;
    }
    Ok(doing::code(upgrade, wish))
}

/// The number of the upgrade that is meant, and where it leads.
async fn find(operator: &mut Operator, which: &WhichUpgrade) -> Result<Result<(u64, Wish), Status>, BadArguments> {
    let upgrades = match list(operator, named_by(which.named.as_ref())).await {
        Ok(upgrades) => upgrades,
        Err(status) => return Ok(Err(status)),
    };
    match only(&upgrades)? {
        Some(status) => Ok(Ok((doing::number(status), Wish::of(status)))),
        None => Err(BadArguments("there was no upgrade yet; `straddle upgrade start` begins one".to_owned())),
    }
}

/// Asks for the upgrade that somebody has named.
fn named_by(named: Option<&Named>) -> ListUpgradesRequest {
    match named {
        Some(Named::Number(number)) => ListUpgradesRequest { number: *number, ..Default::default() },
        Some(Named::Protocol(protocol)) => ListUpgradesRequest { protocol: protocol.clone(), ..Default::default() },
        None => ListUpgradesRequest::default(),
    }
}

async fn list(operator: &mut Operator, request: ListUpgradesRequest) -> Result<Vec<UpgradeStatus>, Status> {
    let request = operator.request(request);
    Ok(operator.client.list_upgrades(request).await?.into_inner().upgrades)
}

/// The one that is meant where nobody says which; of several protocols somebody has to.
fn only(upgrades: &[UpgradeStatus]) -> Result<Option<&UpgradeStatus>, BadArguments> {
    match upgrades {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        several => {
            let told: Vec<String> = several.iter().map(text::name).collect();
            Err(BadArguments(format!(
                "which upgrade is meant? the last ones are\n  {}\n  help: say its number, or its protocol",
                told.join("\n  ")
            )))
        }
    }
}
