//! What was concluded from the pairs of a cell?

#[cfg(doc)]
use super::{Cell, Run};
use serde::{Deserialize, Serialize};

/// How the rate of one side moved within its windows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

#[cfg(test)]
impl Effect {
    /// Of six pairs, in the middle of an interval.
    pub(crate) fn between(low: f64, high: f64) -> Effect {
        Effect {
            pairs: 6,
            ratio: (low * high).sqrt(),
            low,
            high,
            standard_error: 0.01,
            pair_sd: 0.02,
            order_effect: 0.0,
            pairs_needed: 6,
        }
    }
}

/// What an interval means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    #[default]
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
pub struct Estimate {
    /// Best value.
    pub value: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
}

/// What the comparisons of one workload and one deployment X say together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Answer {
    /// Name of the workload.
    pub workload: String,
    /// Deployment of the baseline.
    pub baseline: String,
    /// Deployment compared with it.
    pub x: String,
    /// The crossover in words: "tie up to 2 agents, threads from 4 on".
    pub crossover: String,
    /// Memory of the baseline: fixed cost and slope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_memory: Option<MemoryFit>,
    /// Memory of X.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x_memory: Option<MemoryFit>,
    /// Setup time and break-even per agent count.
    pub setup: Vec<SetupAnswer>,
}

/// What is advised for one workload, and why. Nothing else in a record advises.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Decision {
    /// Name of the workload.
    pub workload: String,
    /// Baseline of the comparison that everybody asks about.
    pub baseline: String,
    /// What is compared with it.
    pub x: String,
    /// The crossover of these two in words.
    pub crossover: String,
    /// What to take and why.
    pub advice: String,
    /// What else speaks for it, the best of the other deployments, what would change it and what is open; a sentence
    /// each.
    pub beside: Vec<String>,
    /// The other comparisons of this workload, in the order of the record.
    pub others: Vec<OtherDeployment>,
}

/// Another comparison of the same workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OtherDeployment {
    /// Deployment of the baseline.
    pub baseline: String,
    /// Deployment compared with it.
    pub x: String,
    /// The crossover in words.
    pub crossover: String,
    /// The largest agent count that is settled, or else that has an interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<usize>,
    /// X / baseline on op/s there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

/// What a study found of two deployments besides op/s, by which they are weighed. Not part of the JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// In which respect: less of it is better.
    pub of: super::Priority,
    /// Name of the workload.
    pub workload: String,
    /// Deployment of the baseline.
    pub baseline: String,
    /// Deployment compared with it.
    pub x: String,
    /// Number of agents.
    pub agents: usize,
    /// X / baseline; `None` where it has no interval.
    pub ratio: Option<Estimate>,
    /// The baseline's value and that of X, nanoseconds.
    pub values_ns: [Option<f64>; 2],
    /// Under what it holds: `69 % load`.
    pub under: String,
}

/// Total bytes against agent count, fitted by a line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
