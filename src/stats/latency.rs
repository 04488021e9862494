//! How long after its planned start is an op done, under each deployment?

use crate::record::latency::{Latency, LatencyAnswer, LatencySide};
use crate::record::{Cell, Estimate, Purpose, Sample};

use super::effect::{PairDifference, Widen, effect};
use super::estimate::median;

/// Latency of one workload, compared between `baseline` and `x`, at every agent count where pairs count.
///
/// Percentiles are read in each invocation, from all its ops; what is compared is the mean over pairs of the
/// differences of their logarithms, so the interval is that of every other ratio. `margin` is a share.
/// Medians of the sides are over invocations.
#[must_use]
pub fn latency_answers(
    cells: &[Cell],
    (workload, baseline, x): (&str, &str, &str),
    margin: f64,
    widen: Widen,
) -> Vec<LatencyAnswer> {
    let is_asked = |c: &&Cell| {
        c.purpose == Purpose::Latency
            && (c.workload.as_str(), c.baseline.as_str(), c.x.as_str()) == (workload, baseline, x)
    };
    let asked = cells.iter().filter(is_asked);
    let mut answers: Vec<LatencyAnswer> = asked.filter_map(|c| answer(c, margin, widen)).collect();
    answers.sort_by_key(|a| a.agents);
    answers
}

fn answer(cell: &Cell, margin: f64, widen: Widen) -> Option<LatencyAnswer> {
    let (baseline, x): (Vec<&Latency>, Vec<&Latency>) = cell
        .kept()
        .filter_map(|(_, b, x)| Some((b.latency.as_ref()?, x.latency.as_ref()?)))
        .unzip();
    Some(LatencyAnswer {
        agents: cell.agents,
        planned_per_s: cell.planned_per_s?,
        pairs: baseline.len(),
        baseline: side(&baseline)?,
        x: side(&x)?,
        p50: ratio(cell, margin, widen, |l| Some(l.p50_ns)),
        p99: ratio(cell, margin, widen, |l| l.p99_ns),
        sentence: String::new(),
    })
}

fn side(all: &[&Latency]) -> Option<LatencySide> {
    let median_of = |metric: fn(&Latency) -> Option<f64>| {
        let values: Option<Vec<f64>> = all.iter().map(|l| metric(l)).collect();
        median(&values?)
    };
    Some(LatencySide {
        p50_ns: median_of(|l| Some(l.p50_ns))?,
        p99_ns: median_of(|l| l.p99_ns),
        p999_ns: median_of(|l| l.p999_ns),
        fell_behind: all.iter().filter(|l| !l.has_kept_up()).count(),
    })
}

/// X / baseline of one percentile; `None` where an invocation does not have it, or too few pairs count.
fn ratio(
    cell: &Cell,
    margin: f64,
    widen: Widen,
    metric: fn(&Latency) -> Option<f64>,
) -> Option<Estimate> {
    let of = |s: &Sample| s.latency.as_ref().and_then(metric);
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
