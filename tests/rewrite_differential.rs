//! The engine against the reference interpreter, over random messages of real protocols.
//!
//! `STRADDLE_SEED` repeats a run, `STRADDLE_ROUNDS` says how many messages are made for each pair of versions, message
//! and use.
#![allow(clippy::too_many_arguments, reason = "tests and peers say things plainly")]
#![cfg(feature = "cli")]

#[path = "support/published.rs"]
#[expect(dead_code, reason = "these tests name the cases themselves")]
mod published;
#[path = "support/seed.rs"]
mod seed;

use std::collections::BTreeSet;
use std::fmt::{Debug, Write as _};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use prost_reflect::{DynamicMessage, MessageDescriptor};
use straddle::Protocol;
use straddle::protocol::plan::{Direction, Use, ValueConversion};
use straddle::rewrite::{NoRewrite, Rewrite};
use straddle::verify::generate::{Generator, encode, smallest};
use straddle::verify::judge::{Known, Trial, Verdict, messages, unknown_fields};
use straddle::verify::reference::{self, Cause};

const USES: [Use; 3] = [Use::Request, Use::Response, Use::Stored];

macro_rules! protocols {
    ($($name:ident: $case:literal),* $(,)?) => {
        $(#[test]
        fn $name() {
            if published::published().is_some() {
                engine_and_reference_agree(&published::load($case), &published::steps().join($case), ROUNDS);
            }
        })*
    };
}

protocols! {
    engine_and_reference_agree_on_cloud_tasks: "cloud-tasks",
    engine_and_reference_agree_on_cri_runtime: "cri-runtime",
    engine_and_reference_agree_on_etcd_rpc: "etcd-rpc",
    engine_and_reference_agree_on_grpc_reflection: "grpc-reflection",
    engine_and_reference_agree_on_k8s_autoscaling: "k8s-autoscaling",
    engine_and_reference_agree_on_k8s_ingress: "k8s-ingress",
    engine_and_reference_agree_on_kvproto_dr_auto_sync: "kvproto-dr-auto-sync",
    engine_and_reference_agree_on_kvproto_peer_role: "kvproto-peer-role",
    engine_and_reference_agree_on_kvproto_raw_batch_put: "kvproto-raw-batch-put",
    engine_and_reference_agree_on_kvproto_runaway: "kvproto-runaway",
}

#[test]
fn engine_and_reference_agree_on_the_inventory() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/inventory");
    engine_and_reference_agree(&load(&folder), &folder, 2 * ROUNDS);
}

#[test]
fn engine_and_reference_agree_on_every_rule() {
    let folder = every_rule();
    engine_and_reference_agree(&load(&folder), &folder, 8 * ROUNDS);
}

#[test]
fn engine_and_reference_agree_on_everything_that_a_rule_can_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/everything");
    engine_and_reference_agree(&load(&folder), &folder, 8 * ROUNDS);
}

/// Messages of `every-rule` that engine and reference once took differently: versions, use, type, bytes and what it was.
const FOUND: [(usize, usize, Use, &str, &str, &str); 2] = [
    (1, 0, Use::Request, "every.v2.Shapes", "9202020a00920200", "an empty key is the same written out and absent"),
    (1, 0, Use::Stored, "every.v2.Shapes", "d202022d37c80264e00200", "an arm that no rule names unsets the one before"),
];

#[test]
fn what_was_found_once_stays_mended() {
    let protocol = load(&every_rule());
    let mut faults = String::new();
    for (from, to, used, name, hex, what) in FOUND {
        let source = protocol.versions()[from].pool().get_message_by_name(name).expect(name);
        let rewrite = Rewrite::new(&protocol, from, to, name, used).unwrap_or_else(|error| panic!("{name}: {error}"));
        let target = protocol.versions()[to].pool().get_message_by_name(rewrite.target()).expect("its target");
        let known = Known::new(&protocol, to);
        let trial = Trial { protocol: &protocol, from, to, used, source, target, rewrite, known: &known };
        let digits = hex.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).expect("digits"));
        let bytes: Vec<u8> = digits.map(|two| u8::from_str_radix(two, 16).expect("digits")).collect();
        if matches!(trial.judge(&bytes), Verdict::Wrong(_)) {
            let _ = writeln!(faults, "{what}\n{}", trial.told(&bytes));
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn the_protocol_of_every_rule_uses_every_conversion_and_change() {
    let protocol = load(&every_rule());
    let mut found = BTreeSet::new();
    let plans = protocol.steps().iter().flat_map(|step| [step.plans(Direction::Up), step.plans(Direction::Down)]);
    for plan in plans.flat_map(|plans| USES.into_iter().flat_map(|used| plans.iter(used))) {
        assert!(plan.open.is_empty(), "{}: {:?}", plan.source.full_name(), plan.open);
        found.extend(plan.makes.iter().map(|make| name(&make.value)));
        for moved in &plan.moves {
            found.insert(name(&moved.conversion));
            for value in moved.conversion.values() {
                found.insert(name(value));
                if let ValueConversion::Scalar(scalar) = value {
                    found.extend(scalar.changes.iter().map(name));
                }
            }
        }
    }
    // `Settle` comes of fusing steps, `Fit` and `ToSingle` of what lies between two changes.
    let all = "One Each IntoList FromList Map MapToList ListToMap Mask Copy Message Any Scalar Scale Table IntegerToFloat \
               FloatToInteger Utf8 AsBytes Encode Decode ParseInteger ParseFloat FormatInteger FormatFloat ParseTime \
               FormatTime Constant Expression Join Split";
    let missing: Vec<&str> = all.split_whitespace().filter(|wanted| !found.contains(*wanted)).collect();
    assert!(missing.is_empty(), "{missing:?} are missing from {found:?}");
}

fn every_rule() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/every-rule")
}

fn load(folder: &Path) -> Protocol {
    Protocol::load(folder).unwrap_or_else(|error| panic!("{error}"))
}

/// The name of an enum's variant.
fn name(value: &impl Debug) -> String {
    // Descriptors lead to each other: written out, a plan has no end.
    struct Head(String);
    impl std::fmt::Write for Head {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.push_str(text);
            if self.0.len() > 40 { Err(std::fmt::Error) } else { Ok(()) }
        }
    }
    let mut head = Head(String::new());
    let _ = write!(head, "{value:?}");
    head.0.chars().take_while(|letter| letter.is_alphanumeric()).collect()
}

/// What became of messages.
#[derive(Default)]
struct Counts {
    accepted: usize,
    refused: usize,
    /// Bytes that are no message, where only a panic would be wrong.
    unreadable: usize,
    /// Pairs of versions and messages that have no rewrite.
    without: usize,
}

fn engine_and_reference_agree(protocol: &Protocol, folder: &Path, usual: usize) {
    let rounds = seed::rounds(usual);
    // The same on every machine; STRADDLE_SEED asks for others.
    let seed = seed::seed_or(SEED);
    let words = words(folder);
    let versions = protocol.versions().len();
    let mut counts = Counts::default();
    let mut faults = Vec::new();
    for (from, to) in
        (0..versions).flat_map(|from| (0..versions).map(move |to| (from, to))).filter(|(from, to)| from != to)
    {
        let unknown = unknown_fields(protocol, from);
        let mut generator =
            Generator::new(seed ^ (from * versions + to) as u64, words.clone(), unknown, messages(protocol, from));
        let known = Known::new(protocol, to);
        for source in messages(protocol, from) {
            for used in USES {
                try_message(&known, (from, to), used, &source, rounds, &mut generator, &mut counts, &mut faults);
            }
        }
    }
    let Counts { accepted, refused, unreadable, without } = counts;
    let _ = writeln!(
        std::io::stderr(),
        "{}: {accepted} messages rewritten alike, {refused} refused alike, {unreadable} unreadable; {without} have no rewrite",
        protocol.name()
    );
    let swift = straddle::verify::judge::SWIFT.load(std::sync::atomic::Ordering::Relaxed);
    let _ = writeln!(std::io::stderr(), "{swift} messages so far went the swift way");
    assert!(swift > 0, "no message went the swift way");
    let in_place = straddle::verify::judge::IN_PLACE.load(std::sync::atomic::Ordering::Relaxed);
    let _ = writeln!(std::io::stderr(), "{in_place} had just their tags written over");
    assert!(
        faults.is_empty(),
        "seed {seed}: {} faults, such as\n{}",
        faults.len(),
        faults[..faults.len().min(12)].join("\n")
    );
    assert!(accepted * 10 >= (accepted + refused) * 3, "only {accepted} of {} were rewritten", accepted + refused);
}

fn try_message(
    known: &Known,
    (from, to): (usize, usize),
    used: Use,
    source: &MessageDescriptor,
    rounds: usize,
    generator: &mut Generator,
    counts: &mut Counts,
    faults: &mut Vec<String>,
) {
    let protocol = known.protocol;
    let rewrite = match Rewrite::new(protocol, from, to, source.full_name(), used) {
        Ok(rewrite) => rewrite,
        Err(error) => {
            counts.without += 1;
            if matches!(error, NoRewrite::Absent { .. } | NoRewrite::UnknownMessage { .. }) {
                let empty = DynamicMessage::new(source.clone());
                let found = reference::rewrite(protocol, from, to, &empty, used);
                assert!(
                    found.is_err_and(|refused| refused.cause == Cause::Absent),
                    "{error}, but the reference finds one"
                );
            }
            return;
        }
    };
    let target = protocol.versions()[to].pool().get_message_by_name(rewrite.target()).expect("a message of the target");
    let trial = Trial { protocol, from, to, used, source: source.clone(), target, rewrite, known };
    for _ in 0..rounds {
        let fields = generator.message(source);
        if let Some(fault) = trial.swift_fault(&encode(&fields)) {
            let small = smallest(&fields, &mut |bytes| trial.swift_fault(bytes).is_some());
            faults.push(trial.swift_fault(&encode(&small)).unwrap_or(fault));
            return;
        }
        match trial.judge(&encode(&fields)) {
            Verdict::Accepted => counts.accepted += 1,
            Verdict::Refused => counts.refused += 1,
            Verdict::Unreadable => counts.unreadable += 1,
            Verdict::Wrong(_) => {
                let small = smallest(&fields, &mut |bytes| matches!(trial.judge(bytes), Verdict::Wrong(_)));
                faults.push(trial.told(&encode(&small)));
                return;
            }
        }
        // Whatever bytes these are, nothing may panic.
        let mut broken = encode(&fields);
        if let Some(last) = broken.len().checked_sub(1) {
            broken[last / 2] ^= 0x15;
            broken.truncate(last.max(1));
            if let Some(fault) = trial.swift_fault(&broken) {
                faults.push(fault);
                return;
            }
            if let Verdict::Wrong(what) = trial.judge(&broken) {
                faults.push(format!("{what}\n{}", trial.told(&broken)));
                return;
            }
        }
    }
}

/// Where randomness starts, if nobody says otherwise.
const SEED: u64 = 7;

/// Messages for each pair of versions, message and use, if nobody says otherwise.
const ROUNDS: usize = 12;

/// What stands between quotes in the steps: it means something to them.
fn words(folder: &Path) -> Vec<String> {
    let mut words = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("the folder of the protocol").flatten() {
        let Ok(step) = fs::read_to_string(entry.path().join("step.toml")) else { continue };
        for quote in ['\'', '"'] {
            let pieces = step.lines().flat_map(|line| line.split(quote).skip(1).step_by(2));
            words.extend(pieces.filter(|word| word.len() < 30).map(str::to_owned));
        }
    }
    words.into_iter().collect()
}
