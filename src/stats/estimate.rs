//! Which single number, and which interval, do plain values give?

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::record::Estimate;

use super::effect::StatsError;

/// Mean of one value per round or pair, with its t interval, in the unit of the values.
///
/// # Errors
/// [`StatsError::TooFew`] below two values, [`StatsError::NotFinite`].
pub fn estimate_mean(values: &[f64]) -> Result<Estimate, StatsError> {
    if values.len() < 2 {
        return Err(StatsError::TooFew {
            have: values.len(),
            need: 2,
        });
    }
    all_finite(values.iter().copied())?;
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half_width = t_975(n - 1.0) * (variance / n).sqrt();
    Ok(Estimate {
        value: mean,
        low: mean - half_width,
        high: mean + half_width,
    })
}

/// Median; `None` without values or with a NaN among them.
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// Quantile at `p` (0 to 1) by linear interpolation between order statistics.
///
/// `None` without values, with a NaN among them, or with `p` outside 0 to 1.
///
/// Source: type 7 of Hyndman & Fan 1996, the default of R and NumPy.
pub fn quantile(values: &[f64], p: f64) -> Option<f64> {
    if values.is_empty() || values.iter().any(|v| v.is_nan()) || !(0.0..=1.0).contains(&p) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = p * (sorted.len() - 1) as f64;
    let (below, above) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    if below == above {
        return Some(below);
    }
    Some(below + (place - place.floor()) * (above - below))
}

/// 97.5 % point of Student's t; `freedom` at least 1.
pub(super) fn t_975(freedom: f64) -> f64 {
    t_quantile(freedom, 0.975)
}

/// 99.5 % point of Student's t; `freedom` at least 1.
pub(super) fn t_995(freedom: f64) -> f64 {
    t_quantile(freedom, 0.995)
}

fn t_quantile(freedom: f64, p: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom)
        .expect("degrees of freedom are above 0")
        .inverse_cdf(p)
}

/// # Errors
/// [`StatsError::NotFinite`] names the first value that is not.
pub(super) fn all_finite(values: impl Iterator<Item = f64>) -> Result<(), StatsError> {
    for (index, value) in values.enumerate() {
        if !value.is_finite() {
            return Err(StatsError::NotFinite { index, value });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9 * (1.0 + b.abs()), "{a} is not {b}");
    }

    #[test]
    fn t_quantiles_match_the_table() {
        close((t_975(1.0) * 1e4).round(), 127_062.0);
        close((t_975(4.0) * 1e6).round(), 2_776_445.0);
        close((t_975(10.0) * 1e6).round(), 2_228_139.0);
        close((t_975(1000.0) * 1e6).round(), 1_962_339.0);
    }

    #[test]
    fn a_mean_has_a_t_interval() {
        let e = estimate_mean(&[1.0, 2.0, 3.0]).unwrap();
        close(e.value, 2.0);
        close(e.high - e.value, t_975(2.0) / 3.0_f64.sqrt());
        close(e.value - e.low, e.high - e.value);
        assert!(estimate_mean(&[1.0]).is_err());
        assert!(estimate_mean(&[1.0, f64::NAN]).is_err());
    }

    #[test]
    fn quantiles_are_those_of_type_7() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(&values, 0.0), Some(1.0));
        assert_eq!(quantile(&values, 0.25), Some(1.75));
        assert_eq!(median(&values), Some(2.5));
        assert_eq!(quantile(&values, 1.0), Some(4.0));
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[f64::NAN], 0.5), None);
        assert_eq!(quantile(&values, 1.5), None);
    }
}
