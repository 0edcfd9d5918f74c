//! Calls that are really made, held against the proposed version; and methods that nobody calls, as far as is known.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::course::{Course, Lack};
use super::told::{self, lasted, listed};
use super::{Against, Called};
use crate::check::judge::losses::{self, Lost};
use crate::check::judge::{Finding, Level, own};
use crate::version::Version;

/// Places of a version and a method.
type Place = (usize, usize);

impl Against<'_> {
    pub(super) fn calls(&self, proposed: &[usize]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let called: BTreeMap<Place, &Called> =
            self.fleet.calls.iter().filter_map(|called| Some((self.place(called)?, called))).collect();
        // What is lost at one version is not told again of the next.
        let mut lost: BTreeSet<Place> = BTreeSet::new();
        let mut rests_on_silence = false;
        let unknown = self.all_unknown(proposed);
        let mut crossed: BTreeSet<(Place, usize)> = BTreeSet::new();
        for to in proposed {
            for ((version, method), called) in &called {
                if self.is_retired(*version) || lost.contains(&(*version, *method)) {
                    continue;
                }
                let course = Course::new(self.protocol, *version, *method, *to);
                if let Some(cause) = course.refusal() {
                    lost.insert((*version, *method));
                    findings.push(self.refused(called, (*version, *method), *to, &course, &Lack::Refused(cause)));
                } else {
                    // The steps to the version before were told with that one.
                    let hops = course.ruled.iter().filter(|(step, _)| crossed.insert(((*version, *method), *step)));
                    let hops: Vec<Place> = hops.copied().collect();
                    findings.extend(self.lossy(called, (*version, *method), *to, &hops));
                }
            }
            for version in (0..*to).filter(|version| !self.is_retired(*version)) {
                let uncalled = self.uncalled(version, *to, &called, &mut lost);
                rests_on_silence |= !uncalled.is_empty();
                findings
                    .extend((!uncalled.is_empty()).then(|| self.unused(version, *to, &uncalled, unknown.is_empty())));
            }
        }
        findings.extend((!unknown.is_empty()).then(|| self.unknown(&unknown, rests_on_silence)));
        findings
    }

    /// A call that the proposed version refuses.
    fn refused(&self, called: &Called, place: Place, to: usize, course: &Course<'_>, lack: &Lack<'_>) -> Finding {
        let (version, to) = (&called.version, self.version(to));
        let (method, why) = (&called.method, course.why(lack));
        let is_answered = self.is_answered(place.0, place.1);
        let what = if is_answered {
            format!("callers of {version} would lose {method} at {to}: {why}")
        } else {
            format!("callers of {version} are refused {method} at {to}, as by all nodes already: {why}")
        };
        let level = match (is_answered, called.ago <= self.fleet.within) {
            (true, true) => Level::Error,
            (true, false) => Level::Warning,
            (false, _) => Level::Note,
        };
        let mut finding = Finding::new(&own::FLEET_CALL_REFUSED, level, method.clone(), what);
        finding.notes = told::calls(called);
        if level == Level::Warning {
            let within = lasted(self.fleet.within);
            finding
                .notes
                .push(format!("nobody has called it for {within}; an upgrade goes by all that was ever called"));
        }
        finding.advice = is_answered.then(|| {
            let name = self.protocol.name();
            format!(
                "bridge it in the step, or move its callers first (straddle callers {name} --version {version}); an \
                 upgrade waits for that, or for --accept {version}:{method}"
            )
        });
        finding.place = course.spot();
        finding.step = Some(course.versions());
        finding
    }

    /// A call of which the proposed version loses something, as the steps that no node has taken yet declare.
    fn lossy(&self, called: &Called, place: Place, to: usize, hops: &[Place]) -> Option<Finding> {
        let passed = |class: &super::Class| Course::new(self.protocol, place.0, place.1, class.runs).ruled;
        let already: BTreeSet<Place> = self.classes.iter().flat_map(passed).collect();
        let new: Vec<Place> = hops.iter().filter(|hop| !already.contains(hop)).copied().collect();
        let lost: BTreeSet<Lost> =
            new.iter().flat_map(|(step, method)| losses::of_past_hop(self.protocol, *step, *method)).collect();
        // What passes as an unknown field comes to whoever knows it.
        let is_loss = |lost: &&Lost| lost.by_use().any(|(used, fate)| used != "stored" && fate != "passed");
        let told: Vec<String> = lost.iter().filter(is_loss).map(ToString::to_string).collect();
        if told.is_empty() || called.ago > self.fleet.within {
            return None;
        }
        let (version, method, to) = (&called.version, &called.method, self.version(to));
        let what = format!("calls of {method} by callers of {version} can lose something at {to}: {}", listed(&told));
        let mut finding = Finding::new(&own::FLEET_CALL_LOSSY, Level::Warning, method.clone(), what);
        finding.notes = told::calls(called);
        finding
            .notes
            .push("the census counts calls, and not what is in them: only calls that say it are concerned".to_owned());
        finding.advice = Some("see that these callers do not need it, or bridge it in the step".to_owned());
        let (step, _) = *new.first()?;
        finding.step = Some((self.version(step).to_string(), self.version(step + 1).to_string()));
        let line = lost.iter().filter(is_loss).find_map(|lost| lost.line);
        finding.place = self.protocol.sources()[step + 1].step.as_ref().map(|(file, _)| super::super::Spot {
            file: file.clone(),
            line,
            column: 1,
            end: None,
        });
        Some(finding)
    }

    /// Methods of a version that lose their way, with nobody known to call them.
    fn uncalled(
        &self,
        version: usize,
        to: usize,
        called: &BTreeMap<Place, &Called>,
        lost: &mut BTreeSet<Place>,
    ) -> Vec<(String, String)> {
        let mut uncalled = Vec::new();
        // Without a node, and of a version that nobody has, there is nothing to lose.
        let published = self.fleet.published.keys().any(|one| self.protocol.index_of(one) == Some(version));
        let runs = self.classes.iter().any(|class| class.runs == version);
        if self.classes.is_empty() || !(published || runs) {
            return uncalled;
        }
        for method in 0..self.protocol.versions()[version].methods().len() {
            let place = (version, method);
            if called.contains_key(&place) || lost.contains(&place) || !self.is_answered(version, method) {
                continue;
            }
            let course = Course::new(self.protocol, version, method, to);
            if let Some(cause) = course.refusal() {
                lost.insert(place);
                uncalled.push((self.method(version, method).to_owned(), course.why(&Lack::Refused(cause))));
            }
        }
        uncalled
    }

    /// Whom these would be missed by is not known to be anybody.
    fn unused(&self, version: usize, to: usize, uncalled: &[(String, String)], all_known: bool) -> Finding {
        let (version, to) = (self.version(version), self.version(to));
        let published = self.fleet.published.iter().find(|(one, _)| one.same_schema(version));
        let since = published.map(|(_, published)| published.since);
        let known = self.fleet.counted_for.map(|counted| since.map_or(counted, |since| counted.min(since)));
        let methods: Vec<String> = uncalled.iter().map(|(method, _)| method.clone()).collect();
        let (methods, refuses) = (listed(&methods), format!("{to} refuses callers of {version}"));
        let is_known = known.is_some() && all_known;
        let what = match known {
            Some(_) if is_known => format!("{refuses} {methods}, and nobody has called it since calls are counted"),
            Some(_) => format!("{refuses} {methods}: nobody is known to have called it, and not all calls are known"),
            None => format!("{refuses} {methods}, and whether anybody calls it is not known: no calls are counted yet"),
        };
        let level = if is_known { Level::Note } else { Level::Warning };
        let mut finding = Finding::new(&own::FLEET_REFUSAL_UNUSED, level, version.to_string(), what);
        finding.notes.extend(known.map(|known| self.known(known)));
        let whys: BTreeSet<String> = uncalled.iter().map(|(_, why)| why.clone()).collect();
        finding.notes.extend(whys.into_iter().take(3));
        finding
    }

    fn known(&self, known: Duration) -> String {
        let (counted, within) = (lasted(known), lasted(self.fleet.within));
        let short = if known < self.fleet.within { format!(", and {within} were asked for") } else { String::new() };
        format!("calls of it are counted for {counted}{short}")
    }

    /// Of which time nothing is known, and of whom: a sentence each.
    fn all_unknown(&self, proposed: &[usize]) -> Vec<String> {
        if self.fleet.counted_for.is_none() {
            return vec!["no node has told yet who calls it".to_owned()];
        }
        // Callers of the newest version lose nothing by it.
        let newest = proposed.last().map(|newest| self.version(*newest));
        let mut uncounted: BTreeMap<&Version, Vec<String>> = BTreeMap::new();
        for (version, node) in
            self.fleet.uncounted.iter().filter(|(version, _)| newest.is_some_and(|newest| version < newest))
        {
            uncounted.entry(version).or_default().push(node.clone());
        }
        let uncounted = uncounted.into_iter().map(|(version, nodes)| {
            let nodes = told::named(&nodes, "serves", "serve");
            format!("{nodes} {version}, which nobody has published: its calls are not counted")
        });
        self.fleet.unknown.iter().cloned().chain(uncounted).collect()
    }

    fn unknown(&self, all: &[String], rests_on_silence: bool) -> Finding {
        const SHOWN: usize = 10;
        let level = if rests_on_silence { Level::Warning } else { Level::Note };
        let (by, within) = (&self.fleet.by, lasted(self.fleet.within));
        let what = format!("not all calls of the last {within} are known at {by}: there may be more callers");
        let mut finding = Finding::new(&own::FLEET_CALLS_UNKNOWN, level, self.protocol.name(), what);
        finding.notes = all.iter().take(SHOWN).cloned().collect();
        finding.notes.extend((all.len() > SHOWN).then(|| format!("and {} more", all.len() - SHOWN)));
        finding
    }
}
