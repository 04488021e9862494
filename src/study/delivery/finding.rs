//! Polling or being woken: the words of the record.

use crate::record::{Effect, Estimate};
use serde::{Deserialize, Serialize};

/// What a run found out about delivery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DeliveryAnswers {
    /// Every way of receiving, by deployment.
    pub ways: Vec<DeliveryWay>,
    /// How many times sooner a message is there whose receiver is woken: polling / being woken, mean
    /// delays, by deployment and interval.
    pub improvements: Vec<Improvement>,
    /// Intervals of polling that were planned under every deployment, milliseconds.
    #[serde(default)]
    pub planned_ms: Vec<u64>,
    /// Being woken under one deployment against being woken under another.
    #[serde(default)]
    pub event: Vec<EventRatio>,
    /// What the claim "30 to 300 times better than polling" is worth here, a sentence for each
    /// deployment.
    pub claims: Vec<String>,
}

/// One way of receiving under one deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DeliveryWay {
    /// Deployment.
    pub deployment: String,
    /// Transport.
    pub transport: String,
    /// Interval of polling, milliseconds; `None` where the receiver is woken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_ms: Option<u64>,
    /// Mean time between messages, milliseconds.
    pub gap_ms: f64,
    /// Messages that were sent, and received in order, in all invocations.
    pub messages: u64,
    /// Mean delay from the planned moment of sending to receiving, nanoseconds: what a sender is late by counts.
    pub mean_ns: Estimate,
    /// 95th percentile, nanoseconds, median over invocations; where each had a hundred messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_ns: Option<f64>,
    /// 99th percentile, nanoseconds, median over invocations; where each had a thousand messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ns: Option<f64>,
    /// Half an interval: what polling must give, nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted_ns: Option<f64>,
    /// Share of looks that found nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wasted_polls: Option<f64>,
    /// CPU time of both ends per message, nanoseconds.
    pub cpu_per_message_ns: f64,
}

/// Being woken under two deployments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EventRatio {
    /// The baseline's deployment.
    pub baseline: String,
    /// The deployment of X.
    pub x: String,
    /// Mean time between messages, milliseconds.
    pub gap_ms: f64,
    /// Mean delay of X / of the baseline: above 1, X is later.
    pub effect: Effect,
    /// All that in a sentence.
    pub sentence: String,
}

/// How many times sooner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Improvement {
    /// Deployment.
    pub deployment: String,
    /// Interval of polling, milliseconds.
    pub poll_ms: u64,
    /// Mean delay of polling / of being woken.
    pub effect: Effect,
}
