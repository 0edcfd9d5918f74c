//! Drafts of published protocols, held against what their vectors need: a draft leaves open what it does not know, and what
//! it converts is right.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "support/published.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod published;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use prost::Message;
use prost_reflect::DynamicMessage;
use straddle::Protocol;
use straddle::draft::{Draft, draft};
use straddle::protocol::plan::Use;
use straddle::rewrite::{Limits, NoRewrite, Rewrite, RewriteError};
use straddle::verify::same;
use tempfile::TempDir;

/// The versions of each case.
#[rustfmt::skip]
const VERSIONS: [(&str, &[&str]); 10] = [
    ("cloud-tasks", &["2.0.0-beta.3", "2.0.0"]),
    ("cri-runtime", &["0.24.0", "0.25.0", "0.26.0"]),
    ("etcd-rpc", &["3.3.0", "3.4.0"]),
    ("grpc-reflection", &["1.0.0-alpha", "1.0.0"]),
    ("k8s-autoscaling", &["1.0.0", "2.0.0"]),
    ("k8s-ingress", &["1.0.0-beta.1", "1.0.0"]),
    ("kvproto-dr-auto-sync", &["5.4.0", "6.0.0"]),
    ("kvproto-peer-role", &["4.0.0", "5.0.0"]),
    ("kvproto-raw-batch-put", &["5.2.0", "5.3.0", "5.4.0"]),
    ("kvproto-runaway", &["7.1.0", "7.5.0"]),
];

/// A case whose steps are all drafts.
struct Drafted {
    protocol: Protocol,
    drafts: Vec<Draft>,
    /// The versions of the case, in the order of those of the protocol.
    versions: Vec<String>,
    _folder: TempDir,
}

/// The change of one pair of versions, the other way round: what was the newer one comes first.
fn turned(case: &str, older: &str, newer: &str) -> Option<Drafted> {
    let protos = published::published()?.join(case).canonicalize().expect("the case");
    let (first, second) = (protos.join(newer), protos.join(older));
    let (folder, protocol, draft) = pair(&first, &second, case);
    Some(Drafted { protocol, drafts: vec![draft], versions: vec![newer.to_owned(), older.to_owned()], _folder: folder })
}

/// Two folders of protos as versions of a protocol, with the draft of their step.
fn pair(first: &Path, second: &Path, name: &str) -> (TempDir, Protocol, Draft) {
    let (one, other) = (first.display(), second.display());
    let manifest = format!("name = \"case\"\n[protos]\n\"1.0.0\" = \"{one}\"\n\"2.0.0\" = \"{other}\"\n");
    let folder = folder::folder(&[("protocol.toml", &manifest)]);
    let load = || Protocol::load(folder.path()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let draft = draft(&load(), 0).unwrap_or_else(|error| panic!("{name}: {error}"));
    folder::write(folder.path(), "2.0.0/step.toml", draft.text().as_bytes());
    let protocol = load();
    (folder, protocol, draft)
}

fn drafted(case: &str, versions: &[&str]) -> Option<Drafted> {
    let protos = published::published()?.join(case).canonicalize().expect("the case");
    let mut manifest = "name = \"case\"\n[protos]\n".to_owned();
    for version in versions {
        writeln!(manifest, "\"{version}\" = \"{}\"", protos.join(version).display()).expect("a string takes all");
    }
    let folder = folder::folder(&[("protocol.toml", &manifest)]);
    let load = || Protocol::load(folder.path()).unwrap_or_else(|error| panic!("{case}: {error}"));
    let mut drafts = Vec::new();
    for (step, version) in versions.iter().skip(1).enumerate() {
        let draft = draft(&load(), step).unwrap_or_else(|error| panic!("{case}: {error}"));
        if let Ok(kept) = std::env::var("STRADDLE_KEEP_DRAFTS") {
            folder::write(std::path::Path::new(&kept), &format!("{case}-{version}.toml"), draft.text().as_bytes());
        }
        folder::write(folder.path(), &format!("{version}/step.toml"), draft.text().as_bytes());
        drafts.push(draft);
    }
    let versions = versions.iter().map(|version| (*version).to_owned()).collect();
    Some(Drafted { protocol: load(), drafts, versions, _folder: folder })
}

/// What a draft did with the vectors of a case.
#[derive(Default)]
struct Tally {
    right: usize,
    /// Refused by a value where an output was wanted, which is safe.
    refused: usize,
    open: usize,
    wrong: Vec<String>,
}

fn tally(case: &str, Drafted { protocol, versions, .. }: &Drafted) -> Tally {
    let vectors = published::vectors(case);
    let mut tally = Tally::default();
    for (index, vector) in vectors.iter().enumerate() {
        let (old, new) = vector.step.split_once("..").expect("two versions");
        let position = |wanted: &str| versions.iter().position(|version| version == wanted);
        // A pair of a longer history has the vectors of its own step only.
        let (Some(old), Some(new)) = (position(old), position(new)) else { continue };
        let (from, to) = if vector.direction == "up" { (old, new) } else { (new, old) };
        let message = |version: usize, name: &str, json: &serde_json::Value| {
            let descriptor = protocol.versions()[version].pool().get_message_by_name(name).expect("a message");
            DynamicMessage::deserialize(descriptor, json).expect("a message of its type")
        };
        let input = message(from, &vector.message, &vector.input);
        let rewrite = match Rewrite::new(protocol, from, to, &vector.message, Use::Request) {
            Ok(rewrite) => rewrite,
            Err(NoRewrite::Absent { .. }) if vector.output.is_none() => {
                tally.right += 1;
                continue;
            }
            Err(_) => {
                tally.open += 1;
                continue;
            }
        };
        let got = match rewrite.apply(&input.encode_to_vec().into(), &Limits::default()) {
            Ok(bytes) => {
                let target = protocol.versions()[to].pool().get_message_by_name(rewrite.target()).expect("a message");
                DynamicMessage::decode(target, bytes.into_bytes()).expect("a message of its type")
            }
            Err(RewriteError::Refused(_)) if vector.output.is_none() => {
                tally.right += 1;
                continue;
            }
            Err(RewriteError::Refused(_)) => {
                tally.refused += 1;
                continue;
            }
            Err(error) => panic!("{case} {index}: {error}"),
        };
        let told = || format!("{case} {index}: {} {} {}", vector.direction, vector.message, vector.input);
        match (&vector.output, &vector.to) {
            (Some(output), Some(name)) => {
                let got = same::without_unknown_fields(&got);
                match same::difference(&got, &message(to, name, output), &same::Plain) {
                    None => tally.right += 1,
                    Some(difference) => {
                        tally.wrong.push(format!("{}\n  got {}\n  {difference}", told(), same::shown(&got)));
                    }
                }
            }
            _ => tally.wrong.push(format!("{}\n  should be refused, got {}", told(), same::shown(&got))),
        }
    }
    tally
}

#[test]
fn no_draft_of_a_published_change_is_wrong_in_silence() {
    let mut wrong = Vec::new();
    for (case, versions) in VERSIONS {
        let Some(drafted) = drafted(case, versions) else { return };
        let tally = tally(case, &drafted);
        let count = |of: fn(&Draft) -> usize| drafted.drafts.iter().map(of).sum::<usize>();
        let _ = writeln!(
            std::io::stderr(),
            "{case:<24} vectors: {:>3} right, {:>3} refused, {:>3} open, {:>3} wrong; {:>3} guesses, {:>3} undecided, {:>3} open points",
            tally.right,
            tally.refused,
            tally.open,
            tally.wrong.len(),
            count(|draft| draft.guesses().len()),
            count(|draft| draft.undecided().len()),
            count(|draft| draft.open().len()),
        );
        wrong.extend(tally.wrong);
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_draft_of_a_published_change_the_other_way_round_is_wrong_in_silence() {
    let (mut wrong, mut right) = (Vec::new(), 0);
    for (case, versions) in VERSIONS {
        for step in versions.windows(2) {
            let Some(drafted) = turned(case, step[0], step[1]) else { return };
            let tally = tally(case, &drafted);
            right += tally.right;
            wrong.extend(tally.wrong);
        }
    }
    assert!(right > 80, "only {right} vectors were converted or refused as they should be");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn each_change_that_buf_tests_has_a_draft_that_loads() {
    let Some(cases) = published::published() else { return };
    let mut tried = 0;
    let all = fs::read_dir(cases.join("buf-breaking")).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut all: Vec<PathBuf> = all.filter(|path| path.is_dir()).collect();
    all.sort();
    for case in all {
        for (older, newer) in [("previous", "current"), ("current", "previous")] {
            let sides = [older, newer].map(|side| case.join(side).canonicalize().expect("a side"));
            let shown = sides.each_ref().map(|side| side.display().to_string());
            let manifest =
                format!("name = \"p\"\n[protos]\n\"1.0.0\" = \"{}\"\n\"2.0.0\" = \"{}\"\n", shown[0], shown[1]);
            let folder = folder::folder(&[("protocol.toml", &manifest)]);
            // Some of these protos are no protos of ours: editions, or a folder that is meant to be two roots.
            if Protocol::load(folder.path()).is_ok() {
                tried += 1;
                pair(&sides[0], &sides[1], &case.display().to_string());
            }
        }
    }
    assert!(tried > 30, "only {tried} of the pairs could be loaded");
}

/// Each rename, renumbering, move and change of an enum that the vectors of a case need: the element of the older version,
/// and the rule that says it; none where it is left open.
#[rustfmt::skip]
const NEEDED: &[(&str, &str, Option<&str>)] = &[
    ("grpc-reflection", "grpc.reflection.v1alpha", Some("\"grpc.reflection.v1alpha\" = \"grpc.reflection.v1\"")),
    ("cri-runtime", "runtime.v1alpha2", Some("\"runtime.v1alpha2\" = \"runtime.v1\"")),
    ("cri-runtime", "runtime.v1.ContainerEventResponse.pod_sandbox_metadata", None),
    ("kvproto-raw-batch-put", "kvrpcpb.RawBatchPutRequest.ttl", Some("{ old = \"ttl\", new = \"ttls\", beyond = \"refuse\" }")),
    ("kvproto-raw-batch-put", "kvrpcpb.RawBatchPutRequest.ttl", None),
    ("kvproto-peer-role", "metapb.Peer.is_learner", None),
    ("kvproto-runaway", "resource_manager.RunawayWatch.last_duration_ms", Some("{ old = \"last_duration_ms\", new = \"lasting_duration_ms\" }")),
    ("cloud-tasks", "google.cloud.tasks.v2beta3", Some("\"google.cloud.tasks.v2beta3\" = \"google.cloud.tasks.v2\"")),
    ("cloud-tasks", "google.cloud.tasks.v2beta3.Queue.app_engine_http_queue", Some("{ old = \"app_engine_http_queue.app_engine_routing_override\", new = \"app_engine_routing_override\" }")),
    ("k8s-ingress", "k8s.io.api.networking.v1beta1", Some("\"k8s.io.api.networking.v1beta1\" = \"k8s.io.api.networking.v1\"")),
    ("k8s-ingress", "k8s.io.api.networking.v1beta1.IngressSpec.backend", Some("{ old = \"backend\", new = \"defaultBackend\" }")),
    ("k8s-ingress", "k8s.io.api.networking.v1beta1.IngressBackend.serviceName", None),
    ("k8s-ingress", "k8s.io.api.networking.v1beta1.IngressBackend.servicePort", None),
    ("k8s-autoscaling", "k8s.io.api.autoscaling.v1", Some("\"k8s.io.api.autoscaling.v1\" = \"k8s.io.api.autoscaling.v2\"")),
    ("k8s-autoscaling", "k8s.io.api.autoscaling.v1.HorizontalPodAutoscalerSpec.targetCPUUtilizationPercentage", None),
    ("k8s-autoscaling", "k8s.io.api.autoscaling.v1.HorizontalPodAutoscalerStatus.currentCPUUtilizationPercentage", None),
    ("k8s-autoscaling", "k8s.io.api.autoscaling.v1.ResourceMetricSource.targetAverageUtilization", None),
    ("k8s-autoscaling", "k8s.io.api.autoscaling.v1.ResourceMetricSource.targetAverageValue", None),
    ("k8s-autoscaling", "k8s.io.api.autoscaling.v1.PodsMetricSource.metricName", Some("{ old = \"metricName\", new = \"metric.name\" }")),
    ("k8s-autoscaling", "k8s.io.api.autoscaling.v1.PodsMetricSource.targetAverageValue", None),
    ("k8s-autoscaling", "k8s.io.api.autoscaling.v1.ObjectMetricSource.target", None),
    ("k8s-autoscaling", "k8s.io.api.autoscaling.v1.ObjectMetricSource.targetValue", None),
    ("k8s-autoscaling", "k8s.io.api.autoscaling.v1.ObjectMetricStatus.target", None),
    ("k8s-autoscaling", "k8s.io.api.autoscaling.v1.ExternalMetricSource.metricSelector", Some("{ old = \"metricSelector\", new = \"metric.selector\" }")),
    ("k8s-autoscaling", "k8s.io.api.autoscaling.v1.ExternalMetricSource.targetValue", None),
];

#[test]
fn what_the_vectors_need_is_found_or_left_open() {
    let mut faults = Vec::new();
    let (mut found, mut open) = (0, 0);
    for (case, versions) in VERSIONS {
        let Some(drafted) = drafted(case, versions) else { return };
        for (_, element, rule) in NEEDED.iter().filter(|(of, ..)| *of == case) {
            let all = |of: fn(&Draft) -> Vec<String>| drafted.drafts.iter().flat_map(of).collect::<Vec<_>>();
            let (rules, points) = (
                all(|draft| draft.guesses().to_vec()),
                all(|draft| draft.open().iter().map(|point| point.element().to_owned()).collect()),
            );
            let met = if let Some(rule) = rule {
                found += 1;
                rules.iter().any(|guess| guess == rule)
            } else {
                open += 1;
                points.iter().any(|point| point == element)
            };
            if !met {
                faults.push(format!("{case}: {element}: {rule:?} is missing from {rules:#?}, open: {points:#?}"));
            }
        }
    }
    let _ = writeln!(std::io::stderr(), "of what the vectors need {found} are found, {open} left open, 0 wrong");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
