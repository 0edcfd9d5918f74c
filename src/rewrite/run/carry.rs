//! Values that are carried from one field to another.

use std::borrow::Cow;

use super::decide::{named, wrong_wire};
use super::notes::Note;
use super::{Message, Runner};
use crate::protocol::plan::Beyond;
use crate::rewrite::failure::{Failure, Outcome};
use crate::rewrite::input::Input;
use crate::rewrite::scalar::{self, Converted, Datum, Scalar, Unread};
use crate::rewrite::table::{Carried, Carry, Convert, Slot, Target, Words};
use crate::rewrite::wire::{self, GROUP, GROUP_END, LENGTH, Unreadable};

/// A value that lies somewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) input: Input<'a>,
    pub(super) wire: u8,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<'a> Element<'a> {
    pub(super) fn of(input: Input<'a>, note: &Note) -> Self {
        Self { input, wire: note.wire, start: note.start, end: note.end }
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        &self.input.bytes[self.start..self.end]
    }

    pub(super) fn is_message(&self) -> bool {
        self.wire == LENGTH || self.wire == GROUP
    }
}

impl Runner<'_> {
    /// Writes what a value comes to; false where it is absent.
    pub(super) fn carry(&mut self, message: &Message<'_>, carried: &Carried) -> Outcome<bool> {
        let slot = &message.plan.slots[carried.slot];
        let Some(first) = self.scratch.notes.first(message.frame, carried.slot) else { return Ok(false) };
        match &carried.carry {
            Carry::Raw => self.raw(message, carried, first),
            Carry::One(convert) => {
                if !self.is_set(message, carried.slot)? {
                    return Ok(false);
                }
                let mut merged = Vec::new();
                let element = self.merged(message, slot, first, &mut merged)?;
                self.convert(message, slot, convert, element, carried.target).map_err(|failure| named(failure, slot))
            }
            Carry::Each(convert) => self.each(message, carried, convert, first),
            Carry::IntoList(convert) => {
                if !self.is_set(message, carried.slot)? {
                    return Ok(false);
                }
                let mut merged = Vec::new();
                let element = self.merged(message, slot, first, &mut merged)?;
                let target = Target { presence: true, packed: false, ..carried.target };
                self.convert(message, slot, convert, element, target).map_err(|failure| named(failure, slot))
            }
            Carry::FromList(convert, beyond) => self.one_of_list(message, carried, convert, *beyond),
            Carry::Map(map) => self.map(message, carried, map),
            Carry::MapToList(map) => self.map_to_list(message, carried, map),
            Carry::ListToMap { map, refuse_duplicates } => self.list_to_map(message, carried, map, *refuse_duplicates),
            Carry::Mask { source, target, plans, used } => {
                self.mask(message, carried, (plans, *used), (source, target))
            }
        }
    }

    /// Hands the bytes on.
    fn raw(&mut self, message: &Message<'_>, carried: &Carried, first: Note) -> Outcome<bool> {
        if !self.is_set(message, carried.slot)? {
            return Ok(false);
        }
        let mut next = Some(first);
        while let Some(note) = next {
            self.put_raw(Element::of(message.input, &note), carried.target);
            next = self.scratch.notes.after(&note);
        }
        Ok(true)
    }

    /// Writes a value as it is. Only messages differ in how they are framed.
    pub(super) fn put_raw(&mut self, element: Element<'_>, target: Target) {
        let wire = match element.wire {
            LENGTH | GROUP if target.group => GROUP,
            GROUP => LENGTH,
            wire => wire,
        };
        self.put(element.input, wire, element.start, element.end, target.number);
    }

    /// The value of a singular field. A message that comes in several pieces is put together in `merged`.
    pub(super) fn merged<'a>(
        &self,
        message: &Message<'a>,
        slot: &Slot,
        first: Note,
        merged: &'a mut Vec<u8>,
    ) -> Outcome<Element<'a>> {
        let Some(second) = self.scratch.notes.after(&first) else { return Ok(Element::of(message.input, &first)) };
        let mut next = Some(second);
        merged.extend_from_slice(&message.input.bytes[first.start..first.end]);
        while let Some(note) = next {
            if note.wire != first.wire {
                return Err(wrong_wire(message, slot, note.tag));
            }
            merged.extend_from_slice(&message.input.bytes[note.start..note.end]);
            next = self.scratch.notes.after(&note);
        }
        let input = Input::copied(merged, message.input.place(first.start));
        Ok(Element { input, wire: first.wire, start: 0, end: input.bytes.len() })
    }

    fn each(&mut self, message: &Message<'_>, carried: &Carried, convert: &Convert, first: Note) -> Outcome<bool> {
        let slot = &message.plan.slots[carried.slot];
        let target = Target { presence: true, ..carried.target };
        let run = match convert {
            Convert::Scalar(scalar) if target.packed && scalar.write_wire() != LENGTH => {
                Some(self.scratch.output.open(target.number, first.end - first.start))
            }
            _ => None,
        };
        let mut index = 0;
        let mut next = Some(first);
        while let Some(note) = next {
            let mut elements = Elements::new(read_wire(convert), note.wire, note.start, note.end);
            while let Some((start, end)) = elements
                .next(message.input.bytes)
                .map_err(|fault| Failure::unreadable(fault, message.input, slot.field.parent_message().full_name()))?
            {
                let element = Element { input: message.input, wire: elements.wire, start, end };
                let result = match (convert, &run) {
                    (Convert::Scalar(scalar), Some(_)) => self.packed(message, slot, scalar, element),
                    _ => self.must_convert(message, slot, convert, element, target),
                };
                result.map_err(|failure| named(failure.at(index), slot))?;
                self.fits()?;
                index += 1;
            }
            next = self.scratch.notes.after(&note);
        }
        if let Some(run) = run {
            self.scratch.output.close(run);
        }
        Ok(index > 0)
    }

    fn packed(&mut self, message: &Message<'_>, slot: &Slot, scalar: &Scalar, element: Element<'_>) -> Outcome<()> {
        match scalar_of(message, slot, scalar, element)? {
            Some(datum) => scalar
                .write(&datum, self.scratch.output.buffer())
                .map_err(|detail| inexpressible(&message.plan.words, &detail)),
            // An element cannot be absent.
            None => scalar
                .write(&scalar.settled(), self.scratch.output.buffer())
                .map_err(|detail| inexpressible(&message.plan.words, &detail)),
        }
    }

    fn one_of_list(
        &mut self,
        message: &Message<'_>,
        carried: &Carried,
        convert: &Convert,
        beyond: Beyond,
    ) -> Outcome<bool> {
        let slot = &message.plan.slots[carried.slot];
        let mut chosen: Option<Element<'_>> = None;
        let mut next = self.scratch.notes.first(message.frame, carried.slot);
        while let Some(note) = next {
            let mut elements = Elements::new(read_wire_of(convert, slot), note.wire, note.start, note.end);
            while let Some((start, end)) = elements
                .next(message.input.bytes)
                .map_err(|fault| Failure::unreadable(fault, message.input, slot.field.parent_message().full_name()))?
            {
                match (beyond, &chosen) {
                    (Beyond::First, Some(_)) => {}
                    (Beyond::Refuse, Some(_)) => {
                        let detail = "there is more than one element";
                        return Err(named(inexpressible(&message.plan.words, detail), slot));
                    }
                    _ => chosen = Some(Element { input: message.input, wire: elements.wire, start, end }),
                }
            }
            next = self.scratch.notes.after(&note);
        }
        let Some(element) = chosen else { return Ok(false) };
        self.convert(message, slot, convert, element, carried.target).map_err(|failure| named(failure, slot))
    }

    /// Writes one value where one has to be.
    pub(super) fn must_convert(
        &mut self,
        message: &Message<'_>,
        slot: &Slot,
        convert: &Convert,
        element: Element<'_>,
        target: Target,
    ) -> Outcome<()> {
        if let (false, Convert::Scalar(scalar)) = (self.convert(message, slot, convert, element, target)?, convert) {
            let buffer = self.scratch.output.buffer();
            buffer.put_tag(target.number, scalar.write_wire());
            scalar.write(&scalar.settled(), buffer).map_err(|detail| inexpressible(&message.plan.words, &detail))?;
        }
        Ok(())
    }

    /// Writes one value under the number of the target; false where it is absent after all.
    pub(super) fn convert(
        &mut self,
        message: &Message<'_>,
        slot: &Slot,
        convert: &Convert,
        element: Element<'_>,
        target: Target,
    ) -> Outcome<bool> {
        match convert {
            Convert::Copy => {
                if target.presence || !scalar::is_zero(&slot.kind, element.bytes()) {
                    self.put_raw(element, target);
                }
                Ok(true)
            }
            Convert::Message(table) => {
                if !element.is_message() {
                    return Err(wrong_wire(message, slot, element.start));
                }
                self.framed(target, element.end - element.start, |runner| {
                    runner.table(*table, element.input, element.start, element.end, message.depth)
                })?;
                Ok(true)
            }
            Convert::Any(hop) => {
                if !element.is_message() {
                    return Err(wrong_wire(message, slot, element.start));
                }
                self.framed(target, element.end - element.start, |runner| runner.any(message, *hop, element))?;
                Ok(true)
            }
            Convert::Scalar(scalar) => {
                let Some(datum) = scalar_of(message, slot, scalar, element)? else { return Ok(false) };
                if target.presence || !datum.is_zero() || scalar.writes_message() {
                    let buffer = self.scratch.output.buffer();
                    buffer.put_tag(target.number, scalar.write_wire());
                    scalar.write(&datum, buffer).map_err(|detail| inexpressible(&message.plan.words, &detail))?;
                }
                Ok(true)
            }
        }
    }

    /// Writes a message with its length, or as a group.
    pub(super) fn framed(
        &mut self,
        target: Target,
        expected: usize,
        content: impl FnOnce(&mut Self) -> Outcome<()>,
    ) -> Outcome<()> {
        if target.group {
            self.scratch.output.buffer().put_tag(target.number, GROUP);
            content(self)?;
            self.scratch.output.buffer().put_tag(target.number, GROUP_END);
            return Ok(());
        }
        let open = self.scratch.output.open(target.number, expected);
        content(self)?;
        self.scratch.output.close(open);
        Ok(())
    }

    /// The content of an `Any` follows its type.
    fn any(&mut self, message: &Message<'_>, hop: usize, element: Element<'_>) -> Outcome<()> {
        let Element { input, start, end, .. } = element;
        let fault = |fault: Unreadable| Failure::unreadable(fault, input, "google.protobuf.Any");
        let (mut url, mut value) = (start..start, start..start);
        let mut unknown = None;
        let mut at = start;
        while at < end {
            let field = wire::field(input.bytes, at, end, message.depth).map_err(fault)?;
            match (field.number, field.wire) {
                (1, LENGTH) => url = field.start..field.end,
                (2, LENGTH) => value = field.start..field.end,
                (1 | 2, _) => {
                    let what = "a wire type that is not the field's";
                    return Err(Failure::malformed(what, at, input, "google.protobuf.Any"));
                }
                (number, _) => unknown = Some(number),
            }
            at = field.next;
        }
        let text = String::from_utf8_lossy(&input.bytes[url.clone()]);
        let name = text.rsplit('/').next().unwrap_or_default();
        let program = self.program;
        let Some(packed) = program.types.get(hop).and_then(|types| types.get(name)) else {
            self.scratch.output.copy(input, start, end);
            return Ok(());
        };
        let table = match &packed.table {
            Ok(table) => *table,
            Err(why) => return Err(inexpressible(&message.plan.words, why)),
        };
        if let Some(number) = unknown.filter(|_| !message.leaves_unknown_out()) {
            let failure = inexpressible(&message.plan.words, "it stands beside a message that is rewritten");
            return Err(failure.within(&format!("#{number}")));
        }
        let mut renamed: Cow<'_, str> = text[..text.len() - name.len()].into();
        renamed.to_mut().push_str(&packed.target);
        let buffer = self.scratch.output.buffer();
        buffer.put_tag(1, LENGTH);
        buffer.put_varint(renamed.len() as u64);
        buffer.extend_from_slice(renamed.as_bytes());
        if value.is_empty() && matches!(program.tables[table].action, crate::rewrite::table::Action::Identity) {
            return Ok(());
        }
        let open = self.scratch.output.open(2, value.len());
        self.table(table, input, value.start, value.end, message.depth)?;
        self.scratch.output.close(open);
        Ok(())
    }
}

/// What a scalar comes to; nothing where it is absent after all.
pub(super) fn scalar_of<'a>(
    message: &Message<'_>,
    slot: &Slot,
    scalar: &Scalar,
    element: Element<'a>,
) -> Outcome<Option<Datum<'a>>> {
    if element.wire != scalar.read_wire() && !(scalar.reads_message() && element.is_message()) {
        return Err(wrong_wire(message, slot, element.start));
    }
    let parent = slot.field.parent_message().full_name();
    let datum = scalar.read(element.bytes()).map_err(|why| unread(message, why, element, parent))?;
    match scalar.convert(datum) {
        Ok(Converted::To(datum)) => Ok(Some(datum)),
        Ok(Converted::Settled) => Ok(None),
        Err(detail) => Err(inexpressible(&message.plan.words, &detail)),
    }
}

/// A value that cannot be read: it is malformed, or its form cannot say it.
#[cold]
pub(super) fn unread(message: &Message<'_>, why: Unread, element: Element<'_>, parent: &str) -> Failure {
    match why {
        Unread::Malformed(what) => Failure::malformed(what, element.start, element.input, parent),
        Unread::Refused { part, why } => {
            let failure = inexpressible(&message.plan.words, &why);
            part.iter().fold(failure, |failure, part| failure.within(part))
        }
    }
}

/// A value that the target cannot hold.
#[cold]
pub(super) fn inexpressible(words: &Words, detail: &str) -> Failure {
    Failure::refused(format!("{} cannot express what {} says here: {detail}", words.to, words.from))
}

/// The wire type that elements have, for those that may be packed.
fn read_wire(convert: &Convert) -> u8 {
    match convert {
        Convert::Scalar(scalar) => scalar.read_wire(),
        _ => LENGTH,
    }
}

fn read_wire_of(convert: &Convert, slot: &Slot) -> u8 {
    match convert {
        Convert::Copy => scalar::wire_of_kind(&slot.kind),
        convert => read_wire(convert),
    }
}

/// The values that one field of a repeated one holds: several where they are packed.
pub(super) struct Elements {
    /// The wire type of each.
    pub(super) wire: u8,
    packed: bool,
    done: bool,
    at: usize,
    end: usize,
}

impl Elements {
    /// Of a value with this wire type, where elements by themselves have the wire type `single`.
    pub(super) fn new(single: u8, wire: u8, start: usize, end: usize) -> Self {
        let packed = wire == LENGTH && single != LENGTH;
        Self { wire: if packed { single } else { wire }, packed, done: false, at: start, end }
    }

    pub(super) fn next(&mut self, bytes: &[u8]) -> Result<Option<(usize, usize)>, Unreadable> {
        if !self.packed {
            return Ok((!std::mem::replace(&mut self.done, true)).then_some((self.at, self.end)));
        }
        if self.at >= self.end {
            return Ok(None);
        }
        let start = self.at;
        self.at = match self.wire {
            wire::VARINT => wire::varint(bytes, start, self.end)?.1,
            wire::FIXED32 => start + 4,
            _ => start + 8,
        };
        if self.at > self.end {
            return Err(Unreadable { offset: start, what: "a number that ends behind its field", too_deep: false });
        }
        Ok(Some((start, self.at)))
    }
}
