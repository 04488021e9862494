//! Which cells are next, and which will not get their pairs?

use super::{Coordinator, HEADROOM, Invoker};
use crate::experiment::plan::{self, Ends, PlannedCell};
use crate::experiment::stopping::{self, Candidate};
use crate::stats::{MIN_PAIRS, median};

/// Pairs after which the first round is judged: fewer could be a slow start.
const PAIRS_TO_JUDGE_BY: usize = 4;

/// How much longer than thought pairs must take for the plan to be made again.
const SLOW: f64 = 1.25;

/// Share of what the slower deployment does that an open schedule asks of both.
const LOAD: f64 = 0.7;

/// Ops a second that an open schedule plans, from the op/s of both sides of the comparison that it belongs
/// to: 70 % of the slower side's median. `None` before both have been measured twice.
fn planned_per_s(baseline: &[f64], x: &[f64]) -> Option<f64> {
    let usual = |rates: &[f64]| (rates.len() >= 2).then(|| median(rates)).flatten();
    Some(LOAD * usual(baseline)?.min(usual(x)?))
}

impl Coordinator<'_> {
    /// The cells of the next two rounds, of which `two` were; none where the run is over. `full_pairs` are those
    /// that every cell had the chance to have.
    pub(super) fn next(
        &self,
        two: u32,
        full_pairs: &mut usize,
        invoker: &dyn Invoker,
    ) -> Vec<usize> {
        let pairs_so_far = 2 * two as usize;
        if let Some(cells) = self.worth_most(pairs_so_far, invoker) {
            return cells;
        }
        let cells = self.due(pairs_so_far);
        let two_s: f64 = 2.0 * cells.iter().map(|&c| self.cells[c].pair_s).sum::<f64>();
        let is_short = pairs_so_far < MIN_PAIRS;
        if !is_short && invoker.elapsed_s() + two_s > self.request.budget_s {
            // No more full rounds: what time is left makes up for dropped pairs, and then goes to as many cells as
            // it is enough for.
            let short = self.short_of_pairs(*full_pairs);
            return match short.is_empty() {
                true => self.that_fit(cells, invoker),
                false => short,
            };
        }
        *full_pairs += 2;
        cells
    }

    /// In a run that looks, the cells that two more pairs are worth most for; `None` where nobody looks, and
    /// while every cell has yet to have the pairs that any verdict needs.
    fn worth_most(&self, pairs_so_far: usize, invoker: &dyn Invoker) -> Option<Vec<usize>> {
        let (look, margin) = self.request.look?;
        let looks = self.measured.plan.looks?;
        if pairs_so_far < MIN_PAIRS {
            return None;
        }
        let standings = look(&self.measured.cells, margin, looks.widened_by);
        let ready = (0..self.cells.len()).filter(|&c| self.is_ready(c));
        let candidates: Vec<Candidate> = ready
            .map(|c| Candidate {
                cell: c,
                role: self.cells[c].role,
                weight: self.cells[c].weight,
                kept: self.measured.cells[c].kept().count(),
                ran: self.measured.cells[c].pairs.len(),
                pair_s: self.cells[c].pair_s,
                standing: standings[c],
            })
            .collect();
        let slowest_s = self.cells.iter().map(|c| c.pair_s).fold(0.0, f64::max);
        let left_s = self.request.budget_s - invoker.elapsed_s() - (HEADROOM - 1.0) * slowest_s;
        Some(stopping::next(&candidates, looks, left_s))
    }

    /// Plans the schedule of every cell that has one, as soon as the comparison that it belongs to says how
    /// much the slower side does.
    pub(super) fn plan_paces(&mut self) {
        for c in 0..self.cells.len() {
            let is_open = self.measured.cells[c].planned_per_s.is_none();
            if is_open && let Some(id) = self.cells[c].schedule_of {
                self.measured.cells[c].planned_per_s = self.pace_of(id);
            }
        }
    }

    fn pace_of(&self, id: usize) -> Option<f64> {
        let twin = self.cells.iter().position(|c| c.id == id)?;
        let kept = self.measured.cells[twin].kept();
        let (baseline, x): (Vec<f64>, Vec<f64>) =
            kept.map(|(_, b, x)| (b.ops_per_s(), x.ops_per_s())).unzip();
        planned_per_s(&baseline, &x)
    }

    /// Whether a cell runs, and can: one with a schedule cannot before that is planned.
    fn is_ready(&self, c: usize) -> bool {
        let waits =
            self.cells[c].schedule_of.is_some() && self.measured.cells[c].planned_per_s.is_none();
        self.active[c] && !waits
    }

    /// Cells that take part in the next two rounds: all until each had its pairs, then those whose
    /// dropped pairs are to be made up for.
    fn due(&self, pairs_so_far: usize) -> Vec<usize> {
        let most = self.request.most_pairs;
        let is_due = |&c: &usize| {
            let kept = self.measured.cells[c].kept().count();
            self.is_ready(c) && (pairs_so_far < most || (kept < most && pairs_so_far < 2 * most))
        };
        (0..self.cells.len()).filter(is_due).collect()
    }

    /// Cells that have fewer than the `full` pairs that every cell had the chance to have: those that
    /// have no verdict for it, or else those that lost any.
    fn short_of_pairs(&self, full: usize) -> Vec<usize> {
        let below = |pairs: usize| -> Vec<usize> {
            let is_short =
                |&c: &usize| self.is_ready(c) && self.measured.cells[c].kept().count() < pairs;
            (0..self.cells.len()).filter(is_short).collect()
        };
        let without_verdict = below(MIN_PAIRS);
        match without_verdict.is_empty() {
            true => below(full.min(self.request.most_pairs)),
            false => without_verdict,
        }
    }

    /// Those of `cells` for two more pairs of which there is time, the ones that have fewest before the others. How
    /// many pairs a cell has is decided by time and by causes, never by values.
    fn that_fit(&self, mut cells: Vec<usize>, invoker: &dyn Invoker) -> Vec<usize> {
        cells.sort_by_key(|&c| self.measured.cells[c].kept().count());
        let mut left_s = self.request.budget_s - invoker.elapsed_s();
        cells.retain(|&c| {
            let pair_s = self.cells[c].pair_s;
            // The last pair, too, is started only with headroom.
            let fits = (1.0 + HEADROOM) * pair_s <= left_s;
            if fits {
                left_s -= 2.0 * pair_s;
            }
            fits
        });
        cells
    }

    /// Leaves out what will not reach its six pairs by measured times.
    pub(super) fn leave_out_by_measured_time(&mut self, invoker: &dyn Invoker) {
        // The last pair, too, is started only with headroom.
        let slowest_s = self.cells.iter().map(|c| c.pair_s).fold(0.0, f64::max);
        let left_s = self.request.budget_s - invoker.elapsed_s() - (HEADROOM - 1.0) * slowest_s;
        // Those that had to wait for a schedule have all their pairs before them.
        let late = |c: &&usize| {
            self.active[**c]
                && self.cells[**c].schedule_of.is_some()
                && self.measured.cells[**c].pairs.is_empty()
        };
        let all: Vec<usize> = (0..self.cells.len()).collect();
        let late_s: f64 = all
            .iter()
            .filter(late)
            .map(|&c| 2.0 * self.cells[c].pair_s)
            .sum();
        let left_s = left_s - late_s;
        self.leave_out(MIN_PAIRS - 2, left_s, Ends::MayGo);
    }

    /// In the first round: when pairs take longer than was thought, those that did not run yet will,
    /// too; then the plan is made again before two rounds have used up what a smaller one needs.
    pub(super) fn plan_again_if_slow(&mut self) {
        let ran = |&c: &usize| !self.measured.cells[c].pairs.is_empty();
        let (ran, waiting): (Vec<usize>, Vec<usize>) = (0..self.cells.len()).partition(ran);
        let measured_s: f64 = ran.iter().map(|&c| self.cells[c].pair_s).sum();
        let thought_s: f64 = ran.iter().map(|&c| self.estimates_s[c]).sum();
        // A first pair that finds cold caches says nothing about the others.
        if ran.len() < PAIRS_TO_JUDGE_BY || measured_s <= SLOW * thought_s {
            return;
        }
        for c in waiting {
            self.cells[c].pair_s = self.estimates_s[c] * measured_s / thought_s;
        }
        // A few slow pairs may be a bad moment: the ends go by the times of two rounds only.
        self.leave_out(MIN_PAIRS, self.room_s, Ends::Stay);
    }

    /// Leaves out running cells until `pairs` more pairs of each fit `seconds`. With nothing left to
    /// leave out the deadline decides.
    fn leave_out(&mut self, pairs: usize, seconds: f64, ends: Ends) {
        let running = self.cells.iter().zip(&self.active).filter(|(_, a)| **a);
        let mut kept: Vec<PlannedCell> = running.map(|(c, _)| c.clone()).collect();
        let gone = plan::shrink(&mut kept, pairs, seconds, ends);
        for (cell, active) in self.cells.iter().zip(&mut self.active) {
            *active = *active && kept.contains(cell);
        }
        self.measured.plan.left_out.extend(gone);
    }
}

#[cfg(test)]
mod tests {
    use super::planned_per_s;

    #[test]
    fn a_schedule_asks_for_seven_tenths_of_the_slower_sides_median() {
        let planned = planned_per_s(&[100.0, 300.0], &[500.0, 900.0]).unwrap();
        assert!((planned - 140.0).abs() < 1e-9, "{planned}");
        let planned = planned_per_s(&[900.0, 100.0, 300.0], &[50.0, 70.0]).unwrap();
        assert!((planned - 42.0).abs() < 1e-9, "{planned}");
        assert_eq!(planned_per_s(&[100.0], &[500.0, 900.0]), None);
    }
}
