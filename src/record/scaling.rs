//! What do more agents, and longer windows, make of op/s?

use super::Estimate;
use serde::{Deserialize, Serialize};

/// One deployment's op/s against the number of agents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ScalingAnswer {
    /// The deployment.
    pub deployment: String,
    /// A point per agent count, ascending.
    pub points: Vec<ScalingPoint>,
    /// Universal Scalability Law, fitted to the points with no more agents than CPUs; `None` with fewer
    /// than four of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usl: Option<Usl>,
}

/// Op/s at one agent count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ScalingPoint {
    /// Number of agents.
    pub agents: usize,
    /// Op/s of all agents together, median over invocations.
    pub ops_per_s: f64,
    /// Op/s / (op/s of one agent × what can run at once: the smaller of agents and effective CPUs). 1 is
    /// all that the CPUs can do; `None` where one agent was not measured, or where an op is another amount of
    /// work with so many agents than with one (their worlds differ).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub efficiency: Option<f64>,
}

/// X(n) = λ n / (1 + σ (n − 1) + κ n (n − 1)).
///
/// Source: Gunther, Guerrilla Capacity Planning, 2007.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Usl {
    /// Op/s of one agent.
    pub lambda: f64,
    /// Contention: the share of an op that only one agent can do at a time. At least 0.
    pub sigma: Estimate,
    /// Coherency: what each pair of agents costs. At least 0.
    pub kappa: Estimate,
    /// Agents at which op/s are highest; `None` where they only grow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_agents: Option<f64>,
}

/// The same comparison in short and in long windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LongWindowAnswer {
    /// Number of agents.
    pub agents: usize,
    /// The short window, seconds.
    pub short_s: f64,
    /// The long window, seconds.
    pub long_s: f64,
    /// X / baseline in the short one.
    pub short: Estimate,
    /// X / baseline in the long one.
    pub long: Estimate,
    /// Long / short: 1 where the window does not matter.
    pub change: Estimate,
    /// What that means.
    pub sentence: String,
}

/// Mixes of processes and threads, all against the same baseline at one agent count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MapAnswer {
    /// Name of the workload.
    pub workload: String,
    /// Number of agents.
    pub agents: usize,
    /// The baseline.
    pub baseline: String,
    /// Every mix that was measured.
    pub points: Vec<MapPoint>,
    /// Label of the best one, the baseline included.
    pub best: String,
    /// What the map says.
    pub sentence: String,
}

/// One mix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MapPoint {
    /// Label of the deployment.
    pub deployment: String,
    /// Processes; 0 where the workers are threads of the host.
    pub processes: usize,
    /// Threads in each process, or of the host.
    pub threads_each: usize,
    /// Op/s, median.
    pub ops_per_s: f64,
    /// Op/s / those of the baseline; `None` with fewer than six pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<Estimate>,
    /// Whether it cannot be told from the best one.
    pub is_among_best: bool,
}
