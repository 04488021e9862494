//! Which cells, with which windows, how often: what fits a budget. Pure.

mod cell;
pub mod delivery;
mod fit;
pub mod formats;
pub mod full;
pub mod message;
pub mod scale;

pub use cell::{PlannedCell, PlannedSide, PlannedWorkload};
pub use fit::{Ends, fit, shrink};

use super::invocation::whole_cpus;
use super::stopping::Look;
use crate::deployment::{Form, Kind};
use crate::record::{Pinning, Purpose, Side, WorkloadKind};
use crate::transport::{Asked, Choice, Entry, Purpose as Use, REGISTRY, WaitPolicy};
use crate::workload::derive_seed;
use crate::workload::hop::ENDS;
use message::Scope;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};
use std::collections::HashSet;

/// Fewest pairs that a cell needs for a verdict.
pub const MIN_PAIRS: usize = 6;

/// Warm-up of an invocation at least, seconds: caches, branch predictors, frequency.
pub const WARM_UP_S: f64 = 0.08;

/// Shortest window, seconds.
const MIN_WINDOW_S: f64 = 0.25;

/// What the scheduler gives a busy task at a time, seconds; a window holds five turns of each worker.
const SCHEDULER_TURN_S: f64 = 0.003;

/// Rounds that a digest covers at most, and longest episode that windows are made whole of.
const MOST_ROUNDS: u64 = 256;

/// What a window on an open schedule takes longer, seconds.
const LATENCY_EXTRA_S: f64 = 0.1;

/// Share of what the slower deployment does that an open schedule asks of both.
const LOAD: f64 = 0.7;

/// The known effect of every run: one uncounted op after so many counted ones, so 10/11 = 0.909.
pub const KNOWN_EFFECT: u64 = 10;

/// The known effect that longer runs have, too: 20/21 = 0.952.
const SMALL_KNOWN_EFFECT: u64 = 20;

/// Pairs from which an effect of 5 % is found more often than not.
const PAIRS_FOR_SMALL_EFFECTS: usize = 16;

/// The known effects of a calibration: 0.80, 0.909 and 0.952.
const CALIBRATED_EFFECTS: [u64; 3] = [4, KNOWN_EFFECT, SMALL_KNOWN_EFFECT];

/// What shall be measured.
pub struct Request {
    /// The workloads.
    pub workloads: Vec<PlannedWorkload>,
    /// Agent counts, ascending.
    pub agents: Vec<usize>,
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
    pub transport: Asked,
    /// How comparisons are looked at before all pairs are in, and what a margin is (a share); `None` where
    /// nobody looks.
    pub look: Option<(Look, f64)>,
    /// Whether every comparison is run on an open schedule, too.
    pub asks_latency: bool,
    /// What is asked.
    pub question: Question,
    /// Whether the machine was busy from the start and is measured all the same: foreign CPU and
    /// steal are then what is measured under, and drop no pair.
    pub is_busy: bool,
}

/// What a run is to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Which deployment, and from how many agents on: comparisons, prices of messages, and controls
    /// beside them.
    Compare,
    /// From how many agents on do messages not get through any faster? Comparisons of agents with workers
    /// of their own and of agents that share them, and controls beside them.
    Scale {
        /// So many agents can have workers of their own at most.
        most_dedicated: usize,
    },
    /// What do formats cost, and how much of a hop between processes is that? Controls beside it.
    Formats,
    /// Everything that a team decides by, in twenty minutes: see [`full`].
    Full,
    /// Which mix of processes and threads is best at one agent count?
    Map,
    /// Can this machine tell? Controls only, at every agent count.
    Calibrate,
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

/// Every cell that a request asks for, whether it fits or not: comparisons by agent count, prices of
/// messages, controls; of formats, what they cost, and controls; or, to calibrate, controls at every
/// agent count.
///
/// # Errors
/// [`PlanError::OneDeployment`].
pub fn cells(request: &Request) -> Result<Vec<PlannedCell>, PlanError> {
    let (baseline, others) = comparison(&request.deployments)?;
    let mut cells = Cells {
        request,
        planned: Vec::new(),
    };
    if request.question == Question::Calibrate {
        for &agents in &request.agents {
            cells.nulls(agents);
            for every in CALIBRATED_EFFECTS {
                cells.known_effect(agents, baseline, every);
            }
        }
        return Ok(cells.planned);
    }
    if request.question == Question::Formats {
        formats::add(&mut cells);
        cells.controls(formats::AGENTS, baseline);
        return Ok(cells.planned);
    }
    let with_agents = |&w: &usize| request.workloads[w].hop.is_none();
    let all = 0..request.workloads.len();
    if let Question::Scale { most_dedicated } = request.question {
        scale::add(&mut cells, most_dedicated);
        cells.latencies();
        cells.controls(anchor(&request.agents), baseline);
        return Ok(cells.planned);
    }
    if request.question == Question::Full {
        full::compare(&mut cells);
    } else {
        for workload in all.clone().filter(with_agents) {
            for &agents in &request.agents {
                for &x in others {
                    let (baseline, x) = (side(request, baseline), side(request, x));
                    cells.add(workload, agents, baseline, x, Purpose::Compare);
                }
            }
        }
    }
    cells.latencies();
    if request.question == Question::Full {
        full::long_windows(&mut cells);
    }
    let talking = all.filter(with_agents);
    for workload in talking.filter(|&w| is_priced(request, &request.workloads[w])) {
        for agents in message_counts(&request.agents) {
            for &form in &request.deployments {
                for transport in priced_transports(request, form, agents) {
                    let x = PlannedSide {
                        transport,
                        ..side(request, form)
                    };
                    let tape = PlannedSide { tape: true, ..x };
                    cells.add(workload, agents, tape, x, Purpose::MessageCost);
                }
            }
        }
    }
    let scope = message::scope(request);
    if let Some(scope) = scope {
        let is_of_delivery = delivery::is_asked(request);
        if is_of_delivery {
            delivery::add(&mut cells);
        }
        // Beside delivery, one hop is there for the controls.
        if !is_of_delivery || delivery::other_hops(request) > 1 {
            message::add(&mut cells, scope);
        }
    }
    let anchor = match scope {
        Some(Scope::All) => ENDS,
        _ => anchor(&request.agents),
    };
    cells.controls(anchor, baseline);
    Ok(cells.planned)
}

/// What runs, once each: the index of a workload, the number of its agents, and where they run.
///
/// # Errors
/// As for [`cells`].
pub fn placed(request: &Request) -> Result<Vec<(usize, usize, Form)>, PlanError> {
    let cells = cells(request)?;
    let sides = cells.iter().flat_map(|c| {
        [Side::Baseline, Side::X].map(|s| (c.workload_of(s), c.agents, c.side(s).form))
    });
    let mut seen = HashSet::new();
    Ok(sides.filter(|&placed| seen.insert(placed)).collect())
}

/// Every transport by which the messages of a workload with agents travel under a deployment.
#[must_use]
pub fn carriers(request: &Request, form: Form, agents: usize) -> Vec<&'static Entry> {
    let home = form.kind.home();
    let mut carriers = vec![request.transport.compared().of(home)];
    if message_counts(&request.agents).contains(&agents) {
        let priced = priced_transports(request, form, agents).into_iter();
        carriers.extend(priced.map(|choice| choice.of(home)));
    }
    carriers
}

/// Whether tapes are played at an agent count, so that the messages of a workload have a price.
#[must_use]
pub fn is_taped(request: &Request, workload: &PlannedWorkload, agents: usize) -> bool {
    let compares = matches!(request.question, Question::Compare | Question::Full);
    compares && is_priced(request, workload) && message_counts(&request.agents).contains(&agents)
}

/// Whether messages of a workload are priced.
fn is_priced(request: &Request, workload: &PlannedWorkload) -> bool {
    // What a step takes without messages is nothing where it is made of them.
    workload.talks && workload.kind != WorkloadKind::Relay && request.question != Question::Map
}

/// The transports by which messages are priced under a deployment. Those that spin are not among all of
/// them where there are more workers than CPUs: each would wait for the scheduler.
fn priced_transports(request: &Request, form: Form, agents: usize) -> Vec<Choice> {
    if let Asked::One(choice) = request.transport {
        return vec![choice];
    }
    let cpus = whole_cpus(request.cpus_effective);
    let is_crowded = form.place(agents, cpus).workers() > cpus;
    let all = REGISTRY.iter().filter(|e| {
        e.purpose == Use::Agents
            && e.serves(form.kind.home())
            && !(is_crowded && e.wait == WaitPolicy::Spin)
    });
    all.map(Choice::Named).collect()
}

/// Ops a second that an open schedule plans, from the op/s of both sides of the comparison that it belongs
/// to: 70 % of the slower side's median. `None` before both have been measured twice.
#[must_use]
pub fn planned_per_s(baseline: &[f64], x: &[f64]) -> Option<f64> {
    let usual = |rates: &[f64]| {
        let mut sorted = rates.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = |n: usize| (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0;
        (rates.len() >= 2).then(|| middle(rates.len()))
    };
    Some(LOAD * usual(baseline)?.min(usual(x)?))
}

/// The true ratio where one op in `every` + 1 is not counted.
#[must_use]
pub fn true_ratio(every: u64) -> f64 {
    every as f64 / (every + 1) as f64
}

/// A side without a tape that counts all its ops.
fn side(request: &Request, form: Form) -> PlannedSide {
    PlannedSide {
        form,
        tape: false,
        uncounted_every: None,
        transport: request.transport.compared(),
        cpus: Pinning::Free,
    }
}

/// Cells, as they are put together.
struct Cells<'a> {
    request: &'a Request,
    planned: Vec<PlannedCell>,
}

impl Cells<'_> {
    fn add(
        &mut self,
        workload: usize,
        agents: usize,
        baseline: PlannedSide,
        x: PlannedSide,
        purpose: Purpose,
    ) {
        let cpus = self.request.cpus_effective;
        let window_s = window_s(agents, &[baseline, x], cpus);
        let pair_s = [baseline, x]
            .iter()
            .map(|s| estimate_s(agents, s, window_s, cpus))
            .sum();
        self.planned.push(PlannedCell {
            workload,
            x_workload: workload,
            agents,
            baseline,
            x,
            purpose,
            window_s,
            warm_up_s: WARM_UP_S,
            pair_s,
            rank: 0,
        });
    }

    /// Changes the cell that was added last.
    fn set_last(&mut self, change: impl FnOnce(&mut PlannedCell)) {
        change(self.planned.last_mut().expect("one was added"));
    }

    /// Gives the cell that was added last another window and warm-up, seconds.
    fn time_last(&mut self, window_s: Option<f64>, warm_up_s: f64) {
        self.set_last(|cell| {
            let window_s = window_s.unwrap_or(cell.window_s);
            cell.pair_s -= 2.0 * (cell.window_s - window_s + cell.warm_up_s - warm_up_s);
            (cell.window_s, cell.warm_up_s) = (window_s, warm_up_s);
        });
    }

    /// A twin on an open schedule of every comparison of agents so far, where they are asked for.
    fn latencies(&mut self) {
        if !self.request.asks_latency {
            return;
        }
        let kind = |c: &PlannedCell| self.request.workloads[c.workload].kind;
        let is_of_agents = |c: &&PlannedCell| {
            c.purpose == Purpose::Compare
                && matches!(kind(c), WorkloadKind::Agents | WorkloadKind::Relay)
                && (self.request.question != Question::Full
                    || full::asks_latency(self.request, c.agents, c.x.form))
        };
        let twin = |c: &PlannedCell| PlannedCell {
            purpose: Purpose::Latency,
            // Workers get up before the schedule begins, and end at its pace.
            pair_s: c.pair_s + 2.0 * LATENCY_EXTRA_S,
            ..c.clone()
        };
        let twins: Vec<PlannedCell> = self.planned.iter().filter(is_of_agents).map(twin).collect();
        self.planned.extend(twins);
    }

    /// The controls of a run that compares, at one agent count.
    fn controls(&mut self, agents: usize, form: Form) {
        self.nulls(agents);
        self.known_effect(agents, form, KNOWN_EFFECT);
        self.small_known_effect(agents, form);
    }

    /// A side of a control. Where nothing but messages is measured they go by the ring that spins: whether
    /// an adaptive end just sleeps or not makes two equal things differ by a factor.
    fn control_side(&self, form: Form) -> PlannedSide {
        let side = side(self.request, form);
        let is_of_hops = self.request.workloads[0].hop.is_some();
        match is_of_hops && whole_cpus(self.request.cpus_effective) > 1 {
            true => PlannedSide {
                transport: Choice::named("ring:spin"),
                ..side
            },
            false => side,
        }
    }

    /// Every deployment against itself. Which invocation of a pair is called X is drawn by lot: the
    /// coin that says which side runs first ([`two_rounds`]) is all that tells them apart.
    fn nulls(&mut self, agents: usize) {
        let forms = &self.request.deployments;
        // Mixes are many and much alike: what lies between the two ends is not controlled by itself.
        let ends = [0, forms.len() - 1].map(|i| forms[i]);
        let controlled = match self.request.question {
            Question::Map => ends.as_slice(),
            _ => forms,
        };
        let workloads = self.controlled_workloads();
        for (i, &form) in controlled.iter().enumerate() {
            let side = self.control_side(form);
            let workload = workloads[i % workloads.len()];
            self.add(workload, agents, side, side, Purpose::Null);
        }
    }

    /// Which workloads nulls run on, one deployment after the other. Where there is time, all whose agents are compared,
    /// since one may be told from itself where another is not; else the first: a control stays when cells go, and should
    /// not be the slowest.
    fn controlled_workloads(&self) -> Vec<usize> {
        if self.request.question != Question::Full {
            return vec![0];
        }
        let is_of_agents = |w: &PlannedWorkload| w.kind == WorkloadKind::Agents && w.hop.is_none();
        let workloads = self.request.workloads.iter().enumerate();
        let of_agents: Vec<usize> = workloads
            .filter(|(_, w)| is_of_agents(w))
            .map(|(i, _)| i)
            .collect();
        match of_agents.is_empty() {
            true => vec![0],
            false => of_agents,
        }
    }

    /// A deployment against itself with one uncounted op after every `every`.
    fn known_effect(&mut self, agents: usize, form: Form, every: u64) {
        let side = self.control_side(form);
        let worse = PlannedSide {
            uncounted_every: Some(every),
            ..side
        };
        let asked = true_ratio(every);
        self.add(0, agents, side, worse, Purpose::KnownEffect { asked });
    }

    /// The small known effect, where the budget holds the pairs that it takes to see it.
    fn small_known_effect(&mut self, agents: usize, form: Form) {
        self.known_effect(agents, form, SMALL_KNOWN_EFFECT);
        let pair_s: f64 = self.planned.iter().map(|c| c.pair_s).sum();
        let needed_s = PAIRS_FOR_SMALL_EFFECTS as f64 * pair_s;
        if self.request.most_pairs < PAIRS_FOR_SMALL_EFFECTS || needed_s > self.request.budget_s {
            self.planned.pop();
        }
    }
}

/// Agent counts at which messages are priced: the anchor and the largest, where there is somebody to
/// talk to.
fn message_counts(agents: &[usize]) -> Vec<usize> {
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

/// The order of two rounds: every cell once in each, shuffled; the side that runs first is drawn for
/// the first round and turned around for the second, so that orders balance.
#[must_use]
pub fn two_rounds(cells: &[usize], two: u32, seed: u64) -> [Vec<(usize, Side)>; 2] {
    let mut rng = Pcg64::seed_from_u64(derive_seed(seed, u64::from(two), 0x0dde));
    let mut first: Vec<(usize, Side)> = cells
        .iter()
        .map(|&c| {
            (
                c,
                if rng.next_u64() >> 63 == 0 {
                    Side::Baseline
                } else {
                    Side::X
                },
            )
        })
        .collect();
    let turned = |(c, side)| match side {
        Side::Baseline => (c, Side::X),
        Side::X => (c, Side::Baseline),
    };
    let mut second: Vec<(usize, Side)> = first.iter().copied().map(turned).collect();
    for order in [&mut first, &mut second] {
        for i in (1..order.len()).rev() {
            order.swap(i, crate::workload::gridworld::below(&mut rng, i + 1));
        }
    }
    [first, second]
}

#[cfg(test)]
mod tests;
