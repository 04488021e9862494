//! The workers of one process, whatever started it: what they share, and the pool that runs them.

use super::gate::Gate;
use super::worker::{self, Assignment, WorkerReport};
use super::{Job, Placement};
use crate::observe::cpu::ThreadClock;
use crate::transport::channel::{self, ChannelPort};
use crate::transport::ring::RingPort;
use crate::transport::ring::segment::{Layout, Segment};
use crate::transport::{Choice, WaitPolicy};
use crate::workload::reference::Tape;
use crate::workload::{self, Spec, Topology};
use std::ops::Range;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

/// The workers of one process: what they share, and how they are started.
pub(super) struct LocalWorkers {
    job: Job,
    spec: Arc<dyn Spec>,
    placement: Placement,
    pub(super) topology: Arc<Topology>,
    tape: Option<Arc<Tape>>,
    workers: Range<usize>,
    to_hand_over: Arc<AtomicUsize>,
    /// A thread that works for all of them.
    pub(super) helper: Option<ThreadClock>,
}

impl LocalWorkers {
    /// Reads the tape, if one is asked for, and everything else that workers of one process share.
    pub(super) fn prepare(
        job: &Job,
        spec: Arc<dyn Spec>,
        placement: Placement,
        workers: Range<usize>,
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
            helper: None,
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
            helper: if worker == self.workers.start {
                self.helper
            } else {
                None
            },
        }
    }

    /// Starts one pool thread per port and runs a worker loop on each.
    pub(super) fn start<P: crate::transport::Port + Send + 'static>(
        &self,
        ports: Vec<P>,
        gate: &Gate,
        hand_over: impl Fn(WorkerReport) + Send + Sync + 'static,
    ) -> Result<rayon::ThreadPool, rayon::ThreadPoolBuildError> {
        let first = self.workers.start;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(ports.len())
            .thread_name(move |i| format!("worker-{}", first + i))
            .build()?;
        let tasks: Vec<_> = ports
            .into_iter()
            .enumerate()
            .map(|(i, port)| Mutex::new(Some((self.assignment(first + i), port))))
            .collect();
        let gate = gate.clone();
        pool.spawn_broadcast(move |thread| {
            let task = tasks[thread.index()]
                .lock()
                .expect("nobody panics with this lock")
                .take();
            let (assignment, port) = task.expect("a broadcast runs once on every thread");
            worker::run(assignment, &gate, port, &hand_over);
        });
        Ok(pool)
    }
}

/// The ring ports of these workers, by the segment that all workers share.
pub(super) fn ring_ports(
    of: &LocalWorkers,
    segment: &Segment,
    policy: WaitPolicy,
) -> Vec<RingPort> {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let is_crowded = of.placement.workers() > cpus;
    of.workers
        .clone()
        // SAFETY: a process makes the ports of its own workers, once.
        .map(|w| unsafe { RingPort::new(w, segment.clone(), policy, is_crowded) })
        .collect()
}

/// What all rings of a job lie in; computed alike by everybody.
pub(super) fn ring_layout(job: &Job, spec: &dyn Spec, placement: &Placement) -> Layout {
    Layout::new(placement, &spec.topology(job.agents), spec.message_bytes())
}

/// The policy of the ring by which the messages of a job travel; `None` where none travel, or by
/// another transport.
pub(super) fn ring_policy(job: &Job, topology: &Topology) -> Option<WaitPolicy> {
    match job.transport {
        Choice::Ring(policy) if !topology.is_silent() && !job.tape => Some(policy),
        _ => None,
    }
}

/// The ports and mailboxes of workers that talk by channel.
pub(super) fn local_ports(
    of: &LocalWorkers,
) -> (
    Vec<ChannelPort>,
    Vec<crossbeam_channel::Sender<Box<workload::Message>>>,
) {
    channel::connect(of.workers.clone(), &of.placement, &of.topology)
}
