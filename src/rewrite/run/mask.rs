//! Field masks.

use std::collections::HashSet;

use super::carry::Element;
use super::decide::{named, wrong_wire};
use super::{Message, Runner};
use crate::protocol::mask::translate_among;
use crate::protocol::plan::{Plans, Use};
use crate::rewrite::failure::{Failure, Outcome};
use crate::rewrite::table::{Carried, Target};
use crate::rewrite::wire::{self, LENGTH};

/// The number of `paths`.
const PATHS: u32 = 1;

impl Runner<'_> {
    /// The paths of a mask follow the fields of the message that they speak of.
    pub(super) fn mask(
        &mut self,
        message: &Message<'_>,
        carried: &Carried,
        (plans, used): (&Plans, Use),
        (source, target): (&str, &str),
    ) -> Outcome<bool> {
        let slot = &message.plan.slots[carried.slot];
        let Some(first) = self.scratch.notes.first(message.frame, carried.slot) else { return Ok(false) };
        let mut merged = Vec::new();
        let element = self.merged(message, slot, first, &mut merged)?;
        if !element.is_message() {
            return Err(wrong_wire(message, slot, first.tag));
        }
        let malformed = |what, at| Err(Failure::malformed(what, at, element.input, "google.protobuf.FieldMask"));
        let mask = all_paths(message, element)?;
        let mut written: HashSet<String> = HashSet::new();
        let frame = Target { group: carried.target.group, ..Target::message(carried.target.number) };
        self.framed(frame, element.end - element.start, |runner| {
            let input = element.input;
            let mut at = element.start;
            while at < element.end {
                let field = wire::field(input.bytes, at, element.end, message.depth)
                    .map_err(|fault| Failure::unreadable(fault, input, "google.protobuf.FieldMask"))?;
                if field.number != PATHS {
                    runner.scratch.output.copy(input, at, field.next);
                    at = field.next;
                    continue;
                }
                if field.wire != LENGTH {
                    return malformed("a wire type that is not the field's", at);
                }
                let Ok(path) = std::str::from_utf8(&input.bytes[field.start..field.end]) else {
                    return malformed("a string that is no UTF-8", at);
                };
                let paths = translate_among(plans, used, source, target, path, &|path| mask.contains(path))
                    .map_err(|error| named(Failure::refused(error.to_string()).within("paths"), slot))?;
                for path in paths {
                    if !written.insert(path.clone()) {
                        continue;
                    }
                    let buffer = runner.scratch.output.buffer();
                    buffer.put_tag(PATHS, LENGTH);
                    buffer.put_varint(path.len() as u64);
                    buffer.extend_from_slice(path.as_bytes());
                }
                // One path may become many.
                runner.fits()?;
                at = field.next;
            }
            Ok(())
        })?;
        Ok(true)
    }
}

/// The paths of a mask; those that are none are told when they are translated.
fn all_paths<'a>(message: &Message<'_>, element: Element<'a>) -> Outcome<HashSet<&'a str>> {
    let Element { input, start, end, .. } = element;
    let mut paths = HashSet::new();
    let mut at = start;
    while at < end {
        let field = wire::field(input.bytes, at, end, message.depth)
            .map_err(|fault| Failure::unreadable(fault, input, "google.protobuf.FieldMask"))?;
        if field.number == PATHS && field.wire == LENGTH {
            paths.extend(std::str::from_utf8(&input.bytes[field.start..field.end]));
        }
        at = field.next;
    }
    Ok(paths)
}
