//! One gate over what was measured.

use std::fmt::Write;

use prost_reflect::{DynamicMessage, ReflectMessage, Value};

use super::measures::{Measures, Sides, Subject};
use super::numbers::shown;
use super::{Clock, Gate, GateVerdict, Sample, Verdict};
use crate::coordinator::micros;

/// What a gate says of all callers together and of each caller version that it can tell something of.
pub(super) fn judge(gate: &Gate, measures: &Measures<'_>, sample: Sample, clock: Clock) -> GateVerdict {
    let reads = Reads::of(gate);
    let all = Judged::of(gate, &reads, measures, Subject(None), sample);
    if matches!(all, Judged::Fails(_)) || !reads.calls {
        return all.settled(gate, measures, sample, clock);
    }
    for caller in measures.callers() {
        let one = Judged::of(gate, &reads, measures, caller, sample);
        // Too few calls of one version are among those of all.
        if matches!(one, Judged::Fails(_) | Judged::Unknown(_)) {
            return one.settled(gate, measures, sample, clock);
        }
    }
    all.settled(gate, measures, sample, clock)
}

/// What a gate reads.
struct Reads {
    paths: Vec<Vec<String>>,
    /// Anything of calls that is another one for each caller version.
    calls: bool,
    upgraded: Side,
    rest: Side,
    baseline: Side,
}

/// What is read of one side, besides mere counts.
#[derive(Clone, Copy, Default)]
struct Side {
    shares: bool,
    times: bool,
}

impl Reads {
    fn of(gate: &Gate) -> Self {
        let paths = gate.expression.reads().to_vec();
        let mut reads = Self {
            calls: false,
            upgraded: Side::default(),
            rest: Side::default(),
            baseline: Side::default(),
            paths: Vec::new(),
        };
        for path in &paths {
            let names: Vec<&str> = path.iter().map(String::as_str).collect();
            let (side, last) = match names.as_slice() {
                ["rest", last, ..] => (&mut reads.rest, *last),
                ["baseline", last, ..] => (&mut reads.baseline, *last),
                // A whole message is read where something unusual is written: it may be anything.
                ["rest"] => (&mut reads.rest, "errors"),
                ["baseline"] => (&mut reads.baseline, "errors"),
                [last, ..] => (&mut reads.upgraded, *last),
                [] => continue,
            };
            side.shares |= matches!(last, "errors" | "refused");
            side.times |= matches!(last, "p50" | "p90" | "p95" | "p99");
            reads.calls |= side.shares || side.times || matches!(last, "calls" | "rate" | "caller");
        }
        reads.paths = paths;
        reads
    }
}

enum Judged {
    Holds(String),
    Fails(String),
    /// Too few calls.
    TooFew(String),
    /// There is nothing to compare with, and never will be.
    NoBaseline(String),
    /// It cannot be told.
    Unknown(String),
}

impl Judged {
    fn of(gate: &Gate, reads: &Reads, measures: &Measures<'_>, subject: Subject<'_>, sample: Sample) -> Self {
        let sides = measures.sides(subject, sample.calls);
        let whose = match subject {
            Subject(Some(caller)) => format!("of callers of {caller}"),
            Subject(None) => "of all callers".to_owned(),
        };
        if let Some((calls, of)) = too_few(reads, &sides, sample) {
            let least = sample.calls.max(1);
            return Self::TooFew(format!("{calls} calls {whose} by {of} are too few to tell: it takes {least}"));
        }
        if reads.baseline.times && sides.baseline.is_none_or(|baseline| baseline.timed() == 0) {
            let what = format!("not judged: too few calls {whose} were made before the upgrade to compare times with");
            return Self::NoBaseline(what);
        }
        let message = measures.message(subject, &sides);
        let numbers = || {
            let mut numbers = numbers(gate, reads, &message);
            if reads.calls {
                let _ = write!(numbers, " ({} calls {whose})", sides.upgraded.calls());
            }
            if (reads.baseline.shares) && sides.baseline.is_none() {
                numbers.push_str(", without a baseline: too few calls were made before the upgrade");
            }
            numbers
        };
        match gate.expression.holds(&message) {
            Ok(true) => Self::Holds(numbers()),
            Ok(false) => Self::Fails(numbers()),
            Err(failed) => {
                let unusable = measures.unusable().map_or_else(String::new, |what| format!("; {what}"));
                Self::Unknown(format!("it cannot be told {whose}: {}{unusable}", failed.what))
            }
        }
    }

    fn settled(self, gate: &Gate, measures: &Measures<'_>, sample: Sample, clock: Clock) -> GateVerdict {
        match self {
            Self::Holds(what) | Self::NoBaseline(what) => gate.verdict(Verdict::Holds, what, None),
            Self::Fails(what) => gate.verdict(Verdict::Fails, what, None),
            Self::Unknown(what) => gate.verdict(Verdict::Waits, what, None),
            Self::TooFew(what) => {
                let patience = micros(sample.patience);
                let until = measures.last.saturating_add(patience);
                if clock.now < until {
                    return gate.verdict(Verdict::Waits, what, Some(until));
                }
                gate.verdict(Verdict::Holds, format!("{what}; not waited for any longer"), None)
            }
        }
    }
}

/// How many calls there are where it takes more, and whose.
fn too_few(reads: &Reads, sides: &Sides<'_>, sample: Sample) -> Option<(u64, &'static str)> {
    let all =
        [(reads.upgraded, sides.upgraded, "upgraded nodes"), (reads.rest, sides.rest, "nodes that are not upgraded")];
    let calls = all.into_iter().flat_map(|(side, counted, of)| {
        let shares = side.shares.then(|| (counted.calls(), of));
        let times = side.times.then(|| (counted.timed(), of));
        shares.into_iter().chain(times)
    });
    calls.filter(|(calls, _)| *calls < sample.calls.max(1)).min_by_key(|(calls, _)| *calls)
}

/// What a gate read, by name.
fn numbers(gate: &Gate, reads: &Reads, message: &DynamicMessage) -> String {
    let mut told = Vec::new();
    for path in &reads.paths {
        let name = path.join(".");
        match value_at(message, path) {
            Some(Value::F64(number)) => told.push(format!("{name} is {}", shown(number))),
            Some(Value::Map(values)) => {
                let mut named: Vec<(String, String)> = values
                    .iter()
                    .filter_map(|(key, value)| Some((key.as_str()?.to_owned(), summary(value)?)))
                    .filter(|(key, _)| gate.expression().contains(key.as_str()))
                    .collect();
                named.sort();
                told.extend(named.into_iter().map(|(key, summary)| format!("{name}['{key}'] has {summary}")));
            }
            _ => {}
        }
    }
    if told.is_empty() { format!("`{}`", gate.expression()) } else { told.join(", ") }
}

fn value_at(message: &DynamicMessage, path: &[String]) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    let value = message.get_field(&message.descriptor().get_field_by_name(first)?);
    if rest.is_empty() { Some(value.into_owned()) } else { value_at(value.as_message()?, rest) }
}

fn summary(value: &Value) -> Option<String> {
    let message = value.as_message()?;
    let number = |name: &str| message.get_field_by_name(name).and_then(|value| value.as_f64());
    Some(format!(
        "sum {}, min {}, max {} of {} nodes",
        shown(number("sum")?),
        shown(number("min")?),
        shown(number("max")?),
        shown(number("nodes")?)
    ))
}
