//! What does a ring lie in? Words that are atomic, and bytes between them.

use std::sync::atomic::{AtomicU64, Ordering};

/// An atomic word of 64 bits. A trait, so that a model checker's words can take the place of the
/// machine's.
pub trait Word {
    /// As [`AtomicU64::load`].
    fn load(&self, order: Ordering) -> u64;
    /// As [`AtomicU64::store`].
    fn store(&self, value: u64, order: Ordering);
    /// As [`AtomicU64::swap`].
    fn swap(&self, value: u64, order: Ordering) -> u64;
}

impl Word for AtomicU64 {
    #[inline]
    fn load(&self, order: Ordering) -> u64 {
        AtomicU64::load(self, order)
    }

    #[inline]
    fn store(&self, value: u64, order: Ordering) {
        AtomicU64::store(self, value, order);
    }

    #[inline]
    fn swap(&self, value: u64, order: Ordering) -> u64 {
        AtomicU64::swap(self, value, order)
    }
}

/// Memory that two ends share: a place for how far the consumer has read, and a power of two of bytes.
///
/// Clones are the same memory.
pub trait Memory {
    /// Its atomic words.
    type Word: Word;
    /// Room for a message that is being written.
    type Room<'a>
    where
        Self: 'a;
    /// A message that is being read.
    type Message<'a>
    where
        Self: 'a;

    /// Bytes of the ring: a power of two, at least [`super::spsc::LEAST_CAPACITY`].
    fn capacity(&self) -> usize;

    /// How far the consumer has read; on a cache line of its own.
    fn head(&self) -> &Self::Word;

    /// The word at byte `at`, a multiple of 8 below the capacity.
    fn word(&self, at: usize) -> &Self::Word;

    /// Bytes `at` to `at + len`, to be written.
    ///
    /// # Safety
    /// They lie inside of the ring, and nobody else reads or writes them meanwhile.
    unsafe fn room(&self, at: usize, len: usize) -> Self::Room<'_>;

    /// Bytes `at` to `at + len`, to be read.
    ///
    /// # Safety
    /// As for [`Memory::room`].
    unsafe fn message(&self, at: usize, len: usize) -> Self::Message<'_>;
}

/// Bytes before the ring: the consumer's place, on cache lines of its own. 128, not 64: the prefetcher
/// of x86 fetches lines in pairs.
pub const HEAD_BYTES: usize = 128;

/// A ring in memory that is mapped somewhere: the real thing.
pub struct Mapped<K> {
    base: *mut u8,
    capacity: usize,
    /// Keeps the mapping.
    _keep: K,
}

// SAFETY: what `base` points to is used as atomics and as bytes that belong to one end at a time,
// which the protocol of `spsc` sees to; the mapping lives as long as `_keep`, which may be sent.
unsafe impl<K: Send> Send for Mapped<K> {}

impl<K> Mapped<K> {
    /// The ring of `capacity` bytes behind its head at `base`.
    ///
    /// # Safety
    /// [`HEAD_BYTES`] + `capacity` bytes from `base` on are mapped, readable and writable, as long as
    /// `keep` lives; `base` is a multiple of 8; nobody uses them but two ends of this one ring, one of
    /// each kind.
    ///
    /// # Panics
    /// When `capacity` is no power of two, or too small.
    pub unsafe fn new(base: *mut u8, capacity: usize, keep: K) -> Mapped<K> {
        assert!(
            capacity.is_power_of_two() && capacity >= super::spsc::LEAST_CAPACITY,
            "no ring has {capacity} bytes"
        );
        Mapped {
            base,
            capacity,
            _keep: keep,
        }
    }

    #[inline]
    fn bytes(&self, at: usize, len: usize) -> *mut u8 {
        // Cheap, and what stands between a mistake in the arithmetic and somebody else's memory.
        assert!(len <= self.capacity && at <= self.capacity - len);
        // SAFETY: inside of the mapping, as was just checked and promised to `new`.
        unsafe { self.base.add(HEAD_BYTES + at) }
    }
}

impl<K> Memory for Mapped<K> {
    type Word = AtomicU64;
    type Room<'a>
        = &'a mut [u8]
    where
        K: 'a;
    type Message<'a>
        = &'a [u8]
    where
        K: 'a;

    #[inline]
    fn capacity(&self) -> usize {
        self.capacity
    }

    #[inline]
    fn head(&self) -> &AtomicU64 {
        // SAFETY: mapped and aligned, as promised to `new`; every bit pattern is an atomic's.
        unsafe { &*self.base.cast::<AtomicU64>() }
    }

    #[inline]
    fn word(&self, at: usize) -> &AtomicU64 {
        debug_assert_eq!(at % 8, 0);
        // SAFETY: inside of the ring, which `bytes` checks, and aligned; as for `head`.
        unsafe { &*self.bytes(at, 8).cast::<AtomicU64>() }
    }

    #[inline]
    unsafe fn room(&self, at: usize, len: usize) -> &mut [u8] {
        // SAFETY: inside of the ring, which `bytes` checks; the caller promises that they are nobody
        // else's now.
        unsafe { std::slice::from_raw_parts_mut(self.bytes(at, len), len) }
    }

    #[inline]
    unsafe fn message(&self, at: usize, len: usize) -> &[u8] {
        // SAFETY: as for `room`.
        unsafe { std::slice::from_raw_parts(self.bytes(at, len), len) }
    }
}
