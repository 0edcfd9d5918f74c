//! Rewrites around objects: what makes an object of one version answer calls of another.
//!
//! They stand on the node, before its objects; and on the side of a caller that is newer than its node, where the node is
//! what answers ([`Older`](super::Older)).
//!
//! Requests become messages of the object's version as the object reads them, responses become messages of the caller's
//! as the caller does; a direction whose messages need nothing passes as it is, compressed or not. Both sides of what is
//! rewritten are plain: compressed requests are decompressed, the object is asked for plain answers, and what goes to the
//! caller is compressed again where the caller takes it.

mod at_once;
mod call;
mod compile;
mod details;
mod fault;
mod maps;
mod metered;

use std::sync::Arc;
use std::task::Context as Waking;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use tonic::Status;

use self::at_once::Looked;
use self::call::{Call, State};
pub(crate) use self::compile::Compiling;
use self::details::Details;
use self::fault::{Fault, Refused};
pub(super) use self::maps::Trailing;
use self::maps::{Requests, Responses};
use self::metered::Metered;
use super::answer::{Answer, Answering};
use super::outcome;
use super::tally::{Tally, Way};
use crate::rewrite::{Limits, Rewrite, RewriteError, Rewritten};
use crate::wire::{ACCEPT_ENCODING, Body, ENCODING, Encoding, Mapped};

/// Largest message that is rewritten, before and after: 64 MiB. A server's own limit is nearer to its callers.
const LIMIT: usize = 64 << 20;

/// An object behind rewrites.
pub(super) struct Rewriting(Arc<Around>);

struct Around {
    inner: Arc<dyn Answer>,
    rewrites: Arc<Rewrites>,
    side: Side,
}

/// Where messages are rewritten: the connection lies before that, or behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Node,
    Caller,
}

/// What becomes of a call's messages; shared by all calls of its route.
pub(super) struct Rewrites {
    /// `None` where requests pass as they are.
    request: Option<Arc<dyn Rewriter>>,
    /// `None` where responses pass as they are.
    response: Option<Arc<dyn Rewriter>>,
    details: Arc<Details>,
    /// Whether the method that answers may change something.
    changes: bool,
    /// Largest message, in bytes, where nothing that is nearer to the caller allows less.
    limit: usize,
    /// Who keeps count of what it costs; nobody on the caller's side.
    tally: Option<Arc<Tally>>,
}

impl Rewriting {
    pub(super) fn new(inner: Arc<dyn Answer>, rewrites: Rewrites) -> Self {
        Self(Arc::new(Around { inner, rewrites: Arc::new(rewrites), side: Side::Node }))
    }

    /// The same on the caller's side. What travels may be compressed there, and what the caller reads is plain.
    pub(super) fn of_caller(inner: Arc<dyn Answer>, rewrites: Arc<Rewrites>) -> Self {
        Self(Arc::new(Around { inner, rewrites, side: Side::Caller }))
    }
}

impl Answer for Rewriting {
    fn answer(&self, request: Request<Body>) -> Answering {
        Answering::of(Call { around: self.0.clone(), accepted: None, state: State::Begun(request) })
    }
}

impl Rewrites {
    /// The same, with somebody who keeps count of what it costs.
    pub(super) fn counted_by(self, tally: &Arc<Tally>) -> Self {
        Self { tally: Some(tally.clone()), ..self }
    }

    /// Makes the request what the object reads; gives what will tell of a message that is refused, where one may be.
    fn request(
        &self,
        request: &mut Request<Body>,
        side: Side,
        waking: &mut Waking<'_>,
    ) -> Result<Option<Arc<Fault>>, Refused> {
        let headers = request.headers_mut();
        if self.response.is_some() {
            match side {
                Side::Node => drop(headers.remove(&ACCEPT_ENCODING)),
                Side::Caller => Encoding::accept_no_others(headers),
            }
        }
        let Some(rewrite) = &self.request else { return Ok(None) };
        let encoding = match Encoding::of(headers) {
            Ok(encoding) => encoding,
            Err(status) => return Err(Refused { status, rest: std::mem::take(request.body_mut()) }),
        };
        // What the caller compresses, it has compressed for the connection.
        let sent = encoding.filter(|_| side == Side::Caller);
        if sent.is_none() {
            headers.remove(&ENCODING);
        }
        headers.remove(header::CONTENT_LENGTH);
        let body = request.body_mut();
        let limit = body.message_limit().unwrap_or(self.limit);
        let mut metered = Metered::new(self.tally.as_ref(), Way::Request);
        let Looked::Same(first) = at_once::request(body, &**rewrite, &mut metered, limit, waking) else {
            return Ok(None);
        };
        // The node need not hear of a call that is over before it was sent.
        if side == Side::Caller
            && let Some(status) = first.as_deref().and_then(at_once::refused)
        {
            return Err(Refused { status, rest: std::mem::take(body) });
        }
        let fault = Arc::new(Fault::default());
        let map = Requests { rewrite: rewrite.clone(), metered, first, fault: fault.clone(), changes: self.changes };
        *body = Body::new(Mapped::new(std::mem::take(body), encoding, limit, sent, map));
        Ok(Some(fault))
    }

    /// The response as the caller reads it.
    fn respond(&self, mut response: Response<Body>, accepted: Option<Encoding>) -> Response<Body> {
        let trailers_only = outcome::is_trailers_only(&response);
        self.details.rewrite_in(response.headers_mut());
        if trailers_only {
            return response;
        }
        let Some(rewrite) = &self.response else {
            if response.body().is_whole() {
                self.rewrite_trailers(response.body_mut());
                return response;
            }
            let details = self.details.clone();
            let map = move |trailers: &mut HeaderMap| details.rewrite_in(trailers);
            return response.map(|inner| Body::new(Trailing { inner, map }));
        };
        let headers = response.headers_mut();
        let encoding = match Encoding::of(headers) {
            Ok(encoding) => encoding,
            // It was asked for plain messages.
            Err(status) => {
                return Status::internal(format!("the node's object answers so: {}", status.message())).into_http();
            }
        };
        headers.remove(&ENCODING);
        headers.remove(header::CONTENT_LENGTH);
        if let Some(accepted) = accepted {
            headers.insert(&ENCODING, accepted.header());
        }
        let body = response.body_mut();
        let mut metered = Metered::new(self.tally.as_ref(), Way::Response);
        if let Looked::Same(first) = at_once::response(body, &**rewrite, &mut metered, self.limit, accepted) {
            let (rewrite, details) = (rewrite.clone(), self.details.clone());
            let map = Responses { rewrite, metered, first, details, changes: self.changes };
            *body = Body::new(Mapped::new(std::mem::take(body), encoding, self.limit, accepted, map));
        } else {
            self.rewrite_trailers(body);
        }
        response
    }

    fn rewrite_trailers(&self, body: &mut Body) {
        body.trailers_mut().into_iter().for_each(|trailers| self.details.rewrite_in(trailers));
    }
}

/// What rewrites messages of one type; tests have their own.
trait Rewriter: Send + Sync {
    fn apply(&self, message: &Bytes, limits: &Limits) -> Result<Rewritten, RewriteError>;
    /// Full name of what comes out.
    fn target(&self) -> &str;
}

impl Rewriter for Rewrite {
    fn apply(&self, message: &Bytes, limits: &Limits) -> Result<Rewritten, RewriteError> {
        self.apply(message, limits)
    }

    fn target(&self) -> &str {
        self.target()
    }
}

/// Rewrites a message; what panics fails this one.
fn apply(rewrite: &dyn Rewriter, message: &Bytes) -> Result<Result<Rewritten, RewriteError>, Status> {
    let limits = Limits { output: LIMIT, ..Limits::default() };
    let applied = std::panic::AssertUnwindSafe(|| rewrite.apply(message, &limits));
    std::panic::catch_unwind(applied).map_err(|_| {
        tracing::error!("a rewrite panicked; this call fails, the node goes on");
        Status::internal("the rewrite of a message panicked; please report this with the protocol")
    })
}

#[cfg(all(test, feature = "compile"))]
mod tests;
