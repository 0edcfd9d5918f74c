//! Rewrites around objects: what makes an object of one version answer calls of another.
//!
//! Requests become messages of the object's version as the object reads them, responses become messages of the caller's
//! as the caller does; a direction whose messages need nothing passes as it is, compressed or not. Both sides of what is
//! rewritten are plain: compressed requests are decompressed, the object is asked for plain answers, and what goes to the
//! caller is compressed again where the caller takes it.

mod compile;
mod details;
mod fault;
mod maps;

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::{Request, Response, header};
use tonic::Status;

pub(super) use self::compile::Compiling;
use self::details::Details;
use self::fault::{Fault, Faulting, Refused};
use self::maps::{Requests, Responses, Trailing};
use super::answer::{Answer, Answering};
use super::outcome;
use super::unread::Unread;
use crate::rewrite::{Limits, Rewrite, RewriteError, Rewritten};
use crate::wire::{ACCEPT_ENCODING, Body, ENCODING, Encoding, Mapped, encodings};

/// Largest message that is rewritten, before and after: 64 MiB. A server's own limit is nearer to its callers.
const LIMIT: usize = 64 << 20;

/// An object behind rewrites.
pub(super) struct Rewriting {
    inner: Arc<dyn Answer>,
    rewrites: Arc<Rewrites>,
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
}

impl Rewriting {
    pub(super) fn new(inner: Arc<dyn Answer>, rewrites: Rewrites) -> Self {
        Self { inner, rewrites: Arc::new(rewrites) }
    }
}

impl Answer for Rewriting {
    fn answer(&self, request: Request<Body>) -> Answering {
        let accepted = Encoding::accepted(request.headers(), encodings());
        let (request, fault) = match self.rewrites.request(request) {
            Ok(request) => request,
            Err(refused) => return Answering::new(told(refused)),
        };
        let (rewrites, mut answering) = (self.rewrites.clone(), self.inner.answer(request));
        Answering::new(async move {
            let Some(fault) = fault else {
                return rewrites.respond(answering.await, accepted);
            };
            // An object that reads on after a refused message, or answers without it, would answer another request.
            let answered = std::future::poll_fn(|waking| {
                let answered = Pin::new(&mut answering).poll(waking);
                match fault.poll(waking) {
                    Poll::Ready(refused) => Poll::Ready(Err(refused)),
                    Poll::Pending => answered.map(Ok),
                }
            });
            match answered.await {
                Ok(response) => {
                    // Then nothing of the request is read any more.
                    let whole = response.body().is_whole();
                    let response = rewrites.respond(response, accepted);
                    if whole { response } else { response.map(|body| Faulting::around(body, fault)) }
                }
                Err(refused) => {
                    drop(answering);
                    told(refused).await
                }
            }
        })
    }
}

/// Tells of a request that goes no further.
async fn told(Refused { status, rest }: Refused) -> Response<Body> {
    let mut unread = Unread::new(rest);
    std::future::poll_fn(|waking| unread.poll(waking)).await;
    status.into_http()
}

impl Rewrites {
    /// The request as the object reads it, and what will tell of a message that is refused.
    fn request(&self, request: Request<Body>) -> Result<(Request<Body>, Option<Arc<Fault>>), Refused> {
        let (mut parts, body) = request.into_parts();
        if self.response.is_some() {
            parts.headers.remove(&ACCEPT_ENCODING);
        }
        let Some(rewrite) = &self.request else { return Ok((Request::from_parts(parts, body), None)) };
        let encoding = match Encoding::of(&parts.headers) {
            Ok(encoding) => encoding,
            Err(status) => return Err(Refused { status, rest: body }),
        };
        parts.headers.remove(&ENCODING);
        parts.headers.remove(header::CONTENT_LENGTH);
        let fault = Arc::new(Fault::default());
        let limit = body.message_limit().unwrap_or(self.limit);
        let map = Requests { rewrite: rewrite.clone(), fault: fault.clone(), changes: self.changes };
        let body = Body::new(Mapped::new(body, encoding, limit, None, map));
        Ok((Request::from_parts(parts, body), Some(fault)))
    }

    /// The response as the caller reads it.
    fn respond(&self, response: Response<Body>, accepted: Option<Encoding>) -> Response<Body> {
        let trailers_only = outcome::is_trailers_only(&response);
        let (mut parts, mut body) = response.into_parts();
        self.details.rewrite_in(&mut parts.headers);
        if trailers_only {
            return Response::from_parts(parts, body);
        }
        let Some(rewrite) = &self.response else {
            if body.is_whole() {
                body.trailers_mut().into_iter().for_each(|trailers| self.details.rewrite_in(trailers));
            } else {
                body = Body::new(Trailing { inner: body, details: self.details.clone() });
            }
            return Response::from_parts(parts, body);
        };
        let encoding = match Encoding::of(&parts.headers) {
            Ok(encoding) => encoding,
            // It was asked for plain messages.
            Err(status) => {
                return Status::internal(format!("the node's object answers so: {}", status.message())).into_http();
            }
        };
        parts.headers.remove(&ENCODING);
        parts.headers.remove(header::CONTENT_LENGTH);
        if let Some(accepted) = accepted {
            parts.headers.insert(&ENCODING, accepted.header());
        }
        let map = Responses { rewrite: rewrite.clone(), details: self.details.clone(), changes: self.changes };
        Response::from_parts(parts, Body::new(Mapped::new(body, encoding, self.limit, accepted, map)))
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
