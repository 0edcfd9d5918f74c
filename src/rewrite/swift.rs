//! What plans of the usual kind are compiled to: what becomes of a field is found by its tag alone.
//!
//! The *swift* way is a third one beside the hasty and the careful one (see [`table`](super::table)), for messages of
//! which nothing has to be noted. It may leave out what those do for these reasons:
//!
//! - A tag says number and wire type at once, so a wire type that is not the field's is found by there being no [`Op`] for
//!   the tag. Such a message is left to the careful way, which says what is wrong with it.
//! - Fields are written as they come. Where that could come out otherwise than at the end of the message (a singular field
//!   twice, two arms of a oneof) the op has a guard, a bit, and a message in which it meets it again is left to the careful
//!   way, too.
//! - Messages are taken apart only where every field of theirs goes somewhere. Then nothing of such a message is lost as
//!   long as something in it is set; one that is empty, or holds an explicit zero, is left to the careful way.
//!
//! Tables that need more than that have no swift way; messages of theirs within swift ones go the hasty way.

use rustc_hash::FxHashMap;

use super::scalar::{Quick, Scalar};
use super::table::Passing;

/// One table.
#[derive(Debug)]
pub(super) struct Swift {
    /// By tags of one byte: numbers up to 15.
    one: Box<[Op; 128]>,
    /// By tags of two bytes, from the least of them on.
    two: Vec<Op>,
    /// By longer tags.
    wide: FxHashMap<u32, Op>,
    /// What the message itself does not declare; nothing for one that is taken apart.
    pub(super) unknown: Option<Passing>,
    /// What is written at the end unless one of these guards was met; nothing where that refuses.
    pub(super) absents: Vec<(u64, Option<Vec<u8>>)>,
    /// Messages of the target that are put together as their fields come by.
    pub(super) pieces: Vec<Whole>,
    /// Messages that are taken apart.
    pub(super) nodes: Vec<Self>,
    pub(super) numbers: Vec<Quick>,
    pub(super) scalars: Vec<Scalar>,
}

/// A message of the target that is put together as its fields come by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole {
    /// Its tag.
    pub(super) op: Op,
    pub(super) guard: u64,
}

/// What is done with a field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op {
    pub(super) what: What,
    /// What there is to look at before.
    pub(super) looks: Looks,
    pub(super) zero: Zeros,
    /// How many bytes the new tag has.
    pub(super) tag_length: u8,
    /// The new tag, as it is written.
    pub(super) tag: u32,
    /// Which table, number, … it is.
    pub(super) index: u32,
    /// One more than the index of the message that it goes into; 0 for none.
    pub(super) piece: u32,
    /// The bit that must not have been met before, or 0.
    pub(super) guard: u64,
}

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The source does not declare it.
    Unknown,
    /// The message is left to the careful way.
    Stop,
    /// It is left out.
    Drop,
    /// It stays as it is, by its wire type.
    KeepVarint,
    KeepFixed32,
    KeepFixed64,
    KeepLength,
    /// It gets another tag, by its wire type.
    Varint,
    Fixed32,
    Fixed64,
    Length,
    /// A message by its table, which is swift.
    Message,
    /// A message by a table that is not.
    Table,
    /// A message whose fields go into this one.
    Node,
    /// A varint that becomes another number, by [`Quick`].
    Number,
    /// A `double` that becomes a `float`.
    ToSingle,
    /// A `float` that becomes a `double`.
    ToDouble,
    /// Text or bytes that have to be UTF-8.
    Text,
    /// Any other scalar.
    Scalar,
    /// Scalars of a repeated field, one by one or packed.
    Scalars,
    PackedScalars,
}

/// What an explicit zero means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is looked at by itself")]
pub(super) struct Zeros {
    /// The message is left to the careful way.
    pub(super) stops: bool,
    /// The field is left out.
    pub(super) skips: bool,
    /// The source counts as absent, as if the field had not come.
    pub(super) of_source: bool,
    /// The target counts as absent.
    pub(super) of_target: bool,
}

/// What there is to look at before anything is done with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Looks(u8);

impl Looks {
    const NOTHING: Self = Self(0);

    pub(super) fn new(guard: bool, zero: bool, piece: bool) -> Self {
        Self(u8::from(guard) | u8::from(zero) << 1 | u8::from(piece) << 2)
    }

    #[inline]
    pub(super) fn at_anything(self) -> bool {
        self.0 != 0
    }

    /// At its guard.
    #[inline]
    pub(super) fn at_guard(self) -> bool {
        self.0 & 1 != 0
    }

    /// Whether it is zero.
    #[inline]
    pub(super) fn at_zero(self) -> bool {
        self.0 & 2 != 0
    }

    /// At the message that is being put together.
    #[inline]
    pub(super) fn at_piece(self) -> bool {
        self.0 & 4 != 0
    }
}

impl Op {
    const UNKNOWN: Self = Self::of(What::Unknown);

    pub(super) const fn of(what: What) -> Self {
        let zero = Zeros { stops: false, skips: false, of_source: false, of_target: false };
        Self { what, looks: Looks::NOTHING, zero, tag_length: 0, tag: 0, index: 0, piece: 0, guard: 0 }
    }
}

/// The least tag of two bytes.
const TWO: u32 = 128;
/// Tags below this one are looked up in an array: numbers up to 255.
const DENSE: u32 = 2048;

impl Default for Swift {
    fn default() -> Self {
        Self {
            one: Box::new([Op::UNKNOWN; 128]),
            two: Vec::new(),
            wide: FxHashMap::default(),
            unknown: None,
            absents: Vec::new(),
            pieces: Vec::new(),
            nodes: Vec::new(),
            numbers: Vec::new(),
            scalars: Vec::new(),
        }
    }
}

impl Swift {
    /// Says what becomes of a number with a wire type.
    pub(super) fn set(&mut self, number: u32, wire: u8, op: Op) {
        let tag = number << 3 | u32::from(wire);
        if tag < TWO {
            self.one[tag as usize] = op;
        } else if tag < DENSE {
            let index = (tag - TWO) as usize;
            self.two.resize(self.two.len().max(index + 1), Op::UNKNOWN);
            self.two[index] = op;
        } else {
            self.wide.insert(tag, op);
        }
    }

    /// What becomes of a tag that is its only byte.
    #[inline]
    pub(super) fn op_of_byte(&self, byte: u8) -> &Op {
        &self.one[usize::from(byte & 0x7f)]
    }

    /// What becomes of a tag of several bytes.
    #[inline]
    pub(super) fn op(&self, tag: u32) -> &Op {
        match self.two.get(tag.wrapping_sub(TWO) as usize) {
            Some(op) => op,
            None => self.wide.get(&tag).unwrap_or(const { &Op::UNKNOWN }),
        }
    }

    /// All tags of which something is said.
    pub(super) fn all(&self) -> impl Iterator<Item = (u32, &Op)> {
        let one = (0..).zip(self.one.iter());
        let two = (TWO..).zip(&self.two);
        one.chain(two).chain(self.wide.iter().map(|(tag, op)| (*tag, op)))
    }

    /// All ops, to go over them once more.
    pub(super) fn ops(&mut self) -> impl Iterator<Item = &mut Op> {
        self.one.iter_mut().chain(&mut self.two).chain(self.wide.values_mut())
    }
}
