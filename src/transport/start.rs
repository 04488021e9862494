//! How does a transport connect the workers of a process, and start them?

use super::ipc::{Content, Routes, Socket};
use super::{Link, Port, WaitPolicy, Wiring};
use crate::observe::cpu::ThreadClock;
use std::ops::Range;
use std::os::fd::RawFd;

/// What a transport can do besides carrying: start the workers that it connects, and say what that takes.
pub trait Transport {
    /// Connects the workers `own` and starts them.
    ///
    /// # Errors
    /// What the system refuses, in words that can follow "connect the workers".
    fn start<S: Starter>(
        &self,
        own: &Own<'_>,
        from: Origin,
        starter: S,
    ) -> Result<S::Started, String>;

    /// Makes what worker processes inherit, before the first of them starts.
    ///
    /// # Errors
    /// As of [`Transport::start`].
    fn share(&self, _: &Wiring) -> Result<Box<dyn Share>, String> {
        Ok(Box::new(Nothing))
    }

    /// What a worker process receives by a mailbox, by which it is introduced to others after it has started; `None`
    /// where it needs none.
    fn mailbox(&self, _is_hop: bool) -> Option<Content> {
        None
    }

    /// Whether a thread of a worker process has to move messages on from its mailbox.
    fn is_pumped(&self, _: &Wiring) -> bool {
        false
    }

    /// Memory that it takes besides that of the messages under way, in all processes together, bytes.
    fn shared_bytes(&self, _: &Wiring) -> u64 {
        0
    }

    /// Descriptors that the host holds while it starts workers.
    fn descriptors_of_the_host(&self, _: &Wiring) -> usize {
        0
    }

    /// Descriptors that a worker process holds for each worker elsewhere that one of its own talks to, besides one for
    /// all; `None` where it connects no processes.
    fn descriptors_of_a_way(&self) -> Option<usize>;
}

/// What a host has made for its worker processes; they have it for as long as this lives.
pub trait Share {
    /// Descriptors that a process of the wiring inherits, in the order in which [`Origin::Inherited`] takes them.
    fn descriptors(&self, wiring: &Wiring, process: usize) -> Vec<RawFd>;
}

/// Nothing to inherit.
struct Nothing;

impl Share for Nothing {
    fn descriptors(&self, _: &Wiring, _: usize) -> Vec<RawFd> {
        Vec::new()
    }
}

/// Workers of one process, to be started.
pub struct Own<'a> {
    /// Their numbers.
    pub workers: Range<usize>,
    /// All workers, and who talks to whom.
    pub wiring: &'a Wiring,
    /// What they do that wait.
    pub wait: WaitPolicy,
    /// Whether they are the ends of a hop, which only send and receive.
    pub is_hop: bool,
    /// Whether there are more workers than CPUs.
    pub is_crowded: bool,
}

/// Where what workers share comes from.
pub enum Origin {
    /// All workers are of this process: it is made here.
    Here,
    /// From the host, under these descriptors ([`Share::descriptors`]).
    Inherited(Vec<RawFd>),
    /// By mailbox ([`Transport::mailbox`]): this process's own, and those of others.
    Introduced(Socket, Routes),
}

/// Starts workers on their ends of a transport. It is told the very type of the ends: what runs in a window calls them
/// without looking anything up.
pub trait Starter {
    /// What comes of it.
    type Started;

    /// A thread works for all workers of this process: its CPU time is theirs.
    fn helped_by(&self, helper: ThreadClock);

    /// Starts agents, a worker's on each port, in the order of the workers.
    fn agents<P: Port + Send + 'static>(self, ports: Vec<P>) -> Self::Started;

    /// Starts the ends of a hop.
    fn hops<L: Link + 'static>(self, links: Vec<L>) -> Self::Started;
}

/// What a transport says that cannot get by what it needs from there.
pub(super) fn elsewhere<T>(name: &str) -> Result<T, String> {
    Err(format!("{name}: what workers share is missing"))
}
