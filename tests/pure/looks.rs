//! Does looking before all pairs are in find what is not there? Simulated, at the very edge of the margin.

use forkscope::record::{Side, Verdict};
use forkscope::stats::{PairDifference, Widen, effect};
use forkscope::verdict::verdict;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

const MARGIN: f64 = 0.03;

/// Runs per setting: a share of 2.5 % has a standard error of 0.25 %.
const RUNS: usize = 4_000;

/// A standard normal number.
fn normal(rng: &mut Pcg64) -> f64 {
    let mut uniform = || (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let (u, v) = (1.0 - uniform(), uniform());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// Looks after every two pairs from the sixth on, and stops at the first verdict: how often it is this one, of
/// a comparison whose ln ratio is `truth` and whose invocations vary by `sigma`.
fn verdicts(truth: f64, sigma: f64, most: usize, peeking: f64) -> (f64, f64) {
    let mut rng = Pcg64::seed_from_u64((most * 1000) as u64 + (sigma * 1e4) as u64);
    let widen = Widen {
        peeking,
        ..Widen::NONE
    };
    let (mut ahead, mut ties) = (0, 0);
    for _ in 0..RUNS {
        let mut pairs = Vec::new();
        while pairs.len() < most {
            for first in [Side::Baseline, Side::X] {
                let ln_difference = truth + sigma * (normal(&mut rng) - normal(&mut rng));
                pairs.push(PairDifference {
                    ln_difference,
                    first,
                });
            }
            if pairs.len() < 6 {
                continue;
            }
            let found = effect(&pairs, MARGIN, widen).expect("enough pairs");
            match verdict(&found, MARGIN, "threads", "processes") {
                Verdict::Ahead { .. } => ahead += 1,
                Verdict::Tie => ties += 1,
                _ => continue,
            }
            break;
        }
    }
    (ahead as f64 / RUNS as f64, ties as f64 / RUNS as f64)
}

#[test]
fn at_the_edge_of_the_margin_either_error_stays_near_what_one_look_has() {
    for (most, peeking) in [(10, 1.25), (20, 1.35), (34, 1.45)] {
        for sigma in [0.01, 0.02, 0.05] {
            let (ahead, ties) = verdicts(MARGIN.ln_1p(), sigma, most, peeking);
            let what = format!("{most} pairs, noise {sigma}: {ahead:.3} ahead, {ties:.3} ties");
            assert!(ahead < 0.035 && ties < 0.035, "{what}");
        }
    }
}

/// What the factor is there for: without it the test above would have to fail.
#[test]
fn without_the_factor_looking_finds_what_is_not_there() {
    let (ahead, ties) = verdicts(MARGIN.ln_1p(), 0.02, 34, 1.0);
    assert!(ahead + ties > 0.10, "{ahead} {ties}");
}

#[test]
fn what_is_there_is_still_found() {
    let (ahead, _) = verdicts(0.10_f64.ln_1p(), 0.02, 34, 1.45);
    assert!(ahead > 0.95, "{ahead}");
    let (_, ties) = verdicts(0.0, 0.01, 34, 1.45);
    assert!(ties > 0.95, "{ties}");
}
