//! Calls to a node that does not know their label: made in an older version that it knows, where rules bridge the two.
//!
//! ```text
//!                         answered
//!   the caller's label ------------------------------------------> as it came
//!     ^         | UNKNOWN_VERSION, and the node cannot learn it
//!     |         v                              no way, or not kept
//!     |       which older version? ------------------------------> the node's refusal, and what would help
//!     |         |
//!     | not     v                answered
//!     | known  the older label ----------------------------------> rewritten
//!     +---------+
//! ```
//!
//! That is decided beneath the balancing, for each attempt anew: nodes of different ages may be behind one channel. A call
//! that was refused so has not run, so it is sent again at once.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tonic::{Code, Status};

use super::address::InFlight;
use super::attempt::{Call, Shared, begun, failed};
use super::balance::Chosen;
use super::failure::{Fate, Progress};
use super::labels::Instead;
use super::response::Arriving;
use crate::dispatch::{Answering, NODE, Older, Way, tell};
use crate::protocol::Protocol;
use crate::refusal::{Reason, Refusal};
use crate::transport::labelled;
use crate::version::Version;
use crate::wire::Body;

/// So many older labels are tried in one attempt.
const TRIED: usize = 3;
/// So many pairs of versions a channel keeps what it has compiled for.
const KEPT: usize = 64;

/// Marks a request, in its extensions, as one whose caller has the steps down from its own version.
#[derive(Clone, Debug)]
pub(crate) struct Simulates {
    pub(crate) version: Cow<'static, str>,
    pub(crate) schema: Cow<'static, str>,
    pub(crate) protocol: Steps,
}

/// Where the steps are to be had.
#[derive(Clone, Debug)]
pub(crate) enum Steps {
    /// In generated code, which reads them when they are first wanted.
    Generated(fn() -> Protocol),
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "only `straddle call` reads a protocol at run time"))]
    Loaded(Protocol),
}

/// What a channel has compiled, whatever the connection.
#[derive(Debug, Default)]
pub(super) struct Compiled(Mutex<Vec<(Simulates, Arc<Older>)>>);

/// The older version in which a call is made.
struct Chose {
    instead: Instead,
    way: Arc<Way>,
}

impl Shared {
    /// One attempt at an address: as it is, or in an older version.
    pub(super) async fn attempt(
        &self,
        call: &Call,
        chosen: Chosen,
        progress: &mut Progress,
    ) -> Result<Response<Body>, Fate> {
        let Chosen { index, mut sender, connection, mut address } = chosen;
        let Some(caller) = call.simulates() else {
            return call.send(address, sender, progress).await;
        };
        let (every, before) = (self.settings.ask_again_after, progress.may_have_run);
        let mut older = match connection.unknown().instead(caller, call.body.is_whole(), every) {
            Some(instead) => self.way(&instead, call.path()).await.ok().map(|way| Chose { instead, way }),
            None => None,
        };
        let mut tried = Vec::new();
        loop {
            let response = match &older {
                None => call.send(address, sender, progress).await?,
                Some(older) => call.send_in(older, address, sender, progress).await?,
            };
            let Some(refusal) = unknown(response.headers(), caller, call.path()) else {
                if older.is_none_or(|older| older.is_over(&response)) {
                    connection.unknown().forget(caller);
                }
                return Ok(response);
            };
            // It says so itself.
            progress.may_have_run = before;
            if let Some(older) = older.take() {
                connection.unknown().forget(caller);
                tried.push(older.instead.older.version().clone());
            }
            let chose = match self.choose(caller, &refusal, call.path(), &tried).await {
                Ok(chose) => chose,
                Err(why) => return Ok(refused(response, refusal, &why)),
            };
            connection.unknown().remember(caller, chose.instead.clone(), every);
            if !call.body.is_replayable() {
                return Ok(refused(response, refusal, &not_kept()));
            }
            drop(response);
            let Some(again) = self.nodes.over(index, &connection) else {
                let why = "the connection ended before the call was sent in an older version";
                progress.failed(self.nodes.name(index), why);
                return Err(Fate::NotSent);
            };
            (sender, address) = again;
            older = Some(chose);
        }
    }

    /// How calls of this path are made in the older version. What takes time is done elsewhere.
    async fn way(&self, instead: &Instead, path: &str) -> Result<Arc<Way>, Refusal> {
        if let Some(compiled) = instead.older.compiled(path) {
            return compiled;
        }
        let (older, path) = (instead.older.clone(), path.to_owned());
        spawn_blocking(move || older.way(&path)).await.unwrap_or_else(|_| Err(gave_way()))
    }

    /// Chooses among the versions that the node knows; `tried` were found not to be.
    async fn choose(
        &self,
        caller: &Simulates,
        refusal: &Refusal,
        path: &str,
        tried: &[Version],
    ) -> Result<Chose, Refusal> {
        if tried.len() >= TRIED {
            return Err(Refusal::disallowed("the node does not know the versions either that it says it serves"));
        }
        let node = refusal.node_version().and_then(|version| HeaderValue::from_str(version).ok());
        let node = node.unwrap_or_else(|| HeaderValue::from_static(""));
        let (compiled, caller, refusal) = (self.compiled.clone(), caller.clone(), refusal.clone());
        let (path, tried) = (path.to_owned(), tried.to_vec());
        let chosen = spawn_blocking(move || compiled.choose(&caller, &refusal, &path, &tried));
        let (older, way) = chosen.await.unwrap_or_else(|_| Err(gave_way()))?;
        tracing::debug!(
            node = %String::from_utf8_lossy(node.as_bytes()),
            calls = ?older,
            "the node does not know the caller's version; its calls are rewritten on this side"
        );
        Ok(Chose { instead: Instead { older, node }, way })
    }
}

impl Chose {
    /// Whether the answer is another node's than the one that does not know the label: one that runs another version.
    fn is_over(&self, response: &Response<Body>) -> bool {
        response.headers().get(&NODE).is_some_and(|runs| *runs != self.instead.node)
    }
}

impl Compiled {
    fn choose(
        &self,
        caller: &Simulates,
        refusal: &Refusal,
        path: &str,
        tried: &[Version],
    ) -> Result<(Arc<Older>, Arc<Way>), Refusal> {
        let protocol = caller.protocol.get();
        let nothing = |why: String| Refusal::disallowed(why).advice("upgrade the node, or call another one");
        // Who has refused something else says something of another protocol.
        let own = caller.version.parse::<Version>().ok().and_then(|version| protocol.index_of(&version));
        let Some(own) = own.filter(|_| refusal.protocol() == Some(protocol.name())) else {
            return Err(nothing(format!("this caller has no steps of {}", refusal.protocol().unwrap_or("it"))));
        };
        let mut first = None;
        for candidate in Older::candidates(&protocol, own, refusal) {
            if tried.contains(protocol.versions()[candidate].version()) {
                continue;
            }
            let older = self.older(caller, &protocol, own, candidate);
            match older.way(path) {
                Ok(way) => return Ok((older, way)),
                Err(why) => drop(first.get_or_insert(why)),
            }
        }
        Err(first.unwrap_or_else(|| {
            let served = refusal.served().unwrap_or("nothing that it names");
            nothing(format!("it serves {served}, of which this caller knows no version before its own"))
        }))
    }

    fn older(&self, caller: &Simulates, protocol: &Protocol, own: usize, version: usize) -> Arc<Older> {
        let mut kept = lock(&self.0);
        let wanted = protocol.versions()[version].version();
        let known = kept.iter().find(|(known, older)| known.is(caller) && older.version() == wanted);
        if let Some((_, older)) = known {
            return older.clone();
        }
        if kept.len() >= KEPT {
            kept.clear();
        }
        let older = Arc::new(Older::new(protocol.clone(), own, version));
        kept.push((caller.clone(), older.clone()));
        older
    }
}

impl Simulates {
    fn is(&self, other: &Self) -> bool {
        (&self.version, &self.schema) == (&other.version, &other.schema)
    }
}

impl Steps {
    fn get(&self) -> Protocol {
        match self {
            Self::Generated(protocol) => protocol(),
            Self::Loaded(protocol) => protocol.clone(),
        }
    }
}

impl Call {
    /// Sends the call in an older version; its answer is in the caller's.
    async fn send_in(
        &self,
        older: &Chose,
        address: InFlight,
        mut sender: SendRequest<Body>,
        progress: &mut Progress,
    ) -> Result<Response<Body>, Fate> {
        let (name, request) = (address.name().to_owned(), self.request(&address));
        let whole = self.body.is_whole();
        let (failure, asked) = (Arc::new(Mutex::new(None)), Arc::new(AtomicBool::new(whole && self.body.was_asked())));
        let before = begun(progress);
        let send = {
            let (failure, asked, way, deadline) = (failure.clone(), asked.clone(), older.way.clone(), self.deadline);
            move |request: Request<Body>| {
                let request = if whole { request } else { request.map(|inner| Body::new(Noting { inner, asked })) };
                let sent = sender.try_send_request(request);
                drop(sender);
                Answering::of(async move {
                    Ok(match sent.await {
                        Ok(response) => arrived(response, &way, address, deadline),
                        Err(error) => {
                            *lock(&failure) = Some(error);
                            let mut nothing = Response::default();
                            nothing.extensions_mut().insert(Nothing);
                            nothing
                        }
                    })
                })
            }
        };
        let response = older.way.call(request, older.instead.node.clone(), send).await;
        // A message that is refused ends its request with an error, and is what the caller is told of.
        let error = response.extensions().get().and_then(|Nothing| lock(&failure).take());
        match error {
            None => Ok(response),
            Some(error) => Err(failed(error, asked.load(Ordering::Relaxed), &name, before, progress)),
        }
    }
}

/// Marks, in its extensions, what stands for the answer where none came.
#[derive(Clone, Copy)]
struct Nothing;

/// A request's body that notes that it was asked for.
struct Noting {
    inner: Body,
    asked: Arc<AtomicBool>,
}

impl HttpBody for Noting {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.asked.store(true, Ordering::Relaxed);
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// What the node answered, if it is in the version that it was asked in.
fn arrived(response: Response<Incoming>, way: &Way, address: InFlight, deadline: Option<Instant>) -> Response<Body> {
    address.answered();
    if response.status() != StatusCode::OK {
        return no_grpc(response.status()).into_http();
    }
    let (version, schema) = way.older();
    match labelled::mismatch(response.headers(), version, Some(schema)) {
        Some(refusal) => Status::from(refusal).into_http(),
        None => response.map(|body| Arriving::body(body, deadline, address)),
    }
}

/// What is told of an answer whose body cannot be rewritten, because it is none of gRPC's; with the codes that gRPC has for
/// HTTP's (grpc/grpc, doc/http-grpc-status-mapping.md).
fn no_grpc(status: StatusCode) -> Status {
    let code = match status.as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502..=504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    Status::new(code, format!("the answer was {status}, and no gRPC; the call may have run"))
}

/// The refusal of a node that does not know the label of a call and will not learn it; of other errors with this code,
/// those of the application among them, nothing is known.
fn unknown(headers: &HeaderMap, caller: &Simulates, path: &str) -> Option<Refusal> {
    let status = headers.get(Status::GRPC_STATUS)?;
    if status != "12" {
        return None;
    }
    let refusal = Refusal::from_status(&Status::from_header_map(headers)?)?;
    let about_it = refusal.method() == Some(path)
        && refusal.caller_version().is_some_and(|version| labelled::same_but_patch(version, &caller.version));
    (refusal.reason() == Reason::UnknownVersion && !refusal.ran() && about_it).then_some(refusal)
}

/// The node's refusal, which says as well why the caller cannot do without the node.
fn refused(mut response: Response<Body>, refusal: Refusal, why: &Refusal) -> Response<Body> {
    let refusal = refusal.also(&format!("the call cannot be made in an older version: {}", why.message()));
    let refusal = why.advised().into_iter().fold(refusal, |refusal, advice| refusal.set("advice", advice));
    let refusal = why.program().into_iter().fold(refusal, |refusal, program| refusal.with("program", program));
    tell(response.headers_mut(), refusal);
    response
}

fn not_kept() -> Refusal {
    Refusal::disallowed("its request is streamed, and more of it was sent than is kept")
        .advice("call again, which the channel then knows how to do, or raise its replay limit")
}

fn gave_way() -> Refusal {
    Refusal::disallowed("the steps could not be read; please report this with the protocol")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
