//! How do threads and processes talk by the very same code? By a ring in shared memory with a bell to
//! wake by.
//!
//! **The same code between threads and between processes**: the memory is a memfd in both cases, the
//! words are the same, the system calls are the same. What differs is the address space and nothing else; so
//! the ratio of the two is the price of the address space.
//!
//! Wait policy: any of the three ([`WaitPolicy`]). A worker that spins never sleeps; one that parks
//! always does; an adaptive one looks for a while first, and gives its CPU to others in between when
//! there are more workers than CPUs.
//!
//! | file | question |
//! |---|---|
//! | [`spsc`] | how does one end hand bytes to the other, without a lock? |
//! | [`doorbell`] | how does an end sleep until there is something to do, without missing it? |
//! | [`memory`] | what does a ring lie in? |
//! | [`segment`] | where do the rings and bells of all workers lie? |

pub mod doorbell;
pub mod memory;
pub mod segment;
pub mod spsc;

use super::link::{Link, Payload, Received};
use super::start::{Origin, Own, Share, Starter, Transport, elsewhere};
use super::{Port, TransportError, WaitPolicy, Wiring, wire};
use crate::workload::Message;
use memmap2::MmapRaw;
use memory::Mapped;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use segment::{ABSENT, GONE, Layout, Segment, THERE};
use spsc::{Consumer, Damage, Producer, Publish};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

/// Looks before an adaptive worker sleeps, where there is a CPU for everybody: some microseconds.
const LOOKS: u32 = 400;

/// How often an adaptive worker gives its CPU away before it sleeps, where there are more workers
/// than CPUs.
const YIELDS: u32 = 4;

/// How long a worker sleeps before it looks whether its neighbours are still alive.
const VIGIL: Duration = Duration::from_millis(50);

/// Looks of a worker that never sleeps between two that go to its neighbours.
const SPINS_PER_VIGIL: u32 = 1 << 22;

type Ring = Mapped<Arc<MmapRaw>>;

/// One way to another worker.
struct Outgoing {
    worker: usize,
    ring: Producer<Ring>,
}

/// One way from another worker.
struct Incoming {
    worker: usize,
    ring: Consumer<Ring>,
    /// The other one's process, once it was looked for; not when it is this one. [`Transport::descriptors_of_a_way`]
    /// counts it.
    process: Option<OwnedFd>,
}

/// What a worker waits for.
#[derive(Clone, Copy)]
enum Awaited {
    /// A message, from anybody.
    Message,
    /// Room for a message of so many bytes, where there is one to write to.
    Room(usize),
}

/// Between workers anywhere, by rings in shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rings;

impl Transport for Rings {
    fn start<S: Starter>(
        &self,
        own: &Own<'_>,
        from: Origin,
        starter: S,
    ) -> Result<S::Started, String> {
        let layout = Layout::new(own.wiring);
        let segment = match from {
            Origin::Here => create(layout)?,
            Origin::Inherited(descriptors) => {
                let descriptor = descriptors.first().copied().unwrap_or(-1);
                Segment::inherit(descriptor, layout).map_err(|e| format!("ring: {e}"))?
            }
            Origin::Introduced(..) => return elsewhere("ring"),
        };
        let port = |w| {
            // SAFETY: a process starts each of its own workers once.
            unsafe { RingPort::new(w, segment.clone(), own.wait, own.is_crowded) }
        };
        let ports = own.workers.clone().map(port).collect();
        Ok(match own.is_hop {
            true => starter.hops(ports),
            false => starter.agents(ports),
        })
    }

    fn share(&self, wiring: &Wiring) -> Result<Box<dyn Share>, String> {
        Ok(Box::new(create(Layout::new(wiring))?))
    }

    fn shared_bytes(&self, wiring: &Wiring) -> u64 {
        Layout::new(wiring).bytes() as u64
    }

    fn descriptors_of_the_host(&self, _: &Wiring) -> usize {
        1
    }

    /// What tells whether the other one is still there.
    fn descriptors_of_a_way(&self) -> Option<usize> {
        Some(1)
    }
}

impl Share for Segment {
    fn descriptors(&self, _: &Wiring, _: usize) -> Vec<RawFd> {
        vec![self.descriptor()]
    }
}

fn create(layout: Layout) -> Result<Segment, String> {
    Segment::create(layout).map_err(|e| format!("make the shared memory of the rings: {e}"))
}

/// One worker's rings to and from all that it talks to.
pub struct RingPort {
    own: usize,
    segment: Segment,
    policy: WaitPolicy,
    /// Whether there are more workers than CPUs.
    is_crowded: bool,
    outgoing: Vec<Outgoing>,
    incoming: Vec<Incoming>,
    /// Where the next look begins: everybody's turn comes.
    next: usize,
    /// Messages that were sent, for their buffers.
    #[expect(
        clippy::vec_box,
        reason = "a port takes and gives boxes: they go on, not their contents"
    )]
    free: Vec<Box<Message>>,
}

impl RingPort {
    /// The port of worker `own`.
    ///
    /// # Safety
    /// Each worker of a segment has one port at most, in all processes together.
    #[must_use]
    pub unsafe fn new(
        own: usize,
        segment: Segment,
        policy: WaitPolicy,
        is_crowded: bool,
    ) -> RingPort {
        let mut outgoing = Vec::new();
        let mut incoming = Vec::new();
        for link in segment.links() {
            if link.from == own {
                // SAFETY: a link has one writer, which has one port: this.
                let ring = Producer::new(unsafe { segment.ring(link) });
                outgoing.push(Outgoing {
                    worker: link.to,
                    ring,
                });
            } else if link.to == own {
                // SAFETY: a link has one reader, which has one port: this.
                let ring = Consumer::new(unsafe { segment.ring(link) });
                incoming.push(Incoming {
                    worker: link.from,
                    ring,
                    process: None,
                });
            }
        }
        let end = segment.end(own);
        end.pid.store(std::process::id(), SeqCst);
        end.presence.store(THERE, SeqCst);
        RingPort {
            own,
            segment,
            policy,
            is_crowded,
            outgoing,
            incoming,
            next: 0,
            free: Vec::new(),
        }
    }

    /// How a message is published: only who sleeps has to be looked after.
    fn publish(&self) -> Publish {
        match self.policy {
            WaitPolicy::Spin => Publish::Plain,
            WaitPolicy::Adaptive | WaitPolicy::Park => Publish::ThenLook,
        }
    }

    /// Wakes worker `worker` if it sleeps.
    #[inline]
    fn ring(&self, worker: usize) {
        if self.policy != WaitPolicy::Spin {
            doorbell::ring(&self.segment.end(worker).bell);
        }
    }

    /// Looks once at every ring.
    #[inline]
    fn look(&mut self) -> Result<Option<Box<Message>>, TransportError> {
        for i in 0..self.incoming.len() {
            let at = (self.next + i) % self.incoming.len();
            let from = &mut self.incoming[at];
            let free = &mut self.free;
            let taken = from.ring.try_receive(|bytes| {
                let mut message = free.pop().unwrap_or_default();
                wire::read(bytes, &mut message).map(|()| message)
            });
            if let Some((message, makes_room)) = taken.map_err(|d| damaged(from.worker, d))? {
                self.next = at + 1;
                let worker = from.worker;
                if makes_room {
                    self.ring(worker);
                }
                return message.map(Some);
            }
        }
        Ok(None)
    }

    /// Waits a little for `what`, by the policy; `waited` counts how often in a row.
    fn wait(&mut self, what: Awaited, waited: u32) -> Result<(), TransportError> {
        let may_sleep = match self.policy {
            WaitPolicy::Spin => {
                if waited % SPINS_PER_VIGIL == SPINS_PER_VIGIL - 1 {
                    self.look_after_neighbours()?;
                }
                false
            }
            WaitPolicy::Adaptive if self.is_crowded => {
                if waited < YIELDS {
                    std::thread::yield_now();
                }
                waited >= YIELDS
            }
            WaitPolicy::Adaptive => waited >= LOOKS,
            WaitPolicy::Park => true,
        };
        if !may_sleep {
            std::hint::spin_loop();
            return Ok(());
        }
        let bell = &self.segment.end(self.own).bell;
        let has_slept_through = match what {
            Awaited::Message => {
                let incoming = &self.incoming;
                let is_there = || incoming.iter().any(|from| from.ring.has_message());
                doorbell::sleep(bell, is_there, VIGIL)
            }
            Awaited::Room(bytes) => {
                let to = &mut self.outgoing[0].ring;
                // What is wrong with the ring, the next attempt to send says.
                doorbell::sleep(bell, || to.would_fit(bytes).unwrap_or(true), VIGIL)
            }
        };
        if has_slept_through {
            self.look_after_neighbours()?;
        }
        Ok(())
    }

    /// Whether every neighbour that still could write is alive.
    #[cold]
    fn look_after_neighbours(&mut self) -> Result<(), TransportError> {
        for from in &mut self.incoming {
            let end = self.segment.end(from.worker);
            // It may have written before it left.
            if from.ring.has_message() || end.presence.load(SeqCst) == ABSENT {
                continue;
            }
            let is_gone = end.presence.load(SeqCst) == GONE
                || has_ended(&mut from.process, end.pid.load(SeqCst));
            if is_gone && !from.ring.has_message() {
                return Err(TransportError::Gone {
                    worker: from.worker,
                });
            }
        }
        Ok(())
    }
}

/// Whether process `pid` has ended; not asked of this one, whose workers say that they leave.
fn has_ended(process: &mut Option<OwnedFd>, pid: u32) -> bool {
    if pid == std::process::id() {
        return false;
    }
    if process.is_none() {
        let Some(pid) = Pid::from_raw(pid as i32) else {
            return false;
        };
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) => *process = Some(descriptor),
            // Waited for already: it has ended.
            Err(rustix::io::Errno::SRCH) => return true,
            // A kernel without it cannot be asked; then the host, which waits for its children, tells.
            Err(_) => return false,
        }
    }
    let Some(descriptor) = process else {
        return false;
    };
    let mut polled = [PollFd::new(descriptor, PollFlags::IN)];
    let now = rustix::time::Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    matches!(poll(&mut polled, Some(&now)), Ok(1..))
}

fn damaged(worker: usize, damage: Damage) -> TransportError {
    TransportError::Damaged(format!("{} of the ring with worker {worker}", damage.0))
}

impl Port for RingPort {
    fn send(&mut self, worker: usize, message: Box<Message>) -> Result<(), TransportError> {
        let publish = self.publish();
        let to = self.outgoing.iter_mut().find(|to| to.worker == worker);
        let to = to.ok_or(TransportError::NoRoute { worker })?;
        let bytes = wire::bytes(&message);
        let has_room = to
            .ring
            .try_send(bytes, publish, |room| wire::write(&message, room))
            .map_err(|d| damaged(worker, d))?;
        if !has_room {
            // Two messages of each agent fit by construction.
            let why = format!("its ring is full with a message of {bytes} bytes");
            return Err(TransportError::Refused { worker, why });
        }
        self.free.push(message);
        self.ring(worker);
        Ok(())
    }

    fn try_receive(&mut self) -> Result<Option<Box<Message>>, TransportError> {
        self.look()
    }

    fn receive(&mut self) -> Result<Box<Message>, TransportError> {
        let mut waited = 0;
        loop {
            if let Some(message) = self.look()? {
                return Ok(message);
            }
            if self.incoming.is_empty() {
                return Err(TransportError::AllGone);
            }
            self.wait(Awaited::Message, waited)?;
            waited = waited.wrapping_add(1);
        }
    }
}

impl Link for RingPort {
    fn send(&mut self, sequence: u64, payload: &Payload) -> Result<(), TransportError> {
        let publish = self.publish();
        let bytes = payload.bytes().len();
        let mut waited = 0;
        loop {
            let to = &mut self.outgoing[0];
            let worker = to.worker;
            let has_room = to
                .ring
                .try_send(bytes, publish, |room| payload.write(sequence, room))
                .map_err(|d| damaged(worker, d))?;
            if has_room {
                self.ring(worker);
                return Ok(());
            }
            self.wait(Awaited::Room(bytes), waited)?;
            waited = waited.wrapping_add(1);
        }
    }

    fn receive(&mut self) -> Result<Received, TransportError> {
        let mut waited = 0;
        loop {
            if let Some(received) = Link::try_receive(self)? {
                return Ok(received);
            }
            self.wait(Awaited::Message, waited)?;
            waited = waited.wrapping_add(1);
        }
    }

    #[inline]
    fn try_receive(&mut self) -> Result<Option<Received>, TransportError> {
        let from = &mut self.incoming[0];
        let worker = from.worker;
        let taken = from.ring.try_receive(Received::read);
        let Some((received, makes_room)) = taken.map_err(|d| damaged(worker, d))? else {
            return Ok(None);
        };
        if makes_room {
            self.ring(worker);
        }
        received.map(Some)
    }
}

impl Drop for RingPort {
    /// Says that nothing more comes, and wakes those who wait for it.
    fn drop(&mut self) {
        self.segment.end(self.own).presence.store(GONE, SeqCst);
        for to in &self.outgoing {
            self.ring(to.worker);
        }
    }
}
