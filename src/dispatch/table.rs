//! The table of a node's routes: immutable, and read once a call.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue};
use rustc_hash::FxHashMap;
use tonic::Status;

use super::answer::{Answer, Object};
use super::doors::{Doors, Passed, Shut, date};
use super::outcome;
use super::rewriting::{Compiling, Rewriting};
use super::route::{self, Course, End, Route, Stamp, Target, Walk};
use super::tally::Tally;
use crate::protocol::{Protocol, Schema};
use crate::refusal::{Reason, Refusal};
use crate::version::Version;

/// Metadata of a request, and of its response: the version that its messages are in.
pub static VERSION: HeaderName = HeaderName::from_static("straddle-version");
/// Metadata of a request: the name of the program, or of the part of it, that calls. Nodes count callers by it; it changes nothing
/// else.
pub static CALLER: HeaderName = HeaderName::from_static("straddle-caller");
/// Metadata of a response: the version that the node runs.
pub static NODE: HeaderName = HeaderName::from_static("straddle-node");
/// Metadata of a response, and of labelled requests: the digest of the labelled version's schema.
pub static SCHEMA: HeaderName = HeaderName::from_static("straddle-schema");
/// Metadata of a response that a caller's own channel adds: the older version that it made the call in, because the node
/// does not know the caller's.
pub static SIMULATED: HeaderName = HeaderName::from_static("straddle-simulated");
/// Metadata of a request, `1`: its caller goes on with the stream when it was drained. Metadata of the end of a stream,
/// `drain`: it was.
pub static RESUME: HeaderName = HeaderName::from_static("straddle-resume");
pub(crate) const RESUME_DRAIN: HeaderValue = HeaderValue::from_static("drain");
pub(crate) const RESUME_ABLE: HeaderValue = HeaderValue::from_static("1");

/// Why a caller is told of a version that it has not said.
const UNLABELLED: &str = "the call carries no label and is taken for this version: label it with the one that its client was \
                          generated from";

/// All routes of a node that runs one version.
#[derive(Debug)]
pub struct Table {
    protocol: String,
    versions: Vec<Served>,
    /// The standard hasher withstands keys that were chosen to collide, and takes several times as long; here all keys are
    /// a protocol's own methods, and callers only look up.
    methods: FxHashMap<Box<str>, Entry>,
    node: Version,
}

#[derive(Clone, Debug)]
struct Served {
    text: String,
    version: Version,
    /// Nothing but a new table serves it again.
    retired: bool,
    stamp: Arc<Stamp>,
}

/// What a path leads to, by the index of the caller's version.
#[derive(Clone, Debug)]
struct Entry {
    unlabelled: usize,
    routes: Box<[Option<Arc<Route>>]>,
}

/// The objects that a table is made of; `at(i)` answers for the version at index `i`.
pub(crate) struct Objects<'a> {
    pub(crate) node: usize,
    pub(crate) oldest: usize,
    pub(crate) at: &'a [Option<Object>],
    /// The versions that the program was built with. Of others, which it has learned, it has no objects.
    pub(crate) built: Range<usize>,
}

/// A service that a route needs and no object has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Missing {
    pub(crate) version: usize,
    pub(crate) service: String,
    pub(crate) method: String,
}

/// The methods of simulation objects, and of the current one, that the routes of a node need which runs the version at
/// index `node`.
pub(crate) fn needed(protocol: &Protocol, node: usize, oldest: usize) -> Vec<Missing> {
    let callers = protocol.versions().iter().enumerate().skip(oldest);
    let methods = callers.flat_map(|(index, schema)| (0..schema.methods().len()).map(move |method| (index, method)));
    let walks = methods.map(|(index, method)| Walk::new(protocol, index, method, node));
    let mut needed: Vec<Missing> = walks
        .filter(|walk| !matches!(walk.end, End::Refused(_)))
        .map(|walk| {
            let reached = &protocol.versions()[walk.version].methods()[walk.method];
            let (service, method) = (reached.service().to_owned(), reached.descriptor().name().to_owned());
            Missing { version: walk.version, service, method }
        })
        .collect();
    needed.sort();
    needed.dedup();
    needed
}

impl Table {
    /// Compiles the routes of every version and method; an error names all that is missing at once. Where a learned version
    /// lacks an object, just the calls that would need it are refused.
    pub(crate) fn new(protocol: &Protocol, objects: &Objects<'_>) -> Result<Self, Vec<Missing>> {
        Self::compiled(protocol, objects, Compiling::new(protocol))
    }

    /// What a table takes that can be made before there are objects: its rewrites, for a node that runs the version at index
    /// `node`, and callers from that at `oldest` on.
    pub(crate) fn ahead(protocol: &Protocol, node: usize, oldest: usize) -> Compiling {
        let mut compiling = Compiling::new(protocol);
        for (index, schema) in protocol.versions().iter().enumerate().skip(oldest) {
            for method in 0..schema.methods().len() {
                let walk = Walk::new(protocol, index, method, node);
                if !matches!(walk.end, End::Refused(_)) {
                    // Why there is none, if there is none, is told with the table.
                    let _ = compiling.of(index, &walk);
                }
            }
        }
        compiling
    }

    /// As [`new`](Self::new), with rewrites that are there already.
    pub(crate) fn compiled(
        protocol: &Protocol,
        objects: &Objects<'_>,
        mut compiling: Compiling,
    ) -> Result<Self, Vec<Missing>> {
        let node = protocol.versions()[objects.node].version().clone();
        let versions: Vec<Served> = protocol
            .versions()
            .iter()
            .enumerate()
            .map(|(index, schema)| Served {
                text: schema.version().to_string(),
                version: schema.version().clone(),
                retired: index < objects.oldest,
                stamp: Arc::new(stamp(protocol, schema, &node)),
            })
            .collect();
        let mut methods: FxHashMap<Box<str>, Entry> = FxHashMap::default();
        let mut missing = Vec::new();
        for (index, schema) in protocol.versions().iter().enumerate() {
            for (number, method) in schema.methods().iter().enumerate() {
                let entry = methods.entry(method.path().into()).or_insert_with(|| Entry {
                    // The package of a method that is there is a package of a version.
                    unlabelled: protocol.unlabelled_index(method.package()).unwrap_or(index),
                    routes: vec![None; protocol.versions().len()].into_boxed_slice(),
                });
                let walk = Walk::new(protocol, index, number, objects.node);
                let (server_streaming, client_streaming) = (method.is_server_streaming(), method.is_client_streaming());
                let (stamp, path) = (versions[index].stamp.clone(), Arc::<str>::from(method.path()));
                let tally = Tally::new(stamp.clone(), path.clone(), !server_streaming && !client_streaming);
                let tally = Arc::new(tally);
                match target(protocol, objects, &mut compiling, (index, number), &walk, &tally) {
                    Ok(target) => {
                        entry.routes[index] = Some(Arc::new(Route {
                            course: Course::new(protocol, &walk, &target),
                            target,
                            stamp,
                            method: path,
                            changes: !method.has_no_side_effects(),
                            server_streaming,
                            client_streaming,
                            tally,
                            row: OnceLock::new(),
                        }));
                    }
                    Err(lacking) => missing.push(lacking),
                }
            }
        }
        if !missing.is_empty() {
            missing.sort();
            missing.dedup();
            return Err(missing);
        }
        Ok(Self { protocol: protocol.name().to_owned(), versions, methods, node })
    }

    /// From here on the doors say what becomes of versions.
    pub(super) fn hang(&self, doors: &Doors) {
        for served in &self.versions {
            served.stamp.door.get_or_init(|| doors.of(&served.version));
        }
    }

    /// The same without what routes of retired versions lead to.
    pub(super) fn without_retired(&self) -> Self {
        let versions = self.versions.iter().map(|served| Served { retired: served.is_retired(), ..served.clone() });
        let versions: Vec<Served> = versions.collect();
        let mut methods = self.methods.clone();
        for entry in methods.values_mut() {
            let routes = entry.routes.iter_mut().zip(&versions).filter(|(_, served)| served.retired);
            routes.for_each(|(route, _)| *route = route.as_ref().map(|route| Arc::new(retired(route))));
        }
        Self { protocol: self.protocol.clone(), versions, methods, node: self.node.clone() }
    }

    /// The versions that are served, told as `1.0.0..=3.0.0`.
    pub(super) fn served(&self) -> String {
        let mut served = self.versions.iter().filter(|served| !served.is_retired()).map(|served| served.text.as_str());
        // The node's own version is always served, so there is a first; the last may be the same.
        let first = served.next();
        match (first, served.next_back().or(first)) {
            (Some(first), Some(last)) => format!("{first}..={last}"),
            _ => self.node.to_string(),
        }
    }

    /// The version that the node runs.
    #[must_use]
    pub fn node(&self) -> &Version {
        &self.node
    }

    pub(super) fn protocol(&self) -> &str {
        &self.protocol
    }

    /// All routes.
    pub(super) fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.methods.values().flat_map(|entry| entry.routes.iter().flatten())
    }

    /// The counters of all routes.
    pub(super) fn tallies(&self) -> impl Iterator<Item = Arc<Tally>> {
        self.routes().map(|route| route.tally.clone())
    }

    /// The route on which a call was not sent, and whether it carries no label.
    pub(super) fn not_taken(&self, path: &str, headers: &HeaderMap) -> Option<(&Arc<Route>, bool)> {
        let (entry, labelled) = (self.methods.get(path)?, self.labelled(headers).ok()?);
        let route = entry.routes[labelled.unwrap_or(entry.unlabelled)].as_ref()?;
        Some((route, labelled.is_none()))
    }

    /// The route of a caller's request, and its way in where its version may be retired. Allocates nothing when there is one.
    pub(crate) fn enter(&self, path: &str, headers: &HeaderMap) -> Result<(&Arc<Route>, Option<Passed>), Refused> {
        let route = self.route(path, headers)?;
        match route.stamp.enter() {
            Ok(passed) => Ok((route, passed)),
            Err(shut) => Err(self.shut_out(&shut, route, path, headers)),
        }
    }

    /// The route of a caller's request, by its path and its label. Allocates nothing when there is one.
    pub(crate) fn route(&self, path: &str, headers: &HeaderMap) -> Result<&Arc<Route>, Refused> {
        let Some(entry) = self.methods.get(path) else {
            return Err(self.no_such_path(path, headers));
        };
        let labelled = self.labelled(headers).map_err(|refusal| self.tell(refusal, path))?;
        let index = labelled.unwrap_or(entry.unlabelled);
        let served = &self.versions[index];
        if served.is_retired() {
            return Err(self.tell_version(served, self.retired(served, labelled.is_some()), path));
        }
        let Some(route) = &entry.routes[index] else {
            let refusal = self.undeclared(served, labelled.is_some(), path, entry);
            return Err(self.tell_version(served, refusal, path));
        };
        if headers.get_all(&SCHEMA).iter().any(|schema| *schema != served.stamp.headers[2]) {
            return Err(self.tell_version(served, self.other_schema(served), path));
        }
        Ok(route)
    }

    /// The route of a call from within the node, in the adjacent version of a simulation object.
    pub(crate) fn route_within(&self, path: &str, version: &Version) -> Result<&Arc<Route>, Refused> {
        let index = self.versions.iter().position(|served| served.version == *version);
        index
            .and_then(|index| self.methods.get(path)?.routes[index].as_ref())
            .ok_or_else(|| Refused(Status::unimplemented(format!("{version} of {} declares no {path}", self.protocol))))
    }

    /// The index of the version that the label names; `None` without a label.
    fn labelled(&self, headers: &HeaderMap) -> Result<Option<usize>, Refusal> {
        let mut labels = headers.get_all(&VERSION).iter();
        let Some(label) = labels.next() else { return Ok(None) };
        if labels.next().is_some() {
            return Err(Refusal::new(Reason::LabelMismatch, "the call carries more than one straddle-version")
                .advice("label a call once"));
        }
        let label = label.as_bytes();
        // Nearly every label is the very text of a version; the rest is parsed.
        if let Some(index) = self.versions.iter().position(|served| served.text.as_bytes() == label) {
            return Ok(Some(index));
        }
        let version = Version::from_label(label).map_err(|error| {
            Refusal::new(Reason::LabelMismatch, error.to_string())
                .advice("label the call with a version of the protocol")
        })?;
        match self.versions.iter().position(|served| served.version.same_schema(&version)) {
            Some(index) => Ok(Some(index)),
            None => Err(Refusal::new(
                Reason::UnknownVersion,
                format!("this node does not know {version} of {}", self.protocol),
            )
            .with("caller_version", version.to_string())
            .with("served", self.served())
            .advice("call in a version that is served, or have the node learn this one, or upgrade it")),
        }
    }

    fn no_such_path(&self, path: &str, headers: &HeaderMap) -> Refused {
        match self.labelled(headers) {
            // A method that only a newer version has: it is the version that is not known here.
            Err(refusal) => self.tell(refusal, path),
            Ok(_) => {
                self.stamped(Status::unimplemented(format!("no version of {} declares {path}", self.protocol)), None)
            }
        }
    }

    fn retired(&self, served: &Served, labelled: bool) -> Refusal {
        let refusal = outcome::retired(&served.stamp, &self.served());
        if labelled { refusal } else { refusal.also(UNLABELLED) }
    }

    /// The version has gone just now, or is gone for a while.
    #[cold]
    fn shut_out(&self, shut: &Shut, route: &Route, path: &str, headers: &HeaderMap) -> Refused {
        // The route was found by its version, which is there.
        let Some(served) = self.versions.iter().find(|served| served.version == route.stamp.caller) else {
            return self.no_such_path(path, headers);
        };
        let labelled = headers.contains_key(&VERSION);
        let refusal = match shut {
            Shut::Retired => self.retired(served, labelled),
            Shut::Until(until, sunset) => {
                let (version, until_date) = (&served.text, date(*until));
                let gone = sunset.map_or_else(String::new, |sunset| format!(" on {}", date(sunset)));
                let refusal = Refusal::new(
                    Reason::Retired,
                    format!(
                        "a brown-out: {version} of {} is refused until {until_date}, because it will be retired{gone}",
                        self.protocol
                    ),
                );
                let refusal = if labelled { refusal } else { refusal.also(UNLABELLED) };
                let advice = format!(
                    "move the caller to a version that is served, {}; calls in {version} are answered again from {until_date} on, \
                     for a while",
                    self.served()
                );
                refusal
                    .with("brownout_until", until.to_string())
                    .with("caller_version", version)
                    .with("served", self.served())
                    .advice(advice)
            }
        };
        self.tell_version(served, refusal, path)
    }

    fn undeclared(&self, served: &Served, labelled: bool, path: &str, entry: &Entry) -> Refusal {
        let declaring: Vec<&str> = self
            .versions
            .iter()
            .zip(&entry.routes)
            .filter(|(_, route)| route.is_some())
            .map(|(served, _)| served.text.as_str())
            .collect();
        let taken_for = if labelled { "the label says" } else { "the call carries no label and is taken for" };
        let message =
            format!("{taken_for} {}, which does not declare {path}; {} does", served.text, declaring.join(", "));
        Refusal::new(Reason::LabelMismatch, message)
            .with("caller_version", &served.text)
            .advice("label the call with the version that its client was generated from")
    }

    fn other_schema(&self, served: &Served) -> Refusal {
        let message = format!(
            "the caller's schema of {} {} is not the one that this node has; a published version is immutable",
            self.protocol, served.text
        );
        Refusal::new(Reason::LabelMismatch, message)
            .with("caller_version", &served.text)
            .advice("find out who changed the version after it was published, and publish the change as a new one")
    }

    fn tell(&self, refusal: Refusal, path: &str) -> Refused {
        let refusal =
            refusal.with("protocol", &self.protocol).with("node_version", self.node.to_string()).with("method", path);
        self.stamped(refusal.into(), None)
    }

    fn tell_version(&self, served: &Served, refusal: Refusal, path: &str) -> Refused {
        let Refused(status) = self.tell(refusal, path);
        self.stamped(status, Some(served))
    }

    /// Says what a response says, as far as it is known: this one has no route to do so.
    fn stamped(&self, mut status: Status, served: Option<&Served>) -> Refused {
        let headers = status.metadata_mut().as_mut();
        match served {
            Some(served) => {
                let [version, node, schema] = &served.stamp.headers;
                headers.insert(&VERSION, version.clone());
                headers.insert(&NODE, node.clone());
                headers.insert(&SCHEMA, schema.clone());
                served.stamp.announce(headers);
            }
            // All versions have the node's own in common.
            None => headers.extend(self.versions.first().map(|any| (NODE.clone(), any.stamp.headers[1].clone()))),
        }
        Refused(status)
    }
}

impl Served {
    fn is_retired(&self) -> bool {
        self.retired || self.stamp.is_retired()
    }
}

/// A route of a version that is served no longer: callers are told so before it is looked at.
fn retired(route: &Route) -> Route {
    let refusal = Refusal::new(Reason::Retired, format!("{} is no longer served", route.stamp.caller));
    Route {
        target: Target::Refused(route::headers_of(refusal)),
        course: Course::REFUSED,
        stamp: route.stamp.clone(),
        method: route.method.clone(),
        changes: route.changes,
        server_streaming: route.server_streaming,
        client_streaming: route.client_streaming,
        tally: route.tally.clone(),
        row: route.row.clone(),
    }
}

/// A call that has no route, and what its caller is told.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Status);

fn target(
    protocol: &Protocol,
    objects: &Objects<'_>,
    compiling: &mut Compiling,
    (version, method): (usize, usize),
    walk: &Walk,
    tally: &Arc<Tally>,
) -> Result<Target, Missing> {
    let node = protocol.versions()[objects.node].version();
    let caller = &protocol.versions()[version];
    if let End::Refused(cause) = &walk.end {
        let refusal = route::refusal(protocol, caller, method, node, walk, cause);
        return Ok(Target::Refused(route::headers_of(refusal)));
    }
    let schema = &protocol.versions()[walk.version];
    let reached = &schema.methods()[walk.method];
    if version < objects.oldest {
        // Callers are told so before their route is looked at; this is for simulation objects that were left in.
        let refusal = Refusal::new(Reason::Retired, format!("{} is no longer served", caller.version()));
        return Ok(Target::Refused(route::headers_of(refusal)));
    }
    let answer = objects.at[walk.version].as_ref().and_then(|object| object.service(reached.service()));
    let Some(answer) = answer else {
        if !objects.built.contains(&walk.version) {
            let refusal = route::needs_program(protocol, caller, method, objects.node, walk);
            return Ok(Target::Refused(route::headers_of(refusal)));
        }
        return Err(Missing {
            version: walk.version,
            service: reached.service().to_owned(),
            method: reached.descriptor().name().to_owned(),
        });
    };
    let rewrites = match compiling.of(version, walk) {
        Ok(rewrites) => rewrites,
        Err(why) => {
            let refusal = route::not_rewritten(protocol, caller, method, node, &why);
            return Ok(Target::Refused(route::headers_of(refusal)));
        }
    };
    let path = (reached.path() != caller.methods()[method].path())
        .then(|| PathAndQuery::try_from(reached.path()))
        .transpose()
        // Names in protos are identifiers, so their paths are valid.
        .unwrap_or_default();
    let simulated = matches!(walk.end, End::Simulated);
    let rewritten = rewrites.is_some();
    let answer: Arc<dyn Answer> = match rewrites {
        Some(rewrites) => Arc::new(Rewriting::new(answer.clone(), rewrites.counted_by(tally))),
        None => answer.clone(),
    };
    Ok(Target::Object { answer, path, simulated, rewritten })
}

fn stamp(protocol: &Protocol, schema: &Schema, node: &Version) -> Stamp {
    // Versions and digests are visible ASCII.
    let value = |text: &str| HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    Stamp {
        protocol: protocol.name().to_owned(),
        caller: schema.version().clone(),
        node: node.clone(),
        door: OnceLock::new(),
        headers: [value(&schema.version().to_string()), value(&node.to_string()), value(schema.digest())],
    }
}

#[cfg(all(test, feature = "compile"))]
mod tests {
    use std::convert::Infallible;
    use std::hint::black_box;

    use http::Response;

    use super::*;
    use crate::retiring::{Brownout, Notice, Retiring, SystemClock, WallClock};
    use crate::wire::Body;

    const LOOKUPS: u32 = 1_000_000;

    /// Looks this up a million times, and counts allocations.
    fn allocations(table: &Table, path: &str, label: Option<&'static str>) -> u64 {
        let label = label.map(|label| (VERSION.clone(), HeaderValue::from_static(label)));
        let headers: HeaderMap = label.into_iter().collect();
        let counted = allocation_counter::measure(|| {
            for _ in 0..LOOKUPS {
                assert!(black_box(table).enter(black_box(path), black_box(&headers)).is_ok());
            }
        });
        counted.count_total
    }

    #[test]
    fn finding_a_route_allocates_nothing() {
        let answer = tower::service_fn(|_| async { Ok::<_, Infallible>(Response::new(Body::empty())) });
        let services = ["inventory.v1.Inventory", "inventory.v2.Inventory"];
        let object = services.into_iter().fold(Object::default(), |object, name| object.and_service(name, answer));
        let protocol = Protocol::load(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/inventory")).unwrap();
        let at = vec![Some(object); protocol.versions().len()];
        let table = Table::new(&protocol, &Objects { node: 2, oldest: 0, at: &at, built: 0..4 }).unwrap();
        // Also where versions are under notice, and browned out at times.
        let doors = Doors::default();
        let brownout = Brownout { seconds: 1, every_seconds: 2, from: 253_402_300_799 };
        let notice = Notice::of("1.1.0".parse().unwrap()).sunset(1).brownout(brownout);
        let clock: Arc<dyn WallClock> = Arc::new(SystemClock);
        doors.set(&Retiring::default().notice(notice), &clock);
        table.hang(&doors);

        let (first, second) = ("/inventory.v1.Inventory/GetItem", "/inventory.v2.Inventory/GetItem");
        for (path, label) in [
            (second, Some("2.0.0")),
            (first, Some("1.1.0")),
            (first, Some("1.1.27")),
            (second, Some("2.0.9")),
            (first, None),
        ] {
            assert_eq!(allocations(&table, path, label), 0, "{label:?}");
        }
        let within = "2.0.0".parse().unwrap();
        let counted = allocation_counter::measure(|| {
            for _ in 0..LOOKUPS {
                assert!(black_box(&table).route_within(black_box(second), &within).is_ok());
            }
        });
        assert_eq!(counted.count_total, 0, "from within");
    }
}
