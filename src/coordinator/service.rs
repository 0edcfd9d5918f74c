//! The services of the coordinator, as `schemas/straddle` has them: who asks, and what they are told.

mod agents;
mod bundles;
mod events;
pub(super) mod failure;
mod operators;
mod publish;

use std::sync::Arc;

use tokio::sync::watch;
use tonic::Request;

use self::agents::AgentsService;
use self::bundles::Bundles;
use self::operators::OperatorsService;
use self::publish::Publishing;
use super::core::Core;
use super::database::Database;
use super::handle::Handle;
use crate::bundle::PublicKey;
use crate::control::v1_0_0::agents_server::AgentsServer;
use crate::control::v1_0_0::operators_server::OperatorsServer;
use crate::dispatch::Object;
use crate::metrics::{Kind, Page, Text};

/// Largest message of an agent or operator, in bytes; bundles come in parts.
pub(super) const LARGEST_MESSAGE: usize = 4 << 20;

/// Whose bundles are taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Trust {
    pub(super) keys: Vec<PublicKey>,
    pub(super) unsigned: bool,
}

/// The object of the control protocol's version 1.0.0.
pub(super) fn object(
    handle: &Handle,
    database: &Arc<dyn Database>,
    trust: Trust,
    stop: &watch::Receiver<bool>,
) -> Object {
    let agents = AgentsService { handle: handle.clone(), bundles: Bundles::new(database.clone()) };
    let operators = OperatorsService {
        handle: handle.clone(),
        database: database.clone(),
        publishing: Publishing::new(trust),
        stop: stop.clone(),
    };
    Object::of(AgentsServer::new(agents).max_decoding_message_size(LARGEST_MESSAGE))
        .and(OperatorsServer::new(operators).max_decoding_message_size(LARGEST_MESSAGE))
}

/// What is told to whoever asks for numbers. A coordinator that does not lead knows none of fleets, and says so with its own.
pub(super) fn metrics(handle: Handle) -> Page {
    Page::new(move || {
        let handle = handle.clone();
        async move {
            let mut text = Text::default();
            text.build();
            let read = handle.read(Core::numbers).await;
            let help =
                "1 for the coordinator that leads, and alone knows of nodes and upgrades; 0 for one that stands by.";
            text.single("straddle_coordinator_leads", Kind::Gauge, help, if read.is_ok() { 1.0 } else { 0.0 });
            Ok(text.into_text() + &read.unwrap_or_default())
        }
    })
}

/// Who asks, as it says itself.
fn caller<T>(request: &Request<T>) -> String {
    const LONGEST: usize = 128;
    let said = request.metadata().get("straddle-caller").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match said.trim() {
        "" => "somebody".to_owned(),
        said => said.chars().take(LONGEST).collect(),
    }
}
