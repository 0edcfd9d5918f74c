//! Random protocols of several versions: what several hops come to at once is what they come to one by one.
//!
//! `STRADDLE_SEED` starts elsewhere, `STRADDLE_PROTOCOLS` says how many protocols are made, `STRADDLE_ROUNDS` how many
//! messages for each pair of versions, message and use.
#![cfg(feature = "cli")]

#[path = "../benches/rewrite/chain.rs"]
mod alternating;
#[path = "support/chain.rs"]
mod chain;
#[path = "support/seed.rs"]
mod seed;

use std::io::Write as _;
use std::path::Path;

use bytes::Bytes;
use chain::{Chain, Spec};
use straddle::Protocol;
use straddle::protocol::plan::Use;
use straddle::rewrite::{Limits, NoRewrite, Rewrite, RewriteError, Rewritten};
use straddle::verify::generate::{Field, Generator, encode, smallest};
use straddle::verify::judge::{Known, Trial, Verdict, messages, unknown_fields};

const USES: [Use; 3] = [Use::Request, Use::Response, Use::Stored];

/// The seed of the first protocol, if nobody says otherwise.
const SEED: u64 = 2000;
/// Protocols in a run, if nobody says otherwise.
const PROTOCOLS: usize = 24;
/// Messages for each pair of versions, message and use, if nobody says otherwise.
const ROUNDS: usize = 4;

#[derive(Debug, Default)]
struct Counts {
    protocols: usize,
    steps: usize,
    refused_steps: usize,
    accepted: usize,
    /// Of these, those of which all hops were done at once.
    at_once: usize,
    /// Those that cross several hops.
    several: usize,
    refused: usize,
    unreadable: usize,
    open: usize,
    absent: usize,
    fused: usize,
    sequences: usize,
}

#[test]
fn hops_come_to_the_same_at_once_and_one_by_one() {
    let seed = seed::seed_or(SEED);
    let given = std::env::var("STRADDLE_PROTOCOLS").ok();
    let protocols = given.map_or(PROTOCOLS, |count| count.parse().expect("STRADDLE_PROTOCOLS is a number"));
    let mut counts = Counts::default();
    for number in 0..protocols as u64 {
        let chain = Spec::new(seed.wrapping_add(number)).load();
        counts.protocols += 1;
        counts.steps += chain.spec.steps.len();
        counts.refused_steps += chain.refused;
        let wrong = wrong(&chain, &mut counts);
        assert!(wrong.is_none(), "STRADDLE_SEED={}\n{}", seed.wrapping_add(number), cut_down(chain));
    }
    let _ = writeln!(std::io::stderr(), "{counts:?}");
    assert!(counts.steps * 3 > protocols * 2 * 2, "most steps load: {counts:?}");
    assert!(counts.accepted > counts.refused, "most messages are rewritten: {counts:?}");
    let swift = straddle::verify::judge::SWIFT.load(std::sync::atomic::Ordering::Relaxed);
    let _ = writeln!(std::io::stderr(), "{swift} went the swift way");
    assert!(swift > 0, "no message went the swift way");
    let in_place = straddle::verify::judge::IN_PLACE.load(std::sync::atomic::Ordering::Relaxed);
    let _ = writeln!(std::io::stderr(), "{in_place} had just their tags written over");
    assert!(in_place > 0, "no message had just its tags written over");
    assert!(counts.at_once * 2 > counts.several, "most messages cross all hops at once: {counts:?}");
}

#[test]
fn ten_hops_become_one_table_for_each_message() {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/rewrite/schemas");
    let mut parts = Vec::new();
    for kind in ["renames", "conversions", "nesting"] {
        let protocol = alternating::of(&schemas.join(kind)).unwrap_or_else(|error| panic!("{error}"));
        for message in ["bench.Order", "bench.Line", "bench.Flat", "bench.Blob", "bench.Entry"] {
            for used in USES {
                let rewrite = Rewrite::new(&protocol, 0, 10, message, used);
                let (_, sequences) = rewrite.unwrap_or_else(|error| panic!("{error}")).fused_tables();
                if sequences > 0 {
                    parts.push(format!("{kind} {message} {used:?}: {sequences}"));
                }
            }
        }
    }
    assert!(parts.is_empty(), "these go in parts: {parts:#?}");
}

#[test]
fn offsets_and_limits_hold_for_several_hops() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/chain");
    let protocol = Protocol::load(&folder).unwrap_or_else(|error| panic!("{error}"));
    let rewrite = Rewrite::new(&protocol, 0, 3, "chain.Order", Use::Request).unwrap_or_else(|error| panic!("{error}"));
    let seed = folder.parent().expect("a folder").join("seeds/rewrite/order_0");
    // Behind the two bytes that choose a rewrite.
    let whole = Bytes::from(std::fs::read(seed).expect("a seed")).slice(2..);
    let all = Limits::default();
    let expected = rewrite.apply_at_once(&whole, &all).expect("all hops at once").len();
    let (mut malformed, mut too_much) = (0, 0);
    for end in 0..whole.len() {
        let part = whole.slice(..end);
        let (found, one_by_one) = (rewrite.apply(&part, &all), rewrite.apply_hop_by_hop(&part, &all));
        if let Err(RewriteError::Malformed { offset, .. }) = &found {
            malformed += 1;
            assert!(*offset <= end, "malformed at byte {offset} of {end}");
        }
        let told = |result: Result<Rewritten, RewriteError>| result.map_err(|error| error.to_string()).err();
        assert_eq!(told(found), told(one_by_one), "of {end} bytes");
    }
    for output in 0..expected {
        let found = rewrite.apply(&whole, &Limits { output, ..all });
        assert!(matches!(found, Err(RewriteError::TooMuch { .. })), "{found:?} within {output} bytes");
    }
    for depth in 0..4 {
        let found = rewrite.apply(&whole, &Limits { depth, ..all });
        too_much += usize::from(matches!(found, Err(RewriteError::TooMuch { .. })));
        assert!(found.is_err() || found.is_ok_and(|found| found.len() == expected), "{depth} deep");
    }
    assert!(malformed > whole.len() / 2, "{malformed} parts are malformed");
    assert!(too_much > 0, "no depth is too much");
}

/// The first message of which the engine and the reference make different things.
fn wrong(chain: &Chain, counts: &mut Counts) -> Option<String> {
    let versions = chain.protocol.versions().len();
    for (from, to) in (0..versions).flat_map(|from| (0..versions).map(move |to| (from, to))) {
        if from == to {
            continue;
        }
        let known = Known::new(&chain.protocol, to);
        let unknown = unknown_fields(&chain.protocol, from);
        let seed = chain.spec.seed ^ (from * versions + to) as u64;
        let words = ["a b", "E0_V1", "a", "12", "2024-01-02T03:04:05Z", "YWI=", "3.5"].map(str::to_owned).to_vec();
        // What an `Any` holds within a field that passes as unknown cannot be compared but by its bytes, and readers on the
        // way may write these anew. `rewrite_differential` has messages in an `Any`; here they are of foreign types.
        let mut generator = Generator::new(seed, words, unknown, Vec::new());
        for source in messages(&chain.protocol, from) {
            for used in USES {
                let rewrite = match Rewrite::new(&chain.protocol, from, to, source.full_name(), used) {
                    Ok(rewrite) => rewrite,
                    Err(NoRewrite::Open { .. }) => {
                        counts.open += 1;
                        continue;
                    }
                    Err(_) => {
                        counts.absent += 1;
                        continue;
                    }
                };
                let (fused, sequences) = rewrite.fused_tables();
                counts.fused += fused;
                counts.sequences += sequences;
                let pool = chain.protocol.versions()[to].pool();
                let target = pool.get_message_by_name(rewrite.target()).expect("a message of the target");
                let (protocol, source, known) = (&chain.protocol, source.clone(), &known);
                let trial = Trial { protocol, from, to, used, source, target, rewrite, known };
                for _ in 0..seed::rounds(ROUNDS) {
                    let fields = generator.message(&trial.source);
                    if let Some(wrong) = judge(&trial, &fields, counts) {
                        return Some(wrong);
                    }
                }
            }
        }
    }
    None
}

fn judge(trial: &Trial<'_>, fields: &[Field], counts: &mut Counts) -> Option<String> {
    let bytes = encode(fields);
    if let Some(fault) = trial.swift_fault(&bytes) {
        let small = smallest(fields, &mut |bytes| trial.swift_fault(bytes).is_some());
        return Some(trial.swift_fault(&encode(&small)).unwrap_or(fault));
    }
    match trial.judge(&bytes) {
        Verdict::Accepted => {
            counts.accepted += 1;
            if trial.from.abs_diff(trial.to) > 1 {
                counts.several += 1;
                let at_once = trial.rewrite.apply_at_once(&bytes.into(), &Limits::default());
                counts.at_once += usize::from(trial.rewrite.is_identity() || at_once.is_some());
            }
        }
        Verdict::Refused => counts.refused += 1,
        Verdict::Unreadable => counts.unreadable += 1,
        Verdict::Wrong(_) => {
            let small = smallest(fields, &mut |bytes| matches!(trial.judge(bytes), Verdict::Wrong(_)));
            return Some(trial.told(&encode(&small)));
        }
    }
    None
}

/// The smallest chain that still shows a fault, and the fault.
fn cut_down(mut chain: Chain) -> String {
    'smaller: loop {
        for spec in chain.spec.smaller() {
            let candidate = spec.load();
            if wrong(&candidate, &mut Counts::default()).is_some() {
                chain = candidate;
                continue 'smaller;
            }
        }
        let found = wrong(&chain, &mut Counts::default()).unwrap_or_default();
        return format!("{:?}\n{}\n{found}", chain.spec, chain.told());
    }
}
