//! What changed from one run to another, by the rule of a single run: interval, tolerance, verdict?

use super::same::{machine_differences, machine_facts, settings_differences, work_difference};
use super::{BUSY_LABEL, is_settled, verdict, words};
use crate::metric::{Metric, Read};
use crate::record::comparison::{
    ChangeVerdict, ComparedCell, ComparedLine, ComparedRun, Comparison, RefusedCell,
};
use crate::record::{Cell, Effect, Estimate, Pinning, Role, Run, Side, Verdict, Weight};
use crate::stats::{LnMean, change, widening, x_over_baseline};

pub use crate::record::comparison::Tolerances;

impl Default for Tolerances {
    /// What `forkscope compare` takes where nothing else is asked: two runs of one program differ by
    /// more than the margin of a run.
    fn default() -> Tolerances {
        Tolerances {
            throughput: 0.15,
            latency: 0.15,
            setup: 0.10,
            memory: 0.20,
        }
    }
}

impl Tolerances {
    fn of(&self, metric: Metric) -> f64 {
        match metric.definition().read {
            Read::Start => self.setup,
            Read::Parked => self.memory,
            Read::Window if metric.is_better_when_higher() => self.throughput,
            Read::Window => self.latency,
        }
    }
}

/// Why two runs cannot be compared at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Numbers of another way of measuring.
    #[error(
        "the runs were measured by methods {old} and {new}: a number can differ although nothing changed; measure again with one version"
    )]
    Method {
        /// `method_version` of the earlier run.
        old: u32,
        /// `method_version` of the later run.
        new: u32,
    },
    /// Two machines.
    #[error(
        "the runs come from different machines ({}); --across-machines compares all the same and labels every line",
        .0.join("; ")
    )]
    Machines(Vec<String>),
    /// No cell is in both.
    #[error("the runs have no cell in common; the earlier one has {old}, the later one {new}")]
    NothingInCommon {
        /// Cells of the earlier run.
        old: String,
        /// Cells of the later run.
        new: String,
    },
    /// No cell of both is of the same work.
    #[error("no cell of the two can be compared: {}: {}", .0.cell, .0.why)]
    OtherWork(RefusedCell),
}

/// Compares two concluded runs cell by cell: op/s and, of agents, service time, setup and memory of both
/// sides, and the ratio X / baseline.
///
/// The change of a side is Welch's interval over the logarithms of its invocations, that of the ratio the
/// same over the two paired effects ([`change`]); both widened by what each run's null controls
/// ask for. It is settled as a verdict is, with the tolerance in place of the margin. A ratio
/// gets higher or lower and not better or worse: whose doing that is, the lines of the sides say.
///
/// Controls and prices of messages are not compared.
///
/// # Errors
/// [`Refusal`].
pub fn compare(
    old: &Run,
    new: &Run,
    tolerances: &Tolerances,
    across_machines: bool,
) -> Result<Comparison, Refusal> {
    if old.method_version != new.method_version {
        return Err(Refusal::Method {
            old: old.method_version,
            new: new.method_version,
        });
    }
    let differences = machine_differences(&old.machine, &new.machine);
    if !differences.is_empty() && !across_machines {
        return Err(Refusal::Machines(differences));
    }
    let (old_cells, new_cells) = (compared(old), compared(new));
    let mut cells = Vec::new();
    let mut refused = Vec::new();
    let mut only_old = Vec::new();
    for old_cell in &old_cells {
        let Some(new_cell) = new_cells.iter().find(|c| is_same(c, old_cell)) else {
            only_old.push(name(old_cell));
            continue;
        };
        match work_difference((old, old_cell), (new, new_cell)) {
            Some(why) => refused.push(RefusedCell {
                cell: name(old_cell),
                why,
            }),
            None => cells.push(cell((old, old_cell), (new, new_cell), tolerances)),
        }
    }
    let is_new = |c: &&&Cell| !old_cells.iter().any(|o| is_same(c, o));
    let only_new: Vec<String> = new_cells.iter().filter(is_new).map(|c| name(c)).collect();
    if cells.is_empty() {
        return Err(match refused.into_iter().next() {
            Some(first) => Refusal::OtherWork(first),
            None => Refusal::NothingInCommon {
                old: first_names(&only_old),
                new: first_names(&only_new),
            },
        });
    }
    let labels = labels(old, new, &differences);
    let lines = || cells.iter().flat_map(|c| &c.lines);
    let regressions = lines()
        .filter(|l| l.verdict == ChangeVerdict::Worse)
        .count();
    let open = lines().filter(|l| l.verdict.is_open()).count();
    let sentence = sentence(&cells, &labels, refused.len());
    Ok(Comparison {
        method_version: old.method_version,
        old: run_of(old),
        new: run_of(new),
        labels,
        settings: settings_differences(old, new),
        tolerances: *tolerances,
        cells,
        refused,
        only_old,
        only_new,
        regressions,
        open,
        sentence,
    })
}

fn compared(run: &Run) -> Vec<&Cell> {
    let is_asked = |c: &&Cell| c.role == Role::Question && c.weight != Weight::Supporting;
    run.cells.iter().filter(is_asked).collect()
}

fn is_same(a: &Cell, b: &Cell) -> bool {
    let key = |c: &Cell| {
        (
            c.study.clone(),
            c.agents,
            c.baseline.clone(),
            c.x.clone(),
            c.cpus,
        )
    };
    key(a) == key(b)
}

/// What tells the sides of a cell apart, with the deployment.
fn side_name(cell: &Cell, side: Side) -> String {
    let arm = cell.arm(side);
    match arm.label.starts_with(&arm.deployment) {
        true => arm.label.clone(),
        false => format!("{} ({})", arm.label, arm.deployment),
    }
}

/// `exploration@8 processes/threads`.
fn name(cell: &Cell) -> String {
    let cpus = match cell.cpus {
        Pinning::Free => "",
        Pinning::OneCpu => " on one CPU",
        Pinning::OwnCpus => " on CPUs of their own",
    };
    format!(
        "{}@{} {}/{}{cpus}",
        cell.baseline.workload,
        cell.agents,
        side_name(cell, Side::X),
        side_name(cell, Side::Baseline)
    )
}

fn first_names(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
    }
}

fn run_of(run: &Run) -> ComparedRun {
    let fact = |(name, value): (&str, String)| format!("{name} {value}");
    ComparedRun {
        started: run.started.clone(),
        command: run.command_line(),
        forkscope_version: run.forkscope_version.clone(),
        machine: machine_facts(&run.machine).map(fact).to_vec(),
        withheld: run.withheld.clone(),
        busy: run.busy.clone(),
        incomplete: (!run.complete).then(|| {
            let why = run.incomplete_reason.as_deref();
            why.unwrap_or("it does not say why").to_owned()
        }),
    }
}

/// What has to stand before everything: of both runs, or of the one that is named.
fn labels(old: &Run, new: &Run, differences: &[String]) -> Vec<String> {
    let facts = |run: &Run| {
        [
            ("withheld", run.withheld.is_some()),
            (BUSY_LABEL, run.busy.is_some()),
            ("incomplete", !run.complete),
        ]
    };
    let label = |((name, of_old), (_, of_new)): ((&str, bool), (&str, bool))| match (of_old, of_new)
    {
        (true, true) => Some(name.to_owned()),
        (true, false) => Some(format!("{name} (old)")),
        (false, true) => Some(format!("{name} (new)")),
        (false, false) => None,
    };
    let machine = (!differences.is_empty()).then(|| "another machine".to_owned());
    machine
        .into_iter()
        .chain(facts(old).into_iter().zip(facts(new)).filter_map(label))
        .collect()
}

/// What is compared of a side: what the cell is about, and how long an op takes; of agents also what it costs to have
/// them.
fn metrics(cell: &Cell) -> Vec<Metric> {
    let own = Metric::of_id(&cell.metric).unwrap_or(Metric::OPS_PER_S);
    let mut all = vec![own, Metric::SERVICE_P50_NS, Metric::SERVICE_P99_NS];
    if cell.is_comparison() {
        all.extend([Metric::SETUP_S, Metric::MEMORY_PER_AGENT_BYTES]);
    }
    all
}

fn cell(old: (&Run, &Cell), new: (&Run, &Cell), tolerances: &Tolerances) -> ComparedCell {
    let known = new.1;
    let mut lines = Vec::new();
    for metric in metrics(known) {
        for side in [Side::Baseline, Side::X] {
            let sides = [old, new].map(|(run, cell)| side_mean(run, cell, side, metric));
            let of = side_name(known, side);
            lines.push(line(of, metric, false, sides, tolerances));
        }
        if metric.id() == known.metric {
            let effects = [old, new].map(|(run, cell)| {
                let effect = x_over_baseline(run, cell, metric);
                effect
                    .map(|e| LnMean::of_effect(&e))
                    .map_err(|_| match &cell.verdict {
                        Verdict::NotMeasured { reason } => reason.clone(),
                        _ => "it has no interval".to_owned(),
                    })
            });
            let of = format!(
                "{} / {}",
                side_name(known, Side::X),
                side_name(known, Side::Baseline)
            );
            lines.push(line(of, metric, true, effects, tolerances));
        }
    }
    ComparedCell {
        workload: known.baseline.workload.clone(),
        agents: known.agents,
        study: known.study.clone(),
        weight: known.weight,
        baseline: side_name(known, Side::Baseline),
        x: side_name(known, Side::X),
        lines,
    }
}

/// A metric of one side of one run, over the invocations that count.
fn side_mean(run: &Run, cell: &Cell, side: Side, metric: Metric) -> Result<LnMean, String> {
    let samples = cell.samples(side);
    let values: Option<Vec<f64>> = samples.map(|s| metric.value(s)).collect();
    let values = values.ok_or_else(|| metric.missing())?;
    let mean = LnMean::of(&values).map_err(|_| format!("{} invocations count", values.len()))?;
    Ok(match metric.is_of_window() {
        true => mean.widened(widening(run)),
        false => mean,
    })
}

fn line(
    of: String,
    metric: Metric,
    is_ratio: bool,
    [old, new]: [Result<LnMean, String>; 2],
    tolerances: &Tolerances,
) -> ComparedLine {
    let estimate = |mean: &Result<LnMean, String>| mean.as_ref().ok().map(LnMean::estimate);
    let (old_value, new_value) = (estimate(&old), estimate(&new));
    let (change, reason) = match (&old, &new) {
        (Ok(old), Ok(new)) => (Some(change(old, new)), None),
        (Err(why), _) => (None, Some(format!("not in the earlier run: {why}"))),
        (_, Err(why)) => (None, Some(format!("not in the later run: {why}"))),
    };
    let verdict = change.map_or(ChangeVerdict::NotMeasured, |c| {
        judge(&c, tolerances.of(metric), metric, is_ratio)
    });
    ComparedLine {
        of,
        metric,
        is_ratio,
        old: old_value,
        new: new_value,
        change,
        verdict,
        reason,
    }
}

/// The rule of a verdict, with the tolerance in place of the margin.
fn judge(change: &Estimate, tolerance: f64, metric: Metric, is_ratio: bool) -> ChangeVerdict {
    const HIGHER: &str = "higher";
    let effect = Effect {
        pairs: 0,
        ratio: change.value,
        low: change.low,
        high: change.high,
        standard_error: 0.0,
        pair_sd: 0.0,
        order_effect: 0.0,
        pairs_needed: 0,
    };
    let said = verdict(&effect, tolerance, "lower", HIGHER);
    if !is_settled(&said) {
        return ChangeVerdict::Inconclusive;
    }
    let Verdict::Ahead { deployment } = said else {
        return ChangeVerdict::Unchanged;
    };
    let is_higher = deployment == HIGHER;
    match (
        is_ratio,
        is_higher,
        is_higher == metric.is_better_when_higher(),
    ) {
        (true, true, _) => ChangeVerdict::Higher,
        (true, false, _) => ChangeVerdict::Lower,
        (false, _, true) => ChangeVerdict::Better,
        (false, _, false) => ChangeVerdict::Worse,
    }
}

/// `worse: 2 of 132 lines (processes op/s at exploration@8, …); 5 better, …`.
fn sentence(cells: &[ComparedCell], labels: &[String], refused: usize) -> String {
    let lines = || {
        cells
            .iter()
            .flat_map(|c| c.lines.iter().map(move |l| (c, l)))
    };
    let count = |verdict: ChangeVerdict| lines().filter(|(_, l)| l.verdict == verdict).count();
    let worse: Vec<String> = lines()
        .filter(|(_, l)| l.verdict == ChangeVerdict::Worse)
        .map(|(c, l)| format!("{} {} at {}@{}", l.of, l.metric, c.workload, c.agents))
        .collect();
    // What a withheld or busy run measured is certain of nothing.
    let is_worse = match labels {
        [] => "worse, with certainty",
        _ => "worse by its interval",
    };
    let named = match worse.len() {
        0 => "nothing got worse with certainty".to_owned(),
        1..=3 => format!("{is_worse}: {}", words::list(&worse)),
        n => format!("{is_worse}: {}, and {} more", worse[..3].join(", "), n - 3),
    };
    let others = [
        (count(ChangeVerdict::Better), "better"),
        (count(ChangeVerdict::Unchanged), "unchanged"),
        (count(ChangeVerdict::Higher), "ratios higher"),
        (count(ChangeVerdict::Lower), "ratios lower"),
        (count(ChangeVerdict::Inconclusive), "inconclusive"),
        (count(ChangeVerdict::NotMeasured), "not measured"),
        (refused, "cells of other work, not compared"),
    ];
    let others: Vec<String> = others
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{n} {what}"))
        .collect();
    let label = match labels {
        [] => String::new(),
        some => format!("{}: ", some.join(", ")),
    };
    format!(
        "{label}{named} ({} of {} lines; {})",
        worse.len(),
        lines().count(),
        others.join(", ")
    )
}

#[cfg(test)]
mod tests;
