//! Workers as threads: a rayon pool of this process, one worker loop on each of its threads.
//!
//! The loops run *inside* the pool for the whole invocation. Entering a pool anew each round would
//! cost 20 to 30 µs a round, which is a property of the entry and not of threads.

use super::gate::Gate;
use super::local::{LocalWorkers, local_ports, ring_layout, ring_policy, ring_ports};
use super::worker::WorkerReport;
use super::{Deployment, Fleet, Job, Placement, failure_of};
use crate::record::{Failure, Phase};
use crate::transport::ring::segment::Segment;
use crate::workload;
use crossbeam_channel::{Receiver, bounded};
use nix::unistd::Pid;

/// The deployment `threads[:W]`.
pub struct Threads;

impl Deployment for Threads {
    fn start(
        &self,
        job: &Job,
        placement: Placement,
        gate: &Gate,
    ) -> Result<Box<dyn Fleet>, Failure> {
        let setup = |message: String| failure_of(Phase::Setup, message);
        let spec = workload::parse(&job.source).map_err(|e| setup(e.to_string()))?;
        let all = 0..placement.workers();
        let layout = ring_layout(job, spec.as_ref(), &placement);
        let workers = LocalWorkers::prepare(job, spec.into(), placement, all).map_err(setup)?;
        let (reporter, reports) = bounded(placement.workers());
        let hand_over = move |report| {
            // The host only stops listening when it gives up, and then nobody reads the report.
            let _ = reporter.send(report);
        };
        let pool = match ring_policy(job, &workers.topology) {
            Some(policy) => {
                let segment = Segment::create(layout)
                    .map_err(|e| setup(format!("make the shared memory of the rings: {e}")))?;
                workers.start(ring_ports(&workers, &segment, policy), gate, hand_over)
            }
            None => workers.start(local_ports(&workers).0, gate, hand_over),
        };
        let pool = pool.map_err(|e| {
            setup(format!(
                "start {} worker threads: {e}; see `forkscope doctor` for the limits",
                placement.workers()
            ))
        })?;
        Ok(Box::new(ThreadFleet {
            _pool: pool,
            gate: gate.clone(),
            reports,
            workers: placement.workers(),
        }))
    }
}

struct ThreadFleet {
    _pool: rayon::ThreadPool,
    gate: Gate,
    reports: Receiver<WorkerReport>,
    workers: usize,
}

impl Fleet for ThreadFleet {
    fn pids(&self) -> Vec<Pid> {
        Vec::new()
    }

    fn connect(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn check(&mut self, phase: Phase) -> Result<(), Failure> {
        let Some((worker, agent)) = self.gate.failed() else {
            return Ok(());
        };
        // A failing worker hands over its report before it says on the gate that it failed.
        let why = self
            .reports
            .try_iter()
            .find(|r| r.worker == worker)
            .and_then(|r| r.error);
        let why = why.unwrap_or_else(|| "it failed without a reason".to_owned());
        Err(Failure {
            phase,
            agent,
            signal: None,
            message: format!("worker {worker} (thread): {why}"),
        })
    }

    fn reports(&mut self) -> Result<Vec<WorkerReport>, Failure> {
        let take = |_| self.reports.recv_timeout(super::REPORT_TIMEOUT);
        (0..self.workers)
            .map(take)
            .collect::<Result<_, _>>()
            .map_err(|_| {
                failure_of(
                    Phase::Collect,
                    "a worker thread did not hand over its report in time".to_owned(),
                )
            })
    }

    fn end(self: Box<Self>) {
        // Dropping the pool lets its threads end; the host is a process of its own and ends soon.
        self.gate.open(super::gate::Step::Exit);
    }
}
