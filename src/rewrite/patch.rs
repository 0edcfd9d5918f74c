//! Messages that keep their length: the bytes are copied once, and tags are written over where they change.
//!
//! That is so where nothing but numbers changes, and each new tag has as many bytes as the old one, in all messages that
//! may lie in the message. Then lengths stay, too, and all that is left to do is to find the tags. What the other ways look
//! out for needs no look here:
//!
//! - What comes of a field depends on nothing else in its message. So a singular message that comes in two pieces becomes
//!   two pieces of what the whole would have become, and no guards are needed.
//! - Nothing is written that did not come, and nothing is left out.
//!
//! Tags that the source does not declare pass or are left to the other ways, as are wire types that are not the field's.

use bytes::Bytes;

use super::Limits;
use super::swift::{Op, Swift, What, Zeros};
use super::table::Passing;
use super::wire;

/// The tables of a program; nothing for those that are not for this.
pub(super) type Patches = Vec<Option<Patch>>;

/// What becomes of the tags of a message.
#[derive(Debug)]
pub(super) struct Patch {
    one: Box<[Over; 128]>,
    two: Vec<Over>,
    unknown: Passing,
}

/// What is written over a tag.
#[derive(Clone, Copy, Debug)]
struct Over {
    follows: Follows,
    tag: [u8; 2],
    /// Of a message.
    table: u32,
}

/// What follows a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follows {
    /// The source does not declare it.
    Unknown,
    /// It is not for this.
    Stop,
    Varint,
    Fixed32,
    Fixed64,
    Length,
    Message,
}

impl Over {
    const UNKNOWN: Self = Self { follows: Follows::Unknown, tag: [0; 2], table: 0 };
}

/// The message is left to the other ways.
struct Stop;

/// The least tag of three bytes.
const LONG: u32 = 1 << 14;

/// From this length on fields are shared, and messages looked through for such.
const LARGE: usize = 4096;
/// So many fields are looked at before a message is copied: one with a large field has few others, mostly.
const MOST_LOOKED_AT: usize = 16;
/// Messages within messages; those that are deeper go other ways.
const DEEPEST: usize = 16;

/// The table for what a swift one does, where that is for this. Whether the messages within are is for [`settle`].
pub(super) fn patch(swift: &Swift) -> Option<Patch> {
    if !(swift.absents.is_empty() && swift.pieces.is_empty() && swift.nodes.is_empty()) {
        return None;
    }
    // Fields with one guard push each other out.
    let mut guards = 0;
    for (_, op) in swift.all() {
        if guards & op.guard != 0 {
            return None;
        }
        guards |= op.guard;
    }
    let unknown = swift.unknown.clone()?;
    let mut patch = Patch { one: Box::new([Over::UNKNOWN; 128]), two: Vec::new(), unknown };
    for (tag, op) in swift.all() {
        let over = match op.what {
            What::Unknown => continue,
            // Tags that are too long for this do not come.
            What::Stop if tag >= LONG => return None,
            What::Stop => Over { follows: Follows::Stop, ..Over::UNKNOWN },
            _ => over(tag, op)?,
        };
        if tag < 128 {
            patch.one[tag as usize] = over;
        } else {
            let index = tag as usize - 128;
            patch.two.resize(patch.two.len().max(index + 1), Over::UNKNOWN);
            patch.two[index] = over;
        }
    }
    Some(patch)
}

/// Takes out the tables of messages that may hold others that are not for this.
pub(super) fn settle(patches: &mut Patches) {
    loop {
        let holds = |patch: &Patch| {
            let messages = patch.one.iter().chain(&patch.two).filter(|over| over.follows == Follows::Message);
            messages.map(|over| over.table as usize).all(|table| patches.get(table).is_some_and(Option::is_some))
        };
        let broken: Vec<usize> =
            (0..patches.len()).filter(|index| patches[*index].as_ref().is_some_and(|patch| !holds(patch))).collect();
        if broken.is_empty() {
            return;
        }
        for index in broken {
            patches[index] = None;
        }
    }
}

/// Nothing where the tag gets longer or shorter, or anything but the tag changes.
fn over(tag: u32, op: &Op) -> Option<Over> {
    let length = wire::varint_length(tag.into());
    let bytes = [tag, tag >> 7].map(|seven| (seven & 0x7f) as u8);
    let own = if length == 1 { bytes } else { [bytes[0] | 0x80, bytes[1]] };
    let [first, second, ..] = op.tag.to_le_bytes();
    let (follows, keeps) = match op.what {
        What::KeepVarint => (Follows::Varint, true),
        What::KeepFixed32 => (Follows::Fixed32, true),
        What::KeepFixed64 => (Follows::Fixed64, true),
        What::KeepLength => (Follows::Length, true),
        What::Varint => (Follows::Varint, false),
        What::Fixed32 => (Follows::Fixed32, false),
        What::Fixed64 => (Follows::Fixed64, false),
        What::Length => (Follows::Length, false),
        What::Message => (Follows::Message, false),
        _ => return None,
    };
    // A message that has its guard for itself may come in pieces, as was said above.
    let is_guarded = op.guard != 0 && follows != Follows::Message;
    if length > 2 || is_guarded || op.zero != Zeros::default() || !keeps && usize::from(op.tag_length) != length {
        return None;
    }
    Some(Over { follows, tag: if keeps { own } else { [first, second] }, table: op.index })
}

/// Rewrites a message by the table at `root`; nothing where that is for the other ways.
pub(super) fn run(patches: &Patches, root: usize, message: &Bytes, limits: &Limits) -> Option<Bytes> {
    let table = patches.get(root)?.as_ref()?;
    let is_large = || has_large(patches, table, message, (0, message.len()), &mut { MOST_LOOKED_AT });
    if message.len() > limits.output || message.len() >= LARGE && is_large()? {
        return None;
    }
    let mut bytes = message.to_vec();
    over_tags(patches, table, &mut bytes, limits.depth).ok()?;
    Some(bytes.into())
}

/// Writes over the tags of a message, and of those in it.
fn over_tags<'t>(patches: &'t Patches, root: &'t Patch, bytes: &mut [u8], depth: usize) -> Result<(), Stop> {
    let depth = depth.min(DEEPEST).checked_sub(1).ok_or(Stop)?;
    // The messages around the one that is gone through, and where they end.
    let mut around = [(root, 0); DEEPEST];
    let mut deep = 0;
    let (mut table, mut at, mut end) = (root, 0, bytes.len());
    loop {
        if at >= end {
            // Whether the fields end where the message does is looked at here, behind the last of them.
            if at > end {
                return Err(Stop);
            }
            let Some(index) = usize::checked_sub(deep, 1) else { return Ok(()) };
            (deep, (table, end)) = (index, around[index % DEEPEST]);
            continue;
        }
        let Some(first) = bytes.get_mut(at) else { return Err(Stop) };
        let mut value = at + 1;
        let mut over = &table.one[usize::from(*first & 0x7f)];
        if *first < 0x80 {
            // Where it is for the other ways, nobody reads this.
            *first = if over.follows == Follows::Unknown { *first } else { over.tag[0] };
        } else {
            value = at + 2;
            let Some([first, second]) = bytes.get_mut(at..value) else { return Err(Stop) };
            over = table.two(*first, *second);
            if over.follows != Follows::Unknown {
                [*first, *second] = over.tag;
            }
        }
        at = match over.follows {
            Follows::Length => {
                let (start, length) = length_at(bytes, value)?;
                if length >= LARGE {
                    return Err(Stop);
                }
                start + length
            }
            Follows::Varint => varint_end(bytes, value)?,
            Follows::Fixed32 => value + 4,
            Follows::Fixed64 => value + 8,
            Follows::Message => {
                let (start, length) = length_at(bytes, value)?;
                if deep >= depth {
                    return Err(Stop);
                }
                around[deep % DEEPEST] = (table, end);
                deep += 1;
                table = patches.get(over.table as usize).and_then(Option::as_ref).ok_or(Stop)?;
                end = start + length;
                start
            }
            Follows::Unknown => unknown(table, bytes, at, end, depth - deep)?,
            Follows::Stop => return Err(Stop),
        };
    }
}

impl Patch {
    /// What is written over a tag of two bytes, the first of which says that another one follows.
    #[inline]
    fn two(&self, first: u8, second: u8) -> &Over {
        let index = (usize::from(first & 0x7f) | usize::from(second) << 7).wrapping_sub(128);
        self.two.get(index).filter(|_| second < 0x80).unwrap_or(const { &Over::UNKNOWN })
    }
}

/// Where the field at `at` ends, which the source does not declare and which passes.
#[cold]
#[inline(never)]
fn unknown(table: &Patch, bytes: &[u8], at: usize, end: usize, depth: usize) -> Result<usize, Stop> {
    let field = wire::field(bytes, at, end, depth).map_err(|_| Stop)?;
    // A tag may be longer than it has to be: then it was not looked up.
    let is_declared = wire::varint_length(u64::from(field.number) << 3) != field.value - at;
    let passes = !table.unknown.is_taken(field.number) && !table.unknown.is_late(field.number);
    if passes && !is_declared { Ok(field.next) } else { Err(Stop) }
}

/// Where the varint at `at` ends.
#[inline(always)]
#[expect(clippy::inline_always, reason = "most have a few bytes")]
fn varint_end(bytes: &[u8], at: usize) -> Result<usize, Stop> {
    wire::skip_varint(bytes, at, bytes.len()).map_err(|_| Stop)
}

/// The length at `at`, after where it ends.
#[inline(always)]
#[expect(clippy::inline_always, reason = "most have one byte")]
fn length_at(bytes: &[u8], at: usize) -> Result<(usize, usize), Stop> {
    match bytes.get(at) {
        Some(byte) if *byte < 0x80 => Ok((at + 1, usize::from(*byte))),
        _ => {
            let (length, start) = wire::varint(bytes, at, bytes.len()).map_err(|_| Stop)?;
            let length = usize::try_from(length).ok().filter(|length| *length <= bytes.len() - start);
            Ok((start, length.ok_or(Stop)?))
        }
    }
}

/// Whether one of the first fields between `start` and `end` is shared, not copied; nothing where it cannot be read.
fn has_large(
    patches: &Patches,
    table: &Patch,
    bytes: &[u8],
    (start, end): (usize, usize),
    left: &mut usize,
) -> Option<bool> {
    let mut at = start;
    while at < end && *left > 0 {
        *left -= 1;
        let field = wire::field(bytes, at, end, 0).ok()?;
        at = field.next;
        if field.end - field.start < LARGE {
            continue;
        }
        let tag = field.number << 3 | u32::from(wire::LENGTH);
        let over = match tag {
            0..128 => Some(&table.one[tag as usize]),
            _ => table.two.get(tag as usize - 128),
        };
        let inner = over.filter(|over| over.follows == Follows::Message);
        match inner.and_then(|over| patches.get(over.table as usize)?.as_ref()) {
            Some(inner) if !has_large(patches, inner, bytes, (field.start, field.end), left)? => {}
            _ => return Some(true),
        }
    }
    Some(false)
}
