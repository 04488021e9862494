//! What a calibration leaves behind: how often controls came out as their truth is.

use super::{Effect, Machine, Verdict, WorkloadRecord};
use serde::{Deserialize, Serialize};

/// Repeated runs that hold nothing but controls, and what they say together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// [`super::SCHEMA_VERSION`] of the program that wrote the record.
    pub schema_version: u32,
    /// [`super::METHOD_VERSION`] of the program that wrote the record.
    pub method_version: u32,
    /// Version of the program.
    pub forkscope_version: String,
    /// The command line, quoted so that a shell takes it again.
    pub command: String,
    /// Options that came from variables of the environment instead, as in [`super::Run::settings`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<String>,
    /// Start, UTC, RFC 3339.
    pub started: String,
    /// Wall time, seconds.
    pub wall_s: f64,
    /// False while it runs, and when it was interrupted.
    pub complete: bool,
    /// The margin within which two rates count as equal.
    pub margin: f64,
    /// Pairs of every control in every run.
    pub pairs: usize,
    /// The machine as it was found at the start.
    pub machine: Machine,
    /// Why the machine was unfit, where it was measured all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy: Option<String>,
    /// The workload whose agents ran.
    pub workload: WorkloadRecord,
    /// Every run, in order.
    pub runs: Vec<CalibrationRun>,
    /// How often the machine was refused when a run was due.
    pub refused: usize,
    /// What the runs say together that began on an idle machine: without a finding.
    pub rows: Vec<CalibrationRow>,
    /// What the other runs say together.
    pub rows_of_doubtful: Vec<CalibrationRow>,
    /// Runs that began on an idle machine and whose headline the controls of `quick` (nulls and the known effect of 0.909, at the largest agent
    /// count up to eight) would have withheld.
    pub withheld: Share,
    /// What a reader must know before believing the numbers.
    pub warnings: Vec<String>,
}

impl Calibration {
    /// What a shell takes to run it again, as [`super::Run::command_line`].
    #[must_use]
    pub fn command_line(&self) -> String {
        super::command_line(&self.settings, &self.command)
    }
}

/// One run of a calibration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationRun {
    /// Its seed: worlds and orders differ from run to run.
    pub seed: u64,
    /// Wall time, seconds.
    pub wall_s: f64,
    /// What spoke against the machine right before the run; empty on an idle one. Decided before
    /// anything of the run is known.
    pub findings: Vec<String>,
    /// Every control.
    pub controls: Vec<ControlRecord>,
    /// Why the controls of `quick` among them would have withheld a headline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
}

/// One control of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlRecord {
    /// The deployment of both sides.
    pub deployment: String,
    /// Number of agents.
    pub agents: usize,
    /// The true ratio: 1 for a null.
    pub asked: f64,
    /// Pairs that ran.
    pub pairs: usize,
    /// Pairs that count.
    pub kept: usize,
    /// What was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// What that means.
    pub verdict: Verdict,
}

/// What all runs say about controls of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationRow {
    /// The true ratio: 1 for nulls.
    pub asked: f64,
    /// Deployment; `None` for all together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// Number of agents; `None` for all together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<usize>,
    /// Controls that had too few pairs for an interval; not part of the shares.
    pub unjudged: usize,
    /// Verdicts that name the wrong side: any side of a null, the slower one of a known effect.
    pub false_winners: Share,
    /// Verdicts that name the faster side of a known effect; `None` for nulls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Share>,
    /// Verdicts that say tie.
    pub ties: usize,
    /// Verdicts that say inconclusive.
    pub inconclusive: usize,
    /// 95 % intervals that hold the true ratio.
    pub covered: Share,
}

/// So many of so many, with a 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Those that are.
    pub count: usize,
    /// All.
    pub of: usize,
    /// Lower end of the interval, 0 to 1.
    pub low: f64,
    /// Upper end of the interval, 0 to 1.
    pub high: f64,
}
