//! Could this machine tell a thing from itself, and see a known effect?

use statrs::distribution::{ChiSquared, ContinuousCDF, Normal, StudentsT};

use crate::record::{Cell, Effect, Purpose, Verdict};

/// S: the factor that intervals need so that they cover what the null controls show; at least 1.
///
/// `nulls` are effects whose truth is 1, each with its unwidened standard error. With
/// z_j = θ_j / SE_j and ν_j = n_j − 2:
///
/// - *whether*: under the null z_j is t distributed, so with ν = 4 its square has no finite variance
///   and ν/(ν − 2) as mean; scaling by (ν − 2)/ν repairs the mean but not the tail, and a χ²(J) point would not
///   hold its 5 %. So every z_j² is first carried to the χ²(1) value of the same probability; their sum is χ²(J)
///   exactly, for any mix of ν, and S applies only above the 95 % point.
/// - *how much*: S = sqrt(Σ z_j² (ν_j − 2)/ν_j / J), the moment estimate: when the true spread of θ
///   is S times its standard error, this mean of squares is S² on average.
///
/// A null whose pairs do not vary at all has no z and is left out.
///
/// Source: Lancaster 1961, "The combination of probabilities" (sums of χ² values of equal
/// probability).
pub fn inflation(nulls: &[Effect]) -> f64 {
    let controls: Vec<(f64, f64)> = nulls
        .iter()
        .filter(|e| e.standard_error > 0.0 && e.pairs > 4)
        .map(|e| (e.ratio.ln() / e.standard_error, (e.pairs - 2) as f64))
        .filter(|(z, _)| z.is_finite())
        .collect();
    if controls.is_empty() {
        return 1.0;
    }
    let count = controls.len() as f64;
    let evidence: f64 = controls
        .iter()
        .map(|&(z, freedom)| chi_square_of(z, freedom))
        .sum();
    let limit = ChiSquared::new(count)
        .expect("at least one control")
        .inverse_cdf(0.95);
    if evidence <= limit {
        return 1.0;
    }
    let squares: f64 = controls
        .iter()
        .map(|(z, freedom)| z * z * (freedom - 2.0) / freedom)
        .sum();
    (squares / count).sqrt().max(1.0)
}

/// The χ²(1) value whose upper tail is as probable as |t| ≥ |z| with `freedom` degrees of freedom.
fn chi_square_of(z: f64, freedom: f64) -> f64 {
    let tail = StudentsT::new(0.0, 1.0, freedom)
        .expect("degrees of freedom are above 0")
        .cdf(-z.abs());
    Normal::standard().inverse_cdf(tail).powi(2)
}

/// Why the headline is withheld, or `None` when the controls hold.
///
/// Looks only at cells whose purpose is a control. In this order:
///
/// - a null that ends with a deployment ahead: give it a verdict whose interval is widened for
///   peeking but not by [`inflation`], which is computed from the same nulls and would excuse them;
/// - a known effect whose interval misses `asked`, or includes 1;
/// - controls of one kind that were planned, but of which none has an interval.
///
/// No control cells at all is not a reason: a plan that leaves them out says so in its record.
pub fn withheld(controls: &[Cell]) -> Option<String> {
    controls
        .iter()
        .find_map(null_with_a_winner)
        .or_else(|| controls.iter().find_map(unseen_effect))
        .or_else(|| unjudged(controls, "null control", |p| p == Purpose::Null))
        .or_else(|| {
            unjudged(controls, "control with a known effect", |p| {
                matches!(p, Purpose::KnownEffect { .. })
            })
        })
}

fn null_with_a_winner(cell: &Cell) -> Option<String> {
    let (Purpose::Null, Verdict::Ahead { .. }) = (cell.purpose, &cell.verdict) else {
        return None;
    };
    let measured = cell.effect.map_or(String::new(), |e| {
        format!(", measured {:.3} [{:.3}, {:.3}]", e.ratio, e.low, e.high)
    });
    Some(format!(
        "this machine could not tell a thing from itself: {} against {} ({}, {}): asked 1.000{measured}; \
         quiet the machine and run again",
        cell.x,
        cell.baseline,
        cell.workload,
        agents(cell.agents),
    ))
}

fn unseen_effect(cell: &Cell) -> Option<String> {
    let (Purpose::KnownEffect { asked }, Some(e)) = (cell.purpose, cell.effect) else {
        return None;
    };
    let holds_asked = e.low <= asked && asked <= e.high;
    let includes_one = e.low <= 1.0 && 1.0 <= e.high;
    if holds_asked && !includes_one {
        return None;
    }
    Some(format!(
        "not sensitive enough here: the known effect in {} ({}, {}): asked {asked:.3}, measured {:.3} [{:.3}, {:.3}]; \
         give it more time or a quieter machine",
        cell.x,
        cell.workload,
        agents(cell.agents),
        e.ratio,
        e.low,
        e.high,
    ))
}

fn unjudged(controls: &[Cell], kind: &str, is_kind: impl Fn(Purpose) -> bool) -> Option<String> {
    let mut planned = controls.iter().filter(|c| is_kind(c.purpose)).peekable();
    planned.peek()?;
    if planned.any(|c| c.effect.is_some()) {
        return None;
    }
    Some(format!(
        "no {kind} could be judged: fewer than {} of its pairs count; give it more time or look at the dropped pairs",
        super::MIN_PAIRS,
    ))
}

fn agents(count: usize) -> String {
    match count {
        1 => "1 agent".to_owned(),
        _ => format!("{count} agents"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(ratio: f64, low: f64, high: f64) -> Effect {
        Effect {
            pairs: 6,
            ratio,
            low,
            high,
            standard_error: 0.01,
            pair_sd: 0.024,
            order_effect: 0.0,
            pairs_needed: 16,
        }
    }

    fn control(purpose: Purpose, effect: Option<Effect>, verdict: Verdict) -> Cell {
        Cell {
            workload: "exploration".to_owned(),
            agents: 4,
            baseline: "threads".to_owned(),
            x: "threads".to_owned(),
            baseline_transport: "none".to_owned(),
            x_transport: "none".to_owned(),
            purpose,
            window_s: 0.25,
            digest: None,
            pairs: Vec::new(),
            baseline_steadiness: None,
            x_steadiness: None,
            effect,
            verdict,
        }
    }

    fn known(asked: f64, effect: Effect) -> Cell {
        control(
            Purpose::KnownEffect { asked },
            Some(effect),
            Verdict::Inconclusive,
        )
    }

    fn ahead() -> Verdict {
        Verdict::Ahead {
            deployment: "threads".to_owned(),
        }
    }

    #[test]
    fn nulls_within_their_noise_do_not_widen() {
        assert_eq!(inflation(&[]), 1.0);
        assert_eq!(inflation(&[measured(1.01, 0.98, 1.04); 2]), 1.0);
        let still = Effect {
            standard_error: 0.0,
            ..measured(1.1, 1.1, 1.1)
        };
        assert_eq!(inflation(&[still]), 1.0);
    }

    #[test]
    fn nulls_beyond_their_noise_widen_by_their_own_size() {
        // z = ±6 in both with ν = 4: Σ z² (ν − 2)/ν / J = 36 / 2.
        let far = [
            measured(0.06_f64.exp(), 0.9, 1.1),
            measured((-0.06_f64).exp(), 0.9, 1.1),
        ];
        assert!((inflation(&far) - 18.0_f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn one_control_widens_exactly_beyond_its_t_quantile() {
        let at = |z: f64| inflation(&[measured((0.01 * z).exp(), 0.9, 1.1)]);
        assert_eq!(at(2.77), 1.0);
        assert!(at(2.79) > 1.0);
    }

    #[test]
    fn controls_that_hold_withhold_nothing() {
        let cells = [
            control(Purpose::Null, Some(measured(1.0, 0.99, 1.01)), Verdict::Tie),
            control(
                Purpose::Null,
                Some(measured(1.0, 0.9, 1.1)),
                Verdict::Inconclusive,
            ),
            known(0.909, measured(0.905, 0.893, 0.917)),
        ];
        assert_eq!(withheld(&cells), None);
        assert_eq!(withheld(&[]), None);
    }

    #[test]
    fn a_null_with_a_winner_withholds_the_headline() {
        let cells = [control(
            Purpose::Null,
            Some(measured(1.1, 1.05, 1.15)),
            ahead(),
        )];
        let reason = withheld(&cells).unwrap();
        assert!(reason.starts_with("this machine could not tell a thing from itself"));
        assert!(reason.contains("exploration, 4 agents"), "{reason}");
        assert!(reason.contains("1.100 [1.050, 1.150]"), "{reason}");
    }

    #[test]
    fn a_known_effect_that_is_missed_or_drowned_withholds_the_headline() {
        for e in [measured(0.95, 0.93, 0.97), measured(0.93, 0.85, 1.01)] {
            let reason = withheld(&[known(0.909, e)]).unwrap();
            assert!(reason.starts_with("not sensitive enough here"), "{reason}");
            assert!(reason.contains("asked 0.909"), "{reason}");
        }
    }

    #[test]
    fn a_kind_of_control_that_nobody_could_judge_withholds_the_headline() {
        let missing = || {
            let reason = "4 pairs count".to_owned();
            control(Purpose::Null, None, Verdict::NotMeasured { reason })
        };
        let held = control(Purpose::Null, Some(measured(1.0, 0.99, 1.01)), Verdict::Tie);
        assert!(withheld(&[missing()]).unwrap().contains("no null control"));
        assert_eq!(withheld(&[missing(), held]), None);
    }

    #[test]
    fn cells_that_are_not_controls_are_not_judged() {
        let compare = control(Purpose::Compare, Some(measured(1.1, 1.05, 1.15)), ahead());
        assert_eq!(withheld(&[compare]), None);
    }
}
