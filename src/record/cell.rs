//! What was compared with what, and which pairs count?

use super::{Effect, Outcome, Sample, Side, Steadiness, SteadyState, Verdict};
use serde::{Deserialize, Serialize};

/// Why a cell is measured: what is known of its true ratio X / baseline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A question: nobody knows.
    #[default]
    Question,
    /// A control: both sides are the same; the truth is 1.
    Null,
    /// A control: side X does uncounted extra work; the truth is this ratio.
    Known(f64),
}

impl Role {
    /// The true ratio X / baseline of a control; `None` where the truth is not known.
    #[must_use]
    pub fn truth(self) -> Option<f64> {
        match self {
            Role::Null => Some(1.0),
            Role::Known(ratio) => Some(ratio),
            Role::Question => None,
        }
    }

    /// Whether it is a control.
    #[must_use]
    pub fn is_control(self) -> bool {
        self.truth().is_some()
    }
}

/// What rests on a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// One deployment against another, in op/s: the headline, gates and `trend`. A run that looks before all pairs
    /// are in looks at these.
    #[default]
    Headline,
    /// The same, but it only explains, and nobody chooses by it: gates and `trend` know it, the headline does not.
    Explaining,
    /// A question of its own.
    Beside,
    /// It serves another cell, or is another quantity than that: `compare` leaves it out.
    Supporting,
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

impl Weight {
    /// Whether it is one deployment against another, in op/s.
    #[must_use]
    pub fn is_comparison(self) -> bool {
        matches!(self, Weight::Headline | Weight::Explaining)
    }
}

/// One side of a cell: what runs there, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Arm {
    /// What it is called in a verdict: that in which the two sides differ.
    pub label: String,
    /// Name of the workload, as in [`super::WorkloadRecord::name`].
    pub workload: String,
    /// Deployment, as asked for (`threads`, `threads:cores`).
    pub deployment: String,
    /// Transport of messages: `none` where the workload sends none, `tape` where they are replayed, `call` where both
    /// ends are one worker.
    pub transport: String,
    /// Whether it stands for its deployment: what is held against gates' files, thresholds and claims.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stands: bool,
}

#[cfg(test)]
impl Arm {
    /// A side that is called what its deployment is called.
    pub(crate) fn of(workload: &str, deployment: &str, transport: &str) -> Arm {
        Arm {
            label: deployment.to_owned(),
            workload: workload.to_owned(),
            deployment: deployment.to_owned(),
            transport: transport.to_owned(),
            stands: true,
        }
    }
}

impl std::fmt::Display for Arm {
    /// Its deployment.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.deployment)
    }
}

/// One cell: a workload at an agent count, X against a baseline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cell {
    /// Name of the study that asked for it.
    pub study: String,
    /// What is compared: the id of a metric ([`crate::metric`]).
    pub metric: String,
    /// Why it is measured.
    pub role: Role,
    /// What rests on it.
    pub weight: Weight,
    /// Number of agents.
    pub agents: usize,
    /// The side that is compared against.
    pub baseline: Arm,
    /// The side that is compared.
    pub x: Arm,
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
    /// X / baseline in the cell's metric, from the pairs that were kept; `None` with fewer than six.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// What the effect means.
    pub verdict: Verdict,
}

impl Cell {
    /// The side that is meant.
    #[must_use]
    pub fn arm(&self, side: Side) -> &Arm {
        match side {
            Side::Baseline => &self.baseline,
            Side::X => &self.x,
        }
    }

    /// Whether it is one deployment against another, in op/s.
    #[must_use]
    pub fn is_comparison(&self) -> bool {
        self.role == Role::Question && self.weight.is_comparison()
    }

    /// The samples of one side that count.
    pub fn samples(&self, side: Side) -> impl Iterator<Item = &Sample> {
        self.kept().map(move |(_, baseline, x)| match side {
            Side::Baseline => baseline,
            Side::X => x,
        })
    }

    /// What the metric of this cell is in a sample; NaN where the sample does not have it.
    #[must_use]
    pub fn value(&self, sample: &Sample) -> f64 {
        sample.values.get(&self.metric).copied().unwrap_or(f64::NAN)
    }

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
