//! How long after its planned start was an op done?

use crate::record::Estimate;
use serde::{Deserialize, Serialize};

/// What a run found out about latency.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LatencyFinding {
    /// Every workload under every pair of deployments.
    pub comparisons: Vec<LatencyOf>,
}

/// Latency of one workload under two deployments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LatencyOf {
    /// Name of the workload.
    pub workload: String,
    /// Deployment of the baseline.
    pub baseline: String,
    /// Deployment compared with it.
    pub x: String,
    /// Per agent count, ascending.
    pub answers: Vec<LatencyAnswer>,
}

/// Below this share of the planned rate a deployment did not keep up. Agents end with whole episodes, so
/// the last ones are on their own for a moment: a few percent are no sign.
pub const KEPT_UP: f64 = 0.95;

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
