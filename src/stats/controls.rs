//! Could this machine tell a thing from itself, and see a known effect?

use statrs::distribution::{ChiSquared, ContinuousCDF, Normal, StudentsT};

use super::estimate::{t_975, t_995};
use crate::record::{Cell, Effect, Role, Verdict};

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

/// What a control says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It came out as its truth is.
    Holds,
    /// A null ended with a side ahead.
    HasWinner,
    /// A known effect was not met: even the 99 % interval excludes what was asked.
    Missed,
    /// A known effect was not told from none: its interval includes 1, or is so wide that it misses 1
    /// by luck.
    Drowned,
    /// Fewer than six of its pairs count.
    Unjudged,
}

/// Judges a control; `None` for a cell that is none.
///
/// A known effect counts as missed beyond its 99 % interval, not its 95 % one: that would be missed
/// by one healthy run in twenty, and with two known effects one headline in ten would be withheld for
/// nothing. The interval that is reported stays the 95 % one.
pub fn judge_control(cell: &Cell) -> Option<Judgement> {
    let asked = match cell.role {
        Role::Null => None,
        Role::Known(ratio) => Some(ratio),
        Role::Question => return None,
    };
    let Some(effect) = &cell.effect else {
        return Some(Judgement::Unjudged);
    };
    Some(match asked {
        None if matches!(cell.verdict, Verdict::Ahead { .. }) => Judgement::HasWinner,
        None => Judgement::Holds,
        Some(asked) if is_beyond_99(effect, asked) => Judgement::Missed,
        // An interval as wide as the effect on either side tells it from none only by luck.
        Some(asked)
            if (effect.low <= 1.0 && 1.0 <= effect.high)
                || half_width(effect) > asked.ln().abs() =>
        {
            Judgement::Drowned
        }
        Some(_) => Judgement::Holds,
    })
}

/// Whether a ratio lies outside of the 99 % interval, with all that widens the 95 % one.
fn is_beyond_99(effect: &Effect, ratio: f64) -> bool {
    let freedom = effect.pairs.saturating_sub(2).max(1) as f64;
    let wider = half_width(effect) * t_995(freedom) / t_975(freedom);
    (ratio / effect.ratio).ln().abs() > wider
}

/// Half the width of the interval that is reported, on the ln scale.
fn half_width(effect: &Effect) -> f64 {
    (effect.high / effect.low).ln() / 2.0
}

/// Why the headline is withheld, or `None` when the controls hold.
///
/// Looks only at controls. In this order:
///
/// - a null that ends with a deployment ahead: give it a verdict whose interval is widened for
///   peeking but not by [`inflation`], which is computed from the same nulls and would excuse them;
/// - a known effect that is missed or drowned ([`judge_control`]);
/// - comparisons, none of which has an interval;
/// - a null without an interval, of a deployment that a comparison with an interval uses;
/// - known effects that were planned, but of which none has an interval.
///
/// No control cells at all is not a reason: a plan that leaves them out says so in its record.
pub fn withheld<'a>(cells: impl IntoIterator<Item = &'a Cell>) -> Option<String> {
    let cells: Vec<&Cell> = cells.into_iter().collect();
    let controls: Vec<(&Cell, Judgement)> = cells
        .iter()
        .filter_map(|&c| Some((c, judge_control(c)?)))
        .collect();
    let first = |wanted: &[Judgement]| {
        controls
            .iter()
            .find(|(_, j)| wanted.contains(j))
            .map(|&(cell, judgement)| in_words(cell, judgement))
    };
    first(&[Judgement::HasWinner])
        .or_else(|| first(&[Judgement::Missed, Judgement::Drowned]))
        .or_else(|| nothing_compared(&cells))
        .or_else(|| unjudged_null(&cells, &controls))
        .or_else(|| unjudged_effects(&controls))
}

fn in_words(cell: &Cell, judgement: Judgement) -> String {
    let asked = cell.role.truth().unwrap_or(1.0);
    let measured = cell.effect.map_or(String::new(), |e| {
        format!(", measured {:.3} [{:.3}, {:.3}]", e.ratio, e.low, e.high)
    });
    let (what, compared, next) = match judgement {
        Judgement::HasWinner => (
            "this machine could not tell a thing from itself",
            format!("{} against {}", cell.x.deployment, cell.baseline.deployment),
            "quiet the machine and run again",
        ),
        _ => (
            "not sensitive enough here",
            format!("the known effect in {}", cell.x.deployment),
            "give it more time or a quieter machine",
        ),
    };
    format!(
        "{what}: {compared} ({}, {}): asked {asked:.3}{measured}; {next}",
        cell.baseline.workload,
        agents(cell.agents),
    )
}

/// Comparisons, none of which has an interval: there is no headline.
fn nothing_compared(cells: &[&Cell]) -> Option<String> {
    let mut compared = cells.iter().filter(|c| c.is_comparison()).peekable();
    compared.peek()?;
    if compared.any(|c| c.effect.is_some()) {
        return None;
    }
    Some(format!(
        "there is no comparison with {} pairs that count; give it more time or look at the dropped pairs",
        super::MIN_PAIRS
    ))
}

/// A deployment whose null has no interval, although a comparison with it has one.
fn unjudged_null(cells: &[&Cell], controls: &[(&Cell, Judgement)]) -> Option<String> {
    let is_compared = |deployment: &str| {
        cells.iter().any(|c| {
            c.is_comparison()
                && c.effect.is_some()
                && (c.x.deployment == deployment || c.baseline.deployment == deployment)
        })
    };
    let (null, _) = controls.iter().find(|(c, judgement)| {
        c.role == Role::Null && *judgement == Judgement::Unjudged && is_compared(&c.x.deployment)
    })?;
    Some(too_few(&format!(
        "the null control of {}",
        null.x.deployment
    )))
}

/// Known effects, none of which has an interval.
fn unjudged_effects(controls: &[(&Cell, Judgement)]) -> Option<String> {
    let mut effects = controls
        .iter()
        .filter(|(c, _)| c.role != Role::Null)
        .peekable();
    effects.peek()?;
    if effects.any(|&(_, judgement)| judgement != Judgement::Unjudged) {
        return None;
    }
    Some(too_few("the control with a known effect"))
}

fn too_few(control: &str) -> String {
    format!(
        "{control} could not be judged: fewer than {} of its pairs count; give it more time or look at the dropped pairs",
        super::MIN_PAIRS,
    )
}

fn agents(count: usize) -> String {
    match count {
        1 => "1 agent".to_owned(),
        _ => format!("{count} agents"),
    }
}

#[cfg(test)]
mod tests;
