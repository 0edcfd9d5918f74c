//! Calls made in an older version than their caller's: what a client does for a node that does not know its version.
//!
//! The hops are those that a node would go for such a caller, read from the same steps and rewritten by the same code: of
//! two programs the newer one has the step between them, whichever side of the connection it is on. Only what rules
//! bridge can be done here. Where code answers, its state is the node's.

use std::fmt;
use std::future::Future;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Response};
use tonic::Status;

use super::answer::{Answer, Answering};
use super::call::with_path;
use super::outcome::{self, is_trailers_only, refusal_in};
use super::rewriting::{Compiling, Rewrites, Rewriting, Trailing};
use super::route::{self, End, Walk};
use super::table::{NODE, SCHEMA, SIMULATED, VERSION};
use crate::protocol::{Protocol, Schema};
use crate::refusal::Refusal;
use crate::version::Version;
use crate::wire::Body;

/// The calls of one version, as they are made in an older one.
pub(crate) struct Older {
    protocol: Protocol,
    /// Index of the caller's version.
    caller: usize,
    /// Index of the older one.
    version: usize,
    /// By the caller's methods; each is compiled when it is first called.
    ways: Box<[OnceLock<Known>]>,
}

/// How calls of a method are made in the older version, or why they cannot be and what helps.
type Known = Result<Arc<Way>, Refusal>;

/// How calls of one method are made in the older version.
pub(crate) struct Way {
    protocol: String,
    caller: Named,
    older: Named,
    /// The path of the caller's calls.
    method: String,
    /// The path in the older version, where it is another one.
    path: Option<PathAndQuery>,
    rewrites: Option<Arc<Rewrites>>,
}

/// A version as metadata name it.
struct Named {
    version: String,
    schema: String,
    /// `straddle-version` and `straddle-schema`.
    headers: [HeaderValue; 2],
}

impl Older {
    pub(crate) fn new(protocol: Protocol, caller: usize, version: usize) -> Self {
        let ways = protocol.versions()[caller].methods().iter().map(|_| OnceLock::new()).collect();
        Self { protocol, caller, version, ways }
    }

    /// The older versions in which a node is worth calling that has refused the version at index `caller` as unknown, the
    /// best first: the newest that it serves, for then it does the most by itself; what it runs; and whatever else may
    /// lie between.
    pub(crate) fn candidates(protocol: &Protocol, caller: usize, unknown: &Refusal) -> Vec<usize> {
        let index = |version: &Version| protocol.index_of(version).filter(|index| *index < caller);
        let served = unknown.served().and_then(range);
        let newest = served.as_ref().and_then(|served| index(served.end()));
        let own = unknown.node_version().and_then(|version| index(&version.parse().ok()?));
        let between = (0..caller).rev().filter(|index| {
            served.as_ref().is_some_and(|served| served.contains(protocol.versions()[*index].version()))
        });
        let mut candidates = Vec::new();
        for index in newest.into_iter().chain(own).chain(between) {
            if !candidates.contains(&index) {
                candidates.push(index);
            }
        }
        candidates
    }

    pub(crate) fn version(&self) -> &Version {
        self.protocol.versions()[self.version].version()
    }

    /// How the calls of this path are made, where that is known without compiling anything.
    pub(crate) fn compiled(&self, path: &str) -> Option<Known> {
        self.ways[self.method(path)?].get().cloned()
    }

    /// How the calls of this path are made.
    ///
    /// # Errors
    /// Why they cannot be, and what helps.
    pub(crate) fn way(&self, path: &str) -> Known {
        match self.method(path) {
            Some(method) => self.ways[method].get_or_init(|| self.compile(method).map(Arc::new)).clone(),
            None => Err(Refusal::disallowed(format!("{} declares no {path}", self.own().version()))),
        }
    }

    fn method(&self, path: &str) -> Option<usize> {
        self.own().methods().iter().position(|method| method.path() == path)
    }

    fn own(&self) -> &Schema {
        &self.protocol.versions()[self.caller]
    }

    fn compile(&self, method: usize) -> Result<Way, Refusal> {
        let (protocol, own) = (&self.protocol, self.own());
        let walk = Walk::new(protocol, self.caller, method, self.version);
        match &walk.end {
            End::Native => {}
            End::Simulated => return Err(needs_code(protocol, &walk)),
            End::Refused(cause) => {
                return Err(route::refusal(protocol, own, method, self.version(), &walk, cause));
            }
        }
        let rewrites = Compiling::new(protocol)
            .of(self.caller, &walk)
            .map_err(|why| route::not_rewritten(protocol, own, method, self.version(), &why))?;
        let older = &protocol.versions()[self.version];
        let (path, reached) = (own.methods()[method].path(), older.methods()[walk.method].path());
        Ok(Way {
            protocol: protocol.name().to_owned(),
            caller: Named::of(own),
            older: Named::of(older),
            method: path.to_owned(),
            // Names in protos are identifiers, so their paths are valid.
            path: (path != reached).then(|| PathAndQuery::try_from(reached)).transpose().unwrap_or_default(),
            rewrites: rewrites.map(Arc::new),
        })
    }
}

impl fmt::Debug for Older {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} as {} of {}", self.own().version(), self.version(), self.protocol.name())
    }
}

/// What `served` of a refusal says.
fn range(told: &str) -> Option<RangeInclusive<Version>> {
    let (first, last) = told.split_once("..=")?;
    Some(first.parse().ok()?..=last.parse().ok()?)
}

/// Why a call is not made in an older version where a simulation object would have to answer it.
fn needs_code(protocol: &Protocol, at: &Walk) -> Refusal {
    let version = |index: usize| protocol.versions()[index].version();
    let name = protocol.versions()[at.version].methods()[at.method].full_name();
    // The walk goes down, and the newer side of a step has its code.
    let (newer, older) = (version(at.version), version(at.version.saturating_sub(1)));
    Refusal::disallowed(format!("code answers {name} between {older} and {newer}, and its state belongs to the node"))
        .with("program", newer.to_string())
        .advice(format!("call a node whose program was built with {newer}, or give this one such a program"))
}

impl Way {
    /// The older version, and the digest of its schema.
    pub(crate) fn older(&self) -> (&str, &str) {
        (&self.older.version, &self.older.schema)
    }

    /// Makes a call of the caller's in the older version; `send` brings it to the node, once, and its answer back. What
    /// comes of it is in the caller's version. `node` is what the node is known to run until its answer says so.
    pub(crate) fn call(
        self: &Arc<Self>,
        mut request: Request<Body>,
        node: HeaderValue,
        send: impl FnOnce(Request<Body>) -> Answering + Send + 'static,
    ) -> impl Future<Output = Response<Body>> + Send {
        let way = self.clone();
        let [version, schema] = &way.older.headers;
        request.headers_mut().insert(&VERSION, version.clone());
        request.headers_mut().insert(&SCHEMA, schema.clone());
        if let Some(path) = &way.path {
            request = with_path(request, path.clone());
        }
        let answering = match &way.rewrites {
            Some(rewrites) => Rewriting::of_caller(Arc::new(Once::new(send)), rewrites.clone()).answer(request),
            None => send(request),
        };
        async move {
            let response = answering.await;
            way.told(response, node)
        }
    }

    /// The answer as the caller knows answers of its own version.
    fn told(self: Arc<Self>, mut response: Response<Body>, node: HeaderValue) -> Response<Body> {
        let trailers_only = is_trailers_only(&response);
        let headers = response.headers_mut();
        let [version, schema] = &self.caller.headers;
        headers.insert(&VERSION, version.clone());
        headers.insert(&SCHEMA, schema.clone());
        headers.insert(&SIMULATED, self.older.headers[0].clone());
        let node = headers.entry(&NODE).or_insert(node).clone();
        if trailers_only {
            self.complete(headers, &node);
            return response;
        }
        response.map(|inner| {
            let map = move |trailers: &mut HeaderMap| self.complete(trailers, &node);
            Body::new(Trailing { inner, map })
        })
    }

    /// Where headers or trailers tell of a refusal, has it tell of the call as its caller made it.
    fn complete(&self, headers: &mut HeaderMap, node: &HeaderValue) {
        let Some(refusal) = refusal_in(headers) else { return };
        // What says another protocol is about a call that the node's object made elsewhere.
        if refusal.protocol().is_some_and(|protocol| protocol != self.protocol) {
            return;
        }
        let (caller, node) = (&self.caller.version, String::from_utf8_lossy(node.as_bytes()));
        let refusal = refusal
            .advice(format!("call in {node}, or call a node that runs {caller}"))
            .with("node_version", node)
            .set("protocol", &self.protocol)
            .set("caller_version", caller)
            .set("method", &self.method);
        outcome::tell(headers, refusal);
    }
}

impl Named {
    fn of(schema: &Schema) -> Self {
        let (version, schema) = (schema.version().to_string(), schema.digest().to_owned());
        // Versions and digests are visible ASCII.
        let value = |text: &str| HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""));
        let headers = [value(&version), value(&schema)];
        Self { version, schema, headers }
    }
}

/// A node that answers one call.
struct Once<F>(Mutex<Option<F>>);

impl<F> Once<F> {
    fn new(send: F) -> Self {
        Self(Mutex::new(Some(send)))
    }
}

impl<F: FnOnce(Request<Body>) -> Answering + Send> Answer for Once<F> {
    fn answer(&self, request: Request<Body>) -> Answering {
        let send = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match send {
            Some(send) => send(request),
            // Rewrites ask once.
            None => Answering::of(std::future::ready(Ok(Status::internal("a second call of one").into_http()))),
        }
    }
}

#[cfg(all(test, feature = "compile"))]
mod tests {
    use super::*;
    use crate::refusal::Reason;

    fn inventory() -> Protocol {
        Protocol::load(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/inventory")).unwrap()
    }

    /// The versions to try for a caller of the version at this index.
    fn candidates(caller: usize, node: &str, served: &str) -> Vec<String> {
        let refusal = Refusal::new(Reason::UnknownVersion, "").with("node_version", node).with("served", served);
        let protocol = inventory();
        let name = |index: usize| protocol.versions()[index].version().to_string();
        Older::candidates(&protocol, caller, &refusal).into_iter().map(name).collect()
    }

    #[test]
    fn the_newest_version_that_the_node_serves_is_tried_first_and_none_that_is_not_older() {
        assert_eq!(candidates(2, "1.1.0", "1.0.0..=1.1.0"), ["1.1.0", "1.0.0"]);
        assert_eq!(candidates(3, "1.1.0", "1.1.0..=2.0.0"), ["2.0.0", "1.1.0"]);
        assert_eq!(candidates(3, "1.1.4", "1.1.4..=2.7.0"), ["1.1.0", "2.0.0"], "2.7.0 is not known");
        assert_eq!(candidates(1, "2.0.0", "2.0.0..=3.0.0"), [""; 0]);
        assert_eq!(candidates(1, "", "nonsense"), [""; 0]);
    }

    #[test]
    fn a_method_behind_code_has_no_way_and_is_told_which_program_has_one() {
        let older = Older::new(inventory(), 3, 1);
        assert!(older.way("/inventory.v2.Inventory/GetItem").is_ok());
        let refusal = older.way("/inventory.v2.Inventory/Reserve").err().unwrap();
        assert!(refusal.message().contains("code answers inventory.v2.Inventory.Reserve between 2.0.0 and 3.0.0"));
        assert!(older.way("/inventory.v2.Inventory/Nothing").is_err());
    }
}
