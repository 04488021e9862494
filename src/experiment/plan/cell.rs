//! What is one cell of a plan?

#[cfg(doc)]
use super::Asked;
use super::Leaves;
use crate::deployment::Form;
use crate::metric::Metric;
use crate::record::{Pinning, Role, Side, Weight, WorkloadRecord};
use crate::transport::{Choice, WaitPolicy};
use crate::workload::{Spec, SpecError, SpecSource};

/// Rounds that a digest covers at most, and longest episode that windows are made whole of.
const MOST_ROUNDS: u64 = 256;

/// One workload of a run.
pub struct PlannedWorkload {
    /// The text of its parameters.
    pub source: SpecSource,
    /// How it stands in the record.
    pub record: WorkloadRecord,
    /// Rounds after which an agent's work repeats.
    pub life_length: u64,
    /// Whether its agents exchange messages when there are two or more.
    pub talks: bool,
    /// Whether messages between two workers are all there is: nobody computes.
    pub is_link: bool,
    /// Whether its messages can be replayed from a tape, so that they have a price.
    pub is_taped: bool,
}

impl PlannedWorkload {
    /// Reads and validates parameters.
    ///
    /// # Errors
    /// [`SpecError`] with file, line and field.
    pub fn read(source: SpecSource) -> Result<PlannedWorkload, SpecError> {
        let spec = crate::workload::read(&source)?;
        Ok(PlannedWorkload::new(source, spec.as_ref()))
    }

    /// Takes what a plan needs to know from a validated spec.
    #[must_use]
    pub fn new(source: SpecSource, spec: &dyn Spec) -> PlannedWorkload {
        let (episode_length, life_length) = (spec.episode_length(), spec.life_length());
        // An episode and the beginning of the next, so that a wrong reset shows.
        let digest_round = (episode_length + episode_length.div_ceil(4)).min(MOST_ROUNDS);
        PlannedWorkload {
            record: WorkloadRecord {
                name: source.name.clone(),
                origin: source.origin.clone(),
                parameters: source.parameters(),
                episode_length,
                life_length: Some(life_length).filter(|&l| l > episode_length),
                digest_round,
            },
            life_length,
            talks: !spec.topology(2).is_silent(),
            is_link: spec.hop().is_some(),
            is_taped: spec.hop().is_none() && spec.has_tape(),
            source,
        }
    }

    /// Rounds that agents stop after a multiple of.
    #[must_use]
    pub fn quantum(&self) -> u64 {
        match self.record.episode_length {
            length if length <= MOST_ROUNDS => length,
            _ => 1,
        }
    }
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

impl PlannedSide {
    /// Name of its transport.
    #[must_use]
    pub fn transport_name(&self) -> &'static str {
        self.transport.of(self.form.kind).name
    }

    /// How its messages wait.
    #[must_use]
    pub fn wait(&self) -> WaitPolicy {
        self.transport.of(self.form.kind).wait
    }

    /// Its transport, where it is not what its deployment has of its own.
    #[must_use]
    pub fn not_native(&self) -> Option<&'static str> {
        let kind = self.form.kind;
        let entry = self.transport.of(kind);
        (entry != Choice::Native.of(kind)).then_some(entry.name)
    }
}

/// In what the two sides of a cell differ, so what a verdict calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// `threads`, `processes`.
    Deployment,
    /// `tape`, `ipc`: one deployment on both sides.
    Transport,
    /// `threads channel`, `processes ipc`: both may differ.
    DeploymentAndTransport,
    /// The names of their workloads.
    Workload,
}

/// Which sides of a cell stand for their deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// None: what is measured is another quantity.
    Never,
    /// Both.
    Always,
    /// Those that use the deployment's own transport, wherever the scheduler puts them.
    WhereNative,
}

/// A cell as it is planned.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedCell {
    /// Unlike that of any other cell of the plan.
    pub id: usize,
    /// Name of the study that asks.
    pub study: &'static str,
    /// The cell in words: `exploration@8 processes/threads`.
    pub label: String,
    /// Index into [`Asked::workloads`].
    pub workload: usize,
    /// The same of side X: another one where it is the workload that is compared.
    pub x_workload: usize,
    /// Number of agents.
    pub agents: usize,
    /// The baseline side.
    pub baseline: PlannedSide,
    /// The side that is compared with it.
    pub x: PlannedSide,
    /// What is compared.
    pub metric: Metric,
    /// What is known of its true ratio.
    pub role: Role,
    /// What rests on it.
    pub weight: Weight,
    /// What a verdict calls its sides.
    pub named_by: NamedBy,
    /// Which sides stand for their deployment.
    pub stands: Stands,
    /// Whether its ops are steps of agents, which can have a schedule, be repeated in long windows, and be controlled.
    pub is_of_agents: bool,
    /// Whether its windows are one piece each; others take turns with the other side's.
    pub in_one_piece: bool,
    /// The cell whose op/s plan the schedule of this one; `None` where agents begin as soon as they can.
    pub schedule_of: Option<usize>,
    /// Length of the window, seconds.
    pub window_s: f64,
    /// Least length of the warm-up, seconds.
    pub warm_up_s: f64,
    /// Wall time of one pair, seconds: an estimate, until one was measured.
    pub pair_s: f64,
    /// When it is left out.
    pub leaves: Leaves,
}

impl PlannedCell {
    /// Gives it another window and warm-up, seconds.
    pub fn time(&mut self, window_s: f64, warm_up_s: f64) -> &mut PlannedCell {
        self.pair_s -= 2.0 * (self.window_s - window_s + self.warm_up_s - warm_up_s);
        (self.window_s, self.warm_up_s) = (window_s, warm_up_s);
        self
    }

    /// Whether it is one deployment against another, in op/s.
    #[must_use]
    pub fn is_comparison(&self) -> bool {
        self.role == Role::Question && self.weight.is_comparison()
    }

    /// Index into [`Asked::workloads`] of the side that is meant.
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
