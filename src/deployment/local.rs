//! The workers of one process, whatever started it: what they share, and the pool that runs them.

use super::control::Step;
use super::page::Page;
use super::worker::{self, Agents, Assignment, End, Hops, WorkerReport};
use super::{Job, Kind, Placement, pinning};
use crate::observe::cpu::ThreadClock;
use crate::record::Pinning;
use crate::transport::channel::BufferLink;
use crate::transport::start::{Origin, Own, Starter};
use crate::transport::{Entry, Link, Port, Silent, Transport, Wiring};
use crate::workload::hop::Hop;
use crate::workload::reference::Tape;
use crate::workload::{Spec, Topology};
use std::ops::Range;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock};

/// The workers of one process: what they share, and how they are started.
pub(super) struct LocalWorkers {
    job: Job,
    spec: Arc<dyn Spec>,
    placement: Placement,
    topology: Arc<Topology>,
    tape: Option<Arc<Tape>>,
    workers: Range<usize>,
    to_hand_over: Arc<AtomicUsize>,
    /// The step that had been opened before they started.
    after: Step,
    /// A thread that works for all of them.
    helper: OnceLock<ThreadClock>,
}

impl LocalWorkers {
    /// Reads the tape, if one is asked for, and everything else that workers of one process share.
    pub(super) fn prepare(
        job: &Job,
        spec: Arc<dyn Spec>,
        placement: Placement,
        workers: Range<usize>,
        after: Step,
    ) -> Result<LocalWorkers, String> {
        let topology = Arc::new(spec.topology(job.agents));
        let tape = if job.tape {
            let own =
                placement.agents_of(workers.start).start..placement.agents_of(workers.end - 1).end;
            Some(Arc::new(Tape::record(
                spec.as_ref(),
                job.agents,
                job.seed,
                own,
            )?))
        } else {
            None
        };
        Ok(LocalWorkers {
            job: job.clone(),
            spec,
            placement,
            topology,
            tape,
            to_hand_over: Arc::new(AtomicUsize::new(workers.len())),
            workers,
            after,
            helper: OnceLock::new(),
        })
    }

    /// What worker `worker` is told.
    pub(super) fn assignment(&self, worker: usize) -> Assignment {
        Assignment {
            worker,
            job: self.job.clone(),
            spec: self.spec.clone(),
            placement: self.placement,
            topology: self.topology.clone(),
            tape: self.tape.clone(),
            first_of_process: self.workers.start,
            to_hand_over: self.to_hand_over.clone(),
            after: self.after,
            // It counts once.
            helper: self
                .helper
                .get()
                .copied()
                .filter(|_| worker == self.workers.start),
        }
    }

    /// Starts one pool thread per end and runs a worker loop on each.
    pub(super) fn start<E: End>(
        &self,
        ends: Vec<E>,
        page: &Page,
        hand_over: impl Fn(WorkerReport) + Send + Sync + 'static,
    ) -> Result<rayon::ThreadPool, rayon::ThreadPoolBuildError> {
        let first = self.workers.start;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(ends.len())
            .thread_name(move |i| format!("worker-{}", first + i))
            .build()?;
        let tasks: Vec<_> = ends
            .into_iter()
            .enumerate()
            .map(|(i, end)| Mutex::new(Some((self.assignment(first + i), end))))
            .collect();
        let page = page.clone();
        pool.spawn_broadcast(move |thread| {
            let task = tasks[thread.index()]
                .lock()
                .expect("nobody panics with this lock")
                .take();
            let (assignment, end) = task.expect("a broadcast runs once on every thread");
            worker::run(assignment, &page, end, &hand_over);
        });
        Ok(pool)
    }
}

/// The transport that connects the workers of a job; `None` where no message passes between workers.
pub(super) fn carrier(job: &Job, wiring: &Wiring, kind: Kind) -> Option<&'static Entry> {
    let is_alone = wiring.placement.workers() == 1;
    if wiring.topology.is_silent() || job.tape || is_alone {
        return None;
    }
    Some(job.transport.of(kind))
}

/// Starts the worker loops of a process.
pub(super) trait Loops {
    /// What comes of it.
    type Started;

    /// Starts a worker on each end, in the order of the workers.
    fn start<E: End>(self, ends: Vec<E>) -> Self::Started;
}

/// Connects the workers of this process by `entry`, where messages pass between workers, and starts them.
///
/// # Errors
/// A sentence that can follow "connect the workers".
pub(super) fn start_connected<L: Loops>(
    workers: &LocalWorkers,
    entry: Option<&Entry>,
    from: Origin,
    wiring: &Wiring,
    loops: L,
) -> Result<L::Started, String> {
    let hop = workers.spec.hop();
    let own = workers.workers.clone();
    let Some(entry) = entry else {
        return Ok(match hop {
            Some(hop) => loops.start(vec![Hops(hop, None::<BufferLink>)]),
            // Agents of one worker need no port for each other.
            None => loops.start(own.map(|_| Agents(Silent)).collect()),
        });
    };
    // A spinning worker uses the quota up as well as a CPU.
    let cpus = (pinning::effective() as usize).max(1);
    let own = Own {
        workers: own,
        wiring,
        wait: entry.wait,
        is_hop: hop.is_some(),
        is_crowded: workers.placement.workers() > cpus || workers.job.cpus == Pinning::OneCpu,
    };
    let connected = Connected {
        workers,
        hop,
        loops,
    };
    entry.carrier.start(&own, from, connected)
}

/// Runs worker loops on the ends that a transport hands over.
struct Connected<'w, L> {
    workers: &'w LocalWorkers,
    hop: Option<Hop>,
    loops: L,
}

impl<L: Loops> Starter for Connected<'_, L> {
    type Started = L::Started;

    fn helped_by(&self, helper: ThreadClock) {
        // Told once, before any worker starts.
        let _ = self.workers.helper.set(helper);
    }

    fn agents<P: Port + Send + 'static>(self, ports: Vec<P>) -> L::Started {
        self.loops.start(ports.into_iter().map(Agents).collect())
    }

    fn hops<E: Link + 'static>(self, links: Vec<E>) -> L::Started {
        let hop = self.hop.expect("only a hop has links");
        let end = |link| Hops(hop, Some(link));
        self.loops.start(links.into_iter().map(end).collect())
    }
}
