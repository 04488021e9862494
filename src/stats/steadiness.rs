//! Did the rate move while it was measured?
//!
//! One number per metric is what an invocation yields; that is fair only when the window looks the
//! same from its beginning to its end. Slices serve this question and no other: they are never
//! samples.

use crate::record::{Estimate, Steadiness, SteadyState};

use super::effect::MIN_PAIRS;
use super::estimate::{estimate_mean, median};

/// How much an episode that is cut may move δ, ln units, in a window of one episode.
///
/// An agent's first ops are dearer than its last (a narrow belief is cheap), and coupled agents begin
/// their episodes together, so one third of a window may hold a beginning more than another. By the CPU
/// time of every round the built-in workloads come to 0.15 (coordination) and 0.30 (exploration) at
/// the worst cut; half an episode leaves room for others.
const CUT_EPISODE: f64 = 0.5;

/// Changes of single windows that count as unsteady, in margins.
///
/// Twelve independent slices that vary by 7 % give an invocation a noise of 2 %, as an ordinary
/// machine has. At two margins they alone would mark 4 to 9 % of sides of six to eight pairs, at three
/// below 0.5 %.
const UNSTEADY_MARGINS: f64 = 3.0;

/// Margin below which the limit for unsteady does not fall, a share: slices do not get any
/// quieter because a smaller margin is asked for.
const SMALLEST_MARGIN: f64 = 0.03;

/// One window of one side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window<'a> {
    /// Op/s in slices of equal length; their number is a multiple of three.
    pub slices_ops_per_s: &'a [f64],
    /// Episodes of each agent that the window held, mean over agents; above 0.
    pub episodes: f64,
}

impl Window<'_> {
    /// δ = ln(rate of the last third / rate of the first third); `None` without thirds, or without
    /// an op in one of them.
    fn ln_change(&self) -> Option<f64> {
        let slices = self.slices_ops_per_s;
        if !slices.len().is_multiple_of(3) {
            return None;
        }
        let third = slices.len() / 3;
        let sum = |slices: &[f64]| slices.iter().sum::<f64>();
        let change = sum(&slices[2 * third..]).ln() - sum(&slices[..third]).ln();
        change.is_finite().then_some(change)
    }
}

/// Whether the windows of one side of a cell are steady, from its kept invocations.
///
/// With δ of every invocation, its mean with a t interval, m = ln(1 + margin) and
/// a = 0.5 / episodes for what an episode that is cut may pretend:
///
/// - the interval lies above m + a → warming;
/// - it lies below −(m + a) → slowing;
/// - else the median of |δ| is above 3 m + a (m of at least 3 % here) → unsteady: windows move both
///   ways;
/// - else steady.
///
/// A window of few episodes is thus judged mildly: what it shows could be the course of an episode.
/// `None` with fewer than [`MIN_PAIRS`] windows that have ops in their first and last third.
pub fn steadiness(windows: &[Window<'_>], margin: f64) -> Option<Steadiness> {
    let judged: Vec<(f64, f64)> = windows
        .iter()
        .filter_map(|w| Some((w.ln_change()?, w.episodes)))
        .collect();
    if judged.len() < MIN_PAIRS {
        return None;
    }
    let changes: Vec<f64> = judged.iter().map(|w| w.0).collect();
    let swings: Vec<f64> = changes.iter().map(|c| c.abs()).collect();
    let episodes = judged.iter().map(|w| w.1).sum::<f64>() / judged.len() as f64;
    let (mean, swing) = (estimate_mean(&changes).ok()?, median(&swings)?);
    let cut = CUT_EPISODE / episodes;
    let limit = margin.ln_1p() + cut;
    let state = match () {
        () if mean.low > limit => SteadyState::Warming,
        () if mean.high < -limit => SteadyState::Slowing,
        () if swing > UNSTEADY_MARGINS * margin.max(SMALLEST_MARGIN).ln_1p() + cut => {
            SteadyState::Unsteady
        }
        () => SteadyState::Steady,
    };
    Some(Steadiness {
        state,
        change: Estimate {
            value: mean.value.exp(),
            low: mean.low.exp(),
            high: mean.high.exp(),
        },
        swing: swing.exp_m1(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Windows of 12 slices whose last third is the given factors times the first.
    fn judged(factors: &[f64], episodes: f64) -> Option<Steadiness> {
        let slices: Vec<Vec<f64>> = factors
            .iter()
            .map(|f| [[1000.0; 4], [500.0; 4], [1000.0 * f; 4]].concat())
            .collect();
        let windows: Vec<Window<'_>> = slices
            .iter()
            .map(|s| Window {
                slices_ops_per_s: s,
                episodes,
            })
            .collect();
        steadiness(&windows, 0.03)
    }

    fn state(factors: &[f64]) -> SteadyState {
        judged(factors, 1000.0).expect("six windows").state
    }

    #[test]
    fn the_middle_of_a_window_does_not_matter() {
        assert_eq!(state(&[1.0; 6]), SteadyState::Steady);
        assert_eq!(judged(&[1.0; 6], 1000.0).unwrap().swing, 0.0);
    }

    #[test]
    fn a_change_in_one_direction_is_named_with_its_size() {
        let up = judged(&[1.05, 1.06, 1.04, 1.05, 1.06, 1.04], 1000.0).unwrap();
        assert_eq!(up.state, SteadyState::Warming);
        assert!((up.change.value - 1.05).abs() < 1e-3, "{up:?}");
        assert!(1.03 < up.change.low && up.change.high < 1.07, "{up:?}");
        let down = [0.95, 0.94, 0.96, 0.95, 0.94, 0.96];
        assert_eq!(state(&down), SteadyState::Slowing);
    }

    #[test]
    fn a_change_that_is_within_the_margin_or_not_certain_is_no_trend() {
        assert_eq!(state(&[1.02; 8]), SteadyState::Steady);
        let uncertain = [1.05, 1.0, 1.08, 0.99, 1.06, 1.07];
        assert_eq!(state(&uncertain), SteadyState::Steady);
    }

    #[test]
    fn windows_that_move_both_ways_are_unsteady() {
        assert_eq!(
            state(&[1.1, 0.9, 1.1, 0.9, 1.1, 0.9]),
            SteadyState::Unsteady
        );
        assert_eq!(
            state(&[1.07, 0.93, 1.07, 0.93, 1.07, 0.93]),
            SteadyState::Steady
        );
        // One disturbed window is no habit.
        assert_eq!(state(&[1.5, 1.0, 1.0, 1.0, 1.0, 1.0]), SteadyState::Steady);
    }

    #[test]
    fn few_episodes_excuse_what_a_cut_one_could_pretend() {
        let rising = [1.05, 1.06, 1.04, 1.05, 1.06, 1.04];
        let at = |episodes| judged(&rising, episodes).unwrap().state;
        assert_eq!(at(10.0), SteadyState::Steady);
        assert_eq!(at(100.0), SteadyState::Warming);
    }

    #[test]
    fn a_smaller_margin_asks_for_less_trend_but_not_for_quieter_slices() {
        let slices = |f: f64| [[1000.0; 4], [1000.0; 4], [1000.0 * f; 4]].concat();
        let of = |factors: &[f64]| {
            let slices: Vec<Vec<f64>> = factors.iter().map(|&f| slices(f)).collect();
            let windows: Vec<Window<'_>> = slices
                .iter()
                .map(|s| Window {
                    slices_ops_per_s: s,
                    episodes: 1000.0,
                })
                .collect();
            steadiness(&windows, 0.01).unwrap().state
        };
        assert_eq!(of(&[1.02; 6]), SteadyState::Warming);
        assert_eq!(
            of(&[1.05, 0.95, 1.05, 0.95, 1.05, 0.95]),
            SteadyState::Steady
        );
    }

    #[test]
    fn too_few_windows_or_none_with_thirds_are_not_judged() {
        assert_eq!(judged(&[1.0; 5], 1000.0), None);
        // A third without an op has no rate to compare.
        assert_eq!(judged(&[1.0, 1.0, 1.0, 1.0, 1.0, 0.0], 1000.0), None);
        let two = Window {
            slices_ops_per_s: &[1.0, 1.0],
            episodes: 1000.0,
        };
        assert_eq!(steadiness(&[two; 6], 0.03), None);
        let none = Window {
            slices_ops_per_s: &[],
            episodes: 1000.0,
        };
        assert_eq!(steadiness(&[none; 6], 0.03), None);
    }
}
