//! What writing messages down costs: the words of the record.

use crate::record::Estimate;
use crate::workload::serialize::Step;
use crate::workload::serialize::facts::Allocations;
use serde::{Deserialize, Serialize};

/// What a run found out about formats.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FormatAnswers {
    /// What was counted before the first pair, outside all windows.
    pub facts: Vec<FormatFacts>,
    /// What the pairs say, body by body.
    pub bodies: Vec<BodyAnswer>,
}

/// What a body costs in a format besides time; means over drawn bodies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FormatFacts {
    /// Name of the body.
    pub body: String,
    /// Name of the format.
    pub format: String,
    /// Bytes of the message; 0 where nothing is written.
    pub bytes: f64,
    /// What encoding allocates, into a buffer that is large enough; `None` where it was not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encode: Option<Allocations>,
    /// What decoding allocates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decode: Option<Allocations>,
}

/// One body in every format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BodyAnswer {
    /// Name of the body.
    pub body: String,
    /// Bytes of its values, and of a message on the hops.
    pub values_bytes: usize,
    /// What sending so many bytes costs between processes.
    pub hops: Vec<HopPrice>,
    /// What each format costs.
    pub formats: Vec<FormatCost>,
    /// Whether binary is at least twice as fast as JSON; `None` where nothing binary was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<FloorAnswer>,
    /// All that in a sentence.
    pub sentence: String,
}

/// One message, one way, without any format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HopPrice {
    /// Deployment of both ends.
    pub deployment: String,
    /// Transport.
    pub transport: String,
    /// Half a median round trip, nanoseconds.
    pub ns: Estimate,
}

/// What one body costs in one format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FormatCost {
    /// Name of the format.
    pub format: String,
    /// Bytes of the message; 0 where nothing is written.
    pub bytes: f64,
    /// Writing it.
    pub encode: StepCost,
    /// Reading all its values.
    pub decode: StepCost,
    /// What part of a message's whole price this is: (encode + decode) / (encode + decode + hop), by
    /// transport, in the order of [`BodyAnswer::hops`].
    pub shares: Vec<ShareOfHop>,
}

/// What a step costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StepCost {
    /// Time for one body, nanoseconds: mean over invocations of span / bodies.
    pub ns: Estimate,
    /// How many times as fast as JSON: time in JSON / time in the format, from pairs; `None` for JSON
    /// itself, and with fewer than six pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times_json: Option<Estimate>,
    /// What it allocates for one body; `None` where that was not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocations: Option<Allocations>,
}

/// The format's part of what a message costs by one transport.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ShareOfHop {
    /// Transport.
    pub transport: String,
    /// The share, 0 to 1.
    pub share: Estimate,
}

/// Whether every binary format is at least twice as fast as JSON, in both steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FloorAnswer {
    /// What the intervals say.
    pub state: FloorState,
    /// The format and the step that the state rests on: where the interval begins lowest.
    pub format: String,
    /// The step.
    pub step: Step,
    /// How many times as fast as JSON.
    pub times_json: Estimate,
    /// Binary formats and steps that were not measured, in words: `rkyv decode`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// What intervals say about a floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FloorState {
    /// Every interval begins at the floor or above.
    Confirmed,
    /// One lies below it.
    Refuted,
    /// Neither: one reaches across, or is missing.
    Inconclusive,
}

impl std::fmt::Display for FloorState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            FloorState::Confirmed => "confirmed",
            FloorState::Refuted => "refuted",
            FloorState::Inconclusive => "inconclusive",
        })
    }
}
