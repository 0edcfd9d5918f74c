//! A proposed version against a fleet: the versions that its nodes really run, and the methods that are really called.
//!
//! What the fleet is comes in as plain data ([`Fleet`]); whoever asks a coordinator for it is no business of ours. Proposed are the
//! versions that are newer than all nodes, at least the newest one. Four things are held against each of them:
//!
//! | what | finding |
//! |---|---|
//! | a version that was published | has to be in the protocol, as it was ([`versions`]) |
//! | a call that somebody makes, and some node answers | keeps its way to a node that runs the proposed version ([`calls`]) |
//! | a method that is refused, and nobody calls as far as is known | is told with since when that is known ([`calls`]) |
//! | a caller that takes the proposed version before the nodes do | is told what they refuse it ([`ahead`]) |
//!
//! What is not known is never taken for "nobody calls": it is told, as a warning where something hangs on it.

mod ahead;
mod calls;
mod course;
mod told;
mod versions;

use std::collections::BTreeMap;
use std::time::Duration;

use self::course::Course;
pub(crate) use self::told::lasted;
use super::finding::Finding;
use crate::protocol::{Protocol, Schema};
use crate::version::Version;

/// A fleet, as its coordinator tells of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fleet {
    /// Who tells of it, for people: an address.
    pub(crate) by: String,
    pub(crate) published: BTreeMap<Version, Published>,
    /// This version and all older ones are served no longer.
    pub(crate) retired: Option<Version>,
    /// Those that are away count as well, with what they ran last.
    pub(crate) nodes: Vec<Node>,
    /// By version and method, each once.
    pub(crate) calls: Vec<Called>,
    /// Calls of so long ago count as made.
    pub(crate) within: Duration,
    /// For how long calls are counted; none when no node has told any.
    pub(crate) counted_for: Option<Duration>,
    /// What is not known of calls within that time: a sentence each.
    pub(crate) unknown: Vec<String>,
    /// Versions that nobody has published, so that calls of them are not counted, with a node that serves them.
    pub(crate) uncounted: Vec<(Version, String)>,
}

/// A version that was published.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    /// The digest of its schema.
    pub(crate) schema: String,
    /// For how long it has been: calls of it are not counted before.
    pub(crate) since: Duration,
}

/// A node.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) version: Version,
    /// The oldest and the newest version that its program was built with, for certain.
    pub(crate) built: Option<(Version, Version)>,
    /// The same, of all that it may have been built with: it knows them, and may have learned some.
    pub(crate) knows: Option<(Version, Version)>,
}

/// A method of a version that was called.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub(crate) version: Version,
    /// As `package.Service.Method`.
    pub(crate) method: String,
    /// Since they are counted.
    pub(crate) calls: u64,
    /// Of these: without a label.
    pub(crate) unlabelled: u64,
    /// When the last one was.
    pub(crate) ago: Duration,
    /// The most active ones, by how often they call.
    pub(crate) callers: Vec<Caller>,
    /// Any other one has made at most so many.
    pub(crate) others: u64,
}

/// Who calls.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) name: String,
    pub(crate) calls: u64,
    /// At most so many more.
    pub(crate) error: u64,
}

/// A protocol, judged against a fleet.
pub(crate) struct Judged {
    pub(crate) fleet: Fleet,
    /// The versions that were judged, the oldest first.
    pub(crate) proposed: Vec<Version>,
    /// What becomes of each call at each of these: `same`, `rules`, `code` or `refused`; none where the protocol has no such method.
    pub(crate) outcomes: Vec<Vec<Option<&'static str>>>,
}

/// Places of versions: the oldest and the newest.
type Range = (usize, usize);

/// Nodes that answer alike.
struct Class {
    /// Places of versions: what they run, what their programs were built with, and what that may be besides.
    runs: usize,
    built: Range,
    knows: Range,
    names: Vec<String>,
}

/// A protocol and the fleet that it is held against.
struct Against<'a> {
    protocol: &'a Protocol,
    fleet: &'a Fleet,
    /// Of the nodes whose versions the protocol has.
    classes: Vec<Class>,
}

/// Judges the newest versions of a protocol against a fleet.
pub(crate) fn judge(protocol: &Protocol, fleet: Fleet) -> (Judged, Vec<Finding>) {
    let against = Against::new(protocol, &fleet);
    let proposed = against.proposed();
    let mut findings = against.versions();
    findings.extend(against.calls(&proposed));
    findings.extend(against.ahead(&proposed));
    findings.sort_by_key(|finding| finding.level);
    let outcome = |called: &Called| {
        let (version, method) = against.place(called)?;
        Some(proposed.iter().map(|to| Some(Course::new(protocol, version, method, *to).word())).collect())
    };
    let none = || vec![None; proposed.len()];
    let outcomes = fleet.calls.iter().map(|called| outcome(called).unwrap_or_else(none)).collect();
    let proposed = proposed.iter().map(|place| protocol.versions()[*place].version().clone()).collect();
    (Judged { fleet, proposed, outcomes }, findings)
}

impl<'a> Against<'a> {
    fn new(protocol: &'a Protocol, fleet: &'a Fleet) -> Self {
        let mut classes: BTreeMap<(usize, Range, Range), Vec<String>> = BTreeMap::new();
        for node in &fleet.nodes {
            let Some(runs) = protocol.index_of(&node.version) else { continue };
            // What lies between these two, as far as the folder has it.
            let within = |(first, last): &(Version, Version)| {
                let is_from = |version: &Version| version >= first || version.same_schema(first);
                let is_to = |version: &Version| version <= last || version.same_schema(last);
                let mut all = protocol.versions().iter().map(Schema::version);
                Some((all.clone().position(is_from)?, all.rposition(is_to)?))
            };
            let around = |range: &Option<(Version, Version)>, (first, last): Range| {
                let range = range.as_ref().and_then(within);
                range.map_or((first, last), |range| (range.0.min(first), range.1.max(last)))
            };
            let built = around(&node.built, (runs, runs));
            let knows = around(&node.knows, built);
            classes.entry((runs, built, knows)).or_default().push(node.name.clone());
        }
        let class = |((runs, built, knows), names)| Class { runs, built, knows, names };
        Self { protocol, fleet, classes: classes.into_iter().map(class).collect() }
    }

    /// The places of the versions that nodes could go on to; of a fleet that is there already: the newest.
    fn proposed(&self) -> Vec<usize> {
        let newest = self.protocol.versions().len() - 1;
        let run = self.classes.iter().map(|class| class.runs).max();
        let first = run.map_or(newest, |run| (run + 1).min(newest));
        (first..=newest).collect()
    }

    /// The places of a call's version and method.
    fn place(&self, called: &Called) -> Option<(usize, usize)> {
        let version = self.protocol.index_of(&called.version)?;
        let mut methods = self.protocol.versions()[version].methods().iter();
        Some((version, methods.position(|method| method.full_name() == called.method)?))
    }

    fn is_retired(&self, version: usize) -> bool {
        self.fleet.retired.as_ref().is_some_and(|retired| self.protocol.versions()[version].version() <= retired)
    }

    /// Whether some node answers it as things are; where there is none, nobody can say.
    fn is_answered(&self, version: usize, method: usize) -> bool {
        self.classes.is_empty() || self.classes.iter().any(|class| class.answers(self.protocol, version, method))
    }

    fn version(&self, place: usize) -> &Version {
        self.protocol.versions()[place].version()
    }

    fn method(&self, version: usize, method: usize) -> &str {
        self.protocol.versions()[version].methods()[method].full_name()
    }
}

impl Class {
    /// Whether they answer it, or may: whoever loses an answer is not to be passed over.
    fn answers(&self, protocol: &Protocol, version: usize, method: usize) -> bool {
        let course = Course::new(protocol, version, method, self.runs);
        course.lacks(self.runs, self.knows).is_none()
    }
}

#[cfg(test)]
mod tests;
