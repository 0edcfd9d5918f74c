//! Gates: what has to hold for an upgrade to go on, in CEL over what nodes report.
//!
//! A gate is a condition over these variables. *Upgraded* nodes are those that run the new version; their calls are those that
//! they answered at it, of the last minute.
//!
//! | variable | meaning |
//! |---|---|
//! | `errors` | share of the upgraded nodes' calls that failed, of those that were not refused: 0 to 1 |
//! | `refused` | share of their calls that were refused |
//! | `p50`, `p90`, `p95`, `p99` | how long their unary calls took, in milliseconds: half of them, 90 % of them, ... were faster |
//! | `calls`, `rate` | how many calls, and how many in a second |
//! | `baseline.errors`, `.refused`, `.p50` ... `.p99`, `.calls` | the same of all nodes before the upgrade began |
//! | `rest.errors`, ... `rest.rate` | the same of nodes that are not upgraded yet, now |
//! | `values['queue'].sum`, `.min`, `.max`, `.mean`, `.nodes` | whatever else upgraded nodes report, by name |
//! | `rest.values['queue'].sum`, ... | the same of nodes that are not upgraded yet |
//! | `upgraded`, `nodes` | share of the nodes that are upgraded: 0 to 1; how many nodes there are |
//! | `caller` | the caller version that is looked at, as `1.1.0`; empty for all together |
//!
//! All numbers are doubles: write `2.0`, not `2`, where you calculate. A gate that reads anything of calls is judged for all
//! callers together, and then for each caller version by itself that has made enough calls, and has to hold for each: an old
//! client that breaks is not lost among thousands of new ones.
//!
//! **Too few calls.** With fewer than `minimum_calls` (50) of all callers in a minute there is nothing to tell: the gate *waits*,
//! and no node goes, but nothing has failed. After `patience` (2 minutes) since the last node came nothing more is to be expected,
//! and the gate does not hold the upgrade up: nobody is harmed by errors of calls that nobody makes.
//!
//! **Baseline.** A caller version that made too few calls before the upgrade has the baseline of all callers. When these made too
//! few as well, `baseline.errors` and `baseline.refused` are 0, and a gate that reads times of the baseline is not judged.
//!
//! **Numbers that are none.** A division by zero, or a value that a node reports as NaN or infinite, makes a gate wait and say so;
//! it never holds, nor fails, by such a number.
//!
//! **Standard gates**, where none is written (`[gates] standard = false` leaves them out):
//!
//! - `errors`: `errors <= baseline.errors + 0.01`. Errors that were there before do not keep out the version that mends them.
//! - `latency`: `p99 <= baseline.p99 * 2.0 + 50.0`.

mod judge;
mod measures;
mod numbers;
mod schema;

use std::time::Duration;

use self::measures::Measures;
use super::Clock;
use crate::coordinator::view::View;
use crate::expression::{Expression, ExpressionError};

/// The gates of an upgrade.
#[derive(Clone, Debug)]
pub struct Gates {
    pub(super) gates: Vec<Gate>,
    pub(super) sample: Sample,
}

/// A condition that has to hold for the upgrade to go on.
#[derive(Clone, Debug)]
pub struct Gate {
    name: String,
    expression: Expression,
}

/// How many calls it takes to tell, and how long they are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) calls: u64,
    pub(super) patience: Duration,
}

impl Default for Sample {
    fn default() -> Self {
        Self { calls: 50, patience: Duration::from_secs(120) }
    }
}

/// What a gate says now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateVerdict {
    /// The gate's name.
    pub name: String,
    /// What has to hold.
    pub expression: String,
    /// Whether it does.
    pub verdict: Verdict,
    /// The numbers, or why it cannot be told, in a sentence without a full stop.
    pub what: String,
    /// When to ask again even though nothing else changes, on the [watch](Clock::now).
    pub until: Option<u64>,
}

/// Whether a gate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does, or there is nothing that speaks against it.
    Holds,
    /// It does not: the upgrade pauses or is taken back.
    Fails,
    /// It cannot be told yet: no node goes, and nothing has failed.
    Waits,
}

impl Gates {
    /// What each gate says. Going back, and before the first node has come, all hold.
    #[must_use]
    pub fn verdicts(&self, view: &View, clock: Clock) -> Vec<GateVerdict> {
        if self.gates.is_empty() {
            return Vec::new();
        }
        let none = if view.back { Some("the upgrade is being taken back") } else { Measures::nothing(view) };
        if let Some(what) = none {
            return self.gates.iter().map(|gate| gate.verdict(Verdict::Holds, what.to_owned(), None)).collect();
        }
        let measures = Measures::of(view);
        self.gates.iter().map(|gate| judge::judge(gate, &measures, self.sample, clock)).collect()
    }

    /// Their names, in their order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.gates.iter().map(Gate::name).collect()
    }

    /// The gates.
    #[must_use]
    pub fn all(&self) -> &[Gate] {
        &self.gates
    }
}

impl Gate {
    /// A gate of this condition.
    ///
    /// # Errors
    /// When it is no CEL, reads what there is not, or is no condition.
    pub fn new(name: &str, condition: &str) -> Result<Self, ExpressionError> {
        let expression = Expression::over_fields(condition, schema::root())?;
        if !expression.may_be_bool() {
            return Err(ExpressionError {
                what: "the gate is no condition".to_owned(),
                advice: "compare something, as in `errors <= baseline.errors + 0.01`".to_owned(),
                offset: Some(0),
            });
        }
        Ok(Self { name: name.to_owned(), expression })
    }

    /// Those of an upgrade that names none.
    pub(super) fn standard() -> Vec<Self> {
        let all = [("errors", "errors <= baseline.errors + 0.01"), ("latency", "p99 <= baseline.p99 * 2.0 + 50.0")];
        // A test holds that both are conditions.
        all.into_iter().filter_map(|(name, condition)| Self::new(name, condition).ok()).collect()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What has to hold.
    #[must_use]
    pub fn expression(&self) -> &str {
        self.expression.text()
    }

    fn verdict(&self, verdict: Verdict, what: String, until: Option<u64>) -> GateVerdict {
        GateVerdict { name: self.name.clone(), expression: self.expression().to_owned(), verdict, what, until }
    }
}
