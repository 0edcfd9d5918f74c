//! Callers that take the proposed version before the nodes do: what older nodes refuse them, of what they call today.

use std::collections::{BTreeMap, BTreeSet};

use super::Against;
use super::course::Course;
use super::told::{listed, named};
use crate::check::judge::{Finding, Level, own};

/// A method of the proposed version, by its place, and why nodes do not answer it.
type Refused = BTreeMap<(usize, String), (BTreeSet<String>, BTreeSet<String>, Option<super::super::Spot>)>;

impl Against<'_> {
    /// In the order in which a careful fleet goes nothing of it happens, so it fails nothing.
    pub(super) fn ahead(&self, proposed: &[usize]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for to in proposed {
            let mut refused = Refused::new();
            for method in self.called_at(*to) {
                for class in self.classes.iter().filter(|class| class.runs < *to) {
                    let course = Course::new(self.protocol, *to, method, class.runs);
                    let Some(lack) = course.lacks(class.runs, class.built) else { continue };
                    let (versions, nodes, spot) = refused.entry((method, course.why(&lack))).or_default();
                    versions.insert(self.version(class.runs).to_string());
                    nodes.extend(class.names.iter().cloned());
                    *spot = course.spot();
                }
            }
            findings.extend(refused.into_iter().map(|((method, why), (versions, nodes, spot))| {
                let (to_name, method) = (self.version(*to), self.method(*to, method));
                let versions = listed(&versions.into_iter().collect::<Vec<_>>());
                let what = format!(
                    "callers that take {to_name} before the nodes do are refused {method} at nodes that run {versions}: {why}"
                );
                let mut finding = Finding::new(&own::FLEET_CALLERS_AHEAD, Level::Warning, method, what);
                let nodes: Vec<String> = nodes.into_iter().collect();
                finding.notes.push(format!("it is called today; {} such a version", named(&nodes, "runs", "run")));
                finding.advice = Some("upgrade the nodes first, and then the callers".to_owned());
                finding.place = spot;
                finding
            }));
        }
        findings
    }

    /// The methods of a version that calls of today would be, once their callers take it.
    fn called_at(&self, to: usize) -> BTreeSet<usize> {
        let lately = self.fleet.calls.iter().filter(|called| called.ago <= self.fleet.within);
        let places = lately.filter_map(|called| self.place(called)).filter(|(version, _)| !self.is_retired(*version));
        let counterpart = |(version, method)| {
            let course = Course::new(self.protocol, version, method, to);
            if course.is_native() {
                return Some(course.method);
            }
            // Code has no counterpart by itself; the name says which one it most likely is.
            let name = self.method(course.version, course.method);
            self.protocol.versions()[to].methods().iter().position(|method| method.full_name() == name)
        };
        places.filter_map(counterpart).collect()
    }
}
