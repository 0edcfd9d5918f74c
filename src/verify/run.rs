//! All ways, one after the other, on as many threads as there are cores.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use prost_reflect::MessageDescriptor;

use super::attempt::{Attempt, Came};
use super::counterexample::{Counterexample, direction_name, distinct, use_name};
use super::generate::{Field, Generator, Recipe, encode, recipes};
use super::judge::{Known, Trial, messages, unknown_fields};
use super::report::{OpenPoint, Report, Tried};
use super::subject::{Subject, subjects};
use crate::Protocol;
use crate::rewrite::{Limits, Rewrite};

/// The most messages of one way that are reported to fail.
const MOST_FAILING: usize = 3;

/// What to try.
#[derive(Clone, Debug)]
pub struct Verify {
    /// Only between these two versions, given by their indexes.
    pub between: Option<(usize, usize)>,
    /// Only messages of these full names, in any version on their way.
    pub named: Option<BTreeSet<String>>,
    /// How many messages of each way.
    pub messages: usize,
    /// What the messages are made from.
    pub seed: u64,
    /// Texts that mean something to the protocol.
    pub words: Vec<String>,
}

/// Whoever watches a run.
pub trait Watch: Sync {
    /// How many ways there are in all.
    fn begin(&self, ways: usize);
    /// One more is done.
    fn advance(&self);
    /// Whether to stop.
    fn is_stopped(&self) -> bool;
}

/// What all ways from or to a version share.
struct Version<'a> {
    known: Known<'a>,
    generator: Generator,
}

impl Verify {
    /// Tries it.
    #[must_use]
    pub fn run(&self, protocol: &Protocol, watch: &dyn Watch) -> Report {
        let (mut all, not_tried) = subjects(protocol, self.between);
        if let Some(named) = &self.named {
            all.retain(|subject| subject.messages.iter().any(|message| named.contains(message)));
        }
        watch.begin(all.len());
        let versions: Vec<Version<'_>> = (0..protocol.versions().len())
            .map(|version| Version {
                known: Known::new(protocol, version),
                generator: Generator::new(
                    self.seed,
                    self.words.clone(),
                    unknown_fields(protocol, version),
                    messages(protocol, version),
                ),
            })
            .collect();
        let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(all.len().max(1));
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while !watch.is_stopped()
                        && let index = next.fetch_add(1, Ordering::Relaxed)
                        && let Some(subject) = all.get(index)
                    {
                        let outcome = self.way(protocol, &versions, subject, watch);
                        done.lock().unwrap_or_else(PoisonError::into_inner).push((index, outcome));
                        watch.advance();
                    }
                });
            }
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(index, _)| *index);
        let mut report = Report { seed: self.seed, not_tried, stopped: watch.is_stopped(), ..Report::default() };
        for (_, outcome) in done {
            match outcome {
                Ok((tried, failing)) => {
                    report.tried.push(tried);
                    report.counterexamples.extend(failing);
                }
                Err(open) => report.open.push(open),
            }
        }
        report.counterexamples = distinct(report.counterexamples);
        report
    }

    /// All messages of one way.
    fn way(
        &self,
        protocol: &Protocol,
        versions: &[Version<'_>],
        subject: &Subject,
        watch: &dyn Watch,
    ) -> Result<(Tried, Vec<Counterexample>), OpenPoint> {
        let compile = |way: &Subject| Rewrite::along(protocol, way.from, way.direction(), &way.messages, way.used);
        let open = |what: String| OpenPoint { subject: subject.clone(), what };
        let rewrite = compile(subject).map_err(|error| open(error.to_string()))?;
        let declared = |version: usize, name: &str| {
            let found = protocol.versions()[version].pool().get_message_by_name(name);
            found.ok_or_else(|| open(format!("{} declares no `{name}`", protocol.versions()[version].version())))
        };
        let (source, target) = (declared(subject.from, subject.message())?, declared(subject.to, subject.target())?);
        let back = subject.is_one_step().then(|| compile(&subject.back()).ok()).flatten();
        let mut tried = Tried::new(subject.clone(), rewrite.is_identity());
        let trial = Trial {
            protocol,
            from: subject.from,
            to: subject.to,
            used: subject.used,
            source: source.clone(),
            target,
            rewrite: rewrite.clone(),
            known: &versions[subject.to].known,
        };
        let attempt = Attempt { subject, trial, back, known_before: &versions[subject.from].known };
        let seed = self.seed_of(protocol, subject);
        let recipes = recipes(&source, seed);
        let mut generator = versions[subject.from].generator.clone();
        let mut failing: Vec<Counterexample> = Vec::new();
        for index in 0..self.messages {
            if watch.is_stopped() {
                break;
            }
            let fields = make(&mut generator, &source, &recipes, seed, index);
            let bytes = encode(&fields);
            tried.generated += 1;
            match attempt.judge(&bytes) {
                Came::Through { bytes: came, back } => {
                    tried.accepted += 1;
                    tried.bytes.push((bytes.len(), came.len()));
                    tried.nanoseconds.push(nanoseconds(&rewrite, bytes));
                    tried.note(back);
                }
                Came::Refused(refusal) => tried.refuse(&refusal),
                Came::Unreadable => tried.unreadable += 1,
                Came::Wrong(fault) => {
                    // One fault shows in many messages; what is cut down shows which are one.
                    let (bytes, fault) = attempt.shrink(&fields, fault);
                    if failing.iter().all(|known| !known.fault.is_like(&fault)) {
                        let subject = subject.clone();
                        let (seed, fault, also) = (self.seed, *fault, BTreeSet::new());
                        failing.push(Counterexample { subject, seed, index, bytes, fault, also });
                    }
                    tried.failed += 1;
                    if failing.len() == MOST_FAILING {
                        break;
                    }
                }
            }
        }
        Ok((tried, failing))
    }

    /// What the messages of one way are made from: the same whatever else is tried.
    fn seed_of(&self, protocol: &Protocol, subject: &Subject) -> u64 {
        let version = |index: usize| protocol.versions()[index].version();
        let way = format!(
            "{} {} {} {} {}",
            version(subject.from),
            version(subject.to),
            direction_name(subject.direction()),
            use_name(subject.used),
            subject.messages.join(" ")
        );
        // FNV-1a: it has to stay the same from build to build.
        way.bytes().fold(self.seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }
}

/// The message at this index: every other one by a recipe as long as there are any, the others at random.
fn make(
    generator: &mut Generator,
    source: &MessageDescriptor,
    recipes: &[Recipe],
    seed: u64,
    index: usize,
) -> Vec<Field> {
    generator.begin(seed.wrapping_add((index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    match recipes.get(index / 2).filter(|_| index.is_multiple_of(2)) {
        Some(recipe) => generator.cook(recipe),
        None => generator.message(source),
    }
}

/// What one rewrite takes. The message was rewritten before, so what it needs is at hand.
fn nanoseconds(rewrite: &Rewrite, bytes: Vec<u8>) -> u64 {
    let (bytes, limits) = (bytes.into(), Limits::default());
    let begun = Instant::now();
    let came = rewrite.apply(&bytes, &limits);
    let taken = begun.elapsed();
    drop(came);
    u64::try_from(taken.as_nanos()).unwrap_or(u64::MAX)
}
