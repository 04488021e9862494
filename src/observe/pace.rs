//! How evenly do the CPUs run when nothing else does?
//!
//! A neighbour on the same physical core, as virtual machines have them, takes no CPU time that anybody
//! could account for: it is neither foreign CPU nor steal, and yet whatever runs here gets two thirds
//! of a core while the neighbour runs, and all of it while it does not. Work that keeps every unit of a core
//! busy shows it: the same piece of it takes longer.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Length of a slice: short against the tenths of a second in which neighbours come and go, long
/// against an interrupt.
const SLICE: Duration = Duration::from_millis(5);

/// Share of the slices at the start that do not count: the CPU wakes up, and caches fill.
const WARM_UP: f64 = 0.1;

/// Rounds of a piece of work: some tens of microseconds, so that reading the clock costs nothing.
const ROUNDS: u32 = 4_000;

/// Chains that do not wait for one another: more than a core has units for.
const CHAINS: usize = 12;

/// Runs `threads` threads for `span` and says how far their pace varies: (90th percentile − 10th percentile) /
/// median of the work done per slice, of the thread that varies most. 0 is perfectly even.
///
/// `None` when the span holds fewer than ten slices, or no thread can be started.
#[must_use]
pub fn spread(threads: usize, span: Duration) -> Option<f64> {
    std::thread::scope(|scope| {
        let run = || slices(span);
        let others: Vec<_> = (1..threads)
            .filter_map(|_| std::thread::Builder::new().spawn_scoped(scope, run).ok())
            .collect();
        let own = of(&slices(span));
        others
            .into_iter()
            .filter_map(|t| of(&t.join().ok()?))
            .chain(own)
            .reduce(f64::max)
    })
}

/// Work per second in each slice of `span`.
fn slices(span: Duration) -> Vec<f64> {
    let mut state = [1_u64; CHAINS];
    let mut rates = Vec::with_capacity((span.as_nanos() / SLICE.as_nanos()) as usize + 1);
    let began = Instant::now();
    while began.elapsed() < span {
        let slice = Instant::now();
        let mut pieces = 0;
        while slice.elapsed() < SLICE {
            work(&mut state);
            pieces += 1;
        }
        rates.push(f64::from(pieces) / slice.elapsed().as_secs_f64());
    }
    rates
}

/// A piece of work: chains of additions, shifts and exclusive ors.
fn work(state: &mut [u64; CHAINS]) {
    for _ in 0..ROUNDS {
        for chain in state.iter_mut() {
            *chain = (*chain ^ (*chain >> 7)).wrapping_add(0x9e37_79b9_7f4a_7c15);
        }
        // Every round, or the compiler would do several at once in one thread and not in the other.
        black_box(&mut *state);
    }
}

fn of(rates: &[f64]) -> Option<f64> {
    let mut sorted = rates[(rates.len() as f64 * WARM_UP).ceil() as usize..].to_vec();
    if sorted.len() < 10 {
        return None;
    }
    sorted.sort_by(f64::total_cmp);
    let at = |p: f64| sorted[(p * (sorted.len() - 1) as f64).round() as usize];
    Some((at(0.9) - at(0.1)) / at(0.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_pace_has_no_spread_and_two_paces_have_their_distance() {
        assert_eq!(of(&[100.0; 40]), Some(0.0));
        let two: Vec<f64> = (0..100).map(|i| [300.0, 450.0][i / 5 % 2]).collect();
        let spread = of(&two).unwrap();
        assert!(
            (150.0 / 450.0..=150.0 / 300.0).contains(&spread),
            "{spread}"
        );
        assert_eq!(of(&[100.0; 10]), None, "too few to say");
    }

    #[test]
    fn a_rare_interruption_is_no_change_of_pace() {
        let mut rates = vec![100.0; 100];
        (rates[30], rates[60]) = (10.0, 50.0);
        assert_eq!(of(&rates), Some(0.0));
    }

    #[test]
    fn every_thread_is_watched() {
        // Where others use the CPUs, a slice takes longer, and few of them are no answer.
        let mut longer = (0..6).map(|i| Duration::from_millis(100 << i));
        let spread = longer.find_map(|span| spread(2, span));
        let spread = spread.expect("some of these spans hold ten slices");
        assert!((0.0..100.0).contains(&spread), "{spread}");
    }
}
