//! What was published never changes: it has to be in the protocol as it was.

use std::collections::BTreeMap;

use super::Against;
use super::told::{listed, named};
use crate::check::judge::{Finding, Level, own};
use crate::version::Version;

impl Against<'_> {
    pub(super) fn versions(&self) -> Vec<Finding> {
        let published = self.fleet.published.iter().filter_map(|(version, was)| {
            let Some(index) = self.protocol.index_of(version) else { return Some(self.gone(version, true)) };
            let is = self.protocol.versions()[index].digest();
            (is != was.schema).then(|| self.changed(version, &was.schema, is))
        });
        let mut findings: Vec<Finding> = published.collect();
        let mut unpublished: BTreeMap<&Version, Vec<String>> = BTreeMap::new();
        for node in self.fleet.nodes.iter().filter(|node| !self.is_published(&node.version)) {
            unpublished.entry(&node.version).or_default().push(node.name.clone());
        }
        findings.extend(unpublished.into_iter().map(|(version, nodes)| {
            if self.protocol.index_of(version).is_none() {
                return self.gone(version, false);
            }
            let what = format!(
                "{} {version}, which nobody has published: nobody knows whether it is the one of this folder, and its calls \
                 are not counted",
                named(&nodes, "runs", "run")
            );
            let mut finding = Finding::new(&own::FLEET_CALLS_UNKNOWN, Level::Warning, version.to_string(), what);
            finding.advice = Some("publish it: straddle publish".to_owned());
            finding
        }));
        findings
    }

    fn is_published(&self, version: &Version) -> bool {
        self.fleet.published.keys().any(|published| published.same_schema(version))
    }

    /// The protocol does not have it. One that nobody runs and nobody calls is still to be there, and hurts nobody.
    fn gone(&self, version: &Version, is_published: bool) -> Finding {
        let by = &self.fleet.by;
        let runs = self.fleet.nodes.iter().filter(|node| node.version.same_schema(version));
        let runs: Vec<String> = runs.map(|node| node.name.clone()).collect();
        let is_retired = self.fleet.retired.as_ref().is_some_and(|retired| version <= retired);
        let calls = self.fleet.calls.iter().filter(|called| called.version.same_schema(version) && !is_retired);
        let methods: Vec<String> = calls.map(|called| called.method.clone()).collect();
        let level = if runs.is_empty() && methods.is_empty() { Level::Warning } else { Level::Error };
        let what = if is_published {
            format!("{version} was published at {by}, and this folder does not have it")
        } else {
            format!("{} {version} at {by}, and this folder does not have it", named(&runs, "runs", "run"))
        };
        let mut finding = Finding::new(&own::VERSION_GONE, level, version.to_string(), what);
        if is_published && !runs.is_empty() {
            finding.notes.push(format!("{} it", named(&runs, "runs", "run")));
        }
        if !methods.is_empty() {
            finding.notes.push(format!("its callers call {}", listed(&methods)));
        }
        finding.advice = Some(format!(
            "bring the folder up to date, or restore {version}: of its callers and nodes nothing can be judged without it"
        ));
        finding
    }

    fn changed(&self, version: &Version, was: &str, is: &str) -> Finding {
        let what = format!(
            "the schema of {version} is not the one that was published at {}: its digest is {is}, and was {was}",
            self.fleet.by
        );
        let mut finding = Finding::new(&own::VERSION_CHANGED, Level::Error, version.to_string(), what);
        finding.advice = Some(format!(
            "restore the protos of {version}, and make the change in a new version: publishing is refused"
        ));
        finding
    }
}
