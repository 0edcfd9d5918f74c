//! Messages of the target that are put together while the source is read: their fields come one after the other.

use super::seen::Seen;
use super::{Message, Runner};
use crate::rewrite::failure::{Failure, Outcome};
use crate::rewrite::output::Open;
use crate::rewrite::scalar;
use crate::rewrite::table::{NONE, Piece};
use crate::rewrite::wire::Field;

/// The message that is being put together.
#[derive(Debug)]
pub(super) struct Gathering {
    number: u32,
    open: Open,
}

impl Runner<'_> {
    /// Writes a field into the message of the target that it goes into.
    pub(super) fn gather(
        &mut self,
        message: &Message<'_>,
        piece: &Piece,
        tag: usize,
        field: &Field,
        seen: &mut Seen,
        gathering: &mut Option<Gathering>,
    ) -> Outcome<()> {
        if let Some(kind) = &piece.zero_of {
            if field.wire != scalar::wire_of_kind(kind) {
                return Err(Failure::Hasty);
            }
            // An explicit zero brings no message into being.
            if scalar::is_zero(kind, &message.input.bytes[field.start..field.end]) {
                return Ok(());
            }
        }
        if gathering.as_ref().is_none_or(|open| open.number != piece.into) {
            self.gathered(gathering);
            // Pieces of one message that do not follow each other have to be noted first.
            if seen.add(piece.guard) {
                return Err(Failure::Hasty);
            }
            let open = self.scratch.output.open(piece.into, field.end - field.start);
            *gathering = Some(Gathering { number: piece.into, open });
        }
        self.act(message, piece.act, NONE, tag, field, seen)
    }

    /// Ends the message that was being put together, if there is one.
    pub(super) fn gathered(&mut self, gathering: &mut Option<Gathering>) {
        if let Some(done) = gathering.take() {
            self.scratch.output.close(done.open);
        }
    }
}
