//! Runs a plan pair by pair: order, dropped pairs and their causes, deadline, what is left out.
//!
//! The coordinator knows neither clock nor process: an [`Invoker`] has both, so a scripted one runs
//! the whole of it in a test.

mod choice;

use super::causes::{disturbance, dropped_in_words};
use super::empty_cell::record_of;
use super::invocation::Invocation;
use super::plan::{self, Asked, Plan, PlanError, PlannedCell};
use super::stopping;
use super::turns::Part;
use crate::deployment::Job;
use crate::observe::clock::OpClock;
use crate::record::{Cause, Cell, Dropped, OrderEntry, Outcome, Pair, PlanRecord, Progress, Side};
use crate::stats::MIN_PAIRS;
use crate::workload::derive_seed;
use std::collections::HashMap;

/// After so many failed pairs in a row a cell is given up.
const FAILURES_IN_A_ROW: usize = 2;

/// After so many throttled pairs in a row a cell is given up: a quota does not go away.
const THROTTLES_IN_A_ROW: usize = 4;

/// A pair is started only if so many times the slowest pair of its cell still fit.
const HEADROOM: f64 = 1.5;

/// How long a phase of an invocation may hang, seconds.
const PATIENCE_S: f64 = 20.0;

/// What runs invocations, and tells the time.
pub trait Invoker {
    /// Runs one invocation in a fresh process and waits for it, `limit_s` seconds at most.
    fn invoke(&mut self, invocation: &Invocation, limit_s: f64) -> Outcome;

    /// Runs the two invocations of a pair, in this order or turn by turn, `limit_s` seconds at most.
    fn invoke_pair(
        &mut self,
        first: &Invocation,
        second: &Invocation,
        limit_s: f64,
    ) -> (Outcome, Outcome) {
        one_by_one(self, first, second, limit_s)
    }

    /// Seconds since the run began, but for those in which it stood still.
    fn elapsed_s(&self) -> f64;

    /// Seconds for which the run stood still.
    fn stood_still_s(&self) -> f64 {
        0.0
    }

    /// Whether somebody wants the run to end.
    fn is_interrupted(&self) -> bool;
}

/// Runs the two invocations of a pair one after the other.
pub(super) fn one_by_one<I: Invoker + ?Sized>(
    invoker: &mut I,
    first: &Invocation,
    second: &Invocation,
    limit_s: f64,
) -> (Outcome, Outcome) {
    let began_s = invoker.elapsed_s();
    let one = invoker.invoke(first, limit_s);
    let limit_s = limit_s - (invoker.elapsed_s() - began_s);
    (one, invoker.invoke(second, limit_s))
}

/// What the coordinator measured.
pub struct Measured {
    /// Every cell with its pairs; without effects and verdicts.
    pub cells: Vec<Cell>,
    /// The plan as it was carried out.
    pub plan: PlanRecord,
    /// What went wrong, for a person.
    pub warnings: Vec<String>,
    /// Why the run ended before its plan; `None` when it did not.
    pub incomplete_reason: Option<String>,
    /// A digest that differs: the same seed did not give the same beliefs. No headline then.
    pub digest_mismatch: Option<String>,
}

/// Runs `plan` until `request.budget_s` seconds of the invoker's clock are over.
///
/// `tell` is called before every pair, `save` after every round with what there is so far.
///
/// # Errors
/// [`PlanError`] when not even the smallest plan fits.
pub fn run(
    request: &Asked,
    plan: &Plan,
    clock: OpClock,
    invoker: &mut dyn Invoker,
    tell: &mut dyn FnMut(&Progress),
    save: &mut dyn FnMut(&Measured),
) -> Result<Measured, PlanError> {
    let mut cells = plan.cells.clone();
    let room_s = request.budget_s - invoker.elapsed_s();
    let left_out = plan::fit(&mut cells, MIN_PAIRS, room_s)?;
    let mut run = Coordinator {
        request,
        clock,
        digests: HashMap::new(),
        measured: Measured {
            cells: cells.iter().map(|c| record_of(c, request)).collect(),
            plan: PlanRecord {
                budget_s: request.budget_s,
                left_out,
                looks: request.look.map(|_| stopping::looks(&cells, room_s)),
                ..PlanRecord::default()
            },
            warnings: Vec::new(),
            incomplete_reason: None,
            digest_mismatch: None,
        },
        active: vec![true; cells.len()],
        estimates_s: cells.iter().map(|c| c.pair_s).collect(),
        room_s,
        cells,
        pairs_done: 0,
    };
    // Pairs that every cell had the chance to have.
    let mut full_pairs = 0;
    for two in 0.. {
        // Estimates are behind us after two rounds: what does not fit by measured times goes now,
        // before the third, by the same rule. Times decide here, never values.
        if two == 1 {
            run.leave_out_by_measured_time(invoker);
        }
        run.plan_paces();
        let cells = run.next(two, &mut full_pairs, invoker);
        if cells.is_empty() || !run.two_rounds(two, &cells, invoker, tell, save) {
            break;
        }
    }
    Ok(run.finish(invoker.stood_still_s()))
}

struct Coordinator<'a> {
    request: &'a Asked,
    clock: OpClock,
    cells: Vec<PlannedCell>,
    /// Cells that still run.
    active: Vec<bool>,
    /// What a pair of each cell was thought to take, seconds.
    estimates_s: Vec<f64>,
    /// Time for all pairs, seconds.
    room_s: f64,
    measured: Measured,
    /// Digest of every (workload, agents): whatever the deployment.
    digests: HashMap<(usize, usize), String>,
    pairs_done: usize,
}

impl Coordinator<'_> {
    /// Runs two rounds of `cells`. False when the run has to end.
    fn two_rounds(
        &mut self,
        two: u32,
        cells: &[usize],
        invoker: &mut dyn Invoker,
        tell: &mut dyn FnMut(&Progress),
        save: &mut dyn FnMut(&Measured),
    ) -> bool {
        let orders = plan::two_rounds(cells, two, self.request.seed);
        for (r, order) in orders.into_iter().enumerate() {
            let round = 2 * two + r as u32;
            if !self.round(round, &order, invoker, tell) {
                return false;
            }
            save(&self.measured);
        }
        true
    }

    /// Runs one round. False when the run has to end.
    fn round(
        &mut self,
        round: u32,
        order: &[(usize, Side)],
        invoker: &mut dyn Invoker,
        tell: &mut dyn FnMut(&Progress),
    ) -> bool {
        for (i, &(c, first)) in order.iter().enumerate() {
            if !self.active[c] {
                continue;
            }
            if invoker.is_interrupted() {
                self.measured.incomplete_reason = Some("interrupted".to_owned());
                return false;
            }
            let left_s = self.request.budget_s - invoker.elapsed_s();
            if left_s < HEADROOM * self.cells[c].pair_s {
                if (round as usize) < MIN_PAIRS {
                    self.measured.incomplete_reason = Some(format!(
                        "out of time in round {} of at least {MIN_PAIRS}; it needs more time, or fewer cells",
                        round + 1
                    ));
                }
                return false;
            }
            tell(&self.progress(round, &order[i..], left_s));
            let began_s = invoker.elapsed_s();
            let pair = self.pair(c, round, first, invoker);
            if invoker.is_interrupted() {
                // Whoever interrupted may have ended the workers too: the pair says nothing.
                self.measured.incomplete_reason = Some("interrupted".to_owned());
                return false;
            }
            let took_s = invoker.elapsed_s() - began_s;
            let cell = &mut self.measured.cells[c];
            // Until the first measurement `pair_s` is an estimate; after it, the slowest pair.
            // A failed one took as long as its watchdog, and says nothing about the next.
            let has_run = |p: &Pair| {
                matches!(
                    (&p.baseline, &p.x),
                    (Outcome::Measured(_), Outcome::Measured(_))
                )
            };
            if has_run(&pair) {
                let is_first = !cell.pairs.iter().any(has_run);
                let known_s = if is_first { 0.0 } else { self.cells[c].pair_s };
                self.cells[c].pair_s = known_s.max(took_s);
            }
            cell.pairs.push(pair);
            self.pairs_done += 1;
            self.measured.plan.order.push(OrderEntry {
                round,
                cell: c,
                first,
            });
            self.give_up_if_it_keeps_failing(c);
            if round == 0 {
                self.plan_again_if_slow();
            }
        }
        true
    }

    fn progress(&self, round: u32, rest: &[(usize, Side)], left_s: f64) -> Progress {
        let active: Vec<&PlannedCell> = self
            .cells
            .iter()
            .zip(&self.active)
            .filter(|(_, a)| **a)
            .map(|(c, _)| c)
            .collect();
        let round_s: f64 = active.iter().map(|c| c.pair_s).sum();
        let rest_s: f64 = rest.iter().map(|&(c, _)| self.cells[c].pair_s).sum();
        // Rounds come in twos; what does not fit is not begun.
        let rounds_left = (self.request.most_pairs as f64 - f64::from(round) - 1.0).max(0.0);
        let to_even = f64::from((round + 1) % 2);
        let fitting = to_even
            + 2.0 * (((left_s - rest_s - to_even * round_s) / round_s).max(0.0) / 2.0).floor();
        let rounds = fitting.min(rounds_left).max(0.0);
        Progress {
            pairs_done: self.pairs_done,
            pairs_planned: self.pairs_done + rest.len() + rounds as usize * active.len(),
            cell: self.cells[rest[0].0].label.clone(),
            seconds_left: rest_s + rounds * round_s,
        }
    }

    fn pair(&mut self, c: usize, round: u32, first: Side, invoker: &mut dyn Invoker) -> Pair {
        let second = if first == Side::Baseline {
            Side::X
        } else {
            Side::Baseline
        };
        let (one, other) = (
            self.invocation(c, round, first, true),
            self.invocation(c, round, second, false),
        );
        let limit_s = self.request.budget_s - invoker.elapsed_s();
        let (one, other) = invoker.invoke_pair(&one, &other, limit_s);
        let (baseline, x) = if first == Side::Baseline {
            (one, other)
        } else {
            (other, one)
        };
        let dropped = self.cause_to_drop(c, &baseline, &x);
        Pair {
            round,
            first,
            baseline,
            x,
            dropped,
        }
    }

    fn invocation(&self, c: usize, round: u32, side: Side, is_first: bool) -> Invocation {
        let cell = &self.cells[c];
        let workload = &self.request.workloads[cell.workload_of(side)];
        let planned = cell.side(side);
        Invocation {
            job: Job {
                source: workload.source.clone(),
                agents: cell.agents,
                seed: self.request.seed,
                arrivals_seed: derive_seed(self.request.seed, u64::from(round), c as u64),
                digest_round: workload.record.digest_round,
                quantum: workload.quantum(),
                uncounted_every: planned.uncounted_every,
                clock: self.clock,
                transport: planned.transport,
                cpus: planned.cpus,
                tape: planned.tape,
                planned_per_s: self.measured.cells[c].planned_per_s,
            },
            form: planned.form,
            cpus_effective: self.request.cpus_effective,
            warm_up_s: cell.warm_up_s,
            window_s: cell.window_s,
            patience_s: PATIENCE_S,
            part: Part {
                takes_turns: !cell.in_one_piece,
                is_first,
            },
        }
    }

    /// Why a pair does not count, if it does not. Never its value.
    fn cause_to_drop(&mut self, c: usize, baseline: &Outcome, x: &Outcome) -> Option<Dropped> {
        let cell = &self.measured.cells[c];
        let sides = [(&cell.baseline, baseline), (&cell.x, x)].map(|(arm, o)| (&arm.deployment, o));
        for (name, outcome) in sides {
            if let Outcome::Failed(failure) = outcome {
                let detail = format!("{name} failed in {}: {}", failure.phase, failure.message);
                return Some(Dropped {
                    cause: Cause::Failed,
                    detail,
                });
            }
        }
        let (Outcome::Measured(b), Outcome::Measured(x)) = (baseline, x) else {
            return None;
        };
        let agents = self.cells[c].agents;
        for (side, sample) in [(Side::Baseline, b), (Side::X, x)] {
            let workload = self.cells[c].workload_of(side);
            let digest = self
                .digests
                .entry((workload, agents))
                .or_insert_with(|| sample.digest.clone());
            if *digest != sample.digest {
                let detail = format!(
                    "digest {} instead of {digest} at {}: the same seed did not give the same beliefs",
                    sample.digest, self.cells[c].label
                );
                self.measured
                    .digest_mismatch
                    .get_or_insert_with(|| detail.clone());
                return Some(Dropped {
                    cause: Cause::DigestDiffers,
                    detail,
                });
            }
        }
        self.measured.cells[c]
            .digest
            .get_or_insert_with(|| b.digest.clone());
        let ops_of_a_life = [Side::Baseline, Side::X]
            .map(|side| self.request.workloads[self.cells[c].workload_of(side)].life_length)
            .into_iter()
            .max();
        let ops_of_a_life = agents as u64 * ops_of_a_life.unwrap_or(1);
        disturbance(b, x, ops_of_a_life, self.request.is_busy)
    }

    /// A cell whose pairs fail, or are all throttled, will not do better for being tried again.
    fn give_up_if_it_keeps_failing(&mut self, c: usize) {
        let failed = |p: &&Pair| {
            matches!(p.baseline, Outcome::Failed(_)) || matches!(p.x, Outcome::Failed(_))
        };
        let throttled = |p: &&Pair| {
            p.dropped
                .as_ref()
                .is_some_and(|d| d.cause == Cause::Throttled)
        };
        let pairs = &self.measured.cells[c].pairs;
        let failures = pairs.iter().rev().take_while(failed).count();
        let throttles = pairs.iter().rev().take_while(throttled).count();
        let (in_a_row, what) = if failures >= FAILURES_IN_A_ROW {
            (failures, "failures")
        } else if throttles >= THROTTLES_IN_A_ROW {
            (throttles, "throttled pairs")
        } else {
            return;
        };
        self.active[c] = false;
        let label = &self.cells[c].label;
        let why = pairs
            .last()
            .and_then(|p| p.dropped.as_ref())
            .map_or("", |d| &d.detail);
        self.measured.warnings.push(format!(
            "{label} was given up after {in_a_row} {what} in a row: {why}"
        ));
    }

    fn finish(mut self, stood_still_s: f64) -> Measured {
        self.measured.plan.stood_still_s = stood_still_s;
        if stood_still_s > 0.0 {
            self.measured.warnings.push(format!(
                "the run stood still for {stood_still_s:.1} s (stopped, frozen or suspended), which its time does not count: it ended that much later"
            ));
        }
        let pairs = self
            .cells
            .iter()
            .zip(&self.measured.cells)
            .filter(|(c, _)| c.is_comparison());
        self.measured.plan.pairs_per_cell = pairs.map(|(_, c)| c.pairs.len()).max().unwrap_or(0);
        self.measured
            .warnings
            .extend(dropped_in_words(&self.measured.cells));
        if self.measured.incomplete_reason.is_none() {
            self.measured.incomplete_reason = why_no_answer(&self.measured.cells);
        }
        self.measured
    }
}

/// Why a run that did all it could has no answer; `None` where it has one.
fn why_no_answer(cells: &[Cell]) -> Option<String> {
    if cells.iter().all(|c| c.kept().next().is_none()) {
        return Some("nothing could be measured; the warnings say why".to_owned());
    }
    let mut compared = cells.iter().filter(|c| c.is_comparison()).peekable();
    let has_comparison = compared.peek().is_some();
    let most = compared.map(|c| c.kept().count()).max().unwrap_or(0);
    (has_comparison && most < MIN_PAIRS).then(|| {
        format!(
            "no comparison has the {MIN_PAIRS} pairs that a verdict needs (the most is {most}); the warnings say why"
        )
    })
}
