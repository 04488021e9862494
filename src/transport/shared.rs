//! What do all workers share, that must be there before the first of them starts?

use super::ring::segment::{Layout, Segment};
use super::stream::{self, Streams};
use super::{Entry, Means, Wiring, pipe, socket};
use crate::workload::Message;
use std::collections::BTreeSet;
use std::os::fd::RawFd;

/// What a host makes for its workers, and worker processes inherit.
pub enum Shared {
    /// Nothing: they are introduced to each other later, or live in one process.
    Nothing,
    /// The memory of all rings.
    Ring(Segment),
    /// Streams between any two workers that talk.
    Streams(Streams),
}

impl Shared {
    /// Makes what `entry` needs.
    ///
    /// # Errors
    /// What the system refuses, in words that can follow "connect the workers".
    pub fn create(entry: &Entry, wiring: &Wiring) -> Result<Shared, String> {
        let streams = |make| {
            Streams::create(wiring, make)
                .map(Shared::Streams)
                .map_err(|e| format!("by {}: {e}", entry.name))
        };
        match entry.means {
            Means::Channel | Means::SharedChannel | Means::Ipc(_) => Ok(Shared::Nothing),
            Means::Ring => Segment::create(Layout::new(wiring))
                .map(Shared::Ring)
                .map_err(|e| format!("make the shared memory of the rings: {e}")),
            Means::Socket => streams(socket::way),
            Means::Pipe => streams(pipe::way),
        }
    }

    /// Descriptors that process `process` of a wiring inherits, in the order in which
    /// [`Shared::inherit`] takes them.
    #[must_use]
    pub fn descriptors(&self, wiring: &Wiring, process: usize) -> Vec<RawFd> {
        match self {
            Shared::Nothing => Vec::new(),
            Shared::Ring(segment) => vec![segment.descriptor()],
            Shared::Streams(streams) => {
                streams.descriptors_of(wiring.placement.workers_of(process))
            }
        }
    }

    /// What this process, number `process` of the wiring, has inherited.
    ///
    /// # Errors
    /// When the descriptors are not those of [`Shared::descriptors`].
    pub fn inherit(
        entry: &Entry,
        wiring: &Wiring,
        process: usize,
        descriptors: &[RawFd],
    ) -> std::io::Result<Shared> {
        let streams = |has_two| {
            let workers = wiring.placement.workers_of(process);
            Streams::inherit(wiring, workers, has_two, descriptors).map(Shared::Streams)
        };
        match entry.means {
            Means::Channel | Means::SharedChannel | Means::Ipc(_) => Ok(Shared::Nothing),
            Means::Ring => {
                let descriptor = descriptors.first().copied().unwrap_or(-1);
                Segment::inherit(descriptor, Layout::new(wiring)).map(Shared::Ring)
            }
            Means::Socket => streams(false),
            Means::Pipe => streams(true),
        }
    }

    /// Memory that messages take at most, in all processes together, bytes: what is under way between
    /// agents, and the rings that it goes through.
    #[must_use]
    pub fn bytes_needed(entry: &Entry, wiring: &Wiring) -> u64 {
        let agents = 0..wiring.placement.agents();
        let links: usize = agents.map(|a| wiring.topology.of(a).len()).sum();
        let message = size_of::<Message>() + wiring.message_bytes;
        let under_way = (links as u64)
            .saturating_mul(wiring.under_way as u64)
            .saturating_mul(message as u64);
        let rings = match entry.means {
            Means::Ring => Layout::new(wiring).bytes() as u64,
            _ => 0,
        };
        under_way.saturating_add(rings)
    }

    /// Descriptors that a worker process holds for its messages, the one with most.
    #[must_use]
    pub fn descriptors_of_a_worker(entry: &Entry, wiring: &Wiring) -> usize {
        let placement = wiring.placement;
        let each = match entry.means {
            Means::Channel | Means::SharedChannel => return 0,
            // A way to each neighbour's process; of a ring, what tells whether it is still there.
            Means::Ipc(_) | Means::Ring => 1,
            Means::Socket => socket::DESCRIPTORS / 2,
            Means::Pipe => pipe::DESCRIPTORS / 2,
        };
        let ways = |process| {
            let workers = placement.workers_of(process);
            let mut ways = BTreeSet::new();
            for agent in placement.agents_of_process(process) {
                for &other in wiring.topology.of(agent) {
                    let other = placement.worker_of(other as usize);
                    if !workers.contains(&other) {
                        ways.insert((placement.worker_of(agent), other));
                    }
                }
            }
            ways.len() * each
        };
        // And the memory of all rings, or the own socket.
        1 + (0..placement.processes()).map(ways).max().unwrap_or(0)
    }

    /// Descriptors that the host holds while it starts workers.
    #[must_use]
    pub fn descriptors_needed(entry: &Entry, wiring: &Wiring) -> usize {
        match entry.means {
            Means::Channel | Means::SharedChannel | Means::Ipc(_) => 0,
            Means::Ring => 1,
            Means::Socket => stream::descriptors(wiring, socket::DESCRIPTORS),
            Means::Pipe => stream::descriptors(wiring, pipe::DESCRIPTORS),
        }
    }
}
