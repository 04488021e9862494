//! What a worker reads and writes inside a window: its lease, the stop, its counters.

use super::{Slot, Stop, wait};
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// Rounds by which a lease is extended at a time. More would lengthen the way to a common stop.
const LEASE: u64 = 8;

/// What a worker touches inside a window.
pub struct Place<'a> {
    slot: &'a Slot,
    stop: &'a Stop,
    /// Rounds below this may begin without asking.
    allowed: u64,
}

impl<'a> Place<'a> {
    pub(super) fn new(slot: &'a Slot, stop: &'a Stop) -> Place<'a> {
        Place {
            slot,
            stop,
            allowed: 0,
        }
    }

    /// Writes down the counted ops of this turn.
    #[inline]
    pub fn count(&self, ops: u64) {
        self.slot.ops.store(ops, Relaxed);
    }

    /// Writes down the fewest rounds that an agent of this worker has done.
    #[inline]
    pub fn note_rounds(&self, rounds: u64) {
        self.slot.rounds.store(rounds, Relaxed);
    }

    /// Whether free-running agents shall stop.
    #[inline]
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stop.stop.load(Relaxed) != 0
    }

    /// Whether an agent may begin round `round`.
    #[inline]
    #[must_use]
    pub fn may_begin(&mut self, round: u64) -> bool {
        round < self.allowed || self.extend(round)
    }

    #[cold]
    fn extend(&mut self, round: u64) -> bool {
        let last = self.stop.last.load(SeqCst);
        if last != u64::MAX {
            self.allowed = last;
            return round < last;
        }
        let lease = self.slot.lease.load(Relaxed).max(round + LEASE);
        // Write, then read: see the module's text. SeqCst on both sides.
        self.slot.lease.store(lease, SeqCst);
        self.allowed = lease.min(self.stop.hold.load(SeqCst));
        round < self.allowed
    }

    /// Sleeps until it is decided which round is the last; at once when it is.
    pub fn await_decision(&self) {
        loop {
            let seen = self.stop.decisions.load(SeqCst);
            if self.stop.last.load(SeqCst) != u64::MAX {
                return;
            }
            wait(&self.stop.decisions, seen, None);
        }
    }

    /// Whether `round` comes after the last one.
    #[must_use]
    pub fn is_over(&self, round: u64) -> bool {
        round >= self.stop.last.load(SeqCst)
    }
}
