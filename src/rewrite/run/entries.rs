//! Entries of maps, and messages that stand for them.

use rustc_hash::{FxHashMap, FxHashSet};

use super::carry::{Element, inexpressible, unread};
use super::decide::named;
use super::{Message, Runner};
use crate::protocol::plan::{Form, ScalarConversion};
use crate::rewrite::buffer::Buffer;
use crate::rewrite::failure::{Failure, Outcome};
use crate::rewrite::input::Input;
use crate::rewrite::scalar::{Converted, Datum, Scalar, Unread};
use crate::rewrite::table::{Carried, Convert, MapCarry, Part, Slot, Target};
use crate::rewrite::wire::{self, LENGTH};

/// Where key and value of an entry lie.
struct Entry<'a> {
    key: Option<Element<'a>>,
    value: Option<Element<'a>>,
    /// The number of another field that is set.
    other: Option<u32>,
    /// A number that the message does not declare.
    unknown: Option<u32>,
}

impl Runner<'_> {
    /// Rewrites an entry of a map as it comes by.
    pub(super) fn entry(
        &mut self,
        message: &Message<'_>,
        map: &MapCarry,
        number: u32,
        wire: u8,
        start: usize,
        end: usize,
    ) -> Outcome<()> {
        if wire != LENGTH {
            return Err(Failure::Hasty);
        }
        let mut merged = Vec::new();
        let element = Element { input: message.input, wire, start, end };
        let entry = split(message, map, element, &mut merged)?;
        let open = self.scratch.output.open(number, end - start);
        self.part(message, &map.key, entry.key, 1)?;
        self.part(message, &map.value, entry.value, 2)?;
        self.scratch.output.close(open);
        self.fits()
    }

    /// Rewrites the entries that were noted. Of entries with one key, the last one counts.
    pub(super) fn map(&mut self, message: &Message<'_>, carried: &Carried, map: &MapCarry) -> Outcome<bool> {
        self.entries(message, carried, map, (1, 2), true)
    }

    /// Each entry becomes a message.
    pub(super) fn map_to_list(&mut self, message: &Message<'_>, carried: &Carried, map: &MapCarry) -> Outcome<bool> {
        self.entries(message, carried, map, (map.key.target.number(), map.value.target.number()), false)
    }

    fn entries(
        &mut self,
        message: &Message<'_>,
        carried: &Carried,
        map: &MapCarry,
        numbers: (u32, u32),
        to_map: bool,
    ) -> Outcome<bool> {
        let slot = &message.plan.slots[carried.slot];
        let mut all = Vec::new();
        let mut next = self.scratch.notes.first(message.frame, carried.slot);
        while let Some(note) = next {
            all.push(Element::of(message.input, &note));
            next = self.scratch.notes.after(&note);
        }
        let mut last: FxHashMap<Vec<u8>, usize> = FxHashMap::default();
        let mut keys = Vec::with_capacity(all.len());
        for (index, element) in all.iter().enumerate() {
            let mut merged = Vec::new();
            let entry = split(message, map, *element, &mut merged)?;
            let key = canonical(message, &map.key, entry.key)?;
            last.insert(key.clone(), index);
            keys.push(key);
        }
        let mut made: FxHashSet<Vec<u8>> = FxHashSet::default();
        for (_, element) in all.iter().enumerate().filter(|(index, _)| last.get(&keys[*index]) == Some(index)) {
            let mut merged = Vec::new();
            let entry = split(message, map, *element, &mut merged)?;
            let within = |failure: Failure| named(failure.at(shown(map, entry.key.as_ref())), slot);
            let target = Target { group: carried.target.group, ..Target::message(carried.target.number) };
            let mut new_key = Vec::new();
            self.framed(target, element.end - element.start, |runner| {
                let before = runner.scratch.output.buffer().len();
                runner.part(message, &map.key, entry.key, numbers.0)?;
                if to_map && !matches!(map.key.convert, Convert::Copy) {
                    new_key.extend_from_slice(&runner.scratch.output.buffer()[before..]);
                }
                runner.part(message, &map.value, entry.value, numbers.1)
            })
            .map_err(within)?;
            self.fits()?;
            let may_meet = to_map && !matches!(map.key.convert, Convert::Copy);
            if may_meet && !made.insert(written(&map.key, &new_key, message)?) {
                let detail = "its key becomes the same as that of another entry";
                return Err(within(inexpressible(&message.plan.words, detail)));
            }
        }
        Ok(!all.is_empty())
    }

    /// Each message becomes an entry.
    pub(super) fn list_to_map(
        &mut self,
        message: &Message<'_>,
        carried: &Carried,
        map: &MapCarry,
        refuse_duplicates: bool,
    ) -> Outcome<bool> {
        let slot = &message.plan.slots[carried.slot];
        let mut index = 0;
        let mut made: FxHashSet<Vec<u8>> = FxHashSet::default();
        let mut next = self.scratch.notes.first(message.frame, carried.slot);
        while let Some(note) = next {
            let within = |failure: Failure| named(failure.at(index), slot);
            let element = Element::of(message.input, &note);
            let mut merged = Vec::new();
            let entry = split(message, map, element, &mut merged).map_err(within)?;
            let unknown = entry.unknown.filter(|_| !message.leaves_unknown_out());
            if let Some(number) = entry.other.or(unknown) {
                let name = map.key.source.parent_message().get_field(number);
                let name = name.map_or_else(|| format!("#{number}"), |field| field.name().to_owned());
                let failure = inexpressible(&message.plan.words, "a map has no place for it");
                return Err(within(failure.within(&name)));
            }
            let mut new_key = Vec::new();
            let target = Target::message(carried.target.number);
            self.framed(target, element.end - element.start, |runner| {
                let before = runner.scratch.output.buffer().len();
                let name = map.key.source.name();
                runner.part(message, &map.key, entry.key, 1).map_err(|failure| failure.within(name))?;
                // A key that stays may be a slice of the input, and not be in the buffer.
                if refuse_duplicates && !matches!(map.key.convert, Convert::Copy) {
                    new_key.extend_from_slice(&runner.scratch.output.buffer()[before..]);
                }
                let name = map.value.source.name();
                runner.part(message, &map.value, entry.value, 2).map_err(|failure| failure.within(name))
            })
            .map_err(within)?;
            let new_key = match map.key.convert {
                Convert::Copy => canonical(message, &map.key, entry.key)?,
                _ => written(&map.key, &new_key, message)?,
            };
            if refuse_duplicates && !made.insert(new_key) {
                return Err(within(inexpressible(&message.plan.words, "its key comes twice")));
            }
            index += 1;
            next = self.scratch.notes.after(&note);
        }
        Ok(index > 0)
    }

    /// Writes a key or a value; where it is absent, what its zero comes to.
    fn part(&mut self, message: &Message<'_>, part: &Part, element: Option<Element<'_>>, number: u32) -> Outcome<()> {
        let info = part.slot();
        let target = Target { group: part.target.is_group(), ..Target::message(number) };
        match (element, &part.convert) {
            (None, Convert::Copy) => Ok(()),
            (Some(element), convert) => self.must_convert(message, &info, convert, element, target),
            (None, Convert::Scalar(scalar)) => {
                let words = &message.plan.words;
                let datum = match scalar.convert(scalar.zero()) {
                    Ok(Converted::To(datum)) => datum,
                    Ok(Converted::Settled) => scalar.settled(),
                    Err(detail) => return Err(inexpressible(words, &detail)),
                };
                let buffer = self.scratch.output.buffer();
                buffer.put_tag(number, scalar.write_wire());
                scalar.write(&datum, buffer).map_err(|detail| inexpressible(words, &detail))
            }
            (None, convert) => {
                let empty = Element { input: Input::copied(&[], 0), wire: LENGTH, start: 0, end: 0 };
                self.must_convert(message, &info, convert, empty, target)
            }
        }
    }
}

impl Part {
    /// What stands for a slot where a value is converted.
    fn slot(&self) -> Slot {
        Slot {
            field: self.source.clone(),
            names: Vec::new(),
            end: 0,
            node: None,
            last_only: true,
            oneof: None,
            parents: Vec::new(),
            kind: self.source.kind(),
            presence: self.source.supports_presence(),
            list: false,
            carried: Vec::new(),
            is_container: false,
            has_loss: false,
        }
    }
}

/// Finds key and value. A value that comes in several pieces is put together in `merged`.
fn split<'a>(
    message: &Message<'_>,
    map: &MapCarry,
    element: Element<'a>,
    merged: &'a mut Vec<u8>,
) -> Outcome<Entry<'a>> {
    let Element { input, start, end, .. } = element;
    let parent = map.key.source.parent_message().full_name();
    if !element.is_message() {
        return Err(Failure::malformed("a wire type that is not the field's", start, input, parent));
    }
    let (key_number, value_number) = (map.key.source.number(), map.value.source.number());
    let is_message = matches!(map.value.source.kind(), prost_reflect::Kind::Message(_));
    let mut entry = Entry { key: None, value: None, other: None, unknown: None };
    let mut pieces = Vec::new();
    let mut at = start;
    while at < end {
        let field = wire::field(input.bytes, at, end, message.depth)
            .map_err(|fault| Failure::unreadable(fault, input, parent))?;
        let found = Element { input, wire: field.wire, start: field.start, end: field.end };
        if field.number == key_number {
            entry.key = Some(found);
        } else if field.number == value_number {
            if let Some(before) = entry.value.replace(found).filter(|_| is_message) {
                pieces.push(before);
            }
        } else if let Some(other) = map.key.source.parent_message().get_field(field.number) {
            let kind = other.kind();
            let zero = !other.supports_presence()
                && !other.is_list()
                && crate::rewrite::scalar::is_zero(&kind, &input.bytes[field.start..field.end]);
            if !zero {
                entry.other = Some(field.number);
            }
        } else {
            entry.unknown = Some(field.number);
        }
        at = field.next;
    }
    if let (Some(last), false) = (entry.value, pieces.is_empty()) {
        for piece in pieces.iter().chain([&last]) {
            merged.extend_from_slice(piece.bytes());
        }
        let input = Input::copied(merged, input.place(start));
        entry.value = Some(Element { input, wire: last.wire, start: 0, end: input.bytes.len() });
    }
    Ok(entry)
}

/// A key in bytes that are the same for the same key.
fn canonical(message: &Message<'_>, part: &Part, key: Option<Element<'_>>) -> Outcome<Vec<u8>> {
    let scalar = plain(part);
    let mut bytes = Buffer::default();
    let datum = match key {
        Some(element) => read(part, &scalar, element)?,
        None => scalar.zero(),
    };
    scalar.write(&datum, &mut bytes).map_err(|detail| inexpressible(&message.plan.words, &detail))?;
    Ok(bytes.take())
}

/// A key that was written, in bytes that are the same for the same key: a zero may be there or not, and numbers may be
/// longer than they need to be.
fn written(part: &Part, field: &[u8], message: &Message<'_>) -> Outcome<Vec<u8>> {
    let scalar = plain_of(part.target.kind());
    let parent = part.target.parent_message();
    let input = Input::copied(field, 0);
    let unreadable = |fault| Failure::unreadable(fault, input, parent.full_name());
    let datum = if field.is_empty() {
        scalar.zero()
    } else {
        let found = wire::field(field, 0, field.len(), message.depth).map_err(unreadable)?;
        let bytes = &field[found.start..found.end];
        let at = Element { input, wire: found.wire, start: found.start, end: found.end };
        scalar.read(bytes).map_err(|why| unread(message, why, at, parent.full_name()))?
    };
    let mut bytes = Buffer::default();
    scalar.write(&datum, &mut bytes).map_err(|detail| inexpressible(&message.plan.words, &detail))?;
    Ok(bytes.take())
}

fn read<'a>(part: &Part, scalar: &Scalar, element: Element<'a>) -> Outcome<Datum<'a>> {
    let parent = part.source.parent_message().full_name();
    if element.wire != scalar.read_wire() {
        return Err(Failure::malformed("a wire type that is not the field's", element.start, element.input, parent));
    }
    scalar.read(element.bytes()).map_err(|why| match why {
        Unread::Malformed(what) => Failure::malformed(what, element.start, element.input, parent),
        Unread::Refused { why, .. } => Failure::refused(why),
    })
}

fn plain(part: &Part) -> Scalar {
    plain_of(part.source.kind())
}

fn plain_of(kind: prost_reflect::Kind) -> Scalar {
    let form = Form::Plain(kind);
    Scalar::new(&ScalarConversion {
        read: form.clone(),
        changes: Vec::new(),
        write: form,
        absent: None,
        refuse_absent: false,
    })
}

/// A key as paths show it.
fn shown(map: &MapCarry, key: Option<&Element<'_>>) -> String {
    let scalar = plain(&map.key);
    let datum = key.and_then(|element| read(&map.key, &scalar, *element).ok()).unwrap_or_else(|| scalar.zero());
    match datum {
        Datum::Integer(integer) if scalar.is_bool() => (integer != 0).to_string(),
        Datum::Integer(integer) => integer.to_string(),
        Datum::Text(text) => format!("{text:?}"),
        Datum::Float(_) | Datum::Bytes(_) => String::new(),
    }
}
