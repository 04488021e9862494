//! How sure is a share of so many in so many?

use statrs::distribution::{Beta, ContinuousCDF};

use crate::record::calibration::Share;

/// `count` of `of` with its exact 95 % interval; of nothing at all, everything is possible.
///
/// # Panics
/// When `count` is above `of`.
///
/// Source: Clopper & Pearson 1934. Its interval holds the true share in 95 % of cases at least,
/// also where nothing was seen at all, where intervals from a normal approximation have no width.
pub fn share(count: usize, of: usize) -> Share {
    assert!(count <= of, "{count} of {of} is no share");
    let quantile = |a: usize, b: usize, p: f64| {
        Beta::new(a as f64, b as f64)
            .expect("both shapes are above 0")
            .inverse_cdf(p)
    };
    let missing = of - count;
    Share {
        count,
        of,
        low: match count {
            0 => 0.0,
            _ => quantile(count, missing + 1, 0.025),
        },
        high: match missing {
            0 => 1.0,
            _ => quantile(count + 1, missing, 0.975),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-4, "{a} is not {b}");
    }

    #[test]
    fn intervals_match_published_ones() {
        // R: binom.test(x, n)$conf.int
        for (count, of, low, high) in [
            (0, 144, 0.0, 0.02529),
            (1, 10, 0.00253, 0.44502),
            (5, 10, 0.18709, 0.81291),
            (72, 72, 0.95006, 1.0),
            (682, 925, 0.70768, 0.76546),
        ] {
            let s = share(count, of);
            close(s.low, low);
            close(s.high, high);
        }
    }

    #[test]
    fn of_nothing_everything_is_possible() {
        let s = share(0, 0);
        assert_eq!((s.low, s.high), (0.0, 1.0));
    }
}
