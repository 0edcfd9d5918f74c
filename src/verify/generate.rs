//! Random messages, as bytes: also such as encoders do not write, and parsers must take.
//!
//! A message is made as a tree of fields, so that one that shows a fault can be cut down before anyone has to read it.
#![allow(clippy::needless_pass_by_value, reason = "tests and peers say things plainly")]

mod cover;
mod scalars;
mod simplify;
mod wire;

use std::collections::HashMap;

use fastrand::Rng;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

pub use self::cover::{Recipe, recipes};
pub use self::wire::{Content, Field, encode, smallest};

/// How deep messages nest.
const DEPTH: usize = 5;
/// How many fields a message has in all, those within it included.
const FIELDS: usize = 120;

/// What makes messages of one version of a protocol.
#[derive(Clone, Debug)]
pub struct Generator {
    random: Rng,
    /// Texts that mean something to the protocol.
    words: Vec<String>,
    /// What other versions declare under numbers that a message of this version does not know, by its full name.
    unknown: HashMap<String, Vec<FieldDescriptor>>,
    /// Messages that an `Any` may hold.
    types: Vec<MessageDescriptor>,
    /// Fields that may still be made.
    left: usize,
    /// How many `Any` lie around what is made. Their content is encoded anew between the hops of the reference, and
    /// dynamic messages encode a negative zero as nothing.
    packed: usize,
}

impl Generator {
    /// A generator for one version. Of the arms of a oneof that the version does not know, it only ever writes one: which
    /// of two comes last is more than a decoded message can tell.
    #[must_use]
    pub fn new(
        seed: u64,
        words: Vec<String>,
        unknown: HashMap<String, Vec<FieldDescriptor>>,
        types: Vec<MessageDescriptor>,
    ) -> Self {
        let mut random = Rng::with_seed(seed);
        let mut names: Vec<String> = unknown.keys().cloned().collect();
        names.sort();
        let unknown = names
            .into_iter()
            .map(|name| {
                let fields = one_arm_each(&mut random, &unknown[&name]);
                (name, fields)
            })
            .collect();
        Self { random, words, unknown, types, left: 0, packed: 0 }
    }

    /// What is made from now on depends on this alone.
    pub fn begin(&mut self, seed: u64) {
        self.random = Rng::with_seed(seed);
    }

    /// A message of this type.
    pub fn message(&mut self, descriptor: &MessageDescriptor) -> Vec<Field> {
        self.left = match self.random.usize(..10) {
            0..6 => FIELDS / 8,
            6..9 => FIELDS / 2,
            _ => FIELDS,
        };
        self.fields(descriptor, DEPTH)
    }

    fn one_in(&mut self, of: usize) -> bool {
        self.random.usize(..of) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        (!from.is_empty()).then(|| &from[self.random.usize(..from.len())])
    }

    fn any_type(&mut self) -> Option<MessageDescriptor> {
        (!self.types.is_empty()).then(|| self.types[self.random.usize(..self.types.len())].clone())
    }

    fn fields(&mut self, descriptor: &MessageDescriptor, depth: usize) -> Vec<Field> {
        if let Some(known) = self.well_known(descriptor, depth) {
            return known;
        }
        let all: Vec<FieldDescriptor> = descriptor.fields().collect();
        let one_in = [1, 2, 4, 8][self.random.usize(..4)].min(all.len().max(1));
        let mut fields = Vec::new();
        for field in &all {
            let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
            let arms = oneof.map_or(1, |oneof| oneof.fields().len());
            // One arm of a oneof in most messages, several in some.
            if self.one_in(one_in.max(arms)) {
                self.field(field, depth, &mut fields);
                // Twice: the last scalar counts, messages merge.
                if self.one_in(20) {
                    self.field(field, depth, &mut fields);
                }
            }
        }
        // Those of well-known types would have nowhere to go when the type changes.
        if self.one_in(6) && !descriptor.full_name().starts_with("google.protobuf.") {
            self.unknown_field(descriptor, depth, &mut fields);
        }
        if self.one_in(3) {
            self.random.shuffle(&mut fields);
        }
        fields
    }

    /// A field, as encoders write it or otherwise.
    fn field(&mut self, field: &FieldDescriptor, depth: usize, fields: &mut Vec<Field>) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        let number = field.number();
        if field.is_map() {
            let entry = field.kind().as_message().expect("an entry").clone();
            for _ in 0..=self.random.usize(..3) {
                let parts = self.entry(&entry, depth);
                fields.push(Field::new(number, Content::Message(parts)));
            }
        } else if field.is_list() {
            self.list(field, depth, fields);
        } else if let Some(content) = self.content(field, depth) {
            fields.push(Field::new(number, content));
        }
    }

    /// Key and value, in any order, either of them missing at times.
    fn entry(&mut self, entry: &MessageDescriptor, depth: usize) -> Vec<Field> {
        let mut parts = Vec::new();
        for part in [entry.map_entry_key_field(), entry.map_entry_value_field()] {
            if !self.one_in(8)
                && let Some(content) = self.content(&part, depth)
            {
                parts.push(Field::new(part.number(), content));
            }
        }
        if self.one_in(4) {
            parts.reverse();
        }
        parts
    }

    /// Elements one by one, packed, or some of both.
    fn list(&mut self, field: &FieldDescriptor, depth: usize, fields: &mut Vec<Field>) {
        let number = field.number();
        for _ in 0..self.random.usize(1..3) {
            let count = self.random.usize(..4);
            let elements: Vec<Content> = (0..count).filter_map(|_| self.content(field, depth)).collect();
            if is_packable(&field.kind()) && self.random.bool() {
                let packed = elements.iter().flat_map(Content::bare).collect();
                fields.push(Field::new(number, Content::Bytes(packed)));
            } else {
                fields.extend(elements.into_iter().map(|content| Field::new(number, content)));
            }
        }
    }

    /// One value; nothing where messages would nest too deep.
    fn content(&mut self, field: &FieldDescriptor, depth: usize) -> Option<Content> {
        let Kind::Message(message) = field.kind() else { return Some(self.scalar(&field.kind())) };
        if depth == 0 {
            return None;
        }
        let fields = self.fields(&message, depth - 1);
        Some(if field.is_group() { Content::Group(fields) } else { Content::Message(fields) })
    }

    /// Something that this version does not know.
    fn unknown_field(&mut self, descriptor: &MessageDescriptor, depth: usize, fields: &mut Vec<Field>) {
        let declared = self.unknown.get(descriptor.full_name()).cloned().unwrap_or_default();
        if let Some(field) = self.pick(&declared).cloned()
            && !self.one_in(3)
        {
            self.field(&field, depth, fields);
            return;
        }
        let number = [15, 16, 1000, 2047, 2048, 18_999, 20_000, 536_870_911][self.random.usize(..8)];
        // What this version knows, and what another one does, would have to be of its type.
        if descriptor.get_field(number).is_none() && declared.iter().all(|field| field.number() != number) {
            let content = self.anything(depth.min(2));
            fields.push(Field::new(number, content));
        }
    }

    fn anything(&mut self, depth: usize) -> Content {
        match self.random.usize(..if depth == 0 { 4 } else { 6 }) {
            0 => Content::Varint(self.random.u64(..)),
            1 => Content::Fixed32(self.random.u32(..)),
            2 => Content::Fixed64(self.random.u64(..)),
            3 => Content::Bytes(self.random_bytes()),
            4 => Content::Message(vec![Field::new(1, self.anything(depth - 1))]),
            _ => Content::Group(vec![Field::new(3, self.anything(depth - 1))]),
        }
    }

    /// Messages whose content means something.
    fn well_known(&mut self, descriptor: &MessageDescriptor, depth: usize) -> Option<Vec<Field>> {
        let mut fields = Vec::new();
        match descriptor.full_name() {
            "google.protobuf.Timestamp" => {
                let seconds = [0, 1, -1, 1_700_000_000, 253_402_300_799, -62_135_596_800, 253_402_300_800, i64::MIN];
                self.time(&seconds, &[0, 1, 500_000_000, 999_999_999, 123_000_000, -1, 1_000_000_000], &mut fields);
            }
            "google.protobuf.Duration" => {
                let seconds = [0, 1, -1, 3600, 60, 315_576_000_000, 315_576_000_001, i64::MAX];
                self.time(&seconds, &[0, 500_000_000, -500_000_000, 1_000_000, 999_999_999, i32::MIN], &mut fields);
            }
            "google.protobuf.FieldMask" => {
                for _ in 0..self.random.usize(..4) {
                    let path = self.mask_path();
                    fields.push(Field::new(1, Content::Bytes(path.into_bytes())));
                }
            }
            "google.protobuf.Any" => {
                let (name, content) = match self.any_type() {
                    Some(known) if depth > 0 && !self.one_in(4) => {
                        self.packed += 1;
                        let content = self.fields(&known, depth - 1);
                        self.packed -= 1;
                        (known.full_name().to_owned(), content)
                    }
                    _ => ("elsewhere.Type".to_owned(), vec![Field::new(7, Content::Varint(1))]),
                };
                let prefix = *self.pick(&["type.googleapis.com/", "example.org/types/", "/"]).expect("some");
                fields.push(Field::new(1, Content::Bytes(format!("{prefix}{name}").into_bytes())));
                fields.push(Field::new(2, Content::Message(content)));
            }
            _ => return None,
        }
        Some(fields)
    }

    /// Mostly times as they should be: what is out of range stands at the end.
    fn time(&mut self, seconds: &[i64], nanos: &[i32], fields: &mut Vec<Field>) {
        let last = |random: &mut Rng, length: usize| if random.usize(..8) == 0 { length } else { length - 2 };
        let choice = last(&mut self.random, seconds.len());
        let second = seconds[self.random.usize(..choice)];
        let choice = last(&mut self.random, nanos.len());
        let nano = nanos[self.random.usize(..choice)];
        fields.push(Field::new(1, Content::signed(second)));
        fields.push(Field::new(2, Content::signed(i64::from(nano))));
    }

    /// A path of names, mostly such as there are.
    fn mask_path(&mut self) -> String {
        let mut path = Vec::new();
        let mut within = self.any_type();
        while let Some(message) = within.take() {
            let fields: Vec<FieldDescriptor> = message.fields().collect();
            let Some(field) = self.pick(&fields) else { break };
            path.push(field.name().to_owned());
            if self.random.bool() {
                within = field.kind().as_message().cloned();
            }
        }
        if self.one_in(10) {
            path.push("nowhere".to_owned());
        }
        path.join(".")
    }
}

fn one_arm_each(random: &mut Rng, fields: &[FieldDescriptor]) -> Vec<FieldDescriptor> {
    let mut fields = fields.to_vec();
    random.shuffle(&mut fields);
    let mut taken = Vec::new();
    fields.retain(|field| {
        let Some(oneof) = field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) else { return true };
        let first = !taken.contains(&oneof.name().to_owned());
        taken.push(oneof.name().to_owned());
        first
    });
    fields
}

fn is_packable(kind: &Kind) -> bool {
    !matches!(kind, Kind::String | Kind::Bytes | Kind::Message(_))
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use prost_reflect::DynamicMessage;

    use super::*;

    fn newest() -> Vec<MessageDescriptor> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/inventory");
        let protocol = Protocol::load(folder).expect("the inventory");
        let pool = protocol.versions().last().expect("a version").pool().clone();
        pool.all_messages().filter(|message| !message.is_map_entry()).collect()
    }

    fn generator(seed: u64) -> Generator {
        Generator::new(seed, vec!["word".to_owned()], HashMap::new(), Vec::new())
    }

    #[test]
    fn what_is_made_can_be_read_and_is_not_always_empty() {
        let (mut generator, mut empty) = (generator(7), 0);
        let messages = newest();
        for descriptor in &messages {
            for _ in 0..20 {
                let bytes = encode(&generator.message(descriptor));
                empty += usize::from(bytes.is_empty());
                let read = DynamicMessage::decode(descriptor.clone(), bytes.as_slice());
                assert!(read.is_ok(), "{}: {bytes:02x?}: {read:?}", descriptor.full_name());
            }
        }
        assert!(empty < messages.len() * 10, "{empty} of {} are empty", messages.len() * 20);
    }

    #[test]
    fn a_seed_makes_one_sequence_of_messages() {
        let message = newest().into_iter().max_by_key(|message| message.fields().len()).expect("a message");
        let sequence = |seed| -> Vec<Vec<u8>> {
            let mut generator = generator(seed);
            (0..10).map(|_| encode(&generator.message(&message))).collect()
        };
        assert_eq!(sequence(1), sequence(1));
        assert_ne!(sequence(1), sequence(2));
    }

    #[test]
    fn a_message_is_cut_down_to_what_matters() {
        let field = |number, content| Field::new(number, content);
        let inner = vec![field(1, Content::Varint(1)), field(2, Content::Varint(2)), field(3, Content::Fixed32(3))];
        let fields = [field(1, Content::Varint(9)), field(4, Content::Group(inner)), field(5, Content::Bytes(vec![1]))];
        // 10 02: the field 2 within.
        let small = smallest(&fields, &mut |bytes| bytes.windows(2).any(|two| two == [0x10, 2]));
        assert_eq!(encode(&small), [0x23, 0x10, 2, 0x24]);
    }
}
