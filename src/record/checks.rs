//! How do the numbers of a run stand against what somebody claimed, or asked for?

use super::Estimate;
use serde::{Deserialize, Serialize};

/// One line of a file of claims or of thresholds, held against a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckAnswer {
    /// What kind of line it is.
    pub kind: CheckKind,
    /// Its name in the file.
    pub name: String,
    /// What was claimed or asked for, in words.
    pub asked: String,
    /// What was measured; `None` where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Estimate>,
    /// Unit of `measured`: `ratio`, `ops/s`, `ms`, `MB` …
    pub unit: String,
    /// What that means.
    pub outcome: CheckOutcome,
    /// The whole in a sentence.
    pub sentence: String,
}

/// Where a line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// A published or a suspected claim: confirmed, refuted or inconclusive.
    Claim,
    /// A floor that a deployment has to reach: pass, warn or fail.
    Threshold,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// The whole interval lies within what was claimed.
    Confirmed,
    /// The whole interval lies outside.
    Refuted,
    /// The interval does not settle it.
    Inconclusive,
    /// The floor is reached, with certainty.
    Pass,
    /// The floor may or may not be reached: the interval holds it.
    Warn,
    /// The floor is missed, with certainty.
    Fail,
    /// Nothing in this run says anything about it.
    NotMeasured,
}

impl std::fmt::Display for CheckOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            CheckOutcome::Confirmed => "CONFIRMED",
            CheckOutcome::Refuted => "REFUTED",
            CheckOutcome::Inconclusive => "INCONCLUSIVE",
            CheckOutcome::Pass => "PASS",
            CheckOutcome::Warn => "WARN",
            CheckOutcome::Fail => "FAIL",
            CheckOutcome::NotMeasured => "NOT MEASURED",
        })
    }
}
