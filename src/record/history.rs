//! What became of each comparison over time: the words of `forkscope trend`.

use super::{Effect, Verdict};
use serde::{Deserialize, Serialize};

/// The records of a folder, in the order of their start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// What was measured on one machine by one method; the one that was measured last comes last.
    pub groups: Vec<Group>,
    /// Files that were skipped, with the reason.
    pub skipped: Vec<Skipped>,
}

/// Runs of one machine and one method: only they can be held against each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// What the machine is: CPU, effective CPUs, kernel, vectors.
    pub machine: Vec<String>,
    /// Version of the way of measuring.
    pub method_version: u32,
    /// Records in the group.
    pub records: usize,
    /// A series for each comparison.
    pub series: Vec<Series>,
}

/// One comparison over time, always of the same work: seed, parameters, window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Name of the workload.
    pub workload: String,
    /// Number of agents.
    pub agents: usize,
    /// Label of the baseline.
    pub baseline: String,
    /// Label of what is compared with it.
    pub x: String,
    /// Transports of both, the baseline's first.
    pub transports: [String; 2],
    /// Seed of worlds and orders.
    pub seed: u64,
    /// Length of the window, seconds.
    pub window_s: f64,
    /// In the order of their start.
    pub points: Vec<Point>,
}

/// One run's part of a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// File of the record.
    pub file: String,
    /// Start of the run.
    pub started: String,
    /// X / baseline on op/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// What it means.
    pub verdict: Verdict,
    /// Op/s of the baseline, geometric mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_ops_per_s: Option<f64>,
    /// Op/s of X.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x_ops_per_s: Option<f64>,
    /// What a reader must know before believing it: withheld, busy machine, incomplete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
}

/// A file that is no record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skipped {
    /// Its path.
    pub file: String,
    /// Why it could not be read.
    pub why: String,
}
