//! What became of an attempt that got no response, and what the caller is told.

use std::error::Error;
use std::fmt::Write;
use std::time::Duration;

use tokio::time::Instant;
use tonic::{Code, Status};

/// How many addresses a status names: it travels in headers, which are limited.
const NAMED: usize = 16;

/// What became of an attempt that got no response.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It certainly did not run, and the way to the node is worth trying anew at once.
    NotSent,
    /// The node said that it did not run it.
    Refused,
    /// The connection was lost while the call may have run.
    Lost,
    /// The node ended the call, or this side broke the protocol: trying again would end the same.
    Ended(Code),
}

impl Fate {
    /// Reads the fate of a request off hyper's error; `returned` says that hyper gave the request back, `asked` that its body
    /// was asked for.
    pub(super) fn of(error: &hyper::Error, returned: bool, asked: bool) -> Self {
        if returned {
            return Self::NotSent;
        }
        let Some(cause) = h2_error(error) else { return Self::Lost };
        if cause.is_reset() {
            return match cause.reason() {
                // RFC 9113 §8.7: no processing has occurred.
                Some(h2::Reason::REFUSED_STREAM) if cause.is_remote() => Self::Refused,
                reason => Self::Ended(code(reason)),
            };
        }
        // h2 gives a stream the peer's GOAWAY as its error when its number is beyond the last that the peer takes
        // (RFC 9113 §6.8), and gives it to hyper while hyper waits for a stream to be opened. In between, headers may
        // just have gone out; but then no body was asked for yet, and a message is in the body.
        if cause.is_go_away() && cause.is_remote() && asked {
            return Self::NotSent;
        }
        let local = cause.reason().is_none() && !cause.is_io();
        if local { Self::Ended(Code::Internal) } else { Self::Lost }
    }
}

/// The status of a response that broke off.
pub(super) fn broken_off(error: &hyper::Error, address: &str) -> Status {
    match h2_error(error).filter(|cause| cause.is_reset()) {
        Some(cause) => {
            Status::new(code(cause.reason()), format!("{address} broke its response off: {}", causes(error)))
        }
        None => Status::unavailable(format!(
            "the connection to {address} was lost within the response: {}; the call may have run",
            causes(error)
        )),
    }
}

/// An error with all its causes: hyper's own text says little.
pub(super) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

fn h2_error(error: &hyper::Error) -> Option<&h2::Error> {
    let mut cause = error.source();
    while let Some(error) = cause {
        match error.downcast_ref::<h2::Error>() {
            Some(h2) => return Some(h2),
            None => cause = error.source(),
        }
    }
    None
}

/// The code that stands for a stream's reset (gRPC over HTTP/2, *Errors*).
fn code(reason: Option<h2::Reason>) -> Code {
    match reason {
        Some(h2::Reason::REFUSED_STREAM) => Code::Unavailable,
        Some(h2::Reason::CANCEL) => Code::Cancelled,
        Some(h2::Reason::ENHANCE_YOUR_CALM) => Code::ResourceExhausted,
        Some(h2::Reason::INADEQUATE_SECURITY) => Code::PermissionDenied,
        _ => Code::Internal,
    }
}

/// What a call has gone through so far.
#[derive(Debug)]
pub(super) struct Progress {
    started: Instant,
    pub(super) attempts: u32,
    /// What went wrong last at each address, the latest at the end.
    last: Vec<(String, String)>,
    /// Whether a request is under way, or was when its connection was lost.
    pub(super) may_have_run: bool,
    /// Whether the last attempt was refused as not begun.
    pub(super) refused: bool,
}

/// What helps a call that nobody has begun: nobody is there, or somebody who takes no calls for now.
const ABSENT: &str = "check that a node is up and serves at that address, and the address itself";
const REFUSED: &str = "a node is there that takes no calls yet, as one that its coordinator has not admitted or that hands \
                       over to another program: its status (`straddle node status`, at its admin address) and its log say why";

impl Progress {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), attempts: 0, last: Vec::new(), may_have_run: false, refused: false }
    }

    pub(super) fn failed(&mut self, address: &str, why: &str) {
        self.last.retain(|(name, _)| name != address);
        self.last.push((address.to_owned(), why.to_owned()));
        self.refused = false;
    }

    /// An address is waited for; says so unless more is known.
    pub(super) fn waits_for(&mut self, address: &str) {
        if !self.last.iter().any(|(name, _)| name == address) {
            self.failed(address, "no connection yet, or nothing known of its health");
        }
    }

    pub(super) fn deadline_exceeded(&self) -> Status {
        let advice = if self.may_have_run {
            "find out whether it ran before you call again, or give it more time"
        } else if self.refused {
            REFUSED
        } else {
            "check that a node is up at that address, or give the call more time"
        };
        self.status(Code::DeadlineExceeded, "the deadline is over", advice)
    }

    pub(super) fn unreachable(&self, waited: Duration) -> Status {
        let happened = format!("no node could be reached within {waited:?}");
        self.status(Code::Unavailable, &happened, if self.refused { REFUSED } else { ABSENT })
    }

    pub(super) fn lost(&self) -> Status {
        let advice = "find out whether it ran before you call again; methods that declare an idempotency_level are \
                      called again by the channel";
        self.status(Code::Unavailable, "the connection was lost before the response began", advice)
    }

    pub(super) fn not_kept(&self) -> Status {
        let advice = "call again, or raise the channel's replay limit";
        let happened =
            "the call cannot be sent again, because its request is streamed and more of it was sent than kept";
        self.status(Code::Unavailable, happened, advice)
    }

    pub(super) fn ended(&self, code: Code) -> Status {
        self.status(code, "the call ended without a response", "the node's log may say why")
    }

    fn status(&self, code: Code, happened: &str, advice: &str) -> Status {
        let mut text = happened.to_owned();
        for (number, (address, why)) in self.last.iter().rev().take(NAMED).enumerate() {
            let _ = write!(text, "{}{address}: {why}", if number == 0 { "; last: " } else { ", and " });
        }
        if let Some(more) = self.last.len().checked_sub(NAMED).filter(|more| *more > 0) {
            let _ = write!(text, ", and {more} more");
        }
        let tries = if self.attempts == 1 { "once" } else { "times" };
        let _ = match self.attempts {
            1 => write!(text, "; tried {tries}"),
            attempts => write!(text, "; tried {attempts} {tries}"),
        };
        let ran = if self.may_have_run { "may have run" } else { "has not run" };
        let _ = write!(text, " in {:.1?}; the call {ran}; {advice}", self.started.elapsed());
        Status::new(code, text)
    }
}
