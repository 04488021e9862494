//! What did a run measure of one deployment, or of one against another?

use super::change::{LnMean, change};
use super::controls::inflation;
use super::delivery::is_paced;
use super::effect::{MIN_PAIRS, StatsError, Widen, effect, pair_differences};
use crate::deployment::Form;
use crate::record::metric::{FOR_P99, Metric};
use crate::record::{Cell, Effect, Estimate, Purpose, Run, Sample, Side};
use crate::transport::Choice;

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
        let x_workload = cell.x_workload.as_ref().unwrap_or(&cell.workload);
        let (workload, deployment) = match side {
            Side::Baseline => (&cell.workload, &cell.baseline),
            Side::X => (x_workload, &cell.x),
        };
        Place {
            workload,
            agents: cell.agents,
            deployment,
        }
    }

    fn value(&self, metric: Metric, sample: &Sample) -> Option<f64> {
        metric.value(sample, self.agents, FOR_P99)
    }
}

/// S: the factor by which the null controls of a concluded run widen what is read inside windows.
#[must_use]
pub fn widening(run: &Run) -> f64 {
    let nulls = run.cells.iter().filter(|c| c.purpose == Purpose::Null);
    let nulls: Vec<Effect> = nulls.filter_map(|c| c.effect).collect();
    inflation(&nulls)
}

/// Whether a side of a cell stands for its deployment: it is compared with another. Of hops and
/// deliveries only what goes by the deployment's own transport, wherever the scheduler puts it.
fn stands_for_its_deployment(cell: &Cell, side: Side, metric: Metric) -> bool {
    let (deployment, transport) = match side {
        Side::Baseline => (&cell.baseline, &cell.baseline_transport),
        Side::X => (&cell.x, &cell.x_transport),
    };
    match cell.purpose {
        Purpose::Compare => !metric.is_of_latency(),
        Purpose::Latency => metric.is_of_latency(),
        Purpose::Hop | Purpose::Variant => {
            let is_native = deployment
                .parse::<Form>()
                .is_ok_and(|form| Choice::Native.of(form.kind.home()).name == transport);
            let is_silent = transport == "none";
            cell.cpus.is_free() && (is_native || is_silent)
        }
        // What was planned, or lasted longer, is another quantity.
        Purpose::Null
        | Purpose::KnownEffect { .. }
        | Purpose::MessageCost
        | Purpose::LongWindow => false,
    }
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
        let samples = cell.kept().map(|(_, baseline, x)| match side {
            Side::Baseline => baseline,
            Side::X => x,
        });
        for sample in samples {
            values.push(place.value(metric, sample).ok_or_else(|| missing(metric))?);
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

/// X / baseline of a cell in a metric, from its pairs. Of op/s it is the effect of the record, unless the rate
/// was planned and the record has the effect on the delay.
///
/// # Errors
/// Why there is none, as the end of a sentence.
pub fn x_over_baseline(run: &Run, cell: &Cell, metric: Metric) -> Result<Effect, String> {
    if metric == Metric::Throughput && !is_paced(cell, &run.workloads) {
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
    let place = Place::of(cell, Side::X);
    let pairs = pair_differences(cell, |s: &Sample| {
        place.value(metric, s).unwrap_or(f64::NAN)
    });
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
        StatsError::NotFinite { .. } => missing(metric),
        other => other.to_string(),
    }
}

fn missing(metric: Metric) -> String {
    match metric {
        Metric::ServiceP99 => {
            format!("an invocation has too few timed ops for a 99th percentile ({FOR_P99})")
        }
        Metric::Messages => "no messages were sent".to_owned(),
        other => format!("{} was not measured in every invocation", other.name()),
    }
}
