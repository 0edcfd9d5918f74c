//! Who calls, as far as it counts for the proof of routes: which methods of which versions lose something when they lose a route.
//!
//! Two tell. Reports of nodes do at once, and count for as long as [`Settings::callers_kept`](super::Settings::callers_kept) says.
//! The census is exact and outlives programs and coordinators: whatever it has counted since it began counts until its version is
//! retired. Who calls once a year is a caller, too; and to accept a refusal by name is less trouble than to refuse somebody who was
//! forgotten. All of it goes by the watch: a clock that was set ahead must not make callers forgotten that are still there.

use std::collections::{BTreeMap, HashMap};

use super::fleet::Fleet;
use crate::version::Version;

/// Places of versions in the protocol, with the places of the methods that are called.
pub(super) type Callers = BTreeMap<usize, BTreeMap<usize, When>>;

/// When a method was called last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum When {
    /// Lately, or somebody has said that it is.
    Lately,
    /// Longer ago than reports count.
    Before,
}

impl Fleet {
    /// Who calls. It is made once for a round: in a large fleet there are many nodes, and few methods.
    pub(super) fn live_callers(&self, watched: u64, kept: u64) -> Callers {
        let mut live = Callers::new();
        let Some(protocol) = &self.protocol else { return live };
        let retired = self.retired_up_to();
        let is_served = |version: &Version| retired.as_ref().is_none_or(|retired| version > retired);
        let since = watched.saturating_sub(kept);
        let mut methods: HashMap<usize, HashMap<&str, usize>> = HashMap::new();
        let mut called = |version: &Version, method: &str, when: When| {
            let Some(version) = protocol.index_of(version) else { return };
            let names = methods.entry(version).or_insert_with(|| {
                let declared = protocol.versions()[version].methods().iter().enumerate();
                declared.map(|(place, method)| (method.full_name(), place)).collect()
            });
            let Some(method) = names.get(method) else { return };
            let known = live.entry(version).or_default().entry(*method).or_insert(when);
            *known = when.min(*known);
        };
        for ((version, method), seen) in &self.callers {
            if is_served(version) && seen.last_seen_watched >= since {
                called(version, method, When::Lately);
            }
        }
        let mut whole = String::new();
        for ((version, service), counted) in self.census.services().filter(|((version, _), _)| is_served(version)) {
            for (method, last) in counted.called() {
                whole.clear();
                whole.extend([service.as_str(), ".", method]);
                called(version, &whole, if last >= since { When::Lately } else { When::Before });
            }
        }
        for declared in self.upgrade.iter().flat_map(|running| &running.stored.callers) {
            let Some(version) = self.canonical(&declared.version) else { continue };
            let Some(schema) = protocol.schema(&version) else { continue };
            if declared.methods.is_empty() {
                schema.methods().iter().for_each(|method| called(&version, method.full_name(), When::Lately));
            } else {
                declared.methods.iter().for_each(|method| called(&version, method, When::Lately));
            }
        }
        live
    }
}
