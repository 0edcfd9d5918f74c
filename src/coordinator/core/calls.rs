//! The calls of the last minute.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::nodes::LONGEST_VERSION;
use crate::control::v1_0_0 as wire;
use crate::coordinator::view::CallsView;

/// How long a slot is, in microseconds, and how many there are.
const SLOT: u64 = 10_000_000;
const SLOTS: u64 = 6;
/// The most numbers of a latency, so that a report cannot grow them.
const BOUNDS: usize = 32;
/// The most caller versions that are counted at one node.
const MOST_VERSIONS: usize = 256;

/// Calls of one node at one version, in slots of ten seconds.
#[derive(Default)]
pub(super) struct Window {
    slots: VecDeque<(u64, Callers)>,
    /// When the first call could have been counted.
    since: Option<u64>,
}

/// By caller version, in their order. A node has few of them, and a list takes a fifth of what a map would.
type Callers = Vec<(String, Counts)>;

/// Counts in 32 bits: a large fleet has many of them.
#[derive(Default)]
struct Counts {
    answered: u32,
    failed: u32,
    refused: u32,
    latency: Vec<u32>,
}

impl Window {
    /// Begins anew: the node has come to another version.
    pub(super) fn clear(&mut self, now: u64) {
        self.slots.clear();
        self.since = Some(now);
    }

    pub(super) fn add(&mut self, calls: &wire::Calls, now: u64) {
        let slot = now / SLOT;
        self.since.get_or_insert(now);
        while self.slots.front().is_some_and(|(first, _)| first + SLOTS <= slot) {
            self.slots.pop_front();
        }
        if self.slots.back().is_none_or(|(last, _)| *last < slot) {
            self.slots.push_back((slot, Vec::new()));
        }
        let Some((_, callers)) = self.slots.back_mut() else { return };
        let place = match callers.binary_search_by(|(version, _)| version.cmp(&calls.version)) {
            Ok(place) => place,
            Err(_) if callers.len() >= MOST_VERSIONS || calls.version.len() > LONGEST_VERSION => return,
            Err(place) => {
                callers.insert(place, (calls.version.clone(), Counts::default()));
                place
            }
        };
        let Some((_, counts)) = callers.get_mut(place) else { return };
        let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        counts.answered = counts.answered.saturating_add(narrow(calls.answered));
        counts.failed = counts.failed.saturating_add(narrow(calls.failed));
        counts.refused = counts.refused.saturating_add(narrow(calls.refused));
        // What nobody took so long for takes no room.
        let bounds = calls.latency.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
        for (bound, count) in calls.latency[..bounds].iter().take(BOUNDS).enumerate() {
            if counts.latency.len() <= bound {
                counts.latency.push(0);
            }
            counts.latency[bound] = counts.latency[bound].saturating_add(narrow(*count));
        }
    }

    /// All of the last minute, by caller version.
    pub(super) fn sums(&self, now: u64) -> BTreeMap<String, CallsView> {
        let first = (now / SLOT).saturating_sub(SLOTS - 1);
        let since = self.since.unwrap_or(now).max(first * SLOT);
        let over = Duration::from_micros(now.saturating_sub(since));
        let mut sums: BTreeMap<String, CallsView> = BTreeMap::new();
        for (version, counts) in self.slots.iter().filter(|(slot, _)| *slot >= first).flat_map(|(_, slot)| slot) {
            if !sums.contains_key(version) {
                sums.insert(version.clone(), CallsView { over, ..CallsView::default() });
            }
            let Some(sum) = sums.get_mut(version) else { continue };
            sum.answered += u64::from(counts.answered);
            sum.failed += u64::from(counts.failed);
            sum.refused += u64::from(counts.refused);
            for (bound, count) in counts.latency.iter().enumerate() {
                if sum.latency.len() <= bound {
                    sum.latency.push(0);
                }
                sum.latency[bound] += u64::from(*count);
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(answered: u64) -> wire::Calls {
        wire::Calls { version: "1.0.0".to_owned(), answered, latency: vec![answered], ..wire::Calls::default() }
    }

    #[test]
    fn calls_count_for_a_minute() {
        let mut window = Window::default();
        window.add(&calls(3), 0);
        window.add(&calls(4), 30_000_000);
        assert_eq!(window.sums(31_000_000)["1.0.0"].answered, 7);
        assert_eq!(window.sums(31_000_000)["1.0.0"].over, Duration::from_secs(31));
        assert_eq!(window.sums(65_000_000)["1.0.0"].latency, vec![4]);
        assert!(window.sums(300_000_000).is_empty());
        window.clear(31_000_000);
        assert!(window.sums(31_000_000).is_empty());
    }
}
