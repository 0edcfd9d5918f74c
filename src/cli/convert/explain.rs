//! What became of each field of a message, hop by hop, and which rule did it.
//!
//! Versions are crossed one after the other here, as the plans of the steps say, so that each hop can be told of by
//! itself; that comes to the same as the one rewrite over all of them.

mod place;
mod report;
mod row;
mod values;
mod walk;
mod wording;

use bytes::Bytes;
use prost_reflect::DynamicMessage;

use self::row::Row;
use self::walk::Walk;
use super::failure::Failure;
use super::files::Output;
use super::job::{self, Job};
use super::names;
use crate::cli::arguments::ConvertArguments;
use crate::protocol::plan::Direction;
use crate::rewrite::{Limits, Rewrite};

/// One hop: what became of the message between two adjacent versions.
struct Hop {
    /// Indices of the versions.
    way: (usize, usize),
    /// Full names of the message on both sides.
    message: String,
    target: String,
    rows: Vec<Row>,
}

/// Prints it on standard output; `converted` is what came of the message.
pub(super) fn print(
    job: &Job,
    message: &Bytes,
    converted: &Result<Bytes, Failure>,
    arguments: &ConvertArguments,
) -> Result<(), Failure> {
    let hops = hops(job, message)?;
    let text = if arguments.json {
        let mut text = serde_json::to_vec_pretty(&report::json(job, &hops, converted)?)
            .map_err(|error| Failure::bad(error.to_string()))?;
        text.push(b'\n');
        text
    } else {
        report::text(job, &hops).into_bytes()
    };
    let mut output = Output::create(None)?;
    output.write_all(&text)?;
    Ok(output.flush()?)
}

/// The hops up to the one that refuses, that one included.
fn hops(job: &Job, message: &Bytes) -> Result<Vec<Hop>, Failure> {
    let (from, to) = job.way;
    let mut hops = Vec::new();
    let (mut at, mut name, mut bytes) = (from, job.source.full_name().to_owned(), message.clone());
    while at != to {
        let (next, direction) = if at < to { (at + 1, Direction::Up) } else { (at - 1, Direction::Down) };
        let (hop, went_on) = hop(job, (at, next), direction, &name, &bytes)?;
        name.clone_from(&hop.target);
        hops.push(hop);
        match went_on {
            Some(went_on) => (at, bytes) = (next, went_on),
            None => break,
        }
    }
    Ok(hops)
}

/// One hop, and the message behind it, unless it is refused there.
fn hop(
    job: &Job,
    way: (usize, usize),
    direction: Direction,
    message: &str,
    bytes: &Bytes,
) -> Result<(Hop, Option<Bytes>), Failure> {
    let (protocol, versions) = (&job.protocol, job.protocol.versions());
    let rewrite = Rewrite::new(protocol, way.0, way.1, message, job.used)
        .map_err(|error| Failure::bad(job::no_rewrite(protocol, direction == Direction::Up, &error)))?;
    let target = rewrite.target().to_owned();
    let decode = |index: usize, name: &str, bytes: &Bytes| {
        let descriptor = names::message(&versions[index], name).map_err(Failure::bad)?;
        DynamicMessage::decode(descriptor, bytes.clone())
            .map_err(|error| Failure::bad(format!("this is no {name} of {}: {error}", versions[index].version())))
    };
    let source = decode(way.0, message, bytes)?;
    let (went_on, refusal) = match rewrite.apply(bytes, &Limits::default()) {
        Ok(rewritten) => (Some(rewritten.into_bytes()), None),
        Err(error) => match Failure::from(error) {
            Failure::Refused(refusal) => (None, Some(refusal)),
            other @ Failure::Other(_) => return Err(other),
        },
    };
    let beside = went_on.as_ref().map(|bytes| decode(way.1, &target, bytes)).transpose()?;
    // The step between two versions has the index of the older one.
    let plans = protocol.steps()[way.0.min(way.1)].plans(direction);
    let mut rows = Walk::new(plans, job.used).rows(message, &target, &source, beside.as_ref());
    if let Some(refusal) = refusal {
        row::refused(&mut rows, &refusal);
    }
    Ok((Hop { way, message: message.to_owned(), target, rows }, went_on))
}
