//! Does it matter which side of a pair was started second?

use crate::record::{Effect, Estimate};

use super::estimate::{t_975, t_quantile};

/// Effects of the order below this are not worth a word, as a share.
const WORTH_SAYING: f64 = 0.01;

/// Quantile of Student's t that |q| / SE must pass, the two-sided 99 % point: at the 95 % point one
/// table of six cells in four would have one stand out by chance, here it is one in seventeen.
const STANDS_OUT: f64 = 0.995;

/// What running second did to a side's rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SecondRun {
    /// Rate as the second of a pair / rate as the first, the same for both sides, with its 95 %
    /// interval.
    pub change: Estimate,
    /// Whether it stands out of the noise and is worth a word.
    pub stands_out: bool,
}

/// The order effect of a cell.
///
/// q = [`Effect::order_effect`] is half the ln difference between "X ran second" and "X ran first".
/// When X runs second it gains q over the baseline, when it runs first the baseline gains q: so q is
/// what the second gains, whoever that is, and e^q the factor. Order signs are ± 1, hence the
/// regression behind the effect gives q the very standard error of ln(ratio), also when pairs of one
/// order are missing.
///
/// It stands out when it exceeds 1 % and |q| / SE lies beyond the 99 % point of Student's t with
/// n − 2 degrees of freedom. The ratio is free of it; that is what the order sign in
/// [`super::effect`] is for.
pub fn second_run(effect: &Effect) -> SecondRun {
    let freedom = effect.pairs.saturating_sub(2).max(1) as f64;
    let (q, se) = (effect.order_effect, effect.standard_error);
    let half_width = t_975(freedom) * se;
    let limit = t_quantile(freedom, STANDS_OUT);
    SecondRun {
        change: Estimate {
            value: q.exp(),
            low: (q - half_width).exp(),
            high: (q + half_width).exp(),
        },
        stands_out: q.abs() > WORTH_SAYING.ln_1p() && q.abs() > limit * se,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Side;
    use crate::stats::{PairDifference, Widen, effect};

    /// Rates of pairs in which the second invocation runs at `factor` times its rate; X is 1.2 times
    /// the baseline. `wobble` is alternating noise.
    fn pairs(firsts: &[Side], factor: f64, wobble: f64) -> Vec<PairDifference> {
        let noise = |i: usize| 1.0 + if i % 4 < 2 { wobble } else { -wobble };
        firsts
            .iter()
            .enumerate()
            .map(|(i, &first)| match first {
                Side::Baseline => PairDifference::of(100.0, 120.0 * factor * noise(i), first),
                Side::X => PairDifference::of(100.0 * factor, 120.0 * noise(i), first),
            })
            .collect()
    }

    const BOTH: [Side; 8] = [
        Side::Baseline,
        Side::X,
        Side::X,
        Side::Baseline,
        Side::Baseline,
        Side::X,
        Side::X,
        Side::Baseline,
    ];

    fn of(firsts: &[Side], factor: f64, wobble: f64) -> (Effect, SecondRun) {
        let e = effect(&pairs(firsts, factor, wobble), 0.03, Widen::NONE).unwrap();
        (e, second_run(&e))
    }

    #[test]
    fn the_second_run_has_the_factor_that_was_put_in() {
        for firsts in [&BOTH[..], &BOTH[..7]] {
            for factor in [0.95, 1.04] {
                let (e, second) = of(firsts, factor, 0.0);
                assert!((second.change.value - factor).abs() < 1e-12, "{second:?}");
                assert!((e.ratio - 1.2).abs() < 1e-12, "the ratio is free of it");
                assert!(second.stands_out);
            }
        }
    }

    #[test]
    fn its_standard_error_is_that_of_the_ratio_with_and_without_balance() {
        for firsts in [&BOTH[..], &BOTH[..7], &BOTH[..6]] {
            let pairs = pairs(firsts, 0.97, 0.013);
            let e = effect(&pairs, 0.03, Widen::NONE).unwrap();
            let n = pairs.len() as f64;
            let sign = |p: &PairDifference| match p.first {
                Side::Baseline => 1.0,
                Side::X => -1.0,
            };
            let mean = pairs.iter().map(sign).sum::<f64>() / n;
            let spread: f64 = pairs.iter().map(|p| (sign(p) - mean).powi(2)).sum();
            // The textbook's standard error of a slope.
            let expected = e.pair_sd / spread.sqrt();
            assert!((e.standard_error - expected).abs() < 1e-12, "{n}");
        }
    }

    #[test]
    fn what_is_small_or_uncertain_does_not_stand_out() {
        assert!(!of(&BOTH, 0.995, 0.0).1.stands_out);
        assert!(!of(&BOTH, 0.96, 0.05).1.stands_out);
        assert!(of(&BOTH, 0.8, 0.02).1.stands_out);
    }

    #[test]
    fn the_99_percent_point_decides() {
        let at = |t: f64| {
            let effect = Effect {
                order_effect: -0.01 * t,
                standard_error: 0.01,
                ..of(&BOTH, 1.0, 0.02).0
            };
            second_run(&effect).stands_out
        };
        // t(0.995, 6) = 3.707.
        assert!(!at(3.70) && at(3.71));
    }
}
