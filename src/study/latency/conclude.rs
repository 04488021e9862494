//! How long after its planned start is an op done, under each deployment?

use super::finding::{KEPT_UP, LatencyAnswer, LatencyOf, LatencySide};
use super::sentence::latency_sentence;
use crate::metric::Metric;
use crate::record::{Cell, Estimate, Sample};
use crate::stats::{PairDifference, Widen, effect, median};

/// Latency of every workload under every two deployments, at every agent count where pairs of `cells` count; among
/// `all` are the comparisons without a schedule. `margin` is a share.
///
/// Percentiles are read in each invocation, from all its ops; what is compared is the mean over pairs of the
/// differences of their logarithms, so the interval is that of every other ratio.
/// Those of the sides are geometric means over invocations.
#[must_use]
pub fn answers(cells: &[&Cell], all: &[Cell], margin: f64, widen: Widen) -> Vec<LatencyOf> {
    let mut found: Vec<LatencyOf> = Vec::new();
    let key = |c: &Cell| {
        (
            c.baseline.workload.clone(),
            c.baseline.deployment.clone(),
            c.x.deployment.clone(),
        )
    };
    for &cell in cells {
        let is_twin =
            |c: &&Cell| c.is_comparison() && c.agents == cell.agents && key(c) == key(cell);
        let unplanned = all.iter().find(is_twin);
        let Some(mut answer) = answer(cell, unplanned, margin, widen) else {
            continue;
        };
        let (workload, baseline, x) = key(cell);
        answer.sentence = latency_sentence(&answer, (&workload, &baseline, &x), margin);
        let is_it =
            |of: &&mut LatencyOf| (&of.workload, &of.baseline, &of.x) == (&workload, &baseline, &x);
        match found.iter_mut().find(is_it) {
            Some(of) => of.answers.push(answer),
            None => found.push(LatencyOf {
                workload,
                baseline,
                x,
                answers: vec![answer],
            }),
        }
    }
    for of in &mut found {
        of.answers.sort_by_key(|a| a.agents);
    }
    found
}

/// `unplanned` is the comparison without a schedule that `cell` belongs to.
fn answer(
    cell: &Cell,
    unplanned: Option<&Cell>,
    margin: f64,
    widen: Widen,
) -> Option<LatencyAnswer> {
    let (baseline, x): (Vec<&Sample>, Vec<&Sample>) = cell
        .kept()
        .filter(|(_, b, x)| {
            [b, x]
                .iter()
                .all(|s| s.get(Metric::LATENCY_P50_NS).is_some())
        })
        .map(|(_, b, x)| (b, x))
        .unzip();
    let planned_per_s = cell.planned_per_s?;
    let slower = |metric: fn(&Sample) -> f64, of: fn(f64, f64) -> f64| {
        let (b, x): (Vec<f64>, Vec<f64>) = unplanned?
            .kept()
            .map(|(_, b, x)| (metric(b), metric(x)))
            .unzip();
        Some(of(median(&b)?, median(&x)?))
    };
    Some(LatencyAnswer {
        agents: cell.agents,
        planned_per_s,
        load: slower(Sample::ops_per_s, f64::min).map(|most| planned_per_s / most),
        step_ns: slower(|s| s.value(Metric::SERVICE_P50_NS), f64::max),
        pairs: baseline.len(),
        baseline: side(&baseline)?,
        x: side(&x)?,
        p50: ratio(cell, margin, widen, Metric::LATENCY_P50_NS),
        p99: ratio(cell, margin, widen, Metric::LATENCY_P99_NS),
        sentence: String::new(),
    })
}

fn side(all: &[&Sample]) -> Option<LatencySide> {
    // Geometric means, as of the ratio beside them: of a latency with two modes the median is one of them, and its
    // quotient no ratio that anybody measured.
    let usual = |metric: Metric| {
        let logarithms: Option<Vec<f64>> = all.iter().map(|l| Some(l.get(metric)?.ln())).collect();
        let logarithms = logarithms.filter(|all| !all.is_empty())?;
        Some((logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp())
    };
    Some(LatencySide {
        p50_ns: usual(Metric::LATENCY_P50_NS)?,
        p99_ns: usual(Metric::LATENCY_P99_NS),
        p999_ns: usual(Metric::LATENCY_P999_NS),
        fell_behind: all.iter().filter(|l| !has_kept_up(l)).count(),
    })
}

/// Whether ops were done as fast as they were planned, 5 % apart at most.
fn has_kept_up(sample: &Sample) -> bool {
    sample.value(Metric::LATENCY_DONE_PER_S)
        >= KEPT_UP * sample.value(Metric::LATENCY_PLANNED_PER_S)
}

/// X / baseline of one percentile; `None` where an invocation does not have it, or too few pairs count.
fn ratio(cell: &Cell, margin: f64, widen: Widen, metric: Metric) -> Option<Estimate> {
    let of = |s: &Sample| s.get(metric);
    let differences: Option<Vec<PairDifference>> = cell
        .kept()
        .map(|(pair, b, x)| Some(PairDifference::of(of(b)?, of(x)?, pair.first)))
        .collect();
    let found = effect(&differences?, margin, widen).ok()?;
    Some(Estimate {
        value: found.ratio,
        low: found.low,
        high: found.high,
    })
}
