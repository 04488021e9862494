//! How do agents that wait for each other's messages stop after the same round? By a lease.
//!
//! They may not stop wherever they are: a neighbour would wait for ever. So all do the same number of rounds:
//!
//! 1. A worker publishes the highest round that it may begin (its *lease*), then reads `hold`. It
//!    never begins a round beyond either.
//! 2. To stop, the host writes `hold`, then reads all leases; `last` is the largest of them. Both
//!    sides do write-then-read with sequentially consistent order, so a lease that the host did not
//!    see was extended by a worker that sees `hold`: no round after `last` is ever begun.
//! 3. The host publishes `last`, rounded up to whole episodes. Workers that had come to their hold go on, to `last` and no further.
//!
//! All three are counts: round r may begin when r is smaller. So every agent does exactly `last` rounds, and messages
//! sent equal messages received. Extending the lease by some rounds at a time keeps the fence out of nearly every op.
//!
//! # Why nobody waits for ever
//!
//! What a worker may begin never becomes less, though `hold` may lie below it: where the host read the
//! lease first and wrote `hold` after the lease was extended. So of the agents of one worker, whoever is behind may
//! begin what another one has begun. Take the waiting agent of the lowest round, and a neighbour whose message it lacks:
//! that one has not begun the round. Either its worker sleeps until `last` is decided, which wakes it; or its worker waits
//! for a message, for an agent that has begun this round or a later one, and then it would have begun this one, too.
//!
//! The very code of this file runs under a model checker: `tests/pure/gate_model.rs`.

use crate::transport::ring::memory::Word;
use std::sync::atomic::Ordering::{self, Relaxed, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};

/// Rounds by which a lease is extended at a time. More would lengthen the way to a common stop.
pub const LEASE: u64 = 8;

/// A word that many sleep on. A trait, so that a model checker can take the kernel's place.
pub trait Futex {
    /// As [`AtomicU32::load`].
    fn load(&self, order: Ordering) -> u32;
    /// As [`AtomicU32::fetch_add`].
    fn fetch_add(&self, value: u32, order: Ordering) -> u32;
    /// Sleeps while the word is `value`; may wake for no reason.
    fn wait(&self, value: u32);
    /// Wakes whoever sleeps.
    fn wake_all(&self);
}

impl Futex for AtomicU32 {
    #[inline]
    fn load(&self, order: Ordering) -> u32 {
        AtomicU32::load(self, order)
    }

    #[inline]
    fn fetch_add(&self, value: u32, order: Ordering) -> u32 {
        AtomicU32::fetch_add(self, value, order)
    }

    fn wait(&self, value: u32) {
        super::wait(self, value, None);
    }

    fn wake_all(&self) {
        super::wake(self, u32::MAX);
    }
}

/// What the host decides for all workers.
#[repr(C)]
pub struct Decision<W = AtomicU64, F = AtomicU32> {
    /// Counts decisions about `last`.
    decisions: F,
    /// No round from this one on is begun until `last` is decided.
    hold: W,
    /// Rounds that all agents do in all; `u64::MAX` while undecided.
    last: W,
}

impl<W: Word, F: Futex> Decision<W, F> {
    /// Made of its three words. Nothing is decided once it was [reopened](Decision::reopen).
    pub fn new(decisions: F, hold: W, last: W) -> Decision<W, F> {
        Decision {
            decisions,
            hold,
            last,
        }
    }

    /// Lets everybody go on. Relaxed: for workers that sleep until the host says more.
    pub fn reopen(&self) {
        self.hold.store(u64::MAX, Relaxed);
        self.last.store(u64::MAX, Relaxed);
    }

    /// Decides after which round all workers, whose `leases` these are, stop: a multiple of `quantum`.
    pub fn close<'w>(&self, leases: impl Iterator<Item = &'w W> + Clone, quantum: u64) -> u64
    where
        W: 'w,
    {
        let farthest = || leases.clone().map(|l| l.load(SeqCst)).max().unwrap_or(0);
        // Held where the farthest worker is now; `last` may be a lease beyond it.
        self.hold.store(farthest(), SeqCst);
        let last = farthest().next_multiple_of(quantum);
        self.last.store(last, SeqCst);
        self.decisions.fetch_add(1, SeqCst);
        self.decisions.wake_all();
        last
    }
}

/// How far one worker may go.
pub struct Lease<'a, W = AtomicU64, F = AtomicU32> {
    decision: &'a Decision<W, F>,
    /// Highest round that the worker may begin, plus one, for the host.
    published: &'a W,
    /// Rounds by which it is extended at a time.
    by: u64,
    /// Rounds below this may begin without asking.
    allowed: u64,
}

impl<'a, W: Word, F: Futex> Lease<'a, W, F> {
    /// Of the worker that publishes its lease in `published`, and extends it `by` so many rounds at a time.
    pub fn new(decision: &'a Decision<W, F>, published: &'a W, by: u64) -> Lease<'a, W, F> {
        Lease {
            decision,
            published,
            by,
            allowed: 0,
        }
    }

    /// Whether an agent may begin round `round`.
    #[inline]
    #[must_use]
    pub fn may_begin(&mut self, round: u64) -> bool {
        round < self.allowed || self.extend(round)
    }

    #[cold]
    fn extend(&mut self, round: u64) -> bool {
        let last = self.decision.last.load(SeqCst);
        if last != u64::MAX {
            self.allowed = last;
            return round < last;
        }
        let lease = self.published.load(Relaxed).max(round + self.by);
        // Write, then read: see the module's text. SeqCst on both sides.
        self.published.store(lease, SeqCst);
        let held = lease.min(self.decision.hold.load(SeqCst));
        // Never less than before: an agent that has begun waits for one that has not.
        self.allowed = self.allowed.max(held);
        round < self.allowed
    }

    /// Sleeps until it is decided which round is the last; at once when it is.
    pub fn await_decision(&self) {
        loop {
            let seen = self.decision.decisions.load(SeqCst);
            if self.decision.last.load(SeqCst) != u64::MAX {
                return;
            }
            self.decision.decisions.wait(seen);
        }
    }

    /// Whether `round` comes after the last one.
    #[must_use]
    pub fn is_over(&self, round: u64) -> bool {
        round >= self.decision.last.load(SeqCst)
    }
}
