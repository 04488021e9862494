//! What a run says: effects, verdicts and answers, from its pairs alone.
//!
//! Pure, and idempotent: concluding a record again gives the same record, so it is done after every
//! round (what is saved is always whole) and when a record is rendered later.

use super::{
    AtAgents, BUSY_LABEL, Facts, Findings, WITHHELD_LABEL, claims, crossover, fill_map, floor,
    format_sentence, is_settled, latency_sentence, long_window_sentence, map_sentence, price,
    recommendation, setup_answer, verdict, weigh, what_if, woken_sentence,
};
use crate::experiment::invocation::whole_cpus;
use crate::experiment::stopping::Standing;
use crate::record::{
    Answer, Cell, Effect, MemoryFit, MessageAnswer, Outcome, Purpose, Run, Sample, SetupAnswer,
    Side, Steadiness, Verdict, WorkloadRecord,
};
use crate::stats::{
    MIN_PAIRS, MemoryPoint, StatsError, Widen, Window, body_answers, delivery_answers, effect,
    hop_answers, inflation, is_paced, latency_answers, long_window, memory_fit, message_price,
    pair_differences, scaling_answers, steadiness, withheld,
};
use std::collections::BTreeMap;

/// Fills in everything that follows from the pairs of `run`: effects, verdicts, answers, and whether
/// the headline is withheld.
///
/// `digest_mismatch` withholds the headline whatever the controls say: deployments that do not do
/// the same work cannot be compared.
pub fn conclude(run: &mut Run, digest_mismatch: Option<&str>) {
    let margin = run.margin;
    // Nulls are judged before the factor that is computed from them: it would excuse them.
    let widened = Widen {
        controls: inflation(&null_effects(&run.cells, margin)),
        ..Widen::NONE
    };
    let peeking = run.plan.looks.map_or(1.0, |l| l.widened_by);
    for cell in &mut run.cells {
        let widen = widening(cell.purpose, widened, peeking);
        judge(cell, margin, widen, is_paced(cell, &run.workloads));
        (cell.baseline_steadiness, cell.x_steadiness) = steady(cell, &run.workloads, margin);
    }
    run.withheld = digest_mismatch
        .map(ToOwned::to_owned)
        .or_else(|| withheld(&run.cells));
    run.answers = answers(run, widened);
    if let Some(mut map) = run.map.take() {
        fill_map(&mut map, &run.cells, run.machine.cpus_effective);
        map.sentence = Labels::of(run).put_before(map_sentence(&map));
        run.map = Some(map);
    }
    run.hops = hop_answers(&run.cells, &run.workloads, margin);
    let labels = Labels::of(run);
    for split in run.hops.iter_mut().flat_map(|h| &mut h.splits) {
        split.sentence = labels.put_before(price(split));
    }
    run.delivery = delivery_answers(&run.cells, &run.workloads, margin);
    if let Some(delivery) = &mut run.delivery {
        let claims = claims(delivery).into_iter();
        for woken in &mut delivery.woken {
            woken.sentence = labels.put_before(woken_sentence(woken, margin));
        }
        delivery.claims = claims.map(|c| labels.put_before(c)).collect();
    }
    if let Some(formats) = &mut run.formats {
        let hops = run.hops.as_ref();
        formats.bodies = body_answers(&run.cells, &run.workloads, &formats.facts, hops);
        for answer in &mut formats.bodies {
            answer.floor = floor(&answer.formats);
            answer.sentence = labels.put_before(format_sentence(answer));
        }
    }
}

/// What the interval of a cell is widened by: not that of a null, from which the factor comes; and that
/// of a comparison also by what looking at it costs.
fn widening(purpose: Purpose, widened: Widen, peeking: f64) -> Widen {
    match purpose {
        Purpose::Null => Widen::NONE,
        Purpose::Compare => Widen { peeking, ..widened },
        _ => widened,
    }
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
        let widen = widening(cell.purpose, widened, widened_by);
        match ln_effect(cell, margin, widen, false) {
            Ok(e) => Standing {
                is_settled: is_settled(&verdict(&e, margin, &cell.baseline, &cell.x)),
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
        .filter(|c| c.purpose == Purpose::Null)
        .filter_map(|c| ln_effect(c, margin, Widen::NONE, false).ok())
        .collect()
}

/// `is_paced`: whether messages came at planned moments ([`is_paced`]), of which the delay counts.
fn ln_effect(cell: &Cell, margin: f64, widen: Widen, is_paced: bool) -> Result<Effect, StatsError> {
    let metric = |s: &Sample| match &s.latency {
        Some(latency) => latency.p99_ns.unwrap_or(latency.p50_ns),
        None if is_paced => s.service.mean_ns,
        None => s.ops_per_s,
    };
    effect(&pair_differences(cell, metric), margin, widen)
}

fn judge(cell: &mut Cell, margin: f64, widen: Widen, is_paced: bool) {
    let (mut baseline, mut x) = match cell.purpose {
        // Both sides are one deployment: what may be ahead is the way of getting messages.
        Purpose::MessageCost => (cell.baseline_transport.clone(), cell.x_transport.clone()),
        Purpose::Hop => (
            format!("{} {}", cell.baseline, cell.baseline_transport),
            format!("{} {}", cell.x, cell.x_transport),
        ),
        Purpose::Variant => match &cell.x_workload {
            Some(x) => (cell.workload.clone(), x.clone()),
            None => (cell.baseline.clone(), cell.x.clone()),
        },
        // Of latency less is better: whose ratio is above 1 is behind.
        Purpose::Latency => (cell.x.clone(), cell.baseline.clone()),
        _ => (cell.baseline.clone(), cell.x.clone()),
    };
    // Of a delay less is better, too.
    if is_paced {
        std::mem::swap(&mut baseline, &mut x);
    }
    match ln_effect(cell, margin, widen, is_paced) {
        Ok(e) => {
            cell.verdict = verdict(&e, margin, &baseline, &x);
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
    if cell.purpose == Purpose::Latency || is_paced(cell, workloads) {
        return (None, None);
    }
    let Some(workload) = workloads.iter().find(|w| w.name == cell.workload) else {
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

/// What stands before every sentence of a run: a sentence travels alone.
pub(super) struct Labels {
    is_withheld: bool,
    is_busy: bool,
}

impl Labels {
    pub(super) fn of(run: &Run) -> Labels {
        Labels {
            is_withheld: run.withheld.is_some(),
            is_busy: run.busy.is_some(),
        }
    }

    pub(super) fn put_before(&self, sentence: String) -> String {
        match (self.is_withheld, self.is_busy) {
            (true, true) => format!("{BUSY_LABEL}; {WITHHELD_LABEL}: {sentence}"),
            (true, false) => format!("{WITHHELD_LABEL}: {sentence}"),
            (false, true) => format!("{BUSY_LABEL}: {sentence}"),
            (false, false) => sentence,
        }
    }
}

/// One answer for every workload and every deployment that was compared. Probes have none: nobody
/// chooses a deployment for a kernel operation.
fn answers(run: &Run, widened: Widen) -> Vec<Answer> {
    let mut pairs: Vec<(&str, &str, &str)> = Vec::new();
    let is_asked = |c: &&Cell| c.purpose == Purpose::Compare && !run.is_probe(&c.workload);
    for c in run.cells.iter().filter(is_asked) {
        let key = (c.workload.as_str(), c.baseline.as_str(), c.x.as_str());
        if !pairs.contains(&key) {
            pairs.push(key);
        }
    }
    pairs
        .into_iter()
        .map(|(workload, baseline, x)| answer(run, widened, (workload, baseline, x)))
        .collect()
}

fn answer(run: &Run, widened: Widen, (workload, baseline, x): (&str, &str, &str)) -> Answer {
    let mut cells: Vec<&Cell> = run
        .cells
        .iter()
        .filter(|c| {
            c.purpose == Purpose::Compare
                && c.workload == workload
                && c.baseline == baseline
                && c.x == x
        })
        .collect();
    cells.sort_by_key(|c| c.agents);
    let at: Vec<AtAgents<'_>> = cells.iter().map(|&c| c.into()).collect();
    let baseline_memory = memory_of(&cells, Side::Baseline);
    let x_memory = memory_of(&cells, Side::X);
    let setup: Vec<SetupAnswer> = cells.iter().filter_map(|c| setup_answer(c)).collect();
    let messages: Vec<MessageAnswer> = run
        .cells
        .iter()
        .filter(|c| {
            c.purpose == Purpose::MessageCost
                && c.workload == workload
                && (c.x == x || c.x == baseline)
        })
        .filter_map(|c| message_price(c, run.machine.cpus_effective))
        .collect();
    let moving: Vec<usize> = cells
        .iter()
        .filter(|c| !c.is_steady())
        .map(|c| c.agents)
        .collect();
    let findings = Findings {
        workload,
        baseline,
        x,
        cells: &at,
        baseline_memory: baseline_memory.as_ref(),
        x_memory: x_memory.as_ref(),
        setup: &setup,
        messages: &messages,
        moving: &moving,
        pair_s: pair_s(run),
    };
    let labels = Labels::of(run);
    let key = (workload, baseline, x);
    let mut latency = latency_answers(&run.cells, key, run.margin, widened);
    for answer in &mut latency {
        answer.sentence = labels.put_before(latency_sentence(answer, key, run.margin));
    }
    let mut long_window = long_window(&cells, &run.cells);
    if let Some(answer) = &mut long_window {
        answer.sentence = labels.put_before(long_window_sentence(answer, key, run.margin));
    }
    let facts = Facts {
        baseline,
        x,
        cells: &at,
        memory: [baseline_memory.as_ref(), x_memory.as_ref()],
        setup: &setup,
        latency: &latency,
        margin: run.margin,
        cpus: whole_cpus(run.machine.cpus_effective),
    };
    Answer {
        weighed: labels.put_before(weigh(&facts, run.priority)),
        scaling: scaling_answers(&cells, run.machine.cpus_effective),
        long_window,
        workload: workload.to_owned(),
        baseline: baseline.to_owned(),
        x: x.to_owned(),
        crossover: labels.put_before(crossover(&at)),
        recommendation: labels.put_before(recommendation(&findings)),
        baseline_memory,
        x_memory,
        what_if: what_if(&messages)
            .into_iter()
            .map(|s| labels.put_before(s))
            .collect(),
        setup,
        messages,
        latency,
    }
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
