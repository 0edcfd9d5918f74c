//! The wire format of protobuf: tags, varints, and where a field ends.
//!
//! See <https://protobuf.dev/programming-guides/encoding/>.
#![allow(clippy::cast_possible_truncation, reason = "bytes of a varint, and lengths that were looked at before")]

/// Wire type of varints.
pub(super) const VARINT: u8 = 0;
/// Wire type of eight bytes.
pub(super) const FIXED64: u8 = 1;
/// Wire type of a length and as many bytes.
pub(crate) const LENGTH: u8 = 2;
/// Wire type of the start of a group.
pub(super) const GROUP: u8 = 3;
/// Wire type of the end of a group.
pub(super) const GROUP_END: u8 = 4;
/// Wire type of four bytes.
pub(super) const FIXED32: u8 = 5;

/// What cannot be read, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) offset: usize,
    pub(crate) what: &'static str,
    /// Groups within groups beyond the limit: no fault of the bytes.
    pub(crate) too_deep: bool,
}

#[cold]
fn unreadable(offset: usize, what: &'static str) -> Unreadable {
    Unreadable { offset, what, too_deep: false }
}

/// A field as it lies in the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) number: u32,
    pub(crate) wire: u8,
    /// Where its value starts, with the length where there is one: behind the tag.
    pub(crate) value: usize,
    /// Where its value starts: behind the tag, and behind the length where there is one.
    pub(crate) start: usize,
    /// Where its value ends; before the end tag of a group.
    pub(crate) end: usize,
    /// Where the next field starts.
    pub(crate) next: usize,
}

/// Reads the varint at `at`, which has to end before `end`.
#[inline]
pub(crate) fn varint(bytes: &[u8], at: usize, end: usize) -> Result<(u64, usize), Unreadable> {
    match bytes.get(at) {
        Some(byte) if *byte < 0x80 && at < end => Ok((u64::from(*byte), at + 1)),
        _ => match varint_of_eight(bytes, at).filter(|(_, next)| *next <= end) {
            Some(read) => Ok(read),
            None => long_varint(bytes, at, end),
        },
    }
}

/// Reads a varint of at most eight bytes out of eight, all at once; nothing where it is longer, or there are fewer.
#[inline]
fn varint_of_eight(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let word = u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
    let length = varint_length_in(word)?;
    // Seven bits of each byte, but for those behind the varint.
    let sevens = word & 0x7f7f_7f7f_7f7f_7f7f & (u64::MAX >> (64 - 8 * length));
    // Brought together by twos, by fours, and all.
    let twos = sevens & 0x007f_007f_007f_007f | (sevens & 0x7f00_7f00_7f00_7f00) >> 1;
    let fours = twos & 0x0000_3fff_0000_3fff | (twos & 0x3fff_0000_3fff_0000) >> 2;
    Some((fours & 0x0fff_ffff | (fours & 0x0fff_ffff_0000_0000) >> 4, at + length))
}

/// How many bytes the varint has that eight bytes start with; nothing where it goes on behind them.
#[inline]
fn varint_length_in(word: u64) -> Option<usize> {
    // The highest bit of a byte says whether another one follows.
    let last = !word & 0x8080_8080_8080_8080;
    (last != 0).then(|| last.trailing_zeros() as usize / 8 + 1)
}

/// Where the varint at `at` ends, which has to be before `end`.
#[inline]
fn skip_varint(bytes: &[u8], at: usize, end: usize) -> Result<usize, Unreadable> {
    let length = match bytes.get(at) {
        Some(byte) if *byte < 0x80 => Some(1),
        _ => {
            let word = bytes.get(at..).and_then(<[u8]>::first_chunk);
            word.and_then(|word| varint_length_in(u64::from_le_bytes(*word)))
        }
    };
    match length {
        Some(length) if at + length <= end => Ok(at + length),
        _ => long_varint(bytes, at, end).map(|(_, next)| next),
    }
}

#[inline(never)]
fn long_varint(bytes: &[u8], at: usize, end: usize) -> Result<(u64, usize), Unreadable> {
    let mut value = 0u64;
    let available = bytes.get(at..end.min(bytes.len())).unwrap_or_default();
    for (index, byte) in available.iter().take(10).enumerate() {
        // The tenth byte holds the last bit.
        if index == 9 && *byte > 1 {
            break;
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            return Ok((value, at + index + 1));
        }
    }
    let what = if available.len() < 10 { "a varint that does not end" } else { "a varint of more than 64 bits" };
    Err(unreadable(at, what))
}

/// Reads the field at `at`. `depth` is how many groups may follow inside one another.
#[inline(always)]
#[expect(clippy::inline_always, reason = "it is most of what a rewrite does, and its result should stay in registers")]
pub(crate) fn field(bytes: &[u8], at: usize, end: usize, depth: usize) -> Result<Field, Unreadable> {
    // Most fields have a number below 16, and a value or a length below 128: one byte for each.
    if let Some([tag, first]) = bytes.get(at..end).and_then(<[u8]>::first_chunk)
        && (8..0x80).contains(tag)
        && *first < 0x80
    {
        let (wire, number, value) = (tag & 7, u32::from(tag >> 3), at + 1);
        let start = at + 2;
        if wire == VARINT {
            return Ok(Field { number, wire, value, start: value, end: start, next: start });
        }
        let next = start + usize::from(*first);
        if wire == LENGTH && next <= end {
            return Ok(Field { number, wire, value, start, end: next, next });
        }
    }
    any_field(bytes, at, end, depth)
}

#[inline(never)]
fn any_field(bytes: &[u8], at: usize, end: usize, depth: usize) -> Result<Field, Unreadable> {
    let (tag, value) = varint(bytes, at, end)?;
    // The wire type is the lowest three bits.
    let wire = (tag & 7) as u8;
    let number = (tag >> 3) as u32;
    if number == 0 || tag >= 1 << 32 {
        return Err(unreadable(at, "a field number that is 0 or above 536870911"));
    }
    let (start, content, next) = match wire {
        VARINT => {
            let next = skip_varint(bytes, value, end)?;
            (value, next, next)
        }
        LENGTH => {
            let (length, start) = varint(bytes, value, end)?;
            if length > (end - start) as u64 {
                return Err(unreadable(at, TRUNCATED));
            }
            // It is below `end`, so nothing is cut off.
            let next = start + length as usize;
            (start, next, next)
        }
        FIXED64 | FIXED32 => {
            let next = value + if wire == FIXED64 { 8 } else { 4 };
            if next > end {
                return Err(unreadable(at, TRUNCATED));
            }
            (value, next, next)
        }
        GROUP => {
            let (content, next) = group(bytes, value, end, number, depth)?;
            (value, content, next)
        }
        GROUP_END => return Err(unreadable(at, "the end of a group that did not start")),
        _ => return Err(unreadable(at, "a wire type that nobody knows")),
    };
    Ok(Field { number, wire, value, start, end: content, next })
}

const TRUNCATED: &str = "a field that ends behind its message";

/// Where the content of the group `number`, which starts at `at`, ends, and where the next field starts.
#[inline(never)]
fn group(bytes: &[u8], mut at: usize, end: usize, number: u32, depth: usize) -> Result<(usize, usize), Unreadable> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Unreadable { offset: at, what: "groups within groups", too_deep: true });
    };
    loop {
        let (tag, next) = varint(bytes, at, end)?;
        if tag & 7 == u64::from(GROUP_END) {
            return if tag >> 3 == u64::from(number) {
                Ok((at, next))
            } else {
                Err(unreadable(at, "the end of another group"))
            };
        }
        at = field(bytes, at, end, depth)?.next;
    }
}

/// How many bytes `value` takes as a varint.
#[inline]
pub(super) fn varint_length(value: u64) -> usize {
    // Seven bits a byte, and one byte for 0: prost's formula.
    ((value | 1).ilog2() as usize * 9 + 73) / 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_read_as_they_were_written() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX >> 1, u64::MAX] {
            let mut bytes = crate::rewrite::buffer::Buffer::default();
            bytes.put_varint(value);
            assert_eq!(bytes.len(), varint_length(value), "{value}");
            assert_eq!(varint(&bytes, 0, bytes.len()), Ok((value, bytes.len())));
            assert!(varint(&bytes, 0, bytes.len() - 1).is_err(), "{value}");
        }
        assert!(varint(&[0xff; 10], 0, 10).is_err(), "65 bits");
    }

    #[test]
    fn fields_end_where_they_say() {
        let cases: [(&[u8], Option<usize>); 12] = [
            (&[0x08, 0x01], Some(2)),
            (&[0x0a, 0x02, 1, 2], Some(4)),
            (&[0x0a, 0x03, 1, 2], None),
            (&[0x0d, 1, 2, 3, 4], Some(5)),
            (&[0x0d, 1, 2, 3], None),
            (&[0x09, 1, 2, 3, 4, 5, 6, 7, 8], Some(9)),
            (&[0x0b, 0x08, 0x01, 0x0c], Some(4)),
            (&[0x0b, 0x08, 0x01, 0x14], None),
            (&[0x0b, 0x0b, 0x0b, 0x0c, 0x0c, 0x0c], None),
            (&[0x00, 0x01], None),
            (&[0x0c], None),
            (&[0x0e, 0x00], None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(field(bytes, 0, bytes.len(), 2).ok().map(|field| field.next), expected, "{bytes:?}");
        }
    }
}
