//! What a run leaves behind: the words that every module shares, and the JSON that is written.
//!
//! Every type here is plain data. Units are in the names (`_s` seconds, `_ns` nanoseconds,
//! `_bytes`); a ratio is always X / baseline. Terms are those of the method: *invocation*, *pair*,
//! *round*, *window*, *sample*, *cell*.
//!
//! Every type of [`Run`] derives its JSON schema for the tests, which hold it against the committed one
//! ([`schema`]): doc comments are what other programs' authors read there, too.

pub mod calibration;
pub mod checks;
pub mod comparison;
pub mod delivery;
pub mod formats;
pub mod history;
pub mod hops;
pub mod latency;
pub mod metric;
pub mod scaling;
pub mod schema;

use serde::{Deserialize, Serialize};

/// Version of the JSON's shape. Goes up when a field changes its name, place or unit.
pub const SCHEMA_VERSION: u32 = 1;

/// Version of the way of measuring. Goes up when a published number can move although the machine
/// did not change (window, statistic, workload body); records of different versions are never
/// compared.
pub const METHOD_VERSION: u32 = 2;

/// Slices of a window: a multiple of three, because first and last third are compared.
pub const SLICES: u32 = 12;

/// One run of `forkscope quick` or `forkscope run`: everything that was measured and concluded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// [`SCHEMA_VERSION`] of the program that wrote the record.
    pub schema_version: u32,
    /// [`METHOD_VERSION`] of the program that wrote the record.
    pub method_version: u32,
    /// Version of the program.
    pub forkscope_version: String,
    /// The command line as it was typed.
    pub command: String,
    /// Start of the run, UTC, RFC 3339.
    pub started: String,
    /// Wall time from start to the writing of this record, seconds.
    pub wall_s: f64,
    /// False when the run was interrupted or ran into its deadline before its plan was done.
    pub complete: bool,
    /// Why the run is not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete_reason: Option<String>,
    /// Seed of worlds, orders and coin flips.
    pub seed: u64,
    /// The margin within which two rates count as equal: 0.03 is 3 %.
    pub margin: f64,
    /// The machine as it was found before the run.
    pub machine: Machine,
    /// Set when the machine was unfit and measured all the same (`--allow-busy`): why it was unfit.
    /// Every verdict is then one of a busy machine, and labelled so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy: Option<String>,
    /// The workloads with all their parameters: enough to run them again.
    pub workloads: Vec<WorkloadRecord>,
    /// What was planned, and what had to be left out.
    pub plan: PlanRecord,
    /// Every cell with every pair, in the order of the report.
    pub cells: Vec<Cell>,
    /// What the cells of each workload say together.
    pub answers: Vec<Answer>,
    /// What matters most to whoever asked.
    #[serde(default)]
    pub priority: Priority,
    /// Mixes of processes and threads; `None` where that was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<scaling::MapAnswer>,
    /// What messages between two workers cost, and why; `None` where that was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hops: Option<hops::HopAnswers>,
    /// Polling or being woken; `None` where that was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<delivery::DeliveryAnswers>,
    /// What writing messages down costs in each format, and how much of a hop that is; `None` where that
    /// was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formats: Option<formats::FormatAnswers>,
    /// Claims and thresholds, held against the numbers; empty where none were given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<checks::CheckAnswer>,
    /// What a reader must know before believing the numbers; each names the next action.
    pub warnings: Vec<String>,
    /// Set when the headline is withheld: the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
}

impl Run {
    /// Whether the workload of this name, as in [`Cell::workload`], is a probe.
    #[must_use]
    pub fn is_probe(&self, workload: &str) -> bool {
        let mut workloads = self.workloads.iter();
        workloads.any(|w| w.name == workload && w.kind == WorkloadKind::Probe)
    }
}

/// What decides between deployments, where they differ in several things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Steps per second.
    #[default]
    Throughput,
    /// The tail: the 99th percentile from the planned start.
    Latency,
    /// Bytes per agent.
    Memory,
    /// How much a crash takes with it.
    Isolation,
    /// Time until all agents are ready.
    Startup,
}

impl std::str::FromStr for Priority {
    type Err = String;

    fn from_str(text: &str) -> Result<Priority, String> {
        let all = [
            ("throughput", Priority::Throughput),
            ("latency", Priority::Latency),
            ("memory", Priority::Memory),
            ("isolation", Priority::Isolation),
            ("startup", Priority::Startup),
        ];
        let found = all.iter().find(|(name, _)| *name == text);
        found.map(|&(_, priority)| priority).ok_or_else(|| {
            let names = all.map(|(name, _)| name).join(", ");
            format!("\"{text}\" is no priority; one of {names}")
        })
    }
}

impl Priority {
    /// How it is called in a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Priority::Throughput => "throughput",
            Priority::Latency => "latency",
            Priority::Memory => "memory",
            Priority::Isolation => "isolation",
            Priority::Startup => "start-up",
        }
    }
}

/// The machine, as far as it could be found out. `None` means unknown, never "fine".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// CPU model name.
    pub cpu_model: Option<String>,
    /// CPUs online in the system.
    pub cpus_online: usize,
    /// CPUs that the affinity mask of this process allows.
    pub cpus_allowed: usize,
    /// CPU quota of the control group in CPUs (1.5 = 150 %); `None` = no quota found.
    pub quota_cpus: Option<f64>,
    /// Effective CPUs: the smaller of affinity and quota, at least a fraction of one.
    pub cpus_effective: f64,
    /// Physical memory, bytes.
    pub memory_bytes: u64,
    /// Memory available at the start, bytes.
    pub memory_available_bytes: u64,
    /// Memory limit of the control group, bytes.
    pub memory_limit_bytes: Option<u64>,
    /// Swap in use, bytes.
    pub swap_used_bytes: u64,
    /// Kernel release.
    pub kernel: Option<String>,
    /// Operating system's name and version.
    pub os: Option<String>,
    /// Hypervisor or container hint, where one shows.
    pub virtualization: Option<String>,
    /// Scaling governor of the allowed CPUs.
    pub governor: Option<String>,
    /// Whether frequency boost is on.
    pub turbo: Option<bool>,
    /// The kernel's clock source.
    pub clock_source: Option<String>,
    /// Transparent huge pages: always, madvise or never.
    pub transparent_huge_pages: Option<String>,
    /// NUMA nodes online.
    pub numa_nodes: Option<usize>,
    /// Soft limit of open files when the program started (it raises it to the hard limit).
    pub nofile_soft: Option<u64>,
    /// Hard limit of open files.
    pub nofile_hard: Option<u64>,
    /// Limit of processes and threads of this user.
    pub nproc: Option<u64>,
    /// Tasks that the control group allows.
    pub pids_max: Option<u64>,
    /// Tasks in the control group now.
    pub pids_current: Option<u64>,
    /// Free bytes in /dev/shm.
    pub shm_free_bytes: Option<u64>,
    /// Times the control group was throttled before the run.
    pub throttled: Option<u64>,
    /// Share of the effective CPUs that other programs used in the look before the run, 0 to 1.
    pub foreign_cpu: Option<f64>,
    /// Share of CPU time that the hypervisor took in the look before the run, 0 to 1.
    pub steal: Option<f64>,
    /// How far the pace of the CPUs varied in the look before the run, while nothing but a fixed work
    /// ran: (90th − 10th percentile) / median of the work done in 5 ms. Neighbours on the same cores
    /// and changing frequencies show here, and nowhere else.
    #[serde(default)]
    pub pace_spread: Option<f64>,
    /// Share of the look before the run in which some task waited for a CPU (pressure stall
    /// information), 0 to 1. Only while forkscope is idle: its own agents wait, too.
    pub cpu_pressure: Option<f64>,
    /// Vector instructions that the agent's kernels use: avx512, avx2+fma or baseline.
    pub vectors: Option<String>,
    /// Cost of one read of the clock that times ops, nanoseconds.
    pub clock_read_ns: Option<f64>,
}

/// A workload as it was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WorkloadRecord {
    /// Name, as in [`Cell::workload`].
    pub name: String,
    /// Where its parameters came from.
    pub origin: String,
    /// The parameters: the text of the file.
    pub toml: String,
    /// Rounds of an episode.
    pub episode_length: u64,
    /// Rounds that the digest covers.
    pub digest_round: u64,
    /// What kind of workload it is.
    #[serde(default, skip_serializing_if = "WorkloadKind::is_agents")]
    pub kind: WorkloadKind,
}

/// What a workload's ops are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum WorkloadKind {
    /// Steps of active-inference agents: what people choose a deployment for.
    #[default]
    Agents,
    /// One operation of the kernel: it explains a difference, and nobody chooses by it.
    Probe,
    /// A body written down, read, or both.
    Format,
    /// One message between two workers.
    Hop,
    /// Agents that only pass messages on: they show how far a deployment carries.
    Relay,
}

impl WorkloadKind {
    /// Whether its ops are steps of agents.
    #[must_use]
    pub fn is_agents(&self) -> bool {
        *self == WorkloadKind::Agents
    }
}

/// The plan of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PlanRecord {
    /// Budget of wall time, seconds.
    pub budget_s: f64,
    /// Most pairs that a compared cell ran, the dropped ones included.
    pub pairs_per_cell: usize,
    /// How a run that looks before all pairs are in looks; `None` where nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<Looks>,
    /// Cells and controls that did not fit the budget, in words.
    pub left_out: Vec<String>,
    /// The order in which invocations ran: `round`, index of the cell in `cells`, first side.
    pub order: Vec<OrderEntry>,
}

/// How a run looks at its comparisons before all pairs are in: after every two pairs from the sixth on, and
/// stops those that have a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Looks {
    /// Most pairs of a comparison.
    pub most_pairs: usize,
    /// Factor by which its intervals are widened, so that looking often finds nothing that is not there.
    pub widened_by: f64,
}

/// One pair's place in the order of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OrderEntry {
    /// Round, from 0.
    pub round: u32,
    /// Index into [`Run::cells`].
    pub cell: usize,
    /// Which side ran first.
    pub first: Side,
}

/// The two sides of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What is compared against: `threads`, unless the cell is a control.
    Baseline,
    /// What is compared.
    X,
}

/// Why a cell is measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Purpose {
    /// The question itself: deployment X against `threads`.
    Compare,
    /// A control: both sides are the same deployment; the truth is 1.
    Null,
    /// A control: side X does uncounted extra work; the truth is `asked`.
    KnownEffect {
        /// The true ratio X / baseline.
        asked: f64,
    },
    /// Price of messages: side X exchanges messages, the baseline replays the same messages from a
    /// tape of its own, so that both compute the same beliefs.
    MessageCost,
    /// Messages between two workers and nothing else: the sides differ in transport or deployment.
    Hop,
    /// One deployment on both sides: the sides differ in the parameters of what is run.
    Variant,
    /// As [`Purpose::Compare`], in a window that is eight times as long: do short windows tell the truth?
    LongWindow,
    /// As [`Purpose::Compare`], on an open schedule: how long after its planned start is an op done?
    Latency,
}

/// CPUs of workers, of those that the program may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Pinning {
    /// Where the scheduler puts them.
    #[default]
    Free,
    /// All on the first one.
    OneCpu,
    /// Each on one of its own: worker w on the CPU of number w, and around again.
    OwnCpus,
}

impl Pinning {
    /// Whether nothing is pinned.
    #[must_use]
    pub fn is_free(&self) -> bool {
        *self == Pinning::Free
    }

    /// CPUs that are needed for it to mean anything.
    #[must_use]
    pub fn needs(self) -> usize {
        match self {
            Pinning::Free | Pinning::OneCpu => 1,
            Pinning::OwnCpus => 2,
        }
    }
}

impl Purpose {
    /// The true ratio X / baseline of a control; `None` where the truth is not known.
    #[must_use]
    pub fn asked(self) -> Option<f64> {
        match self {
            Purpose::Null => Some(1.0),
            Purpose::KnownEffect { asked } => Some(asked),
            Purpose::Compare
            | Purpose::MessageCost
            | Purpose::Hop
            | Purpose::Variant
            | Purpose::LongWindow
            | Purpose::Latency => None,
        }
    }
}

/// Records of method 1 have windows in one piece.
fn one_turn() -> u32 {
    1
}

/// One cell: a workload at an agent count, X against a baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Name of the workload.
    pub workload: String,
    /// Name of the workload of side X, where it is the workload that is compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x_workload: Option<String>,
    /// Number of agents.
    pub agents: usize,
    /// Deployment of the baseline side, as asked for (`threads`, `threads:cores`).
    pub baseline: String,
    /// Deployment of side X.
    pub x: String,
    /// Transport of the baseline side's messages (`none` where the workload sends none).
    pub baseline_transport: String,
    /// Transport of side X's messages.
    pub x_transport: String,
    /// Why the cell is measured.
    pub purpose: Purpose,
    /// On which CPUs the workers of both sides run.
    #[serde(default, skip_serializing_if = "Pinning::is_free")]
    pub cpus: Pinning,
    /// Ops that are planned a second, all agents together, on an open schedule: 70 % of what the slower
    /// side of the same comparison did. `None` where agents begin as soon as they can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_per_s: Option<f64>,
    /// Length of the window of every invocation, seconds; it ends with whole episodes.
    pub window_s: f64,
    /// Digest that every invocation of the cell must give, once one has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// All pairs, also the dropped ones, in the order in which they ran.
    pub pairs: Vec<Pair>,
    /// Whether the baseline's rate moved within its windows; `None` with fewer than six pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_steadiness: Option<Steadiness>,
    /// Whether the rate of X moved within its windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x_steadiness: Option<Steadiness>,
    /// Effect on op/s, from the pairs that were kept; `None` with fewer than six. Of cells that are about
    /// latency: on the 99th percentile of it, and of messages at planned moments on their mean delay, so above 1
    /// side X takes longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// What the effect means.
    pub verdict: Verdict,
}

impl Cell {
    /// The pairs that count: both sides measured, none dropped.
    pub fn kept(&self) -> impl Iterator<Item = (&Pair, &Sample, &Sample)> {
        self.pairs
            .iter()
            .filter(|p| p.dropped.is_none())
            .filter_map(|p| match (&p.baseline, &p.x) {
                (Outcome::Measured(b), Outcome::Measured(x)) => Some((p, b.as_ref(), x.as_ref())),
                _ => None,
            })
    }

    /// Whether neither side's rate moved within its windows, as far as that was judged.
    #[must_use]
    pub fn is_steady(&self) -> bool {
        [self.baseline_steadiness, self.x_steadiness]
            .into_iter()
            .flatten()
            .all(|s| s.state == SteadyState::Steady)
    }
}

/// Two invocations of one cell, back to back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// Round in which the pair ran, from 0.
    pub round: u32,
    /// Which side ran first.
    pub first: Side,
    /// Outcome of the baseline side.
    pub baseline: Outcome,
    /// Outcome of side X.
    pub x: Outcome,
    /// Set when the pair does not count: the recorded cause. Never its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<Dropped>,
}

/// Why a pair does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Dropped {
    /// What kind of cause it is.
    pub cause: Cause,
    /// The cause with its figures, as the end of a sentence.
    pub detail: String,
}

/// Causes for which a pair is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// An invocation failed.
    Failed,
    /// The same seed did not give the same beliefs.
    DigestDiffers,
    /// The CPU quota of the control group stopped it.
    Throttled,
    /// Other programs used the CPUs.
    ForeignCpu,
    /// The hypervisor took the CPUs.
    Steal,
    /// The two sides did not do the same work per op.
    WorkDiffers,
}

impl Cause {
    /// Whether the machine is to blame, and not the program.
    #[must_use]
    pub fn is_of_the_machine(self) -> bool {
        matches!(self, Cause::Throttled | Cause::ForeignCpu | Cause::Steal)
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Cause::Failed => "failed",
            Cause::DigestDiffers => "different digest",
            Cause::Throttled => "throttled",
            Cause::ForeignCpu => "foreign CPU",
            Cause::Steal => "steal",
            Cause::WorkDiffers => "different work",
        })
    }
}

/// What became of one invocation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was measured.
    Measured(Box<Sample>),
    /// It failed, with the cause.
    Failed(Failure),
}

/// Why an invocation gave no sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The phase in which it happened.
    pub phase: Phase,
    /// First agent of the worker that failed, where a worker did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<usize>,
    /// Signal that ended the worker (`SIGKILL`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// What happened, and what can be done about it.
    pub message: String,
}

/// The phases of an invocation, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Starting the host and reading its task.
    Start,
    /// Starting workers, building agents, connecting them, until all are ready.
    Setup,
    /// Running until the digest round and the warm-up time are reached.
    WarmUp,
    /// The measured part.
    Window,
    /// Cooperative stop: ops in flight are finished.
    Stop,
    /// Handing over results and reading memory.
    Collect,
    /// Checking digests, messages and conservation.
    Check,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Phase::Start => "start",
            Phase::Setup => "setup",
            Phase::WarmUp => "warm-up",
            Phase::Window => "window",
            Phase::Stop => "stop",
            Phase::Collect => "collect",
            Phase::Check => "check",
        })
    }
}

/// What one invocation yields: one number per metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Worker processes (0 when the workers are threads of the host).
    pub processes: usize,
    /// Worker threads in all.
    pub workers: usize,
    /// Ops counted in the window; an op in flight at the stop is finished and counted.
    pub ops: u64,
    /// From the opening of the gate to the end of the last op, seconds; the sum over the turns.
    pub span_s: f64,
    /// Turns that the window was cut into; between them the other side of the pair had its own.
    #[serde(default = "one_turn")]
    pub turns: u32,
    /// ops / span_s.
    pub ops_per_s: f64,
    /// Time from the first spawn call until all agents were ready, seconds.
    pub setup_s: f64,
    /// Warm-up, seconds.
    pub warm_up_s: f64,
    /// Service time of ops; nothing is timed (`timed` is 0) where latency is.
    pub service: ServiceTime,
    /// Latency of ops, where they had a planned start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<latency::Latency>,
    /// CPU time of host and workers in the window, seconds.
    pub cpu_s: f64,
    /// CPU time per op as the worker threads themselves measured it, nanoseconds.
    pub cpu_per_op_ns: f64,
    /// Voluntary context switches of all tasks in the window.
    pub voluntary_switches: u64,
    /// Involuntary context switches of all tasks in the window.
    pub involuntary_switches: u64,
    /// Memory while the workers were parked after the window.
    pub memory: Memory,
    /// Messages sent by agents in the window.
    pub messages_sent: u64,
    /// Messages taken in by agents in the window.
    pub messages_received: u64,
    /// Payload bytes sent in the window.
    pub bytes_sent: u64,
    /// Payload bytes taken in in the window.
    pub bytes_received: u64,
    /// Looks for messages of a receiver that polls, which found none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wasted_polls: Option<u64>,
    /// Joint states that an agent evaluated in the window, per op, mean over agents: the work counter.
    pub active_states_per_op: f64,
    /// Digest of all agents' beliefs and actions at the digest round, 16 hex digits.
    pub digest: String,
    /// Op/s in equal slices of the window, for steadiness; slices are never samples.
    pub slices_ops_per_s: Vec<f64>,
    /// Share of the effective CPUs that other programs used in the window, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign_cpu: Option<f64>,
    /// Share of CPU time that the hypervisor took in the window, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steal: Option<f64>,
    /// Times the control group was throttled in the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled: Option<u64>,
    /// Interrupts from one CPU to another in the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupts: Option<Interrupts>,
}

/// Interrupts that CPUs sent to each other, in the whole system: the kernel does not say on whose
/// behalf. `None` where this machine has no such count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Interrupts {
    /// Requests to forget translations of addresses (x86). On x86 each comes by a function call, so
    /// it is counted there, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tlb_shootdowns: Option<u64>,
    /// Requests to run a function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_calls: Option<u64>,
    /// Requests to look for something else to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reschedules: Option<u64>,
}

impl Interrupts {
    /// Interrupts in all: function calls (shootdowns are among them) and reschedules. `None` when
    /// neither is counted here.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        let counts = [self.function_calls, self.reschedules];
        counts.into_iter().flatten().reduce(|a, b| a + b)
    }
}

/// Service time: from the moment an agent could begin an op until it had acted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ServiceTime {
    /// Mean, nanoseconds.
    #[serde(default)]
    pub mean_ns: f64,
    /// Median, nanoseconds.
    pub p50_ns: f64,
    /// 95th percentile, nanoseconds.
    pub p95_ns: f64,
    /// 99th percentile, nanoseconds.
    pub p99_ns: f64,
    /// 99.9th percentile, nanoseconds.
    #[serde(default)]
    pub p999_ns: f64,
    /// Ops that were timed.
    pub timed: u64,
    /// One op in so many was timed, so that timing costs below 1 % of an op.
    pub stride: u32,
}

/// Memory of a tree of processes, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Proportional set size: shared pages are divided among their users.
    pub pss_bytes: u64,
    /// Unique set size: pages that nobody else maps.
    pub uss_bytes: u64,
    /// Page tables (VmPTE).
    pub page_table_bytes: u64,
    /// Kernel stacks: 16 KiB a task.
    pub kernel_stack_bytes: u64,
    /// pss + page tables + kernel stacks: what the memory slope is fitted to.
    pub total_bytes: u64,
    /// Live heap bytes by the counting allocator, all processes.
    pub live_heap_bytes: u64,
    /// Tasks (threads of all processes).
    pub tasks: u64,
}

/// How the rate of one side moved within its windows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Steadiness {
    /// What that means.
    pub state: SteadyState,
    /// Rate of the last third of a window / rate of the first third, mean over invocations.
    pub change: Estimate,
    /// Median over invocations of how far the two thirds are apart, in either direction, as a share:
    /// 0.05 is 5 %.
    pub swing: f64,
}

/// Whether windows look the same from beginning to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SteadyState {
    /// No change that matters.
    Steady,
    /// The rate rises within windows, with certainty.
    Warming,
    /// The rate falls within windows, with certainty.
    Slowing,
    /// Windows change by much, in either direction.
    Unsteady,
}

impl std::fmt::Display for SteadyState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SteadyState::Steady => "steady",
            SteadyState::Warming => "warming",
            SteadyState::Slowing => "slowing",
            SteadyState::Unsteady => "unsteady",
        })
    }
}

/// Paired effect of X against the baseline on one metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// Pairs that count.
    pub pairs: usize,
    /// X / baseline.
    pub ratio: f64,
    /// Lower end of the interval of the ratio.
    pub low: f64,
    /// Upper end of the interval of the ratio.
    pub high: f64,
    /// Standard error of ln(ratio).
    pub standard_error: f64,
    /// Standard deviation of a pair's ln difference after the order effect is taken out.
    pub pair_sd: f64,
    /// Half the ln difference between "X ran second" and "X ran first": what a side gains by running
    /// second, ln units.
    pub order_effect: f64,
    /// Pairs that would settle the cell at this noise, for the margin of the run.
    pub pairs_needed: usize,
}

/// What an interval means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// The named deployment is ahead by more than the margin.
    Ahead {
        /// Label of the deployment, as in [`Cell::baseline`] or [`Cell::x`].
        deployment: String,
    },
    /// The two are equal within the margin, with certainty.
    Tie,
    /// The interval does not settle it.
    Inconclusive,
    /// Fewer than six pairs count.
    NotMeasured {
        /// Why.
        reason: String,
    },
}

/// A number with an interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// Best value.
    pub value: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
}

/// What the cells of one workload and one deployment X say together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Name of the workload.
    pub workload: String,
    /// Deployment of the baseline.
    pub baseline: String,
    /// Deployment compared with it.
    pub x: String,
    /// The crossover in words: "tie up to 2 agents, threads from 4 on".
    pub crossover: String,
    /// One sentence a person can act on.
    pub recommendation: String,
    /// All things weighed by [`Run::priority`]: what to take, and what would change it.
    #[serde(default)]
    pub weighed: String,
    /// Memory of the baseline: fixed cost and slope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_memory: Option<MemoryFit>,
    /// Memory of X.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x_memory: Option<MemoryFit>,
    /// Setup time and break-even per agent count.
    pub setup: Vec<SetupAnswer>,
    /// Overhead per message, where messages were priced.
    pub messages: Vec<MessageAnswer>,
    /// Op/s and efficiency against the number of agents: the baseline, then X.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scaling: Vec<scaling::ScalingAnswer>,
    /// Whether long windows say the same; `None` where that was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_window: Option<scaling::LongWindowAnswer>,
    /// Latency from planned starts, per agent count; empty where it was not asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latency: Vec<latency::LatencyAnswer>,
    /// What another transport would make of it, in sentences; empty where only one was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub what_if: Vec<String>,
}

/// Total bytes against agent count, fitted by a line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MemoryFit {
    /// Bytes per agent: the slope.
    pub per_agent_bytes: Estimate,
    /// Fixed cost: the intercept, bytes.
    pub fixed_bytes: Estimate,
    /// Live heap bytes per agent by the counting allocator: the slope.
    pub live_heap_per_agent_bytes: Estimate,
}

/// Setup at one agent count, and when it has paid for itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SetupAnswer {
    /// Number of agents.
    pub agents: usize,
    /// Median setup time of the baseline, seconds.
    pub baseline_s: f64,
    /// Median setup time of X, seconds.
    pub x_s: f64,
    /// Lifetime of the deployment after which the one that is slower to start, but faster after,
    /// has caught up, seconds; `None` when the same one is ahead in both or the cell is not settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_even_s: Option<f64>,
    /// The same as ops of all agents together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_even_ops: Option<f64>,
}

/// Price of messages at one agent count under one deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MessageAnswer {
    /// Number of agents.
    pub agents: usize,
    /// Deployment that exchanged the messages.
    pub deployment: String,
    /// Transport that carried them.
    pub transport: String,
    /// Op/s with messages, median over pairs.
    #[serde(default)]
    pub ops_per_s: f64,
    /// Op/s with messages: geometric mean over invocations with its 95 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ops_per_s_level: Option<Estimate>,
    /// Messages per op.
    pub messages_per_op: f64,
    /// (CPU-capacity time per op with messages − the same with the tape) / messages, nanoseconds.
    pub overhead_per_message_ns: Estimate,
    /// Share of an op's time that messages cost, 0 to 1.
    pub share_of_op: Estimate,
}

/// How far a run is: what the coordinator says between pairs, never inside a window. Not part of the
/// JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Pairs that have run.
    pub pairs_done: usize,
    /// Pairs that the plan holds, the done ones included.
    pub pairs_planned: usize,
    /// The cell that runs next, in words: `coordination, 8 agents, processes`.
    pub cell: String,
    /// Time until the run will have ended, seconds, as far as it can be said.
    pub seconds_left: f64,
}
