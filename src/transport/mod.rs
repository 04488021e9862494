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
//! 1. Write `src/transport/NAME.rs` with a [`Port`], by which agents exchange messages, and a
//!    [`Link`], by which one hop is measured.
//! 2. Add one line to [`REGISTRY`], with a [`Means`] of its own.
//! 3. Say what workers share before they start ([`Shared`]), and connect it where a process builds
//!    the ports of its workers (`deployment/local.rs`). The compiler asks for both.
//!
//! `forkscope list`, `--transport`, the parity tests and the table of message costs iterate the registry.

pub mod channel;
pub mod ipc;
pub mod link;
pub mod pipe;
pub mod ring;
pub mod sealed;
pub mod shared;
pub mod socket;
pub mod spin;
pub mod stream;
pub mod wire;

pub use crate::record::Placement;
pub use link::Link;
pub use shared::Shared;

use crate::record::Kind;
use crate::workload::{Message, Topology};
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

/// By which means a transport carries messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// A channel that moves ownership of a buffer.
    Channel,
    /// A channel that hands over a shared reference.
    SharedChannel,
    /// A socket of ipc-channel, and what is in a message.
    Ipc(ipc::Parcel),
    /// A ring in shared memory.
    Ring,
    /// A stream socket.
    Socket,
    /// Pipes.
    Pipe,
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
    pub means: Means,
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
        means: Means::Channel,
        serves_only: Some(Kind::Threads),
        purpose: Purpose::Agents,
    },
    Entry {
        name: "channel:spin",
        about: "the same; a worker that waits asks again and again",
        wait: WaitPolicy::Spin,
        means: Means::Channel,
        serves_only: Some(Kind::Threads),
        purpose: Purpose::Agents,
    },
    Entry {
        name: "channel:arc",
        about: "crossbeam-channel; hands over a reference (Arc), so that nothing is copied (hops only)",
        wait: WaitPolicy::Adaptive,
        means: Means::SharedChannel,
        serves_only: Some(Kind::Threads),
        purpose: Purpose::Hops,
    },
    Entry {
        name: "channel:arc:spin",
        about: "the same; a worker that waits asks again and again",
        wait: WaitPolicy::Spin,
        means: Means::SharedChannel,
        serves_only: Some(Kind::Threads),
        purpose: Purpose::Hops,
    },
    Entry {
        name: "ipc",
        about: "ipc-channel between processes; serialises the message (native to processes)",
        wait: WaitPolicy::Park,
        means: Means::Ipc(ipc::Parcel::Typed),
        serves_only: Some(Kind::Processes),
        purpose: Purpose::Agents,
    },
    Entry {
        name: "ipc:bytes",
        about: "ipc-channel that carries bytes as they lie in memory; serialises nothing",
        wait: WaitPolicy::Park,
        means: Means::Ipc(ipc::Parcel::Bytes),
        serves_only: Some(Kind::Processes),
        purpose: Purpose::Agents,
    },
    Entry {
        name: "ipc:bytes:spin",
        about: "the same; a worker that waits asks again and again",
        wait: WaitPolicy::Spin,
        means: Means::Ipc(ipc::Parcel::Bytes),
        serves_only: Some(Kind::Processes),
        purpose: Purpose::Agents,
    },
    Entry {
        name: "ring",
        about: "a ring in shared memory, the same code between threads and between processes; looks for a moment, then sleeps",
        wait: WaitPolicy::Adaptive,
        means: Means::Ring,
        serves_only: None,
        purpose: Purpose::Agents,
    },
    Entry {
        name: "ring:spin",
        about: "the same ring; a worker that waits never sleeps",
        wait: WaitPolicy::Spin,
        means: Means::Ring,
        serves_only: None,
        purpose: Purpose::Agents,
    },
    Entry {
        name: "ring:park",
        about: "the same ring; a worker that waits sleeps at once",
        wait: WaitPolicy::Park,
        means: Means::Ring,
        serves_only: None,
        purpose: Purpose::Agents,
    },
    Entry {
        name: "socket",
        about: "a Unix stream socket between any two workers that talk",
        wait: WaitPolicy::Park,
        means: Means::Socket,
        serves_only: None,
        purpose: Purpose::Agents,
    },
    Entry {
        name: "pipe",
        about: "two pipes between any two workers that talk",
        wait: WaitPolicy::Park,
        means: Means::Pipe,
        serves_only: None,
        purpose: Purpose::Agents,
    },
    Entry {
        name: "ipc+channel",
        about: "ipc-channel read by a pump thread, which hands over by crossbeam-channel (taken where it must be: mixes, large or many messages)",
        wait: WaitPolicy::Adaptive,
        means: Means::Ipc(ipc::Parcel::Typed),
        serves_only: Some(Kind::Processes),
        purpose: Purpose::Fallback,
    },
    Entry {
        name: "ipc:bytes+channel",
        about: "the same of bytes as they lie in memory",
        wait: WaitPolicy::Adaptive,
        means: Means::Ipc(ipc::Parcel::Bytes),
        serves_only: Some(Kind::Processes),
        purpose: Purpose::Fallback,
    },
    Entry {
        name: "ipc:bytes:spin+channel",
        about: "the same; a worker that waits asks the channel again and again",
        wait: WaitPolicy::Spin,
        means: Means::Ipc(ipc::Parcel::Bytes),
        serves_only: Some(Kind::Processes),
        purpose: Purpose::Fallback,
    },
];

/// How the messages of a run shall travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Choice {
    /// By what is native to each deployment: channel between threads, ipc between processes.
    #[default]
    Native,
    /// By this one.
    Named(&'static Entry),
}

/// What stands for [`Choice::Native`].
const NATIVE: &str = "native";

impl std::str::FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Choice, String> {
        if text == NATIVE {
            return Ok(Choice::Native);
        }
        match find(text) {
            Some(entry) if entry.purpose != Purpose::Fallback => Ok(Choice::Named(entry)),
            _ => {
                let of_agents = REGISTRY.iter().filter(|e| e.purpose == Purpose::Agents);
                let names: Vec<&str> = of_agents.map(|e| e.name).collect();
                Err(format!(
                    "there is no transport \"{text}\"; there are {NATIVE}, {}",
                    names.join(", ")
                ))
            }
        }
    }
}

impl TryFrom<String> for Choice {
    type Error = String;

    fn try_from(text: String) -> Result<Choice, String> {
        text.parse()
    }
}

impl From<Choice> for String {
    fn from(choice: Choice) -> String {
        match choice {
            Choice::Native => NATIVE,
            Choice::Named(entry) => entry.name,
        }
        .to_owned()
    }
}

impl Choice {
    /// The transport of workers of this kind.
    #[must_use]
    pub fn of(self, kind: Kind) -> &'static Entry {
        let native = match kind {
            Kind::Threads => "channel",
            Kind::Processes => "ipc",
        };
        match self {
            Choice::Native => find(native).expect("native transports are registered"),
            Choice::Named(entry) => entry,
        }
    }

    /// A registered transport.
    ///
    /// # Panics
    /// When there is none of that name.
    #[must_use]
    pub fn named(name: &str) -> Choice {
        Choice::Named(find(name).unwrap_or_else(|| panic!("no transport is called {name}")))
    }
}

/// What a run asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// One, of each deployment its own where it is the native one.
    One(Choice),
    /// The native ones, and what the others would cost.
    All,
}

impl Asked {
    /// The one by which deployments are compared.
    #[must_use]
    pub fn compared(self) -> Choice {
        match self {
            Asked::One(choice) => choice,
            Asked::All => Choice::Native,
        }
    }
}

impl std::str::FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Asked, String> {
        match text {
            "all" => Ok(Asked::All),
            one => match one.parse() {
                Ok(choice) => Ok(Asked::One(choice)),
                Err(why) => Err(format!("{why}; all is every one of them")),
            },
        }
    }
}

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
        let of_ipc = chosen.filter(|e| matches!(e.means, Means::Ipc(_)));
        let mut pumped = Vec::new();
        for entry in of_ipc {
            let other = entry.pumped();
            assert_eq!(
                (other.means, other.serves_only),
                (entry.means, entry.serves_only)
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
        let mut streams = stream::Streams::create(&wiring, socket::way).unwrap();
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
