//! What did a run measure of one deployment, or of one against another?

use super::change::{LnMean, change};
use super::controls::inflation;
use super::effect::{MIN_PAIRS, StatsError, Widen, effect, pair_differences};
use crate::metric::Metric;
use crate::record::{Cell, Effect, Estimate, Role, Run, Sample, Side};

/// Agents of a workload under a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// Name of the workload.
    pub workload: &'a str,
    /// Number of agents.
    pub agents: usize,
    /// Label of the deployment.
    pub deployment: &'a str,
}

impl<'a> Place<'a> {
    /// The place of one side of a cell.
    fn of(cell: &'a Cell, side: Side) -> Place<'a> {
        let arm = cell.arm(side);
        Place {
            workload: &arm.workload,
            agents: cell.agents,
            deployment: &arm.deployment,
        }
    }
}

/// S: the factor by which the null controls of a concluded run widen what is read inside windows.
#[must_use]
pub fn widening(run: &Run) -> f64 {
    let nulls = run.cells.iter().filter(|c| c.role == Role::Null);
    let nulls: Vec<Effect> = nulls.filter_map(|c| c.effect).collect();
    inflation(&nulls)
}

/// Whether a metric of a side is that of its deployment: not where it is another quantity, with a schedule or without.
fn stands_for_its_deployment(cell: &Cell, side: Side, metric: Metric) -> bool {
    let of_cell = Metric::of_id(&cell.metric);
    cell.arm(side).stands && metric.is_planned() == of_cell.is_some_and(Metric::is_planned)
}

/// The sides of all cells that stand for a deployment.
fn sides(run: &Run, metric: Metric) -> impl Iterator<Item = (&Cell, Side)> {
    run.cells
        .iter()
        .flat_map(|cell| [(cell, Side::Baseline), (cell, Side::X)])
        .filter(move |(cell, side)| stands_for_its_deployment(cell, *side, metric))
}

/// Where a metric of a workload was measured, in the order of the record.
#[must_use]
pub fn places<'a>(run: &'a Run, workload: &str, metric: Metric) -> Vec<Place<'a>> {
    let mut found: Vec<Place<'a>> = Vec::new();
    for (cell, side) in sides(run, metric) {
        let place = Place::of(cell, side);
        if place.workload == workload && !found.contains(&place) {
            found.push(place);
        }
    }
    found
}

/// A metric of one place: the geometric mean over its invocations with its 95 % interval, in the unit
/// of the metric.
///
/// # Errors
/// Why there is none, as the end of a sentence.
pub fn level(run: &Run, place: &Place<'_>, metric: Metric) -> Result<Estimate, String> {
    Ok(ln_level(run, place, metric)?.estimate())
}

fn ln_level(run: &Run, place: &Place<'_>, metric: Metric) -> Result<LnMean, String> {
    let mut values = Vec::new();
    for (cell, side) in sides(run, metric).filter(|(c, s)| Place::of(c, *s) == *place) {
        for sample in cell.samples(side) {
            values.push(metric.value(sample).ok_or_else(|| metric.missing())?);
        }
    }
    let mean = LnMean::of(&values).map_err(|e| why(&e, metric))?;
    Ok(widened(run, mean, metric))
}

fn widened(run: &Run, mean: LnMean, metric: Metric) -> LnMean {
    match metric.is_of_window() {
        true => mean.widened(widening(run)),
        false => mean,
    }
}

/// `of` / `to` in a metric, with its 95 % interval: from pairs, where one cell compares the two, else
/// from the invocations of each as if they had run apart.
///
/// # Errors
/// Why there is none, as the end of a sentence.
pub fn ratio(
    run: &Run,
    of: &Place<'_>,
    to: &Place<'_>,
    metric: Metric,
) -> Result<Estimate, String> {
    let is_both = |c: &&Cell| {
        let ends = [Side::Baseline, Side::X].map(|side| (Place::of(c, side), side));
        ends.iter()
            .all(|(_, s)| stands_for_its_deployment(c, *s, metric))
            && [ends[0].0, ends[1].0].iter().all(|p| p == of || p == to)
            && ends[0].0 != ends[1].0
    };
    let Some(cell) = run.cells.iter().find(is_both) else {
        let (to, of) = (ln_level(run, to, metric)?, ln_level(run, of, metric)?);
        return Ok(change(&to, &of));
    };
    let e = x_over_baseline(run, cell, metric)?;
    Ok(match Place::of(cell, Side::X) == *of {
        true => Estimate {
            value: e.ratio,
            low: e.low,
            high: e.high,
        },
        false => Estimate {
            value: 1.0 / e.ratio,
            low: 1.0 / e.high,
            high: 1.0 / e.low,
        },
    })
}

/// X / baseline of a cell in a metric, from its pairs; in its own metric it is the effect of the record.
///
/// # Errors
/// Why there is none, as the end of a sentence.
pub fn x_over_baseline(run: &Run, cell: &Cell, metric: Metric) -> Result<Effect, String> {
    if metric.id() == cell.metric {
        let too_few = || {
            why(
                &StatsError::TooFew {
                    have: cell.kept().count(),
                    need: MIN_PAIRS,
                },
                metric,
            )
        };
        return cell.effect.ok_or_else(too_few);
    }
    let pairs = pair_differences(cell, |s: &Sample| metric.value(s).unwrap_or(f64::NAN));
    let widen = Widen {
        controls: if metric.is_of_window() {
            widening(run)
        } else {
            1.0
        },
        ..Widen::NONE
    };
    effect(&pairs, run.margin, widen).map_err(|e| why(&e, metric))
}

fn why(error: &StatsError, metric: Metric) -> String {
    match error {
        StatsError::TooFew { have: 0, .. } => "no pair counts".to_owned(),
        StatsError::TooFew { have, need } => {
            format!("{have} of the {need} pairs that an interval needs")
        }
        StatsError::NotFinite { .. } => metric.missing(),
        other => other.to_string(),
    }
}
