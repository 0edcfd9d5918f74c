//! Whether a method is *same* in two adjacent versions, decided from descriptors.
//!
//! Same means: what one side writes, the other reads with the same meaning, without any work. The newer side may have
//! added fields, methods and values of open enums, on numbers and under names that no version before it used or
//! reserved. All else is a difference. Names count as well: a number that carries another name may be a rename or
//! may be a reuse, and only the author of the step knows which.

use std::collections::{HashSet, VecDeque};
use std::fmt;

use prost_reflect::{
    EnumDescriptor, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor, Syntax,
};

use super::digest::kind_name;
use super::history::History;
use super::schema::Method;

/// A reason why a method is not *same* in two adjacent versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The element: a message with its field, an enum with its value, or the method itself.
    pub element: String,
    /// What differs.
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.element, self.what)
    }
}

/// What came of comparing a method with its counterpart in the next version.
pub(super) struct Compared {
    /// All differences; none when the methods are *same*.
    pub(super) differences: Vec<Difference>,
    /// What a request of the newer version can say and the older one passes over: fields and enum values that are new.
    pub(super) unheard: Vec<Difference>,
    /// Messages and enums that meet their counterpart under another name, as (old, new).
    pub(super) moved: Vec<(String, String)>,
}

/// Compares a method with its counterpart in the next version.
pub(super) fn compare(old: &Method, new: &Method, history: &History<'_>) -> Compared {
    let mut comparison = Comparison::new(history);
    comparison.streams(old, new);
    // Requests come first: what a message of both gains matters in the request.
    comparison.closure(old.descriptor().input(), new.descriptor().input());
    comparison.in_request = false;
    comparison.closure(old.descriptor().output(), new.descriptor().output());
    let moved = comparison.seen.into_iter().filter(|pair| pair.old != pair.new).map(|pair| (pair.old, pair.new));
    Compared { differences: comparison.found, unheard: comparison.unheard, moved: moved.collect() }
}

/// Whether messages of one version can be read in the next one, and the other way, with the same meaning: whether `pairs`,
/// and all that they lead to, differ by additions at most.
pub(super) fn only_added(
    pairs: impl Iterator<Item = (MessageDescriptor, MessageDescriptor)>,
    history: &History<'_>,
) -> bool {
    let mut comparison = Comparison::new(history);
    for (old, new) in pairs {
        comparison.closure(old, new);
        if !comparison.found.is_empty() {
            return false;
        }
    }
    true
}

struct Comparison<'a> {
    history: &'a History<'a>,
    found: Vec<Difference>,
    unheard: Vec<Difference>,
    /// Whether what is compared belongs to requests.
    in_request: bool,
    /// What was compared or waits for it: messages may contain themselves.
    seen: HashSet<Pair>,
    pending: VecDeque<(MessageDescriptor, MessageDescriptor)>,
}

/// Two messages or two enums, by their full names.
#[derive(PartialEq, Eq, Hash)]
struct Pair {
    old: String,
    new: String,
    /// Whether an enum is compared as the closed one that a field of proto2 makes of it.
    closed: bool,
}

impl<'a> Comparison<'a> {
    fn new(history: &'a History<'a>) -> Self {
        Self {
            history,
            found: Vec::new(),
            unheard: Vec::new(),
            in_request: true,
            seen: HashSet::new(),
            pending: VecDeque::new(),
        }
    }

    fn differ(&mut self, element: impl Into<String>, what: impl Into<String>) {
        self.found.push(Difference { element: element.into(), what: what.into() });
    }

    /// Notes what only the newer side can say.
    fn add(&mut self, element: &str) {
        if self.in_request {
            let what = "is new; the older side passes over it".to_owned();
            self.unheard.push(Difference { element: element.to_owned(), what });
        }
    }

    /// Compares two messages and all that they lead to.
    fn closure(&mut self, old: MessageDescriptor, new: MessageDescriptor) {
        self.later(old, new);
        while let Some((old, new)) = self.pending.pop_front() {
            self.messages(&old, &new);
        }
    }

    fn streams(&mut self, old: &Method, new: &Method) {
        let streams = |method: &Method| match (method.is_client_streaming(), method.is_server_streaming()) {
            (false, false) => "unary",
            (false, true) => "server-streaming",
            (true, false) => "client-streaming",
            (true, true) => "bidirectional",
        };
        if streams(old) != streams(new) {
            self.differ(old.full_name(), format!("was {}, is {}", streams(old), streams(new)));
        }
    }

    fn later(&mut self, old: MessageDescriptor, new: MessageDescriptor) {
        let pair = Pair { old: old.full_name().to_owned(), new: new.full_name().to_owned(), closed: false };
        if self.seen.insert(pair) {
            self.pending.push_back((old, new));
        }
    }

    fn messages(&mut self, old: &MessageDescriptor, new: &MessageDescriptor) {
        if (well_known(old) || well_known(new)) && old.full_name() != new.full_name() {
            self.differ(old.full_name(), format!("became {}", new.full_name()));
            return;
        }
        if old.full_name() == "google.protobuf.Any" {
            self.contents_of_any(old, new);
        }
        for field in old.fields() {
            match new.get_field(field.number()) {
                Some(counterpart) => self.fields(old, &field, &counterpart),
                None => self.differ(element(old, field.name()), format!("number {} is gone", field.number())),
            }
        }
        for field in new.fields().filter(|field| old.get_field(field.number()).is_none()) {
            self.added_field(old, &field);
        }
        self.extensions(old, new);
    }

    /// An `Any` may hold whatever the protocol declares, by its name: all of that has to be there, and the same.
    fn contents_of_any(&mut self, old: &MessageDescriptor, new: &MessageDescriptor) {
        let declared = |message: &MessageDescriptor| !well_known(message) && !message.is_map_entry();
        for held in old.parent_pool().all_messages().filter(declared) {
            match new.parent_pool().get_message_by_name(held.full_name()) {
                Some(counterpart) => self.later(held, counterpart),
                None => self.differ(old.full_name(), format!("may hold {}, which is gone", held.full_name())),
            }
        }
    }

    fn fields(&mut self, message: &MessageDescriptor, old: &FieldDescriptor, new: &FieldDescriptor) {
        let place = element(message, old.name());
        if old.name() != new.name() {
            self.differ(&place, format!("number {} is named `{}` now", old.number(), new.name()));
        } else if old.json_name() != new.json_name() {
            self.differ(&place, format!("JSON name was `{}`, is `{}`", old.json_name(), new.json_name()));
        }
        let facts = |field: &FieldDescriptor| {
            [
                ("cardinality", format!("{:?}", field.cardinality())),
                // The same bytes, but the last of several entries with one key wins.
                ("map", field.is_map().to_string()),
                ("packing", field.is_packed().to_string()),
                ("presence", field.supports_presence().to_string()),
                ("group encoding", field.is_group().to_string()),
                (
                    "oneof",
                    field
                        .containing_oneof()
                        .filter(real)
                        .map_or_else(|| "none".to_owned(), |oneof| oneof.name().to_owned()),
                ),
                ("default", field.field_descriptor_proto().default_value().to_owned()),
            ]
        };
        for ((fact, was), (_, is)) in facts(old).into_iter().zip(facts(new)) {
            if was != is {
                self.differ(&place, format!("{fact} was {was}, is {is}"));
            }
        }
        let syntax = |field: &FieldDescriptor| field.parent_message().parent_file().syntax();
        self.kinds(&place, (old.kind(), syntax(old)), (new.kind(), syntax(new)));
    }

    /// Compares the types of a field on both sides, each with the syntax of the file that declares the field.
    fn kinds(&mut self, place: &str, (old, was): (Kind, Syntax), (new, is): (Kind, Syntax)) {
        if old == Kind::String && was != is {
            self.differ(place, "only one side checks that it is UTF-8, since the syntax differs");
        }
        match (old, new) {
            (Kind::Message(old), Kind::Message(new)) => self.later(old, new),
            // Some languages take every enum in a field of proto2 for a closed one.
            (Kind::Enum(old), Kind::Enum(new)) => self.enums(&old, &new, [was, is].contains(&Syntax::Proto2)),
            (old, new) if old == new => {}
            (old, new) => self.differ(place, format!("was {}, is {}", kind_name(&old), kind_name(&new))),
        }
    }

    fn added_field(&mut self, old: &MessageDescriptor, field: &FieldDescriptor) {
        let place = element(old, field.name());
        self.add(&place);
        if field.is_required() {
            self.differ(&place, "is new and required");
        }
        if let Some(before) = self.history.of_field(old, field.number(), field.name()) {
            self.differ(&place, format!("is new, but number {} {before}", field.number()));
        }
        let joined = field
            .containing_oneof()
            .filter(real)
            .filter(|oneof| oneof.fields().any(|arm| old.get_field(arm.number()).is_some()));
        if let Some(oneof) = joined {
            self.differ(&place, format!("is a new arm of the oneof `{}`", oneof.name()));
        }
    }

    fn extensions(&mut self, old: &MessageDescriptor, new: &MessageDescriptor) {
        for extension in old.extensions() {
            match new.get_extension(extension.number()) {
                Some(counterpart) => self.extension(&extension, &counterpart),
                None => self.differ(extension.full_name(), format!("extension {} is gone", extension.number())),
            }
        }
        for extension in new.extensions().filter(|extension| old.get_extension(extension.number()).is_none()) {
            if let Some(before) = self.history.of_extension(old, extension.number()) {
                let number = extension.number();
                self.differ(extension.full_name(), format!("is a new extension, but number {number} {before}"));
            }
        }
    }

    fn extension(&mut self, old: &ExtensionDescriptor, new: &ExtensionDescriptor) {
        let place = old.full_name().to_owned();
        if old.name() != new.name() {
            self.differ(&place, format!("extension {} is named `{}` now", old.number(), new.name()));
        }
        if (old.cardinality(), old.is_packed(), old.is_group()) != (new.cardinality(), new.is_packed(), new.is_group())
        {
            self.differ(&place, "cardinality, packing or encoding differs");
        }
        let default = |extension: &ExtensionDescriptor| extension.field_descriptor_proto().default_value().to_owned();
        if default(old) != default(new) {
            self.differ(&place, format!("default was {}, is {}", default(old), default(new)));
        }
        let syntax = |extension: &ExtensionDescriptor| extension.parent_file().syntax();
        self.kinds(&place, (old.kind(), syntax(old)), (new.kind(), syntax(new)));
    }

    fn enums(&mut self, old: &EnumDescriptor, new: &EnumDescriptor, closed: bool) {
        let pair = Pair { old: old.full_name().to_owned(), new: new.full_name().to_owned(), closed };
        if !self.seen.insert(pair) {
            return;
        }
        if is_open(old) != is_open(new) {
            self.differ(old.full_name(), "is open on one side and closed on the other");
        }
        if old.default_value().number() != new.default_value().number() {
            self.differ(old.full_name(), "its default value differs");
        }
        for value in old.values() {
            let kept = new.values().any(|other| (other.number(), other.name()) == (value.number(), value.name()));
            if !kept {
                let now = new
                    .get_value(value.number())
                    .map_or_else(|| "gone".to_owned(), |other| format!("named `{}` now", other.name()));
                self.differ(
                    format!("{}.{}", old.full_name(), value.name()),
                    format!("number {} is {now}", value.number()),
                );
            }
        }
        for value in new.values() {
            let known = old.values().any(|other| (other.number(), other.name()) == (value.number(), value.name()));
            if known {
                continue;
            }
            let place = format!("{}.{}", old.full_name(), value.name());
            self.add(&place);
            if closed || !is_open(old) {
                self.differ(&place, "is new in a closed enum");
            }
            if let Some(before) = self.history.of_value(old, value.number(), value.name()) {
                self.differ(&place, format!("is new, but number {} {before}", value.number()));
            }
        }
    }
}

fn well_known(message: &MessageDescriptor) -> bool {
    message.package_name() == "google.protobuf"
}

fn element(message: &MessageDescriptor, field: &str) -> String {
    format!("{}.{field}", message.full_name())
}

fn real(oneof: &OneofDescriptor) -> bool {
    !oneof.is_synthetic()
}

/// Enums of proto3 are open: a reader keeps numbers that it has no name for (protobuf.dev, *Enum Behavior*).
fn is_open(declared: &EnumDescriptor) -> bool {
    declared.parent_file().syntax() == Syntax::Proto3
}
