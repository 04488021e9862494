//! Which transports is there code for?

use super::ipc::Content;
use super::start::{Origin, Own, Share, Starter, Transport};
use super::{Wiring, channel, ipc, pipe, ring, socket};
use std::collections::BTreeSet;

/// Every transport that there is code for: each with its own settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// A channel that moves ownership of a buffer.
    Channel(channel::Channel),
    /// A channel that hands over a shared reference.
    SharedChannel(channel::SharedChannel),
    /// A socket of ipc-channel.
    Ipc(ipc::Ipc),
    /// A ring in shared memory.
    Ring(ring::Rings),
    /// A stream socket.
    Socket(socket::Sockets),
    /// Pipes.
    Pipe(pipe::Pipes),
}

/// The same call for whichever it is.
macro_rules! each {
    ($carrier:expr, $transport:ident => $call:expr) => {
        match $carrier {
            Carrier::Channel($transport) => $call,
            Carrier::SharedChannel($transport) => $call,
            Carrier::Ipc($transport) => $call,
            Carrier::Ring($transport) => $call,
            Carrier::Socket($transport) => $call,
            Carrier::Pipe($transport) => $call,
        }
    };
}

impl Transport for Carrier {
    fn start<S: Starter>(
        &self,
        own: &Own<'_>,
        from: Origin,
        starter: S,
    ) -> Result<S::Started, String> {
        each!(self, t => t.start(own, from, starter))
    }

    fn share(&self, wiring: &Wiring) -> Result<Box<dyn Share>, String> {
        each!(self, t => t.share(wiring))
    }

    fn mailbox(&self, is_hop: bool) -> Option<Content> {
        each!(self, t => t.mailbox(is_hop))
    }

    fn is_pumped(&self, wiring: &Wiring) -> bool {
        each!(self, t => t.is_pumped(wiring))
    }

    fn shared_bytes(&self, wiring: &Wiring) -> u64 {
        each!(self, t => t.shared_bytes(wiring))
    }

    fn descriptors_of_the_host(&self, wiring: &Wiring) -> usize {
        each!(self, t => t.descriptors_of_the_host(wiring))
    }

    fn descriptors_of_a_way(&self) -> Option<usize> {
        each!(self, t => t.descriptors_of_a_way())
    }
}

impl Carrier {
    /// Descriptors that a worker process holds for its messages, the one with most.
    #[must_use]
    pub fn descriptors_of_a_worker(&self, wiring: &Wiring) -> usize {
        let Some(each) = self.descriptors_of_a_way() else {
            return 0;
        };
        let placement = wiring.placement;
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

    /// Memory that messages take at most, in all processes together, bytes: what is under way between agents, and what
    /// it goes through.
    #[must_use]
    pub fn bytes_needed(&self, wiring: &Wiring) -> u64 {
        let agents = 0..wiring.placement.agents();
        let links: usize = agents.map(|a| wiring.topology.of(a).len()).sum();
        let message = size_of::<crate::workload::Message>() + wiring.message_bytes;
        let under_way = (links as u64)
            .saturating_mul(wiring.under_way as u64)
            .saturating_mul(message as u64);
        under_way.saturating_add(self.shared_bytes(wiring))
    }
}
