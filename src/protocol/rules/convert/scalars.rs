//! What is done to one scalar so that it becomes another.

use std::sync::Arc;

use prost_reflect::Kind;

use super::kinds::{self, Class};
use super::tables;
use super::{Pair, TextEncoding, Unit, enums};
use crate::protocol::plan::{Change, Direction, Encoding, Rounding, Table};

/// The changes that lead from one to the other.
///
/// # Errors
/// When nothing says how they meet.
pub(super) fn changes(pair: &Pair<'_>, source: &Class, target: &Class) -> Result<Vec<Change>, String> {
    let options = pair.options;
    if let (Class::Enum(source), Class::Enum(target)) = (source, target) {
        return Ok(enums::table(pair, source, target)?.map(in_table).into_iter().collect());
    }
    if let (Class::Enum(_), Class::Text) | (Class::Text, Class::Enum(_)) = (source, target)
        && (options.text.is_some() || options.values.is_some())
    {
        return Ok(vec![in_table(tables::spelled(pair, source, target)?)]);
    }
    if let Some(values) = &options.values {
        let mut changes = vec![in_table(tables::of_values(pair, values, source, target)?)];
        changes.extend(fit(source, target));
        return Ok(changes);
    }
    match (source, target) {
        (Class::Integer(_) | Class::Float { .. }, Class::Integer(_) | Class::Float { .. }) => {
            numbers(pair, source, target)
        }
        (Class::Bool, Class::Bool)
        | (Class::Text, Class::Text)
        | (Class::Bytes, Class::Bytes)
        | (Class::Timestamp, Class::Timestamp)
        | (Class::Duration, Class::Duration) => Ok(Vec::new()),
        (Class::Text, Class::Bytes) => Ok(vec![match encoding(options.encoding) {
            Some(encoding) => Change::Decode(encoding),
            None => Change::AsBytes,
        }]),
        (Class::Bytes, Class::Text) => Ok(vec![match encoding(options.encoding) {
            Some(encoding) => Change::Encode(encoding),
            None => Change::Utf8,
        }]),
        (Class::Enum(_), Class::Integer(kind)) if options.number => Ok(Some(kind)
            .filter(|kind| !kinds::holds(&Kind::Int32, kind))
            .cloned()
            .map(Change::Fit)
            .into_iter()
            .collect()),
        (Class::Integer(_), Class::Enum(declared)) if options.number => Ok(enums::by_number(declared)),
        (Class::Text | Class::Bool, Class::Bool | Class::Text) if options.text.is_some() => {
            Ok(vec![in_table(tables::truth(source))])
        }
        (Class::Text, Class::Integer(_) | Class::Float { .. }) if options.text.is_some() => {
            let (parse, parsed) = match target {
                Class::Float { single } => {
                    // What is scaled is rounded once, in the end.
                    let single = *single && options.scale.is_none();
                    (Change::ParseFloat { single }, Class::Float { single })
                }
                // As wide as any: what it must fit is the target.
                _ => (Change::ParseInteger, Class::Integer(Kind::String)),
            };
            let mut changes = vec![parse];
            changes.extend(numbers(pair, &parsed, target)?);
            Ok(changes)
        }
        (Class::Integer(_) | Class::Float { .. }, Class::Text) if options.text.is_some() => {
            let mut changes: Vec<Change> = scale(pair)?.into_iter().collect();
            changes.push(match source {
                Class::Float { single } => Change::FormatFloat { single: *single && options.scale.is_none() },
                _ => Change::FormatInteger,
            });
            Ok(changes)
        }
        (Class::Text, Class::Timestamp) if options.text.is_some() => Ok(vec![Change::ParseTime]),
        (Class::Timestamp, Class::Text) if options.text.is_some() => Ok(vec![Change::FormatTime]),
        (Class::Integer(_), Class::Timestamp | Class::Duration) if options.unit.is_some() => {
            Ok(options.unit.and_then(|unit| scaled(nanoseconds(unit), 1, Rounding::Refuse)).into_iter().collect())
        }
        (Class::Timestamp | Class::Duration, Class::Integer(kind)) if options.unit.is_some() => {
            let rounding = options.rounding.unwrap_or(Rounding::Refuse);
            let scale = options.unit.and_then(|unit| scaled(1, nanoseconds(unit), rounding));
            Ok(scale.into_iter().chain([Change::Fit(kind.clone())]).collect())
        }
        _ => Err(pair.open(advice(source, target).or_else(|| advice(target, source)))),
    }
}

/// What to write so that the two meet.
fn advice(one: &Class, other: &Class) -> Option<&'static str> {
    Some(match (one, other) {
        (Class::Text, Class::Integer(_) | Class::Float { .. } | Class::Bool) => "`text = \"decimal\"`",
        (Class::Text, Class::Enum(_)) => "`text = \"decimal\"`, `values = { … }`",
        (Class::Text, Class::Timestamp) => "`text = \"rfc3339\"`",
        (Class::Integer(_), Class::Float { .. }) => "`rounding = \"refuse\"`, `scale = 1`",
        (Class::Integer(_), Class::Enum(_)) => "`number = \"value\"`, `values = { … }`",
        (Class::Integer(_), Class::Timestamp | Class::Duration) => "`unit = \"s\"` or another unit",
        (Class::Bool, Class::Integer(_) | Class::Enum(_)) => "`values = { false = …, true = … }`",
        _ => return None,
    })
}

fn numbers(pair: &Pair<'_>, source: &Class, target: &Class) -> Result<Vec<Change>, String> {
    let options = pair.options;
    let scale = scale(pair)?;
    let mut changes = Vec::new();
    match (source, target) {
        (Class::Integer(_), Class::Integer(kind)) => {
            let scaled = scale.is_some();
            changes.extend(scale);
            if scaled {
                changes.push(Change::Fit(kind.clone()));
            } else {
                changes.extend(fit(source, target));
            }
        }
        (Class::Integer(_), Class::Float { single }) => {
            if options.rounding.is_none() && options.scale.is_none() {
                return Err(pair.open(advice(source, target)));
            }
            changes.push(Change::IntegerToFloat);
            changes.extend(scale);
            changes.extend(single.then_some(Change::ToSingle));
        }
        (Class::Float { .. }, Class::Integer(kind)) => {
            if options.rounding.is_none() && options.scale.is_none() {
                return Err(pair.open(advice(target, source)));
            }
            changes.extend(scale);
            changes.push(Change::FloatToInteger(options.rounding.unwrap_or(Rounding::Refuse)));
            changes.push(Change::Fit(kind.clone()));
        }
        (Class::Float { single: was }, Class::Float { single }) => {
            let exact = *was && scale.is_none();
            changes.extend(scale);
            changes.extend((*single && !exact).then_some(Change::ToSingle));
        }
        _ => return Err(pair.open(None)),
    }
    Ok(changes)
}

/// The check that an integer fits, unless it always does.
fn fit(source: &Class, target: &Class) -> Option<Change> {
    match (source, target) {
        (Class::Integer(source), Class::Integer(target)) if !kinds::holds(source, target) => {
            Some(Change::Fit(target.clone()))
        }
        _ => None,
    }
}

/// The scale in this direction.
fn scale(pair: &Pair<'_>) -> Result<Option<Change>, String> {
    let Some((numerator, denominator)) = pair.options.scale else { return Ok(None) };
    let (numerator, denominator) = match pair.direction {
        Direction::Up => (numerator, denominator),
        Direction::Down => (denominator, numerator),
    };
    let (numerator, denominator) = if denominator < 0 {
        let flipped = numerator.checked_neg().zip(denominator.checked_neg());
        flipped.ok_or_else(|| "`scale` is too large".to_owned())?
    } else {
        (numerator, denominator)
    };
    Ok(scaled(numerator, denominator, pair.options.rounding.unwrap_or(Rounding::Refuse)))
}

/// A scale, unless it changes nothing.
fn scaled(numerator: i64, denominator: i64, rounding: Rounding) -> Option<Change> {
    (numerator != denominator).then_some(Change::Scale { numerator, denominator, rounding })
}

fn nanoseconds(unit: Unit) -> i64 {
    match unit {
        Unit::Seconds => 1_000_000_000,
        Unit::Millis => 1_000_000,
        Unit::Micros => 1_000,
        Unit::Nanos => 1,
    }
}

/// How text stands for bytes, unless it is the bytes.
fn encoding(said: Option<TextEncoding>) -> Option<Encoding> {
    match said? {
        TextEncoding::Base64 => Some(Encoding::Base64),
        TextEncoding::Base64Url => Some(Encoding::Base64Url),
        TextEncoding::Hex => Some(Encoding::Hex),
        TextEncoding::Utf8 => None,
    }
}

fn in_table(table: Table) -> Change {
    Change::Table(Arc::new(table))
}
