//! The answers to writes, by request id: what makes a retry change nothing.
//!
//! # Retries after the node has changed its version
//!
//! An answer is stored in the version that the object had, and rewritten when a retry asks for it in another one. Whether
//! it is a retry, fingerprints tell. Those of requests that are the same in every version are, too. A request that carries
//! items comes in another form once the node runs another version, as it is rewritten on its way; so it is stored with a
//! fingerprint for each version, made of what rewriting its items gives. It is the same request when both have the same
//! fingerprint in the version that one of them was seen in. Two requests of one id that differ in nothing but what the
//! other version cannot tell apart are taken for one.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use prost::Message;
use sha2::{Digest, Sha256};
use tonic::Status;

use super::across::Across;
use super::database::{Reading, Transaction, broken};
use super::keys;
use crate::inventory::clock::to_nanos;
use crate::inventory::items::{self, StoredItem};
use crate::inventory::validate;
use crate::state::Layout;

/// How long an answer is remembered; the protos promise it.
pub(super) const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How many answers one write forgets. More than one, so that they never grow without bound.
const SWEPT: usize = 16;

/// By request id.
pub(crate) const REQUESTS: &str = "requests";
/// The same by time, for forgetting.
const ANSWERED: &str = "requests_by_time";

/// The methods of reservations: the final one, the one that expires, and what becomes of it.
pub(crate) const RESERVE: &str = "reserve";
pub(crate) const HOLD: &str = "hold";
pub(crate) const CONFIRM: &str = "confirm";
pub(crate) const CANCEL: &str = "cancel";
pub(crate) const RELEASE: &str = "release";

/// What a write is answered with.
pub(crate) trait Answer: Message + Default + 'static {
    /// The full name of the message, where each version has its own; nothing for what all versions store alike.
    fn message_type() -> Option<String> {
        None
    }
}

impl Answer for () {}

/// The id of a write, and what it asks for.
#[derive(Clone, Debug)]
pub(crate) struct RequestKey {
    id: String,
    method: &'static str,
    own: [u8; 32],
    /// Of requests that differ from version to version: what they are in the others.
    others: Vec<Elsewhere>,
    /// The request that older versions have in its place.
    older: Option<(&'static str, [u8; 32])>,
}

/// What was answered, as it is stored.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Remembered {
    #[prost(string, tag = "1")]
    pub(crate) method: String,
    /// Nanoseconds since the Unix epoch.
    #[prost(uint64, tag = "2")]
    pub(crate) answered: u64,
    /// The version of the object that answered.
    #[prost(string, tag = "3")]
    version: String,
    /// In that version.
    #[prost(bytes = "vec", tag = "4")]
    own: Vec<u8>,
    #[prost(message, repeated, tag = "5")]
    others: Vec<Elsewhere>,
    #[prost(bytes = "bytes", tag = "6")]
    pub(crate) answer: Bytes,
    /// Full name of the answer's message in that version; empty for what all versions store alike.
    #[prost(string, tag = "7")]
    message_type: String,
}

/// What a request is in another version.
#[derive(Clone, PartialEq, Message)]
struct Elsewhere {
    #[prost(string, tag = "1")]
    version: String,
    #[prost(bytes = "vec", tag = "2")]
    fingerprint: Vec<u8>,
}

/// Tells one request from another that goes by the same id.
pub(crate) struct Fingerprint {
    method: &'static str,
    digest: Sha256,
    others: Vec<Elsewhere>,
    older: Option<(&'static str, [u8; 32])>,
}

impl Fingerprint {
    pub(crate) fn of(method: &'static str) -> Self {
        Self { method, digest: Sha256::new(), others: Vec::new(), older: None }.text(method)
    }

    /// Of a request that carries items.
    pub(crate) fn of_items<I: StoredItem>(method: &'static str, items: &[I], across: &Across) -> Self {
        let mut of = Self::of(method);
        for item in items {
            item.digest(&mut of.digest);
        }
        let others = items::VERSIONS.into_iter().filter(|version| *version != across.version());
        of.others = others.filter_map(|version| Elsewhere::of(method, items, version, across)).collect();
        of
    }

    /// Of the Reserve before 3.0.0, which is final.
    pub(crate) fn of_reserve(sku: &str, quantity: i64) -> Self {
        Self::of(RESERVE).text(sku).number(quantity)
    }

    /// Of 3.0.0's Reserve. What was reserved under its id before the node ran 3.0.0 answers it: it is a hold that was
    /// confirmed at once.
    pub(crate) fn of_hold(sku: &str, quantity: i64, hold_for: Duration, if_revision: Option<u64>) -> Self {
        let mut of = Self::of(HOLD).text(sku).number(quantity);
        of.digest.update(hold_for.as_nanos().to_le_bytes());
        match if_revision {
            Some(revision) => of.digest.update(revision.to_le_bytes()),
            None => of.older = Some((RESERVE, Self::of_reserve(sku, quantity).finish())),
        }
        of
    }

    pub(crate) fn text(mut self, text: &str) -> Self {
        self.digest.update(text.len().to_le_bytes());
        self.digest.update(text);
        self
    }

    pub(crate) fn number(mut self, number: i64) -> Self {
        self.digest.update(number.to_le_bytes());
        self
    }

    fn finish(self) -> [u8; 32] {
        self.digest.finalize().into()
    }
}

impl Elsewhere {
    fn of<I: StoredItem>(method: &'static str, items: &[I], version: &str, across: &Across) -> Option<Self> {
        let mut of = Fingerprint::of(method);
        for item in items {
            let item = across.request_in(version, &I::full_name(), item.encode_to_vec())?;
            items::digest_in(version, &item, &mut of.digest)?;
        }
        Some(Self { version: version.to_owned(), fingerprint: of.finish().to_vec() })
    }

    fn find<'a>(all: &'a [Self], version: &str) -> Option<&'a [u8]> {
        all.iter().find(|other| other.version == version).map(|other| &*other.fingerprint)
    }
}

impl RequestKey {
    pub(crate) fn new(id: String, mut fingerprint: Fingerprint) -> Result<Self, Status> {
        validate::request_id(&id)?;
        let others = std::mem::take(&mut fingerprint.others);
        let older = fingerprint.older;
        Ok(Self { id, method: fingerprint.method, own: fingerprint.finish(), others, older })
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn fingerprint(&self) -> &[u8; 32] {
        &self.own
    }

    /// The error of a request whose id belongs to another.
    pub(crate) fn taken(&self) -> Status {
        validate::invalid("request_id", format!("{:?} belongs to another request of the last 24 hours", self.id))
    }

    /// Whether it is the request that was answered so, seen by the object of `version`.
    fn is_of(&self, found: &Remembered, version: &str) -> bool {
        if self.older.is_some_and(|(method, older)| found.method == method && *found.own == older) {
            return true;
        }
        if found.method != self.method {
            return false;
        }
        // What never differs, and what the same version saw, is compared as it is.
        if found.version == version || (self.others.is_empty() && found.others.is_empty()) {
            return *found.own == self.own;
        }
        Elsewhere::find(&found.others, version).is_some_and(|other| *other == self.own)
            || Elsewhere::find(&self.others, &found.version).is_some_and(|other| *other == *found.own)
    }
}

impl Remembered {
    /// What is remembered of a request that is the same in every version.
    pub(crate) fn of<A: Answer>(method: &str, fingerprint: Vec<u8>, answered: u64, answer: &A) -> Self {
        Self {
            method: method.to_owned(),
            answered,
            own: fingerprint,
            answer: answer.encode_to_vec().into(),
            ..Self::default()
        }
    }

    /// The same request, answered by `answer`, which is stored alike in all versions.
    pub(crate) fn with_answer<A: Answer>(&self, answer: &A) -> Self {
        Self { answer: answer.encode_to_vec().into(), message_type: String::new(), ..self.clone() }
    }

    pub(crate) fn new<A: Answer>(key: &RequestKey, version: &str, now: SystemTime, answer: &A) -> Self {
        Self {
            method: key.method.to_owned(),
            answered: to_nanos(now),
            version: version.to_owned(),
            own: key.own.to_vec(),
            others: key.others.clone(),
            answer: answer.encode_to_vec().into(),
            message_type: A::message_type().unwrap_or_default(),
        }
    }

    /// Stores it under `id`, in place of what was answered under that id before.
    pub(crate) fn put(&self, id: &str, transaction: &mut Transaction<'_>) -> Result<(), Status> {
        remove(id, transaction)?;
        transaction.insert(ANSWERED, &keys::at(self.answered, id), &[]).map_err(broken)?;
        transaction.insert(REQUESTS, id.as_bytes(), &self.encode_to_vec()).map_err(broken)
    }

    pub(crate) fn is_forgotten(&self, now: SystemTime) -> bool {
        forgotten(self.answered, now)
    }
}

/// What is remembered of a request.
pub(crate) fn find(id: &str, transaction: &Transaction<'_>) -> Result<Option<Remembered>, Status> {
    transaction.get(REQUESTS, id.as_bytes()).map_err(broken)?.map(|found| super::decode(&found)).transpose()
}

/// The same, outside of a write.
pub(crate) fn read(id: &str, reading: &Reading) -> Result<Option<Remembered>, Status> {
    reading.get(REQUESTS, id.as_bytes()).map_err(broken)?.map(|found| super::decode(&found)).transpose()
}

/// Forgets a request.
pub(crate) fn remove(id: &str, transaction: &mut Transaction<'_>) -> Result<(), Status> {
    if let Some(before) = find(id, transaction)? {
        transaction.remove(ANSWERED, &keys::at(before.answered, id)).map_err(broken)?;
        transaction.remove(REQUESTS, id.as_bytes()).map_err(broken)?;
    }
    Ok(())
}

/// The tables of what was answered.
pub(crate) fn tables(layout: Layout) -> Layout {
    layout.carried(REQUESTS).carried(ANSWERED)
}

/// The answer that this request got before.
pub(crate) fn replay<A: Answer>(
    transaction: &Transaction<'_>,
    across: &Across,
    key: &RequestKey,
    now: SystemTime,
) -> Result<Option<A>, Status> {
    answer(find(key.id(), transaction)?, across, key, now)
}

/// The same, outside of a write.
pub(super) fn replay_read<A: Answer>(
    reading: &Reading,
    across: &Across,
    key: &RequestKey,
    now: SystemTime,
) -> Result<Option<A>, Status> {
    answer(read(key.id(), reading)?, across, key, now)
}

fn answer<A: Answer>(
    found: Option<Remembered>,
    across: &Across,
    key: &RequestKey,
    now: SystemTime,
) -> Result<Option<A>, Status> {
    let Some(found) = found.filter(|found| !found.is_forgotten(now)) else { return Ok(None) };
    if !key.is_of(&found, across.version()) {
        return Err(key.taken());
    }
    let answer = if found.message_type.is_empty() || found.version == across.version() {
        found.answer
    } else {
        across.answer_from(&found.version, &found.message_type, found.answer)?
    };
    super::decode(&answer).map(Some)
}

/// Remembers the answer, in the transaction that makes it true.
pub(crate) fn record<A: Answer>(
    transaction: &mut Transaction<'_>,
    across: &Across,
    key: &RequestKey,
    now: SystemTime,
    answer: &A,
) -> Result<(), Status> {
    Remembered::new(key, across.version(), now, answer).put(key.id(), transaction)
}

/// Forgets a few answers that are old enough.
pub(crate) fn sweep(transaction: &mut Transaction<'_>, now: SystemTime) -> Result<(), Status> {
    for _ in 0..SWEPT {
        match super::first(transaction, ANSWERED)? {
            Some((time, id)) if forgotten(time, now) => {
                transaction.remove(ANSWERED, &keys::at(time, &id)).map_err(broken)?;
                transaction.remove(REQUESTS, id.as_bytes()).map_err(broken)?;
            }
            _ => break,
        }
    }
    Ok(())
}

fn forgotten(answered: u64, now: SystemTime) -> bool {
    answered.saturating_add(to_nanos(SystemTime::UNIX_EPOCH + KEPT)) <= to_nanos(now)
}
