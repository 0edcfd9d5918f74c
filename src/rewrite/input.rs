//! What a rewrite reads.

/// Bytes that fields are read from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether these are the bytes that the caller gave, so that slices of them may be shared.
    pub(super) is_whole: bool,
    /// Where they lie in the outermost message; for bytes that were put together, about where they come from.
    pub(super) offset: usize,
}

impl<'a> Input<'a> {
    /// Bytes that were put together from what lay at `offset`.
    pub(super) fn copied(bytes: &'a [u8], offset: usize) -> Self {
        Self { bytes, is_whole: false, offset }
    }
}
