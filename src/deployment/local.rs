//! The workers of one process, whatever started it: what they share, and the pool that runs them.

use super::gate::Gate;
use super::worker::{self, Agents, Assignment, End, Hops, WorkerReport};
use super::{Job, Kind, Placement, pinning};
use crate::observe::cpu::ThreadClock;
use crate::transport::channel::{self, BufferLink, ChannelPort, SharedLink};
use crate::transport::ring::RingPort;
use crate::transport::ring::segment::Segment;
use crate::transport::spin::Spinning;
use crate::transport::{Entry, Link, Means, ROUNDS_UNDER_WAY, Shared, Silent, WaitPolicy, Wiring};
use crate::workload::hop::Hop;
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

    /// The pattern of messages, where there is nothing but messages.
    pub(super) fn hop(&self) -> Option<Hop> {
        self.spec.hop()
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

    /// Starts one pool thread per end and runs a worker loop on each.
    pub(super) fn start<E: End>(
        &self,
        ends: Vec<E>,
        gate: &Gate,
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
        let gate = gate.clone();
        pool.spawn_broadcast(move |thread| {
            let task = tasks[thread.index()]
                .lock()
                .expect("nobody panics with this lock")
                .take();
            let (assignment, end) = task.expect("a broadcast runs once on every thread");
            worker::run(assignment, &gate, end, &hand_over);
        });
        Ok(pool)
    }
}

/// What all workers of a job have to agree on, to be connected.
pub(super) fn wiring(job: &Job, spec: &dyn Spec, placement: &Placement) -> Wiring {
    Wiring {
        placement: *placement,
        topology: Arc::new(spec.topology(job.agents)),
        message_bytes: spec.message_bytes(),
        under_way: spec.hop().map_or(ROUNDS_UNDER_WAY, |hop| hop.under_way()),
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

/// What is done with the ends of a process's workers, whatever their transport.
pub(super) trait Starter {
    /// What comes of it.
    type Started;

    /// Starts a worker on each end, in the order of the workers.
    fn start<E: End>(self, ends: Vec<E>) -> Self::Started;
}

/// Connects the workers of this process by `entry` and starts them. Not by ipc-channel, which only
/// connects processes: that is their business.
///
/// # Errors
/// A sentence that can follow "connect the workers".
pub(super) fn start_connected<S: Starter>(
    workers: &LocalWorkers,
    entry: Option<&Entry>,
    shared: Shared,
    wiring: &Wiring,
    starter: S,
) -> Result<S::Started, String> {
    let own = workers.workers.clone();
    let Some(entry) = entry else {
        let ends = own.len();
        return Ok(match workers.spec.hop() {
            Some(hop) => starter.start(vec![Hops(hop, None::<BufferLink>)]),
            // Agents of one worker need no port for each other.
            None => starter.start((0..ends).map(|_| Agents(Silent)).collect()),
        });
    };
    let spins = entry.wait == WaitPolicy::Spin;
    let room = wiring.under_way;
    Ok(match (workers.spec.hop(), entry.means, shared) {
        (_, Means::Ipc(_), _) => return Err(format!("{} connects processes", entry.name)),
        (Some(hop), Means::Channel, _) => starter.start(hops(hop, BufferLink::pair(room, spins))),
        (Some(hop), Means::SharedChannel, _) => {
            starter.start(hops(hop, SharedLink::pair(room, spins)))
        }
        (None, Means::SharedChannel, _) => {
            return Err(format!("{} is for hops, not for agents", entry.name));
        }
        (None, Means::Channel, _) if spins => {
            let ports = local_ports(workers).0.into_iter();
            starter.start(ports.map(|p| Agents(Spinning(p))).collect())
        }
        (None, Means::Channel, _) => {
            starter.start(local_ports(workers).0.into_iter().map(Agents).collect())
        }
        (hop, Means::Ring, Shared::Ring(segment)) => {
            let ports = ring_ports(workers, &segment, entry.wait);
            match hop {
                Some(hop) => starter.start(hops(hop, ports)),
                None => starter.start(ports.into_iter().map(Agents).collect()),
            }
        }
        (Some(hop), Means::Socket | Means::Pipe, Shared::Streams(mut streams)) => {
            let links = own.map(|w| streams.link(w, wiring.message_bytes));
            starter.start(hops(hop, links))
        }
        (None, Means::Socket | Means::Pipe, Shared::Streams(mut streams)) => {
            let ports = own.map(|w| streams.port(w, wiring).map(Agents));
            let ports = ports.collect::<Result<Vec<_>, _>>();
            starter.start(ports.map_err(|e| e.to_string())?)
        }
        (_, Means::Ring | Means::Socket | Means::Pipe, _) => {
            return Err(format!("{}: what workers share is missing", entry.name));
        }
    })
}

fn hops<L: Link>(hop: Hop, links: impl IntoIterator<Item = L>) -> Vec<Hops<L>> {
    links
        .into_iter()
        .map(|link| Hops(hop, Some(link)))
        .collect()
}

/// The ring ports of these workers, by the segment that all workers share.
fn ring_ports(of: &LocalWorkers, segment: &Segment, policy: WaitPolicy) -> Vec<RingPort> {
    // A spinning worker uses the quota up as well as a CPU.
    let cpus = (pinning::effective() as usize).max(1);
    let is_crowded = of.placement.workers() > cpus || of.job.cpus == crate::record::Pinning::OneCpu;
    of.workers
        .clone()
        // SAFETY: a process makes the ports of its own workers, once.
        .map(|w| unsafe { RingPort::new(w, segment.clone(), policy, is_crowded) })
        .collect()
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
