//! When is an op to begin, where agents do not begin as soon as they can?
//!
//! On an open schedule: op k of an agent is planned for `begin + k · period`, whatever became of the op before
//! it. Agents that talk to each other are planned together, as they need each other's messages of the
//! same round; agents that do not are spread over the period, so that they do not all want a CPU at once.
//!
//! A worker sleeps until the next planned start, as a server does: what it takes to wake up is part of the
//! latency, in every deployment alike. Whoever sleeps for a time in a worker sleeps by [`sleep_until`]: until a moment,
//! not for a while, so that nothing is added by what happens before the sleep begins.

use super::control::monotonic_ns;
use rustix::thread::{clock_nanosleep_absolute, set_current_timer_slack};
use rustix::time::{ClockId, Timespec};
use std::num::NonZeroU64;

/// From the opening of the window to the first planned start: all workers are awake by then, nanoseconds.
const LEAD_NS: u64 = 20_000_000;

/// What waking up one more worker may take of that, nanoseconds.
const LEAD_PER_WORKER_NS: u64 = 100_000;

/// The planned starts of one window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    /// CLOCK_MONOTONIC of the first planned start, nanoseconds.
    begin_ns: u64,
    /// From one op of an agent to its next, nanoseconds.
    period_ns: f64,
    /// From an agent's planned start to that of the next agent, nanoseconds.
    apart_ns: f64,
}

impl Pace {
    /// `ops_per_s` ops of `agents` agents together, in a window that `workers` workers saw open at
    /// `opened_ns`.
    pub(super) fn new(
        opened_ns: u64,
        ops_per_s: f64,
        agents: usize,
        workers: usize,
        is_coupled: bool,
    ) -> Pace {
        Pace {
            begin_ns: first_start_ns(opened_ns, workers),
            period_ns: agents as f64 * 1e9 / ops_per_s,
            apart_ns: if is_coupled { 0.0 } else { 1e9 / ops_per_s },
        }
    }

    /// When op `k` (from 0) of agent `agent` is to begin: CLOCK_MONOTONIC, nanoseconds.
    #[inline]
    pub(super) fn planned_ns(&self, agent: usize, k: u64) -> u64 {
        self.begin_ns + (k as f64 * self.period_ns + agent as f64 * self.apart_ns) as u64
    }
}

/// The first planned start of a window that opened at `opened_ns`, both CLOCK_MONOTONIC, nanoseconds.
pub(crate) fn first_start_ns(opened_ns: u64, workers: usize) -> u64 {
    opened_ns + LEAD_NS + workers as u64 * LEAD_PER_WORKER_NS
}

/// Lets this thread's sleeps end when they are to end: by default the kernel may take 50 µs more, and as much as it
/// likes where whoever started the program has allowed it to.
pub(super) fn sleep_exactly() {
    // Where it is refused, sleeps are longer, for every deployment alike.
    let _ = set_current_timer_slack(NonZeroU64::new(1));
}

/// Sleeps until CLOCK_MONOTONIC shows `ns`; not at all when it has passed.
pub(super) fn sleep_until(ns: u64) {
    let until = Timespec {
        tv_sec: (ns / 1_000_000_000) as i64,
        tv_nsec: (ns % 1_000_000_000) as i64,
    };
    // Interrupted: go on sleeping. Anything else cannot happen with a valid time; then nobody sleeps.
    while monotonic_ns() < ns {
        match clock_nanosleep_absolute(ClockId::Monotonic, &until) {
            Ok(()) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_agents_share_the_period_evenly() {
        let pace = Pace::new(1_000, 1000.0, 4, 2, false);
        let begin = pace.planned_ns(0, 0);
        assert_eq!(begin, first_start_ns(1_000, 2));
        // A thousand ops a second, one after the other: every millisecond one.
        let planned: Vec<u64> = (0..8)
            .map(|op| pace.planned_ns(op % 4, op as u64 / 4) - begin)
            .collect();
        let expected: Vec<u64> = (0..8).map(|op| op * 1_000_000).collect();
        assert_eq!(planned, expected);
    }

    #[test]
    fn coupled_agents_are_planned_together() {
        let pace = Pace::new(0, 1000.0, 4, 4, true);
        for k in 0..3 {
            let planned = pace.planned_ns(0, k);
            assert!((0..4).all(|agent| pace.planned_ns(agent, k) == planned));
            assert_eq!(planned - pace.planned_ns(0, 0), k * 4_000_000);
        }
    }

    #[test]
    fn nobody_sleeps_for_what_has_passed_and_nobody_wakes_early() {
        sleep_until(0);
        let until = monotonic_ns() + 3_000_000;
        sleep_until(until);
        assert!(monotonic_ns() >= until);
    }
}
