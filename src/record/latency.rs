//! How long after its planned start was an op done?

use super::Estimate;
use serde::{Deserialize, Serialize};

/// Latency of one invocation's ops: completion − planned start, on a schedule that does not wait for
/// anybody. An op that begins late because the one before it was slow is charged for that.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Latency {
    /// Ops that were planned a second, all agents together.
    pub planned_per_s: f64,
    /// Ops that were done a second, from the first planned start to the last completion. Well below
    /// `planned_per_s` the deployment did not keep up, and latency grew for as long as the window lasted.
    pub done_per_s: f64,
    /// Ops that were timed: all of them.
    pub timed: u64,
    /// Mean, nanoseconds.
    pub mean_ns: f64,
    /// Median, nanoseconds.
    pub p50_ns: f64,
    /// 95th percentile, nanoseconds.
    pub p95_ns: f64,
    /// 99th percentile, nanoseconds; `None` with fewer than 1,000 ops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ns: Option<f64>,
    /// 99.9th percentile, nanoseconds; `None` with fewer than 10,000 ops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p999_ns: Option<f64>,
}

/// Below this share of the planned rate a deployment did not keep up. Agents end with whole episodes, so
/// the last ones are on their own for a moment: a few percent are no sign.
pub const KEPT_UP: f64 = 0.95;

impl Latency {
    /// Whether ops were done as fast as they were planned, 5 % apart at most.
    #[must_use]
    pub fn has_kept_up(&self) -> bool {
        self.done_per_s >= KEPT_UP * self.planned_per_s
    }
}

/// Latency at one agent count: geometric means over pairs, and ratios with their intervals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LatencyAnswer {
    /// Number of agents.
    pub agents: usize,
    /// Ops that were planned a second, all agents together: 70 % of what the slower deployment did in the first pairs
    /// of the comparison without a schedule.
    pub planned_per_s: f64,
    /// Which share that is of what the slower deployment did in all of them: the median of its op/s. `None` where
    /// none count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<f64>,
    /// Median service time of a step without a schedule, nanoseconds, of the deployment in which it is longer: what of
    /// the latency is neither waking up nor waiting for a CPU. Of agents that talk it holds the wait for neighbours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_ns: Option<f64>,
    /// Pairs that count.
    pub pairs: usize,
    /// The baseline's, nanoseconds.
    pub baseline: LatencySide,
    /// That of X.
    pub x: LatencySide,
    /// Median of X / median of the baseline: above 1, X takes longer. `None` with fewer than six pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50: Option<Estimate>,
    /// The same of the 99th percentile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99: Option<Estimate>,
    /// What that means, in a sentence.
    pub sentence: String,
}

/// One deployment's latency, geometric means over its invocations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LatencySide {
    /// Median, nanoseconds.
    pub p50_ns: f64,
    /// 99th percentile, nanoseconds; `None` where an invocation had too few ops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ns: Option<f64>,
    /// 99.9th percentile, nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p999_ns: Option<f64>,
    /// Invocations that did not keep up with the plan.
    pub fell_behind: usize,
}
