//! Learning versions: those of the goal, and those that callers and peers name.

use std::collections::{BTreeMap, BTreeSet};

use super::{AGAIN, AgentCore, Output, longer, version};
use crate::control::v1_0_0 as wire;
use crate::version::Version;

/// Most labels that are remembered, whatever callers say.
const LABELS: usize = 64;
/// How long a label that nobody has published is remembered as such, and how long an answer is waited for: microseconds.
const UNKNOWN_FOR: u64 = 60_000_000;
const ANSWER_WITHIN: u64 = 10_000_000;
/// Most questions for labels in a window of this many microseconds.
const QUESTIONS: u32 = 8;
const WINDOW: u64 = 10_000_000;
/// Most bundles that are remembered as learned, or as not learned.
const BUNDLES: usize = 4096;

/// What an agent learns.
#[derive(Debug, Default)]
pub(super) struct Learning {
    /// The bundle that is on its way.
    under_way: Option<String>,
    learned: BTreeSet<String>,
    failed: BTreeMap<String, Failed>,
    labels: Vec<(Version, Label)>,
    /// When the window of questions began, and how many there were.
    questions: (u64, u32),
}

#[derive(Debug)]
struct Failed {
    again: u64,
    wait: u64,
}

/// What has become of a label that the node does not know.
#[derive(Debug)]
enum Label {
    /// The coordinator was asked; when no answer comes by then, it does not know either.
    Asked { by: u64 },
    /// These bundles lead there.
    Fetching { bundles: Vec<String> },
    /// Nobody knows it, or it could not be learned; until then.
    Unknown { until: u64 },
}

impl Learning {
    /// What was asked, and is not answered any more.
    pub(super) fn forget_questions(&mut self) {
        self.labels.retain(|(_, label)| matches!(label, Label::Unknown { .. }));
    }

    /// What could not be learned, and is not of the goal any more, keeps nobody.
    fn forget_failures_but_of(&mut self, goal: &[String]) {
        self.failed.retain(|digest, _| goal.contains(digest));
    }

    pub(super) fn is_under_way(&self, label: &str) -> bool {
        let Some(version) = version(label) else { return false };
        let label = self.labels.iter().find(|(known, _)| known.same_schema(&version));
        label.is_some_and(|(_, label)| !matches!(label, Label::Unknown { .. }))
    }

    /// When there is something to do again.
    pub(super) fn due(&self, goal: &[String]) -> Option<u64> {
        let answers = self.labels.iter().filter_map(|(_, label)| match label {
            Label::Asked { by } => Some(*by),
            _ => None,
        });
        let next = self.under_way.is_none().then(|| self.lists(goal).filter_map(|list| self.first(list)));
        let again = next.into_iter().flatten().map(|digest| self.failed.get(digest).map_or(0, |failed| failed.again));
        answers.chain(again).min()
    }

    /// Bundles that are to be learned: each list in its order.
    fn lists<'a>(&'a self, goal: &'a [String]) -> impl Iterator<Item = &'a [String]> {
        let labels = self.labels.iter().filter_map(|(_, label)| match label {
            Label::Fetching { bundles } => Some(bundles.as_slice()),
            _ => None,
        });
        std::iter::once(goal).chain(labels)
    }

    /// The first of a list that the node lacks.
    fn first<'a>(&self, list: &'a [String]) -> Option<&'a String> {
        list.iter().find(|digest| !self.learned.contains(*digest))
    }

    fn next(&self, goal: &[String], now: u64) -> Option<String> {
        let mut next = self.lists(goal).filter_map(|list| self.first(list));
        next.find(|digest| self.failed.get(*digest).is_none_or(|failed| failed.again <= now)).cloned()
    }

    /// Whether one more question may be asked now.
    fn may_ask(&mut self, now: u64) -> bool {
        let (begun, asked) = &mut self.questions;
        if *asked == 0 || now.saturating_sub(*begun) >= WINDOW {
            (*begun, *asked) = (now, 0);
        }
        *asked += 1;
        *asked <= QUESTIONS
    }
}

impl AgentCore {
    /// The goal has changed, and with it what the node is to learn.
    pub(super) fn set_goal(&mut self, goal: wire::Goal) {
        self.learning.forget_failures_but_of(&goal.bundles);
        if self.learning.failed.is_empty() {
            self.reporting.not_learned(None);
        }
        self.goal = Some(goal);
    }

    /// Fetches the next bundle.
    pub(super) fn learn(&mut self, now: u64) {
        for (_, label) in &mut self.learning.labels {
            if matches!(label, Label::Asked { by } if *by <= now) {
                *label = Label::Unknown { until: now.saturating_add(UNKNOWN_FOR) };
            }
        }
        if self.learning.under_way.is_some() {
            return;
        }
        let bundles = self.goal.as_ref().map(|goal| goal.bundles.as_slice()).unwrap_or_default();
        if let Some(digest) = self.learning.next(bundles, now) {
            self.learning.under_way = Some(digest.clone());
            self.outputs.push(Output::Learn(digest));
        }
    }

    pub(super) fn learned(&mut self, digest: &str, result: Result<Vec<wire::KnownVersion>, String>, now: u64) {
        let learning = &mut self.learning;
        learning.under_way.take_if(|under_way| under_way == digest);
        match result {
            Ok(knows) => {
                if learning.learned.len() == BUNDLES {
                    learning.learned.pop_first();
                }
                learning.learned.insert(digest.to_owned());
                learning.failed.remove(digest);
                if learning.failed.is_empty() {
                    self.reporting.not_learned(None);
                }
                self.hello.knows = knows;
            }
            Err(why) => {
                let wait = learning.failed.get(digest).map_or(AGAIN, |failed| failed.wait);
                if learning.failed.len() == BUNDLES {
                    learning.failed.pop_first();
                }
                let again = now.saturating_add(wait);
                learning.failed.insert(digest.to_owned(), Failed { again, wait: longer(wait) });
                for (_, label) in &mut learning.labels {
                    if matches!(label, Label::Fetching { bundles } if bundles.iter().any(|bundle| bundle == digest)) {
                        *label = Label::Unknown { until: now.saturating_add(UNKNOWN_FOR) };
                    }
                }
                self.reporting.not_learned(Some(why));
            }
        }
        let (knows, learned) = (&self.hello.knows, &self.learning.learned);
        self.learning.labels.retain(|(label, state)| {
            let done = matches!(state, Label::Fetching { bundles } if bundles.iter().all(|one| learned.contains(one)));
            !done && !is_known(knows, label)
        });
    }

    /// Somebody said a label that the node does not know, or named a version.
    pub(super) fn unknown(&mut self, label: &str, now: u64) {
        let Some(version) = version(label) else { return };
        if is_known(&self.hello.knows, &version) {
            return;
        }
        self.reporting.count_label(&version.to_string(), 1);
        if !self.is_attending() {
            return;
        }
        let labels = &mut self.learning.labels;
        labels.retain(|(_, label)| !matches!(label, Label::Unknown { until } if *until <= now));
        if labels.iter().any(|(known, _)| known.same_schema(&version)) {
            return;
        }
        if labels.len() < LABELS && self.learning.may_ask(now) {
            self.learning.labels.push((version.clone(), Label::Asked { by: now.saturating_add(ANSWER_WITHIN) }));
            self.outputs.push(Output::Find(version.to_string()));
        }
    }

    pub(super) fn found(&mut self, label: &str, bundles: Vec<String>, now: u64) {
        let Some(version) = version(label) else { return };
        let learned = &self.learning.learned;
        let asked = self.learning.labels.iter_mut().find(|(known, _)| *known == version);
        let Some((_, label @ Label::Asked { .. })) = asked else { return };
        // What was learned without making it known leads nowhere.
        let leads = bundles.iter().any(|digest| !learned.contains(digest));
        *label =
            if leads { Label::Fetching { bundles } } else { Label::Unknown { until: now.saturating_add(UNKNOWN_FOR) } };
    }
}

fn is_known(knows: &[wire::KnownVersion], wanted: &Version) -> bool {
    knows.iter().filter_map(|known| version(&known.version)).any(|known| known.same_schema(wanted))
}
