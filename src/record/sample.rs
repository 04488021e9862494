//! What did one invocation yield?

use crate::metric::Metric;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

/// What one invocation yields: fixed facts, and one number per metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Sample {
    /// Worker processes (0 when the workers are threads of the host).
    pub processes: usize,
    /// Worker threads in all.
    pub workers: usize,
    /// Ops counted in the window; an op in flight at the stop is finished and counted.
    pub ops: u64,
    /// From its opening to the end of the last op, seconds; the sum over the turns.
    pub span_s: f64,
    /// Turns that the window was cut into; between them the other side of the pair had its own.
    pub turns: u32,
    /// Every number by the id of its metric ([`crate::metric`]).
    pub values: BTreeMap<String, f64>,
    /// Memory while the workers were parked after the window; `None` where the kernel does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
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
}

impl Sample {
    /// A number, in the unit of its id; `None` where this invocation does not have it.
    #[must_use]
    pub fn get(&self, metric: Metric) -> Option<f64> {
        self.values.get(metric.id()).copied()
    }

    /// The same, where every invocation has it; NaN where this one does not.
    #[must_use]
    pub fn value(&self, metric: Metric) -> f64 {
        self.get(metric).unwrap_or(f64::NAN)
    }

    /// Ops per second.
    #[must_use]
    pub fn ops_per_s(&self) -> f64 {
        self.value(Metric::OPS_PER_S)
    }

    /// Sets a number.
    pub fn set(&mut self, metric: Metric, value: f64) {
        self.values.insert(metric.id().to_owned(), value);
    }

    /// The same sample with a number set.
    #[must_use]
    pub fn with(mut self, metric: Metric, value: f64) -> Sample {
        self.set(metric, value);
        self
    }
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
