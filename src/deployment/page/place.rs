//! What a worker reads and writes inside a window: its lease, the stop, its counters.

use super::stop::{LEASE, Lease};
use super::{Slot, Stop};
use std::sync::atomic::Ordering::Relaxed;

/// What a worker touches inside a window.
pub struct Place<'a> {
    slot: &'a Slot,
    stop: &'a Stop,
    lease: Lease<'a>,
}

impl<'a> Place<'a> {
    pub(super) fn new(slot: &'a Slot, stop: &'a Stop) -> Place<'a> {
        Place {
            slot,
            stop,
            lease: Lease::new(&stop.decision, &slot.lease, LEASE),
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
        self.lease.may_begin(round)
    }

    /// Sleeps until it is decided which round is the last; at once when it is.
    pub fn await_decision(&self) {
        self.lease.await_decision();
    }

    /// Whether `round` comes after the last one.
    #[must_use]
    pub fn is_over(&self, round: u64) -> bool {
        self.lease.is_over(round)
    }
}
