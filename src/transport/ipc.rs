//! Between processes: ipc-channel, which serialises (postcard over a Unix seqpacket socket).
//!
//! Wait policy: park (a blocking read of the socket).
//!
//! ipc-channel has no try-send, and a send blocks once some 200 KB are under way, so two workers that
//! both send could wait for each other for ever. Two ways of receiving rule that out:
//!
//! - **direct**: the worker reads its socket itself. Chosen when all that can ever be under way to it
//!   (two messages a link) fits the socket's buffer with room to spare: then no send blocks.
//! - **pumped**: a thread reads the socket and moves messages to the workers' mailboxes. It never
//!   waits for anything but the socket, so every send ends. Chosen when messages are large or many,
//!   and when several threads of one process share the socket. It costs a thread hand-over a message.

use super::channel::{self, ChannelPort};
use super::link::{Link, Payload, Received, number_of};
use super::spin::Spinning;
use super::start::{Origin, Own, Starter, Transport, elsewhere};
use super::{Placement, Port, TransportError, WaitPolicy, Wiring, wire};
use crate::observe::cpu::ThreadClock;
use crate::workload::{Message, Topology};
use crossbeam_channel::Sender;
use ipc_channel::ipc::{self, IpcBytesReceiver, IpcBytesSender, IpcReceiver, IpcSender};
use ipc_channel::{IpcError, TryRecvError};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair, sockopt};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::io::Write;
use std::sync::Arc;

/// What a socket's buffer is charged for one message beyond its bytes: kernel bookkeeping (measured:
/// some 770 bytes for a small message) and our addressing, rounded up.
const OVERHEAD: usize = 1536;

/// Between processes, by ipc-channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipc(pub Parcel);

impl Transport for Ipc {
    fn start<S: Starter>(
        &self,
        own: &Own<'_>,
        from: Origin,
        starter: S,
    ) -> Result<S::Started, String> {
        let Origin::Introduced(socket, mut routes) = from else {
            return elsewhere("ipc");
        };
        let placement = own.wiring.placement;
        let number = placement.process_of(own.workers.start);
        let spins = own.wait == WaitPolicy::Spin;
        if own.is_hop {
            // A hop has two ends, each with a process of its own.
            let other = 1 - number;
            let to = routes.get_mut(other).and_then(Option::take);
            let to = to.ok_or("a hop needs a process for each end; use `forkscope run`")?;
            return Ok(starter.hops(vec![IpcLink::new(to, socket, other, spins)]));
        }
        if !is_pumped(number, own.wiring) {
            let port = DirectPort::new(socket, routes, placement);
            return Ok(match spins {
                true => starter.agents(vec![Spinning(port)]),
                false => starter.agents(vec![port]),
            });
        }
        let first = own.workers.start;
        let (locals, mailboxes) =
            channel::connect(own.workers.clone(), &placement, &own.wiring.topology);
        let (announce, announced) = std::sync::mpsc::channel();
        let forward = move || {
            let _ = announce.send(ThreadClock::of_this_thread());
            drop(announce);
            if let Err(e) = pump(&socket, &mailboxes, first, &placement) {
                // Not eprintln!, which panics when nobody reads.
                let why = format!("forkscope: worker process {number}: {e}\n");
                let _ = std::io::stderr().write_all(why.as_bytes());
                // Without its pump the worker would wait for ever.
                std::process::abort();
            }
        };
        let pump = std::thread::Builder::new().name("pump".to_owned());
        pump.spawn(forward)
            .map_err(|e| format!("start the pump thread: {e}"))?;
        if let Ok(helper) = announced.recv() {
            starter.helped_by(helper);
        }
        let routes = Arc::new(routes);
        let port = |local| PumpedPort::new(local, routes.clone(), placement);
        let ports = locals.into_iter().map(port);
        Ok(match spins {
            true => starter.agents(ports.map(Spinning).collect()),
            false => starter.agents(ports.collect()),
        })
    }

    fn mailbox(&self, is_hop: bool) -> Option<Content> {
        Some(match is_hop {
            true => Content::Payloads(self.0),
            false => Content::Messages(self.0),
        })
    }

    fn is_pumped(&self, wiring: &Wiring) -> bool {
        (0..wiring.placement.processes()).any(|process| is_pumped(process, wiring))
    }

    fn descriptors_of_a_way(&self) -> Option<usize> {
        Some(1)
    }
}

/// Whether a process needs a pump: several threads share its socket, or not all that is under way to it fits there.
fn is_pumped(process: usize, wiring: &Wiring) -> bool {
    let Wiring {
        placement,
        topology,
        message_bytes,
        ..
    } = wiring;
    placement.threads_each() > 1 || !fits_buffer(process, placement, topology, *message_bytes)
}

/// What is in a message of ipc-channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parcel {
    /// A typed value, which it serialises.
    Typed,
    /// Bytes as they lie in memory.
    Bytes,
}

/// How a process is reached, by what comes to it.
#[derive(Clone, Serialize, Deserialize)]
pub enum Mailbox {
    /// Messages of agents, serialised.
    Messages(IpcSender<Box<Message>>),
    /// Numbers, serialised.
    Numbers(IpcSender<Numbers>),
    /// Anything, as bytes.
    Bytes(IpcBytesSender),
}

/// Where a process receives.
pub enum Socket {
    /// From [`Mailbox::Messages`].
    Messages(IpcReceiver<Box<Message>>),
    /// From [`Mailbox::Numbers`].
    Numbers(IpcReceiver<Numbers>),
    /// From [`Mailbox::Bytes`].
    Bytes(IpcBytesReceiver),
}

/// Numbers that are sent from where they are and received into a buffer of their own.
pub struct Numbers(Arc<Vec<f64>>);

impl Serialize for Numbers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_slice().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Numbers, D::Error> {
        Vec::deserialize(deserializer).map(|numbers| Numbers(Arc::new(numbers)))
    }
}

/// What is sent to a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Messages of agents.
    Messages(Parcel),
    /// The messages of a [`Link`].
    Payloads(Parcel),
}

/// Makes the socket at which a process receives `content`, and the way to it.
///
/// # Errors
/// What the system says.
pub fn open(content: Content) -> std::io::Result<(Mailbox, Socket)> {
    Ok(match content {
        Content::Messages(Parcel::Typed) => {
            let (mailbox, socket) = ipc::channel()?;
            (Mailbox::Messages(mailbox), Socket::Messages(socket))
        }
        Content::Payloads(Parcel::Typed) => {
            let (mailbox, socket) = ipc::channel()?;
            (Mailbox::Numbers(mailbox), Socket::Numbers(socket))
        }
        Content::Messages(Parcel::Bytes) | Content::Payloads(Parcel::Bytes) => {
            let (mailbox, socket) = ipc::bytes_channel()?;
            (Mailbox::Bytes(mailbox), Socket::Bytes(socket))
        }
    })
}

/// Ways to other processes, by process.
pub type Routes = Vec<Option<Mailbox>>;

/// Whether all that can be under way to one process fits half of its socket's buffer.
#[must_use]
pub fn fits_buffer(
    process: usize,
    placement: &Placement,
    topology: &Topology,
    message_bytes: usize,
) -> bool {
    let own = placement.agents_of_process(process);
    let links = own
        .clone()
        .flat_map(|agent| topology.of(agent))
        .filter(|&&from| !own.contains(&(from as usize)))
        .count();
    // The kernel rounds a message's memory up to a power of two.
    2 * links * (message_bytes + OVERHEAD).next_power_of_two() <= send_buffer() / 2
}

/// Bytes that the kernel lets be under way on a socket, as one says; a cautious guess where there is none.
fn send_buffer() -> usize {
    let pair = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    );
    pair.and_then(|(socket, _)| sockopt::socket_send_buffer_size(socket))
        .unwrap_or(16 * 1024)
}

/// A message where another kind is carried: a mistake of who connected the two.
fn wrong_kind() -> TransportError {
    TransportError::Damaged("another kind of message is carried here".to_owned())
}

fn unreadable(error: IpcError) -> TransportError {
    TransportError::Damaged(error.to_string())
}

fn unpack(bytes: &[u8]) -> Result<Box<Message>, TransportError> {
    let mut message = Box::default();
    wire::read(bytes, &mut message).map(|()| message)
}

impl Socket {
    fn receive(&self) -> Result<Box<Message>, TransportError> {
        self.next().map_err(unreadable)?
    }

    /// The next message, or why nothing can be received; a message that cannot be read is in the inner
    /// result.
    fn next(&self) -> Result<Result<Box<Message>, TransportError>, IpcError> {
        match self {
            Socket::Messages(socket) => socket.recv().map(Ok),
            Socket::Bytes(socket) => Ok(unpack(&socket.recv()?)),
            Socket::Numbers(_) => Ok(Err(wrong_kind())),
        }
    }

    fn try_receive(&self) -> Result<Option<Box<Message>>, TransportError> {
        let received = match self {
            Socket::Messages(socket) => socket.try_recv(),
            Socket::Bytes(socket) => match socket.try_recv() {
                Ok(bytes) => return unpack(&bytes).map(Some),
                Err(e) => Err(e),
            },
            Socket::Numbers(_) => return Err(wrong_kind()),
        };
        match received {
            Ok(message) => Ok(Some(message)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::IpcError(e)) => Err(unreadable(e)),
        }
    }
}

/// Ways to other processes, with who lives where.
struct Outlets {
    routes: Arc<Routes>,
    placement: Placement,
    /// Where a message is laid out that is carried as bytes.
    buffer: Vec<u8>,
}

impl Outlets {
    fn send(&mut self, worker: usize, message: Box<Message>) -> Result<(), TransportError> {
        let route = self.routes.get(self.placement.process_of(worker));
        let route = route.and_then(Option::as_ref);
        let refused = |why: String| TransportError::Refused { worker, why };
        match route.ok_or(TransportError::NoRoute { worker })? {
            Mailbox::Messages(to) => to.send(message).map_err(|e| refused(e.to_string())),
            Mailbox::Bytes(to) => {
                self.buffer.resize(wire::bytes(&message), 0);
                wire::write(&message, &mut self.buffer);
                to.send(&self.buffer).map_err(|e| refused(e.to_string()))
            }
            Mailbox::Numbers(_) => Err(wrong_kind()),
        }
    }
}

/// A worker that reads its process's socket itself.
pub struct DirectPort {
    socket: Socket,
    outlets: Outlets,
}

impl DirectPort {
    /// Receives at `socket`, and sends by `routes`.
    #[must_use]
    pub fn new(socket: Socket, routes: Routes, placement: Placement) -> DirectPort {
        DirectPort {
            socket,
            outlets: Outlets {
                routes: Arc::new(routes),
                placement,
                buffer: Vec::new(),
            },
        }
    }
}

impl Port for DirectPort {
    fn send(&mut self, worker: usize, message: Box<Message>) -> Result<(), TransportError> {
        self.outlets.send(worker, message)
    }

    fn try_receive(&mut self) -> Result<Option<Box<Message>>, TransportError> {
        self.socket.try_receive()
    }

    fn receive(&mut self) -> Result<Box<Message>, TransportError> {
        self.socket.receive()
    }
}

/// A worker whose messages from other processes arrive through a pump.
pub struct PumpedPort {
    /// Mailbox, and the way to the threads of the same process.
    local: ChannelPort,
    outlets: Outlets,
}

impl PumpedPort {
    /// Receives at `local`, and sends by it or by `routes`.
    #[must_use]
    pub fn new(local: ChannelPort, routes: Arc<Routes>, placement: Placement) -> PumpedPort {
        PumpedPort {
            local,
            outlets: Outlets {
                routes,
                placement,
                buffer: Vec::new(),
            },
        }
    }
}

impl Port for PumpedPort {
    fn send(&mut self, worker: usize, message: Box<Message>) -> Result<(), TransportError> {
        if self.local.reaches(worker) {
            return self.local.send(worker, message);
        }
        self.outlets.send(worker, message)
    }

    fn try_receive(&mut self) -> Result<Option<Box<Message>>, TransportError> {
        self.local.try_receive()
    }

    fn receive(&mut self) -> Result<Box<Message>, TransportError> {
        self.local.receive()
    }
}

/// Moves messages from the socket to the mailboxes of this process's workers until all senders are
/// gone. Run by a thread of its own.
///
/// # Errors
/// [`TransportError::Damaged`] when a message cannot be read.
pub fn pump(
    socket: &Socket,
    mailboxes: &[Sender<Box<Message>>],
    first_worker: usize,
    placement: &Placement,
) -> Result<(), TransportError> {
    loop {
        let message = match socket.next() {
            Ok(message) => message?,
            Err(IpcError::Disconnected) => return Ok(()),
            Err(e) => return Err(unreadable(e)),
        };
        let worker = placement.worker_of(message.to as usize);
        let Some(mailbox) = worker
            .checked_sub(first_worker)
            .and_then(|i| mailboxes.get(i))
        else {
            return Err(TransportError::Damaged(format!(
                "it is for agent {}, who lives elsewhere",
                message.to
            )));
        };
        if mailbox.send(message).is_err() {
            return Ok(());
        }
    }
}

/// One end of a link between two processes.
pub struct IpcLink {
    to: Mailbox,
    from: Socket,
    /// The worker at the other end.
    other: usize,
    spins: bool,
    /// The message as it is sent.
    numbers: Arc<Vec<f64>>,
    bytes: Vec<u8>,
}

impl IpcLink {
    /// Sends to `to` and receives at `from`; `other` is the worker at the other end.
    #[must_use]
    pub fn new(to: Mailbox, from: Socket, other: usize, spins: bool) -> IpcLink {
        IpcLink {
            to,
            from,
            other,
            spins,
            numbers: Arc::new(Vec::new()),
            bytes: Vec::new(),
        }
    }

    fn failed(&self, error: IpcError) -> TransportError {
        match error {
            IpcError::Disconnected => TransportError::Gone { worker: self.other },
            e => unreadable(e),
        }
    }
}

/// Receives by sleeping, or by asking again and again.
fn next<T>(
    spins: bool,
    receive: impl Fn() -> Result<T, IpcError>,
    try_receive: impl Fn() -> Result<T, TryRecvError>,
) -> Result<T, IpcError> {
    if !spins {
        return receive();
    }
    loop {
        match try_receive() {
            Ok(message) => return Ok(message),
            Err(TryRecvError::Empty) => std::hint::spin_loop(),
            Err(TryRecvError::IpcError(e)) => return Err(e),
        }
    }
}

impl Link for IpcLink {
    fn send(&mut self, sequence: u64, payload: &Payload) -> Result<(), TransportError> {
        let sent = match &self.to {
            Mailbox::Numbers(to) => {
                // Nobody else has it: what was sent was serialised and given back.
                let numbers = Arc::make_mut(&mut self.numbers);
                if numbers.len() != payload.numbers().len() {
                    *numbers = payload.numbers().to_vec();
                }
                numbers[0] = number_of(sequence);
                let numbers = Numbers(self.numbers.clone());
                to.send(numbers).map_err(|e| e.to_string())
            }
            Mailbox::Bytes(to) => {
                if self.bytes.len() != payload.bytes().len() {
                    self.bytes = payload.bytes().to_vec();
                }
                self.bytes[..size_of::<u64>()].copy_from_slice(&sequence.to_ne_bytes());
                to.send(&self.bytes).map_err(|e| e.to_string())
            }
            Mailbox::Messages(_) => return Err(wrong_kind()),
        };
        let worker = self.other;
        sent.map_err(|why| TransportError::Refused { worker, why })
    }

    fn receive(&mut self) -> Result<Received, TransportError> {
        match &self.from {
            Socket::Numbers(from) => {
                let numbers = next(self.spins, || from.recv(), || from.try_recv());
                Received::read_numbers(&numbers.map_err(|e| self.failed(e))?.0)
            }
            Socket::Bytes(from) => {
                let bytes = next(self.spins, || from.recv(), || from.try_recv());
                Received::read(&bytes.map_err(|e| self.failed(e))?)
            }
            Socket::Messages(_) => Err(wrong_kind()),
        }
    }

    fn try_receive(&mut self) -> Result<Option<Received>, TransportError> {
        let read = match &self.from {
            Socket::Numbers(from) => from.try_recv().map(|n| Received::read_numbers(&n.0)),
            Socket::Bytes(from) => from.try_recv().map(|bytes| Received::read(&bytes)),
            Socket::Messages(_) => return Err(wrong_kind()),
        };
        match read {
            Ok(received) => received.map(Some),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::IpcError(e)) => Err(self.failed(e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::link::LAST;
    use super::*;

    #[test]
    fn every_sequence_number_arrives_as_it_was_sent() {
        let payload = Payload::new(64, 7);
        // Beyond 2⁵³ lie the ticks of a machine that has been up for a month; some have the bits of a NaN.
        let numbers = [0, (1 << 53) + 1, (1 << 63) + 1, 0x7ff0_0000_0000_0001, LAST];
        for parcel in [Parcel::Typed, Parcel::Bytes] {
            let (to, from) = open(Content::Payloads(parcel)).unwrap();
            let mut link = IpcLink::new(to, from, 1, false);
            for sequence in numbers {
                Link::send(&mut link, sequence, &payload).unwrap();
                let received = Link::receive(&mut link).unwrap();
                assert_eq!(received, payload.call(sequence), "{parcel:?}");
            }
        }
    }
}
