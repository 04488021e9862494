//! Which single number, and which interval, do plain values give?

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

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

/// Fewest values of which signed ranks give a 95 % interval: with five, all on one side happen once in 32.
const FOR_RANKS: usize = 6;

/// What a value usually is, in the unit of the values: the middle of the means of all two of them, with the exact 95 %
/// interval of signed ranks. One value that has nothing to do with the others, as when an adaptive end slept in one
/// invocation of ten, does not move the middle by much, and from twelve values on not the interval either. With fewer than six values that of [`estimate_mean`].
///
/// # Errors
/// Those of [`estimate_mean`].
///
/// Source: Hodges & Lehmann 1963; Hollander, Wolfe & Chicken 2014, §3.2 and 3.3 (interval after Tukey).
pub fn estimate_usual(values: &[f64]) -> Result<Estimate, StatsError> {
    if values.len() < FOR_RANKS {
        return estimate_mean(values);
    }
    all_finite(values.iter().copied())?;
    let mut means: Vec<f64> = Vec::with_capacity(values.len() * (values.len() + 1) / 2);
    for (i, a) in values.iter().enumerate() {
        means.extend(values[i..].iter().map(|b| (a + b) / 2.0));
    }
    means.sort_by(f64::total_cmp);
    let outside = outside_of_95_percent(values.len());
    let n = means.len();
    Ok(Estimate {
        value: (means[(n - 1) / 2] + means[n / 2]) / 2.0,
        low: means[outside],
        high: means[n - 1 - outside],
    })
}

/// How many of the ordered means lie outside of the interval at either end: the largest sum of signed ranks of `n`
/// values that has a probability of at most 2.5 %. `n` at least [`FOR_RANKS`].
fn outside_of_95_percent(n: usize) -> usize {
    // Subsets of the ranks 1 to n by their sum, as shares of all: each rank is in it or not.
    let mut shares = vec![0.0; n * (n + 1) / 2 + 1];
    shares[0] = 1.0;
    for rank in 1..=n {
        for sum in (0..shares.len()).rev() {
            let with = if sum >= rank { shares[sum - rank] } else { 0.0 };
            shares[sum] = (shares[sum] + with) / 2.0;
        }
    }
    let mut so_far = 0.0;
    let mut within = |share: &f64| {
        so_far += share;
        so_far <= 0.025
    };
    shares
        .iter()
        .take_while(|s| within(s))
        .count()
        .saturating_sub(1)
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
pub fn t_975(freedom: f64) -> f64 {
    t_quantile(freedom, 0.975)
}

/// 99.5 % point of Student's t; `freedom` at least 1.
pub(super) fn t_995(freedom: f64) -> f64 {
    t_quantile(freedom, 0.995)
}

/// The quantile `p` of Student's t; `freedom` at least 1.
pub(super) fn t_quantile(freedom: f64, p: f64) -> f64 {
    // Beyond this it is the normal quantile to five digits, and the search for it takes ever longer.
    const MOST: f64 = 1e5;
    if freedom > MOST {
        return Normal::standard().inverse_cdf(p);
    }
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
        // As many pairs as only an edited record has.
        close((t_975(1e15) * 1e4).round(), 19_600.0);
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
    fn signed_ranks_match_the_table() {
        // Critical values of Wilcoxon's T, two-sided 5 %.
        for (n, t) in [
            (6, 0),
            (7, 2),
            (8, 3),
            (9, 5),
            (10, 8),
            (12, 13),
            (16, 29),
            (20, 52),
            (25, 89),
        ] {
            assert_eq!(outside_of_95_percent(n), t, "{n} values");
        }
    }

    #[test]
    fn what_is_usual_is_the_middle_and_one_stranger_does_not_move_it() {
        let e = estimate_usual(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        assert_eq!((e.low, e.value, e.high), (1.0, 3.5, 6.0));
        let calm = [
            10.0, 11.0, 9.0, 10.5, 9.5, 10.2, 9.8, 10.1, 9.9, 10.3, 9.7, 10.4,
        ];
        let mut strange = calm;
        strange[4] = 500.0;
        let (calm, strange) = (
            estimate_usual(&calm).unwrap(),
            estimate_usual(&strange).unwrap(),
        );
        assert!(
            (calm.value - strange.value).abs() < 0.3,
            "{calm:?} {strange:?}"
        );
        assert!(strange.high < 11.0, "{strange:?}");
        let few = [1.0, 2.0, 3.0];
        assert_eq!(estimate_usual(&few), estimate_mean(&few));
        assert!(estimate_usual(&[1.0; 0]).is_err());
        assert!(estimate_usual(&[f64::NAN; 7]).is_err());
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
