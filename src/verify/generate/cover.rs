//! Messages that are made on purpose: each field alone with each value at the edge of its type, each arm of each oneof,
//! lists and maps of no, one and many elements, unknown fields at each depth, messages nested in themselves.

use std::collections::HashSet;

use fastrand::Rng;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::scalars::{FLOATS, INTEGERS, TEXTS};
use super::{Content, Field, Generator};

/// How deep a message lies that is looked into.
const DEPTH: usize = 6;
/// How many messages lie in each other where a message can lie in itself.
const NESTED: usize = 24;
/// How many elements are many.
const MANY: usize = 12;
/// The most recipes for one message.
const MOST: usize = 20_000;

/// How to make one message.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The fields that lead to the place.
    path: Vec<FieldDescriptor>,
    /// The message there.
    place: MessageDescriptor,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// Nothing is set.
    Empty,
    /// Every field is set, and of each oneof this arm, counted around.
    All(usize),
    /// One field holds the value at this index of the edges of its type.
    Edge(FieldDescriptor, usize),
    /// A list or map of so many elements.
    Elements(FieldDescriptor, usize),
    /// The entry of a map lacks its key (1) or its value (2).
    Half(FieldDescriptor, u32),
    /// Both arms, in this order.
    Arms(FieldDescriptor, FieldDescriptor),
    /// A field that the version does not know.
    Unknown,
    /// The field leads to a message of the same type, and so on.
    Nested(FieldDescriptor),
}

/// The recipes for a message: first one for each field, then all others, in an order that depends on the seed.
#[must_use]
pub fn recipes(message: &MessageDescriptor, seed: u64) -> Vec<Recipe> {
    let (mut first, mut others) = (Vec::new(), Vec::new());
    let mut visited = HashSet::new();
    let mut pending = vec![(Vec::new(), message.clone())];
    while let Some((way, place)) = pending.pop() {
        if !visited.insert(place.full_name().to_owned()) || first.len() + others.len() > MOST {
            continue;
        }
        let made = |what| Recipe { path: way.clone(), place: place.clone(), what };
        first.push(made(What::Empty));
        // Those of well-known types would have nowhere to go when the type changes.
        if !place.full_name().starts_with("google.protobuf.") {
            first.push(made(What::Unknown));
        }
        let arms = place.oneofs().map(|oneof| oneof.fields().len()).max().unwrap_or(1);
        others.extend((0..arms).map(|arm| made(What::All(arm))));
        for field in place.fields() {
            let mut own = of_field(&field).into_iter().map(made);
            first.extend(own.next());
            others.extend(own);
            let value = if field.is_map() { map_value(&field) } else { field.kind() };
            if let Kind::Message(inner) = value {
                if inner == place {
                    first.push(made(What::Nested(field.clone())));
                }
                if way.len() < DEPTH {
                    let deeper = way.iter().cloned().chain([field.clone()]).collect();
                    pending.insert(0, (deeper, inner));
                }
            }
        }
        for oneof in place.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            let arms: Vec<FieldDescriptor> = oneof.fields().collect();
            others.extend(arms.windows(2).map(|two| made(What::Arms(two[1].clone(), two[0].clone()))));
        }
    }
    Rng::with_seed(seed).shuffle(&mut others);
    first.extend(others);
    first.truncate(MOST);
    first
}

/// The most telling one first.
fn of_field(field: &FieldDescriptor) -> Vec<What> {
    let edges = edges(&field.kind()).len();
    if field.is_map() {
        let mut found: Vec<What> = [MANY, 1].map(|count| What::Elements(field.clone(), count)).into();
        found.extend([1, 2].map(|part| What::Half(field.clone(), part)));
        found
    } else if field.is_list() {
        let mut found: Vec<What> = [2, 1, 0, MANY].map(|count| What::Elements(field.clone(), count)).into();
        found.extend((0..edges).map(|edge| What::Edge(field.clone(), edge)));
        found
    } else if edges > 0 {
        // What is not zero says more than what is.
        let order = (1..edges).chain([0]);
        order.map(|edge| What::Edge(field.clone(), edge)).collect()
    } else {
        vec![What::Elements(field.clone(), 1)]
    }
}

fn map_value(map: &FieldDescriptor) -> Kind {
    match map.kind() {
        Kind::Message(entry) => entry.map_entry_value_field().kind(),
        other => other,
    }
}

/// Values at the edges of a scalar type; none for messages. The first is zero.
fn edges(kind: &Kind) -> Vec<Content> {
    let integers = || INTEGERS[1..].iter().copied();
    let narrow = || integers().filter_map(|value| i32::try_from(value).ok());
    match kind {
        Kind::Bool => [0, 1, 2].map(Content::Varint).into(),
        Kind::Int32 | Kind::Uint32 => narrow().map(|value| Content::signed(value.into())).collect(),
        Kind::Int64 | Kind::Uint64 => integers().map(Content::signed).collect(),
        Kind::Sint32 => {
            narrow().map(|value| Content::Varint(((value << 1) ^ (value >> 31)).cast_unsigned().into())).collect()
        }
        Kind::Sint64 => {
            integers().map(|value| Content::Varint(((value << 1) ^ (value >> 63)).cast_unsigned())).collect()
        }
        Kind::Fixed32 | Kind::Sfixed32 => narrow().map(|value| Content::Fixed32(value.cast_unsigned())).collect(),
        Kind::Fixed64 | Kind::Sfixed64 => integers().map(|value| Content::Fixed64(value.cast_unsigned())).collect(),
        #[expect(clippy::cast_possible_truncation, reason = "any float will do")]
        Kind::Float => FLOATS.iter().map(|value| Content::Fixed32((*value as f32).to_bits())).collect(),
        Kind::Double => FLOATS.iter().map(|value| Content::Fixed64(value.to_bits())).collect(),
        Kind::String => TEXTS[1..].iter().map(|text| Content::Bytes(text.as_bytes().to_vec())).collect(),
        Kind::Bytes => {
            [&b""[..], b"a", b"\0", b"\xff\xfe", b"0123456789"].map(|bytes| Content::Bytes(bytes.into())).into()
        }
        Kind::Enum(declared) => {
            let named = declared.values().map(|value| value.number());
            named.chain([-1, 77, i32::MAX]).map(|number| Content::signed(number.into())).collect()
        }
        Kind::Message(_) => Vec::new(),
    }
}

impl Generator {
    /// The message of a recipe; what the recipe leaves open is made at random.
    pub fn cook(&mut self, recipe: &Recipe) -> Vec<Field> {
        self.left = super::FIELDS;
        let mut fields = self.at_place(recipe);
        for field in recipe.path.iter().rev() {
            let number = field.number();
            fields = vec![Field::new(number, self.around(field, fields))];
        }
        fields
    }

    fn at_place(&mut self, recipe: &Recipe) -> Vec<Field> {
        let mut fields = Vec::new();
        match &recipe.what {
            What::Empty => {}
            What::All(arm) => self.all(&recipe.place, *arm, &mut fields),
            What::Edge(field, edge) => {
                let edges = edges(&field.kind());
                fields.push(Field::new(field.number(), edges[*edge].clone()));
            }
            What::Elements(field, count) => self.elements(field, *count, &mut fields),
            What::Half(field, part) => {
                let content = if *part == 2 { Some(self.map_key(field)) } else { self.map_value(field) };
                let kept = 3 - part;
                let entry = content.map(|content| Field::new(kept, content));
                fields.push(Field::new(field.number(), Content::Message(entry.into_iter().collect())));
            }
            What::Arms(one, other) => {
                self.field(one, 2, &mut fields);
                self.field(other, 2, &mut fields);
            }
            What::Unknown => self.unknown_field(&recipe.place, 2, &mut fields),
            What::Nested(field) => {
                for _ in 0..NESTED {
                    self.left = 4;
                    let mut around = self.fields(&recipe.place, 0);
                    around.retain(|other| other.number() != field.number());
                    around.push(Field::new(field.number(), self.around(field, fields)));
                    fields = around;
                }
            }
        }
        fields
    }

    /// A message in the field, as one element or entry where it is a list or a map.
    fn around(&mut self, field: &FieldDescriptor, fields: Vec<Field>) -> Content {
        if field.is_map() {
            Content::Message(vec![Field::new(1, self.map_key(field)), Field::new(2, Content::Message(fields))])
        } else {
            within(field, fields)
        }
    }

    fn all(&mut self, place: &MessageDescriptor, arm: usize, fields: &mut Vec<Field>) {
        for field in place.fields() {
            let chosen = match field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
                Some(oneof) => oneof.fields().nth(arm % oneof.fields().len()).is_none_or(|chosen| chosen == field),
                None => true,
            };
            if chosen {
                self.left = 8;
                self.elements(&field, 1, fields);
            }
        }
    }

    fn elements(&mut self, field: &FieldDescriptor, count: usize, fields: &mut Vec<Field>) {
        let number = field.number();
        if count == 0 {
            // An empty packed list; elements of other types can only be left out.
            if super::is_packable(&field.kind()) {
                fields.push(Field::new(number, Content::Bytes(Vec::new())));
            }
            return;
        }
        for _ in 0..count {
            self.left = self.left.max(2);
            if field.is_map() {
                let Kind::Message(entry) = field.kind() else { continue };
                let parts = self.entry(&entry, 2);
                fields.push(Field::new(number, Content::Message(parts)));
            } else if let Some(content) = self.content(field, 2) {
                fields.push(Field::new(number, content));
            }
        }
    }

    fn map_key(&mut self, map: &FieldDescriptor) -> Content {
        match map.kind() {
            Kind::Message(entry) => self.scalar(&entry.map_entry_key_field().kind()),
            _ => Content::Varint(0),
        }
    }

    fn map_value(&mut self, map: &FieldDescriptor) -> Option<Content> {
        let Kind::Message(entry) = map.kind() else { return None };
        self.content(&entry.map_entry_value_field(), 2)
    }
}

fn within(field: &FieldDescriptor, fields: Vec<Field>) -> Content {
    if field.is_group() { Content::Group(fields) } else { Content::Message(fields) }
}
