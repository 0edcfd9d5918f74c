//! What was called, and by whom, as the coordinator is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crate::census::{CallerKind, Told};
use crate::control::v1_0_0 as wire;
use crate::dispatch::{Counted, Counts, Dispatch};
use crate::version::Version;

/// Most methods, and most callers, that are told of at a time.
const METHODS: usize = 20_000;
const CALLERS: usize = 2_000;

/// What was called since the program began to count, and how much of it was told.
#[derive(Debug, Default)]
pub(super) struct Counting(BTreeMap<Called, Row>);

/// The caller's version, whether it carried no label, and the method; whatever the node ran.
type Called = (Version, bool, Arc<str>);

#[derive(Debug, Default)]
struct Row {
    counted: Counts,
    told: Counts,
}

impl Counting {
    /// Takes note of all that was counted so far; whether something of it was never called before.
    pub(super) fn note(&mut self, counted: &[Counted]) -> bool {
        let before = self.0.len();
        for row in self.0.values_mut() {
            row.counted = Counts::default();
        }
        for Counted { called, counts } in counted.iter().filter(|counted| counted.counts.begun > 0) {
            let key = (called.version.clone(), called.unlabelled, called.method.clone());
            self.0.entry(key).or_default().counted.add(counts);
        }
        self.0.len() > before
    }

    /// What was not told yet, as of now, and whether that is all of it. When the program ends, nobody's turn comes later.
    pub(super) fn take(&mut self, dispatch: &Dispatch, ending: bool) -> (wire::Census, bool) {
        let (methods, whole) = self.methods(METHODS);
        let (mut callers, now) = dispatch.take_callers(CALLERS);
        if ending {
            callers.error = callers.error.max(callers.left_most);
        }
        (told(methods, callers, now), whole)
    }

    fn methods(&mut self, most: usize) -> (Vec<wire::CalledMethod>, bool) {
        let now = Instant::now();
        let mut news = self.0.iter_mut().filter(|(_, row)| row.has_news());
        let methods = news.by_ref().take(most).map(|(called, row)| row.tell(called, now)).collect();
        (methods, news.next().is_none())
    }
}

impl Row {
    /// Whether something has happened since it was told, or goes on.
    fn has_news(&self) -> bool {
        self.counted != self.told || self.counted.running() > 0
    }

    fn tell(&mut self, (version, unlabelled, method): &Called, now: Instant) -> wire::CalledMethod {
        let (grown, running) = (self.counted.since(&self.told), self.counted.running());
        self.told.clone_from(&self.counted);
        let last = self.counted.last.filter(|_| running == 0).unwrap_or(now);
        wire::CalledMethod {
            version: version.to_string(),
            unlabelled: *unlabelled,
            method: name(method),
            begun: grown.begun,
            answered: grown.answered,
            failed: grown.failed,
            refused: grown.refusals(),
            gone: grown.gone,
            running,
            last_ago_microseconds: u64::try_from(now.saturating_duration_since(last).as_micros()).unwrap_or(u64::MAX),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::Called as Key;

    fn counted(method: &str, node: &str, begun: u64, answered: u64) -> Counted {
        let (version, node) = ("1.0.0".parse().unwrap(), node.parse().unwrap());
        let called = Key { version, unlabelled: true, method: method.into(), node };
        let last = (answered > 0).then(Instant::now);
        Counted { called, counts: Counts { begun, answered, last, ..Counts::default() } }
    }

    /// A method in a line: begun, answered, running.
    fn lines(counting: &mut Counting, most: usize) -> (Vec<String>, bool) {
        let (methods, whole) = counting.methods(most);
        let line = |row: wire::CalledMethod| {
            assert!(row.unlabelled && row.version == "1.0.0" && (row.running == 0 || row.last_ago_microseconds == 0));
            format!("{} {} {} {}", row.method, row.begun, row.answered, row.running)
        };
        (methods.into_iter().map(line).collect(), whole)
    }

    #[test]
    fn a_row_is_told_by_what_it_has_grown_by_whatever_the_node_runs_and_for_as_long_as_a_call_runs() {
        let mut counting = Counting::default();
        let get = |begun, answered| counted("/p.S/Get", "1.0.0", begun, answered);
        assert!(!counting.note(&[get(0, 0)]), "nothing was called");
        assert!(counting.note(&[get(2, 1)]));
        assert_eq!(lines(&mut counting, 9), (vec!["p.S.Get 2 1 1".to_owned()], true));
        assert!(!counting.note(&[get(2, 1)]));
        assert_eq!(lines(&mut counting, 9), (vec!["p.S.Get 0 0 1".to_owned()], true), "one goes on");
        assert!(!counting.note(&[get(2, 2), counted("/p.S/Get", "2.0.0", 5, 5)]));
        assert_eq!(lines(&mut counting, 9), (vec!["p.S.Get 5 6 0".to_owned()], true));
        assert_eq!(lines(&mut counting, 9), (vec![], true));
    }

    #[test]
    fn what_finds_no_room_is_told_next() {
        let mut counting = Counting::default();
        let methods = ["/p.S/A", "/p.S/B", "/p.S/C"].map(|method| counted(method, "1.0.0", 1, 1));
        assert!(counting.note(&methods));
        let said: Vec<_> = (0..3).map(|_| lines(&mut counting, 2)).collect();
        let line = |method: &str| format!("p.S.{method} 1 1 0");
        assert_eq!(said[0], (vec![line("A"), line("B")], false));
        assert_eq!((&said[1], &said[2]), (&(vec![line("C")], true), &(vec![], true)));
    }
}
