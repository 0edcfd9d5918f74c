//! Trees of fields, their bytes, and how a tree is cut down.

use super::simplify::simplify;

/// A field on the wire.
#[derive(Clone, Debug)]
pub struct Field {
    number: u32,
    content: Content,
}

/// What a field holds.
#[derive(Clone, Debug)]
pub enum Content {
    Varint(u64),
    /// The same in more bytes than it needs.
    LongVarint(u64),
    Fixed32(u32),
    Fixed64(u64),
    Bytes(Vec<u8>),
    Message(Vec<Field>),
    Group(Vec<Field>),
}

impl Field {
    #[must_use]
    pub fn new(number: u32, content: Content) -> Self {
        Self { number, content }
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn content(&self) -> &Content {
        &self.content
    }

    pub(super) fn content_mut(&mut self) -> &mut Content {
        &mut self.content
    }
}

impl Content {
    pub(super) fn signed(value: i64) -> Self {
        Self::Varint(value.cast_unsigned())
    }

    /// The value without its key, as it lies in a packed field.
    pub(super) fn bare(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::Varint(value) => varint(*value, &mut bytes),
            Self::LongVarint(value) => long_varint(*value, &mut bytes),
            Self::Fixed32(value) => bytes.extend(value.to_le_bytes()),
            Self::Fixed64(value) => bytes.extend(value.to_le_bytes()),
            Self::Bytes(value) => bytes.extend(value),
            Self::Message(fields) | Self::Group(fields) => bytes.extend(encode(fields)),
        }
        bytes
    }

    fn wire_type(&self) -> u64 {
        match self {
            Self::Varint(_) | Self::LongVarint(_) => 0,
            Self::Fixed64(_) => 1,
            Self::Bytes(_) | Self::Message(_) => 2,
            Self::Group(_) => 3,
            Self::Fixed32(_) => 5,
        }
    }

    fn within(&mut self) -> Option<&mut Vec<Field>> {
        match self {
            Self::Message(fields) | Self::Group(fields) => Some(fields),
            _ => None,
        }
    }
}

/// The bytes of a message.
#[must_use]
pub fn encode(fields: &[Field]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Field { number, content } in fields {
        varint(u64::from(*number) << 3 | content.wire_type(), &mut bytes);
        let bare = content.bare();
        match content.wire_type() {
            2 => {
                varint(bare.len() as u64, &mut bytes);
                bytes.extend(bare);
            }
            3 => {
                bytes.extend(bare);
                varint(u64::from(*number) << 3 | 4, &mut bytes);
            }
            _ => bytes.extend(bare),
        }
    }
    bytes
}

fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push((value & 0x7f) as u8);
}

fn long_varint(value: u64, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    varint(value, bytes);
    if bytes.len() - start < 9 {
        let last = bytes.len() - 1;
        bytes[last] |= 0x80;
        bytes.push(0);
    }
}

/// The message cut down, and its values made simpler, as far as `still` holds for its bytes.
pub fn smallest(fields: &[Field], still: &mut dyn FnMut(&[u8]) -> bool) -> Vec<Field> {
    let mut fields = fields.to_vec();
    loop {
        let before = count(&fields);
        cut(&mut fields, &mut |candidate| still(&encode(candidate)));
        if count(&fields) == before {
            // Simpler values may make more of it superfluous.
            let simpler = simplify(&mut fields, &mut |candidate| still(&encode(candidate)));
            if !simpler {
                return fields;
            }
        }
    }
}

fn count(fields: &[Field]) -> usize {
    fields
        .iter()
        .map(|field| match &field.content {
            Content::Message(fields) | Content::Group(fields) => 1 + count(fields),
            _ => 1,
        })
        .sum()
}

/// Takes out each field whose absence changes nothing, then the same within those that stay.
fn cut(fields: &mut Vec<Field>, still: &mut dyn FnMut(&[Field]) -> bool) {
    let mut index = 0;
    while index < fields.len() {
        let taken = fields.remove(index);
        if !still(fields) {
            fields.insert(index, taken);
            index += 1;
        }
    }
    for index in 0..fields.len() {
        let Some(mut within) = fields[index].content.within().cloned() else { continue };
        let outer = fields.clone();
        cut(&mut within, &mut |candidate| {
            let mut whole = outer.clone();
            *whole[index].content.within().expect("a message") = candidate.to_vec();
            still(&whole)
        });
        *fields[index].content.within().expect("a message") = within;
    }
}
