//! What does a host say to workers and hear from them, whatever carries it?

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// What the host tells the workers to do, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Get ready.
    Prepare,
    /// Run until stopped; not counted.
    WarmUp,
    /// Run until stopped; counted. The window's turns are numbered from 0.
    Turn(u32),
    /// Hand over results and free what was only needed for measuring.
    HandOver,
    /// End.
    Exit,
}

impl Step {
    /// As a word of the page; a later step is a larger word.
    pub(in crate::deployment) fn word(self) -> u32 {
        match self {
            Step::Prepare => 0,
            Step::WarmUp => 1,
            Step::Turn(turn) => 2 + turn.min(MOST_TURNS),
            Step::HandOver => u32::MAX - 1,
            Step::Exit => u32::MAX,
        }
    }

    /// What a worker has reached that is done with it.
    pub(crate) fn leads_to(self) -> Reached {
        match self {
            Step::Prepare => Reached::Ready,
            Step::WarmUp => Reached::WarmedUp,
            Step::Turn(turn) => Reached::Turned(turn),
            Step::HandOver | Step::Exit => Reached::HandedOver,
        }
    }

    pub(in crate::deployment) fn of(word: u32) -> Step {
        match word {
            0 => Step::Prepare,
            1 => Step::WarmUp,
            u32::MAX => Step::Exit,
            word if word - 2 > MOST_TURNS => Step::HandOver,
            word => Step::Turn(word - 2),
        }
    }
}

/// Turns that the words of the page have numbers for: far more than a window has.
const MOST_TURNS: u32 = u32::MAX / 2;

/// How far a worker has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// Nothing yet.
    Nothing,
    /// Its process has connected to the host.
    Connected,
    /// Its agents are built; it waits for the next step.
    Ready,
    /// Parked after the warm-up.
    WarmedUp,
    /// Parked after the turn of this number.
    Turned(u32),
    /// Results are handed over; it sleeps until the end.
    HandedOver,
    /// It failed; the reason comes with its report.
    Failed,
}

impl Reached {
    /// As a word of the page; who has come farther has the larger word.
    pub(in crate::deployment) fn word(self) -> u32 {
        match self {
            Reached::Nothing => 0,
            Reached::Connected => 1,
            Reached::Ready => 2,
            Reached::WarmedUp => 3,
            Reached::Turned(turn) => 4 + turn.min(MOST_TURNS),
            Reached::HandedOver => u32::MAX - 1,
            Reached::Failed => u32::MAX,
        }
    }

    pub(super) fn of(word: u32) -> Reached {
        match word {
            0 => Reached::Nothing,
            1 => Reached::Connected,
            2 => Reached::Ready,
            3 => Reached::WarmedUp,
            word if word - 4 <= MOST_TURNS => Reached::Turned(word - 4),
            word if word == u32::MAX - 1 => Reached::HandedOver,
            _ => Reached::Failed,
        }
    }
}

/// How a host starts and stops workers, and sees how far they are.
///
/// The first implementation is a page that host and workers share on one machine ([`super::page::Page`]). Where workers
/// live elsewhere, ranks of another engine for instance, messages of that engine can carry the same.
pub trait Control: Send + Sync {
    /// Number of workers.
    fn workers(&self) -> usize;

    /// Opens the next step and wakes everybody. Returns CLOCK_MONOTONIC, nanoseconds.
    fn open(&self, step: Step) -> u64;

    /// Ends a warm-up or a turn. Free-running agents find their own end; coupled ones, whose
    /// `quantum` is given, all do the same number of rounds, a multiple of it, which is returned.
    fn close(&self, quantum: Option<u64>) -> Option<u64>;

    /// How far a worker has come.
    fn reached(&self, worker: usize) -> Reached;

    /// Makes room for a worker in the place of one that has died: it has not come anywhere yet.
    fn vacate(&self, worker: usize);

    /// The worker that failed first, and the agent that it was running. Others may have failed since, because of it.
    fn failed(&self) -> Option<(usize, Option<usize>)>;

    /// Count of events so far: to be read before looking at what [`Control::sleep`] waits for.
    fn events_seen(&self) -> u32;

    /// Sleeps until a worker reports something or the time is over; at once, where that is `seen` already.
    fn sleep(&self, seen: u32, at_most: Duration);

    /// Counted ops of all workers in this turn.
    fn ops(&self) -> u64;

    /// Rounds that every agent has done at least.
    fn rounds(&self) -> u64;

    /// The worker whose agents have done the fewest rounds.
    fn slowest(&self) -> usize;

    /// CLOCK_MONOTONIC at the end of the last op of all, nanoseconds.
    fn last_stop_ns(&self) -> u64;

    /// Live heap that a worker has written down for its process, bytes.
    fn live_heap_bytes(&self, worker: usize) -> i64;

    /// Workers that have not reached `what`.
    fn missing(&self, what: Reached) -> Vec<usize> {
        (0..self.workers())
            .filter(|&w| self.reached(w) < what)
            .collect()
    }
}

/// CLOCK_MONOTONIC, nanoseconds: the same clock in every process.
#[must_use]
pub fn monotonic_ns() -> u64 {
    let t = clock_gettime(ClockId::Monotonic);
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}
