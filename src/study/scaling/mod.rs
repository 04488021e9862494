//! What do more agents make of op/s?

mod show;

use super::{Context, Entry, Study, finding};
use crate::document::Document;
use crate::metric::Metric;
use crate::record::{Cell, Estimate, Run, Sample, Side};
use crate::stats::{estimate_mean, median};
use crate::verdict::cells_of;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Its name.
pub const NAME: &str = "scaling";

/// Points that a fit of two parameters beside the scale needs.
pub const USL_POINTS: usize = 4;

/// Agents that talk live in worlds of their own, and do not all have as much to do for an op. Points whose work per op is
/// further from that of one agent than this share are not held against it.
const OTHER_WORK: f64 = 0.05;

/// Rounds of which each gives a fit of its own, for the interval.
const USL_ROUNDS: usize = 3;

/// The growth of op/s with agents, from the comparisons that there are.
pub struct Scaling;

impl Study for Scaling {
    fn entry(&self) -> Entry {
        Entry::new(NAME, "what do more agents make of op/s?")
    }

    fn conclude(&self, _: &[&Cell], context: &Context<'_>) -> Option<Value> {
        let run = context.run;
        let of = |answer: &crate::record::Answer| ScalingOf {
            workload: answer.workload.clone(),
            baseline: answer.baseline.clone(),
            x: answer.x.clone(),
            sides: scaling_answers(&cells_of(run, answer), run.machine.cpus_effective),
        };
        let mut found: Vec<ScalingOf> = run.answers.iter().map(of).collect();
        found.retain(|of| !of.sides.is_empty());
        (!found.is_empty()).then(|| finding(&found))?
    }

    #[cfg(test)]
    fn schema(&self, generator: &mut schemars::SchemaGenerator) -> Option<schemars::Schema> {
        Some(generator.subschema_for::<Vec<ScalingOf>>())
    }

    fn show(&self, run: &Run, out: &mut Document) {
        show::show(run, out);
    }
}

/// One workload under two deployments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ScalingOf {
    /// Name of the workload.
    pub workload: String,
    /// Deployment of the baseline.
    pub baseline: String,
    /// Deployment compared with it.
    pub x: String,
    /// The baseline, then X.
    pub sides: Vec<ScalingAnswer>,
}

/// One deployment's op/s against the number of agents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ScalingAnswer {
    /// The deployment.
    pub deployment: String,
    /// A point per agent count, ascending.
    pub points: Vec<ScalingPoint>,
    /// Universal Scalability Law, fitted to the points with no more agents than CPUs; `None` with fewer
    /// than four of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usl: Option<Usl>,
}

/// Op/s at one agent count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ScalingPoint {
    /// Number of agents.
    pub agents: usize,
    /// Op/s of all agents together, median over invocations.
    pub ops_per_s: f64,
    /// Op/s / (op/s of one agent × what can run at once: the smaller of agents and effective CPUs). 1 is
    /// all that the CPUs can do; `None` where one agent was not measured, or where an op is another amount of
    /// work with so many agents than with one (their worlds differ).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub efficiency: Option<f64>,
}

/// X(n) = λ n / (1 + σ (n − 1) + κ n (n − 1)).
///
/// Source: Gunther, Guerrilla Capacity Planning, 2007.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Usl {
    /// Op/s of one agent.
    pub lambda: f64,
    /// Contention: the share of an op that only one agent can do at a time. At least 0.
    pub sigma: Estimate,
    /// Coherency: what each pair of agents costs. At least 0.
    pub kappa: Estimate,
    /// Agents at which op/s are highest; `None` where they only grow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_agents: Option<f64>,
}

/// How op/s of both sides of one comparison grow with the number of agents, the baseline first.
///
/// `cells` are the comparisons of one workload and one pair of deployments; `cpus_effective` is the number of
/// CPUs that agents share.
#[must_use]
pub fn scaling_answers(cells: &[&Cell], cpus_effective: f64) -> Vec<ScalingAnswer> {
    let mut compared: Vec<&Cell> = cells
        .iter()
        .copied()
        .filter(|c| c.kept().next().is_some())
        .collect();
    compared.sort_by_key(|c| c.agents);
    let side_of = |side| answer(&compared, side, cpus_effective);
    let both = [Side::Baseline, Side::X].into_iter();
    both.filter_map(side_of).collect()
}

fn rates(cell: &Cell, side: Side) -> Vec<f64> {
    cell.samples(side).map(Sample::ops_per_s).collect()
}

/// Whether an op is as much work as with one agent.
fn is_same_work(cell: &Cell, alone: &Cell, side: Side) -> bool {
    let work = |c: &Cell| {
        median(
            &c.samples(side)
                .map(|s| s.value(Metric::ACTIVE_STATES_PER_OP))
                .collect::<Vec<_>>(),
        )
    };
    match (work(cell), work(alone)) {
        (Some(own), Some(one)) => (own - one).abs() <= OTHER_WORK * one,
        _ => false,
    }
}

fn answer(cells: &[&Cell], side: Side, cpus: f64) -> Option<ScalingAnswer> {
    let first = cells.first()?;
    let deployment = &first.arm(side).deployment;
    let alone = cells.iter().find(|c| c.agents == 1);
    let efficiency = |cell: &Cell| {
        let alone = alone.filter(|one| is_same_work(cell, one, side))?;
        let one = median(&rates(alone, side))?;
        Some(median(&rates(cell, side))? / (one * (cell.agents as f64).min(cpus)))
    };
    let points = cells.iter().filter_map(|cell| {
        Some(ScalingPoint {
            agents: cell.agents,
            ops_per_s: median(&rates(cell, side))?,
            efficiency: efficiency(cell),
        })
    });
    Some(ScalingAnswer {
        deployment: deployment.clone(),
        points: points.collect(),
        usl: usl_of(cells, side, cpus),
    })
}

/// The law of the cells in which every agent can have a CPU: from the medians, with an interval from the fits
/// of single rounds.
fn usl_of(cells: &[&Cell], side: Side, cpus: f64) -> Option<Usl> {
    let own: Vec<(f64, Vec<f64>)> = cells
        .iter()
        .filter(|c| c.agents as f64 <= cpus && is_same_work(c, cells[0], side))
        .map(|c| (c.agents as f64, rates(c, side)))
        .collect();
    if own.len() < USL_POINTS {
        return None;
    }
    let rounds = own.iter().map(|(_, rates)| rates.len()).min()?;
    let of_round = |r: usize| -> Option<Law> {
        let points: Vec<(f64, f64)> = own.iter().map(|(n, rates)| (*n, rates[r])).collect();
        fit_usl(&points)
    };
    let each: Vec<Law> = (0..rounds).filter_map(of_round).collect();
    let points: Option<Vec<(f64, f64)>> = own
        .iter()
        .map(|(n, rates)| Some((*n, median(rates)?)))
        .collect();
    let law = fit_usl(&points?)?;
    if each.len() < USL_ROUNDS {
        return None;
    }
    let interval = |value: f64, of: fn(&Law) -> f64| -> Option<Estimate> {
        let around = estimate_mean(&each.iter().map(of).collect::<Vec<_>>()).ok()?;
        let half_width = (around.high - around.low) / 2.0;
        Some(Estimate {
            value,
            low: (value - half_width).max(0.0),
            high: value + half_width,
        })
    };
    Some(Usl {
        lambda: law.lambda,
        sigma: interval(law.sigma, |l| l.sigma)?,
        kappa: interval(law.kappa, |l| l.kappa)?,
        peak_agents: (law.kappa > 0.0 && law.sigma < 1.0)
            .then(|| ((1.0 - law.sigma) / law.kappa).sqrt()),
    })
}

/// λ, σ and κ of X(n) = λ n / (1 + σ (n − 1) + κ n (n − 1)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Law {
    /// Rate of one.
    pub lambda: f64,
    /// Contention, at least 0.
    pub sigma: f64,
    /// Coherency, at least 0.
    pub kappa: f64,
}

/// Fits the law to (n, rate) points by least squares of n / rate, which is linear in 1/λ, σ/λ and κ/λ. A
/// parameter that comes out below 0 is none, and the others are fitted without it. `None` when the points do
/// not decide.
#[must_use]
pub fn fit_usl(points: &[(f64, f64)]) -> Option<Law> {
    let columns: [fn(f64) -> f64; 3] = [|_| 1.0, |n| n - 1.0, |n| n * (n - 1.0)];
    let all = [
        [true; 3],
        [true, true, false],
        [true, false, true],
        [true, false, false],
    ];
    // Of those that are allowed, the one that fits best: the full law where it is.
    let mut best: Option<(f64, Law)> = None;
    for used in all {
        let Some(solved) = least_squares(points, &columns, used) else {
            continue;
        };
        let [inverse, contention, coherency] = solved;
        if !(inverse > 0.0 && contention >= 0.0 && coherency >= 0.0) {
            continue;
        }
        let residual: f64 = points
            .iter()
            .map(|&(n, rate)| {
                let fitted: f64 = (0..3).map(|i| solved[i] * columns[i](n)).sum();
                (n / rate - fitted).powi(2)
            })
            .sum();
        let law = Law {
            lambda: 1.0 / inverse,
            sigma: contention / inverse,
            kappa: coherency / inverse,
        };
        if best.is_none_or(|(least, _)| residual < least) {
            best = Some((residual, law));
        }
    }
    best.map(|(_, law)| law)
}

/// Coefficients of the columns that are `used` (0 for the others), by the normal equations.
fn least_squares(
    points: &[(f64, f64)],
    columns: &[fn(f64) -> f64; 3],
    used: [bool; 3],
) -> Option<[f64; 3]> {
    let own: Vec<usize> = (0..3).filter(|&i| used[i]).collect();
    let k = own.len();
    if points.len() < k || points.iter().any(|p| !(p.1 > 0.0 && p.1.is_finite())) {
        return None;
    }
    let mut m = vec![vec![0.0; k + 1]; k];
    for &(n, rate) in points {
        for i in 0..k {
            for j in 0..k {
                m[i][j] += columns[own[i]](n) * columns[own[j]](n);
            }
            m[i][k] += columns[own[i]](n) * n / rate;
        }
    }
    for i in 0..k {
        let pivot = (i..k).max_by(|&a, &b| m[a][i].abs().total_cmp(&m[b][i].abs()))?;
        m.swap(i, pivot);
        if m[i][i].abs() < 1e-300 {
            return None;
        }
        let row = m[i].clone();
        for (r, other) in m.iter_mut().enumerate() {
            if r != i {
                let factor = other[i] / row[i];
                other
                    .iter_mut()
                    .zip(&row)
                    .for_each(|(x, y)| *x -= factor * y);
            }
        }
    }
    let mut found = [0.0; 3];
    for (i, &column) in own.iter().enumerate() {
        found[column] = m[i][k] / m[i][i];
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(lambda: f64, sigma: f64, kappa: f64) -> Vec<(f64, f64)> {
        let rate = |n: f64| lambda * n / (1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0));
        [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
            .map(|n| (n, rate(n)))
            .to_vec()
    }

    #[test]
    fn the_law_that_made_the_points_is_found() {
        for (lambda, sigma, kappa) in [
            (1000.0, 0.05, 0.001),
            (4e5, 0.3, 0.0),
            (2.0, 0.0, 0.01),
            (7e4, 0.0, 0.0),
        ] {
            let law = fit_usl(&points(lambda, sigma, kappa)).unwrap();
            assert!((law.lambda / lambda - 1.0).abs() < 1e-6, "{law:?}");
            assert!((law.sigma - sigma).abs() < 1e-6, "{law:?}");
            assert!((law.kappa - kappa).abs() < 1e-6, "{law:?}");
        }
    }

    #[test]
    fn what_grows_faster_than_the_law_allows_has_no_contention() {
        // Two of them do three times as much as one.
        let found = fit_usl(&[(1.0, 100.0), (2.0, 300.0), (4.0, 800.0), (8.0, 1500.0)]).unwrap();
        assert!(found.sigma >= 0.0 && found.kappa >= 0.0, "{found:?}");
    }

    #[test]
    fn rates_that_are_none_decide_nothing() {
        assert_eq!(fit_usl(&[(1.0, 0.0), (2.0, 1.0)]), None);
        assert_eq!(fit_usl(&[]), None);
    }
}
