//! Routes: where a call of a version and a method goes on a node.

use std::fmt;
use std::sync::{Arc, OnceLock};

use http::HeaderMap;
use http::uri::PathAndQuery;
use tonic::Status;

use super::answer::Answer;
use super::doors::{Door, Passed, Shut};
use super::tally::Tally;
use crate::protocol::{Cause, Hop, Protocol, Schema};
use crate::refusal::{Reason, Refusal};
use crate::version::Version;

/// Where the walk from a caller's version to the node's ends, before objects are there to answer.
///
/// ```text
///         same, rules     same, rules
///  (v, m) ---------> (v', m') ...  -----> (N, m)  Native
///                        | code
///                        +--------------> the simulation object of v'
///                        | refused
///                        +--------------> Refused
/// ```
#[derive(Clone, Debug)]
pub struct Walk {
    /// How many hops were *same* before it ended.
    pub same: usize,
    /// How many were *rules*: where there are any, the messages of the call are rewritten, once for all hops.
    pub rules: usize,
    /// Index of the method in each version on the way, from the caller's own to the one at which it ended.
    pub methods: Vec<usize>,
    /// Index of the version at which it ended, and of the method there.
    pub version: usize,
    /// Index of the method in that version.
    pub method: usize,
    /// How it ended.
    pub end: End,
}

/// How a [`Walk`] ends.
#[derive(Clone, Debug)]
pub enum End {
    /// At the current object.
    Native,
    /// At the simulation object of the version reached.
    Simulated,
    /// Nowhere: the hop to the next version refuses.
    Refused(Cause),
}

impl Walk {
    /// Walks from (`version`, `method`) to the version at index `node`.
    #[must_use]
    pub fn new(protocol: &Protocol, version: usize, method: usize, node: usize) -> Self {
        let mut walk = Self { same: 0, rules: 0, methods: vec![method], version, method, end: End::Native };
        while walk.version != node {
            let (hop, next) = if walk.version < node {
                (&protocol.steps()[walk.version].past()[walk.method], walk.version + 1)
            } else {
                (&protocol.steps()[walk.version - 1].future()[walk.method], walk.version - 1)
            };
            match hop {
                Hop::Same { counterpart, .. } => {
                    walk.same += 1;
                    walk.arrive(next, *counterpart);
                }
                Hop::Rules { counterpart, .. } => {
                    walk.rules += 1;
                    walk.arrive(next, *counterpart);
                }
                Hop::Code { .. } => return Self { end: End::Simulated, ..walk },
                Hop::Refused(cause) => return Self { end: End::Refused(cause.clone()), ..walk },
            }
        }
        walk
    }

    /// The index of the version whose program has the simulation object at which the walk ended: the newer side of the step
    /// has the code of both directions.
    pub(crate) fn program(&self, node: usize) -> usize {
        if self.version < node { self.version + 1 } else { self.version }
    }

    fn arrive(&mut self, version: usize, method: usize) {
        (self.version, self.method) = (version, method);
        self.methods.push(method);
    }
}

/// A route, ready for calls.
pub(crate) struct Route {
    pub(crate) target: Target,
    /// What the response says, on every route.
    pub(crate) stamp: Arc<Stamp>,
    pub(crate) method: Arc<str>,
    /// Whether a call may change something.
    pub(crate) changes: bool,
    pub(crate) server_streaming: bool,
    pub(crate) client_streaming: bool,
    pub(crate) tally: Arc<Tally>,
    pub(super) course: Course,
    /// By which its callers are counted, once they are.
    pub(super) row: OnceLock<u32>,
}

pub(crate) enum Target {
    /// An object answers, perhaps behind rewrites; `path` where it knows the method by another name than the caller.
    Object { answer: Arc<dyn Answer>, path: Option<PathAndQuery>, simulated: bool, rewritten: bool },
    /// The headers of the refusal, made once.
    Refused(HeaderMap),
}

/// What a call passes on its route, for traces.
#[derive(Clone, Debug)]
pub(super) struct Course {
    /// `same`, `rules`, `code` or `refused`.
    pub(super) name: &'static str,
    /// Over how many hops rules rewrite it.
    pub(super) rules: usize,
    /// The version whose simulation object answers it.
    pub(super) code: Option<Version>,
}

impl Course {
    pub(super) const REFUSED: Self = Self { name: "refused", rules: 0, code: None };

    pub(super) fn new(protocol: &Protocol, walk: &Walk, target: &Target) -> Self {
        let rules = walk.rules;
        match target {
            Target::Refused(_) => Self::REFUSED,
            Target::Object { simulated: true, .. } => {
                Self { name: "code", rules, code: Some(protocol.versions()[walk.version].version().clone()) }
            }
            Target::Object { .. } => Self { name: if rules == 0 { "same" } else { "rules" }, rules, code: None },
        }
    }
}

/// Who speaks with whom: the versions of a route.
#[derive(Debug)]
pub(crate) struct Stamp {
    pub(crate) protocol: String,
    pub(crate) caller: Version,
    pub(crate) node: Version,
    /// `straddle-version`, `straddle-node` and `straddle-schema` of the response.
    pub(crate) headers: [http::HeaderValue; 3],
    /// What becomes of the caller's version; there from when the table is installed.
    pub(crate) door: OnceLock<Arc<Door>>,
}

impl Stamp {
    /// The caller's version, as its label says it.
    pub(crate) fn caller_text(&self) -> &str {
        self.headers[0].to_str().unwrap_or_default()
    }

    /// The version that the node runs.
    pub(crate) fn node_text(&self) -> &str {
        self.headers[1].to_str().unwrap_or_default()
    }

    /// Lets a call of the caller's version in. Of versions that the node has not left behind all come in, and nobody counts them.
    pub(crate) fn enter(&self) -> Result<Option<Passed>, Shut> {
        self.door.get().filter(|_| self.is_past()).map(Door::enter).transpose()
    }

    /// Whether the caller's version is one that the node has left behind: only such can be retired.
    pub(crate) fn is_past(&self) -> bool {
        self.caller < self.node
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.is_past() && self.door.get().is_some_and(|door| door.is_retired())
    }

    /// Says what is announced of the caller's version.
    pub(crate) fn announce(&self, headers: &mut HeaderMap) {
        if let Some(door) = self.door.get() {
            door.announce(headers);
        }
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = match &self.target {
            Target::Object { simulated: false, rewritten: false, .. } => "native",
            Target::Object { simulated: false, rewritten: true, .. } => "native, rewritten",
            Target::Object { simulated: true, rewritten: false, .. } => "simulated",
            Target::Object { simulated: true, rewritten: true, .. } => "simulated, rewritten",
            Target::Refused(_) => "refused",
        };
        write!(formatter, "{} of {} -> {target}", self.method, self.stamp.caller)
    }
}

/// What a caller is told when the walk of its call ended with `cause`.
pub(crate) fn refusal(
    protocol: &Protocol,
    caller: &Schema,
    method: usize,
    node: &Version,
    at: &Walk,
    cause: &Cause,
) -> Refusal {
    let here = &protocol.versions()[at.version];
    let next = if here.version() < node { at.version + 1 } else { at.version - 1 };
    let next = protocol.versions()[next].version();
    let name = here.methods()[at.method].full_name();
    let refusal = match cause {
        Cause::Declared { reason, advice } => {
            let refusal = Refusal::disallowed(reason);
            advice.iter().fold(refusal, Refusal::advice)
        }
        Cause::Absent => Refusal::disallowed(format!("{next} has no counterpart of {name}"))
            .advice(format!("call a node that runs {}", here.version())),
        Cause::Open(differences) => {
            let first = differences.first().map(|difference| format!(" ({difference})")).unwrap_or_default();
            Refusal::disallowed(format!(
                "{name} differs between {} and {next}{first}, and nothing bridges it",
                here.version()
            ))
            .advice(format!("declare in the step between {} and {next} how it is bridged", here.version()))
        }
    };
    debug_assert_eq!(refusal.reason(), Reason::Disallowed);
    about(refusal, protocol, caller, method, node)
}

/// What a caller is told when the rules on the way of its calls come to no rewrite.
pub(crate) fn not_rewritten(protocol: &Protocol, caller: &Schema, method: usize, node: &Version, why: &str) -> Refusal {
    let name = caller.methods()[method].full_name();
    let refusal = Refusal::disallowed(format!(
        "calls of {name} cannot be rewritten between {} and the version that answers them: {why}",
        caller.version()
    ))
    .advice(format!("say so in the step that is named, or call a node that runs {}", caller.version()));
    about(refusal, protocol, caller, method, node)
}

/// What a caller is told when its call needs a simulation object of a version that the program was built without.
pub(crate) fn needs_program(protocol: &Protocol, caller: &Schema, method: usize, node: usize, at: &Walk) -> Refusal {
    let version = |index: usize| protocol.versions()[index].version();
    let newer = at.program(node);
    let (name, here) = (protocol.versions()[at.version].methods()[at.method].full_name(), version(at.version));
    let refusal = Refusal::disallowed(format!(
        "code answers {name} between {} and {}, and this node has learned {here} from a bundle, which brings rules alone",
        version(newer - 1),
        version(newer),
    ))
    .with("program", version(newer).to_string())
    .advice(format!("call a node whose program was built with {here}, or start this one with such a program"));
    about(refusal, protocol, caller, method, version(node))
}

fn about(refusal: Refusal, protocol: &Protocol, caller: &Schema, method: usize, node: &Version) -> Refusal {
    refusal
        .with("protocol", protocol.name())
        .with("caller_version", caller.version().to_string())
        .with("node_version", node.to_string())
        .with("method", caller.methods()[method].path())
}

/// The headers of a response that is a refusal and nothing else (gRPC over HTTP/2, *Trailers-Only*).
pub(crate) fn headers_of(refusal: Refusal) -> HeaderMap {
    let (parts, ()) = Status::from(refusal).into_http::<()>().into_parts();
    parts.headers
}
