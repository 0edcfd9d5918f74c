//! Buffers of a thread that are used again once nobody holds their bytes any more.
//!
//! glibc gives memory at the top of its heap back to the system when more than twice the largest freed block lies
//! there: a call that frees two large buffers pays about 2 us for each of their pages, call after call.

use std::cell::RefCell;
use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Smaller buffers are cheap to allocate.
const SMALL: usize = 8 * 1024;
/// What a thread keeps at most.
const KEPT: usize = 4 << 20;

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

#[derive(Default)]
struct Pool {
    /// Oldest first, each with the size of its allocation.
    buffers: VecDeque<(BytesMut, usize)>,
    kept: usize,
}

/// An empty buffer with room for so much.
pub(crate) fn take(size: usize) -> BytesMut {
    if size < SMALL {
        return BytesMut::with_capacity(size);
    }
    POOL.with_borrow_mut(|pool| {
        // The oldest are the first to be free; a few looks suffice where sizes differ.
        for _ in 0..pool.buffers.len().min(3) {
            let Some((mut buffer, allocated)) = pool.buffers.pop_front() else { break };
            if allocated >= size && allocated <= size.saturating_mul(4) && buffer.try_reclaim(size) {
                pool.kept -= allocated;
                return buffer;
            }
            pool.buffers.push_back((buffer, allocated));
        }
        BytesMut::with_capacity(size)
    })
}

/// The bytes of a buffer that `take` gave; its memory comes back when they are dropped.
pub(crate) fn freeze(mut buffer: BytesMut) -> Bytes {
    let allocated = buffer.capacity();
    let bytes = buffer.split().freeze();
    if (SMALL..=KEPT).contains(&allocated) {
        POOL.with_borrow_mut(|pool| {
            while pool.kept + allocated > KEPT {
                let Some((_, dropped)) = pool.buffers.pop_front() else { break };
                pool.kept -= dropped;
            }
            pool.kept += allocated;
            pool.buffers.push_back((buffer, allocated));
        });
    }
    bytes
}
