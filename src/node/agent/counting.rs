//! What was called, and by whom, as the coordinator is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::census::{CallerKind, Told};
use crate::control::v1_0_0 as wire;
use crate::dispatch::{Counted, Dispatch};
use crate::version::Version;

/// Most methods, and most callers, that are told of at a time.
const METHODS: usize = 20_000;
const CALLERS: usize = 2_000;

/// What was called since the program began to count, and how much of it was told.
#[derive(Debug, Default)]
pub(super) struct Counting(BTreeMap<Called, Row>);

/// The caller's version, whether it carried no label, and the method.
type Called = (Version, bool, Arc<str>);

#[derive(Debug, Default)]
struct Row {
    counted: Calls,
    told: Calls,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Calls {
    begun: u64,
    answered: u64,
    failed: u64,
    refused: u64,
}

impl Counting {
    /// Takes note of what was called; whether something of it was never called before.
    pub(super) fn note(&mut self, counted: &[Counted]) -> bool {
        let before = self.0.len();
        for counted in counted {
            let called = (counted.version.clone(), counted.unlabelled, counted.method.clone());
            let calls = &mut self.0.entry(called).or_default().counted;
            calls.begun += counted.answered + counted.failed + counted.refused;
            calls.answered += counted.answered;
            calls.failed += counted.failed;
            calls.refused += counted.refused;
        }
        self.0.len() > before
    }

    /// What was not told yet, as of now, and whether that is all of it. When the program ends, nobody's turn comes later.
    pub(super) fn take(&mut self, dispatch: &Dispatch, ending: bool) -> (wire::Census, bool) {
        let mut methods = Vec::new();
        let mut whole = true;
        for (called, row) in &mut self.0 {
            if row.counted == row.told {
                continue;
            }
            if methods.len() == METHODS {
                whole = false;
                break;
            }
            methods.push(row.tell(called));
        }
        let (mut callers, now) = dispatch.take_callers(CALLERS);
        if ending {
            callers.error = callers.error.max(callers.left_most);
        }
        (told(methods, callers, now), whole)
    }
}

impl Row {
    fn tell(&mut self, (version, unlabelled, method): &Called) -> wire::CalledMethod {
        let (counted, told) = (self.counted, std::mem::replace(&mut self.told, self.counted));
        wire::CalledMethod {
            version: version.to_string(),
            unlabelled: *unlabelled,
            method: name(method),
            begun: counted.begun - told.begun,
            answered: counted.answered - told.answered,
            failed: counted.failed - told.failed,
            refused: counted.refused - told.refused,
            gone: 0,
            running: 0,
            last_ago_microseconds: 0,
        }
    }
}

fn told(methods: Vec<wire::CalledMethod>, callers: Told, now: u64) -> wire::Census {
    let kind = |kind| match kind {
        CallerKind::Named => wire::CallerKind::Named,
        CallerKind::Address => wire::CallerKind::Address,
    };
    let callers_error = callers.error;
    let callers = callers.callers.into_iter().map(|called| wire::CallerCalls {
        caller: called.caller,
        kind: kind(called.kind).into(),
        version: called.version.to_string(),
        unlabelled: called.unlabelled,
        method: name(&called.method),
        calls: called.calls,
        error: called.error,
        last_ago_microseconds: now.saturating_sub(called.last),
    });
    wire::Census { methods, callers: callers.collect(), callers_error, ..wire::Census::default() }
}

/// `/package.Service/Method` as it is told.
pub(super) fn name(method: &str) -> String {
    method.trim_start_matches('/').replace('/', ".")
}
