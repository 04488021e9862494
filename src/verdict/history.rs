//! What became of each comparison over time? Runs are sorted, never averaged.

use super::BUSY_LABEL;
use super::same::{machine_facts, work_difference};
use crate::record::history::{Group, History, Point, Series, Skipped};
use crate::record::{Cell, Run, Sample, Side};

/// Sorts the records of a folder: by machine and method, then by comparison, then by time. `runs` are
/// records with their file's name. Within a series all is of the same work: another seed,
/// other parameters or another window begin a series of their own.
#[must_use]
pub fn history(mut runs: Vec<(String, Run)>, mut skipped: Vec<Skipped>) -> History {
    runs.sort_by(|(a_file, a), (b_file, b)| (&a.started, a_file).cmp(&(&b.started, b_file)));
    let runs = distinct(runs, &mut skipped);
    let mut groups: Vec<Vec<&(String, Run)>> = Vec::new();
    for run in &runs {
        match groups.iter_mut().find(|g| is_comparable(&g[0].1, &run.1)) {
            Some(group) => group.push(run),
            None => groups.push(vec![run]),
        }
    }
    groups.sort_by(|a, b| last_start(a).cmp(last_start(b)));
    History {
        groups: groups.iter().map(|g| group(g)).collect(),
        skipped,
    }
}

/// Every run once: of copies, the one that holds most.
fn distinct(runs: Vec<(String, Run)>, skipped: &mut Vec<Skipped>) -> Vec<(String, Run)> {
    let mut kept: Vec<(String, Run)> = Vec::new();
    for mut next in runs {
        // They are sorted by their start.
        let copies = kept.iter_mut().rev();
        let mut of_that_second = copies.take_while(|(_, run)| run.started == next.1.started);
        let Some(copy) = of_that_second.find(|(_, run)| is_same_run(run, &next.1)) else {
            kept.push(next);
            continue;
        };
        if pairs(&next.1) > pairs(&copy.1) {
            std::mem::swap(copy, &mut next);
        }
        skipped.push(Skipped {
            why: format!("the same run as {}, counted once", copy.0),
            file: next.0,
        });
    }
    kept
}

/// Whether two records are of one run: the pairs of the one are the first of the other, which may have been
/// written later, or concluded by another version.
fn is_same_run(a: &Run, b: &Run) -> bool {
    let about = |run: &Run| (run.seed, run.command_line(), machine_facts(&run.machine));
    let is_same_cell = |(a, b): (&Cell, &Cell)| {
        let known = a.pairs.len().min(b.pairs.len());
        (a.agents, &a.baseline, &a.x) == (b.agents, &b.baseline, &b.x)
            && a.pairs[..known] == b.pairs[..known]
    };
    about(a) == about(b) && a.cells.iter().zip(&b.cells).all(is_same_cell)
}

fn pairs(run: &Run) -> usize {
    run.cells.iter().map(|c| c.pairs.len()).sum()
}

fn is_comparable(a: &Run, b: &Run) -> bool {
    a.method_version == b.method_version && machine_facts(&a.machine) == machine_facts(&b.machine)
}

fn last_start<'a>(group: &[&'a (String, Run)]) -> &'a str {
    group.last().map_or("", |(_, run)| run.started.as_str())
}

fn group(runs: &[&(String, Run)]) -> Group {
    let mut all: Vec<(&Run, &Cell, Series)> = Vec::new();
    for (file, run) in runs {
        for cell in run.cells.iter().filter(|c| c.is_comparison()) {
            let point = point(file, run, cell);
            let found = all.iter_mut().find(|(r, c, s)| {
                is_named(s, cell) && work_difference((r, c), (run, cell)).is_none()
            });
            match found {
                Some((_, _, series)) => series.points.push(point),
                None => all.push((run, cell, series(run, cell, point))),
            }
        }
    }
    let mut series: Vec<Series> = all.into_iter().map(|(_, _, s)| s).collect();
    // Stable: series of the same name stay in the order in which they began.
    series.sort_by(|a, b| {
        let key = |s: &Series| {
            (
                s.workload.clone(),
                s.baseline.clone(),
                s.x.clone(),
                s.agents,
            )
        };
        key(a).cmp(&key(b))
    });
    let (_, first) = runs[0];
    let fact = |(name, value): (&str, String)| format!("{name} {value}");
    Group {
        machine: machine_facts(&first.machine).map(fact).to_vec(),
        method_version: first.method_version,
        records: runs.len(),
        series,
    }
}

fn is_named(series: &Series, cell: &Cell) -> bool {
    let (b, x) = (&cell.baseline, &cell.x);
    (&series.workload, series.agents) == (&b.workload, cell.agents)
        && (&series.baseline, &series.x) == (&b.deployment, &x.deployment)
        && [&b.transport, &x.transport] == series.transports.each_ref()
}

fn series(run: &Run, cell: &Cell, point: Point) -> Series {
    Series {
        workload: cell.baseline.workload.clone(),
        agents: cell.agents,
        baseline: cell.baseline.deployment.clone(),
        x: cell.x.deployment.clone(),
        transports: [cell.baseline.transport.clone(), cell.x.transport.clone()],
        seed: run.seed,
        window_s: cell.window_s,
        points: vec![point],
    }
}

fn point(file: &str, run: &Run, cell: &Cell) -> Point {
    let mean = |side: Side| {
        let logs: Vec<f64> = cell
            .samples(side)
            .map(|s| Sample::ops_per_s(s).ln())
            .collect();
        let sum: f64 = logs.iter().sum();
        (!logs.is_empty()).then(|| (sum / logs.len() as f64).exp())
    };
    let marks = [
        (run.withheld.is_some(), "withheld"),
        (run.busy.is_some(), BUSY_LABEL),
        (!run.complete, "incomplete"),
    ];
    Point {
        file: file.to_owned(),
        started: run.started.clone(),
        effect: cell.effect,
        verdict: cell.verdict.clone(),
        baseline_ops_per_s: mean(Side::Baseline),
        x_ops_per_s: mean(Side::X),
        marks: marks
            .into_iter()
            .filter(|(is_set, _)| *is_set)
            .map(|(_, mark)| mark.to_owned())
            .collect(),
    }
}
