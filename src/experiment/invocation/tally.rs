//! What all workers of an invocation found together.

use super::fail;
use crate::deployment::worker::{Traffic, WorkerReport};
use crate::observe::service;
use crate::record::latency::Latency;
use crate::record::{Failure, Phase, ServiceTime};
use crate::workload::Digest;

/// Ops that a 99th percentile needs: ten lie beyond it.
const OPS_FOR_P99: u64 = 1_000;

/// Ops that a 99.9th percentile needs.
const OPS_FOR_P999: u64 = 10_000;

/// What all workers found together.
pub(super) struct Tally {
    pub(super) ops: u64,
    pub(super) cpu_s: f64,
    pub(super) service: ServiceTime,
    pub(super) latency: Option<Latency>,
    /// All ops, with the uncounted ones.
    pub(super) steps: u64,
    pub(super) active_states_per_op: f64,
    pub(super) sent: Traffic,
    pub(super) received: Traffic,
    pub(super) wasted_polls: Option<u64>,
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
        Ok(Tally {
            ops: sum(|r| r.ops),
            cpu_s: sum(|r| r.cpu_ns) as f64 * 1e-9,
            service,
            latency: None,
            steps: sum(|r| r.steps),
            // The mean over agents, not over ops: which of its free-running agents the scheduler let
            // do more is not a difference in work.
            active_states_per_op: {
                let all: Vec<f64> = reports
                    .iter()
                    .flat_map(|r| r.active_states_per_op.iter().copied())
                    .collect();
                all.iter().sum::<f64>() / all.len().max(1) as f64
            },
            sent: Traffic {
                messages: sum(|r| r.sent.messages),
                bytes: sum(|r| r.sent.bytes),
            },
            received: Traffic {
                messages: sum(|r| r.received.messages),
                bytes: sum(|r| r.received.bytes),
            },
            wasted_polls: reports
                .iter()
                .filter_map(|r| r.wasted_polls)
                .reduce(|a, b| a + b),
            digest: digest.value(),
        })
    }

    /// What was timed is latency: `planned_per_s` ops were planned a second, and all were done within
    /// `busy_s` seconds of the first planned start.
    pub(super) fn is_of_latency(&mut self, planned_per_s: f64, busy_s: f64) {
        let timed = std::mem::take(&mut self.service);
        let from = |ops: u64, ns: f64| (timed.timed >= ops).then_some(ns);
        self.latency = Some(Latency {
            planned_per_s,
            done_per_s: self.steps as f64 / busy_s.max(f64::MIN_POSITIVE),
            timed: timed.timed,
            mean_ns: timed.mean_ns,
            p50_ns: timed.p50_ns,
            p95_ns: timed.p95_ns,
            p99_ns: from(OPS_FOR_P99, timed.p99_ns),
            p999_ns: from(OPS_FOR_P999, timed.p999_ns),
        });
    }
}
