//! What changed from one run to another: the words of `forkscope compare`.

use super::{Estimate, Weight};
use crate::metric::Metric;
use serde::{Deserialize, Serialize};

/// Two runs, cell by cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Version of the way of measuring, of both.
    pub method_version: u32,
    /// The earlier run.
    pub old: ComparedRun,
    /// The later run.
    pub new: ComparedRun,
    /// What stands before every verdict, because it may mislead: `busy machine (new)`; empty where
    /// nothing does.
    pub labels: Vec<String>,
    /// Settings of the machine, and the build of the program, that differ: a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<String>,
    /// Changes up to which things count as unchanged, shares.
    pub tolerances: Tolerances,
    /// Cells that both hold.
    pub cells: Vec<ComparedCell>,
    /// Cells of both that are not of the same work.
    pub refused: Vec<RefusedCell>,
    /// Cells that only the earlier run holds.
    pub only_old: Vec<String>,
    /// Cells that only the later run holds.
    pub only_new: Vec<String>,
    /// Lines that got worse, with certainty.
    pub regressions: usize,
    /// Lines that are not settled: inconclusive, or not measured on one side.
    pub open: usize,
    /// The whole in a sentence.
    pub sentence: String,
}

/// Changes up to which things count as unchanged: 0.15 is 15 %, in either direction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerances {
    /// Of op/s, and of the ratio X / baseline.
    pub throughput: f64,
    /// Of service times.
    pub latency: f64,
    /// Of setup.
    pub setup: f64,
    /// Of memory per agent.
    pub memory: f64,
}

/// Which run is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparedRun {
    /// Its start.
    pub started: String,
    /// Its command line.
    pub command: String,
    /// The program that measured it.
    pub forkscope_version: String,
    /// What its machine is: CPU, effective CPUs, kernel, vectors.
    pub machine: Vec<String>,
    /// Why its headline is withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
    /// Why its machine was busy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy: Option<String>,
    /// Why it is not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
}

/// One cell in both runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparedCell {
    /// Name of the workload.
    pub workload: String,
    /// Number of agents.
    pub agents: usize,
    /// Name of the study that it is of.
    pub study: String,
    /// What rests on it.
    pub weight: Weight,
    /// The baseline, as the cell tells it from X.
    pub baseline: String,
    /// Side X.
    pub x: String,
    /// A line for each side and metric, and one for the ratio.
    pub lines: Vec<ComparedLine>,
}

/// One number in both runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparedLine {
    /// Whose number it is: a side, or `X / baseline`.
    pub of: String,
    /// Which number.
    pub metric: Metric,
    /// Whether it is the ratio X / baseline of the metric.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_ratio: bool,
    /// In the earlier run, in the metric's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Estimate>,
    /// In the later run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Estimate>,
    /// New / old, with its 95 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Estimate>,
    /// What that means.
    pub verdict: ChangeVerdict,
    /// Why it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a change means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeVerdict {
    /// Better by more than the tolerance, with certainty.
    Better,
    /// Worse by more than the tolerance, with certainty.
    Worse,
    /// Of a ratio: higher by more than the tolerance. X gained on the baseline, or that lost.
    Higher,
    /// Of a ratio: lower by more than the tolerance.
    Lower,
    /// Within the tolerance, with certainty.
    Unchanged,
    /// The interval does not settle it.
    Inconclusive,
    /// One of the runs does not have it.
    NotMeasured,
}

impl ChangeVerdict {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(
            self,
            ChangeVerdict::Inconclusive | ChangeVerdict::NotMeasured
        )
    }
}

impl std::fmt::Display for ChangeVerdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ChangeVerdict::Better => "better",
            ChangeVerdict::Worse => "worse",
            ChangeVerdict::Higher => "higher",
            ChangeVerdict::Lower => "lower",
            ChangeVerdict::Unchanged => "unchanged",
            ChangeVerdict::Inconclusive => "inconclusive",
            ChangeVerdict::NotMeasured => "not measured",
        })
    }
}

/// A cell of both runs that cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusedCell {
    /// Which, in words.
    pub cell: String,
    /// Why.
    pub why: String,
}
