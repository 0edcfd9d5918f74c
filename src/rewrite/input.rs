//! What a rewrite reads.

/// From this length on a stretch of the input is shared.
const SHARED_FROM: usize = 4096;

/// Bytes that fields are read from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether these are the bytes that the caller gave, so that slices of them may be shared.
    pub(super) is_whole: bool,
    /// For bytes that were put together: where what they come from starts in the outermost message.
    pub(super) offset: usize,
}

impl<'a> Input<'a> {
    /// Whether a stretch of this length is shared, not copied. Below, the slice's own upkeep would cost more.
    #[inline]
    pub(super) fn is_shared_from(&self, length: usize) -> bool {
        length >= SHARED_FROM && self.is_whole
    }

    /// Bytes that were put together from what lay at `offset`.
    pub(super) fn copied(bytes: &'a [u8], offset: usize) -> Self {
        Self { bytes, is_whole: false, offset }
    }

    /// Where the byte at `at` lies in the outermost message; of bytes that were put together, where they come from, for
    /// there they have no place of their own.
    pub(super) fn place(&self, at: usize) -> usize {
        if self.is_whole { at } else { self.offset }
    }
}
