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

use super::channel::ChannelPort;
use super::{Placement, Port, TransportError};
use crate::workload::{Message, Topology};
use crossbeam_channel::Sender;
use ipc_channel::TryRecvError;
use ipc_channel::ipc::{IpcReceiver, IpcSender};

/// What a socket's buffer is charged for one message beyond its bytes: kernel bookkeeping (measured:
/// some 770 bytes for a small message) and our addressing, rounded up.
const OVERHEAD: usize = 1536;

/// Senders to the mailboxes of other processes, by process.
pub type Routes = Vec<Option<IpcSender<Box<Message>>>>;

/// Whether all that can be under way to one process fits half of its socket's buffer.
#[must_use]
pub fn fits_buffer(
    process: usize,
    placement: &Placement,
    topology: &Topology,
    message_bytes: usize,
) -> bool {
    let workers = placement.workers_of(process);
    let own = placement.agents_of(workers.start).start..placement.agents_of(workers.end - 1).end;
    let links = own
        .clone()
        .flat_map(|agent| topology.of(agent))
        .filter(|&&from| !own.contains(&(from as usize)))
        .count();
    // The kernel rounds a message's memory up to a power of two.
    2 * links * (message_bytes + OVERHEAD).next_power_of_two() <= send_buffer() / 2
}

/// Bytes that the kernel lets be under way on a socket; a cautious guess where it does not say.
fn send_buffer() -> usize {
    let told = std::fs::read_to_string("/proc/sys/net/core/wmem_default").ok();
    told.and_then(|t| t.trim().parse().ok())
        .unwrap_or(16 * 1024)
}

/// A worker that reads its process's socket itself.
pub struct DirectPort {
    /// Messages for this process.
    pub mailbox: IpcReceiver<Box<Message>>,
    /// Ways to the other processes.
    pub routes: Routes,
    /// Who lives where.
    pub placement: Placement,
}

impl Port for DirectPort {
    fn send(&mut self, worker: usize, message: Box<Message>) -> Result<(), TransportError> {
        send(&self.routes, &self.placement, worker, message)
    }

    fn try_receive(&mut self) -> Result<Option<Box<Message>>, TransportError> {
        match self.mailbox.try_recv() {
            Ok(message) => Ok(Some(message)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::IpcError(e)) => Err(TransportError::Damaged(e.to_string())),
        }
    }

    fn receive(&mut self) -> Result<Box<Message>, TransportError> {
        self.mailbox
            .recv()
            .map_err(|e| TransportError::Damaged(e.to_string()))
    }
}

/// A worker whose messages from other processes arrive through a pump.
pub struct PumpedPort {
    /// Mailbox, and the way to the threads of the same process.
    pub local: ChannelPort,
    /// Ways to the other processes.
    pub routes: std::sync::Arc<Routes>,
    /// Who lives where.
    pub placement: Placement,
}

impl Port for PumpedPort {
    fn send(&mut self, worker: usize, message: Box<Message>) -> Result<(), TransportError> {
        if self.local.reaches(worker) {
            return self.local.send(worker, message);
        }
        send(&self.routes, &self.placement, worker, message)
    }

    fn try_receive(&mut self) -> Result<Option<Box<Message>>, TransportError> {
        self.local.try_receive()
    }

    fn receive(&mut self) -> Result<Box<Message>, TransportError> {
        self.local.receive()
    }
}

fn send(
    routes: &Routes,
    placement: &Placement,
    worker: usize,
    message: Box<Message>,
) -> Result<(), TransportError> {
    let route = routes
        .get(placement.process_of(worker))
        .and_then(Option::as_ref);
    let route = route.ok_or(TransportError::NoRoute { worker })?;
    route.send(message).map_err(|e| TransportError::Refused {
        worker,
        why: e.to_string(),
    })
}

/// Moves messages from the socket to the mailboxes of this process's workers until all senders are
/// gone. Run by a thread of its own.
///
/// # Errors
/// [`TransportError::Damaged`] when a message cannot be read.
pub fn pump(
    socket: &IpcReceiver<Box<Message>>,
    mailboxes: &[Sender<Box<Message>>],
    first_worker: usize,
    placement: &Placement,
) -> Result<(), TransportError> {
    loop {
        let message = match socket.recv() {
            Ok(message) => message,
            Err(ipc_channel::IpcError::Disconnected) => return Ok(()),
            Err(e) => return Err(TransportError::Damaged(e.to_string())),
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
