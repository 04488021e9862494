//! How a message travels from one worker to another.
//!
//! The worker loop knows a [`Port`]: it sends to workers and receives what is for its own agents.
//! Messages between agents of one worker never touch a port.
//!
//! Each transport states its [`WaitPolicy`]: what a worker does that has nothing to do until a
//! message comes. It outweighs threads against processes by far, so no comparison is shown without
//! it.
//!
//! # How to add a transport
//!
//! 1. Write `src/transport/NAME.rs` with a [`Port`], by which agents exchange messages, a [`Link`], by which one hop
//!    is measured, and a [`Transport`], which connects workers by them and starts them.
//! 2. Add it to [`Carrier`], and one line to [`REGISTRY`].
//!
//! `forkscope list`, `--transport`, the parity tests and the table of message costs iterate the registry.

mod carrier;
pub mod channel;
mod choice;
pub mod ipc;
pub mod link;
pub mod pipe;
pub mod ring;
pub mod sealed;
pub mod socket;
pub mod spin;
pub mod start;
pub mod stream;
pub mod wire;

pub use crate::record::Placement;
pub use carrier::Carrier;
pub use choice::{Asked, Choice};
pub use link::Link;
pub use start::Transport;

use crate::record::Kind;
use crate::workload::{Message, Spec, Topology};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What waits, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitPolicy {
    /// Busy until a message comes.
    Spin,
    /// Busy for a moment, then asleep.
    Adaptive,
    /// Asleep at once.
    Park,
}

impl WaitPolicy {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            WaitPolicy::Spin => "spin",
            WaitPolicy::Adaptive => "adaptive",
            WaitPolicy::Park => "park",
        }
    }
}

/// Why a message could not be sent or received.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The other end is gone.
    #[error("worker {worker} is gone")]
    Gone {
        /// Worker at the other end.
        worker: usize,
    },
    /// Every sender is gone.
    #[error("every neighbour is gone")]
    AllGone,
    /// There is no way to that worker.
    #[error("worker {worker} was never connected")]
    NoRoute {
        /// Worker asked for.
        worker: usize,
    },
    /// The operating system or the library refused.
    #[error("message to worker {worker}: {why}")]
    Refused {
        /// Worker at the other end.
        worker: usize,
        /// What it said.
        why: String,
    },
    /// A message arrived damaged.
    #[error("a message arrived that cannot be read: {0}")]
    Damaged(String),
}

/// One worker's way to the others, and its mailbox.
///
/// No more than two messages are ever under way from one agent to another (a neighbour can be one
/// round ahead), so a port with room for that much never blocks in `send`.
pub trait Port {
    /// Sends a message to the worker that hosts its receiver.
    ///
    /// # Errors
    /// [`TransportError`] when the other end is gone or the system refuses.
    fn send(&mut self, worker: usize, message: Box<Message>) -> Result<(), TransportError>;

    /// Takes a message, if one is there.
    ///
    /// # Errors
    /// [`TransportError`] when all senders are gone or the message is damaged.
    fn try_receive(&mut self) -> Result<Option<Box<Message>>, TransportError>;

    /// Takes a message; waits for one by the transport's policy.
    ///
    /// # Errors
    /// [`TransportError`] when all senders are gone or the message is damaged.
    fn receive(&mut self) -> Result<Box<Message>, TransportError>;

    /// Waits until everything that was sent is on its way without this worker's help: called before it
    /// stops looking for messages. Most transports have nothing to do here.
    ///
    /// # Errors
    /// [`TransportError`] when the other end is gone.
    fn settle(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
}

/// Messages from one agent to another that can be under way at a time: a neighbour can be one round ahead.
pub const ROUNDS_UNDER_WAY: usize = 2;

/// Who writes to whom, and how much: all that a transport needs to know to connect workers.
#[derive(Clone, Debug)]
pub struct Wiring {
    /// Who lives where.
    pub placement: Placement,
    /// Who writes to whom.
    pub topology: Arc<Topology>,
    /// Bytes of belief and payload of a message at most.
    pub message_bytes: usize,
    /// Messages from one agent to another that can be under way at a time; who sends more waits.
    pub under_way: usize,
}

impl Wiring {
    /// Of so many agents of a workload, placed so.
    #[must_use]
    pub fn of(spec: &dyn Spec, agents: usize, placement: Placement) -> Wiring {
        Wiring {
            placement,
            topology: Arc::new(spec.topology(agents)),
            message_bytes: spec.message_bytes(),
            under_way: spec.hop().map_or(ROUNDS_UNDER_WAY, |hop| hop.under_way()),
        }
    }
}

/// A port for workers that have nobody to talk to.
pub struct Silent;

impl Port for Silent {
    fn send(&mut self, worker: usize, _message: Box<Message>) -> Result<(), TransportError> {
        Err(TransportError::NoRoute { worker })
    }

    fn try_receive(&mut self) -> Result<Option<Box<Message>>, TransportError> {
        Ok(None)
    }

    fn receive(&mut self) -> Result<Box<Message>, TransportError> {
        Err(TransportError::AllGone)
    }
}

/// One line of the registry.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Name on the command line, in tables and records.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// What a worker does that waits for a message.
    pub wait: WaitPolicy,
    /// How it works.
    pub carrier: Carrier,
    /// Whom it serves: `None` is everybody.
    pub serves_only: Option<Kind>,
    /// What it is for.
    pub purpose: Purpose,
}

/// What a transport is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Agents talk by it, and hops are measured.
    Agents,
    /// Only hops are measured by it, to take another transport's price apart.
    Hops,
    /// A deployment takes it by itself where it has to.
    Fallback,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.name == other.name
    }
}

impl Eq for Entry {}

impl Entry {
    /// Whether workers of this kind can use it.
    #[must_use]
    pub fn serves(&self, kind: Kind) -> bool {
        self.serves_only.is_none_or(|k| k == kind)
    }

    /// What the messages of so wired workers really travel by: this, or, where it has to be, the same with a pump.
    #[must_use]
    pub fn taken(&'static self, wiring: &Wiring) -> &'static Entry {
        match self.carrier.is_pumped(wiring) {
            true => self.pumped(),
            false => self,
        }
    }

    /// This transport of ipc-channel with a pump between socket and worker.
    ///
    /// # Panics
    /// When it is none of ipc-channel.
    #[must_use]
    pub fn pumped(&self) -> &'static Entry {
        let name = format!("{}+channel", self.name);
        find(&name).unwrap_or_else(|| panic!("no transport is called {name}"))
    }
}

/// Every transport there is.
pub const REGISTRY: &[Entry] = &[
    Entry {
        name: "channel",
        about: "crossbeam-channel between threads; moves ownership of a buffer (native to threads)",
        wait: WaitPolicy::Adaptive,
        carrier: Carrier::Channel(channel::Channel),
        serves_only: Some(Kind::Threads),
        purpose: Purpose::Agents,
    },
    Entry {
        name: "channel:spin",
        about: "the same; a worker that waits asks again and again",
        wait: WaitPolicy::Spin,
        carrier: Carrier::Channel(channel::Channel),
        serves_only: Some(Kind::Threads),
        purpose: Purpose::Agents,
    },
    Entry {
        name: "channel:arc",
        about: "crossbeam-channel; hands over a reference (Arc), so that nothing is copied (hops only)",
        wait: WaitPolicy::Adaptive,
        carrier: Carrier::SharedChannel(channel::SharedChannel),
        serves_only: Some(Kind::Threads),
        purpose: Purpose::Hops,
    },
    Entry {
        name: "channel:arc:spin",
        about: "the same; a worker that waits asks again and again",
        wait: WaitPolicy::Spin,
        carrier: Carrier::SharedChannel(channel::SharedChannel),
        serves_only: Some(Kind::Threads),
        purpose: Purpose::Hops,
    },
    Entry {
        name: "ipc",
        about: "ipc-channel between processes; serialises the message (native to processes)",
        wait: WaitPolicy::Park,
        carrier: Carrier::Ipc(ipc::Ipc(ipc::Parcel::Typed)),
        serves_only: Some(Kind::Processes),
        purpose: Purpose::Agents,
    },
    Entry {
        name: "ipc:bytes",
        about: "ipc-channel that carries bytes as they lie in memory; serialises nothing",
        wait: WaitPolicy::Park,
        carrier: Carrier::Ipc(ipc::Ipc(ipc::Parcel::Bytes)),
        serves_only: Some(Kind::Processes),
        purpose: Purpose::Agents,
    },
    Entry {
        name: "ipc:bytes:spin",
        about: "the same; a worker that waits asks again and again",
        wait: WaitPolicy::Spin,
        carrier: Carrier::Ipc(ipc::Ipc(ipc::Parcel::Bytes)),
        serves_only: Some(Kind::Processes),
        purpose: Purpose::Agents,
    },
    Entry {
        name: "ring",
        about: "a ring in shared memory, the same code between threads and between processes; looks for a moment, then sleeps",
        wait: WaitPolicy::Adaptive,
        carrier: Carrier::Ring(ring::Rings),
        serves_only: None,
        purpose: Purpose::Agents,
    },
    Entry {
        name: "ring:spin",
        about: "the same ring; a worker that waits never sleeps",
        wait: WaitPolicy::Spin,
        carrier: Carrier::Ring(ring::Rings),
        serves_only: None,
        purpose: Purpose::Agents,
    },
    Entry {
        name: "ring:park",
        about: "the same ring; a worker that waits sleeps at once",
        wait: WaitPolicy::Park,
        carrier: Carrier::Ring(ring::Rings),
        serves_only: None,
        purpose: Purpose::Agents,
    },
    Entry {
        name: "socket",
        about: "a Unix stream socket between any two workers that talk",
        wait: WaitPolicy::Park,
        carrier: Carrier::Socket(socket::Sockets),
        serves_only: None,
        purpose: Purpose::Agents,
    },
    Entry {
        name: "pipe",
        about: "two pipes between any two workers that talk",
        wait: WaitPolicy::Park,
        carrier: Carrier::Pipe(pipe::Pipes),
        serves_only: None,
        purpose: Purpose::Agents,
    },
    Entry {
        name: "ipc+channel",
        about: "ipc-channel read by a pump thread, which hands over by crossbeam-channel (taken where it must be: mixes, large or many messages)",
        wait: WaitPolicy::Adaptive,
        carrier: Carrier::Ipc(ipc::Ipc(ipc::Parcel::Typed)),
        serves_only: Some(Kind::Processes),
        purpose: Purpose::Fallback,
    },
    Entry {
        name: "ipc:bytes+channel",
        about: "the same of bytes as they lie in memory",
        wait: WaitPolicy::Adaptive,
        carrier: Carrier::Ipc(ipc::Ipc(ipc::Parcel::Bytes)),
        serves_only: Some(Kind::Processes),
        purpose: Purpose::Fallback,
    },
    Entry {
        name: "ipc:bytes:spin+channel",
        about: "the same; a worker that waits asks the channel again and again",
        wait: WaitPolicy::Spin,
        carrier: Carrier::Ipc(ipc::Ipc(ipc::Parcel::Bytes)),
        serves_only: Some(Kind::Processes),
        purpose: Purpose::Fallback,
    },
];

/// Finds a registered transport by name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    REGISTRY.iter().find(|e| e.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::topology::Shape;

    #[test]
    fn every_transport_of_ipc_channel_has_a_pumped_one_that_spins_when_it_does() {
        let chosen = REGISTRY.iter().filter(|e| e.purpose != Purpose::Fallback);
        let of_ipc = chosen.filter(|e| matches!(e.carrier, Carrier::Ipc(_)));
        let mut pumped = Vec::new();
        for entry in of_ipc {
            let other = entry.pumped();
            assert_eq!(
                (other.carrier, other.serves_only),
                (entry.carrier, entry.serves_only)
            );
            assert_eq!(
                other.wait == WaitPolicy::Spin,
                entry.wait == WaitPolicy::Spin
            );
            pumped.push(other.name);
        }
        let expected = ["ipc+channel", "ipc:bytes+channel", "ipc:bytes:spin+channel"];
        assert_eq!(pumped, expected);
    }

    #[test]
    fn everybodys_turn_comes_where_one_has_more_to_say() {
        let wiring = Wiring {
            placement: Placement::on_threads(3, 3),
            topology: Arc::new(Topology::new(Shape::Star, None, 3)),
            message_bytes: 0,
            under_way: 2,
        };
        let mut streams = stream::Streams::create(&wiring, socket::KIND.make).unwrap();
        let by_stream =
            (0..3).map(|w| Box::new(streams.port(w, &wiring).unwrap()) as Box<dyn Port>);
        let segment = ring::segment::Segment::create(ring::segment::Layout::new(&wiring)).unwrap();
        let by_ring = (0..3).map(|own| {
            // SAFETY: one port for each worker.
            let port =
                unsafe { ring::RingPort::new(own, segment.clone(), WaitPolicy::Park, false) };
            Box::new(port) as Box<dyn Port>
        });
        for mut ports in [by_stream.collect::<Vec<_>>(), by_ring.collect()] {
            for from in [1, 1, 2, 2] {
                let message = Message {
                    from,
                    ..Message::default()
                };
                ports[from as usize].send(0, Box::new(message)).unwrap();
            }
            let mut next = || ports[0].receive().unwrap().from;
            assert_eq!([next(), next(), next(), next()], [1, 2, 1, 2]);
        }
    }
}
