//! How many heap bytes are live in this process, and what did a thread allocate?
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
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

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
    /// Bytes that the slot's thread allocated, ever.
    allocated: AtomicU64,
    /// Bytes that it freed, ever: more than it allocated, where it frees what others allocated.
    freed: AtomicU64,
    /// Successful calls of alloc, alloc_zeroed and realloc.
    allocations: AtomicU64,
}

impl Slot {
    const fn empty() -> Self {
        Self {
            allocated: AtomicU64::new(0),
            freed: AtomicU64::new(0),
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
/// Exact while the threads that allocate are parked and have been synchronised with (page, join);
/// otherwise off by what is in flight. 0 when [`Counting`] is not installed.
pub fn live_bytes() -> i64 {
    let live = |slot: &Slot| {
        // Relaxed: a sum for reporting; the caller's join or page orders it after the counted work.
        let (allocated, freed) = (slot.allocated.load(Relaxed), slot.freed.load(Relaxed));
        // Negative in a thread that frees what others allocated: only the sum means something.
        allocated.wrapping_sub(freed) as i64
    };
    SLOTS.iter().map(live).sum()
}

/// Successful allocations since the process started; growing or shrinking a block counts as one.
pub fn allocations() -> u64 {
    // Relaxed: as in `live_bytes`.
    SLOTS
        .iter()
        .map(|slot| slot.allocations.load(Relaxed))
        .sum()
}

/// What a thread has allocated since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocated {
    /// Successful allocations; growing or shrinking a block counts as one.
    pub times: u64,
    /// Bytes asked for, whether or not they were freed again; a block that grows or shrinks counts
    /// anew, with its new size.
    pub bytes: u64,
}

impl Allocated {
    /// What was allocated after `earlier`, an earlier look in the same thread.
    #[must_use]
    pub fn since(self, earlier: Allocated) -> Allocated {
        Allocated {
            times: self.times - earlier.times,
            bytes: self.bytes - earlier.bytes,
        }
    }
}

/// What the calling thread has allocated, whatever other threads do meanwhile. Exact.
///
/// `None` when [`Counting`] is not installed, the thread has not allocated yet, or came after so many
/// others that it shares its counters.
#[must_use]
pub fn own_allocated() -> Option<Allocated> {
    let slot = SLOTS[..OWN_SLOTS].get(SLOT.get())?;
    // Relaxed: only this thread writes the slot.
    Some(Allocated {
        times: slot.allocations.load(Relaxed),
        bytes: slot.allocated.load(Relaxed),
    })
}

/// Counts a new block, or one that changed its size, for the calling thread.
#[inline]
fn count_allocated(bytes: u64) {
    let (slot, is_own) = slot();
    add(&slot.allocated, bytes, is_own);
    add(&slot.allocations, 1, is_own);
}

/// Counts a block that is gone for the calling thread.
#[inline]
fn count_freed(bytes: u64) {
    let (slot, is_own) = slot();
    add(&slot.freed, bytes, is_own);
}

/// The slot of the calling thread, and whether it has it for itself.
#[inline]
fn slot() -> (&'static Slot, bool) {
    let mut index = SLOT.get();
    if index == NO_SLOT {
        index = claim_slot();
    }
    (&SLOTS[index], index < OWN_SLOTS)
}

/// Adds to a counter of the calling thread.
#[inline]
fn add(counter: &AtomicU64, more: u64, is_own: bool) {
    if is_own {
        // Relaxed load and store instead of an atomic addition: only this thread writes the slot,
        // so nothing is lost, and it spares a locked instruction.
        counter.store(counter.load(Relaxed).wrapping_add(more), Relaxed);
    } else {
        // Relaxed: the additions need no order among each other.
        counter.fetch_add(more, Relaxed);
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

// SAFETY: every call is handed unchanged to `System`, which upholds the contract of `GlobalAlloc`;
// counting touches only static and thread-local integers and neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises what `System::alloc` asks for: a layout of non-zero size.
        let block = unsafe { System.alloc(layout) };
        if !block.is_null() {
            count_allocated(layout.size() as u64);
        }
        block
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        let block = unsafe { System.alloc_zeroed(layout) };
        if !block.is_null() {
            count_allocated(layout.size() as u64);
        }
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller promises that `block` came from this allocator, that is from
        // `System`, with this layout.
        unsafe { System.dealloc(block, layout) };
        count_freed(layout.size() as u64);
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as in `dealloc`; the caller promises that `new_size` is valid for the alignment.
        let moved = unsafe { System.realloc(block, layout, new_size) };
        if !moved.is_null() {
            // A failed call leaves the old block alive: nothing to count.
            count_freed(layout.size() as u64);
            count_allocated(new_size as u64);
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
