//! When does each message of a delivery leave, and when does its receiver look?

use crate::workload::derive_seed;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// What [`derive_seed`] is told that the number is for.
const GAPS: u64 = 1;

/// See [`GAPS`].
const FIRST_LOOK: u64 = 2;

/// The moments of one step of an invocation, drawn from its number.
///
/// Another invocation has other moments, so that invocations are independent samples of all moments there could
/// be; both sides of a pair have the same ones.
pub(super) struct Arrivals {
    gaps: Pcg64,
    first_look: Pcg64,
}

impl Arrivals {
    /// `step` tells the warm-up from the window: however many messages the one had, the other begins alike on
    /// both sides.
    pub(super) fn new(seed: u64, step: u64) -> Arrivals {
        let stream = |purpose| Pcg64::seed_from_u64(derive_seed(seed, step, purpose));
        Arrivals {
            gaps: stream(GAPS),
            first_look: stream(FIRST_LOOK),
        }
    }

    /// Time to the next message: evenly between 0 and twice the mean, nanoseconds.
    pub(super) fn gap_ns(&mut self, mean_us: u64) -> u64 {
        self.gaps.next_u64() % (2000 * mean_us)
    }

    /// Time from the opening of the window to the first look: evenly within the interval, above 0, nanoseconds.
    pub(super) fn first_look_ns(&mut self, interval_ns: u64) -> u64 {
        1 + self.first_look.next_u64() % interval_ns
    }
}

/// What a message carries: its planned moment, in ticks, and never that of the one before it. A sender that is
/// late by `late` ticks `now` delays its message as its transport does; a message that carried the time of its
/// leaving would hide that.
pub(super) fn stamp(now: u64, late: u64, last: u64) -> u64 {
    now.saturating_sub(late).max(last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP_US: u64 = 2400;
    const INTERVAL_NS: u64 = 100_000_000;
    const WINDOW_NS: u64 = 300_000_000;

    fn gaps(seed: u64, step: u64) -> Vec<u64> {
        let mut arrivals = Arrivals::new(seed, step);
        (0..100).map(|_| arrivals.gap_ns(GAP_US)).collect()
    }

    /// Mean wait for a look, milliseconds, where sending takes no time.
    fn mean_delay_ms(seed: u64) -> f64 {
        let mut arrivals = Arrivals::new(seed, 1);
        let first = arrivals.first_look_ns(INTERVAL_NS);
        assert!((1..=INTERVAL_NS).contains(&first));
        let (mut sent, mut delays) = (0, Vec::new());
        loop {
            sent += arrivals.gap_ns(GAP_US);
            if sent >= WINDOW_NS {
                break;
            }
            let mut look = first;
            while look < sent {
                look += INTERVAL_NS;
            }
            delays.push((look - sent) as f64 * 1e-6);
        }
        delays.iter().sum::<f64>() / delays.len() as f64
    }

    #[test]
    fn invocations_differ_and_the_sides_of_a_pair_do_not() {
        assert_eq!(gaps(7, 1), gaps(7, 1));
        assert_ne!(gaps(7, 1), gaps(8, 1));
        assert_ne!(gaps(7, 1), gaps(7, 0));
        let first_look = |seed| Arrivals::new(seed, 1).first_look_ns(INTERVAL_NS);
        assert_eq!(first_look(7), first_look(7));
        assert_ne!(first_look(7), first_look(8));
    }

    #[test]
    fn invocations_of_polling_scatter_around_half_an_interval() {
        let means: Vec<f64> = (0..400).map(mean_delay_ms).collect();
        let n = means.len() as f64;
        let mean = means.iter().sum::<f64>() / n;
        let sd = (means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
        // 125 messages, of which one gives 29 ms of scatter: one fixed sequence would give none.
        assert!((1.0..4.0).contains(&sd), "{sd}");
        assert!((mean - 50.0).abs() < 3.0 * sd / n.sqrt(), "{mean}");
    }

    #[test]
    fn a_message_that_leaves_late_carries_its_planned_moment() {
        // The sender was held up: three messages leave at tick 1000 that were planned for 400, 600, 900.
        let mut last = 0;
        let stamps = [600, 400, 100].map(|late| {
            last = stamp(1000, late, last);
            last
        });
        assert_eq!(stamps, [400, 600, 900]);
    }

    #[test]
    fn two_messages_never_carry_one_moment() {
        assert_eq!(stamp(1000, 0, 1000), 1001);
        assert_eq!(stamp(1000, 300, 900), 901);
        assert_eq!(stamp(5, 10, 0), 1);
    }
}
