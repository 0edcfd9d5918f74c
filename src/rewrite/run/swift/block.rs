//! Blocks of the input: so many bytes at once that most values are in them.

use super::Stop;
use crate::rewrite::wire;

/// Bytes that are read at once.
pub(super) const BLOCK: usize = 16;

/// The bytes from `at` on; zeros where the input ends before. These are put into `spare`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "mostly it is two checks")]
pub(super) fn block<'a>(source: &'a [u8], at: usize, spare: &'a mut [u8; BLOCK]) -> &'a [u8; BLOCK] {
    if let Some(block) = source.get(at..).and_then(<[u8]>::first_chunk) {
        block
    } else {
        *spare = last_block(source, at);
        spare
    }
}

/// Near the end of the input.
#[cold]
#[inline(never)]
fn last_block(source: &[u8], at: usize) -> [u8; BLOCK] {
    let Some(before) = at.checked_sub(source.len().saturating_sub(BLOCK)).filter(|before| *before < BLOCK) else {
        return [0; BLOCK];
    };
    if let Some(last) = source.last_chunk::<BLOCK>() {
        return (u128::from_le_bytes(*last) >> (8 * before)).to_le_bytes();
    }
    let mut block = [0; BLOCK];
    for (to, from) in block.iter_mut().zip(source.get(at..).unwrap_or_default()) {
        *to = *from;
    }
    block
}

/// How many bytes the varint has that a block starts with.
#[inline(always)]
#[expect(clippy::inline_always, reason = "most have one byte")]
pub(super) fn varint_in(block: &[u8; BLOCK]) -> Result<usize, Stop> {
    if block[0] < 0x80 { Ok(1) } else { long_varint_in(block) }
}

#[inline]
fn long_varint_in(block: &[u8; BLOCK]) -> Result<usize, Stop> {
    let word = u128::from_le_bytes(*block);
    // The highest bit of a byte says whether another one follows.
    let last = !word & 0x8080_8080_8080_8080_8080;
    let length = last.trailing_zeros() as usize / 8 + 1;
    // The tenth byte holds the last bit.
    if length > 10 || length == 10 && block[9] > 1 { Err(Stop) } else { Ok(length) }
}

/// The length at `at`, after where it ends. The field may still end behind its message.
#[inline(always)]
#[expect(clippy::inline_always, reason = "most have one byte")]
pub(super) fn length_at(source: &[u8], at: usize) -> Result<(usize, usize), Stop> {
    match source.get(at) {
        Some(byte) if *byte < 0x80 => Ok((at + 1, usize::from(*byte))),
        _ => long_length_at(source, at),
    }
}

#[inline(never)]
fn long_length_at(source: &[u8], at: usize) -> Result<(usize, usize), Stop> {
    let (length, start) = wire::varint(source, at, source.len()).map_err(|_| Stop)?;
    let length = usize::try_from(length).ok().filter(|length| *length <= source.len() - start);
    Ok((start, length.ok_or(Stop)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_holds_what_is_there_and_zeros_behind() {
        for length in 0..40 {
            let source: Vec<u8> = (1..=length).collect();
            for at in 0..50 {
                let mut expected: Vec<u8> = source.iter().skip(at).take(BLOCK).copied().collect();
                expected.resize(BLOCK, 0);
                assert_eq!(block(&source, at, &mut [0; BLOCK])[..], expected, "{at} of {length}");
            }
        }
    }

    #[test]
    fn varints_in_blocks_are_as_long_as_they_are() {
        let mut bytes = [0x80; BLOCK];
        for length in 1..=10 {
            bytes[length - 1] = 1;
            assert!(varint_in(&bytes).is_ok_and(|found| found == length), "{length}");
            bytes[length - 1] = 0x80;
        }
        assert!(varint_in(&bytes).is_err(), "it does not end");
        bytes[9] = 2;
        assert!(varint_in(&bytes).is_err(), "65 bits");
    }
}
