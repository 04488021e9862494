//! Which cells, with which windows, how often: what fits a budget. Pure.

pub mod delivery;
pub mod formats;
pub mod full;
pub mod message;
pub mod scale;

use super::invocation::whole_cpus;
use super::stopping::Look;
use crate::deployment::{Form, Kind};
use crate::record::{Pinning, Purpose, Side, WorkloadKind};
use crate::transport::{Asked, Choice, Entry, Purpose as Use, REGISTRY, WaitPolicy};
use crate::workload::hop::{ENDS, Hop, Pattern};
use crate::workload::serialize::Settings;
use crate::workload::{Spec, SpecSource, derive_seed};
use message::Scope;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

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

/// One workload of a run.
pub struct PlannedWorkload {
    /// Its parameters.
    pub source: SpecSource,
    /// What its ops are.
    pub kind: WorkloadKind,
    /// Rounds of an episode.
    pub episode_length: u64,
    /// Whether its agents exchange messages when there are two or more.
    pub talks: bool,
    /// The pattern of messages, where there is nothing but messages.
    pub hop: Option<Hop>,
    /// What is written down, and how, where there is nothing but that.
    pub format: Option<Settings>,
}

impl PlannedWorkload {
    /// Takes what a plan needs to know from a validated spec.
    #[must_use]
    pub fn new(source: SpecSource, spec: &dyn Spec) -> PlannedWorkload {
        let talks = !spec.topology(2).is_silent();
        let kind = source.entry().map_or(WorkloadKind::default(), |e| e.kind);
        PlannedWorkload {
            kind,
            source,
            episode_length: spec.episode_length(),
            talks,
            hop: spec.hop(),
            format: spec.format(),
        }
    }

    /// Rounds after which the digest is complete: an episode and the beginning of the next, so that
    /// a wrong reset shows.
    #[must_use]
    pub fn digest_round(&self) -> u64 {
        (self.episode_length + self.episode_length.div_ceil(4)).min(MOST_ROUNDS)
    }

    /// Rounds that agents stop after a multiple of.
    #[must_use]
    pub fn quantum(&self) -> u64 {
        if self.episode_length <= MOST_ROUNDS {
            self.episode_length
        } else {
            1
        }
    }
}

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

/// One side of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedSide {
    /// Where its workers run.
    pub form: Form,
    /// Whether messages come from a tape.
    pub tape: bool,
    /// After so many counted ops one that is not counted.
    pub uncounted_every: Option<u64>,
    /// How messages travel.
    pub transport: Choice,
    /// On which CPUs workers run.
    pub cpus: Pinning,
}

/// A cell as it is planned.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedCell {
    /// Index into [`Request::workloads`].
    pub workload: usize,
    /// The same of side X: another one where it is the workload that is compared.
    pub x_workload: usize,
    /// Number of agents.
    pub agents: usize,
    /// The baseline side.
    pub baseline: PlannedSide,
    /// The side that is compared with it.
    pub x: PlannedSide,
    /// Why it is measured.
    pub purpose: Purpose,
    /// Length of the window, seconds.
    pub window_s: f64,
    /// Least length of the warm-up, seconds.
    pub warm_up_s: f64,
    /// Wall time of one pair, seconds: an estimate, until one was measured.
    pub pair_s: f64,
    /// Of hops and variants, which are left out first: those of the highest rank; rank 0 stays.
    pub rank: usize,
}

impl PlannedCell {
    /// The cell in words: `exploration@8 threads/processes`.
    #[must_use]
    pub fn label(&self, workloads: &[PlannedWorkload]) -> String {
        let name = &workloads[self.workload].source.name;
        let what = match self.purpose {
            Purpose::Compare => format!("{}/{}", self.x.form, self.baseline.form),
            Purpose::LongWindow => format!("long window {}/{}", self.x.form, self.baseline.form),
            Purpose::Latency => format!("latency {}/{}", self.x.form, self.baseline.form),
            Purpose::Null => format!("null control {}/{}", self.x.form, self.baseline.form),
            Purpose::KnownEffect { asked } => format!("known effect {asked:.3}, {}", self.x.form),
            Purpose::MessageCost => {
                let by = self.x.transport.of(self.x.form.kind.home()).name;
                format!("price of messages, {} by {by}", self.x.form)
            }
            Purpose::Variant => {
                return format!("{} against {name}", workloads[self.x_workload].source.name);
            }
            Purpose::Hop => {
                let way = |s: &PlannedSide| {
                    format!("{} {}", s.form, s.transport.of(s.form.kind.home()).name)
                };
                let place = match self.x.cpus {
                    Pinning::Free => "",
                    Pinning::OneCpu => ", both on one CPU",
                    Pinning::OwnCpus => ", each on a CPU of its own",
                };
                return format!("{name} {}/{}{place}", way(&self.x), way(&self.baseline));
            }
        };
        format!("{name}@{} {what}", self.agents)
    }

    /// Whether its pairs take turns. Not where the window is to be one piece: a long one that a short one is
    /// held against, one with a schedule, and one whose messages are far apart.
    #[must_use]
    pub fn takes_turns(&self, workloads: &[PlannedWorkload]) -> bool {
        let is_paced = |w: usize| {
            let hop = workloads[w].hop.as_ref();
            hop.is_some_and(|hop| matches!(hop.pattern, Pattern::Paced(_)))
        };
        let in_one_piece = matches!(self.purpose, Purpose::LongWindow | Purpose::Latency);
        !in_one_piece && !is_paced(self.workload) && !is_paced(self.x_workload)
    }

    /// Index into [`Request::workloads`] of the side that is meant.
    #[must_use]
    pub fn workload_of(&self, side: Side) -> usize {
        match side {
            Side::Baseline => self.workload,
            Side::X => self.x_workload,
        }
    }

    /// The side that is meant.
    #[must_use]
    pub fn side(&self, side: Side) -> &PlannedSide {
        match side {
            Side::Baseline => &self.baseline,
            Side::X => &self.x,
        }
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
        "{budget_s:.0} s leave no room for {MIN_PAIRS} pairs of {cells} cells; give --time {needed_s:.0}s or more, or fewer agent counts, workloads or deployments"
    )]
    NoRoom {
        /// Time for pairs, seconds.
        budget_s: f64,
        /// Cells that cannot be left out.
        cells: usize,
        /// Time that would be enough, seconds.
        needed_s: f64,
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

/// Every agent count with every deployment under which it is compared.
#[must_use]
pub fn placed(request: &Request) -> Vec<(usize, Form)> {
    if let Question::Scale { most_dedicated } = request.question {
        let compared = scale::comparisons(request, most_dedicated);
        let both = |(agents, forms): (usize, [Form; 2])| forms.map(|form| (agents, form));
        return compared.into_iter().flat_map(both).collect();
    }
    let counts = request.agents.iter();
    counts
        .flat_map(|&agents| request.deployments.iter().map(move |&form| (agents, form)))
        .collect()
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
        // With an even number the smaller of the two in the middle: the plan has to be kept.
        (sorted.len() >= 2).then(|| sorted[(sorted.len() - 1) / 2])
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
        for &form in controlled {
            let side = self.control_side(form);
            self.add(0, agents, side, side, Purpose::Null);
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
        0.002 * (agents * placement.processes.max(1)) as f64 / cpus
    } else {
        0.0
    };
    0.03 + WARM_UP_S
        + window_s
        + placement.workers() as f64 * per_worker_s
        + 0.0005 * agents as f64
        + tape_s
}

/// Leaves out cells until `pairs` pairs of each fit `seconds`; returns what was left out, in words.
///
/// What goes first: the small known effect beside a comparison, long windows, latency between the ends, prices of messages at all but one agent
/// count, hops by their rank, probes beside agents, then agent counts from the middle (the ends carry the slopes and the headline). The other
/// controls and two agent counts stay.
///
/// # Errors
/// [`PlanError::NoRoom`] when even that is too much.
pub fn fit(
    cells: &mut Vec<PlannedCell>,
    workloads: &[PlannedWorkload],
    pairs: usize,
    seconds: f64,
) -> Result<Vec<String>, PlanError> {
    let left_out = shrink(cells, workloads, pairs, seconds, Ends::Stay);
    let needed_s = needed_s(cells, pairs);
    if needed_s > seconds {
        return Err(PlanError::NoRoom {
            budget_s: seconds,
            cells: cells.len(),
            needed_s: needed_s.ceil(),
        });
    }
    Ok(left_out)
}

/// What becomes of the smallest and the largest agent count when there is no room for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// They stay, whether they fit or not.
    Stay,
    /// They go, too, the one that takes longest first; one comparison stays: an answer to less is
    /// better than no answer to all.
    MayGo,
}

/// Like [`fit`], for a run that is under way: leaves out what it may, whether that is enough or not.
pub fn shrink(
    cells: &mut Vec<PlannedCell>,
    workloads: &[PlannedWorkload],
    pairs: usize,
    seconds: f64,
    ends: Ends,
) -> Vec<String> {
    let mut left_out = Vec::new();
    while needed_s(cells, pairs) > seconds {
        let of_ends = || (ends == Ends::MayGo).then(|| next_end(cells)).flatten();
        let Some(victim) = next_victim(cells, workloads).or_else(of_ends) else {
            break;
        };
        let is_victim = |c: &PlannedCell| match victim {
            Victim::SmallKnownEffect => is_small_known_effect(c),
            Victim::LongWindows => c.purpose == Purpose::LongWindow,
            Victim::Probe(workload) => is_compared(c) && c.workload == workload,
            Victim::Ranked(rank) => is_ranked(c) && c.rank == rank,
            Victim::Messages { agents, by } => is_price(c, agents, by),
            Victim::Latency(n) => c.purpose == Purpose::Latency && c.agents == n,
            Victim::Agents(n) => is_compared(c) && c.agents == n,
            Victim::End { workload, agents } => {
                is_compared(c) && (c.workload, c.agents) == (workload, agents)
            }
        };
        left_out.extend(
            cells
                .iter()
                .filter(|c| is_victim(c))
                .map(|c| c.label(workloads)),
        );
        cells.retain(|c| !is_victim(c));
    }
    left_out
}

/// What so many pairs of each cell take, seconds.
fn needed_s(cells: &[PlannedCell], pairs: usize) -> f64 {
    pairs as f64 * cells.iter().map(|c| c.pair_s).sum::<f64>()
}

enum Victim {
    SmallKnownEffect,
    LongWindows,
    Probe(usize),
    Ranked(usize),
    Latency(usize),
    /// Prices at an agent count by one transport, or by the native ones.
    Messages {
        agents: usize,
        by: Option<&'static str>,
    },
    Agents(usize),
    End {
        workload: usize,
        agents: usize,
    },
}

fn is_ranked(cell: &PlannedCell) -> bool {
    matches!(cell.purpose, Purpose::Hop | Purpose::Variant)
}

/// A comparison, or its twin on an open schedule: one does not go without the other.
fn is_compared(cell: &PlannedCell) -> bool {
    matches!(cell.purpose, Purpose::Compare | Purpose::Latency)
}

fn is_small_known_effect(cell: &PlannedCell) -> bool {
    cell.x.uncounted_every == Some(SMALL_KNOWN_EFFECT)
}

fn next_victim(cells: &[PlannedCell], workloads: &[PlannedWorkload]) -> Option<Victim> {
    let counts = |purpose: Purpose| {
        let mut all: Vec<usize> = cells
            .iter()
            .filter(|c| c.purpose == purpose)
            .map(|c| c.agents)
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let compared = counts(Purpose::Compare);
    if !compared.is_empty() && cells.iter().any(is_small_known_effect) {
        return Some(Victim::SmallKnownEffect);
    }
    if cells.iter().any(|c| c.purpose == Purpose::LongWindow) {
        return Some(Victim::LongWindows);
    }
    let paced = counts(Purpose::Latency);
    if paced.len() > 2 {
        return Some(Victim::Latency(paced[paced.len() / 2]));
    }
    let priced = counts(Purpose::MessageCost);
    if priced.len() > 1 {
        return priced.last().map(|&n| next_price(cells, n));
    }
    let ranked = cells.iter().filter(|c| is_ranked(c));
    if let Some(rank) = ranked.map(|c| c.rank).max().filter(|&r| r > 0) {
        return Some(Victim::Ranked(rank));
    }
    // Beside agents, probes only explain.
    let is_probe = |c: &&PlannedCell| workloads[c.workload].kind == WorkloadKind::Probe;
    let is_beside_agents = cells.iter().any(|c| is_compared(c) && !is_probe(&c));
    if let Some(probe) = cells
        .iter()
        .filter(is_probe)
        .map(|c| c.workload)
        .max()
        .filter(|_| is_beside_agents)
    {
        return Some(Victim::Probe(probe));
    }
    if compared.len() > 2 {
        return Some(Victim::Agents(compared[compared.len() / 2]));
    }
    priced.first().map(|&n| next_price(cells, n))
}

/// The price to go at an agent count: one transport at a time, so that a few are known rather than none,
/// and what a comparison takes last.
fn next_price(cells: &[PlannedCell], agents: usize) -> Victim {
    let mut priced = cells
        .iter()
        .rev()
        .filter(|c| c.purpose == Purpose::MessageCost && c.agents == agents);
    let by = priced.find_map(|c| not_native(&c.x));
    Victim::Messages { agents, by }
}

fn is_price(cell: &PlannedCell, agents: usize, by: Option<&str>) -> bool {
    cell.purpose == Purpose::MessageCost && cell.agents == agents && not_native(&cell.x) == by
}

/// The transport of a side, where it is not what its deployment has of its own.
fn not_native(side: &PlannedSide) -> Option<&'static str> {
    let home = side.form.kind.home();
    let entry = side.transport.of(home);
    (entry != Choice::Native.of(home)).then_some(entry.name)
}

/// The next end to go, the one that takes longest: so most comparisons stay. None when one is left.
fn next_end(cells: &[PlannedCell]) -> Option<Victim> {
    let mut ends: Vec<((usize, usize), f64)> = Vec::new();
    for cell in cells.iter().filter(|c| is_compared(c)) {
        let key = (cell.workload, cell.agents);
        match ends.iter_mut().find(|(k, _)| *k == key) {
            Some((_, pairs_s)) => *pairs_s += cell.pair_s,
            None => ends.push((key, cell.pair_s)),
        }
    }
    let longest = ends.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let &((workload, agents), _) = longest.filter(|_| ends.len() > 1)?;
    Some(Victim::End { workload, agents })
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
mod tests {
    use super::*;
    use crate::workload;

    fn request(agents: &[usize], cpus: f64) -> Request {
        let workload = |name: &str| {
            let source = SpecSource::built_in(workload::find(name).unwrap());
            let spec = workload::read(&source).unwrap();
            PlannedWorkload::new(source, spec.as_ref())
        };
        Request {
            workloads: vec![workload("exploration"), workload("coordination")],
            agents: agents.to_vec(),
            deployments: vec![Form::THREADS, Form::PROCESSES],
            cpus_effective: cpus,
            budget_s: 110.0,
            most_pairs: 16,
            seed: 1,
            transport: Asked::One(Choice::Native),
            look: None,
            asks_latency: false,
            question: Question::Compare,
            is_busy: false,
        }
    }

    #[test]
    fn a_quick_run_compares_every_agent_count_on_an_ordinary_machine() {
        for cpus in [2.0, 4.0, 16.0, 64.0] {
            let request = request(&[1, 2, 4, 8, 16, 32], cpus);
            let mut cells = cells(&request).unwrap();
            let left_out =
                fit(&mut cells, &request.workloads, MIN_PAIRS, request.budget_s).unwrap();
            let compared = cells
                .iter()
                .filter(|c| c.purpose == Purpose::Compare)
                .count();
            assert_eq!(compared, 12, "{cpus} CPUs: {left_out:?}");
        }
    }

    #[test]
    fn prices_go_one_transport_at_a_time_and_the_native_ones_last() {
        let mut request = request(&[8], 2.0);
        request.transport = Asked::All;
        let mut cells = cells(&request).unwrap();
        let priced = |cells: &[PlannedCell]| -> Vec<Option<&str>> {
            let prices = cells.iter().filter(|c| c.purpose == Purpose::MessageCost);
            prices.map(|c| not_native(&c.x)).collect()
        };
        let all = priced(&cells);
        assert!(all.len() > 6, "{all:?}");
        let mut before = all;
        let needed = |cells: &[PlannedCell]| needed_s(cells, MIN_PAIRS);
        while !before.is_empty() {
            // A moment too little: one thing goes.
            let seconds = needed(&cells) - 0.001;
            shrink(
                &mut cells,
                &request.workloads,
                MIN_PAIRS,
                seconds,
                Ends::Stay,
            );
            let left = priced(&cells);
            let mut gone: Vec<_> = before.iter().filter(|p| !left.contains(p)).collect();
            gone.dedup();
            assert!(gone.len() <= 1, "{gone:?} went at once");
            let native = |all: &[Option<&str>]| all.iter().filter(|p| p.is_none()).count();
            assert!(
                native(&left) == native(&before) || left.is_empty(),
                "{left:?}"
            );
            before = left;
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out_from_the_middle_and_named() {
        let request = request(&[1, 2, 4, 8, 16, 32], 1.0);
        let mut cells = cells(&request).unwrap();
        let left_out = fit(&mut cells, &request.workloads, MIN_PAIRS, 40.0).unwrap();
        let counts: Vec<usize> = cells
            .iter()
            .filter(|c| c.purpose == Purpose::Compare && c.workload == 0)
            .map(|c| c.agents)
            .collect();
        assert_eq!(
            (counts.first(), counts.last()),
            (Some(&1), Some(&32)),
            "{left_out:?}"
        );
        assert!(
            left_out.iter().any(|l| l.starts_with("exploration@8 ")),
            "{left_out:?}"
        );
        assert!(cells.iter().any(|c| c.purpose == Purpose::Null));
        assert!(MIN_PAIRS as f64 * cells.iter().map(|c| c.pair_s).sum::<f64>() <= 40.0);
    }

    #[test]
    fn a_budget_without_room_says_what_would_be_enough() {
        let request = request(&[1, 2], 2.0);
        let mut cells = cells(&request).unwrap();
        let error = fit(&mut cells, &request.workloads, MIN_PAIRS, 2.0).unwrap_err();
        assert!(error.to_string().contains("--time"), "{error}");
    }

    #[test]
    fn windows_hold_five_turns_of_every_worker() {
        let side = side(&request(&[1], 2.0), Form::PROCESSES);
        assert_eq!(window_s(1, &[side], 2.0), 0.25);
        assert!((window_s(64, &[side], 1.0) - 0.96).abs() < 1e-12);
    }

    #[test]
    fn two_rounds_balance_the_order_of_every_cell() {
        let cells: Vec<usize> = (0..20).collect();
        let [first, second] = two_rounds(&cells, 3, 7);
        assert_eq!([first.len(), second.len()], [20, 20]);
        for (cell, side) in &first {
            let other = second.iter().find(|(c, _)| c == cell).unwrap().1;
            assert_ne!(*side, other);
        }
        assert!(
            first.iter().any(|(_, s)| *s == Side::X)
                && first.iter().any(|(_, s)| *s == Side::Baseline)
        );
        assert_eq!(two_rounds(&cells, 3, 7), [first, second]);
        assert_ne!(two_rounds(&cells, 4, 7)[0], two_rounds(&cells, 3, 7)[0]);
    }

    /// Both sides of a null are the same, so the coin that says who runs first is what labels its
    /// slots: T X X T or X T T X, each half of the time, whatever the coins of others say.
    #[test]
    fn a_null_has_its_labels_at_random() {
        let planned = cells(&request(&[1, 8], 2.0)).unwrap();
        let is_null = |c: &usize| planned[*c].purpose == Purpose::Null;
        let nulls: Vec<usize> = (0..planned.len()).filter(is_null).collect();
        for &null in &nulls {
            assert_eq!(planned[null].baseline, planned[null].x);
        }
        let all: Vec<usize> = (0..planned.len()).collect();
        let x_runs_first = |round: &[(usize, Side)], cell| {
            let (_, first) = round.iter().find(|(c, _)| *c == cell).unwrap();
            *first == Side::X
        };
        let seeds = 4_000;
        let (mut x_in_slot, mut like_the_other, mut like_the_next) = ([0; 4], 0, 0);
        for seed in 0..seeds {
            let [one, other] = two_rounds(&all, 0, seed);
            let [next, _] = two_rounds(&all, 1, seed);
            let (a, b) = (x_runs_first(&one, nulls[0]), x_runs_first(&other, nulls[0]));
            assert_ne!(a, b, "each label runs first once in two rounds");
            for (count, is_x) in x_in_slot.iter_mut().zip([a, !a, b, !b]) {
                *count += u64::from(is_x);
            }
            like_the_other += u64::from(a == x_runs_first(&one, nulls[1]));
            like_the_next += u64::from(a == x_runs_first(&next, nulls[0]));
        }
        // Three standard errors of a fair coin thrown so often are 2.4 %.
        let is_half = |count: u64| (count as f64 / seeds as f64 - 0.5).abs() < 0.024;
        assert!(x_in_slot.into_iter().all(is_half), "{x_in_slot:?}");
        assert!(is_half(like_the_other) && is_half(like_the_next));
    }

    #[test]
    fn a_longer_run_has_a_smaller_known_effect_too() {
        let asked = |budget_s: f64| -> Vec<String> {
            let request = Request {
                budget_s,
                ..request(&[2, 8], 2.0)
            };
            let cells = cells(&request).unwrap();
            let known = cells.iter().filter_map(|c| match c.purpose {
                Purpose::KnownEffect { asked } => Some(format!("{asked:.3}")),
                _ => None,
            });
            known.collect()
        };
        assert_eq!(asked(60.0), ["0.909"]);
        assert_eq!(asked(300.0), ["0.909", "0.952"]);
    }

    #[test]
    fn the_smaller_known_effect_is_the_first_to_go() {
        let mut request = request(&[2, 8], 2.0);
        request.budget_s = 300.0;
        let mut cells = cells(&request).unwrap();
        let left_out = fit(&mut cells, &request.workloads, MIN_PAIRS, 45.0).unwrap();
        assert_eq!(left_out[0], "exploration@8 known effect 0.952, threads");
    }

    #[test]
    fn a_calibration_is_made_of_controls_at_every_agent_count() {
        let mut request = request(&[1, 2, 8], 2.0);
        request.question = Question::Calibrate;
        let cells = cells(&request).unwrap();
        for agents in [1, 2, 8] {
            let here = || cells.iter().filter(|c| c.agents == agents);
            let nulls = here().filter(|c| c.purpose == Purpose::Null);
            assert!(nulls.clone().all(|c| c.baseline == c.x));
            assert_eq!(nulls.count(), 2);
            let asked: Vec<f64> = here()
                .filter_map(|c| match c.purpose {
                    Purpose::KnownEffect { asked } => Some(asked),
                    _ => None,
                })
                .collect();
            assert_eq!(asked, [0.8, 10.0 / 11.0, 20.0 / 21.0]);
        }
        assert_eq!(cells.len(), 15);
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
        let mut request = request(&[1], 2.0);
        request.deployments = vec![Form::THREADS];
        assert_eq!(cells(&request), Err(PlanError::OneDeployment));
        request.deployments = vec![Form::THREADS, Form::THREADS];
        assert_eq!(cells(&request), Err(PlanError::OneDeployment));
    }
}
