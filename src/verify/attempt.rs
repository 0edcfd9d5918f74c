//! One message, on one way: all checks, and the smallest message that fails as it does.

use bytes::Bytes;
use prost_reflect::DynamicMessage;

use super::engine::Engine;
use super::fault::{Fault, Kind};
use super::generate::{Field, encode, smallest};
use super::judge::{Known, Trial, Verdict};
use super::reference;
use super::round_trip::{Difference, RoundTrip};
use super::same;
use super::subject::Subject;
use crate::refusal::Refusal;
use crate::rewrite::RewriteError;

/// A way, and the engines that are tried on it.
pub(super) struct Attempt<'a, E> {
    /// The message and its versions.
    pub(super) subject: &'a Subject,
    /// There.
    pub(super) trial: Trial<'a, E>,
    /// And back, where that is one step and there is a rewrite.
    pub(super) back: Option<E>,
    /// What comparisons of messages of the version that the message comes from know besides.
    pub(super) known_before: &'a Known<'a>,
}

/// What became of a message.
pub(super) enum Came {
    /// It was rewritten.
    Through {
        /// What it became.
        bytes: Bytes,
        /// What came of it on the way back.
        back: Back,
    },
    /// It was refused, by the engine and the interpreter alike.
    Refused(Box<Refusal>),
    /// The bytes are no message, as the interpreter sees it.
    Unreadable,
    /// Something that must not be.
    Wrong(Box<Fault>),
}

/// What became of a message on its way back.
pub(super) enum Back {
    /// It was not sent back.
    NotTried,
    /// It came back, perhaps with differences that the rules account for.
    Came(Vec<Difference>),
    /// It was refused.
    Refused,
}

impl<E: Engine> Attempt<'_, E> {
    /// What becomes of these bytes.
    pub(super) fn judge(&self, bytes: &[u8]) -> Came {
        let whole = std::panic::AssertUnwindSafe(|| self.judge_unguarded(bytes));
        std::panic::catch_unwind(whole).unwrap_or_else(|panic| {
            let what = panic.downcast_ref::<String>().cloned();
            let what = what.or_else(|| panic.downcast_ref::<&str>().map(|what| (*what).to_owned()));
            Fault::new(Kind::Panic, what.unwrap_or_else(|| "says nothing".to_owned())).into()
        })
    }

    fn judge_unguarded(&self, bytes: &[u8]) -> Came {
        let Subject { from, messages, used, .. } = self.subject;
        let expected = |message: &DynamicMessage| {
            reference::along(self.trial.protocol, *from, self.subject.direction(), messages, message, *used)
        };
        match self.trial.compare(bytes, expected) {
            Verdict::Wrong(fault) => return Came::Wrong(fault),
            Verdict::Unreadable => return Came::Unreadable,
            Verdict::Accepted | Verdict::Refused => {}
        }
        let bytes = Bytes::copy_from_slice(bytes);
        let came = self.trial.rewrite.convert(&bytes);
        if !self.subject.is_one_step()
            && let Some(fault) = self.at_once(&bytes, &came)
        {
            return fault.into();
        }
        match came {
            Ok(came) => match self.round_trip(&bytes, &came) {
                Ok(back) => Came::Through { bytes: came, back },
                Err(fault) => fault.into(),
            },
            Err(RewriteError::Refused(refusal)) => Came::Refused(refusal),
            // The interpreter took it as a refusal, too, or we would not be here.
            Err(_) => Came::Unreadable,
        }
    }

    /// All steps at once against one after the other.
    fn at_once(&self, bytes: &Bytes, came: &Result<Bytes, RewriteError>) -> Option<Fault> {
        let read = |bytes: &Bytes| DynamicMessage::decode(self.trial.target.clone(), bytes.clone());
        match (self.trial.rewrite.convert_step_by_step(bytes), came) {
            (Ok(slowly), Ok(at_once)) => match (read(&slowly), read(at_once)) {
                (Ok(slowly), Ok(at_once)) => {
                    let what = same::difference(&slowly, &at_once, self.trial.known)?;
                    Some(Fault::new(Kind::AtOnce, what).between(slowly, at_once))
                }
                (Err(error), _) => Some(Fault::new(
                    Kind::Unreadable,
                    format!(": one step after the other makes what cannot be read: {error}"),
                )),
                (_, Err(error)) => {
                    Some(Fault::new(Kind::Unreadable, format!(": what came out cannot be read: {error}")))
                }
            },
            // Whether that is one refusal, the interpreter says.
            (Err(_), Err(_)) => None,
            (Err(slowly), Ok(_)) => {
                Some(Fault::new(Kind::AtOnce, format!(": only refused one step after the other: {slowly}")))
            }
            (Ok(_), Err(at_once)) => Some(Fault::new(Kind::AtOnce, format!(": only refused at once: {at_once}"))),
        }
    }

    fn round_trip(&self, bytes: &Bytes, came: &Bytes) -> Result<Back, Fault> {
        let Some(back) = &self.back else { return Ok(Back::NotTried) };
        let returned = match back.convert(came) {
            Ok(returned) => returned,
            Err(RewriteError::Refused(_)) => return Ok(Back::Refused),
            Err(error) => return Err(Fault::new(Kind::RoundTrip, format!(": on the way back: {error}"))),
        };
        let read = |bytes: &Bytes| DynamicMessage::decode(self.trial.source.clone(), bytes.clone());
        let (went, returned) = match (read(bytes), read(&returned)) {
            (Ok(went), Ok(returned)) => (went, returned),
            (_, Err(error)) => {
                return Err(Fault::new(Kind::Unreadable, format!(": what came back cannot be read: {error}")));
            }
            // It was read before.
            (Err(_), _) => return Ok(Back::NotTried),
        };
        let trip = RoundTrip {
            protocol: self.trial.protocol,
            from: self.subject.from,
            to: self.subject.to,
            used: self.subject.used,
            known: self.known_before,
        };
        let found = trip.differences([self.subject.message(), self.subject.target()], &went, &returned);
        match found.iter().find(|difference| difference.reason.is_none()) {
            None => Ok(Back::Came(found)),
            Some(difference) => {
                let what = format!("{}{}", difference.path, difference.what);
                Err(Fault::new(Kind::RoundTrip, what).of(&difference.field).between(went, returned))
            }
        }
    }

    /// The smallest message that fails in the same way, and how it does.
    pub(super) fn shrink(&self, fields: &[Field], fault: Box<Fault>) -> (Vec<u8>, Box<Fault>) {
        let small = smallest(fields, &mut |bytes| match self.judge(bytes) {
            Came::Wrong(found) => found.is_like(&fault),
            _ => false,
        });
        let bytes = encode(&small);
        match self.judge(&bytes) {
            Came::Wrong(found) => (bytes, found),
            // It does not fail each time: what was seen stands.
            _ => (encode(fields), fault),
        }
    }
}

impl From<Fault> for Came {
    fn from(fault: Fault) -> Self {
        Self::Wrong(Box::new(fault))
    }
}
