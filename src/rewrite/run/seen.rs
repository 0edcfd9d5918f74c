//! Which fields of a message have come by.

/// A bit for each guard.
#[derive(Debug, Default)]
pub(super) struct Seen([u64; 2]);

impl Seen {
    /// Adds a guard; true where it was there already.
    #[inline]
    pub(super) fn add(&mut self, guard: u8) -> bool {
        let (word, bit) = self.place(guard);
        let before = *word & bit != 0;
        *word |= bit;
        before
    }

    /// Takes a guard out.
    #[inline]
    pub(super) fn forget(&mut self, guard: u8) {
        let (word, bit) = self.place(guard);
        *word &= !bit;
    }

    #[inline]
    pub(super) fn has(&self, guard: u8) -> bool {
        self.0[usize::from(guard >> 6 & 1)] >> (guard & 63) & 1 == 1
    }

    #[inline]
    fn place(&mut self, guard: u8) -> (&mut u64, u64) {
        // There are 128 guards.
        (&mut self.0[usize::from(guard >> 6 & 1)], 1 << (guard & 63))
    }
}
