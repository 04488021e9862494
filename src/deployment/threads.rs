//! Workers as threads: a rayon pool of this process, one worker loop on each of its threads.
//!
//! The loops run *inside* the pool for the whole invocation. Entering a pool anew each round would
//! cost 20 to 30 µs a round, which is a property of the entry and not of threads.

use super::control::{Control, Step};
use super::local::{LocalWorkers, Loops, carrier, start_connected};
use super::page::Page;
use super::worker::{End, WorkerReport};
use super::{Deployment, Fleet, Job, Kind, Placement, Probe, failure_of, new_page};
use crate::record::{Failure, Phase};
use crate::transport::Wiring;
use crate::transport::start::Origin;
use crate::workload;
use crossbeam_channel::{Receiver, bounded};
use std::sync::Arc;

/// The deployment `threads[:W]`.
pub struct Threads;

impl Deployment for Threads {
    fn start(&self, job: &Job, placement: Placement) -> Result<Box<dyn Fleet>, Failure> {
        let page = new_page(placement)?;
        let setup = |message: String| failure_of(Phase::Setup, message);
        let spec = workload::parse(&job.source).map_err(|e| setup(e.to_string()))?;
        let all = 0..placement.workers();
        let wiring = Wiring::of(spec.as_ref(), job.agents, placement);
        let entry = carrier(job, &wiring, Kind::Threads);
        let connect = |why: String| setup(format!("connect the workers: {why}"));
        let workers = LocalWorkers::prepare(job, spec.into(), placement, all, Step::Prepare)
            .map_err(setup)?;
        let (reporter, reports) = bounded(placement.workers());
        let pool = Pool {
            workers: &workers,
            page: &page,
            hand_over: move |report| {
                // The host only stops listening when it gives up, and then nobody reads the report.
                let _ = reporter.send(report);
            },
        };
        let pool =
            start_connected(&workers, entry, Origin::Here, &wiring, pool).map_err(connect)?;
        let pool = pool.map_err(|e| {
            setup(format!(
                "start {} worker threads: {e}; see `forkscope doctor` for the limits",
                placement.workers()
            ))
        })?;
        Ok(Box::new(ThreadFleet {
            _pool: pool,
            page,
            reports,
            workers: placement.workers(),
        }))
    }
}

/// Workers of one process, each on a thread of a pool.
struct Pool<'a, H> {
    workers: &'a LocalWorkers,
    page: &'a Page,
    hand_over: H,
}

impl<H: Fn(WorkerReport) + Send + Sync + 'static> Loops for Pool<'_, H> {
    type Started = Result<rayon::ThreadPool, rayon::ThreadPoolBuildError>;

    fn start<E: End>(self, ends: Vec<E>) -> Self::Started {
        self.workers.start(ends, self.page, self.hand_over)
    }
}

struct ThreadFleet {
    _pool: rayon::ThreadPool,
    page: Page,
    reports: Receiver<WorkerReport>,
    workers: usize,
}

impl Fleet for ThreadFleet {
    fn control(&self) -> Arc<dyn Control> {
        Arc::new(self.page.clone())
    }

    /// They are threads of this process.
    fn probe(&self) -> Probe {
        Probe::Local(Vec::new())
    }

    fn connect(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn check(&mut self, phase: Phase) -> Result<(), Failure> {
        let Some((worker, agent)) = self.page.failed() else {
            return Ok(());
        };
        // A failing worker hands over its report before it says on the page that it failed.
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
        self.page.open(Step::Exit);
    }
}
