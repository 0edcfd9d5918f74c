//! `straddle node learn`.

use std::fmt::Write;
use std::process::ExitCode;

use bytes::Bytes;
use tokio_stream::iter;

use super::{Failure, connect, failed, json, line, say, unless_interrupted};
use crate::bundle::{Bundle, PublicKey};
use crate::cli::arguments::LearnArguments;
use crate::cli::inspect::{self, printable};
use crate::cli::{BadArguments, Outcome, keygen};
use crate::node::admin::{parts, wire::LearnResponse};

/// Methods that are told of one by one.
const TOLD: usize = 20;

pub(super) async fn run(arguments: &LearnArguments) -> Outcome {
    let at = &arguments.at;
    let file = read(arguments)?;
    let mut client = match connect(at).await? {
        Ok(client) => client,
        Err(failure) => return failed(at, &failure),
    };
    match unless_interrupted(client.learn(iter(parts(&file)))).await {
        None => {
            let _ = say("stopped; whether the node has learned the bundle, `straddle node status` says");
            Ok(ExitCode::from(super::INTERRUPTED))
        }
        Some(Ok(learned)) => {
            let learned = learned.into_inner();
            if at.json {
                line(&serde_json::json!({ "learned": json::learned(&learned) }))?;
            } else {
                say(&text(&learned))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Some(Err(status)) => failed(at, &Failure::of(&at.address, &status, false)),
    }
}

/// The bundle, which is looked at here first: what is damaged need not travel.
fn read(arguments: &LearnArguments) -> Result<Bytes, BadArguments> {
    let keys = arguments.trust.iter().map(|file| keygen::public_key(file));
    let trusted = keys.collect::<Result<Vec<PublicKey>, BadArguments>>()?;
    let file = Bytes::from(inspect::read(&arguments.bundle)?);
    let read =
        if trusted.is_empty() { Bundle::read(file.clone()) } else { Bundle::read_trusted(file.clone(), &trusted) };
    match read {
        Ok(_) => Ok(file),
        Err(error) => Err(BadArguments(format!("{}: {}", arguments.bundle.display(), printable(&error.to_string())))),
    }
}

fn text(learned: &LearnResponse) -> String {
    let mut text = if learned.added.is_empty() {
        "the node knew all of it already".to_owned()
    } else {
        format!("the node has learned {}", learned.added.join(", "))
    };
    let kept = if learned.kept { "kept in its state folder" } else { "until it ends: it has no state folder" };
    // Writing to a string cannot fail.
    let _ = write!(text, "\n  bundle  {}, {kept}", learned.digest);
    let needs = &learned.needs_program;
    for lacking in needs.iter().take(TOLD) {
        let _ = write!(
            text,
            "\n  refused  {} of {}: needs the program of {}",
            lacking.method, lacking.version, lacking.program
        );
    }
    if needs.len() > TOLD {
        let _ = write!(text, "\n  and {} more, which --json tells", needs.len() - TOLD);
    }
    printable(&text)
}
