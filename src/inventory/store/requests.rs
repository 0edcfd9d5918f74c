//! The answers to writes, by request id: what makes a retry change nothing.

use std::time::{Duration, SystemTime};

use prost::Message;
use redb::{ReadableTable, TableDefinition, WriteTransaction};
use sha2::{Digest, Sha256};
use tonic::Status;

use super::database::broken;
use crate::inventory::clock::to_nanos;
use crate::inventory::validate;

/// How long an answer is remembered; the protos promise it.
pub(super) const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How many answers one write forgets. More than one, so that they never grow without bound.
const SWEPT: usize = 16;

/// Which write it was, and of what (its fingerprint); when it was answered; the answer.
type Answered = (&'static str, &'static [u8; 32], u64, &'static [u8]);

/// By request id.
const REQUESTS: TableDefinition<&str, Answered> = TableDefinition::new("requests");
/// The same by time, for forgetting.
const ANSWERED: TableDefinition<(u64, &str), ()> = TableDefinition::new("requests_by_time");

/// The id of a write, and what it asks for.
#[derive(Clone, Debug)]
pub(crate) struct RequestKey {
    id: String,
    method: &'static str,
    fingerprint: [u8; 32],
}

/// Tells one request from another that goes by the same id.
pub(crate) struct Fingerprint {
    method: &'static str,
    digest: Sha256,
}

impl Fingerprint {
    pub(crate) fn of(method: &'static str) -> Self {
        Self { method, digest: Sha256::new() }.text(method)
    }

    /// Of 3.0.0's Reserve.
    pub(crate) fn of_hold(sku: &str, quantity: i64, hold_for: Duration, if_revision: Option<u64>) -> Self {
        let mut of = Self::of("hold").text(sku).number(quantity);
        of.digest.update(hold_for.as_nanos().to_le_bytes());
        if let Some(revision) = if_revision {
            of.digest.update(revision.to_le_bytes());
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

    pub(crate) fn digest(&mut self) -> &mut Sha256 {
        &mut self.digest
    }
}

impl RequestKey {
    pub(crate) fn new(id: String, fingerprint: Fingerprint) -> Result<Self, Status> {
        validate::request_id(&id)?;
        Ok(Self { id, method: fingerprint.method, fingerprint: fingerprint.digest.finalize().into() })
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// The error of a request whose id belongs to another.
    pub(crate) fn taken(&self) -> Status {
        validate::invalid("request_id", format!("{:?} belongs to another request of the last 24 hours", self.id))
    }
}

pub(super) fn create(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(REQUESTS)?;
    transaction.open_table(ANSWERED)?;
    Ok(())
}

/// The answer that this request got before.
pub(crate) fn replay<A: Message + Default>(
    transaction: &WriteTransaction,
    key: &RequestKey,
    now: SystemTime,
) -> Result<Option<A>, Status> {
    let requests = transaction.open_table(REQUESTS).map_err(broken)?;
    let Some(found) = requests.get(key.id()).map_err(broken)? else { return Ok(None) };
    let (_, fingerprint, answered, answer) = found.value();
    if forgotten(answered, now) {
        return Ok(None);
    }
    if *fingerprint != key.fingerprint {
        return Err(key.taken());
    }
    super::decode(answer).map(Some)
}

/// Remembers the answer, in the transaction that makes it true.
pub(crate) fn record(
    transaction: &WriteTransaction,
    key: &RequestKey,
    now: SystemTime,
    answer: &impl Message,
) -> Result<(), Status> {
    let mut requests = transaction.open_table(REQUESTS).map_err(broken)?;
    let mut answered = transaction.open_table(ANSWERED).map_err(broken)?;
    let now = to_nanos(now);
    let value = (key.method, &key.fingerprint, now, &*answer.encode_to_vec());
    let before = requests.insert(key.id(), value).map_err(broken)?.map(|before| before.value().2);
    if let Some(before) = before {
        answered.remove((before, key.id())).map_err(broken)?;
    }
    answered.insert((now, key.id()), ()).map_err(broken)?;
    Ok(())
}

/// Forgets a few answers that are old enough.
pub(crate) fn sweep(transaction: &WriteTransaction, now: SystemTime) -> Result<(), Status> {
    let mut requests = transaction.open_table(REQUESTS).map_err(broken)?;
    let mut answered = transaction.open_table(ANSWERED).map_err(broken)?;
    for _ in 0..SWEPT {
        let oldest = answered.first().map_err(broken)?.map(|(key, _)| (key.value().0, key.value().1.to_owned()));
        match oldest {
            Some((time, id)) if forgotten(time, now) => {
                answered.remove((time, &*id)).map_err(broken)?;
                requests.remove(&*id).map_err(broken)?;
            }
            _ => break,
        }
    }
    Ok(())
}

fn forgotten(answered: u64, now: SystemTime) -> bool {
    answered.saturating_add(to_nanos(SystemTime::UNIX_EPOCH + KEPT)) <= to_nanos(now)
}
