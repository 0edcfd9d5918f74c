//! What was called, and by whom, as the coordinator is told.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use crate::census::{CALLERS_AT_A_TIME, CallerKind, METHODS_AT_A_TIME, Told};
use crate::control::v1_0_0 as wire;
use crate::dispatch::{Counted, Counts, Dispatch};
use crate::version::Version;

/// In so many batches at most a program that ends tells the last of its callers.
const LAST_BATCHES: usize = 40;

/// What was called since the program began to count, and how much of it was told.
#[derive(Debug, Default)]
pub(super) struct Counting {
    rows: BTreeMap<Called, Row>,
    /// Batches that were told since the program began to end.
    last_batches: usize,
}

/// What is told next.
pub(super) struct Batch {
    pub(super) census: wire::Census,
    /// All calls are in it; of a program that ends, also as many callers as there is time for.
    pub(super) whole: bool,
    /// Callers are left to be told.
    pub(super) left: bool,
}

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
        let before = self.rows.len();
        for row in self.rows.values_mut() {
            row.counted = Counts::default();
        }
        for Counted { called, counts } in counted.iter().filter(|counted| counted.counts.begun > 0) {
            let key = (called.version.clone(), called.unlabelled, called.method.clone());
            self.rows.entry(key).or_default().counted.add(counts);
        }
        self.rows.len() > before
    }

    /// What was not told yet, as of now.
    pub(super) fn take(&mut self, dispatch: &Dispatch, ending: bool) -> Batch {
        let (mut callers, now) = dispatch.take_callers(CALLERS_AT_A_TIME);
        let left = callers.left > 0;
        self.last_batches += usize::from(ending);
        let goes_on = left && ending && self.last_batches < LAST_BATCHES;
        if ending && !goes_on {
            // Nobody's turn comes later.
            callers.error = callers.error.max(callers.left_most);
        }
        let (census, whole) = self.batch(callers, now);
        Batch { census, whole: whole && !goes_on, left }
    }

    /// The methods of these callers, and of the others as many as there is room for; whether that is all of them.
    fn batch(&mut self, told: Told, callers_now: u64) -> (wire::Census, bool) {
        let now = Instant::now();
        let (mut methods, mut places) = (Vec::new(), HashMap::new());
        let mut callers = Vec::with_capacity(told.callers.len());
        for called in told.callers {
            let key = (called.version, called.unlabelled, called.method);
            let place = *places.entry(key).or_insert_with_key(|key| {
                methods.push(self.rows.entry(key.clone()).or_default().tell(key, now));
                methods.len() - 1
            });
            callers.push(wire::CallerCalls {
                caller: called.caller,
                kind: match called.kind {
                    CallerKind::Named => wire::CallerKind::Named,
                    CallerKind::Address => wire::CallerKind::Address,
                }
                .into(),
                called: u32::try_from(place).unwrap_or(u32::MAX),
                calls: called.calls,
                error: called.error,
                last_ago_microseconds: callers_now.saturating_sub(called.last),
            });
        }
        let mut news = self.rows.iter_mut().filter(|(key, row)| row.has_news() && !places.contains_key(*key));
        let room = METHODS_AT_A_TIME.saturating_sub(methods.len());
        methods.extend(news.by_ref().take(room).map(|(key, row)| row.tell(key, now)));
        let whole = news.next().is_none();
        (wire::Census { methods, callers, callers_error: told.error, ..wire::Census::default() }, whole)
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

/// `/package.Service/Method` as it is told.
pub(super) fn name(method: &str) -> String {
    method.trim_start_matches('/').replace('/', ".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::census::CalledBy;
    use crate::dispatch::Called as Key;

    fn counted(method: &str, node: &str, begun: u64, answered: u64) -> Counted {
        let (version, node) = ("1.0.0".parse().unwrap(), node.parse().unwrap());
        let called = Key { version, unlabelled: true, method: method.into(), node };
        let last = (answered > 0).then(Instant::now);
        Counted { called, counts: Counts { begun, answered, last, ..Counts::default() } }
    }

    /// A method in a line: begun, answered, running.
    fn lines(counting: &mut Counting) -> (Vec<String>, bool) {
        let (census, whole) = counting.batch(Told::default(), 0);
        let line = |row: wire::CalledMethod| {
            assert!(row.unlabelled && row.version == "1.0.0" && (row.running == 0 || row.last_ago_microseconds == 0));
            format!("{} {} {} {}", row.method, row.begun, row.answered, row.running)
        };
        (census.methods.into_iter().map(line).collect(), whole)
    }

    #[test]
    fn a_row_is_told_by_what_it_has_grown_by_whatever_the_node_runs_and_for_as_long_as_a_call_runs() {
        let mut counting = Counting::default();
        let get = |begun, answered| counted("/p.S/Get", "1.0.0", begun, answered);
        assert!(!counting.note(&[get(0, 0)]), "nothing was called");
        assert!(counting.note(&[get(2, 1)]));
        assert_eq!(lines(&mut counting), (vec!["p.S.Get 2 1 1".to_owned()], true));
        assert!(!counting.note(&[get(2, 1)]));
        assert_eq!(lines(&mut counting), (vec!["p.S.Get 0 0 1".to_owned()], true), "one goes on");
        assert!(!counting.note(&[get(2, 2), counted("/p.S/Get", "2.0.0", 5, 5)]));
        assert_eq!(lines(&mut counting), (vec!["p.S.Get 5 6 0".to_owned()], true));
        assert_eq!(lines(&mut counting), (vec![], true));
    }

    #[test]
    fn what_finds_no_room_is_told_next() {
        let mut counting = Counting::default();
        let method = |number: usize| counted(&format!("/p.S/M{number:03}"), "1.0.0", 1, 1);
        assert!(counting.note(&(0..METHODS_AT_A_TIME + 2).map(method).collect::<Vec<_>>()));
        let (first, whole) = lines(&mut counting);
        assert_eq!((first.len(), whole), (METHODS_AT_A_TIME, false));
        assert_eq!(lines(&mut counting), (vec!["p.S.M120 1 1 0".to_owned(), "p.S.M121 1 1 0".to_owned()], true));
        assert_eq!(lines(&mut counting), (vec![], true));
    }

    #[test]
    fn a_caller_says_what_it_called_by_its_place_also_where_that_was_told_before() {
        let mut counting = Counting::default();
        assert!(counting.note(&[counted("/p.S/Get", "1.0.0", 2, 2)]));
        assert_eq!(lines(&mut counting).0, ["p.S.Get 2 2 0"]);
        assert!(counting.note(&[counted("/p.S/Get", "1.0.0", 2, 2), counted("/p.S/Put", "1.0.0", 1, 1)]));
        let by = |caller: &str, method: &str| CalledBy {
            caller: caller.to_owned(),
            kind: CallerKind::Named,
            version: "1.0.0".parse().unwrap(),
            unlabelled: true,
            method: method.into(),
            calls: 1,
            error: 0,
            first: 1,
            last: 2,
        };
        let callers = vec![by("a", "/p.S/Get"), by("b", "/p.S/New"), by("c", "/p.S/Get")];
        let (census, whole) = counting.batch(Told { callers, ..Told::default() }, 5);
        let rows: Vec<_> = census.methods.iter().map(|row| (row.method.as_str(), row.begun)).collect();
        assert_eq!(rows, [("p.S.Get", 0), ("p.S.New", 0), ("p.S.Put", 1)]);
        let callers: Vec<_> = census.callers.iter().map(|calls| (calls.caller.as_str(), calls.called)).collect();
        assert_eq!((callers, whole), (vec![("a", 0), ("b", 1), ("c", 0)], true));
        assert!(census.callers.iter().all(|calls| calls.last_ago_microseconds == 3));
    }
}
