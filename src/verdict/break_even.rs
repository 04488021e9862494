//! When has a slower start paid for itself?

use crate::metric::Metric;
use crate::record::{Cell, Sample, SetupAnswer, Verdict};
use crate::stats::median;

/// How one side starts and runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// Setup time, seconds.
    pub setup_s: f64,
    /// Rate of all agents together, op/s.
    pub ops_per_s: f64,
}

/// Setup of both sides at one agent count, and the break-even where there is one.
///
/// N* = (s_x − s_b) / (1/X_b − 1/X_x) ops of all agents together, with s the setup times and X the
/// rates; the lifetime is s_b + N*/X_b = s_x + N*/X_x, counted from the first spawn call. Both are `None` when
/// the side that starts sooner is also the faster one, or the verdict names no side: a rate
/// difference that is not settled pays for nothing.
pub fn break_even(agents: usize, baseline: Start, x: Start, verdict: &Verdict) -> SetupAnswer {
    let ops = match verdict {
        Verdict::Ahead { .. } => crossing(baseline, x),
        _ => None,
    };
    SetupAnswer {
        agents,
        baseline_s: baseline.setup_s,
        x_s: x.setup_s,
        break_even_s: ops.map(|n| baseline.setup_s + n / baseline.ops_per_s),
        break_even_ops: ops,
    }
}

fn crossing(baseline: Start, x: Start) -> Option<f64> {
    let ops = (x.setup_s - baseline.setup_s) / (1.0 / baseline.ops_per_s - 1.0 / x.ops_per_s);
    (ops.is_finite() && ops > 0.0).then_some(ops)
}

/// [`break_even`] of a cell: median setup times and geometric mean rates of its kept pairs, so that
/// the rates have the ratio that the effect reports. `None` when no pair is kept.
pub fn setup_answer(cell: &Cell) -> Option<SetupAnswer> {
    let (baseline, x): (Vec<&Sample>, Vec<&Sample>) = cell.kept().map(|(_, b, x)| (b, x)).unzip();
    Some(break_even(
        cell.agents,
        start(&baseline)?,
        start(&x)?,
        &cell.verdict,
    ))
}

fn start(samples: &[&Sample]) -> Option<Start> {
    let setups: Vec<f64> = samples.iter().map(|s| s.value(Metric::SETUP_S)).collect();
    let log_rate = samples.iter().map(|s| s.ops_per_s().ln()).sum::<f64>() / samples.len() as f64;
    Some(Start {
        setup_s: median(&setups)?,
        ops_per_s: log_rate.exp(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Arm, Outcome, Pair, Side};

    const QUICK_START: Start = Start {
        setup_s: 0.1,
        ops_per_s: 100.0,
    };
    const FAST_RUN: Start = Start {
        setup_s: 0.6,
        ops_per_s: 200.0,
    };

    fn ahead() -> Verdict {
        Verdict::Ahead {
            deployment: "processes".to_owned(),
        }
    }

    #[test]
    fn both_sides_have_done_the_same_ops_at_the_break_even() {
        let answer = break_even(4, QUICK_START, FAST_RUN, &ahead());
        let (ops, lifetime_s) = (answer.break_even_ops.unwrap(), answer.break_even_s.unwrap());
        assert!((ops - 100.0).abs() < 1e-9);
        assert!((lifetime_s - 1.1).abs() < 1e-9);
        assert!(((lifetime_s - 0.6) * 200.0 - ops).abs() < 1e-9);
        let swapped = break_even(4, FAST_RUN, QUICK_START, &ahead());
        assert!((swapped.break_even_ops.unwrap() - ops).abs() < 1e-9);
    }

    #[test]
    fn the_side_that_is_ahead_in_both_never_needs_to_catch_up() {
        let worse = Start {
            setup_s: 0.6,
            ops_per_s: 50.0,
        };
        let answer = break_even(4, QUICK_START, worse, &ahead());
        assert_eq!((answer.break_even_s, answer.break_even_ops), (None, None));
        assert_eq!((answer.baseline_s, answer.x_s), (0.1, 0.6));
    }

    #[test]
    fn a_rate_that_is_not_settled_pays_for_nothing() {
        for verdict in [Verdict::Tie, Verdict::Inconclusive] {
            let answer = break_even(4, QUICK_START, FAST_RUN, &verdict);
            assert_eq!(answer.break_even_s, None);
        }
    }

    #[test]
    fn equal_rates_or_no_ops_have_no_break_even() {
        let still = Start {
            ops_per_s: 0.0,
            ..FAST_RUN
        };
        assert_eq!(
            break_even(4, QUICK_START, still, &ahead()).break_even_s,
            None
        );
        let same = Start {
            ops_per_s: 100.0,
            ..FAST_RUN
        };
        assert_eq!(
            break_even(4, QUICK_START, same, &ahead()).break_even_s,
            None
        );
    }

    #[test]
    fn a_cell_answers_with_medians_and_geometric_means() {
        let side = |s: Start| {
            let sample = Sample::default()
                .with(Metric::SETUP_S, s.setup_s)
                .with(Metric::OPS_PER_S, s.ops_per_s);
            Outcome::Measured(Box::new(sample))
        };
        let pair = Pair {
            round: 0,
            first: Side::Baseline,
            baseline: side(QUICK_START),
            x: side(FAST_RUN),
            dropped: None,
        };
        let cell = Cell {
            agents: 4,
            baseline: Arm::of("exploration", "threads", "none"),
            x: Arm::of("exploration", "processes", "none"),
            window_s: 0.25,
            pairs: vec![pair; 3],
            verdict: ahead(),
            ..Cell::default()
        };
        assert!((setup_answer(&cell).unwrap().break_even_s.unwrap() - 1.1).abs() < 1e-9);
        let empty = Cell {
            pairs: Vec::new(),
            ..cell
        };
        assert_eq!(setup_answer(&empty), None);
    }
}
