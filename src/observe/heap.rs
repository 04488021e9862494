//! How many heap bytes are live in this process?
//!
//! [`Counting`] wraps the system allocator and counts. It must not become a place where threads
//! meet that processes never meet, or it would punish one side of the comparison: every thread
//! counts in a slot of its own, on a cache line of its own, with a plain load and store.
//!
//! ```
//! use forkscope::observe::heap::{Counting, live_bytes};
//! #[global_allocator]
//! static HEAP: Counting = Counting;
//!
//! let before = live_bytes();
//! let block = vec![0_u8; 4096];
//! assert_eq!(live_bytes() - before, 4096);
//! drop(block);
//! assert_eq!(live_bytes(), before);
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Threads that get a slot of their own: a thread per agent at 1,000 agents fits. Unused slots are
/// zero pages that were never touched, so a process with one thread pays for one page.
const OWN_SLOTS: usize = 1024;

/// Slots that the threads after the first [`OWN_SLOTS`] share, by atomic addition.
const SHARED_SLOTS: usize = 64;

/// A thread's slot before its first allocation.
const NO_SLOT: usize = usize::MAX;

/// Counters of one thread. 128 bytes, not 64: the prefetcher of x86 fetches lines in pairs.
#[repr(align(128))]
struct Slot {
    /// Bytes allocated minus bytes freed by the slot's thread. Negative in a thread that frees
    /// what others allocated: only the sum over all slots means something.
    live: AtomicI64,
    /// Successful calls of alloc, alloc_zeroed and realloc.
    allocations: AtomicU64,
}

impl Slot {
    const fn empty() -> Self {
        Self {
            live: AtomicI64::new(0),
            allocations: AtomicU64::new(0),
        }
    }
}

static SLOTS: [Slot; OWN_SLOTS + SHARED_SLOTS] =
    [const { Slot::empty() }; OWN_SLOTS + SHARED_SLOTS];

/// Threads that have allocated so far, also those that ended: a slot is never handed out twice.
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    // Const-initialised and without a destructor: reading it neither allocates nor registers
    // anything, so an allocator may use it, also while a thread ends.
    static SLOT: Cell<usize> = const { Cell::new(NO_SLOT) };
}

/// The system allocator, counted. Install it with `#[global_allocator]`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counting;

/// Heap bytes that are live now, as requested (without what the allocator adds or retains).
///
/// Exact while the threads that allocate are parked and have been synchronised with (gate, join);
/// otherwise off by what is in flight. 0 when [`Counting`] is not installed.
pub fn live_bytes() -> i64 {
    // Relaxed: a sum for reporting; the caller's join or gate orders it after the counted work.
    SLOTS.iter().map(|slot| slot.live.load(Relaxed)).sum()
}

/// Successful allocations since the process started; growing or shrinking a block counts as one.
pub fn allocations() -> u64 {
    // Relaxed: as in `live_bytes`.
    SLOTS
        .iter()
        .map(|slot| slot.allocations.load(Relaxed))
        .sum()
}

/// Adds to the counters of the calling thread.
#[inline]
fn count(bytes: i64, allocations: u64) {
    let mut index = SLOT.get();
    if index == NO_SLOT {
        index = claim_slot();
    }
    let slot = &SLOTS[index];
    if index < OWN_SLOTS {
        // Relaxed load and store instead of an atomic addition: only this thread writes the slot,
        // so nothing is lost, and it spares two locked instructions per call.
        slot.live.store(slot.live.load(Relaxed) + bytes, Relaxed);
        slot.allocations
            .store(slot.allocations.load(Relaxed) + allocations, Relaxed);
    } else {
        // Relaxed: the additions need no order among each other.
        slot.live.fetch_add(bytes, Relaxed);
        slot.allocations.fetch_add(allocations, Relaxed);
    }
}

/// Hands the calling thread its slot: one of its own while there are any, then a shared one.
#[cold]
fn claim_slot() -> usize {
    // Relaxed: only the uniqueness of the number matters.
    let index = slot_of_thread(THREADS.fetch_add(1, Relaxed));
    SLOT.set(index);
    index
}

/// The slot of the `thread`-th thread, from 0.
fn slot_of_thread(thread: usize) -> usize {
    if thread < OWN_SLOTS {
        thread
    } else {
        OWN_SLOTS + thread % SHARED_SLOTS
    }
}

/// A layout's size as a signed number of bytes.
#[inline]
fn signed(bytes: usize) -> i64 {
    // A `Layout` is never larger than `isize::MAX`, so this cannot wrap.
    bytes as i64
}

// SAFETY: every call is handed unchanged to `System`, which upholds the contract of `GlobalAlloc`;
// counting touches only static and thread-local integers and neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises what `System::alloc` asks for: a layout of non-zero size.
        let block = unsafe { System.alloc(layout) };
        if !block.is_null() {
            count(signed(layout.size()), 1);
        }
        block
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        let block = unsafe { System.alloc_zeroed(layout) };
        if !block.is_null() {
            count(signed(layout.size()), 1);
        }
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller promises that `block` came from this allocator, that is from
        // `System`, with this layout.
        unsafe { System.dealloc(block, layout) };
        count(-signed(layout.size()), 0);
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as in `dealloc`; the caller promises that `new_size` is valid for the alignment.
        let moved = unsafe { System.realloc(block, layout, new_size) };
        if !moved.is_null() {
            // A failed call leaves the old block alive: nothing to count.
            count(signed(new_size) - signed(layout.size()), 1);
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_beyond_the_array_share_the_overflow_slots() {
        assert_eq!(slot_of_thread(0), 0);
        assert_eq!(slot_of_thread(OWN_SLOTS - 1), OWN_SLOTS - 1);
        for thread in OWN_SLOTS..3 * OWN_SLOTS {
            assert!((OWN_SLOTS..SLOTS.len()).contains(&slot_of_thread(thread)));
        }
    }

    #[test]
    fn slots_of_two_threads_never_share_a_pair_of_cache_lines() {
        assert_eq!(size_of::<Slot>(), 128);
        assert_eq!(align_of::<Slot>(), 128);
    }
}
