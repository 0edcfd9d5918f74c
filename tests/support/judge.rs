//! One message against both: what the engine makes of it, and what the reference says that it should.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor};
use straddle::Protocol;
use straddle::protocol::plan::{Conversion, Direction, Use};
use straddle::rewrite::{Limits, Rewrite, RewriteError};

use crate::reference::{self, Cause};
use crate::same;

/// A rewrite, and all that is needed to judge it.
pub(crate) struct Trial<'a> {
    pub(crate) protocol: &'a Protocol,
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) used: Use,
    pub(crate) source: MessageDescriptor,
    pub(crate) target: MessageDescriptor,
    pub(crate) rewrite: Rewrite,
    pub(crate) known: &'a Known<'a>,
}

/// How many messages went the swift way, of all that were judged.
pub(crate) static SWIFT: AtomicUsize = AtomicUsize::new(0);
/// How many had just their tags written over.
pub(crate) static IN_PLACE: AtomicUsize = AtomicUsize::new(0);

pub(crate) enum Verdict {
    Accepted,
    Refused,
    Unreadable,
    Wrong(String),
}

impl Trial<'_> {
    /// What comes of these bytes.
    pub(crate) fn judge(&self, bytes: &[u8]) -> Verdict {
        if let Some(fault) = self.swift_fault(bytes) {
            return Verdict::Wrong(fault);
        }
        let came = self.rewrite.apply(&bytes.to_vec().into(), &Limits::default());
        let Ok(message) = DynamicMessage::decode(self.source.clone(), bytes) else { return Verdict::Unreadable };
        match (reference::rewrite(self.protocol, self.from, self.to, &message, self.used), came) {
            (Ok(expected), Ok(rewritten)) => {
                match DynamicMessage::decode(self.target.clone(), rewritten.into_bytes()) {
                    Ok(got) => match same::difference(&expected, &got, self.known) {
                        None => Verdict::Accepted,
                        Some(found) => Verdict::Wrong(format!(
                            "{found}\n  reference {}\n  engine    {}",
                            same::shown(&expected),
                            same::shown(&got)
                        )),
                    },
                    Err(error) => Verdict::Wrong(format!("what the engine made cannot be read: {error}")),
                }
            }
            (Err(_), Err(RewriteError::Refused(_))) => Verdict::Refused,
            (Err(refused), _) if refused.cause == Cause::Malformed => Verdict::Unreadable,
            (Err(refused), Ok(_)) => Verdict::Wrong(format!("only the reference refuses: {refused}")),
            (Ok(_), Err(error)) => Verdict::Wrong(format!("only the engine refuses: {error}")),
            (Err(refused), Err(error)) => Verdict::Wrong(format!("the engine says {error}, the reference {refused}")),
        }
    }

    /// Where the swift way comes to anything else than the careful one.
    fn swift_fault(&self, bytes: &[u8]) -> Option<String> {
        let (message, limits) = (bytes.to_vec().into(), Limits::default());
        let ways = [(false, false), (false, true), (true, false), (true, true)];
        ways.into_iter().find_map(|(in_place, at_once)| {
            let swift = if in_place {
                self.rewrite.apply_in_place(&message, &limits, at_once)?
            } else {
                self.rewrite.apply_swiftly(&message, &limits, at_once)?
            };
            (if in_place { &IN_PLACE } else { &SWIFT }).fetch_add(1, Ordering::Relaxed);
            let careful = match self.rewrite.apply_carefully(&message, &limits) {
                Ok(careful) => careful,
                Err(error) => return Some(format!("swift, but with care (in place: {in_place}, at once: {at_once}): {error}")),
            };
            let read = |bytes: bytes::Bytes| DynamicMessage::decode(self.target.clone(), bytes);
            match (read(swift.into_bytes()), read(careful.into_bytes())) {
                (Ok(swift), Ok(careful)) => same::difference(&careful, &swift, self.known).map(|found| {
                    let (careful, swift) = (same::shown(&careful), same::shown(&swift));
                    format!("swift way (in place: {in_place}, at once: {at_once}): {found}\n  careful {careful}\n  swift   {swift}")
                }),
                (Err(_), Err(_)) => None,
                (Err(error), Ok(_)) => Some(format!("only the swift way can be read: {error}")),
                (Ok(_), Err(error)) => Some(format!("only the careful way can be read: {error}")),
            }
        })
    }

    /// The same, for people.
    pub(crate) fn told(&self, bytes: &[u8]) -> String {
        let version = |index: usize| self.protocol.versions()[index].version();
        let input = DynamicMessage::decode(self.source.clone(), bytes)
            .map_or_else(|error| error.to_string(), |message| same::shown(&message));
        let wrong = match self.judge(bytes) {
            Verdict::Wrong(what) => what,
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

/// The messages that a version declares itself.
pub(crate) fn messages(protocol: &Protocol, version: usize) -> Vec<MessageDescriptor> {
    let declared = protocol.versions()[version].pool().all_messages();
    declared.filter(|message| !message.is_map_entry() && !message.full_name().starts_with("google.protobuf.")).collect()
}

/// What other versions declare under numbers that the messages of this version do not know.
pub(crate) fn unknown_fields(protocol: &Protocol, version: usize) -> HashMap<String, Vec<FieldDescriptor>> {
    let mut unknown = HashMap::new();
    for message in messages(protocol, version) {
        let mut fields: Vec<FieldDescriptor> = Vec::new();
        for (index, name) in counterparts(protocol, version, message.full_name()) {
            let Some(other) = protocol.versions()[index].pool().get_message_by_name(&name) else { continue };
            let new = other.fields().filter(|field| message.get_field(field.number()).is_none());
            for field in new {
                fields.push(field);
            }
        }
        if !fields.is_empty() {
            unknown.insert(message.full_name().to_owned(), fields);
        }
    }
    unknown
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
pub(crate) struct Known<'a> {
    pub(crate) protocol: &'a Protocol,
    version: usize,
    unknown: HashMap<String, Vec<FieldDescriptor>>,
    /// Lists that come out of maps, in whatever order these are in.
    any_order: HashSet<String>,
}

impl<'a> Known<'a> {
    /// Of the version that messages come to.
    pub(crate) fn new(protocol: &'a Protocol, version: usize) -> Self {
        let steps = protocol.steps().iter();
        let plans = steps.flat_map(|step| [Direction::Up, Direction::Down].map(|direction| step.plans(direction)));
        let moves =
            plans.flat_map(|plans| Use::ALL.into_iter().flat_map(|used| plans.iter(used)).flat_map(|plan| &plan.moves));
        let any_order = moves
            .filter(|moved| matches!(moved.conversion, Conversion::MapToList { .. }))
            .map(|moved| moved.to.leaf().full_name().to_owned())
            .collect();
        Self { protocol, version, unknown: unknown_fields(protocol, version), any_order }
    }
}

impl same::Knowledge for Known<'_> {
    fn comes_in_any_order(&self, field: &FieldDescriptor) -> bool {
        self.any_order.contains(field.full_name())
    }

    fn declared_elsewhere(&self, message: &str, number: u32) -> Vec<FieldDescriptor> {
        let all = self.unknown.get(message).into_iter().flatten();
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
