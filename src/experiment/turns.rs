//! How do the two invocations of a pair share the time of their windows?
//!
//! A machine whose cores are shared with strangers changes its pace many times a second, and keeps a pace
//! for seconds: two windows of a quarter of a second, one after the other, then differ by what happened to
//! the machine between them. So both hosts of a pair are set up and warmed up before either is measured, and
//! then they take turns: some 20 ms the one, some 20 ms the other, while the partner's workers sleep on
//! their gate. A sample is still a whole invocation: its ops, over the sum of its turns.
//!
//! On a guest with two CPUs whose neighbours were busy, the same work in two windows of 250 ms, 0.3 s apart,
//! differed by 8.7 to 10.1 % (standard deviation of ln ratio, 49 pairs on either CPU); in twelve turns each,
//! by some 2.5 %. See `examples/turns.rs`.

use crate::deployment::pinning;
use crate::observe::cpu::{ProcessClock, SystemCpu, foreign_share, steal_share};
use crate::record::{Outcome, SLICES};
use nix::unistd::getpid;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// A turn is not shorter than this, seconds: waking the workers and parking them takes some 0.1 ms.
const SHORTEST_S: f64 = 0.020;

/// Time that the scheduler gives a worker before it gives it to the next one, seconds. In every turn
/// each worker shall have had it once.
const TIME_SLICE_S: f64 = 0.003;

/// A turn ends when every agent has ended its episode; it is at least so many episodes long, so that the
/// end, when CPUs fall idle one by one, is a small part of it: of two workers on two CPUs a third of an
/// episode, on average, half of that of the whole: 1 % at worst.
const EPISODES: f64 = 16.0;

/// How an invocation takes part in its pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Whether the window is cut into turns, between which the partner has its own; otherwise it is one
    /// piece, and the invocation is alone while it runs.
    pub takes_turns: bool,
    /// Whether this host was started before its partner, and ends before it.
    pub is_first: bool,
}

impl Part {
    /// Alone on the machine, in one piece.
    pub const ALONE: Part = Part {
        takes_turns: false,
        is_first: true,
    };
}

/// Turns that a window of `window_s` seconds is cut into, where `workers` share `cpus`, and an agent takes
/// `episode_s` seconds for an episode while all run: a divisor of the number of slices, at least 1.
#[must_use]
pub fn how_many(window_s: f64, workers: usize, cpus: f64, episode_s: f64) -> u32 {
    let all_once_s = (workers as f64 / cpus.max(1.0)).ceil() * TIME_SLICE_S;
    let turn_s = SHORTEST_S.max(all_once_s).max(EPISODES * episode_s);
    let fits = |turns: &u32| {
        // Twelfths of a second are no exact numbers.
        is_possible(*turns) && window_s / f64::from(*turns) >= turn_s * (1.0 - 1e-9)
    };
    (1..=SLICES).rev().find(fits).unwrap_or(1)
}

/// Whether a window can have so many turns: each has whole slices.
#[must_use]
pub fn is_possible(turns: u32) -> bool {
    turns > 0 && SLICES.is_multiple_of(turns)
}

/// Who goes first in turn number `turn`, and who second: A B, B A, A B, …: a drift favours nobody.
#[must_use]
pub fn order(turn: u32) -> [usize; 2] {
    match turn % 2 {
        0 => [0, 1],
        _ => [1, 0],
    }
}

/// The CPU that both sides have in turn number `turn` of `of`, the next one of some of those `allowed` in every
/// turn: of so many that each third of the window sees each of them equally often.
///
/// A worker that is alone stays on the CPU that it was started on. Two hosts, one after the other, are started
/// on two, and two CPUs have two paces: between two equal single workers that stayed where they were,
/// turns left a difference of 10 % from pair to pair, where the turns within a pair account for 4.6 %
/// (standard deviation of ln ratio; 48 pairs). With workers on all CPUs nothing of that is seen.
#[must_use]
pub fn cpu_of(turn: u32, of: u32, first: usize, allowed: &[usize]) -> Option<usize> {
    let in_a_third = if of.is_multiple_of(3) { of / 3 } else { 1 };
    let fits = |n: &usize| *n <= allowed.len() && (in_a_third as usize).is_multiple_of(*n);
    let some = (1..=in_a_third as usize).rev().find(fits)?;
    let number = (first + turn as usize % some).checked_rem(allowed.len())?;
    Some(allowed[number])
}

/// What a host says when it waits for its turn, or to hand over.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// Turns that it has done.
    pub turns_done: u32,
    /// What an episode of an agent took in the warm-up, seconds.
    pub episode_s: f64,
    /// CPU time of the host and its workers since they began, nanoseconds.
    pub own_cpu_ns: u64,
}

/// What a host is told while it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Run one turn.
    Turn {
        /// Turns of the whole window.
        of: u32,
        /// The CPU that the workers stay on; `None` where they run on any that they may.
        cpu: Option<usize>,
    },
    /// The window is over: hand over.
    HandOver,
}

/// The machine before the first turn of a pair.
pub(super) struct Around {
    began: Instant,
    allowed: Vec<usize>,
    system: Option<SystemCpu>,
    hosts_ns: u64,
    own_ns: Option<u64>,
}

impl Around {
    /// Begins to watch; `hosts_ns` is what both hosts have used of the CPUs so far.
    pub(super) fn begin(hosts_ns: u64) -> Around {
        let allowed = pinning::allowed();
        Around {
            system: SystemCpu::read(&allowed).ok(),
            allowed,
            hosts_ns,
            own_ns: own_ns(),
            began: Instant::now(),
        }
    }

    /// Shares of the CPU time since [`Around::begin`] that others used, and that the hypervisor took.
    pub(super) fn end(self, hosts_ns: u64) -> Shares {
        let (wall, cpus) = (self.began.elapsed(), self.allowed.len() as f64);
        let now = SystemCpu::read(&self.allowed).ok();
        let spent = now.zip(self.system).map(|(now, then)| now.since(then));
        let own = own_ns().zip(self.own_ns).map(|(now, then)| now - then);
        let known_ns = own.map(|ns| ns + hosts_ns.saturating_sub(self.hosts_ns));
        let foreign = spent.zip(known_ns);
        Shares {
            foreign_cpu: foreign.and_then(|(s, known)| foreign_share(s, known, cpus, wall)),
            steal: spent.and_then(|s| steal_share(s, cpus, wall)),
        }
    }
}

/// CPU time of this process, nanoseconds.
fn own_ns() -> Option<u64> {
    ProcessClock::of(getpid()).ok()?.now_ns().ok()
}

/// What the CPUs did for others while a pair took its turns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shares {
    foreign_cpu: Option<f64>,
    steal: Option<f64>,
}

impl Shares {
    /// Writes the shares into a sample: a host counts its partner among the others.
    pub(super) fn write_into(self, outcome: &mut Outcome) {
        if let Outcome::Measured(sample) = outcome {
            (sample.foreign_cpu, sample.steal) = (self.foreign_cpu, self.steal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_divide_the_slices_and_leave_every_worker_its_time() {
        // Few workers: the shortest turns.
        assert_eq!(how_many(0.25, 1, 2.0, 0.0003), 12);
        assert_eq!(how_many(0.25, 8, 2.0, 0.0012), 12);
        // 32 workers on two CPUs need 48 ms each time round.
        assert_eq!(how_many(0.25, 32, 2.0, 0.003), 4);
        assert_eq!(how_many(0.25, 32, 64.0, 0.0003), 12);
        // Long episodes make long turns, down to one.
        assert_eq!(how_many(0.25, 8, 2.0, 0.0025), 6);
        assert_eq!(how_many(0.25, 8, 2.0, 0.02), 1);
        assert_eq!(how_many(0.25, 8, 2.0, 10.0), 1);
        // A thousand workers, in the window that METHOD prescribes for them.
        assert_eq!(how_many(7.5, 1000, 2.0, 0.0), 4);
        assert_eq!(how_many(0.1, 2, 2.0, 0.0), 4);
        for workers in 1..200 {
            let turns = how_many(0.25, workers, 2.0, 0.0);
            assert!(SLICES.is_multiple_of(turns));
        }
    }

    #[test]
    fn the_order_is_the_same_from_both_ends() {
        let orders: Vec<[usize; 2]> = (0..4).map(order).collect();
        assert_eq!(orders, [[0, 1], [1, 0], [0, 1], [1, 0]]);
    }

    #[test]
    fn both_thirds_of_a_window_see_the_same_cpus() {
        let cpus =
            |of, all: &[usize]| -> Vec<_> { (0..of).map(|t| cpu_of(t, of, 5, all)).collect() };
        // Two of three, so that each third of twelve turns has both twice.
        assert_eq!(
            cpus(12, &[2, 3, 7])[..4],
            [Some(7), Some(2), Some(7), Some(2)]
        );
        let of_eight = cpus(12, &[0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(of_eight[..5], [Some(5), Some(6), Some(7), Some(0), Some(5)]);
        for all in [&[0, 1][..], &[0, 1, 2], &[0, 1, 2, 3, 4, 5, 6, 7]] {
            for of in [1, 2, 3, 4, 6, 12] {
                let cpus = cpus(of, all);
                let third = of as usize / 3;
                let sorted = |cpus: &[Option<usize>]| {
                    let mut cpus = cpus.to_vec();
                    cpus.sort_unstable();
                    cpus
                };
                assert_eq!(sorted(&cpus[..third]), sorted(&cpus[cpus.len() - third..]));
            }
        }
        assert_eq!(cpu_of(0, 12, 0, &[]), None);
    }
}
