//! What does one more agent cost in memory?

use crate::record::{Estimate, MemoryFit};

use super::estimate::{estimate_mean, t_975};

/// Rounds below which no memory fit is given: with two, the interval would rest on one degree of
/// freedom (t = 12.7) and say nothing; with three it is t = 4.3.
pub const MIN_ROUNDS: usize = 3;

/// Memory of one invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPoint {
    /// Number of agents.
    pub agents: usize,
    /// PSS, page tables and kernel stacks of host and workers, bytes.
    pub total_bytes: u64,
    /// Live heap by the counting allocator, bytes.
    pub live_heap_bytes: u64,
}

/// A straight line y = intercept + slope · x with the uncertainty of its residuals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Rise of y per unit of x.
    pub slope: f64,
    /// y at x = 0.
    pub intercept: f64,
    /// Standard error of the slope; `None` with two points, which leave no residual.
    pub slope_se: Option<f64>,
    /// Standard error of the intercept; `None` with two points.
    pub intercept_se: Option<f64>,
}

/// Ordinary least squares through `points` (x, y); residuals have n − 2 degrees of freedom.
///
/// `None` when fewer than two different x are given, or a value is not finite.
pub fn fit_line(points: &[(f64, f64)]) -> Option<Line> {
    if points.iter().any(|(x, y)| !x.is_finite() || !y.is_finite()) {
        return None;
    }
    let n = points.len() as f64;
    let mean_x = points.iter().map(|p| p.0).sum::<f64>() / n;
    let mean_y = points.iter().map(|p| p.1).sum::<f64>() / n;
    let spread: f64 = points.iter().map(|p| (p.0 - mean_x).powi(2)).sum();
    // Also catches no points at all (NaN).
    if spread.is_nan() || spread <= 0.0 {
        return None;
    }
    let joint: f64 = points.iter().map(|p| (p.0 - mean_x) * (p.1 - mean_y)).sum();
    let slope = joint / spread;
    let intercept = mean_y - slope * mean_x;
    let variance = (points.len() > 2).then(|| {
        let squares: f64 = points
            .iter()
            .map(|p| (p.1 - intercept - slope * p.0).powi(2))
            .sum();
        squares / (n - 2.0)
    });
    Some(Line {
        slope,
        intercept,
        slope_se: variance.map(|v| (v / spread).sqrt()),
        intercept_se: variance.map(|v| (v * (1.0 / n + mean_x * mean_x / spread)).sqrt()),
    })
}

/// Bytes per agent and fixed bytes of one deployment, from the memory of its invocations.
///
/// `rounds[r]` holds the invocations of round r, each agent count once. Every round gives one line;
/// values are means over rounds. `None` with fewer than two different agent counts, or fewer than
/// [`MIN_ROUNDS`] rounds that hold as many agent counts as the fullest: a round that lost some to
/// dropped pairs is skipped, because lines over different counts of a curve differ without noise.
///
/// The interval is the wider of two: the t interval over rounds, which knows how much one run of
/// the machine differs from the next, and the interval from the residuals of one line through all
/// points, which knows how far memory is from a line. Memory hardly varies from round to round, so
/// the first alone would be certain to the byte about a slope that no pair of neighbouring agent
/// counts has. The second counts the same bend once per round, so it guards against
/// overconfidence inside the measured agent counts; neither covers extrapolation beyond them.
pub fn memory_fit(rounds: &[Vec<MemoryPoint>]) -> Option<MemoryFit> {
    let fullest = rounds.iter().map(|r| agent_counts(r)).max()?;
    let full: Vec<&Vec<MemoryPoint>> = rounds
        .iter()
        .filter(|r| agent_counts(r) == fullest)
        .collect();
    if fullest < 2 || full.len() < MIN_ROUNDS {
        return None;
    }
    let total = fit_rounds(&full, |p| p.total_bytes)?;
    let live_heap = fit_rounds(&full, |p| p.live_heap_bytes)?;
    Some(MemoryFit {
        per_agent_bytes: total.slope,
        fixed_bytes: total.intercept,
        live_heap_per_agent_bytes: live_heap.slope,
    })
}

struct RoundsFit {
    slope: Estimate,
    intercept: Estimate,
}

fn fit_rounds(
    rounds: &[&Vec<MemoryPoint>],
    bytes: impl Fn(&MemoryPoint) -> u64,
) -> Option<RoundsFit> {
    let points = |round: &[MemoryPoint]| -> Vec<(f64, f64)> {
        round
            .iter()
            .map(|p| (p.agents as f64, bytes(p) as f64))
            .collect()
    };
    let lines: Vec<Line> = rounds
        .iter()
        .map(|r| fit_line(&points(r)))
        .collect::<Option<_>>()?;
    let all: Vec<(f64, f64)> = rounds.iter().flat_map(|r| points(r)).collect();
    let pooled = fit_line(&all)?;
    let t = t_975((all.len() - 2) as f64);
    let slopes: Vec<f64> = lines.iter().map(|l| l.slope).collect();
    let intercepts: Vec<f64> = lines.iter().map(|l| l.intercept).collect();
    Some(RoundsFit {
        slope: at_least(estimate_mean(&slopes).ok()?, t * pooled.slope_se?),
        intercept: at_least(estimate_mean(&intercepts).ok()?, t * pooled.intercept_se?),
    })
}

/// The estimate with a half width of at least `half_width`.
fn at_least(estimate: Estimate, half_width: f64) -> Estimate {
    let half_width = half_width.max(estimate.high - estimate.value);
    Estimate {
        value: estimate.value,
        low: estimate.value - half_width,
        high: estimate.value + half_width,
    }
}

fn agent_counts(round: &[MemoryPoint]) -> usize {
    let mut counts: Vec<usize> = round.iter().map(|p| p.agents).collect();
    counts.sort_unstable();
    counts.dedup();
    counts.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(counts: &[usize], total: impl Fn(usize) -> u64) -> Vec<MemoryPoint> {
        counts
            .iter()
            .map(|&agents| MemoryPoint {
                agents,
                total_bytes: total(agents),
                live_heap_bytes: 700 * agents as u64,
            })
            .collect()
    }

    fn half_width(e: Estimate) -> f64 {
        e.high - e.value
    }

    #[test]
    fn a_line_through_two_points_has_no_standard_error() {
        let line = fit_line(&[(1.0, 3.0), (3.0, 7.0)]).unwrap();
        assert_eq!((line.slope, line.intercept), (2.0, 1.0));
        assert_eq!((line.slope_se, line.intercept_se), (None, None));
    }

    #[test]
    fn standard_errors_of_a_line_match_a_worked_example() {
        // Residuals −1/6, 2/6, −1/6: s² = 1/6; Σ(x − 2)² = 2; mean x = 2, n = 3.
        let line = fit_line(&[(1.0, 1.0), (2.0, 2.5), (3.0, 3.0)]).unwrap();
        assert!((line.slope - 1.0).abs() < 1e-12);
        assert!((line.slope_se.unwrap() - (1.0 / 12.0_f64).sqrt()).abs() < 1e-12);
        let intercept_se = (1.0 / 6.0 * (1.0 / 3.0 + 4.0 / 2.0_f64)).sqrt();
        assert!((line.intercept_se.unwrap() - intercept_se).abs() < 1e-12);
    }

    #[test]
    fn a_line_needs_two_different_places() {
        assert_eq!(fit_line(&[]), None);
        assert_eq!(fit_line(&[(2.0, 1.0), (2.0, 3.0)]), None);
        assert_eq!(fit_line(&[(1.0, f64::NAN), (2.0, 3.0)]), None);
    }

    #[test]
    fn memory_that_is_a_line_gives_its_slope_and_fixed_cost() {
        let rounds: Vec<_> = (0..6)
            .map(|r| round(&[1, 4, 16, 32], |a| 5_000 + r + 1_000 * a as u64))
            .collect();
        let fit = memory_fit(&rounds).unwrap();
        assert!((fit.per_agent_bytes.value - 1_000.0).abs() < 1e-6);
        assert!((fit.fixed_bytes.value - 5_002.5).abs() < 1e-6);
        assert!((fit.live_heap_per_agent_bytes.value - 700.0).abs() < 1e-6);
        assert!(fit.fixed_bytes.low < 5_001.0 + 2.0 && fit.fixed_bytes.high > 5_002.5);
    }

    #[test]
    fn memory_that_bends_the_same_way_every_round_still_has_an_interval() {
        let rounds = vec![round(&[1, 4, 16, 32], |a| (a * a) as u64); 6];
        let fit = memory_fit(&rounds).unwrap();
        assert!(half_width(fit.per_agent_bytes) > 1.0);
        assert!(half_width(fit.live_heap_per_agent_bytes) < 1e-6);
    }

    #[test]
    fn rounds_that_differ_widen_the_interval_when_each_is_a_line() {
        let rounds: Vec<_> = [900, 1_000, 1_100]
            .map(|slope| round(&[1, 32], |a| slope * a as u64))
            .to_vec();
        let fit = memory_fit(&rounds).unwrap();
        let over_rounds = t_975(2.0) * 100.0 / 3.0_f64.sqrt();
        assert!(half_width(fit.per_agent_bytes) >= over_rounds - 1e-6);
    }

    #[test]
    fn rounds_that_lost_an_agent_count_are_skipped() {
        let full = round(&[1, 4, 16], |a| 10 * a as u64);
        let torn = round(&[1, 4], |a| 99 * a as u64);
        let rounds = vec![full.clone(), torn, full.clone(), full.clone()];
        let fit = memory_fit(&rounds).unwrap();
        assert!((fit.per_agent_bytes.value - 10.0).abs() < 1e-9);
    }

    #[test]
    fn too_few_rounds_or_agent_counts_give_no_fit() {
        let full = round(&[1, 4], |a| a as u64);
        assert_eq!(memory_fit(&[]), None);
        assert_eq!(memory_fit(&[full.clone(), full.clone()]), None);
        assert_eq!(memory_fit(&vec![round(&[4], |a| a as u64); 6]), None);
    }
}
