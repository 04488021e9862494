//! How often did controls come out as their truth is?

mod show;

pub use show::document;

use super::controls::{KNOWN_EFFECT, SMALL_KNOWN_EFFECT, known_effect, nulls, true_ratio};
use super::{Entry, Study, conclude};
use crate::experiment::plan::{Draft, anchor};
use crate::record::calibration::{
    Calibration, CalibrationRow, CalibrationRun, ControlRecord, Share,
};
use crate::record::{Cell, METHOD_VERSION, Run, SCHEMA_VERSION, Verdict};
use crate::stats::share;
use crate::verdict::verdict;

/// The known effects: 0.80, 0.909 and 0.952.
const EFFECTS: [u64; 3] = [4, KNOWN_EFFECT, SMALL_KNOWN_EFFECT];

/// Controls only, at every agent count.
pub struct Calibrate;

impl Study for Calibrate {
    fn entry(&self) -> Entry {
        Entry::new(
            "calibrate",
            "how often does this machine tell a thing from itself, and find what is there?",
        )
    }

    fn plan(&self, draft: &mut Draft<'_>) {
        let asked = draft.asked;
        for &agents in &asked.agents {
            nulls(draft, agents);
            for every in EFFECTS {
                known_effect(draft, agents, asked.deployments[0], every);
            }
        }
    }
}

/// A calibration without runs yet, like the `empty` record that each of its runs begins from.
pub fn begun(empty: &Run, pairs: usize) -> Calibration {
    Calibration {
        schema_version: SCHEMA_VERSION,
        method_version: METHOD_VERSION,
        forkscope_version: empty.forkscope_version.clone(),
        command: empty.command.clone(),
        settings: empty.settings.clone(),
        started: empty.started.clone(),
        wall_s: 0.0,
        complete: false,
        margin: empty.margin,
        pairs,
        machine: empty.machine.clone(),
        busy: empty.busy.clone(),
        workload: empty.workloads[0].clone(),
        runs: Vec::new(),
        refused: 0,
        rows: Vec::new(),
        rows_of_doubtful: Vec::new(),
        withheld: withheld_share(&[]),
        warnings: empty.warnings.clone(),
    }
}

/// Adds a run; `findings` is what spoke against the machine before it.
pub fn add(calibration: &mut Calibration, run: &Run, findings: Vec<String>) {
    calibration.runs.push(calibration_run(run, findings));
    let (idle, doubtful): (Vec<_>, Vec<_>) =
        calibration.runs.iter().partition(|r| r.findings.is_empty());
    calibration.rows = calibration_rows(&idle, calibration.margin);
    calibration.rows_of_doubtful = calibration_rows(&doubtful, calibration.margin);
    calibration.withheld = withheld_share(&idle);
}

/// The controls of a concluded run, and what those of an ordinary run among them would have said of
/// its headline. `findings` is what spoke against the machine before it.
pub fn calibration_run(run: &Run, findings: Vec<String>) -> CalibrationRun {
    let controls = run.cells.iter().filter_map(|cell| {
        Some(ControlRecord {
            deployment: cell.x.deployment.clone(),
            agents: cell.agents,
            asked: cell.role.truth()?,
            pairs: cell.pairs.len(),
            kept: cell.kept().count(),
            effect: cell.effect,
            verdict: cell.verdict.clone(),
        })
    });
    let counts: Vec<usize> = run.cells.iter().map(|c| c.agents).collect();
    let (anchor, effect) = (anchor(&counts), true_ratio(KNOWN_EFFECT));
    let is_usual = |c: &Cell| {
        let asked = c.role.truth();
        c.agents == anchor && asked.is_some_and(|a| a == 1.0 || a == effect)
    };
    let mut usual = run.clone();
    usual.cells.retain(is_usual);
    conclude(&mut usual, None);
    CalibrationRun {
        seed: run.seed,
        wall_s: run.wall_s,
        findings,
        controls: controls.collect(),
        withheld: usual.withheld,
    }
}

/// Runs whose headline would have been withheld.
pub fn withheld_share(runs: &[&CalibrationRun]) -> Share {
    let count = runs.iter().filter(|r| r.withheld.is_some()).count();
    share(count, runs.len())
}

/// Largest share of nulls that may end with a winner.
pub const MOST_FALSE_WINNERS: f64 = 0.01;

/// Smallest share of known effects of 0.80 that has to be found.
pub const LEAST_FOUND: f64 = 0.95;

/// Whether the rows show what is promised of an idle machine: hardly a null with a winner
/// ([`MOST_FALSE_WINNERS`]), and nearly every effect of 0.80 found ([`LEAST_FOUND`]). `None` where
/// either was not measured.
#[must_use]
pub fn keeps_promise(rows: &[CalibrationRow]) -> Option<bool> {
    let total = |asked: f64| {
        rows.iter()
            .find(|r| r.asked == asked && r.agents.is_none() && r.covered.of > 0)
    };
    let part = |share: Share| share.count as f64 / share.of as f64;
    let false_winners = part(total(1.0)?.false_winners);
    let found = part(total(0.8)?.found?);
    Some(false_winners <= MOST_FALSE_WINNERS && found >= LEAST_FOUND)
}

/// A row for every kind of control and, for each true ratio, one of all together; nulls first, then
/// known effects from the smallest on.
pub fn calibration_rows(runs: &[&CalibrationRun], margin: f64) -> Vec<CalibrationRow> {
    let all: Vec<&ControlRecord> = runs.iter().flat_map(|r| &r.controls).collect();
    let mut truths: Vec<f64> = all.iter().map(|c| c.asked).collect();
    truths.sort_by(|a, b| b.total_cmp(a));
    truths.dedup();
    let mut rows = Vec::new();
    for asked in truths {
        let here: Vec<&ControlRecord> = all.iter().copied().filter(|c| c.asked == asked).collect();
        let mut kinds: Vec<(&str, usize)> = Vec::new();
        for c in &here {
            if !kinds.contains(&(&c.deployment, c.agents)) {
                kinds.push((&c.deployment, c.agents));
            }
        }
        // Stable: deployments keep the order in which they were given.
        kinds.sort_by_key(|&(deployment, agents)| {
            let first = here.iter().position(|c| c.deployment == deployment);
            (first, agents)
        });
        for (deployment, agents) in kinds {
            let these = here
                .iter()
                .copied()
                .filter(|c| c.deployment == deployment && c.agents == agents);
            rows.push(CalibrationRow {
                deployment: Some(deployment.to_owned()),
                agents: Some(agents),
                ..row(asked, these, margin)
            });
        }
        rows.push(row(asked, here.iter().copied(), margin));
    }
    rows
}

fn row<'a>(
    asked: f64,
    controls: impl Iterator<Item = &'a ControlRecord>,
    margin: f64,
) -> CalibrationRow {
    let (mut cells, mut unjudged) = (0, 0);
    let (mut slower, mut faster, mut ties, mut covered) = (0, 0, 0, 0);
    for control in controls {
        let Some(effect) = &control.effect else {
            unjudged += 1;
            continue;
        };
        cells += 1;
        covered += usize::from(effect.low <= asked && asked <= effect.high);
        // Both sides of a control have the same name: judged again, with names that differ.
        match verdict(effect, margin, "faster", "slower") {
            Verdict::Ahead { deployment } if deployment == "faster" => faster += 1,
            Verdict::Ahead { .. } => slower += 1,
            Verdict::Tie => ties += 1,
            Verdict::Inconclusive | Verdict::NotMeasured { .. } => {}
        }
    }
    let is_null = asked == 1.0;
    CalibrationRow {
        asked,
        deployment: None,
        agents: None,
        unjudged,
        false_winners: share(if is_null { slower + faster } else { slower }, cells),
        found: (!is_null).then(|| share(faster, cells)),
        ties,
        inconclusive: cells - slower - faster - ties,
        covered: share(covered, cells),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Effect;

    fn control(asked: f64, agents: usize, interval: Option<(f64, f64)>) -> ControlRecord {
        ControlRecord {
            deployment: "threads".to_owned(),
            agents,
            asked,
            pairs: 8,
            kept: 8,
            effect: interval.map(|(low, high)| Effect::between(low, high)),
            verdict: Verdict::Inconclusive,
        }
    }

    fn run(controls: Vec<ControlRecord>) -> CalibrationRun {
        CalibrationRun {
            seed: 1,
            wall_s: 90.0,
            findings: Vec::new(),
            controls,
            withheld: None,
        }
    }

    #[test]
    fn nulls_with_either_side_ahead_are_false_winners() {
        let runs = [run(vec![
            control(1.0, 2, Some((1.04, 1.10))),
            control(1.0, 2, Some((0.90, 0.96))),
            control(1.0, 2, Some((0.98, 1.01))),
            control(1.0, 2, Some((0.95, 1.01))),
            control(1.0, 2, None),
        ])];
        let rows = calibration_rows(&runs.iter().collect::<Vec<_>>(), 0.03);
        assert_eq!(rows.len(), 2);
        let r = &rows[0];
        assert_eq!((r.false_winners.count, r.false_winners.of), (2, 4));
        assert_eq!(
            (r.ties, r.inconclusive, r.unjudged, r.covered.count),
            (1, 1, 1, 2)
        );
        assert_eq!(r.found, None);
    }

    #[test]
    fn a_known_effect_is_found_by_the_faster_side_and_false_by_the_slower() {
        let runs = [run(vec![
            control(0.8, 2, Some((0.78, 0.82))),
            control(0.8, 2, Some((0.70, 0.79))),
            control(0.8, 2, Some((1.05, 1.20))),
            control(0.8, 2, Some((0.70, 1.20))),
        ])];
        let r = &calibration_rows(&runs.iter().collect::<Vec<_>>(), 0.03)[0];
        assert_eq!(r.found.map(|s| s.count), Some(2));
        assert_eq!((r.false_winners.count, r.inconclusive), (1, 1));
        assert_eq!(r.covered.count, 2);
    }

    #[test]
    fn the_promise_is_hardly_a_false_winner_and_nearly_every_large_effect() {
        let tied = Some((0.99, 1.01));
        let found = Some((0.78, 0.82));
        let of = |null, effect| {
            let runs = [run(vec![control(1.0, 2, null), control(0.8, 2, effect)])];
            keeps_promise(&calibration_rows(&runs.iter().collect::<Vec<_>>(), 0.03))
        };
        assert_eq!(of(tied, found), Some(true));
        assert_eq!(of(Some((1.04, 1.10)), found), Some(false));
        assert_eq!(of(tied, Some((0.7, 1.2))), Some(false));
        assert_eq!(of(tied, None), None);
        assert_eq!(keeps_promise(&[]), None);
    }

    #[test]
    fn rows_go_from_nulls_to_large_effects_each_with_its_total() {
        let some = Some((0.9, 1.0));
        let runs = [
            run(vec![control(0.8, 8, some), control(1.0, 8, some)]),
            run(vec![control(0.8, 1, some), control(1.0, 1, some)]),
        ];
        let rows = calibration_rows(&runs.iter().collect::<Vec<_>>(), 0.03);
        let seen: Vec<(f64, Option<usize>)> = rows.iter().map(|r| (r.asked, r.agents)).collect();
        let expected = [1.0, 0.8].map(|a| [(a, Some(1)), (a, Some(8)), (a, None)]);
        assert_eq!(seen, expected.concat());
        assert_eq!(rows[2].covered.of, 2);
    }
}
