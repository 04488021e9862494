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
//! 1. Write `src/transport/NAME.rs` with a [`Port`].
//! 2. Add one line to [`REGISTRY`], and connect it where a deployment builds its ports.
//! 3. Where every deployment can use it, add it to [`Choice`], for `--transport`.

pub mod channel;
pub mod ipc;
pub mod placement;
pub mod ring;

pub use placement::Placement;

use crate::workload::Message;
use serde::{Deserialize, Serialize};

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
    /// Name in tables and records.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// What a worker does that waits for a message.
    pub wait: WaitPolicy,
}

/// Every transport there is.
pub const REGISTRY: &[Entry] = &[
    Entry {
        name: "channel",
        about: "crossbeam-channel between threads; moves ownership of the message (native to threads)",
        wait: WaitPolicy::Adaptive,
    },
    Entry {
        name: "ipc",
        about: "ipc-channel between processes; serialises the message (native to processes)",
        wait: WaitPolicy::Park,
    },
    Entry {
        name: "ring",
        about: "a ring in shared memory, the same code between threads and between processes; looks for a moment, then sleeps",
        wait: WaitPolicy::Adaptive,
    },
    Entry {
        name: "ring:spin",
        about: "the same ring; a worker that waits never sleeps",
        wait: WaitPolicy::Spin,
    },
    Entry {
        name: "ring:park",
        about: "the same ring; a worker that waits sleeps at once",
        wait: WaitPolicy::Park,
    },
    Entry {
        name: "ipc+channel",
        about: "ipc-channel read by a pump thread, which hands over by crossbeam-channel (mixes; large or many messages)",
        wait: WaitPolicy::Adaptive,
    },
];

/// How the messages of a run shall travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// By what is native to each deployment: channel between threads, ipc between processes.
    #[default]
    Native,
    /// By the ring, in every deployment.
    Ring(WaitPolicy),
}

impl std::str::FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Choice, String> {
        match text {
            "native" => Ok(Choice::Native),
            "ring" => Ok(Choice::Ring(WaitPolicy::Adaptive)),
            "ring:spin" => Ok(Choice::Ring(WaitPolicy::Spin)),
            "ring:park" => Ok(Choice::Ring(WaitPolicy::Park)),
            other => Err(format!(
                "\"{other}\" is not a transport that every deployment has; there are native, ring, ring:spin and ring:park"
            )),
        }
    }
}

impl Choice {
    /// Its name in the registry; `None` where each deployment has its own.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Choice::Native => None,
            Choice::Ring(WaitPolicy::Adaptive) => Some("ring"),
            Choice::Ring(WaitPolicy::Spin) => Some("ring:spin"),
            Choice::Ring(WaitPolicy::Park) => Some("ring:park"),
        }
    }
}

/// Finds a registered transport by name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    REGISTRY.iter().find(|e| e.name == name)
}
