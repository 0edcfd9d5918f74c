//! An explanation, as a table for people and as JSON for scripts.

use std::fmt::Write;

use bytes::Bytes;
use prost_reflect::DynamicMessage;
use serde_json::{Value, json};

use super::row::Row;
use super::{Hop, values};
use crate::cli::convert::failure::{self, Failure};
use crate::cli::convert::job::Job;
use crate::protocol::plan::Origin;

/// A table a hop.
pub(super) fn text(job: &Job, hops: &[Hop]) -> String {
    let mut text = String::new();
    if hops.is_empty() {
        let _ = writeln!(text, "{} {}: the same version", job.from().version(), job.source.full_name());
    }
    for hop in hops {
        let (from, to) = versions(job, hop);
        let file = step(job, hop).map(|(file, _)| format!("  ({file})")).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{from} {} -> {to} {}{file}", hop.message, hop.target);
        if hop.rows.is_empty() {
            text.push_str("  nothing is set, or everything passes as it is\n");
        }
        table(&mut text, &hop.rows.iter().map(cells).collect::<Vec<_>>());
    }
    text
}

/// The same for scripts, with what came of it.
pub(super) fn json(job: &Job, hops: &[Hop], converted: &Result<Bytes, Failure>) -> Result<Value, Failure> {
    let hops = hops.iter().map(|hop| {
        let (from, to) = versions(job, hop);
        json!({
            "from": from,
            "to": to,
            "message": hop.message,
            "target": hop.target,
            "fields": hop.rows.iter().map(|row| field(job, hop, row)).collect::<Vec<_>>(),
        })
    });
    let mut told = json!({
        "from": job.from().version().to_string(),
        "to": job.to().version().to_string(),
        "message": job.source.full_name(),
        "target": job.target.full_name(),
        "hops": hops.collect::<Vec<_>>(),
    });
    match converted {
        Ok(message) => {
            let message = DynamicMessage::decode(job.target.clone(), message.clone()).map_err(|error| {
                Failure::bad(format!("what came of the message is no {}: {error}", job.target.full_name()))
            })?;
            told["result"] = values::json(&message);
        }
        Err(Failure::Refused(refusal)) => told["refuse"] = failure::json(refusal),
        Err(Failure::Other(error)) => told["error"] = error.to_string().into(),
    }
    Ok(told)
}

fn versions(job: &Job, hop: &Hop) -> (String, String) {
    let version = |index: usize| job.protocol.versions()[index].version().to_string();
    (version(hop.way.0), version(hop.way.1))
}

fn field(job: &Job, hop: &Hop, row: &Row) -> Value {
    let mut told = json!({ "fate": row.fate.name(), "how": row.how, "rule": rule(job, hop, &row.origin) });
    let parts = [("path", row.path.clone().map(Value::from)), ("to", row.to.clone().map(Value::from))];
    for (name, value) in parts.into_iter().chain([("value", row.value.clone()), ("result", row.result.clone())]) {
        if let Some(value) = value {
            told[name] = value;
        }
    }
    told
}

/// Where it is said what becomes of the field.
fn rule(job: &Job, hop: &Hop, origin: &Origin) -> Value {
    match origin {
        Origin::Line(line) => match step(job, hop) {
            Some((file, text)) => {
                let said = text.lines().nth(line.saturating_sub(1)).map(|said| said.trim().trim_end_matches(','));
                json!({ "file": file, "line": line, "text": said })
            }
            None => json!({ "line": line }),
        },
        other => by(other).into(),
    }
}

fn by(origin: &Origin) -> &'static str {
    match origin {
        Origin::Line(_) => "rule",
        Origin::Name => "name",
        Origin::Number => "number",
        Origin::Schema => "schema",
    }
}

/// The step between the versions of a hop: its file and its text.
fn step<'a>(job: &'a Job, hop: &Hop) -> Option<(String, &'a str)> {
    let source = job.protocol.sources().get(hop.way.0.max(hop.way.1))?;
    source.step.as_ref().map(|(file, text)| (file.display().to_string(), text.as_str()))
}

const COLUMNS: usize = 6;

fn cells(row: &Row) -> [String; COLUMNS] {
    let by = match &row.origin {
        Origin::Line(line) => format!("line {line}"),
        other => by(other).to_owned(),
    };
    let valued = |path: Option<&String>, value: Option<&Value>| {
        let path = path.cloned().unwrap_or_default();
        value.map_or_else(|| path.clone(), |value| format!("{path} = {}", short(value)))
    };
    let arrow = if row.to.is_some() { "->" } else { "" };
    [
        row.fate.name().to_owned(),
        valued(row.path.as_ref(), row.value.as_ref()),
        arrow.to_owned(),
        valued(row.to.as_ref(), row.result.as_ref()),
        by,
        row.how.clone(),
    ]
}

/// A value that fits into a table.
fn short(value: &Value) -> String {
    const LONGEST: usize = 32;
    let text = value.to_string();
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}

fn table(text: &mut String, lines: &[[String; COLUMNS]]) {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    for line in lines {
        let mut written = String::new();
        for (cell, width) in line.iter().zip(widths) {
            let _ = write!(written, "  {cell:<width$}");
        }
        text.push_str(written.trim_end());
        text.push('\n');
    }
}
