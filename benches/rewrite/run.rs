//! The measurements.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use straddle::Protocol;
use straddle::protocol::plan::Use;
use straddle::rewrite::{Limits, Rewrite};

use crate::messages::{self, Sample};
use crate::options::Options;
use crate::{chain, dynamic, peers};

/// Kinds of change, and whether there is a chain of ten of them.
const KINDS: [(&str, bool); 5] =
    [("same", false), ("renames", true), ("conversions", true), ("nesting", true), ("expressions", false)];

/// What one message costs under one kind of change: nanoseconds, a figure for each round.
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    pub(crate) message: &'static str,
    pub(crate) bytes: usize,
    pub(crate) candidates: Vec<(&'static str, Vec<f64>)>,
}

type Candidate<'a> = (&'static str, Box<dyn Fn() + 'a>);

pub(crate) fn all(options: &Options) -> Result<Vec<Row>, String> {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/rewrite/schemas");
    let mut rows = Vec::new();
    for (kind, chained) in KINDS {
        let folder = schemas.join(kind);
        let protocol = Protocol::load(&folder).map_err(|error| error.to_string())?;
        let chain = if chained { Some(chain::of(&folder)?) } else { None };
        for sample in messages::all() {
            let name = format!("{kind} / {}", sample.name);
            if options.filters.iter().all(|filter| name.contains(filter.as_str())) {
                eprintln!("{name}");
                rows.push(row(kind, &sample, &protocol, chain.as_ref(), options)?);
            }
        }
    }
    Ok(rows)
}

fn row(
    kind: &'static str,
    sample: &Sample,
    protocol: &Protocol,
    chain: Option<&Protocol>,
    options: &Options,
) -> Result<Row, String> {
    let message = format!("bench.{}", sample.name);
    let compile = |protocol: &Protocol, to| {
        Rewrite::new(protocol, 0, to, &message, Use::Request).map_err(|error| format!("{kind} / {message}: {error}"))
    };
    let descriptor = |version: usize| {
        protocol.versions()[version].pool().get_message_by_name(&message).ok_or(format!("no {message}"))
    };
    let (old, new) = (descriptor(0)?, descriptor(1)?);
    let one = compile(protocol, 1)?;
    let ten = chain.map(|chain| compile(chain, 10)).transpose()?;
    let typed = peers::typed(kind, sample.name).ok_or(format!("no peer for {kind} / {message}"))?;
    check(kind, sample, &one, ten.as_ref(), typed, (&old, &new))?;

    let (limits, bytes) = (Limits::default(), &sample.bytes);
    let apply = |rewrite: &Rewrite| {
        black_box(rewrite.apply(black_box(bytes), &limits).expect("checked before"));
    };
    let mut candidates: Vec<Candidate<'_>> = vec![
        ("straddle", Box::new(|| apply(&one))),
        ("typed", Box::new(|| drop(black_box(typed(black_box(bytes.clone())))))),
        ("dynamic", Box::new(|| drop(black_box(dynamic::convert(kind, black_box(bytes), &old, &new))))),
        ("memcpy", Box::new(|| drop(black_box(black_box(bytes).to_vec())))),
    ];
    if let Some(ten) = &ten {
        candidates.push(("straddle, ten hops", Box::new(|| apply(ten))));
    }
    let mut figures: Vec<Vec<f64>> = vec![Vec::new(); candidates.len()];
    let batches: Vec<u32> = candidates.iter().map(|(_, run)| batch(run)).collect();
    for _ in 0..options.rounds {
        // Short turns, many times over: what slows one candidate slows its neighbours, too.
        let turns = 8;
        let mut spent = vec![(Duration::ZERO, 0_u64); candidates.len()];
        for _ in 0..turns {
            for (((_, run), batch), (time, runs)) in candidates.iter().zip(&batches).zip(&mut spent) {
                let (took, ran) = measure(run, *batch, options.length / turns);
                *time += took;
                *runs += ran;
            }
        }
        for (figures, (time, runs)) in figures.iter_mut().zip(spent) {
            #[expect(clippy::cast_precision_loss, reason = "a mean of far fewer digits")]
            figures.push(time.as_nanos() as f64 / runs as f64);
        }
    }
    let names = candidates.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    drop(candidates);
    Ok(Row { kind, message: sample.name, bytes: bytes.len(), candidates: names.into_iter().zip(figures).collect() })
}

/// All candidates come to the same message.
fn check(
    kind: &str,
    sample: &Sample,
    one: &Rewrite,
    ten: Option<&Rewrite>,
    typed: peers::Convert,
    (old, new): (&MessageDescriptor, &MessageDescriptor),
) -> Result<(), String> {
    let read = |bytes: Bytes, message: &MessageDescriptor| {
        DynamicMessage::decode(message.clone(), bytes).map_err(|error| format!("{kind} / {}: {error}", sample.name))
    };
    let apply = |rewrite: &Rewrite| {
        let rewritten = rewrite.apply(&sample.bytes, &Limits::default());
        rewritten
            .map(straddle::rewrite::Rewritten::into_bytes)
            .map_err(|error| format!("{kind} / {}: {error}", sample.name))
    };
    let expected = read(typed(sample.bytes.clone()).into(), new)?;
    let found = [
        ("straddle", read(apply(one)?, new)?),
        ("dynamic", read(dynamic::convert(kind, &sample.bytes, old, new).into(), new)?),
    ];
    for (name, found) in found {
        if found != expected {
            return Err(format!("{kind} / {}: {name} has {found}, typed {expected}", sample.name));
        }
    }
    if let Some(ten) = ten {
        let found = read(apply(ten)?, new)?;
        if found != expected {
            return Err(format!("{kind} / {}: ten hops come to {found}, typed {expected}", sample.name));
        }
    }
    Ok(())
}

/// So many runs that the clock is read rarely.
fn batch(run: &dyn Fn()) -> u32 {
    let (took, ran) = measure(run, 1, Duration::from_millis(2));
    let each = took.as_nanos().max(1) / u128::from(ran);
    u32::try_from(20_000 / each.max(1)).unwrap_or(1).clamp(1, 1_000)
}

fn measure(run: &dyn Fn(), batch: u32, length: Duration) -> (Duration, u64) {
    let start = Instant::now();
    let mut runs = 0;
    loop {
        for _ in 0..batch {
            run();
        }
        runs += u64::from(batch);
        let took = start.elapsed();
        if took >= length {
            return (took, runs);
        }
    }
}
