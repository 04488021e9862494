//! How much does X differ from the baseline, and how certain is it?

use crate::record::{Cell, Effect, Sample, Side};

use super::estimate::{all_finite, t_975};

/// Pairs below which no effect is computed: with five, even a sign test of five equal signs stays
/// at p = 2 / 2⁵ = 6 %; with six it can reach 3 %.
pub const MIN_PAIRS: usize = 6;

/// Why a number could not be computed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StatsError {
    /// Fewer values than the statistic needs.
    #[error("{have} values count, {need} are needed; allow more time or look at the dropped pairs")]
    TooFew {
        /// Values given.
        have: usize,
        /// Values needed.
        need: usize,
    },
    /// A value is not a finite number: a rate of zero, or a failed sample that was not left out.
    #[error("value {index} is {value}; leave failed samples out before computing")]
    NotFinite {
        /// Index of the value in the input.
        index: usize,
        /// The value.
        value: f64,
    },
    /// Every pair ran in the same order, so an order effect cannot be told from the effect.
    #[error("every pair ran in the same order; keep at least one pair of each order")]
    OneOrder,
    /// The margin is not a positive finite number.
    #[error("margin {0} is not above 0; give a share such as 0.03 for 3 %")]
    Margin(f64),
    /// A widening factor is below 1 or not finite.
    #[error("widening factor {0} is below 1 or not finite; intervals are never narrowed")]
    Widen(f64),
}

/// One kept pair of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairDifference {
    /// ln(metric of X) − ln(metric of the baseline); 0.03 ≈ X is 3 % higher.
    pub ln_difference: f64,
    /// Which side ran first.
    pub first: Side,
}

impl PairDifference {
    /// Difference of two metrics in the same unit, both above 0.
    pub fn of(baseline: f64, x: f64, first: Side) -> Self {
        Self {
            ln_difference: x.ln() - baseline.ln(),
            first,
        }
    }

    /// Order sign: +1 when X ran second, −1 when it ran first.
    fn order(self) -> f64 {
        match self.first {
            Side::Baseline => 1.0,
            Side::X => -1.0,
        }
    }
}

/// The kept pairs of a cell as ln differences of `metric`, in the order in which they ran.
pub fn pair_differences(cell: &Cell, metric: impl Fn(&Sample) -> f64) -> Vec<PairDifference> {
    cell.kept()
        .map(|(pair, baseline, x)| PairDifference::of(metric(baseline), metric(x), pair.first))
        .collect()
}

/// Factors that multiply the half width of an interval; both at least 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Widen {
    /// k: the price of looking before all pairs are in (1 when nobody looks).
    pub peeking: f64,
    /// S: what the null controls say that the intervals leave out ([`super::inflation`]).
    pub controls: f64,
}

impl Widen {
    /// The nominal interval: k = S = 1.
    pub const NONE: Self = Self {
        peeking: 1.0,
        controls: 1.0,
    };

    fn factor(self) -> Result<f64, StatsError> {
        let bad = [self.peeking, self.controls]
            .into_iter()
            .find(|f| !f.is_finite() || *f < 1.0);
        match bad {
            Some(f) => Err(StatsError::Widen(f)),
            None => Ok(self.peeking * self.controls),
        }
    }
}

/// Effect of X against the baseline, with the order effect taken out.
///
/// Ordinary least squares of the ln difference d on (1, o), o = ±1 the order sign, n − 2 degrees of
/// freedom; the half width of the interval is k · S · t(0.975, n − 2) · SE in ln units. With as
/// many pairs of one order as of the other (Σ o = 0) these are exactly θ = mean(d),
/// q = Σ o (d − θ) / n and SE² = Σ (d − θ − q o)² / (n (n − 2)). When pairs were dropped and Σ o is
/// not 0, the regression keeps the order effect out of θ, and SE grows by what that costs.
///
/// `margin` is a share (0.03 = 3 %, m = ln 1.03) and only decides [`Effect::pairs_needed`]: the
/// smallest even n ≥ [`MIN_PAIRS`] with (2 · k · S · t · s_d / m)² ≤ n, t = t(0.975, n − 2) of that
/// same n. `standard_error`, `pair_sd` and `order_effect` are in ln units and are not widened.
///
/// # Errors
/// [`StatsError::TooFew`] below [`MIN_PAIRS`], [`StatsError::NotFinite`],
/// [`StatsError::OneOrder`] when all pairs ran in the same order, [`StatsError::Margin`],
/// [`StatsError::Widen`].
///
/// Source: Kalibera & Jones 2013 §6 (ratio of means with an interval); the order term is the
/// period effect of a two-period crossover (Senn 2002, ch. 3).
pub fn effect(pairs: &[PairDifference], margin: f64, widen: Widen) -> Result<Effect, StatsError> {
    if !margin.is_finite() || margin <= 0.0 {
        return Err(StatsError::Margin(margin));
    }
    let factor = widen.factor()?;
    let fit = fit_order(pairs)?;
    let half_width = factor * t_975(fit.freedom) * fit.standard_error;
    Ok(Effect {
        pairs: pairs.len(),
        ratio: fit.theta.exp(),
        low: (fit.theta - half_width).exp(),
        high: (fit.theta + half_width).exp(),
        standard_error: fit.standard_error,
        pair_sd: fit.residual_sd,
        order_effect: fit.order_effect,
        pairs_needed: pairs_needed(factor * fit.residual_sd, margin.ln_1p()),
    })
}

/// The regression behind [`effect`], ln units.
struct OrderFit {
    theta: f64,
    order_effect: f64,
    residual_sd: f64,
    standard_error: f64,
    freedom: f64,
}

fn fit_order(pairs: &[PairDifference]) -> Result<OrderFit, StatsError> {
    if pairs.len() < MIN_PAIRS {
        return Err(StatsError::TooFew {
            have: pairs.len(),
            need: MIN_PAIRS,
        });
    }
    all_finite(pairs.iter().map(|p| p.ln_difference))?;
    let n = pairs.len() as f64;
    let mean_difference = pairs.iter().map(|p| p.ln_difference).sum::<f64>() / n;
    let mean_order = pairs.iter().map(|p| p.order()).sum::<f64>() / n;
    if mean_order.abs() == 1.0 {
        return Err(StatsError::OneOrder);
    }
    // Σ (o − mean)² of signs, without the rounding of a sum.
    let order_spread = n * (1.0 - mean_order * mean_order);
    let order_effect = pairs
        .iter()
        .map(|p| (p.order() - mean_order) * (p.ln_difference - mean_difference))
        .sum::<f64>()
        / order_spread;
    let theta = mean_difference - order_effect * mean_order;
    let freedom = n - 2.0;
    let residual_squares: f64 = pairs
        .iter()
        .map(|p| (p.ln_difference - theta - order_effect * p.order()).powi(2))
        .sum();
    let variance = residual_squares / freedom;
    Ok(OrderFit {
        theta,
        order_effect,
        residual_sd: variance.sqrt(),
        standard_error: (variance * (1.0 / n + mean_order * mean_order / order_spread)).sqrt(),
        freedom,
    })
}

/// Pairs at which the half width falls to half the margin, so that a true tie (and an effect of one
/// and a half margins or more) is settled about 95 % of the time.
///
/// The smallest even n ≥ [`MIN_PAIRS`] with (2 t s / m)² ≤ n, where t = t(0.975, n − 2) belongs to
/// that n and not to the pairs at hand: six noisy pairs would otherwise ask for twice too many. `s`
/// is the standard deviation of a pair times the widening, `m` the margin, both in ln units. A true
/// effect close to the margin itself stays open with any number of pairs.
fn pairs_needed(s: f64, m: f64) -> usize {
    // Beyond any budget: also keeps the search finite.
    const BEYOND: f64 = 1e9;
    let needed = |t: f64| (2.0 * t * s / m).powi(2);
    // The normal quantile is below every t, so the search starts at or below the answer.
    let start = needed(1.959_963_985);
    if start >= BEYOND {
        return BEYOND as usize;
    }
    let mut n = (start.ceil() as usize).next_multiple_of(2).max(MIN_PAIRS);
    while needed(t_975((n - 2) as f64)) > n as f64 {
        n += 2;
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(differences: &[f64], signs: &[i8]) -> Vec<PairDifference> {
        differences
            .iter()
            .zip(signs)
            .map(|(&ln_difference, &sign)| PairDifference {
                ln_difference,
                first: if sign > 0 { Side::Baseline } else { Side::X },
            })
            .collect()
    }

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9 * (1.0 + b.abs()), "{a} is not {b}");
    }

    const D: [f64; 8] = [0.05, 0.01, 0.04, 0.02, 0.06, 0.03, 0.02, 0.05];
    const O: [i8; 8] = [1, -1, -1, 1, 1, -1, -1, 1];

    #[test]
    fn balanced_pairs_follow_the_published_formulas() {
        let e = effect(&pairs(&D, &O), 0.03, Widen::NONE).unwrap();
        let theta = D.iter().sum::<f64>() / 8.0;
        let q: f64 = (0..8)
            .map(|i| f64::from(O[i]) * (D[i] - theta))
            .sum::<f64>()
            / 8.0;
        let rss: f64 = (0..8)
            .map(|i| (D[i] - theta - q * f64::from(O[i])).powi(2))
            .sum();
        let se = (rss / 48.0).sqrt();
        close(e.ratio, theta.exp());
        close(e.order_effect, q);
        close(e.standard_error, se);
        close(e.pair_sd, (rss / 6.0).sqrt());
        close(e.low, (theta - t_975(6.0) * se).exp());
        close(e.high, (theta + t_975(6.0) * se).exp());
    }

    #[test]
    fn an_order_effect_stays_out_of_the_ratio_when_a_pair_is_missing() {
        let signs = [1, -1, -1, 1, 1, -1, -1];
        let differences: Vec<f64> = signs.iter().map(|&o| 0.1 + 0.02 * f64::from(o)).collect();
        let e = effect(&pairs(&differences, &signs), 0.03, Widen::NONE).unwrap();
        close(e.ratio, 0.1_f64.exp());
        close(e.order_effect, 0.02);
        assert!(e.standard_error < 1e-12);
    }

    #[test]
    fn widening_multiplies_the_half_width_and_nothing_else() {
        let narrow = effect(&pairs(&D, &O), 0.03, Widen::NONE).unwrap();
        let widen = Widen {
            peeking: 1.25,
            controls: 2.0,
        };
        let wide = effect(&pairs(&D, &O), 0.03, widen).unwrap();
        close(
            (wide.high / wide.ratio).ln(),
            2.5 * (narrow.high / narrow.ratio).ln(),
        );
        assert_eq!(wide.standard_error, narrow.standard_error);
        assert!(wide.pairs_needed > narrow.pairs_needed);
    }

    #[test]
    fn what_cannot_be_computed_is_an_error() {
        let few = effect(&pairs(&D[..5], &O), 0.03, Widen::NONE);
        assert_eq!(few, Err(StatsError::TooFew { have: 5, need: 6 }));
        let one_order = effect(&pairs(&D, &[1; 8]), 0.03, Widen::NONE);
        assert_eq!(one_order, Err(StatsError::OneOrder));
        let mut zero_rate = pairs(&D, &O);
        zero_rate[2] = PairDifference::of(10.0, 0.0, Side::X);
        assert!(matches!(
            effect(&zero_rate, 0.03, Widen::NONE),
            Err(StatsError::NotFinite { index: 2, .. })
        ));
        let no_margin = effect(&pairs(&D, &O), 0.0, Widen::NONE);
        assert_eq!(no_margin, Err(StatsError::Margin(0.0)));
        let narrowed = Widen {
            peeking: 0.5,
            controls: 1.0,
        };
        let narrowed = effect(&pairs(&D, &O), 0.03, narrowed);
        assert_eq!(narrowed, Err(StatsError::Widen(0.5)));
    }

    #[test]
    fn pairs_needed_is_even_and_its_own_interval_fits_half_the_margin() {
        let m = 0.03_f64.ln_1p();
        assert_eq!(pairs_needed(0.0, m), 6);
        for s in [0.001, 0.01, 0.028, 0.05, 0.3] {
            let n = pairs_needed(s, m);
            let half_width = |n: usize| t_975((n - 2) as f64) * s / (n as f64).sqrt();
            assert_eq!(n % 2, 0);
            assert!(half_width(n) <= m / 2.0);
            assert!(n == 6 || half_width(n - 2) > m / 2.0);
        }
        assert_eq!(pairs_needed(1e9, m), 1_000_000_000);
    }
}
