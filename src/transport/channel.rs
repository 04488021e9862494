//! Between threads: crossbeam-channel, which hands over ownership and copies nothing.
//!
//! Wait policy: adaptive (crossbeam spins for a moment, yields, then parks).

use super::link::{Link, Payload, Received};
use super::spin::Spinning;
use super::start::{Origin, Own, Starter, Transport};
use super::{Placement, Port, TransportError, WaitPolicy};
use crate::workload::{Message, Topology};
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use std::sync::Arc;

/// Between threads of one process, by moving a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel;

impl Transport for Channel {
    fn start<S: Starter>(
        &self,
        own: &Own<'_>,
        _: Origin,
        starter: S,
    ) -> Result<S::Started, String> {
        let spins = own.wait == WaitPolicy::Spin;
        if own.is_hop {
            return Ok(starter.hops(BufferLink::pair(own.wiring.under_way, spins)));
        }
        let (placement, topology) = (&own.wiring.placement, &own.wiring.topology);
        let (ports, _) = connect(own.workers.clone(), placement, topology);
        Ok(match spins {
            true => starter.agents(ports.into_iter().map(Spinning).collect()),
            false => starter.agents(ports),
        })
    }

    fn descriptors_of_a_way(&self) -> Option<usize> {
        None
    }
}

/// Between threads of one process, by a shared reference; for hops only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedChannel;

impl Transport for SharedChannel {
    fn start<S: Starter>(
        &self,
        own: &Own<'_>,
        _: Origin,
        starter: S,
    ) -> Result<S::Started, String> {
        if !own.is_hop {
            return Err("channel:arc is for hops, not for agents".to_owned());
        }
        let spins = own.wait == WaitPolicy::Spin;
        Ok(starter.hops(SharedLink::pair(own.wiring.under_way, spins)))
    }

    fn descriptors_of_a_way(&self) -> Option<usize> {
        None
    }
}

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

/// Receives by waiting as the channel does, or by asking again and again.
fn next<T>(from: &Receiver<T>, spins: bool, other: usize) -> Result<T, TransportError> {
    let gone = TransportError::Gone { worker: other };
    if !spins {
        return from.recv().map_err(|_| gone);
    }
    loop {
        match from.try_recv() {
            Ok(message) => return Ok(message),
            Err(TryRecvError::Empty) => std::hint::spin_loop(),
            Err(TryRecvError::Disconnected) => return Err(gone),
        }
    }
}

/// Receives what is there.
fn try_next<T>(from: &Receiver<T>, other: usize) -> Result<Option<T>, TransportError> {
    match from.try_recv() {
        Ok(message) => Ok(Some(message)),
        Err(TryRecvError::Empty) => Ok(None),
        Err(TryRecvError::Disconnected) => Err(TransportError::Gone { worker: other }),
    }
}

/// One end of a pair of channels.
struct Ends<T> {
    to: Sender<T>,
    from: Receiver<T>,
    /// The worker at the other end.
    other: usize,
    spins: bool,
}

fn pair<T>(room: usize, spins: bool) -> [Ends<T>; 2] {
    let (to_one, from_other) = bounded(room);
    let (to_other, from_one) = bounded(room);
    let ends = |to, from, other| Ends {
        to,
        from,
        other,
        spins,
    };
    [ends(to_other, from_other, 1), ends(to_one, from_one, 0)]
}

/// A link that moves ownership of a buffer, into which the message was copied.
pub struct BufferLink {
    ends: Ends<Vec<u8>>,
    /// A buffer that has come, for the next message that goes.
    free: Option<Vec<u8>>,
}

impl BufferLink {
    /// Both ends of a link on which `room` messages can be under way.
    #[must_use]
    pub fn pair(room: usize, spins: bool) -> Vec<BufferLink> {
        let links = pair(room, spins).into_iter();
        links.map(|ends| BufferLink { ends, free: None }).collect()
    }

    fn read(&mut self, buffer: Vec<u8>) -> Result<Received, TransportError> {
        let received = Received::read(&buffer);
        self.free = Some(buffer);
        received
    }
}

impl Link for BufferLink {
    fn send(&mut self, sequence: u64, payload: &Payload) -> Result<(), TransportError> {
        let mut buffer = self.free.take().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(&sequence.to_ne_bytes());
        buffer.extend_from_slice(&payload.bytes()[super::link::SEQUENCE_BYTES..]);
        self.ends.to.send(buffer).map_err(|_| TransportError::Gone {
            worker: self.ends.other,
        })
    }

    fn receive(&mut self) -> Result<Received, TransportError> {
        let buffer = next(&self.ends.from, self.ends.spins, self.ends.other)?;
        self.read(buffer)
    }

    fn try_receive(&mut self) -> Result<Option<Received>, TransportError> {
        let buffer = try_next(&self.ends.from, self.ends.other)?;
        buffer.map(|b| self.read(b)).transpose()
    }
}

/// A link that hands over a reference to what the sender has.
pub struct SharedLink {
    ends: Ends<(u64, Arc<Vec<u8>>)>,
}

impl SharedLink {
    /// Both ends of a link on which `room` messages can be under way.
    #[must_use]
    pub fn pair(room: usize, spins: bool) -> Vec<SharedLink> {
        let links = pair(room, spins).into_iter();
        links.map(|ends| SharedLink { ends }).collect()
    }
}

/// Its first bytes are nobody's: the sequence number goes beside them.
fn read_shared((sequence, bytes): (u64, Arc<Vec<u8>>)) -> Result<Received, TransportError> {
    Ok(Received {
        sequence,
        ..Received::read(&bytes)?
    })
}

impl Link for SharedLink {
    fn send(&mut self, sequence: u64, payload: &Payload) -> Result<(), TransportError> {
        let message = (sequence, payload.shared().clone());
        self.ends
            .to
            .send(message)
            .map_err(|_| TransportError::Gone {
                worker: self.ends.other,
            })
    }

    fn receive(&mut self) -> Result<Received, TransportError> {
        read_shared(next(&self.ends.from, self.ends.spins, self.ends.other)?)
    }

    fn try_receive(&mut self) -> Result<Option<Received>, TransportError> {
        let message = try_next(&self.ends.from, self.ends.other)?;
        message.map(read_shared).transpose()
    }
}
