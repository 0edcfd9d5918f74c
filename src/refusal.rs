//! Refusals: calls that cannot be served for a pair of versions, told to the caller in a typed error.
//!
//! On the wire a refusal is a gRPC status whose `grpc-status-details-bin` holds one `google.rpc.ErrorInfo` of the
//! domain `straddle`. Its reason is one of [`Reason`]; its metadata says what the accessors of [`Refusal`] give back.
//!
//! ```
//! use straddle::refusal::{Reason, Refusal};
//! use tonic::Status;
//!
//! // A simulation object of 2.0.0 meets a value that 1.1.0 has no field for.
//! let refusal = Refusal::lossy("item.price.currency_code", "1.1.0 keeps prices in US dollars only");
//! let status = Status::from(refusal.advice("write this item through a node that runs 2.0.0"));
//!
//! // The caller, whatever its language, finds the same again in the status.
//! let refusal = Refusal::from_status(&status).expect("a status made from a refusal");
//! assert_eq!(refusal.reason(), Reason::Lossy);
//! assert_eq!(refusal.path(), Some("item.price.currency_code"));
//! assert!(!refusal.ran());
//! ```

use std::collections::HashMap;
use std::fmt;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The `domain` of every `google.rpc.ErrorInfo` that Straddle writes.
pub const DOMAIN: &str = "straddle";

/// Most bytes of one text in a status: trailers are bounded.
const LONGEST_TEXT: usize = 1024;

/// As much of a text as a status has room for. What is short enough is not copied.
pub(crate) fn shortened(text: impl Into<String>) -> String {
    let mut text = text.into();
    if text.len() > LONGEST_TEXT {
        let end = (0..=LONGEST_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push_str(" ...");
    }
    text
}

/// Why a call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The step between the versions cannot simulate this method, or not with this request.
    Disallowed,
    /// The message holds a value that the other version cannot express.
    Lossy,
    /// The caller's version is no longer served.
    Retired,
    /// The node does not know the caller's version.
    UnknownVersion,
    /// The label contradicts the path, the schema, or itself.
    LabelMismatch,
}

/// A call that cannot be served for this pair of versions.
///
/// Whoever answers a call may refuse it: dispatch, because of the route, or a simulation object, because of the
/// request. A simulation object says only why; dispatch adds the versions and the method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    reason: Reason,
    message: String,
    details: HashMap<String, String>,
    ran: bool,
    learning: bool,
}

impl Refusal {
    /// The step cannot simulate this; `why` is for the caller's developer to read.
    pub fn disallowed(why: impl Into<String>) -> Self {
        Self::new(Reason::Disallowed, why)
    }

    /// The value at `path` cannot be expressed in the other version.
    ///
    /// `path` names fields as the caller's proto does, from the request or response message on: `item.price.units`,
    /// with `[2]` for an element of a repeated field and `["key"]` for one of a map.
    pub fn lossy(path: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(Reason::Lossy, why).with("path", path)
    }

    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), details: HashMap::new(), ran: false, learning: false }
    }

    /// Adds what the caller can do about it.
    #[must_use]
    pub fn advice(self, advice: impl Into<String>) -> Self {
        self.with("advice", advice)
    }

    /// Says that the call may have run: a response, not the request, could not be expressed. Its code becomes
    /// `INTERNAL`, and no client retries it.
    #[must_use]
    pub fn after_run(mut self) -> Self {
        self.ran = true;
        self
    }

    /// Says that the node is about to learn the version, so that trying again soon helps (`UNAVAILABLE`).
    #[must_use]
    pub fn while_learning(mut self) -> Self {
        self.learning = true;
        self
    }

    /// Why the call was refused.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The message that the caller reads.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the call may have run before it was refused.
    #[must_use]
    pub fn ran(&self) -> bool {
        self.ran
    }

    /// The field whose value cannot be expressed, as the caller's proto names it.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.detail("path")
    }

    /// What the caller can do about it.
    #[must_use]
    pub fn advised(&self) -> Option<&str> {
        self.detail("advice")
    }

    /// The protocol of the call.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.detail("protocol")
    }

    /// The version that the call was labelled with.
    #[must_use]
    pub fn caller_version(&self) -> Option<&str> {
        self.detail("caller_version")
    }

    /// The version that the node runs.
    #[must_use]
    pub fn node_version(&self) -> Option<&str> {
        self.detail("node_version")
    }

    /// The method that was called, as `/package.Service/Method`.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        self.detail("method")
    }

    /// The versions that the node serves, as `1.0.0..=3.0.0`, where the refusal is about the version itself.
    #[must_use]
    pub fn served(&self) -> Option<&str> {
        self.detail("served")
    }

    /// Until when callers of the version are refused for a while, in seconds since 1970, where the refusal is a brown-out: the
    /// version will be retired, and is not yet.
    #[must_use]
    pub fn brownout_until(&self) -> Option<u64> {
        self.detail("brownout_until")?.parse().ok()
    }

    /// The version that a program has to be built with to answer the call, where code is what is missing.
    #[must_use]
    pub fn program(&self) -> Option<&str> {
        self.detail("program")
    }

    /// The refusal that a status tells of; `None` when the status is any other error.
    #[must_use]
    pub fn from_status(status: &Status) -> Option<Self> {
        let info = status.get_details_error_info()?;
        if info.domain != DOMAIN {
            return None;
        }
        let mut details = info.metadata;
        let ran = details.remove("ran").is_some_and(|ran| ran == "true");
        Some(Self {
            reason: Reason::from_name(&info.reason)?,
            message: status.message().to_owned(),
            details,
            ran,
            learning: status.code() == Code::Unavailable,
        })
    }

    /// The gRPC code that this refusal travels under.
    #[must_use]
    pub fn code(&self) -> Code {
        match self.reason {
            _ if self.ran => Code::Internal,
            Reason::Disallowed | Reason::Lossy | Reason::Retired => Code::FailedPrecondition,
            Reason::UnknownVersion if self.learning => Code::Unavailable,
            Reason::UnknownVersion => Code::Unimplemented,
            Reason::LabelMismatch => Code::InvalidArgument,
        }
    }

    /// Says more, behind what is said.
    #[must_use]
    pub(crate) fn also(mut self, more: &str) -> Self {
        self.message = format!("{}; {more}", self.message);
        self
    }

    /// Sets a detail that nobody has set before: who is nearest to the cause knows best.
    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.details.entry(key.to_owned()).or_insert_with(|| value.into());
        self
    }

    /// Sets a detail, whoever has set it before.
    #[must_use]
    pub(crate) fn set(mut self, key: &str, value: impl Into<String>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    fn detail(&self, key: &str) -> Option<&str> {
        self.details.get(key).map(String::as_str)
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let code = refusal.code();
        let mut metadata = refusal.details;
        metadata.insert("ran".to_owned(), refusal.ran.to_string());
        let details = ErrorDetails::with_error_info(refusal.reason.name(), DOMAIN, metadata);
        Status::with_error_details(code, refusal.message, details)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.reason, self.message)?;
        match self.advised() {
            Some(advice) => write!(formatter, " ({advice})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

impl Reason {
    pub(crate) const ALL: [Self; 5] =
        [Self::Disallowed, Self::Lossy, Self::Retired, Self::UnknownVersion, Self::LabelMismatch];

    /// The reason as `google.rpc.ErrorInfo` spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Disallowed => "DISALLOWED",
            Self::Lossy => "LOSSY",
            Self::Retired => "RETIRED",
            Self::UnknownVersion => "UNKNOWN_VERSION",
            Self::LabelMismatch => "LABEL_MISMATCH",
        }
    }

    /// Where it stands in [`ALL`](Self::ALL).
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Disallowed => 0,
            Self::Lossy => 1,
            Self::Retired => 2,
            Self::UnknownVersion => 3,
            Self::LabelMismatch => 4,
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_survives_the_wire_under_its_own_code() {
        for (index, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason.index(), index);
            let refusal = Refusal::new(reason, "because").advice("do this").with("method", "/p.S/M");
            let status = Status::from(refusal.clone());
            assert_eq!(status.code(), refusal.code());
            assert_eq!(Refusal::from_status(&status), Some(refusal));
        }
    }

    #[test]
    fn a_refusal_after_the_call_may_have_run_is_internal() {
        let status = Status::from(Refusal::lossy("item", "too new").after_run());
        assert_eq!(status.code(), Code::Internal);
        assert!(Refusal::from_status(&status).is_some_and(|refusal| refusal.ran()));
    }

    #[test]
    fn an_error_of_another_domain_is_no_refusal() {
        let details = ErrorDetails::with_error_info("LOSSY", "elsewhere", HashMap::new());
        let status = Status::with_error_details(Code::FailedPrecondition, "no", details);
        assert_eq!(Refusal::from_status(&status), None);
        assert_eq!(Refusal::from_status(&Status::not_found("no")), None);
    }

    #[test]
    fn what_is_nearest_to_the_cause_is_kept() {
        let refusal = Refusal::disallowed("no").with("node_version", "1.1.0").with("node_version", "2.0.0");
        assert_eq!(refusal.node_version(), Some("1.1.0"));
    }

    #[test]
    fn a_text_is_cut_between_letters_and_a_short_one_stays() {
        let long = "ü".repeat(LONGEST_TEXT);
        let cut = shortened(&long);
        assert_eq!(cut.len(), LONGEST_TEXT + 4);
        assert!(long.starts_with(cut.trim_end_matches(" ...")));
        assert_eq!(shortened("short"), "short");
        assert_eq!(shortened(format!("a{long}")).len(), LONGEST_TEXT + 3);
    }
}
