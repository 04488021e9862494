//! What messages between two workers cost: the words of the record.

use crate::record::{Effect, Estimate, Pinning};
use crate::study::links::HopLevel;
use crate::workload::hop::Pattern;
use serde::{Deserialize, Serialize};

/// What a run found out about messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HopAnswers {
    /// What each transport costs, by pattern, placement, size, deployment.
    pub levels: Vec<HopLevel>,
    /// The price of the native transports, taken apart.
    pub splits: Vec<HopSplit>,
    /// The same transport in both deployments, X against the baseline.
    #[serde(default)]
    pub ratios: Vec<HopRatio>,
}

/// One transport in two deployments: what another address space costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HopRatio {
    /// Who sends when.
    pub pattern: Pattern,
    /// Bytes of a message.
    pub payload_bytes: usize,
    /// On which CPUs the two workers ran.
    #[serde(default, skip_serializing_if = "Pinning::is_free")]
    pub cpus: Pinning,
    /// Transport.
    pub transport: String,
    /// The baseline's deployment.
    pub baseline: String,
    /// The deployment of X.
    pub x: String,
    /// X / baseline: of median round trips turned around (above 1, X is faster), of floods messages per
    /// second.
    pub effect: Effect,
}

/// The price of one native transport at one size, taken apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HopSplit {
    /// Bytes of a message.
    pub payload_bytes: usize,
    /// Deployment.
    pub deployment: String,
    /// Transport.
    pub transport: String,
    /// Half a median round trip, nanoseconds.
    pub total_ns: Estimate,
    /// What it is made of, in the order of the report; they add up to the total.
    pub parts: Vec<HopPart>,
    /// All that in a sentence.
    pub sentence: String,
}

/// One part of a price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HopPart {
    /// Which.
    pub part: Part,
    /// Its time, nanoseconds. Below 0: smaller than what else differed.
    pub ns: Estimate,
    /// Share of the total: ns / total.
    pub share: f64,
    /// The two things whose difference it is, in words.
    pub measured_as: String,
}

/// What the price of a message is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// To sleep and be woken: the same transport, against one that looks again and again.
    WakeUp,
    /// Copying the bytes: against handing them over.
    Copy,
    /// Making bytes of a value, and a value of bytes: against bytes.
    Serialisation,
    /// Another address space: against the same code in one.
    AddressSpace,
    /// Reading the message: what a call costs that does it.
    Call,
    /// What cannot be taken apart by these means.
    Rest,
}

impl Part {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Part::WakeUp => "wake-up",
            Part::Copy => "copy",
            Part::Serialisation => "serialisation",
            Part::AddressSpace => "address space",
            Part::Call => "call",
            Part::Rest => "rest",
        }
    }
}
