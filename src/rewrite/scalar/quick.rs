//! Conversions of integers that most messages need, in 64 bits and without memory.
//!
//! A quick conversion never refuses: where a value is unusual (out of range, not in a table) it gives nothing back, and the
//! general one decides.

mod fold;

use prost_reflect::Kind;

use super::form::fit_range;
use crate::protocol::plan::{Cell, Change, Form, Table};
use crate::rewrite::buffer::Buffer;
use crate::rewrite::wire;

/// The most numbers from the least to the greatest of a table that is looked up in an array.
const SPAN: i64 = 1024;
/// In a second.
const NANOSECONDS: i64 = 1_000_000_000;

/// A conversion from a varint.
#[derive(Clone, Debug)]
pub(in crate::rewrite) struct Quick {
    read: Read,
    changes: Changes,
    write: Write,
}

/// How a varint is read.
#[derive(Clone, Copy, Debug)]
enum Read {
    Signed32,
    Signed64,
    Unsigned32,
    Unsigned64,
    ZigZag32,
    ZigZag64,
    Bool,
}

#[derive(Clone, Debug)]
enum Changes {
    /// Of a number that must lie between `least` and `most`: then it can be multiplied.
    Linear {
        least: i64,
        most: i64,
        factor: i64,
    },
    Steps(Vec<Step>),
}

#[derive(Clone, Debug)]
enum Step {
    Within { least: i64, most: i64 },
    Scale { numerator: i64, denominator: i64 },
    Look { first: i64, numbers: Vec<Option<i64>> },
    NotZero,
    Settle,
}

#[derive(Clone, Copy, Debug)]
enum Write {
    Varint,
    ZigZag,
    Decimal,
    Timestamp,
}

/// What a number came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rewrite) enum Quickly {
    To(i64),
    /// As [`Converted::Settled`](super::Converted::Settled).
    Settled,
}

impl Quick {
    /// Nothing where the conversion is none of these.
    pub(super) fn new(read: &Form, changes: &[Change], write: &Form) -> Option<Self> {
        let Form::Plain(kind) = read else { return None };
        let read = match kind {
            Kind::Int32 | Kind::Enum(_) => Read::Signed32,
            Kind::Int64 => Read::Signed64,
            Kind::Uint32 => Read::Unsigned32,
            Kind::Uint64 => Read::Unsigned64,
            Kind::Sint32 => Read::ZigZag32,
            Kind::Sint64 => Read::ZigZag64,
            Kind::Bool => Read::Bool,
            _ => return None,
        };
        let changes = without_texts_between(changes);
        let (changes, write, fits) = match (&changes[..], write) {
            ([changes @ .., Change::FormatInteger], Form::Plain(Kind::String)) => (changes, Write::Decimal, None),
            (changes, Form::Timestamp) => (changes, Write::Timestamp, None),
            (changes, Form::Plain(kind)) => (changes, Write::of(kind)?, Some(range(kind)?)),
            _ => return None,
        };
        let mut steps = changes.iter().map(Step::new).collect::<Option<Vec<_>>>()?;
        steps.extend(fits.map(|(least, most)| Step::Within { least, most }));
        Some(Self { read, changes: Changes::new(fold::folded(steps, range(kind)?)), write })
    }

    /// The value of a varint; nothing where it is larger than a signed number can be.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the upper bits of 32-bit types do not count on the wire")]
    pub(in crate::rewrite) fn read(&self, raw: u64) -> Option<i64> {
        Some(match self.read {
            Read::Signed32 => i64::from(raw as i32),
            Read::Signed64 => raw.cast_signed(),
            Read::Unsigned32 => i64::from(raw as u32),
            Read::Unsigned64 => i64::try_from(raw).ok()?,
            Read::ZigZag32 => unzigzag(u64::from(raw as u32)),
            Read::ZigZag64 => unzigzag(raw),
            Read::Bool => i64::from(raw != 0),
        })
    }

    /// What a value comes to; nothing where that has to be found out with more care.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "most have no steps")]
    pub(in crate::rewrite) fn convert(&self, value: i64) -> Option<Quickly> {
        match &self.changes {
            Changes::Linear { least, most, factor } => {
                let fits = (*least..=*most).contains(&value);
                fits.then(|| Quickly::To(value.wrapping_mul(*factor)))
            }
            Changes::Steps(steps) => Self::take(steps, value),
        }
    }

    fn take(steps: &[Step], mut value: i64) -> Option<Quickly> {
        for step in steps {
            value = match step {
                Step::Within { least, most } if (*least..=*most).contains(&value) => value,
                Step::NotZero if value != 0 => value,
                Step::Settle if value == 0 => return Some(Quickly::Settled),
                Step::Settle => value,
                Step::Scale { numerator, denominator } => {
                    let product = value.checked_mul(*numerator)?;
                    match denominator {
                        1 => product,
                        // How it rounds is for the general conversion.
                        denominator if product % denominator == 0 => product / denominator,
                        _ => return None,
                    }
                }
                Step::Look { first, numbers } => {
                    let index = usize::try_from(value.checked_sub(*first)?).ok()?;
                    (*numbers.get(index)?)?
                }
                Step::Within { .. } | Step::NotZero => return None,
            };
        }
        Some(Quickly::To(value))
    }

    /// Writes a value that was converted.
    #[inline]
    pub(in crate::rewrite) fn write(&self, value: i64, buffer: &mut Buffer) {
        let mut room = [0; ROOM];
        let end = self.write_at(value, &mut room, 0);
        buffer.copy(&room, 0, end);
    }

    /// Writes a value that was converted, at `at`, below which there are at most four bytes. Gives back where it ends.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "most are varints")]
    pub(in crate::rewrite) fn write_at(&self, value: i64, room: &mut [u8; ROOM], at: usize) -> usize {
        match self.write {
            Write::Varint => put_varint(value.cast_unsigned(), room, at),
            Write::ZigZag => put_varint((value << 1 ^ value >> 63).cast_unsigned(), room, at),
            Write::Decimal => put_decimal(value, room, at),
            Write::Timestamp => put_timestamp(value, room, at),
        }
    }
}

impl Changes {
    fn new(steps: Vec<Step>) -> Self {
        let (least, most, factor) = match steps[..] {
            [] => (i64::MIN, i64::MAX, 1),
            [Step::Within { least, most }] => (least, most, 1),
            [Step::Scale { numerator, denominator: 1 }] => (i64::MIN, i64::MAX, numerator),
            [Step::Within { least, most }, Step::Scale { numerator, denominator: 1 }] => (least, most, numerator),
            _ => return Self::Steps(steps),
        };
        if factor < 1 {
            return Self::Steps(steps);
        }
        // What is within these cannot overflow.
        Self::Linear { least: least.max(i64::MIN / factor), most: most.min(i64::MAX / factor), factor }
    }
}

impl Write {
    fn of(kind: &Kind) -> Option<Self> {
        match kind {
            Kind::Bool | Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 | Kind::Enum(_) => Some(Self::Varint),
            Kind::Sint32 | Kind::Sint64 => Some(Self::ZigZag),
            _ => None,
        }
    }
}

impl Step {
    fn new(change: &Change) -> Option<Self> {
        Some(match change {
            Change::Fit(kind) => {
                let (least, most) = range(kind)?;
                Self::Within { least, most }
            }
            Change::Within { least, most } => Self::Within { least: clamp(*least), most: clamp(*most) },
            Change::Scale { numerator, denominator, .. } => {
                Self::Scale { numerator: *numerator, denominator: *denominator }
            }
            Change::Table(table) => Self::look(table)?,
            Change::NotZero => Self::NotZero,
            Change::Settle => Self::Settle,
            _ => return None,
        })
    }

    /// A table of numbers, as an array.
    fn look(table: &Table) -> Option<Self> {
        let pairs = table.entries.iter().map(|(from, to)| match (from, to) {
            (Cell::Number(from), Cell::Number(to)) => Some((*from, *to)),
            _ => None,
        });
        let pairs: Vec<(i64, i64)> = pairs.collect::<Option<_>>()?;
        let first = pairs.iter().map(|(from, _)| *from).min()?;
        let last = pairs.iter().map(|(from, _)| *from).max()?;
        let span = last.checked_sub(first).filter(|span| *span < SPAN)?;
        let mut numbers = vec![None; usize::try_from(span).ok()? + 1];
        // The first entry for a value counts, as in a search from the front.
        for (from, to) in pairs.iter().rev() {
            *numbers.get_mut(usize::try_from(from - first).ok()?)? = Some(*to);
        }
        Some(Self::Look { first, numbers })
    }
}

/// What a type can hold, as far as it is within 64 bits with a sign.
fn range(kind: &Kind) -> Option<(i64, i64)> {
    fit_range(kind).map(|(least, most)| (clamp(least), clamp(most)))
}

fn clamp(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

/// `ZigZag`, undone.
#[inline]
fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// Room for a tag and the longest of these values.
pub(in crate::rewrite) const ROOM: usize = 32;

/// Changes without those to decimal text that is read again at once: the same number. Such a text is never empty.
fn without_texts_between(changes: &[Change]) -> Vec<Change> {
    let mut fewer: Vec<Change> = Vec::new();
    for change in changes {
        let is_again = matches!(change, Change::ParseInteger);
        let of_text = |change: &Change| matches!(change, Change::Settle | Change::NotZero);
        match fewer.iter().rposition(|change| !of_text(change)) {
            Some(index) if is_again && matches!(fewer[index], Change::FormatInteger) => fewer.truncate(index),
            _ => fewer.push(change.clone()),
        }
    }
    fewer
}

/// A number as a varint. Eight bytes are written at once; what is too much is written over by what follows.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "low bits of a varint, or a length that was looked at before")]
fn put_varint(value: u64, room: &mut [u8; ROOM], at: usize) -> usize {
    if value < 0x80 {
        room[at % ROOM] = value as u8;
        return at + 1;
    }
    if value >= 1 << 56 {
        return put_long_varint(value, room, at);
    }
    // Taken apart by fours, by twos, and each by seven bits.
    let fours = value & 0x0fff_ffff | (value & 0x00ff_ffff_f000_0000) << 4;
    let twos = fours & 0x0000_3fff_0000_3fff | (fours & 0x0fff_c000_0fff_c000) << 2;
    let sevens = twos & 0x007f_007f_007f_007f | (twos & 0x3f80_3f80_3f80_3f80) << 1;
    let length = wire::varint_length(value);
    // The highest bit of a byte says that another one follows.
    let more = 0x8080_8080_8080_8080 & ((1 << (8 * (length - 1))) - 1);
    // The room is for a tag of four bytes and the longest value, and eight bytes behind it.
    if let Some(bytes) = room.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *bytes = (sevens | more).to_le_bytes();
    }
    at + length
}

#[cold]
#[expect(clippy::cast_possible_truncation, reason = "low bits of a varint, or a length that was looked at before")]
fn put_long_varint(mut value: u64, room: &mut [u8; ROOM], mut at: usize) -> usize {
    while value >= 0x80 {
        room[at % ROOM] = (value & 0x7f) as u8 | 0x80;
        value >>= 7;
        at += 1;
    }
    room[at % ROOM] = value as u8;
    at + 1
}

/// A number as decimal text, with its length.
#[inline(never)]
#[expect(clippy::cast_possible_truncation, reason = "low bits of a varint, or a length that was looked at before")]
fn put_decimal(value: i64, room: &mut [u8; ROOM], start: usize) -> usize {
    let mut rest = value.unsigned_abs();
    // The longest is that of -9223372036854775808: 20 bytes.
    let digits = rest.checked_ilog10().map_or(1, |log| log as usize + 1);
    let is_negative = value < 0;
    let length = digits + usize::from(is_negative);
    room[start % ROOM] = length as u8;
    // Written over by the first digit where there is no sign.
    room[(start + 1) % ROOM] = b'-';
    let end = start + 1 + length;
    let mut at = end;
    for _ in 0..digits {
        at -= 1;
        room[at % ROOM] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    end
}

/// Nanoseconds since 1970 as a timestamp, with its length. All that fit into 64 bits lie in its range.
#[inline(never)]
#[expect(clippy::cast_possible_truncation, reason = "low bits of a varint, or a length that was looked at before")]
fn put_timestamp(nanoseconds: i64, room: &mut [u8; ROOM], start: usize) -> usize {
    let seconds = nanoseconds.div_euclid(NANOSECONDS).cast_unsigned();
    let nanos = nanoseconds.rem_euclid(NANOSECONDS).cast_unsigned();
    let mut at = start + 1;
    for (tag, part) in [(0x08, seconds), (0x10, nanos)] {
        if part != 0 {
            room[at % ROOM] = tag;
            at = put_varint(part, room, at + 1);
        }
    }
    // At most 17.
    room[start % ROOM] = (at - start - 1) as u8;
    at
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Converted, Scalar};
    use super::*;
    use crate::protocol::plan::{Rounding, ScalarConversion, Unknown};

    /// Values at borders, and some between.
    const VALUES: [i64; 17] = [
        0,
        1,
        -1,
        2,
        3,
        7,
        -10,
        1000,
        1001,
        1_795_000_000,
        253_402_300_800,
        i32::MAX as i64,
        i32::MIN as i64,
        u32::MAX as i64,
        u32::MAX as i64 + 1,
        i64::MAX,
        i64::MIN,
    ];

    #[test]
    fn what_is_quick_comes_to_what_the_general_conversion_says() {
        let number = |from, to| (Cell::Number(from), Cell::Number(to));
        let table = Arc::new(Table {
            entries: vec![number(1, 2), number(-1, 5), number(1, 9), number(3, 0)],
            unknown: Unknown::Pass,
            names: vec![(2, "TWO".to_owned())],
        });
        let scale = |numerator, denominator| Change::Scale { numerator, denominator, rounding: Rounding::Nearest };
        let changes = [
            vec![],
            vec![Change::Settle, scale(10, 1)],
            vec![scale(1, 1000), Change::Fit(Kind::Int32)],
            vec![Change::Table(table.clone()), Change::NotZero],
            vec![scale(1_000_000_000, 1)],
            vec![Change::Within { least: -5, most: i128::MAX }],
            vec![Change::FormatInteger],
            // What several hops come to.
            vec![scale(10, 1), Change::Fit(Kind::Int64), scale(1, 10), Change::Fit(Kind::Sint32), scale(10, 1)],
            vec![scale(1, 10), Change::Fit(Kind::Int32), Change::Settle, scale(10, 1), Change::NotZero],
            vec![Change::FormatInteger, Change::Settle, Change::ParseInteger, Change::Fit(Kind::Uint32)],
            vec![Change::FormatInteger, Change::ParseInteger, Change::FormatInteger],
            vec![Change::Settle, scale(3, 1), Change::Within { least: -5, most: 10 }, Change::NotZero],
            vec![Change::Within { least: 1, most: 9 }, Change::Settle, scale(7, 1)],
            vec![Change::Table(table.clone()), Change::Fit(Kind::Int32), Change::Settle, Change::Table(table.clone())],
            vec![Change::Table(table.clone()), Change::Within { least: 0, most: 4 }, scale(2, 1)],
        ];
        let kinds = [Kind::Int32, Kind::Int64, Kind::Uint32, Kind::Uint64, Kind::Sint32, Kind::Sint64, Kind::Bool];
        let mut ran = 0;
        for read in kinds.clone().map(Form::Plain) {
            let writes = kinds.clone().map(Form::Plain).into_iter().chain([Form::Timestamp, Form::Plain(Kind::String)]);
            for write in writes {
                for changes in &changes {
                    let Some(quick) = Quick::new(&read, changes, &write) else { continue };
                    let scalar = Scalar::new(&ScalarConversion {
                        read: read.clone(),
                        changes: changes.clone(),
                        write: write.clone(),
                        absent: None,
                        refuse_absent: false,
                    });
                    for value in VALUES {
                        let mut bytes = Buffer::default();
                        bytes.put_varint(value.cast_unsigned());
                        let Some(came) = quick.read(value.cast_unsigned()).and_then(|value| quick.convert(value))
                        else {
                            continue;
                        };
                        ran += 1;
                        let what = format!("{value} from {read:?} by {changes:?} to {write:?}");
                        match (came, scalar.convert(scalar.read(&bytes).unwrap()).expect(&what)) {
                            (Quickly::Settled, Converted::Settled) => {}
                            (Quickly::To(came), Converted::To(datum)) => {
                                let (mut one, mut other) = (Buffer::default(), Buffer::default());
                                quick.write(came, &mut one);
                                scalar.write(&datum, &mut other).expect(&what);
                                assert_eq!(&one[..], &other[..], "{what}");
                                let is_number = !matches!(write, Form::Timestamp | Form::Plain(Kind::String));
                                assert!(!is_number || datum.is_zero() == (came == 0), "{what}");
                            }
                            (came, general) => panic!("{what}: {came:?}, {general:?}"),
                        }
                    }
                }
            }
        }
        assert!(ran > 1000, "{ran}");
    }
}
