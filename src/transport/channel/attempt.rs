//! A call, attempt after attempt, within its deadline.
//!
//! ```text
//!            connected            response
//!  Waiting ------------> Sent ---------------> answered
//!     ^  | deadline,      |  | may have run and is not idempotent, ended by the node,
//!     |  v wait limit     |  v deadline, or not kept
//!     | failed            | failed
//!     +-------------------+ did not run, or is idempotent: after the backoff
//! ```

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::USER_AGENT;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tonic::{Code, Status};

use super::address::Address;
use super::backoff::Pace;
use super::deadline::{self, GRPC_TIMEOUT};
use super::failure::{Fate, Progress, causes};
use super::outgoing::Outgoing;
use super::response::Arriving;
use super::{Idempotent, Settings};
use crate::refusal::{Reason, Refusal};
use crate::wire::Body;

/// What the clones of a channel share.
#[derive(Debug)]
pub(super) struct Shared {
    addresses: Vec<Arc<Address>>,
    /// Index of the address that answered last, or that is to be tried next.
    preferred: AtomicUsize,
    settings: Settings,
    random: Arc<Mutex<fastrand::Rng>>,
    pace: Pace,
    user_agent: HeaderValue,
}

/// One call: its request, and what is left of its time.
struct Call {
    parts: Parts,
    body: Outgoing,
    idempotent: bool,
    deadline: Option<Instant>,
    /// How long a call without a deadline may yet wait.
    patience: Duration,
}

impl Shared {
    pub(super) fn new(
        addresses: Vec<Arc<Address>>,
        settings: Settings,
        random: Arc<Mutex<fastrand::Rng>>,
        pace: Pace,
        user_agent: HeaderValue,
    ) -> Self {
        Self { addresses, preferred: AtomicUsize::new(0), settings, random, pace, user_agent }
    }

    pub(super) async fn connect(&self) -> Result<(), Status> {
        let mut progress = Progress::new();
        let limit = self.settings.wait_limit;
        match timeout(limit, self.connected(&mut progress)).await {
            Ok(_) => Ok(()),
            Err(_) => Err(progress.unreachable(limit)),
        }
    }

    pub(super) async fn call(&self, request: Request<Body>) -> Response<Body> {
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
        &self,
        request: Request<Body>,
        deadline: Option<Instant>,
        progress: &mut Progress,
    ) -> Result<Response<Body>, Status> {
        let (mut parts, body) = request.into_parts();
        if !parts.headers.contains_key(USER_AGENT) {
            parts.headers.insert(USER_AGENT, self.user_agent.clone());
        }
        let idempotent = parts.extensions.get::<Idempotent>().is_some();
        let body = Outgoing::collect(body, self.settings.replay_limit).await;
        let mut call = Call { parts, body, idempotent, deadline, patience: self.settings.wait_limit };
        let mut failures = 0;
        loop {
            let connected = self.connected(progress);
            let Some((index, sender)) = call.wait(connected).await else {
                return Err(progress.unreachable(self.settings.wait_limit));
            };
            let address = &self.addresses[index];
            progress.attempts += 1;
            let may_have_run = progress.may_have_run;
            let fate = match call.send(address, sender, progress).await {
                Ok(response) => match learning(response.headers()) {
                    Some(refusal) if call.body.is_replayable() => {
                        progress.may_have_run = may_have_run;
                        progress.failed(address.name(), refusal.message());
                        Fate::Refused
                    }
                    _ => {
                        call.body.settle();
                        return Ok(response.map(|body| Arriving::body(body, deadline, address.clone())));
                    }
                },
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
            self.turn_away_from(index);
            failures += 1;
            let now = Instant::now();
            let mut next = self.pace.next(now);
            // A connection that went away gracefully deserves no wait: the node, or the next one, is there.
            if fate != Fate::NotSent || failures > 1 {
                next = next.max(now + self.settings.backoff.after(failures, &self.random));
            }
            if call.wait(sleep_until(next)).await.is_none() {
                return Err(progress.unreachable(self.settings.wait_limit));
            }
        }
    }

    /// A connection to the preferred address, or else to the next that is up; waits for one to come up.
    async fn connected(&self, progress: &mut Progress) -> (usize, SendRequest<Body>) {
        loop {
            let preferred = self.preferred.load(Ordering::Relaxed);
            let mut earliest: Option<Instant> = None;
            for offset in 0..self.addresses.len() {
                let index = (preferred + offset) % self.addresses.len();
                match self.addresses[index].connection().await {
                    Ok(sender) => {
                        self.preferred.store(index, Ordering::Relaxed);
                        return (index, sender);
                    }
                    Err(unreachable) => {
                        progress.failed(self.addresses[index].name(), &unreachable.why);
                        earliest = Some(earliest.map_or(unreachable.until, |until| until.min(unreachable.until)));
                    }
                }
            }
            progress.attempts += 1;
            sleep_until(earliest.unwrap_or_else(Instant::now)).await;
        }
    }

    fn turn_away_from(&self, index: usize) {
        let next = (index + 1) % self.addresses.len();
        // Another call may have turned away already.
        let _ = self.preferred.compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}

impl Call {
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

    async fn send(
        &self,
        address: &Address,
        mut sender: SendRequest<Body>,
        progress: &mut Progress,
    ) -> Result<Response<Incoming>, Fate> {
        let mut request = Request::new(self.body.attempt());
        *request.method_mut() = self.parts.method.clone();
        *request.uri_mut() = address.locate(&self.parts.uri);
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = self.parts.headers.clone();
        if let Some(deadline) = self.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            request.headers_mut().insert(GRPC_TIMEOUT, deadline::format(left));
        }
        // What an earlier attempt left open stays open.
        let may_have_run = progress.may_have_run;
        progress.may_have_run = true;
        let sent = sender.try_send_request(request);
        // What is sent just as hyper's end closes comes back only when the last sender is gone.
        drop(sender);
        let mut error = match sent.await {
            Ok(response) => {
                address.answered();
                return Ok(response);
            }
            Err(error) => error,
        };
        let returned = error.take_message().is_some();
        let fate = Fate::of(error.error(), returned, &self.body);
        progress.may_have_run = may_have_run || matches!(fate, Fate::Lost | Fate::Ended(_));
        progress.failed(address.name(), &causes(error.error()));
        Err(fate)
    }
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
