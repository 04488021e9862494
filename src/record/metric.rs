//! Which numbers of an invocation are held against others, and what are they called?

use super::Sample;
use serde::{Deserialize, Serialize};

/// Fewest timed ops of an invocation for its 99th percentile to be more than a handful of them.
pub const FOR_P99: u64 = 1_000;

/// One number of an invocation.
///
/// A latency from a planned start would be one more line here, and in [`Metric::ALL`]: gates, claims,
/// thresholds and comparisons take what they know from this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Metric {
    /// Ops per second.
    #[serde(rename = "op/s")]
    Throughput,
    /// Messages sent per second.
    #[serde(rename = "messages/s")]
    Messages,
    /// Mean service time; of deliveries, the mean delay.
    #[serde(rename = "mean")]
    ServiceMean,
    /// Median service time; of round trips, the median round trip.
    #[serde(rename = "p50")]
    ServiceP50,
    /// 99th percentile of service time.
    #[serde(rename = "p99")]
    ServiceP99,
    /// Median latency, from planned starts.
    #[serde(rename = "latency-p50")]
    LatencyP50,
    /// 99th percentile of latency, from planned starts.
    #[serde(rename = "latency-p99")]
    LatencyP99,
    /// Time from the first spawn call until all agents were ready.
    #[serde(rename = "setup")]
    Setup,
    /// Memory of host and workers, divided by the agents.
    #[serde(rename = "memory")]
    Memory,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Metric; 9] = [
        Metric::Throughput,
        Metric::Messages,
        Metric::ServiceMean,
        Metric::ServiceP50,
        Metric::ServiceP99,
        Metric::LatencyP50,
        Metric::LatencyP99,
        Metric::Setup,
        Metric::Memory,
    ];

    /// Its name in gates, files and records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Metric::Throughput => "op/s",
            Metric::Messages => "messages/s",
            Metric::ServiceMean => "mean",
            Metric::ServiceP50 => "p50",
            Metric::ServiceP99 => "p99",
            Metric::LatencyP50 => "latency-p50",
            Metric::LatencyP99 => "latency-p99",
            Metric::Setup => "setup",
            Metric::Memory => "memory",
        }
    }

    /// Finds a metric by its name.
    #[must_use]
    pub fn find(word: &str) -> Option<Metric> {
        Metric::ALL.into_iter().find(|m| m.word() == word)
    }

    /// The names of all metrics, for a message.
    #[must_use]
    pub fn words() -> String {
        Metric::ALL.map(Metric::word).join(", ")
    }

    /// What it is, for a person.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Metric::Throughput | Metric::Messages | Metric::Setup => self.word(),
            Metric::ServiceMean => "service time, mean",
            Metric::ServiceP50 => "service time p50",
            Metric::ServiceP99 => "service time p99",
            Metric::LatencyP50 => "latency p50",
            Metric::LatencyP99 => "latency p99",
            Metric::Memory => "memory per agent",
        }
    }

    /// Unit of [`Metric::value`].
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Metric::Throughput | Metric::Messages => self.word(),
            Metric::ServiceMean
            | Metric::ServiceP50
            | Metric::ServiceP99
            | Metric::LatencyP50
            | Metric::LatencyP99
            | Metric::Setup => "ms",
            Metric::Memory => "MiB",
        }
    }

    /// Whether it is read where steps have a planned start, and nowhere else.
    #[must_use]
    pub fn is_of_latency(self) -> bool {
        matches!(self, Metric::LatencyP50 | Metric::LatencyP99)
    }

    /// Whether more of it is better.
    #[must_use]
    pub fn is_better_when_higher(self) -> bool {
        matches!(self, Metric::Throughput | Metric::Messages)
    }

    /// Whether it is read inside the window, like the op/s of the controls: what disturbs those
    /// disturbs it.
    #[must_use]
    pub fn is_of_window(self) -> bool {
        !matches!(self, Metric::Setup | Metric::Memory)
    }

    /// The number in its unit; `None` where the invocation does not have it, or has nothing of it.
    /// A 99th percentile needs `for_p99` timed ops, [`FOR_P99`] as a rule.
    #[must_use]
    pub fn value(self, sample: &Sample, agents: usize, for_p99: u64) -> Option<f64> {
        let service = &sample.service;
        let value = match self {
            Metric::Throughput => sample.ops_per_s,
            Metric::Messages => sample.messages_sent as f64 / sample.span_s,
            Metric::ServiceMean => service.mean_ns / 1e6,
            Metric::ServiceP50 => service.p50_ns / 1e6,
            Metric::ServiceP99 if service.timed < for_p99 => return None,
            Metric::ServiceP99 => service.p99_ns / 1e6,
            Metric::LatencyP50 => sample.latency.as_ref()?.p50_ns / 1e6,
            Metric::LatencyP99 => sample.latency.as_ref()?.p99_ns? / 1e6,
            Metric::Setup => sample.setup_s * 1e3,
            Metric::Memory => {
                sample.memory?.total_bytes as f64 / agents.max(1) as f64 / f64::from(1 << 20)
            }
        };
        (value.is_finite() && value > 0.0).then_some(value)
    }
}

impl std::fmt::Display for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Memory, ServiceTime};

    #[test]
    fn every_metric_is_found_by_the_name_that_it_has_in_a_record() {
        for metric in Metric::ALL {
            assert_eq!(Metric::find(metric.word()), Some(metric));
            let written = serde_json::to_string(&metric).unwrap();
            assert_eq!(written, format!("\"{metric}\""));
            assert!(Metric::words().contains(metric.word()));
        }
        assert_eq!(Metric::find("latency"), None);
    }

    #[test]
    fn values_have_the_unit_that_they_say() {
        let sample = Sample {
            ops_per_s: 500.0,
            span_s: 0.5,
            turns: 1,
            setup_s: 0.004,
            messages_sent: 50,
            service: ServiceTime {
                mean_ns: 2.5e6,
                p50_ns: 2e6,
                p99_ns: 9e6,
                timed: 999,
                ..ServiceTime::default()
            },
            memory: Some(Memory {
                total_bytes: 8 << 20,
                ..Memory::default()
            }),
            ..Sample::default()
        };
        let value = |m: Metric| m.value(&sample, 4, FOR_P99);
        assert_eq!(value(Metric::Throughput), Some(500.0));
        assert_eq!(value(Metric::Messages), Some(100.0));
        assert_eq!(value(Metric::ServiceMean), Some(2.5));
        assert_eq!(value(Metric::ServiceP50), Some(2.0));
        assert_eq!(value(Metric::ServiceP99), None, "too few ops were timed");
        assert_eq!(Metric::ServiceP99.value(&sample, 4, 100), Some(9.0));
        assert_eq!(value(Metric::Setup), Some(4.0));
        assert_eq!(value(Metric::Memory), Some(2.0));
    }

    #[test]
    fn what_is_nothing_is_not_measured() {
        for metric in Metric::ALL {
            assert_eq!(metric.value(&Sample::default(), 1, 0), None, "{metric}");
        }
    }
}
