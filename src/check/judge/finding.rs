//! Findings: what a check has to say, each about one thing.

use std::path::PathBuf;

use super::refusing::MayRefuse;
use crate::check::{Category, Difference, Effect, Rule, Verdict};

/// What a check has to say about one thing.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) rule: &'static Rule,
    pub(crate) level: Level,
    pub(crate) place: Option<Spot>,
    /// The full name of what it is about; a version for findings about one.
    pub(crate) element: String,
    /// What it is listed under.
    pub(crate) group: String,
    /// What was found, as a sentence without its full stop.
    pub(crate) what: String,
    pub(crate) effect: Effect,
    /// What becomes of it; none where there is nothing to judge.
    pub(crate) verdict: Option<Verdict>,
    /// Which values the rules that bridge it refuse.
    pub(crate) may_refuse: MayRefuse,
    /// What else there is to know.
    pub(crate) notes: Vec<String>,
    /// What to do, where the verdict does not say so.
    pub(crate) advice: Option<String>,
    /// The two versions that it lies between.
    pub(crate) step: Option<(String, String)>,
}

/// How much a finding weighs; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Level {
    /// Open, or changed after it was published.
    Error,
    /// Somebody is refused, or a number promises too much.
    Warning,
    /// Good to know.
    Note,
}

/// A place in a file that a reader can open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    /// Where the file lies.
    pub(crate) file: PathBuf,
    /// The line, from 1; none where the file as a whole is meant.
    pub(crate) line: Option<usize>,
    /// The column, from 1; 1 where only the line is known.
    pub(crate) column: usize,
    /// The column behind the last character, where it is known and on the same line.
    pub(crate) end: Option<usize>,
}

impl Finding {
    /// A finding of our own: about no difference, but about a step or a version.
    pub(crate) fn new(rule: &'static Rule, level: Level, element: impl Into<String>, what: impl Into<String>) -> Self {
        let element = element.into();
        Self {
            rule,
            level,
            place: None,
            group: element.clone(),
            element,
            what: what.into(),
            effect: Effect::default(),
            verdict: None,
            may_refuse: MayRefuse::default(),
            notes: Vec::new(),
            advice: None,
            step: None,
        }
    }

    /// A difference, judged.
    pub(super) fn of(difference: Difference, verdict: Verdict) -> Self {
        let Difference { rule, place: _, element, group, what, effect } = difference;
        let level = match verdict {
            Verdict::Open { .. } => Level::Error,
            Verdict::Refused { .. } => Level::Warning,
            Verdict::Compatible | Verdict::Bridged { .. } => Level::Note,
        };
        Self { level, effect, group, verdict: Some(verdict), ..Self::new(rule, level, element, what) }
    }

    /// Whether it only says that something came, and nothing has to be done about it.
    pub(crate) fn is_addition(&self) -> bool {
        self.rule.id == own::ADDITION.id && self.level == Level::Note
    }

    /// How bad it is, the worst being the least: what verdicts of one level are sorted by.
    pub(crate) fn weight(&self) -> (Level, u8) {
        let verdict = match self.verdict {
            Some(Verdict::Open { .. }) => 0,
            None => 1,
            Some(Verdict::Refused { .. }) => 2,
            Some(Verdict::Bridged { .. }) => 3,
            Some(Verdict::Compatible) => 4,
        };
        (self.level, verdict)
    }
}

/// Groups by their worst finding, then by name; within a group the worst first, then in the order of the file.
pub(crate) fn sort(findings: &mut [Finding]) {
    let mut worst = std::collections::BTreeMap::<String, (Level, u8)>::new();
    for finding in findings.iter() {
        let weight = worst.entry(finding.group.clone()).or_insert_with(|| finding.weight());
        *weight = finding.weight().min(*weight);
    }
    let place = |finding: &Finding| finding.place.as_ref().map(|spot| (spot.file.clone(), spot.line, spot.column));
    findings.sort_by_cached_key(|finding| {
        let group = (worst[&finding.group], finding.group.clone());
        (group, finding.weight(), place(finding), finding.element.clone(), finding.rule.id)
    });
}

/// The rules of findings that are about no difference of two protos.
pub(crate) mod own {
    use super::{Category, Rule};

    const CATEGORY: &[Category] = &[Category::Straddle];

    pub(crate) static ADDITION: Rule = Rule {
        id: "ADDITION",
        categories: CATEGORY,
        purpose: "Tells of what the newer version has and the older one has not.",
    };
    pub(crate) static FLEET_CALLERS_AHEAD: Rule = Rule {
        id: "FLEET_CALLERS_AHEAD",
        categories: CATEGORY,
        purpose: "Tells of methods that a fleet's nodes refuse to callers who take a new version before the nodes do.",
    };
    pub(crate) static FLEET_CALLS_UNKNOWN: Rule = Rule {
        id: "FLEET_CALLS_UNKNOWN",
        categories: CATEGORY,
        purpose: "Tells of which time and which nodes a fleet's calls are not known.",
    };
    pub(crate) static FLEET_CALL_LOSSY: Rule = Rule {
        id: "FLEET_CALL_LOSSY",
        categories: CATEGORY,
        purpose: "Tells of calls that a fleet's callers make, and that can lose something at a new version.",
    };
    pub(crate) static FLEET_CALL_REFUSED: Rule = Rule {
        id: "FLEET_CALL_REFUSED",
        categories: CATEGORY,
        purpose: "Checks that each call that a fleet's callers make is answered by a new version, too.",
    };
    pub(crate) static FLEET_REFUSAL_UNUSED: Rule = Rule {
        id: "FLEET_REFUSAL_UNUSED",
        categories: CATEGORY,
        purpose: "Tells of methods that a new version refuses and that nobody in a fleet is known to call.",
    };
    pub(crate) static LATE_REFUSAL: Rule = Rule {
        id: "LATE_REFUSAL",
        categories: CATEGORY,
        purpose: "Checks that no response is refused by a rule after its call has changed something, unless step.toml \
                  accepts that by name.",
    };
    pub(crate) static METHOD_GONE: Rule = Rule {
        id: "METHOD_GONE",
        categories: CATEGORY,
        purpose: "Checks that each method of the older version has a way to the newer one, or is refused with a reason.",
    };
    pub(crate) static METHOD_OPEN: Rule = Rule {
        id: "METHOD_OPEN",
        categories: CATEGORY,
        purpose: "Checks that nothing is left open that keeps a method from being bridged.",
    };
    pub(crate) static PACKAGE_MOVED: Rule = Rule {
        id: "PACKAGE_MOVED",
        categories: CATEGORY,
        purpose: "Checks that a package that seems to go by another name is said to do so.",
    };
    pub(crate) static PROTOCOL_FAULT: Rule = Rule {
        id: "PROTOCOL_FAULT",
        categories: CATEGORY,
        purpose: "Checks that protos, step.toml and protocol.toml can be read and fit together.",
    };
    pub(crate) static STEP_CHANGED: Rule = Rule {
        id: "STEP_CHANGED",
        categories: CATEGORY,
        purpose: "Checks that the step.toml of a published version is the one that was recorded.",
    };
    pub(crate) static VERSION_BUMP: Rule = Rule {
        id: "VERSION_BUMP",
        categories: CATEGORY,
        purpose: "Checks that the number of a version promises no more than its schema keeps.",
    };
    pub(crate) static VERSION_CHANGED: Rule = Rule {
        id: "VERSION_CHANGED",
        categories: CATEGORY,
        purpose: "Checks that the schema of a version stays what it was when it was published.",
    };
    pub(crate) static VERSION_GONE: Rule = Rule {
        id: "VERSION_GONE",
        categories: CATEGORY,
        purpose: "Checks that a published version stays in the protocol.",
    };
    pub(crate) static VERSION_NOT_LOCKED: Rule = Rule {
        id: "VERSION_NOT_LOCKED",
        categories: CATEGORY,
        purpose: "Tells of versions that straddle.lock does not hold to what they were.",
    };
}

/// The rules of findings that are about no difference of two protos, in the order of their ids.
pub(crate) static OWN_RULES: [&Rule; 16] = [
    &own::ADDITION,
    &own::FLEET_CALLERS_AHEAD,
    &own::FLEET_CALLS_UNKNOWN,
    &own::FLEET_CALL_LOSSY,
    &own::FLEET_CALL_REFUSED,
    &own::FLEET_REFUSAL_UNUSED,
    &own::LATE_REFUSAL,
    &own::METHOD_GONE,
    &own::METHOD_OPEN,
    &own::PACKAGE_MOVED,
    &own::PROTOCOL_FAULT,
    &own::STEP_CHANGED,
    &own::VERSION_BUMP,
    &own::VERSION_CHANGED,
    &own::VERSION_GONE,
    &own::VERSION_NOT_LOCKED,
];
