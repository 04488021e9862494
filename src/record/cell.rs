//! What was compared with what, and which pairs count?

use super::{Effect, Outcome, Sample, Side, Steadiness, SteadyState, Verdict};
use serde::{Deserialize, Serialize};

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

/// One cell: a workload at an agent count, X against a baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

/// Two invocations of one cell, which took turns, or ran back to back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// The run, or a process of it, stood still: stopped by a signal, frozen or suspended.
    Standstill,
    /// The two sides did not do the same work per op.
    WorkDiffers,
}

impl Cause {
    /// Whether the machine is to blame, and not the program.
    #[must_use]
    pub fn is_of_the_machine(self) -> bool {
        matches!(
            self,
            Cause::Throttled | Cause::ForeignCpu | Cause::Steal | Cause::Standstill
        )
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
            Cause::Standstill => "standstill",
            Cause::WorkDiffers => "different work",
        })
    }
}
