//! One message against both: what the engine makes of it, and what the reference says that it should.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Protocol;
use crate::protocol::plan::{Conversion, Direction, Use};
use crate::rewrite::{Limits, Rewrite, RewriteError};
use bytes::Bytes;
use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor};

use super::engine::Engine;
use super::fault::{Fault, Kind};
use super::reference::{self, Cause, Refused};
use super::same;

/// How many messages went the swift way, of all that were judged for it.
pub static SWIFT: AtomicUsize = AtomicUsize::new(0);
/// How many had just their tags written over.
pub static IN_PLACE: AtomicUsize = AtomicUsize::new(0);

/// A rewrite, and all that is needed to judge it.
pub struct Trial<'a, E = Rewrite> {
    pub protocol: &'a Protocol,
    pub from: usize,
    pub to: usize,
    pub used: Use,
    pub source: MessageDescriptor,
    pub target: MessageDescriptor,
    pub rewrite: E,
    pub known: &'a Known<'a>,
}

pub enum Verdict {
    Accepted,
    Refused,
    Unreadable,
    Wrong(Box<Fault>),
}

impl Trial<'_, Rewrite> {
    /// Where the swift way, or the one in place, comes to anything else than the careful one.
    #[must_use]
    pub fn swift_fault(&self, bytes: &[u8]) -> Option<String> {
        let (message, limits) = (bytes.to_vec().into(), Limits::default());
        let ways = [(false, false), (false, true), (true, false), (true, true)];
        ways.into_iter().find_map(|(in_place, at_once)| {
            let (way, counter, swift) = if in_place {
                ("in place", &IN_PLACE, self.rewrite.apply_in_place(&message, &limits, at_once)?)
            } else {
                ("swift", &SWIFT, self.rewrite.apply_swiftly(&message, &limits, at_once)?)
            };
            counter.fetch_add(1, Ordering::Relaxed);
            let found = self.unlike_with_care(&message, &limits, swift.into_bytes())?;
            let (source, from, to, used) = (self.source.full_name(), self.from, self.to, self.used);
            Some(format!("{source} of {from} to {to}, {used:?}, {bytes:02x?}, {way} (at once: {at_once}): {found}"))
        })
    }

    /// What is different where the message is rewritten with care.
    fn unlike_with_care(&self, message: &Bytes, limits: &Limits, swift: Bytes) -> Option<String> {
        let careful = match self.rewrite.apply_carefully(message, limits) {
            Ok(careful) => careful.into_bytes(),
            Err(error) => return Some(format!("with care: {error}")),
        };
        let read = |bytes: Bytes| DynamicMessage::decode(self.target.clone(), bytes);
        match (read(swift), read(careful)) {
            (Ok(swift), Ok(careful)) => same::difference(&careful, &swift, self.known).map(|found| {
                let (careful, swift) = (same::shown(&careful), same::shown(&swift));
                format!("{found:?}\n  careful {careful}\n  swift   {swift}")
            }),
            (Err(_), Err(_)) => None,
            (Err(error), Ok(_)) => Some(format!("only the swift way can be read: {error}")),
            (Ok(_), Err(error)) => Some(format!("only the careful way can be read: {error}")),
        }
    }
}

impl<E: Engine> Trial<'_, E> {
    /// What comes of these bytes.
    pub fn judge(&self, bytes: &[u8]) -> Verdict {
        self.compare(bytes, |message| reference::rewrite(self.protocol, self.from, self.to, message, self.used))
    }

    /// What comes of these bytes, of which `expected` says what it should be.
    pub fn compare(
        &self,
        bytes: &[u8],
        expected: impl FnOnce(&DynamicMessage) -> Result<DynamicMessage, Refused>,
    ) -> Verdict {
        let came = self.rewrite.convert(&bytes.to_vec().into());
        let Ok(message) = DynamicMessage::decode(self.source.clone(), bytes) else { return Verdict::Unreadable };
        match (expected(&message), came) {
            (Ok(expected), Ok(rewritten)) => match DynamicMessage::decode(self.target.clone(), rewritten) {
                Ok(got) => match same::difference(&expected, &got, self.known) {
                    None => Verdict::Accepted,
                    Some(found) => Fault::new(Kind::Interpreter, found).between(expected, got).into(),
                },
                Err(error) => {
                    let what = format!("what the engine made cannot be read: {error}");
                    Fault::new(Kind::Unreadable, what).expected(expected).into()
                }
            },
            (Err(_), Err(RewriteError::Refused(_))) => Verdict::Refused,
            (Err(refused), _) if refused.cause == Cause::Malformed => Verdict::Unreadable,
            (Err(refused), Ok(rewritten)) => {
                let what = format!("{}: only the plain interpreter refuses it: {}", refused.path, refused.why);
                let fault = Fault::new(Kind::Refusal, what);
                match DynamicMessage::decode(self.target.clone(), rewritten) {
                    Ok(got) => fault.got(got).into(),
                    Err(_) => fault.into(),
                }
            }
            (Ok(expected), Err(error)) => {
                let path = match &error {
                    RewriteError::Refused(refusal) => refusal.path().unwrap_or_default().to_owned(),
                    _ => String::new(),
                };
                let what = format!("{path}: only the engine refuses it: {error}");
                Fault::new(Kind::Refusal, what).expected(expected).into()
            }
            (Err(refused), Err(error)) => {
                let what = format!("{}: the engine says {error}, the plain interpreter {refused}", refused.path);
                Fault::new(Kind::Refusal, what).into()
            }
        }
    }

    /// The same, for people.
    pub fn told(&self, bytes: &[u8]) -> String {
        let version = |index: usize| self.protocol.versions()[index].version();
        let input = DynamicMessage::decode(self.source.clone(), bytes)
            .map_or_else(|error| error.to_string(), |message| same::shown(&message));
        let wrong = match self.judge(bytes) {
            Verdict::Wrong(what) => what.to_string(),
            _ => "nothing any more: it is not the same each time".to_owned(),
        };
        format!(
            "{} {} -> {} {:?} {}\n  input     {input}\n  bytes     {}\n  {wrong}",
            self.protocol.name(),
            version(self.from),
            version(self.to),
            self.used,
            self.source.full_name(),
            same::hex(bytes),
        )
    }
}

impl From<Fault> for Verdict {
    fn from(fault: Fault) -> Self {
        Self::Wrong(Box::new(fault))
    }
}

/// The messages that a version declares itself.
#[must_use]
pub fn messages(protocol: &Protocol, version: usize) -> Vec<MessageDescriptor> {
    let declared = protocol.versions()[version].pool().all_messages();
    declared.filter(|message| !message.is_map_entry() && !message.full_name().starts_with("google.protobuf.")).collect()
}

/// What other versions declare under numbers that the messages of this version do not know.
#[must_use]
pub fn unknown_fields(protocol: &Protocol, version: usize) -> HashMap<String, Vec<FieldDescriptor>> {
    let mut unknown = HashMap::new();
    for message in messages(protocol, version) {
        let elsewhere = fields_elsewhere(protocol, version, &message).into_iter();
        let fields: Vec<_> = elsewhere.filter(|field| message.get_field(field.number()).is_none()).collect();
        if !fields.is_empty() {
            unknown.insert(message.full_name().to_owned(), fields);
        }
    }
    unknown
}

/// What other versions declare in what a message of this version is there.
fn fields_elsewhere(protocol: &Protocol, version: usize, message: &MessageDescriptor) -> Vec<FieldDescriptor> {
    let counterparts = counterparts(protocol, version, message.full_name()).into_iter();
    let other = |(index, name): (usize, String)| protocol.versions()[index].pool().get_message_by_name(&name);
    counterparts.filter_map(other).flat_map(|other| other.fields().collect::<Vec<_>>()).collect()
}

/// What a message is in the other versions, as (version, full name).
fn counterparts(protocol: &Protocol, version: usize, message: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut name = Some(message.to_owned());
    for next in version + 1..protocol.versions().len() {
        let plans = protocol.steps()[next - 1].plans(Direction::Up);
        name = name.and_then(|name| plans.counterpart(&name).map(str::to_owned));
        found.extend(name.clone().map(|name| (next, name)));
    }
    let mut name = Some(message.to_owned());
    for next in (0..version).rev() {
        let plans = protocol.steps()[next].plans(Direction::Down);
        name = name.and_then(|name| plans.counterpart(&name).map(str::to_owned));
        found.extend(name.clone().map(|name| (next, name)));
    }
    found
}

/// What a comparison of messages of one version knows besides.
pub struct Known<'a> {
    pub protocol: &'a Protocol,
    version: usize,
    /// What versions declare in a message of a name, and in what it is in other versions. What passed through a version may
    /// hold messages of any other.
    declared: HashMap<String, Vec<FieldDescriptor>>,
    /// Lists that come out of maps, in whatever order these are in.
    any_order: HashSet<String>,
}

impl<'a> Known<'a> {
    /// Of the version that messages come to.
    #[must_use]
    pub fn new(protocol: &'a Protocol, version: usize) -> Self {
        let steps = protocol.steps().iter();
        let plans = steps.flat_map(|step| [Direction::Up, Direction::Down].map(|direction| step.plans(direction)));
        let moves =
            plans.flat_map(|plans| Use::ALL.into_iter().flat_map(|used| plans.iter(used)).flat_map(|plan| &plan.moves));
        let any_order = moves
            .filter(|moved| matches!(moved.conversion, Conversion::MapToList { .. }))
            .map(|moved| moved.to.leaf().full_name().to_owned())
            .collect();
        let mut declared: HashMap<String, Vec<FieldDescriptor>> = HashMap::new();
        for version in 0..protocol.versions().len() {
            for message in messages(protocol, version) {
                let fields = declared.entry(message.full_name().to_owned()).or_default();
                fields.extend(message.fields());
                fields.extend(fields_elsewhere(protocol, version, &message));
            }
        }
        Self { protocol, version, declared, any_order }
    }
}

impl same::Knowledge for Known<'_> {
    fn comes_in_any_order(&self, field: &FieldDescriptor) -> bool {
        self.any_order.contains(field.full_name())
    }

    fn declared_elsewhere(&self, message: &str, number: u32) -> Vec<FieldDescriptor> {
        let all = self.declared.get(message).into_iter().flatten();
        all.filter(|field| field.number() == number).cloned().collect()
    }

    fn any_content(&self, any: &DynamicMessage) -> Option<DynamicMessage> {
        let url = any.get_field_by_number(1)?;
        let name = url.as_str()?.rsplit('/').next()?.to_owned();
        let content = any.get_field_by_number(2)?.as_bytes()?.clone();
        // What passed by as unknown may hold a message as another version has it.
        let versions = self.protocol.versions();
        let own = versions.iter().skip(self.version).chain(versions.iter().take(self.version));
        own.filter_map(|version| version.pool().get_message_by_name(&name))
            .find_map(|descriptor| DynamicMessage::decode(descriptor, content.clone()).ok())
    }
}
