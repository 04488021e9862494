//! How long after its planned start is an op done, under each deployment?

use crate::record::latency::{Latency, LatencyAnswer, LatencySide};
use crate::record::{Cell, Estimate, Purpose, Sample};

use super::effect::{PairDifference, Widen, effect};
use super::estimate::median;

/// Latency of one workload, compared between `baseline` and `x`, at every agent count where pairs count.
///
/// Percentiles are read in each invocation, from all its ops; what is compared is the mean over pairs of the
/// differences of their logarithms, so the interval is that of every other ratio. `margin` is a share.
/// Those of the sides are geometric means over invocations.
#[must_use]
pub fn latency_answers(
    cells: &[Cell],
    (workload, baseline, x): (&str, &str, &str),
    margin: f64,
    widen: Widen,
) -> Vec<LatencyAnswer> {
    let of = |purpose: Purpose| {
        let is_asked = move |c: &&Cell| {
            c.purpose == purpose
                && (c.workload.as_str(), c.baseline.as_str(), c.x.as_str())
                    == (workload, baseline, x)
        };
        cells.iter().filter(is_asked)
    };
    let answer = |cell: &Cell| {
        let unplanned = of(Purpose::Compare).find(|c| c.agents == cell.agents);
        answer(cell, unplanned, margin, widen)
    };
    let mut answers: Vec<LatencyAnswer> = of(Purpose::Latency).filter_map(answer).collect();
    answers.sort_by_key(|a| a.agents);
    answers
}

/// `unplanned` is the comparison without a schedule that `cell` belongs to.
fn answer(
    cell: &Cell,
    unplanned: Option<&Cell>,
    margin: f64,
    widen: Widen,
) -> Option<LatencyAnswer> {
    let (baseline, x): (Vec<&Latency>, Vec<&Latency>) = cell
        .kept()
        .filter_map(|(_, b, x)| Some((b.latency.as_ref()?, x.latency.as_ref()?)))
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
        load: slower(|s| s.ops_per_s, f64::min).map(|most| planned_per_s / most),
        step_ns: slower(|s| s.service.p50_ns, f64::max),
        pairs: baseline.len(),
        baseline: side(&baseline)?,
        x: side(&x)?,
        p50: ratio(cell, margin, widen, |l| Some(l.p50_ns)),
        p99: ratio(cell, margin, widen, |l| l.p99_ns),
        sentence: String::new(),
    })
}

fn side(all: &[&Latency]) -> Option<LatencySide> {
    // Geometric means, as of the ratio beside them: of a latency with two modes the median is one of them, and its
    // quotient no ratio that anybody measured.
    let usual = |metric: fn(&Latency) -> Option<f64>| {
        let logarithms: Option<Vec<f64>> = all.iter().map(|l| Some(metric(l)?.ln())).collect();
        let logarithms = logarithms.filter(|all| !all.is_empty())?;
        Some((logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp())
    };
    Some(LatencySide {
        p50_ns: usual(|l| Some(l.p50_ns))?,
        p99_ns: usual(|l| l.p99_ns),
        p999_ns: usual(|l| l.p999_ns),
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
