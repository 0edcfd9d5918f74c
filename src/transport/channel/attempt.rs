//! A call, attempt after attempt, within its deadline.
//!
//! ```text
//!            connected            response
//!  Waiting ------------> Sent ---------------> answered
//!     ^  | deadline,      |  | may have run and is not idempotent, ended by the node,
//!     |  v wait limit     |  v deadline, or not kept
//!     | failed            | failed
//!     +-------------------+ did not run: at once, where another address is up; else, and if idempotent, after the backoff
//! ```

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::USER_AGENT;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http2::SendRequest;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tonic::{Code, Status};

use super::address::{Address, InFlight};
use super::backoff::Pace;
use super::balance::{Chosen, Nodes};
use super::deadline::{self, GRPC_TIMEOUT};
use super::failure::{Fate, Progress, causes};
use super::outgoing::Outgoing;
use super::repeat::Repeating;
use super::response::Arriving;
use super::resume::{self, Resume, Resuming};
use super::simulated::{Compiled, Simulates};
use super::{Idempotent, Settings, Told};
use crate::dispatch::{CALLER, NODE};
use crate::refusal::{Reason, Refusal};
use crate::wire::Body;

/// So many times as often as calls are tried again, streams may go on that a node has drained: many are at once.
const RESUMES: u32 = 10;

/// What the clones of a channel share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) nodes: Nodes,
    pub(super) settings: Settings,
    random: Arc<Mutex<fastrand::Rng>>,
    pace: Pace,
    /// Of streams that were drained: nothing has failed, so they do not wait behind what has, nor it behind them.
    resumes: Pace,
    says: Says,
    told: Option<(Told, Mutex<Option<HeaderValue>>)>,
    /// Of calls to nodes that do not know their label.
    pub(super) compiled: Arc<Compiled>,
}

/// What a channel says of itself in each call that does not say it already.
#[derive(Debug)]
pub(super) struct Says {
    pub(super) user_agent: HeaderValue,
    pub(super) caller: Option<HeaderValue>,
}

/// One call: its request, and what is left of its time.
pub(super) struct Call {
    parts: Parts,
    pub(super) body: Outgoing,
    idempotent: bool,
    pub(super) deadline: Option<Instant>,
    /// How long a call without a deadline may yet wait.
    patience: Duration,
    /// Attempts that failed since anything came of one.
    failures: u32,
    /// Indexes of the addresses where it failed since it last waited.
    tried: Vec<usize>,
    /// Of a stream that goes on where it ended.
    resume: Option<Resume>,
    /// Index of the address whose answer has begun.
    begun_at: Option<usize>,
    /// Index of the only address that the call may go to.
    only: Option<usize>,
}

impl Shared {
    pub(super) fn new(
        nodes: Nodes,
        settings: Settings,
        random: Arc<Mutex<fastrand::Rng>>,
        pace: Pace,
        says: Says,
        told: Option<Told>,
    ) -> Self {
        let resumes = Pace::new(settings.attempts_per_second.saturating_mul(RESUMES));
        let told = told.map(|told| (told, Mutex::default()));
        Self { nodes, settings, random, pace, resumes, says, told, compiled: Arc::default() }
    }

    /// Tells whoever wants to know what the node runs that has answered.
    fn tell(&self, headers: &HeaderMap) {
        let Some((Told(tell), last)) = &self.told else { return };
        let Some(version) = headers.get(&NODE) else { return };
        {
            let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if last.as_ref() == Some(version) {
                return;
            }
            *last = Some(version.clone());
        }
        if let Ok(version) = version.to_str() {
            tell(version);
        }
    }

    pub(super) async fn connect(&self) -> Result<(), Status> {
        let mut progress = Progress::new();
        let limit = self.settings.wait_limit;
        match timeout(limit, self.nodes.choose(None, &[], &mut progress)).await {
            Ok(_) => Ok(()),
            Err(_) => Err(progress.unreachable(limit)),
        }
    }

    pub(super) async fn call(self: &Arc<Self>, request: Request<Body>) -> Response<Body> {
        let mut progress = Progress::new();
        let deadline = match request.headers().get(GRPC_TIMEOUT).map(|value| (value, deadline::parse(value))) {
            None => None,
            // What is beyond the clock's range is no bound.
            Some((_, Some(timeout))) => Instant::now().checked_add(timeout),
            Some((value, None)) => {
                let message = format!("grpc-timeout: {value:?} is no timeout: up to 8 digits and a unit are wanted");
                return Status::invalid_argument(message).into_http();
            }
        };
        let answer = self.answer(request, deadline, &mut progress);
        let answer = match deadline {
            None => answer.await,
            Some(deadline) => match timeout_at(deadline, answer).await {
                Ok(answer) => answer,
                Err(_) => Err(progress.deadline_exceeded()),
            },
        };
        answer.unwrap_or_else(Status::into_http)
    }

    async fn answer(
        self: &Arc<Self>,
        request: Request<Body>,
        deadline: Option<Instant>,
        progress: &mut Progress,
    ) -> Result<Response<Body>, Status> {
        let (mut parts, body) = request.into_parts();
        if !parts.headers.contains_key(USER_AGENT) {
            parts.headers.insert(USER_AGENT, self.says.user_agent.clone());
        }
        if let Some(caller) = &self.says.caller
            && !parts.headers.contains_key(&CALLER)
        {
            parts.headers.insert(&CALLER, caller.clone());
        }
        let idempotent = parts.extensions.get::<Idempotent>().is_some();
        let body = Outgoing::collect(body, self.settings.replay_limit).await;
        let resume = Resume::prepare(&mut parts, &body);
        let idempotent = idempotent || resume.is_some();
        let patience = self.settings.wait_limit;
        let (tried, begun_at, only) = (Vec::new(), None, None);
        let mut call = Call { parts, body, idempotent, deadline, patience, failures: 0, tried, resume, begun_at, only };
        let answer = self.send(&mut call, progress).await?;
        self.tell(answer.headers());
        call.body.settle();
        // A status alone is all that there is; any other response is a stream that may end before its time.
        let is_stream = !answer.headers().contains_key(Status::GRPC_STATUS);
        Ok(match call.resume.clone().filter(|_| is_stream) {
            Some(resume) => Resuming::body(self.clone(), Box::new(call), resume, answer),
            None if is_stream && idempotent && call.body.is_whole() => {
                Repeating::body(self.clone(), Box::new(call), answer)
            }
            None => answer,
        })
    }

    /// Sends a call again whose response had begun, and of which nothing was handed on.
    pub(super) async fn repeat(&self, call: &mut Call, progress: &mut Progress) -> Result<Response<Body>, Status> {
        if let Some(index) = call.begun_at.take() {
            self.nodes.turn_away_from(index);
            call.tried.push(index);
        }
        self.within_deadline(call, Fate::Lost, progress).await
    }

    /// Sends a call again whose response had begun.
    pub(super) async fn send_again(
        &self,
        call: &mut Call,
        fate: Fate,
        progress: &mut Progress,
    ) -> Result<Response<Body>, Status> {
        match call.begun_at {
            Some(index) if self.settings.resume_elsewhere => call.tried = vec![index],
            // Tokens are the node's own: another one may count otherwise.
            begun_at => call.only = begun_at,
        }
        self.within_deadline(call, fate, progress).await
    }

    async fn within_deadline(
        &self,
        call: &mut Call,
        fate: Fate,
        progress: &mut Progress,
    ) -> Result<Response<Body>, Status> {
        let deadline = call.deadline;
        let again = async {
            self.pause(call, fate, progress).await?;
            self.send(call, progress).await
        };
        match deadline {
            None => again.await,
            Some(deadline) => match timeout_at(deadline, again).await {
                Ok(answer) => answer,
                Err(_) => Err(progress.deadline_exceeded()),
            },
        }
    }

    /// Something came of the call: what failed before does not count any more.
    pub(super) fn progressed(&self, call: &mut Call) {
        call.failures = 0;
        call.patience = self.settings.wait_limit;
    }

    /// Sends a call until a node answers it.
    async fn send(&self, call: &mut Call, progress: &mut Progress) -> Result<Response<Body>, Status> {
        loop {
            let tried = std::mem::take(&mut call.tried);
            let chosen = call.wait(self.nodes.choose(call.only, &tried, progress)).await;
            call.tried = tried;
            let Some(chosen) = chosen else {
                return Err(progress.unreachable(self.settings.wait_limit));
            };
            let Chosen { index, .. } = chosen;
            progress.attempts += 1;
            let may_have_run = progress.may_have_run;
            // While it waits to be sent again, it is under way nowhere: what came of it is dropped here.
            let fate = match self.attempt(call, chosen, progress).await {
                Ok(response) => {
                    let Some((why, fate)) = call.is_no_answer(&response) else {
                        call.begun_at = Some(index);
                        return Ok(response);
                    };
                    progress.may_have_run = may_have_run;
                    progress.failed(self.nodes.name(index), &why);
                    fate
                }
                Err(fate) => fate,
            };
            if let Some(status) = call.body.failed() {
                return Err(status);
            }
            match fate {
                Fate::Ended(code) => return Err(progress.ended(code)),
                Fate::Lost if !call.idempotent => return Err(progress.lost()),
                _ if !call.body.is_replayable() => return Err(progress.not_kept()),
                Fate::NotSent | Fate::Refused | Fate::Lost => {}
            }
            self.nodes.turn_away_from(index);
            call.tried.push(index);
            self.pause(call, fate, progress).await?;
        }
    }

    /// Waits until the call may be sent again.
    async fn pause(&self, call: &mut Call, fate: Fate, progress: &Progress) -> Result<(), Status> {
        let now = Instant::now();
        // A stream that comes to nothing is drained again without a message: then it goes at the pace of all.
        let drained = fate == Fate::NotSent && call.begun_at.is_some() && call.failures == 0;
        let mut next = if drained { self.resumes.next(now) } else { self.pace.next(now) };
        // What has not run may run elsewhere; when it was everywhere, it waits. What may have run is worth a wait before it
        // does to another node what it may have done to this one.
        let goes_elsewhere = fate != Fate::Lost && call.only.is_none() && self.nodes.has_another(&call.tried);
        if !goes_elsewhere || drained {
            call.failures += 1;
        }
        // A connection that went away gracefully deserves no wait: the node, or the next one, is there.
        if !goes_elsewhere && (fate != Fate::NotSent || call.failures > 1) {
            next = next.max(now + self.settings.backoff.after(call.failures, &self.random));
            call.tried.clear();
        }
        let waited = call.wait(sleep_until(next)).await;
        waited.ok_or_else(|| progress.unreachable(self.settings.wait_limit))
    }
}

impl Call {
    /// Why a response does not count as an answer, and what became of the attempt.
    fn is_no_answer(&self, response: &Response<Body>) -> Option<(String, Fate)> {
        if let Some(refusal) = learning(response.headers()).filter(|_| self.body.is_replayable()) {
            return Some((refusal.message().to_owned(), Fate::Refused));
        }
        self.resume.as_ref()?;
        resume::is_no_answer(response, self.begun_at.is_some())
    }

    /// Waits within the call's patience; the deadline bounds it from outside.
    async fn wait<F: Future>(&mut self, awaited: F) -> Option<F::Output> {
        if self.deadline.is_some() {
            return Some(awaited.await);
        }
        let began = Instant::now();
        let output = timeout(self.patience, awaited).await.ok();
        self.patience = self.patience.saturating_sub(began.elapsed());
        output
    }

    /// Sends the call as it is.
    pub(super) async fn send(
        &self,
        address: InFlight,
        mut sender: SendRequest<Body>,
        progress: &mut Progress,
    ) -> Result<Response<Body>, Fate> {
        let request = self.request(&address);
        let before = begun(progress);
        let sent = sender.try_send_request(request);
        // What is sent just as hyper's end closes comes back only when the last sender is gone.
        drop(sender);
        match sent.await {
            Ok(response) => {
                address.answered();
                Ok(response.map(|body| Arriving::body(body, self.deadline, address)))
            }
            Err(error) => Err(failed(error, self.body.was_asked(), address.name(), before, progress)),
        }
    }

    /// The request of one attempt.
    pub(super) fn request(&self, address: &Address) -> Request<Body> {
        let mut request = Request::new(self.body.attempt());
        *request.method_mut() = self.parts.method.clone();
        *request.uri_mut() = address.locate(&self.parts.uri);
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = self.parts.headers.clone();
        if let Some(deadline) = self.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            request.headers_mut().insert(GRPC_TIMEOUT, deadline::format(left));
        }
        request
    }

    pub(super) fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// What its caller has to make it in an older version.
    pub(super) fn simulates(&self) -> Option<&Simulates> {
        self.parts.extensions.get()
    }
}

/// Whether an attempt that ends without a trace leaves it open whether the call has run.
#[derive(Clone, Copy)]
pub(super) struct Before(bool);

/// A request goes out; what an earlier attempt left open stays open.
pub(super) fn begun(progress: &mut Progress) -> Before {
    Before(std::mem::replace(&mut progress.may_have_run, true))
}

/// Nothing came back but an error.
pub(super) fn failed(
    mut error: TrySendError<Request<Body>>,
    asked: bool,
    address: &str,
    Before(may_have_run): Before,
    progress: &mut Progress,
) -> Fate {
    let returned = error.take_message().is_some();
    let fate = Fate::of(error.error(), returned, asked);
    progress.may_have_run = may_have_run || matches!(fate, Fate::Lost | Fate::Ended(_));
    progress.failed(address, &causes(error.error()));
    progress.refused = fate == Fate::Refused;
    fate
}

/// The refusal of a node that is about to learn the caller's version: the call did not run, and will soon.
fn learning(headers: &HeaderMap) -> Option<Refusal> {
    let status = headers.get(Status::GRPC_STATUS)?;
    if status != "14" {
        return None;
    }
    let status = Status::from_header_map(headers)?;
    let refusal = Refusal::from_status(&status)?;
    let learning = refusal.reason() == Reason::UnknownVersion && !refusal.ran() && status.code() == Code::Unavailable;
    learning.then_some(refusal)
}

#[cfg(test)]
mod tests;
