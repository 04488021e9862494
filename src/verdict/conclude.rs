//! What a run says: effects, verdicts and answers, from its pairs alone.
//!
//! Pure, and idempotent: concluding a record again gives the same record, so it is done after every
//! round (what is saved is always whole) and when a record is rendered later.

use super::{AtAgents, crossover, decide, is_settled, setup_answer, verdict};
use crate::metric::Metric;
use crate::record::{
    Answer, Cell, Effect, Evidence, MemoryFit, Outcome, Role, Run, Sample, SetupAnswer, Side,
    Steadiness, Verdict, Weight, WorkloadRecord,
};
use crate::stats::{
    MIN_PAIRS, MemoryPoint, StatsError, Widen, Window, effect, inflation, memory_fit,
    pair_differences, steadiness, withheld,
};
use std::collections::BTreeMap;

/// Fills in what follows from the pairs of the cells: effects, verdicts, answers, and whether the headline is
/// withheld. Gives the factor by which the null controls widen what is read inside windows.
///
/// `digest_mismatch` withholds the headline whatever the controls say: deployments that do not do
/// the same work cannot be compared.
pub fn conclude(run: &mut Run, digest_mismatch: Option<&str>) -> Widen {
    let margin = run.margin;
    // Nulls are judged before the factor that is computed from them: it would excuse them.
    let widened = Widen {
        controls: inflation(&null_effects(&run.cells, margin)),
        ..Widen::NONE
    };
    let peeking = run.plan.looks.map_or(1.0, |l| l.widened_by);
    for cell in &mut run.cells {
        let widen = widening(cell, widened, peeking);
        judge(cell, margin, widen);
        (cell.baseline_steadiness, cell.x_steadiness) = steady(cell, &run.workloads, margin);
    }
    run.withheld = digest_mismatch
        .map(ToOwned::to_owned)
        .or_else(|| withheld(&run.cells));
    run.answers = answers(run);
    widened
}

/// Fills in what is advised, from the answers and from what studies found besides.
pub fn advise(run: &mut Run, evidence: &[Evidence]) {
    run.decisions = decide(run, evidence);
}

/// What the interval of a cell is widened by: not that of a null, from which the factor comes; and that
/// of a comparison also by what looking at it costs.
fn widening(cell: &Cell, widened: Widen, peeking: f64) -> Widen {
    match cell.role {
        Role::Null => Widen::NONE,
        _ if cell.is_comparison() => Widen { peeking, ..widened },
        _ => widened,
    }
}

/// What a look at one cell shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether it has a verdict.
    pub is_settled: bool,
    /// Pairs in all that would settle it at this noise.
    pub pairs_needed: usize,
}

/// How a run stands that looks at its comparisons before all pairs are in: by the very rule that judges it
/// at its end. `widened_by` is the price of looking.
#[must_use]
pub fn standings(cells: &[Cell], margin: f64, widened_by: f64) -> Vec<Standing> {
    let controls = inflation(&null_effects(cells, margin));
    let widened = Widen {
        controls,
        ..Widen::NONE
    };
    let standing = |cell: &Cell| {
        let widen = widening(cell, widened, widened_by);
        match ln_effect(cell, margin, widen) {
            Ok(e) => Standing {
                is_settled: is_settled(&verdict(&e, margin, &cell.baseline.label, &cell.x.label)),
                pairs_needed: e.pairs_needed,
            },
            Err(_) => Standing {
                is_settled: false,
                pairs_needed: MIN_PAIRS,
            },
        }
    };
    cells.iter().map(standing).collect()
}

fn null_effects(cells: &[Cell], margin: f64) -> Vec<Effect> {
    cells
        .iter()
        .filter(|c| c.role == Role::Null)
        .filter_map(|c| ln_effect(c, margin, Widen::NONE).ok())
        .collect()
}

fn ln_effect(cell: &Cell, margin: f64, widen: Widen) -> Result<Effect, StatsError> {
    effect(&pair_differences(cell, |s| cell.value(s)), margin, widen)
}

fn judge(cell: &mut Cell, margin: f64, widen: Widen) {
    let (mut baseline, mut x) = (&cell.baseline.label, &cell.x.label);
    // Where less is better, whose ratio is above 1 is behind.
    let metric = Metric::of_id(&cell.metric);
    if metric.is_some_and(|m| !m.is_better_when_higher()) {
        std::mem::swap(&mut baseline, &mut x);
    }
    match ln_effect(cell, margin, widen) {
        Ok(e) => {
            cell.verdict = verdict(&e, margin, baseline, x);
            cell.effect = Some(e);
        }
        Err(why) => {
            let reason = match why {
                StatsError::TooFew { have, need } => {
                    format!("{have} of the {need} pairs that an interval needs")
                }
                other => other.to_string(),
            };
            cell.verdict = Verdict::NotMeasured { reason };
            cell.effect = None;
        }
    }
}

/// How steady both sides are. A mark beside the verdict, which it does not change: both sides had
/// the same window.
fn steady(
    cell: &Cell,
    workloads: &[WorkloadRecord],
    margin: f64,
) -> (Option<Steadiness>, Option<Steadiness>) {
    // A rate that was planned says nothing about the deployment.
    if cell.metric != Metric::OPS_PER_S.id() {
        return (None, None);
    }
    let name = &cell.baseline.workload;
    let Some(workload) = workloads.iter().find(|w| w.name == *name) else {
        return (None, None);
    };
    let life = workload.life_length.unwrap_or(workload.episode_length);
    let ops_per_life = cell.agents as f64 * life as f64;
    let (baseline, x): (Vec<Window<'_>>, Vec<Window<'_>>) = cell
        .kept()
        .map(|(_, b, x)| (window(b, ops_per_life), window(x, ops_per_life)))
        .unzip();
    (steadiness(&baseline, margin), steadiness(&x, margin))
}

fn window(sample: &Sample, ops_per_life: f64) -> Window<'_> {
    Window {
        slices_ops_per_s: &sample.slices_ops_per_s,
        episodes: sample.ops as f64 / ops_per_life,
    }
}

/// One answer for every workload and every deployment that was compared. What only explains has none: nobody chooses by
/// it.
fn answers(run: &Run) -> Vec<Answer> {
    let mut found: Vec<Answer> = Vec::new();
    let is_asked = |c: &&Cell| c.is_comparison() && c.weight == Weight::Headline;
    for cell in run.cells.iter().filter(is_asked) {
        if !found.iter().any(|a| is_of(cell, a)) {
            found.push(Answer {
                workload: cell.baseline.workload.clone(),
                baseline: cell.baseline.deployment.clone(),
                x: cell.x.deployment.clone(),
                crossover: String::new(),
                baseline_memory: None,
                x_memory: None,
                setup: Vec::new(),
            });
        }
    }
    for answer in &mut found {
        let cells = cells_of(run, answer);
        let at: Vec<AtAgents<'_>> = cells.iter().map(|&c| c.into()).collect();
        let setup: Vec<SetupAnswer> = cells.iter().filter_map(|c| setup_answer(c)).collect();
        answer.crossover = crossover(&at);
        answer.baseline_memory = memory_of(&cells, Side::Baseline);
        answer.x_memory = memory_of(&cells, Side::X);
        answer.setup = setup;
    }
    found
}

/// Whether a cell is one of the comparisons that an answer is about.
fn is_of(cell: &Cell, answer: &Answer) -> bool {
    let arms = (&cell.baseline, &cell.x);
    cell.is_comparison()
        && arms.0.workload == answer.workload
        && arms.0.deployment == answer.baseline
        && arms.1.deployment == answer.x
}

/// The comparisons that an answer is about, ascending by agents.
#[must_use]
pub fn cells_of<'a>(run: &'a Run, answer: &Answer) -> Vec<&'a Cell> {
    let mut cells: Vec<&Cell> = run.cells.iter().filter(|c| is_of(c, answer)).collect();
    cells.sort_by_key(|c| c.agents);
    cells
}

/// Wall time that one more pair of every comparison takes in a run like this one, seconds.
pub(super) fn pair_s(run: &Run) -> f64 {
    match run.plan.pairs_per_cell {
        0 => 0.0,
        pairs => run.plan.budget_s / pairs as f64,
    }
}

/// The memory line of one side: a point per agent count in each round. Memory is read while all
/// workers are parked, so what disturbed a window and dropped its pair did not disturb this.
fn memory_of(cells: &[&Cell], side: Side) -> Option<MemoryFit> {
    let mut rounds: BTreeMap<u32, Vec<MemoryPoint>> = BTreeMap::new();
    for cell in cells {
        for pair in &cell.pairs {
            let outcome = match side {
                Side::Baseline => &pair.baseline,
                Side::X => &pair.x,
            };
            let Outcome::Measured(sample) = outcome else {
                continue;
            };
            let Some(memory) = &sample.memory else {
                continue;
            };
            rounds.entry(pair.round).or_default().push(MemoryPoint {
                agents: cell.agents,
                total_bytes: memory.total_bytes,
                live_heap_bytes: memory.live_heap_bytes,
            });
        }
    }
    memory_fit(&rounds.into_values().collect::<Vec<_>>())
}
