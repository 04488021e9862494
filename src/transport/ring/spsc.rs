//! How does one end hand bytes to the other, without a lock? By a bounded ring in memory that both map.
//!
//! One producer, one consumer, messages of any length up to a quarter of the ring, in order, none
//! lost, none twice. Neither end ever blocks in here: waiting is the [doorbell](super::doorbell)'s business.
//!
//! # How it works
//!
//! The ring holds *frames*: a header of eight bytes, then the message, padded to eight bytes. A header is 0
//! until its frame is there to be read. So the consumer polls the very cache line that the message arrives in, and a
//! small message costs one transfer of a line between two CPUs, not three.
//!
//! ```text
//!            head (consumer)                     tail (producer)
//!              │                                   │
//!   ───────────┬────────┬──────────────┬───────────┬────────┬──────────────
//!    read, free│ len seq│ message      │ len seq …│   0    │ free
//!   ───────────┴────────┴──────────────┴───────────┴────────┴──────────────
//! ```
//!
//! Sending writes, in this order: 0 into the header that will come after the message; the message; the
//! frame's own header. The last one publishes. A frame never wraps: where it does not fit before the ring's
//! end, a header that says *go to the start* is published after the frame at the start is complete.
//!
//! The 0 comes first because it may lie on another cache line than the header: stores become visible in
//! order, and once the producer has taken the header's line from the consumer, which polls it, nothing
//! that has to be waited for shall stand between the message and its header, or the line is taken back.
//!
//! # Why the orderings suffice
//!
//! - *The message is whole when its header is seen*: the header is stored with Release after the message
//!   and after the next header's 0, and loaded with Acquire before either is read.
//! - *A header is never stale*: what the consumer polls at `head` was set to 0 by the producer before it published
//!   the frame before, which the consumer has seen. Until the producer publishes there, it stays 0.
//! - *No frame is overwritten before it is read*: the producer writes only bytes that lie below `head` + capacity,
//!   where `head` was loaded with Acquire; the consumer stores it with Release after it has read
//!   the frame. The producer keeps the last value it has seen, which can only be too small.
//! - *Nobody sleeps for ever*: see [`super::doorbell`]. A producer that waits for room is woken when `head` passes a
//!   quarter of the ring; a frame takes at most a quarter, so there is always such a moment left when the
//!   ring is too full for the next frame, and after the last of them there is room.
//!
//! # What a broken peer can do
//!
//! Both ends check what the other one wrote before they use it: a length, a place or a sequence number that
//! cannot be is [`Damage`], never an access outside of the ring. A peer that goes on writing where it may
//! not can garble messages, nothing more.

use super::memory::{Memory, Word};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

/// Bytes of a header, and what everything is aligned to.
pub const HEADER: usize = 8;

/// Smallest ring: a few messages of a cache line.
pub const LEAST_CAPACITY: usize = 256;

const FRAME: u64 = 1 << 32;
const WRAP: u64 = 2 << 32;
const KIND: u64 = 3 << 32;
const SEQUENCE: u32 = 34;

/// Something is in the ring that no sane peer writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage(pub &'static str);

/// How a message is published: how strongly it is ordered before what the producer reads next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publish {
    /// The consumer never sleeps: Release.
    Plain,
    /// The producer looks next whether the consumer sleeps: sequentially consistent.
    ThenLook,
}

/// Largest message of a ring of `capacity` bytes.
pub const fn most_bytes(capacity: usize) -> usize {
    capacity / 4 - 2 * HEADER
}

const fn frame_bytes(len: usize) -> usize {
    HEADER + len.next_multiple_of(HEADER)
}

/// The sending end.
pub struct Producer<M> {
    memory: M,
    mask: u64,
    tail: u64,
    /// The last `head` that was seen.
    head: u64,
    sequence: u64,
}

/// The receiving end.
pub struct Consumer<M> {
    memory: M,
    mask: u64,
    head: u64,
    sequence: u64,
}

impl<M: Memory> Producer<M> {
    /// The one producer of `memory`, which is fresh (all zero).
    pub fn new(memory: M) -> Self {
        let mask = memory.capacity() as u64 - 1;
        Producer {
            memory,
            mask,
            tail: 0,
            head: 0,
            sequence: 0,
        }
    }

    /// Sends a message of `len` bytes, which `fill` writes; false when there is no room now.
    ///
    /// # Errors
    /// [`Damage`] when the consumer's `head` cannot be.
    ///
    /// # Panics
    /// When `len` is above [`most_bytes`].
    #[inline]
    pub fn try_send(
        &mut self,
        len: usize,
        publish: Publish,
        fill: impl FnOnce(M::Room<'_>),
    ) -> Result<bool, Damage> {
        let capacity = self.memory.capacity();
        assert!(
            len <= most_bytes(capacity),
            "a message of {len} bytes in a ring of {capacity}"
        );
        let frame = frame_bytes(len);
        let at = (self.tail & self.mask) as usize;
        let to_end = capacity - at;
        let skip = if frame <= to_end { 0 } else { to_end };
        // The header after the frame must be free, too: it is set to 0 before the frame is published.
        if !self.has_room(skip + frame + HEADER)? {
            return Ok(false);
        }
        let start = if skip == 0 { at } else { 0 };
        let next = self.tail + (skip + frame) as u64;
        // Relaxed: the frame's own header, which is released later, carries it.
        self.memory
            .word((next & self.mask) as usize)
            .store(0, Relaxed);
        // SAFETY: [start, start + frame) lies inside of the ring, and is the producer's.
        fill(unsafe { self.memory.room(start + HEADER, len) });
        let header = |kind, sequence: u64| (sequence << SEQUENCE) | kind;
        let own = header(FRAME, self.sequence) | len as u64;
        if skip == 0 {
            self.publish(at, own, publish);
        } else {
            self.memory.word(0).store(own, Relaxed);
            self.publish(at, header(WRAP, self.sequence), publish);
        }
        self.sequence = self.sequence.wrapping_add(1);
        self.tail = next;
        Ok(true)
    }

    #[inline]
    fn publish(&self, at: usize, header: u64, publish: Publish) {
        match publish {
            Publish::Plain => self.memory.word(at).store(header, Release),
            // An exchange is one instruction with all the order there is; a store and a fence are two.
            Publish::ThenLook => {
                self.memory.word(at).swap(header, SeqCst);
            }
        }
    }

    #[inline]
    fn has_room(&mut self, bytes: usize) -> Result<bool, Damage> {
        let capacity = self.memory.capacity() as u64;
        let bytes = bytes as u64;
        if self.tail - self.head + bytes <= capacity {
            return Ok(true);
        }
        let head = self.memory.head().load(Acquire);
        if head < self.head || head > self.tail {
            return Err(Damage("the consumer's place"));
        }
        self.head = head;
        Ok(self.tail - head + bytes <= capacity)
    }

    /// Whether a message of `len` bytes would find room now; looked up with sequentially consistent
    /// order, for a producer that is about to sleep.
    ///
    /// # Errors
    /// As [`Producer::try_send`].
    pub fn would_fit(&mut self, len: usize) -> Result<bool, Damage> {
        let capacity = self.memory.capacity();
        let frame = frame_bytes(len);
        let to_end = capacity - (self.tail & self.mask) as usize;
        let skip = if frame <= to_end { 0 } else { to_end };
        let head = self.memory.head().load(SeqCst);
        if head < self.head || head > self.tail {
            return Err(Damage("the consumer's place"));
        }
        self.head = head;
        Ok((self.tail - head) as usize + skip + frame + HEADER <= capacity)
    }

    /// Whether everything was read.
    pub fn is_drained(&self) -> bool {
        self.memory.head().load(Acquire) == self.tail
    }
}

impl<M: Memory> Consumer<M> {
    /// The one consumer of `memory`, which is fresh (all zero).
    pub fn new(memory: M) -> Self {
        let mask = memory.capacity() as u64 - 1;
        Consumer {
            memory,
            mask,
            head: 0,
            sequence: 0,
        }
    }

    /// Takes a message, if one is there: `take` reads it where it lies. Says whether the producer may
    /// be waiting for the room that this made.
    ///
    /// # Errors
    /// [`Damage`] when the producer's header cannot be.
    #[inline]
    pub fn try_receive<R>(
        &mut self,
        take: impl FnOnce(M::Message<'_>) -> R,
    ) -> Result<Option<(R, bool)>, Damage> {
        let capacity = self.memory.capacity();
        let mut at = (self.head & self.mask) as usize;
        let mut header = self.memory.word(at).load(Acquire);
        if header == 0 {
            return Ok(None);
        }
        let mut skipped = 0;
        if header & KIND == WRAP {
            if header >> SEQUENCE != self.sequence & (u64::MAX >> SEQUENCE) || at == 0 {
                return Err(Damage("a frame's header"));
            }
            skipped = capacity - at;
            at = 0;
            // Complete before the header that sent us here was published.
            header = self.memory.word(0).load(Relaxed);
        }
        // Kind and sequence taken away, what is left of a sane header is its length. Of any other one it is
        // far more than any length.
        let expected = (self.sequence << SEQUENCE) | FRAME;
        let len = usize::try_from(header.wrapping_sub(expected)).unwrap_or(usize::MAX);
        if len > most_bytes(capacity) || at + frame_bytes(len) > capacity {
            return Err(Damage("a frame's header"));
        }
        let frame = frame_bytes(len);
        // SAFETY: [at, at + frame) lies inside of the ring, as was just checked.
        let taken = take(unsafe { self.memory.message(at + HEADER, len) });
        let before = self.head;
        self.head += (skipped + frame) as u64;
        self.sequence = self.sequence.wrapping_add(1);
        // The bits above a quarter: a division less per message.
        let quarter = capacity as u64 / 4;
        let passes = (before ^ self.head) & !(quarter - 1) != 0;
        if passes {
            self.memory.head().swap(self.head, SeqCst);
        } else {
            self.memory.head().store(self.head, Release);
        }
        Ok(Some((taken, passes)))
    }

    /// Whether a message is there; looked up with sequentially consistent order, for a consumer that is about
    /// to sleep.
    #[inline]
    pub fn has_message(&self) -> bool {
        self.memory
            .word((self.head & self.mask) as usize)
            .load(SeqCst)
            != 0
    }
}
