//! Which cells run, with which windows, how often: what fits a budget. Pure.
//!
//! What is measured, studies say ([`Draft`]): each cell with its window, what rests on it, and when it is left out.
//! Here only time and that order decide.
//!
//! | file | question |
//! |---|---|
//! | `mod` | what was asked for, and how does a study plan a cell? |
//! | `cell` | what is one cell of a plan? |
//! | `fit` | what is left out when there is no room for all, and in which order? |
//! | `order` | in which order do pairs run? |
//! | `carry` | can the machine start it? |

pub mod carry;
mod cell;
mod fit;
mod order;

pub use cell::{NamedBy, PlannedCell, PlannedSide, PlannedWorkload, Stands};
pub use fit::{Ends, Leaves, band, fit, needed_s, shrink};
pub use order::two_rounds;

use super::stopping::Look;
use crate::deployment::{Form, Kind, whole_cpus};
use crate::metric::Metric;
use crate::record::{Machine, Pinning, Role, Weight};
use crate::stats::MIN_PAIRS;
use crate::transport::{self, Choice};

/// Warm-up of an invocation at least, seconds: caches, branch predictors, frequency.
pub const WARM_UP_S: f64 = 0.08;

/// Shortest window, seconds.
const MIN_WINDOW_S: f64 = 0.25;

/// What the scheduler gives a busy task at a time, seconds; a window holds five turns of each worker.
pub const SCHEDULER_TURN_S: f64 = 0.003;

/// What shall be measured.
pub struct Asked {
    /// The workloads.
    pub workloads: Vec<PlannedWorkload>,
    /// Agent counts, ascending.
    pub agents: Vec<usize>,
    /// Whether those are the wish of a study, and nobody's who asked.
    pub has_own_agents: bool,
    /// Deployments; the first one is the baseline.
    pub deployments: Vec<Form>,
    /// Effective CPUs.
    pub cpus_effective: f64,
    /// Wall time for all pairs, seconds.
    pub budget_s: f64,
    /// Most pairs of a cell.
    pub most_pairs: usize,
    /// Seed of worlds and orders.
    pub seed: u64,
    /// How messages travel.
    pub transport: transport::Asked,
    /// How comparisons are looked at before all pairs are in, and what a margin is (a share); `None` where
    /// nobody looks.
    pub look: Option<(Look, f64)>,
    /// Whether every comparison is run on an open schedule, too.
    pub asks_latency: bool,
    /// How much is asked beside the comparisons.
    pub depth: Depth,
    /// Whether the machine was busy from the start and is measured all the same: foreign CPU and
    /// steal are then what is measured under, and drop no pair.
    pub is_busy: bool,
}

/// How much is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// An answer.
    #[default]
    Answer,
    /// Everything that a team decides by.
    Report,
}

impl Asked {
    /// Whole CPUs: as many workers as can run at once.
    #[must_use]
    pub fn cpus(&self) -> usize {
        whole_cpus(self.cpus_effective)
    }

    /// The baseline, and what is compared with it.
    ///
    /// # Errors
    /// [`PlanError::OneDeployment`].
    pub fn comparison(&self) -> Result<(Form, &[Form]), PlanError> {
        comparison(&self.deployments)
    }
}

/// The baseline, and what is compared with it.
///
/// # Errors
/// [`PlanError::OneDeployment`].
pub fn comparison(deployments: &[Form]) -> Result<(Form, &[Form]), PlanError> {
    match deployments.split_first() {
        Some((&baseline, others)) if !others.is_empty() && !others.contains(&baseline) => {
            Ok((baseline, others))
        }
        _ => Err(PlanError::OneDeployment),
    }
}

/// Why there is nothing to plan.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// One deployment has nothing to be compared with.
    #[error("a comparison needs two different deployments, for example -d threads,processes")]
    OneDeployment,
    /// Not even the smallest plan fits.
    #[error(
        "{budget_s:.0} s leave no room for {MIN_PAIRS} pairs of {cells} cells; give {option} {needed_s:.0}s or more, or fewer agent counts, workloads or deployments"
    )]
    NoRoom {
        /// Time for pairs, seconds.
        budget_s: f64,
        /// Cells that cannot be left out.
        cells: usize,
        /// Time that would be enough, seconds.
        needed_s: f64,
        /// The option that gives it.
        option: &'static str,
    },
}

/// What a run is to measure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Every cell.
    pub cells: Vec<PlannedCell>,
    /// What the machine does not carry, in words.
    pub left_out: Vec<String>,
}

/// A plan while studies add their cells to it.
pub struct Draft<'a> {
    /// What was asked for.
    pub asked: &'a Asked,
    /// The machine as it was found.
    pub machine: &'a Machine,
    /// Name of the study that adds cells now.
    pub study: &'static str,
    /// Which deployments controls are of; the studies' own choice where they are many and much alike.
    pub controlled: Vec<Form>,
    owners: Vec<&'static str>,
    plan: Plan,
}

impl<'a> Draft<'a> {
    /// An empty plan; `owners` are the names of the studies that the workloads belong to.
    #[must_use]
    pub fn new(asked: &'a Asked, machine: &'a Machine, owners: Vec<&'static str>) -> Draft<'a> {
        Draft {
            asked,
            machine,
            study: "",
            controlled: asked.deployments.clone(),
            owners,
            plan: Plan::default(),
        }
    }

    /// Indices of the workloads that belong to the study that adds cells now.
    #[must_use]
    pub fn own(&self) -> Vec<usize> {
        let is_own = |&w: &usize| self.owners[w] == self.study;
        (0..self.asked.workloads.len()).filter(is_own).collect()
    }

    /// Whether there are workloads beside those that belong to the study that adds cells now.
    #[must_use]
    pub fn has_others(&self) -> bool {
        self.owners.iter().any(|owner| *owner != self.study)
    }

    /// Whether no other study has planned anything.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.plan.cells.iter().all(|c| c.study == self.study)
            && self.owners.iter().all(|owner| *owner == self.study)
    }

    /// The cells so far.
    #[must_use]
    pub fn cells(&self) -> &[PlannedCell] {
        &self.plan.cells
    }

    /// The finished plan.
    #[must_use]
    pub fn finish(self) -> Plan {
        self.plan
    }

    /// Names what the machine does not carry.
    pub fn leave_out(&mut self, what: String) {
        self.plan.left_out.push(what);
    }

    /// Changes the cell that was added last.
    pub fn change_last(&mut self, change: impl FnOnce(&mut PlannedCell)) {
        change(self.plan.cells.last_mut().expect("one was added"));
    }

    /// Changes a cell by its id.
    pub fn change(&mut self, id: usize, change: impl FnOnce(&mut PlannedCell)) {
        self.plan.cells.iter_mut().find(|c| c.id == id).map(change);
    }

    /// Forgets the cell that was added last.
    pub fn withdraw(&mut self) {
        self.plan.cells.pop();
    }

    /// A side that counts all its ops and has no tape, its messages by the transport that was asked for.
    #[must_use]
    pub fn side(&self, form: Form) -> PlannedSide {
        PlannedSide {
            form,
            tape: false,
            uncounted_every: None,
            transport: self.asked.transport.compared(),
            cpus: Pinning::Free,
        }
    }

    /// The same by a transport of its own.
    #[must_use]
    pub fn side_by(&self, form: Form, transport: Choice) -> PlannedSide {
        PlannedSide {
            transport,
            ..self.side(form)
        }
    }

    /// Adds a cell: a comparison in op/s until the study says more of it.
    pub fn add(
        &mut self,
        workload: usize,
        agents: usize,
        baseline: PlannedSide,
        x: PlannedSide,
    ) -> &mut PlannedCell {
        let cpus = self.asked.cpus_effective;
        let window_s = window_s(agents, &[baseline, x], cpus);
        let pair_s = [baseline, x]
            .iter()
            .map(|s| estimate_s(agents, s, window_s, cpus))
            .sum();
        let name = &self.asked.workloads[workload].source.name;
        let id = self.plan.cells.last().map_or(0, |c| c.id + 1);
        self.plan.cells.push(PlannedCell {
            id,
            study: self.study,
            label: format!("{name}@{agents} {}/{}", x.form, baseline.form),
            workload,
            x_workload: workload,
            agents,
            baseline,
            x,
            metric: Metric::OPS_PER_S,
            role: Role::Question,
            weight: Weight::Headline,
            named_by: NamedBy::Deployment,
            stands: Stands::Always,
            is_of_agents: false,
            in_one_piece: false,
            schedule_of: None,
            window_s,
            warm_up_s: WARM_UP_S,
            pair_s,
            leaves: Leaves::Never,
        });
        self.plan.cells.last_mut().expect("one was added")
    }

    /// Adds a copy of a cell, which the study then changes.
    pub fn add_like(&mut self, cell: &PlannedCell) -> &mut PlannedCell {
        let id = self.plan.cells.last().map_or(0, |c| c.id + 1);
        self.plan.cells.push(PlannedCell {
            id,
            study: self.study,
            ..cell.clone()
        });
        self.plan.cells.last_mut().expect("one was added")
    }
}

/// Agent counts at which what is asked beside the comparisons of agents is asked: the anchor and the largest, where
/// there is somebody to talk to.
#[must_use]
pub fn anchors(agents: &[usize]) -> Vec<usize> {
    let mut counts: Vec<usize> = [anchor(agents), agents.last().copied().unwrap_or(1)]
        .into_iter()
        .filter(|&n| n > 1)
        .collect();
    counts.dedup();
    counts
}

/// The agent count of controls: of those that are compared, the one that is nearest to eight by its
/// ratio to it.
#[must_use]
pub fn anchor(agents: &[usize]) -> usize {
    let distance = |n: usize| (n as f64 / 8.0).ln().abs();
    agents
        .iter()
        .copied()
        .min_by(|&a, &b| distance(a).total_cmp(&distance(b)))
        .unwrap_or(1)
}

/// Those of `forms` that are another deployment than all before them at this agent count: with one agent
/// a worker per agent is a worker per CPU.
#[must_use]
pub fn distinct(forms: &[Form], agents: usize, cpus: usize) -> Vec<Form> {
    let mut found: Vec<Form> = Vec::new();
    for &form in forms {
        let is_new = |f: &Form| f.place(agents, cpus) != form.place(agents, cpus);
        if found.iter().all(is_new) {
            found.push(form);
        }
    }
    found
}

/// Window of a cell: long enough for five turns of every worker, the same for both sides.
fn window_s(agents: usize, sides: &[PlannedSide], cpus: f64) -> f64 {
    let workers = |s: &PlannedSide| s.form.place(agents, whole_cpus(cpus)).workers();
    let most = sides.iter().map(workers).max().unwrap_or(1);
    (5.0 * (most as f64 / cpus).ceil() * SCHEDULER_TURN_S).max(MIN_WINDOW_S)
}

/// Wall time of one invocation, seconds: what a small idle machine takes, rounded up. Measured times
/// take its place as soon as there are any.
fn estimate_s(agents: usize, side: &PlannedSide, window_s: f64, cpus: f64) -> f64 {
    let placement = side.form.place(agents, whole_cpus(cpus));
    let per_worker_s = match side.form.kind {
        Kind::Threads => 0.0003,
        Kind::Processes => 0.003,
    };
    let tape_s = if side.tape {
        0.002 * (agents * placement.processes().max(1)) as f64 / cpus
    } else {
        0.0
    };
    0.03 + WARM_UP_S
        + window_s
        + placement.workers() as f64 * per_worker_s
        + 0.0005 * agents as f64
        + tape_s
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_hold_five_turns_of_every_worker() {
        let side = PlannedSide {
            form: Form::PROCESSES,
            tape: false,
            uncounted_every: None,
            transport: Choice::Native,
            cpus: Pinning::Free,
        };
        assert_eq!(window_s(1, &[side], 2.0), 0.25);
        assert!((window_s(64, &[side], 1.0) - 0.96).abs() < 1e-12);
    }

    #[test]
    fn controls_run_where_the_comparison_does() {
        for (agents, expected) in [
            (&[1, 2, 4, 8, 16, 32][..], 8),
            (&[1, 2], 2),
            (&[1, 16, 32], 16),
            (&[1, 2, 4], 4),
            (&[1, 30], 30),
            (&[1000], 1000),
        ] {
            assert_eq!(anchor(agents), expected, "{agents:?}");
        }
    }

    #[test]
    fn one_deployment_is_no_comparison() {
        for forms in [vec![Form::THREADS], vec![Form::THREADS, Form::THREADS]] {
            assert_eq!(comparison(&forms), Err(PlanError::OneDeployment));
        }
    }
}
