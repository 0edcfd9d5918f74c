//! What the published changes of protocols demand of messages that cross them: the vectors of `../shared/cases`.
//!
//! Inputs are requests. Outputs are compared as messages without what their version does not know; that a message is
//! refused counts, not why.
#![cfg(feature = "cli")]

#[path = "support/published.rs"]
mod published;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;

use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage};
use published::{Vector, vectors};
use serde::Deserialize;
use straddle::Protocol;
use straddle::protocol::plan::Use;
use straddle::rewrite::{Limits, NoRewrite, Rewrite, RewriteError};
use straddle::verify::reference::Cause;
use straddle::verify::{reference, same};

/// What became of a message.
enum Outcome {
    Became(DynamicMessage),
    Refused(String),
    /// It should not have come to this: a step that leaves something open, bytes that cannot be read.
    Failed(String),
}

#[derive(Deserialize)]
struct Disputed {
    vector: Vec<Dispute>,
}

/// A vector that we believe wrong.
#[derive(Deserialize)]
struct Dispute {
    case: String,
    step: String,
    direction: String,
    message: String,
    /// Its position in `vectors.json`.
    index: usize,
    reason: String,
}

type Rewriter = fn(&Protocol, usize, usize, &DynamicMessage) -> Outcome;

macro_rules! cases {
    ($($module:ident: $case:literal),* $(,)?) => {
        $(mod $module {
            #[test]
            fn the_reference_follows_its_vectors() {
                super::run($case, super::by_reference);
            }

            #[test]
            fn the_engine_follows_its_vectors() {
                super::run($case, super::by_engine);
            }
        })*

        /// The cases that have tests here.
        const TESTED: &[&str] = &[$($case),*];
    };
}

cases! {
    cloud_tasks: "cloud-tasks",
    cri_runtime: "cri-runtime",
    etcd_rpc: "etcd-rpc",
    grpc_reflection: "grpc-reflection",
    k8s_autoscaling: "k8s-autoscaling",
    k8s_ingress: "k8s-ingress",
    kvproto_dr_auto_sync: "kvproto-dr-auto-sync",
    kvproto_peer_role: "kvproto-peer-role",
    kvproto_raw_batch_put: "kvproto-raw-batch-put",
    kvproto_runaway: "kvproto-runaway",
}

#[test]
fn every_vector_has_its_test() {
    if published::published().is_none() {
        return;
    }
    assert_eq!(TESTED, published::CASES);
    assert_eq!(TESTED.iter().map(|case| vectors(case).len()).sum::<usize>(), 238);
}

#[test]
fn every_dispute_is_about_a_vector() {
    if published::published().is_none() {
        return;
    }
    for dispute in disputes() {
        let vectors = vectors(&dispute.case);
        let vector = vectors.get(dispute.index).unwrap_or_else(|| panic!("{} has no {}", dispute.case, dispute.index));
        let named = (&dispute.step, &dispute.direction, &dispute.message);
        assert_eq!((&vector.step, &vector.direction, &vector.message), named, "{} {}", dispute.case, dispute.index);
        assert!(!dispute.reason.is_empty());
    }
}

fn by_reference(protocol: &Protocol, from: usize, to: usize, message: &DynamicMessage) -> Outcome {
    match reference::rewrite(protocol, from, to, message, Use::Request) {
        Ok(message) => Outcome::Became(message),
        Err(refused) => match refused.cause {
            Cause::Value | Cause::Absent => Outcome::Refused(refused.to_string()),
            Cause::Open | Cause::Malformed => Outcome::Failed(refused.to_string()),
        },
    }
}

fn by_engine(protocol: &Protocol, from: usize, to: usize, message: &DynamicMessage) -> Outcome {
    let rewrite = match Rewrite::new(protocol, from, to, message.descriptor().full_name(), Use::Request) {
        Ok(rewrite) => rewrite,
        Err(error @ NoRewrite::Absent { .. }) => return Outcome::Refused(error.to_string()),
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    let target = protocol.versions()[to].pool().get_message_by_name(rewrite.target()).expect("a message of the target");
    match rewrite.apply(&message.encode_to_vec().into(), &Limits::default()) {
        Ok(rewritten) => match DynamicMessage::decode(target, rewritten.into_bytes()) {
            Ok(message) => Outcome::Became(message),
            Err(error) => Outcome::Failed(format!("what came out cannot be read: {error}")),
        },
        Err(RewriteError::Refused(refusal)) => Outcome::Refused(refusal.message().to_owned()),
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

fn disputes() -> Vec<Dispute> {
    let text = fs::read_to_string(published::steps().join("disputed.toml")).expect("the disputed vectors");
    toml::from_str::<Disputed>(&text).expect("the disputed vectors").vector
}

/// Runs all vectors of a case, and says all that is wrong at once.
fn run(case: &str, rewriter: Rewriter) {
    if published::published().is_none() {
        return;
    }
    let protocol = published::load(case);
    let disputed: HashMap<usize, Dispute> =
        disputes().into_iter().filter(|dispute| dispute.case == case).map(|dispute| (dispute.index, dispute)).collect();
    let (mut faults, mut wrong) = (String::new(), 0);
    let vectors = vectors(case);
    for (index, vector) in vectors.iter().enumerate() {
        let fault = fault(&protocol, vector, rewriter);
        match (fault, disputed.get(&index)) {
            (None, None) => {}
            (Some(_), Some(dispute)) => {
                let _ = writeln!(std::io::stderr(), "DISPUTED: {case} vector {index}: {}", dispute.reason);
            }
            (Some(fault), None) => {
                wrong += 1;
                let Vector { step, direction, message, input, .. } = vector;
                let _ = writeln!(faults, "\n{index}: {step} {direction} {message}\n  input    {input}\n{fault}");
            }
            (None, Some(_)) => {
                wrong += 1;
                let _ = writeln!(faults, "\n{index}: is disputed, but passes");
            }
        }
    }
    assert!(wrong == 0, "{case}: {wrong} of {} vectors fail\n{faults}", vectors.len());
}

fn fault(protocol: &Protocol, vector: &Vector, rewriter: Rewriter) -> Option<String> {
    let (old, new) = vector.step.split_once("..").expect("two versions");
    let index = |wanted: &str| {
        let found = protocol.versions().iter().position(|schema| schema.version().to_string() == wanted);
        found.unwrap_or_else(|| panic!("there is no version {wanted}"))
    };
    let (from, to) = match vector.direction.as_str() {
        "up" => (index(old), index(new)),
        "down" => (index(new), index(old)),
        other => panic!("`{other}` is no direction"),
    };
    let input = message(protocol, from, &vector.message, &vector.input);
    let outcome = rewriter(protocol, from, to, &input);
    match (&vector.output, &vector.to, &vector.refuse) {
        (Some(output), Some(name), None) => {
            let expected = message(protocol, to, name, output);
            let got = match outcome {
                Outcome::Became(got) => {
                    let got = same::without_unknown_fields(&got);
                    let found = same::difference(&got, &expected, &same::Plain)?;
                    format!("{}\n  differ   {found}", same::shown(&got))
                }
                Outcome::Refused(why) | Outcome::Failed(why) => why,
            };
            Some(format!("  expected {output}\n  got      {got}"))
        }
        (None, _, Some(why)) => match outcome {
            Outcome::Refused(_) => None,
            Outcome::Became(got) => Some(format!("  expected a refusal: {why}\n  got      {}", same::shown(&got))),
            Outcome::Failed(got) => Some(format!("  expected a refusal: {why}\n  got      {got}")),
        },
        _ => panic!("a vector has an output with its type, or refuses"),
    }
}

fn message(protocol: &Protocol, version: usize, name: &str, json: &serde_json::Value) -> DynamicMessage {
    let schema = &protocol.versions()[version];
    let descriptor = schema.pool().get_message_by_name(name);
    let descriptor = descriptor.unwrap_or_else(|| panic!("{} has no message `{name}`", schema.version()));
    DynamicMessage::deserialize(descriptor, json).unwrap_or_else(|error| panic!("{name}: {error}: {json}"))
}
