//! What all workers of an invocation found together.

use super::fail;
use crate::deployment::worker::{Traffic, WorkerReport};
use crate::metric::{FOR_P99, Metric};
use crate::observe::service::{self, ServiceTime};
use crate::record::{Failure, Phase};
use crate::workload::Digest;
use std::collections::BTreeMap;

/// Ops that a 99.9th percentile needs.
const OPS_FOR_P999: u64 = 10_000;

/// What all workers found together.
pub(super) struct Tally {
    pub(super) ops: u64,
    pub(super) cpu_s: f64,
    /// What the workers counted and timed, by the ids of metrics.
    pub(super) values: BTreeMap<String, f64>,
    service: ServiceTime,
    /// All ops, with the uncounted ones.
    pub(super) steps: u64,
    pub(super) sent: Traffic,
    pub(super) received: Traffic,
    pub(super) digest: u64,
}

impl Tally {
    pub(super) fn of(mut reports: Vec<WorkerReport>) -> Result<Tally, Failure> {
        if let Some(r) = reports.iter().find(|r| r.error.is_some()) {
            let why = r.error.clone().unwrap_or_default();
            return Err(fail(Phase::Collect, format!("worker {}: {why}", r.worker)));
        }
        reports.sort_by_key(|r| r.worker);
        // Agents live on workers in the order of their numbers, so this is the order of agents.
        let mut digest = Digest::default();
        reports
            .iter()
            .flat_map(|r| &r.digests)
            .for_each(|&d| digest.word(d));
        let service: Vec<_> = reports.iter().filter_map(|r| r.service.clone()).collect();
        let service = service::merge(&service).map_err(|e| fail(Phase::Collect, e.to_string()))?;
        let sum = |f: fn(&WorkerReport) -> u64| reports.iter().map(f).sum::<u64>();
        // The mean over agents, not over ops: which of its free-running agents the scheduler let
        // do more is not a difference in work.
        let states: Vec<f64> = reports
            .iter()
            .flat_map(|r| r.active_states_per_op.iter().copied())
            .collect();
        let mut tally = Tally {
            ops: sum(|r| r.ops),
            cpu_s: sum(|r| r.cpu_ns) as f64 * 1e-9,
            values: BTreeMap::new(),
            service,
            steps: sum(|r| r.steps),
            sent: Traffic {
                messages: sum(|r| r.sent.messages),
                bytes: sum(|r| r.sent.bytes),
            },
            received: Traffic {
                messages: sum(|r| r.received.messages),
                bytes: sum(|r| r.received.bytes),
            },
            digest: digest.value(),
        };
        let states = states.iter().sum::<f64>() / states.len().max(1) as f64;
        tally.set(Metric::ACTIVE_STATES_PER_OP, states);
        tally.set(Metric::MESSAGES_SENT, tally.sent.messages as f64);
        tally.set(Metric::BYTES_SENT, tally.sent.bytes as f64);
        tally.set(Metric::MESSAGES_RECEIVED, tally.received.messages as f64);
        tally.set(Metric::BYTES_RECEIVED, tally.received.bytes as f64);
        let mut own: BTreeMap<&String, Vec<f64>> = BTreeMap::new();
        for (id, told) in reports.iter().flat_map(|r| &r.values) {
            own.entry(id).or_default().extend(told);
        }
        for (id, told) in own {
            let mean = told.iter().sum::<f64>() / told.len().max(1) as f64;
            tally.values.insert(id.clone(), mean);
        }
        let wasted = reports.iter().filter_map(|r| r.wasted_polls);
        if let Some(wasted) = wasted.reduce(|a, b| a + b) {
            tally.set(Metric::WASTED_POLLS, wasted as f64);
        }
        for (metric, value) in [
            (Metric::SERVICE_MEAN_NS, service.mean_ns),
            (Metric::SERVICE_P50_NS, service.p50_ns),
            (Metric::SERVICE_P95_NS, service.p95_ns),
            (Metric::SERVICE_P99_NS, service.p99_ns),
            (Metric::SERVICE_P999_NS, service.p999_ns),
            (Metric::SERVICE_TIMED_OPS, service.timed as f64),
            (Metric::SERVICE_STRIDE_OPS, f64::from(service.stride)),
        ] {
            tally.set(metric, value);
        }
        Ok(tally)
    }

    fn set(&mut self, metric: Metric, value: f64) {
        self.values.insert(metric.id().to_owned(), value);
    }

    /// What was timed is latency: `planned_per_s` ops were planned a second, and all were done within
    /// `busy_s` seconds of the first planned start.
    pub(super) fn is_of_latency(&mut self, planned_per_s: f64, busy_s: f64) {
        let timed = self.service;
        self.values.retain(|id, _| !id.starts_with("service_"));
        let has = |ops: u64| timed.timed >= ops;
        let done_per_s = self.steps as f64 / busy_s.max(f64::MIN_POSITIVE);
        let tail_ns = if has(FOR_P99) {
            timed.p99_ns
        } else {
            timed.p50_ns
        };
        for (metric, value, is_known) in [
            (Metric::LATENCY_PLANNED_PER_S, planned_per_s, true),
            (Metric::LATENCY_DONE_PER_S, done_per_s, true),
            (Metric::LATENCY_TIMED_OPS, timed.timed as f64, true),
            (Metric::LATENCY_MEAN_NS, timed.mean_ns, true),
            (Metric::LATENCY_P50_NS, timed.p50_ns, true),
            (Metric::LATENCY_P95_NS, timed.p95_ns, true),
            (Metric::LATENCY_P99_NS, timed.p99_ns, has(FOR_P99)),
            (Metric::LATENCY_P999_NS, timed.p999_ns, has(OPS_FOR_P999)),
            (Metric::LATENCY_TAIL_NS, tail_ns, true),
        ] {
            if is_known {
                self.set(metric, value);
            }
        }
    }
}
