//! What did one invocation yield?

use super::latency::Latency;
use serde::{Deserialize, Serialize};

/// Records of method 1 have windows in one piece.
fn one_turn() -> u32 {
    1
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
    pub latency: Option<Latency>,
    /// CPU time of host and workers in the window, seconds.
    pub cpu_s: f64,
    /// CPU time per op as the worker threads themselves measured it, nanoseconds.
    pub cpu_per_op_ns: f64,
    /// Voluntary context switches of all tasks in the window.
    pub voluntary_switches: u64,
    /// Involuntary context switches of all tasks in the window.
    pub involuntary_switches: u64,
    /// Memory while the workers were parked after the window; `None` where the kernel does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
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
    /// How long at least host or workers stood still between setup and hand-over, seconds: stopped by a signal, frozen
    /// or suspended. `None` when nothing of that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stood_still_s: Option<f64>,
    /// Interrupts from one CPU to another in the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupts: Option<Interrupts>,
}

/// Interrupts that CPUs sent to each other, in the whole system: the kernel does not say on whose
/// behalf. `None` where this machine has no such count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
