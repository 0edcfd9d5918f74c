//! Large buffers of a thread that are used again once nobody holds their bytes any more.
//!
//! glibc gives memory at the top of its heap back to the system whenever more than twice the largest freed block lies
//! there: a call that frees large buffers would pay about 2 µs of page faults for each of their pages, call after call.

use std::cell::RefCell;
use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Smaller buffers are cheap to allocate.
const SMALL: usize = 8 * 1024;
/// What a thread keeps at most, buffers whose bytes are still held included.
pub(super) const KEPT: usize = 4 * 1024 * 1024;
/// Buffers that are looked at before a new one is made: the oldest are the first to be free.
const LOOKS: usize = 3;
/// A buffer is not used for less than this part of its size, so that few bytes do not hold much memory.
const SMALLEST_USE: usize = 4;

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

#[derive(Default)]
struct Pool {
    /// Oldest first, each with the size of its allocation.
    buffers: VecDeque<(BytesMut, usize)>,
    kept: usize,
}

/// An empty buffer with room for `size` bytes.
pub(super) fn take(size: usize) -> BytesMut {
    if size < SMALL { BytesMut::with_capacity(size) } else { POOL.with_borrow_mut(|pool| pool.take(size)) }
}

/// The bytes of a buffer; memory that [`take`] gave comes back when the last of them are dropped.
pub(super) fn freeze(mut buffer: BytesMut) -> Bytes {
    let allocated = buffer.capacity();
    if !(SMALL..=KEPT).contains(&allocated) {
        return buffer.freeze();
    }
    let bytes = buffer.split().freeze();
    POOL.with_borrow_mut(|pool| pool.keep(buffer, allocated));
    bytes
}

impl Pool {
    fn take(&mut self, size: usize) -> BytesMut {
        for _ in 0..self.buffers.len().min(LOOKS) {
            let Some((mut buffer, allocated)) = self.buffers.pop_front() else { break };
            if (size..=size.saturating_mul(SMALLEST_USE)).contains(&allocated) && buffer.try_reclaim(size) {
                self.kept -= allocated;
                return buffer;
            }
            self.buffers.push_back((buffer, allocated));
        }
        BytesMut::with_capacity(size)
    }

    fn keep(&mut self, buffer: BytesMut, allocated: usize) {
        while self.kept + allocated > KEPT
            && let Some((_, dropped)) = self.buffers.pop_front()
        {
            self.kept -= dropped;
        }
        self.kept += allocated;
        self.buffers.push_back((buffer, allocated));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(size: usize) -> Bytes {
        let mut buffer = take(size);
        buffer.resize(size, 7);
        freeze(buffer)
    }

    #[test]
    fn a_large_buffer_is_used_again_once_its_bytes_are_dropped() {
        let first = filled(100_000);
        let held = filled(100_000);
        assert_ne!(first.as_ptr(), held.as_ptr());
        let memory = first.as_ptr();
        drop(first);
        let again = filled(90_000);
        assert_eq!(again.as_ptr(), memory);
        assert_eq!((again.len(), held.len()), (90_000, 100_000));
    }

    #[test]
    fn a_thread_keeps_no_more_than_its_limit_whatever_is_sent() {
        let held: Vec<Bytes> = (1..200).map(|number| filled(number * 9_001)).collect();
        drop(held);
        drop(filled(KEPT + 1));
        POOL.with_borrow(|pool| {
            assert_eq!(pool.kept, pool.buffers.iter().map(|(_, allocated)| allocated).sum::<usize>());
            assert!(pool.kept <= KEPT, "{}", pool.kept);
        });
    }

    #[test]
    fn few_bytes_do_not_take_a_large_buffer() {
        let memory = filled(1_000_000).as_ptr();
        assert_ne!(filled(100_000).as_ptr(), memory);
    }
}
