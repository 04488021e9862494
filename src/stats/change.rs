//! How much did a number change from one run to another, and how certain is that?
//!
//! Two runs have no pairs in common, so they are two independent samples. Each is a mean of
//! logarithms with its standard error: over the invocations of one side, or, of a ratio, the effect
//! over pairs. The change is the difference of the two means, with Welch's interval: the samples may
//! differ in number and in noise.
//!
//! What this interval does not hold is what differs between two runs as wholes (a warmer room, another
//! layout of memory, a neighbour who came): one run gives no measure of that. Comparisons therefore ask
//! for a change beyond a tolerance that is far larger than the margin of a run.

use super::effect::{MIN_PAIRS, StatsError};
use super::estimate::{all_finite, t_975};
use crate::record::{Effect, Estimate};

/// A mean of logarithms with its error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LnMean {
    /// Mean, ln units.
    pub mean: f64,
    /// Standard error of the mean, ln units.
    pub standard_error: f64,
    /// Degrees of freedom of the standard error, above 0.
    pub freedom: f64,
}

impl LnMean {
    /// From one value per invocation, all above 0.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below [`MIN_PAIRS`] values, [`StatsError::NotFinite`] for a value without
    /// a logarithm (its index, and its logarithm).
    pub fn of(values: &[f64]) -> Result<LnMean, StatsError> {
        if values.len() < MIN_PAIRS {
            return Err(StatsError::TooFew {
                have: values.len(),
                need: MIN_PAIRS,
            });
        }
        let logs: Vec<f64> = values.iter().map(|v| v.ln()).collect();
        all_finite(logs.iter().copied())?;
        let n = logs.len() as f64;
        let mean = logs.iter().sum::<f64>() / n;
        let variance = logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (n - 1.0);
        Ok(LnMean {
            mean,
            standard_error: (variance / n).sqrt(),
            freedom: n - 1.0,
        })
    }

    /// From the effect of a cell, with all that widened its interval.
    #[must_use]
    pub fn of_effect(effect: &Effect) -> LnMean {
        let freedom = effect.pairs.saturating_sub(2).max(1) as f64;
        LnMean {
            mean: effect.ratio.ln(),
            standard_error: (effect.high / effect.low).ln() / 2.0 / t_975(freedom),
            freedom,
        }
    }

    /// The same with an error that is `factor` (at least 1) times as large.
    #[must_use]
    pub fn widened(self, factor: f64) -> LnMean {
        LnMean {
            standard_error: self.standard_error * factor.max(1.0),
            ..self
        }
    }

    /// The geometric mean with its 95 % interval, in the unit of the values.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        around(self.mean, t_975(self.freedom) * self.standard_error)
    }
}

/// `new` / `old` with its 95 % interval.
///
/// Half width t(0.975, ν) · sqrt(a + b) in ln units, where a and b are the squared standard errors and
/// ν = (a + b)² / (a² / ν_a + b² / ν_b). Where neither sample varies the interval has no width.
///
/// Source: Welch 1947, "The generalization of Student's problem when several different population
/// variances are involved".
#[must_use]
pub fn change(old: &LnMean, new: &LnMean) -> Estimate {
    let (a, b) = (old.standard_error.powi(2), new.standard_error.powi(2));
    let difference = new.mean - old.mean;
    if a + b == 0.0 {
        return around(difference, 0.0);
    }
    let freedom = (a + b).powi(2) / (a * a / old.freedom + b * b / new.freedom);
    // Beyond a million the quantile is that of the normal distribution.
    let half_width = t_975(freedom.clamp(1.0, 1e6)) * (a + b).sqrt();
    around(difference, half_width)
}

fn around(mean: f64, half_width: f64) -> Estimate {
    Estimate {
        value: mean.exp(),
        low: (mean - half_width).exp(),
        high: (mean + half_width).exp(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-6 * (1.0 + b.abs()), "{a} is not {b}");
    }

    fn mean(mean: f64, standard_error: f64, freedom: f64) -> LnMean {
        LnMean {
            mean,
            standard_error,
            freedom,
        }
    }

    #[test]
    fn a_change_is_a_ratio_with_the_interval_of_both() {
        // Equal errors and freedoms: ν = 2 · 5, and the error grows by √2.
        let c = change(&mean(1.0, 0.02, 5.0), &mean(1.1, 0.02, 5.0));
        close(c.value, 0.1_f64.exp());
        close((c.high / c.value).ln(), t_975(10.0) * 0.02 * 2.0_f64.sqrt());
        close((c.value / c.low).ln(), (c.high / c.value).ln());
    }

    #[test]
    fn a_sample_without_noise_leaves_the_freedom_of_the_other() {
        let c = change(&mean(0.0, 0.0, 9.0), &mean(0.0, 0.03, 5.0));
        close(c.high.ln(), t_975(5.0) * 0.03);
        let still = change(&mean(0.0, 0.0, 9.0), &mean(0.5, 0.0, 5.0));
        assert_eq!((still.low, still.high), (still.value, still.value));
    }

    #[test]
    fn the_means_of_values_are_geometric() {
        let of = LnMean::of(&[1.0, 4.0, 1.0, 4.0, 1.0, 4.0]).unwrap();
        close(of.mean, 2.0_f64.ln());
        assert_eq!(of.freedom, 5.0);
        // s² = 6/5 · ln²2, divided by six.
        close(of.standard_error, 2.0_f64.ln() * (0.2_f64).sqrt());
        close(of.estimate().value, 2.0);
        close(of.widened(2.0).standard_error, 2.0 * of.standard_error);
        assert_eq!(of.widened(0.5), of, "intervals are never narrowed");
    }

    #[test]
    fn what_has_no_mean_of_logarithms_is_an_error() {
        assert_eq!(
            LnMean::of(&[1.0; 5]),
            Err(StatsError::TooFew { have: 5, need: 6 })
        );
        let zero = LnMean::of(&[1.0, 1.0, 0.0, 1.0, 1.0, 1.0]);
        assert!(matches!(zero, Err(StatsError::NotFinite { index: 2, .. })));
    }

    #[test]
    fn an_effect_keeps_the_width_of_its_interval() {
        let effect = Effect {
            pairs: 8,
            ratio: 0.5,
            low: 0.5 / 1.1,
            high: 0.5 * 1.1,
            standard_error: 0.001,
            pair_sd: 0.01,
            order_effect: 0.0,
            pairs_needed: 8,
        };
        let e = LnMean::of_effect(&effect).estimate();
        close(e.value, 0.5);
        close(e.high, 0.55);
    }
}
