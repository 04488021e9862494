//! Between threads: crossbeam-channel, which hands over ownership and copies nothing.
//!
//! Wait policy: adaptive (crossbeam spins for a moment, yields, then parks).

use super::{Placement, Port, TransportError};
use crate::workload::{Message, Topology};
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

/// The mailbox of one thread, and the way to those of all others in its process.
pub struct ChannelPort {
    mailbox: Receiver<Box<Message>>,
    /// By worker, counted from `first`.
    others: Vec<Sender<Box<Message>>>,
    first: usize,
}

/// Builds the ports of the workers `workers`, which live in one process, and what others need to
/// write to them.
///
/// A mailbox has room for all that can be under way to it, so that a sender never waits.
#[must_use]
pub fn connect(
    workers: std::ops::Range<usize>,
    placement: &Placement,
    topology: &Topology,
) -> (Vec<ChannelPort>, Vec<Sender<Box<Message>>>) {
    let (senders, receivers): (Vec<_>, Vec<_>) = workers
        .clone()
        .map(|w| bounded(room(w, placement, topology).max(1)))
        .unzip();
    let ports = receivers
        .into_iter()
        .map(|mailbox| ChannelPort {
            mailbox,
            others: senders.clone(),
            first: workers.start,
        })
        .collect();
    (ports, senders)
}

/// Messages that can be under way to one worker at a time: two per link from another worker.
fn room(worker: usize, placement: &Placement, topology: &Topology) -> usize {
    let own = placement.agents_of(worker);
    2 * own
        .clone()
        .flat_map(|agent| topology.of(agent))
        .filter(|&&from| !own.contains(&(from as usize)))
        .count()
}

impl ChannelPort {
    /// Whether `worker` lives in this process.
    #[must_use]
    pub fn reaches(&self, worker: usize) -> bool {
        worker
            .checked_sub(self.first)
            .is_some_and(|i| i < self.others.len())
    }
}

impl Port for ChannelPort {
    fn send(&mut self, worker: usize, message: Box<Message>) -> Result<(), TransportError> {
        let other = worker
            .checked_sub(self.first)
            .and_then(|i| self.others.get(i));
        let other = other.ok_or(TransportError::NoRoute { worker })?;
        other
            .send(message)
            .map_err(|_| TransportError::Gone { worker })
    }

    fn try_receive(&mut self) -> Result<Option<Box<Message>>, TransportError> {
        match self.mailbox.try_recv() {
            Ok(message) => Ok(Some(message)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(TransportError::AllGone),
        }
    }

    fn receive(&mut self) -> Result<Box<Message>, TransportError> {
        self.mailbox.recv().map_err(|_| TransportError::AllGone)
    }
}
