//! The wire format of protobuf: tags, varints, and where a field ends.
//!
//! See <https://protobuf.dev/programming-guides/encoding/>.

/// Wire type of varints.
pub(super) const VARINT: u8 = 0;
/// Wire type of eight bytes.
pub(super) const FIXED64: u8 = 1;
/// Wire type of a length and as many bytes.
pub(super) const LENGTH: u8 = 2;
/// Wire type of the start of a group.
pub(super) const GROUP: u8 = 3;
/// Wire type of the end of a group.
pub(super) const GROUP_END: u8 = 4;
/// Wire type of four bytes.
pub(super) const FIXED32: u8 = 5;

/// What cannot be read, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) offset: usize,
    pub(super) what: &'static str,
    /// Groups within groups beyond the limit: no fault of the bytes.
    pub(super) too_deep: bool,
}

fn unreadable(offset: usize, what: &'static str) -> Unreadable {
    Unreadable { offset, what, too_deep: false }
}

/// A field as it lies in the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) number: u32,
    pub(super) wire: u8,
    /// Where its value starts: behind the tag, and behind the length where there is one.
    pub(super) start: usize,
    /// Where its value ends; before the end tag of a group.
    pub(super) end: usize,
    /// Where the next field starts.
    pub(super) next: usize,
}

/// Reads the varint at `at`, which has to end before `end`.
#[inline]
pub(super) fn varint(bytes: &[u8], at: usize, end: usize) -> Result<(u64, usize), Unreadable> {
    match bytes.get(at) {
        Some(byte) if *byte < 0x80 && at < end => Ok((u64::from(*byte), at + 1)),
        _ => long_varint(bytes, at, end),
    }
}

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
#[inline]
pub(super) fn field(bytes: &[u8], at: usize, end: usize, depth: usize) -> Result<Field, Unreadable> {
    let (tag, start) = varint(bytes, at, end)?;
    // The wire type is the lowest three bits.
    let wire = (tag & 7) as u8;
    let number = match u32::try_from(tag >> 3) {
        Ok(number) if number != 0 && number < 1 << 29 => number,
        _ => return Err(unreadable(at, "a field number that is 0 or above 536870911")),
    };
    let truncated = || unreadable(at, "a field that ends behind its message");
    let fixed = |length: usize| {
        let next = start + length;
        if next > end { Err(truncated()) } else { Ok(Field { number, wire, start, end: next, next }) }
    };
    match wire {
        VARINT => varint(bytes, start, end).map(|(_, next)| Field { number, wire, start, end: next, next }),
        FIXED64 => fixed(8),
        FIXED32 => fixed(4),
        LENGTH => {
            let (length, start) = varint(bytes, start, end)?;
            match usize::try_from(length) {
                Ok(length) if length <= end - start => {
                    Ok(Field { number, wire, start, end: start + length, next: start + length })
                }
                _ => Err(truncated()),
            }
        }
        GROUP => group(bytes, start, end, number, depth).map(|(content, next)| Field {
            number,
            wire,
            start,
            end: content,
            next,
        }),
        GROUP_END => Err(unreadable(at, "the end of a group that did not start")),
        _ => Err(unreadable(at, "a wire type that nobody knows")),
    }
}

/// Where the content of the group `number`, which starts at `at`, ends, and where the next field starts.
fn group(bytes: &[u8], mut at: usize, end: usize, number: u32, depth: usize) -> Result<(usize, usize), Unreadable> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Unreadable { offset: at, what: "groups within groups", too_deep: true });
    };
    loop {
        let (tag, next) = varint(bytes, at, end)?;
        if tag & 7 == u64::from(GROUP_END) {
            return match tag >> 3 == u64::from(number) {
                true => Ok((at, next)),
                false => Err(unreadable(at, "the end of another group")),
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

/// Writes `value` as a varint.
#[inline]
pub(super) fn put_varint(buffer: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        // The lowest seven bits.
        buffer.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    buffer.push(value as u8);
}

/// Writes a tag.
#[inline]
pub(super) fn put_tag(buffer: &mut Vec<u8>, number: u32, wire: u8) {
    put_varint(buffer, u64::from(number) << 3 | u64::from(wire));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_read_as_they_were_written() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX >> 1, u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
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
