//! What commands that ask the coordinator share: reaching it, and telling what went wrong.

pub(super) mod failure;
pub(super) mod json;
pub(super) mod table;
pub(super) mod time;
pub(super) mod words;

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use tonic::{Request, Status};

use self::failure::Failure;
use super::arguments::CoordinatorAddress;
use super::node::{line, say_aside};
use super::{BadArguments, Outcome, signals};
use crate::control::v1_0_0::operators_client;
use crate::control::v1_0_0::operators_client::OperatorsClient;
use crate::transport::{Channel, Labelled};

/// What a shell gives to a program that Ctrl-C has ended.
pub(super) const INTERRUPTED: u8 = 130;
/// The environment variable that says where the coordinator is.
const VARIABLE: &str = "STRADDLE_COORDINATOR";
const DEFAULT: &str = "127.0.0.1:7300";
/// A coordinator that takes longer has nothing to say any more.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);
/// Largest message from the coordinator: all nodes of a large fleet.
const LARGEST: usize = 64 << 20;

/// The coordinator, as a command speaks with it.
#[derive(Clone)]
pub(super) struct Operator {
    pub(super) client: OperatorsClient<Labelled<Channel>>,
    pub(super) address: String,
    pub(super) json: bool,
    who: String,
}

impl Operator {
    /// Reaches the coordinator.
    pub(super) async fn connect(at: &CoordinatorAddress) -> Result<Result<Self, Failure>, BadArguments> {
        let said = std::env::var(VARIABLE).ok().filter(|address| !address.is_empty());
        let address = at.coordinator.clone().or(said).unwrap_or_else(|| DEFAULT.to_owned());
        let channel = Channel::owner(&address).connect_timeout(at.wait).wait_limit(at.wait).build();
        let channel = channel.map_err(|error| BadArguments(error.to_string()))?;
        Ok(match channel.connect().await {
            Ok(()) => {
                let client = operators_client(channel).max_decoding_message_size(LARGEST);
                Ok(Self { client, address, json: at.json, who: who() })
            }
            Err(status) => Err(Failure::unreachable(&address, &status)),
        })
    }

    /// A request of whoever runs this program, which is answered soon or not at all.
    pub(super) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = self.following(message);
        request.set_timeout(ANSWERED_WITHIN);
        request
    }

    /// A request of whoever runs this program, whose answers come for as long as they like.
    pub(super) fn following<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Ok(who) = self.who.parse() {
            request.metadata_mut().insert("straddle-caller", who);
        }
        request
    }

    /// Tells of a failure, on standard error, and for scripts on standard output as well.
    pub(super) fn failed(&self, status: &Status) -> Outcome {
        failed(self.json, &Failure::of(&self.address, status))
    }
}

/// Asks the coordinator something, once it is reached.
pub(super) fn ask<F>(at: &CoordinatorAddress, asking: impl FnOnce(Operator) -> F) -> Outcome
where
    F: Future<Output = Outcome>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match Operator::connect(at).await? {
            Ok(operator) => tokio::select! {
                biased;
                () = signals::interrupted() => Ok(ExitCode::from(INTERRUPTED)),
                outcome = asking(operator) => outcome,
            },
            Err(failure) => failed(at.json, &failure),
        }
    })
}

pub(super) fn failed(json: bool, failure: &Failure) -> Outcome {
    if json {
        line(&serde_json::json!({ "error": failure.json() }))?;
    }
    say_aside(&failure.text());
    Ok(failure.code())
}

/// Who runs this program, for events.
fn who() -> String {
    let named = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let user = named("USER").or_else(|| named("LOGNAME")).or_else(|| named("USERNAME"));
    user.unwrap_or_else(|| "operator".to_owned())
}
