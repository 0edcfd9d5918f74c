//! Where fields lie that are written only when their message has been read.

/// No note.
const NOTHING: usize = usize::MAX;
/// Up to this many notes the memory is kept for the next message.
const KEPT_UP_TO: usize = 1 << 12;

/// Notes of all messages that are being rewritten, those inside behind those around them.
#[derive(Debug, Default)]
pub(super) struct Notes {
    slots: Vec<Noted>,
    notes: Vec<Note>,
}

/// The notes of a field.
#[derive(Clone, Copy, Debug)]
struct Noted {
    first: usize,
    last: usize,
}

/// Where a field lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Note {
    pub(super) number: u32,
    pub(super) wire: u8,
    /// Where its tag starts.
    pub(super) tag: usize,
    /// Its value.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Where the next field starts.
    pub(super) next: usize,
    after: usize,
}

/// The notes of one message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    slots: usize,
    notes: usize,
}

impl Notes {
    pub(super) fn enter(&mut self, slots: usize) -> Frame {
        let frame = Frame { slots: self.slots.len(), notes: self.notes.len() };
        self.slots.resize(frame.slots + slots, Noted { first: NOTHING, last: NOTHING });
        frame
    }

    pub(super) fn leave(&mut self, frame: Frame) {
        self.slots.truncate(frame.slots);
        self.notes.truncate(frame.notes);
    }

    pub(super) fn clear(&mut self) {
        let is_small = self.slots.capacity().max(self.notes.capacity()) <= KEPT_UP_TO;
        if self.slots.is_empty() && self.notes.is_empty() && is_small {
            return;
        }
        self.slots.clear();
        self.notes.clear();
        self.slots.shrink_to(KEPT_UP_TO);
        self.notes.shrink_to(KEPT_UP_TO);
    }

    /// Adds a note to a slot.
    pub(super) fn add(&mut self, frame: Frame, slot: usize, field: &crate::rewrite::wire::Field, tag: usize) {
        let index = self.notes.len();
        self.notes.push(Note {
            number: field.number,
            wire: field.wire,
            tag,
            start: field.start,
            end: field.end,
            next: field.next,
            after: NOTHING,
        });
        let noted = &mut self.slots[frame.slots + slot];
        let last = std::mem::replace(&mut noted.last, index);
        if last == NOTHING {
            noted.first = index;
        } else {
            self.notes[last].after = index;
        }
    }

    /// Forgets what was noted in a range of slots.
    pub(super) fn forget(&mut self, frame: Frame, slots: std::ops::Range<usize>) {
        for noted in &mut self.slots[frame.slots + slots.start..frame.slots + slots.end] {
            *noted = Noted { first: NOTHING, last: NOTHING };
        }
    }

    /// The first note of a slot, and where to find the next one.
    pub(super) fn first(&self, frame: Frame, slot: usize) -> Option<Note> {
        self.notes.get(self.slots[frame.slots + slot].first).copied()
    }

    pub(super) fn last(&self, frame: Frame, slot: usize) -> Option<Note> {
        self.notes.get(self.slots[frame.slots + slot].last).copied()
    }

    pub(super) fn after(&self, note: &Note) -> Option<Note> {
        self.notes.get(note.after).copied()
    }
}
