//! `straddle node abort`.

use std::process::ExitCode;

use serde_json::json as object;

use super::{Failure, connect, failed, json, line, say, status};
use crate::cli::Outcome;
use crate::cli::arguments::AdminAddress;
use crate::node::admin::wire::{AbortRequest, StatusRequest};

pub(super) async fn run(at: &AdminAddress) -> Outcome {
    let mut client = match connect(at).await? {
        Ok(client) => client,
        Err(failure) => return failed(at, &failure),
    };
    if let Err(why) = client.abort(AbortRequest::default()).await {
        return failed(at, &Failure::of(&at.address, &why, false));
    }
    let told = match client.status(StatusRequest {}).await {
        Ok(told) => told.into_inner(),
        Err(why) => return failed(at, &Failure::of(&at.address, &why, true)),
    };
    if at.json {
        line(&object!({ "done": { "status": json::status(&told) } }))?;
    } else {
        say(&format!("the move is given up; the node: {}", status::short(&told)))?;
    }
    Ok(ExitCode::SUCCESS)
}
