//! How do messages travel by a stream of bytes that the kernel carries? Behind their length, one after the
//! other: what [`super::socket`] and [`super::pipe`] have in common.
//!
//! Wait policy: park (a blocking read, or poll).
//!
//! Two workers that write to each other at once must not wait for each other for ever, so a worker's
//! port never blocks in a write: what the kernel does not take at once stays in the port, and goes on
//! its way whenever the worker looks for messages. No more than two messages from one agent to another
//! are ever under way, so that is bounded. A [`StreamLink`], on which only one side writes at a time or only
//! one side writes at all, blocks.

use super::link::{Link, Payload, Received};
use super::start::{Origin, Own, Share, Starter, elsewhere};
use super::{Port, TransportError, Wiring, wire};
use crate::workload::Message;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, read, write};
use std::collections::BTreeSet;

/// Bytes of a message's length, which goes before it.
const LENGTH: usize = 8;

/// What is read at a time at most, unless a message is larger.
const CHUNK: usize = 64 * 1024;

/// One way between two workers, at one of its ends.
pub struct StreamEnd {
    /// The worker whose end it is.
    pub own: usize,
    /// The worker at the other end.
    pub other: usize,
    read: OwnedFd,
    /// Where writing needs another descriptor than reading.
    write: Option<OwnedFd>,
}

/// Both ends of a way between two workers: what is read, and what is written where that is another one.
pub type Ways = [(OwnedFd, Option<OwnedFd>); 2];

/// The streams of some workers.
pub struct Streams {
    ends: Vec<StreamEnd>,
}

/// Pairs of workers that write to each other, the smaller number first.
fn pairs(wiring: &Wiring) -> BTreeSet<(usize, usize)> {
    let mut pairs = BTreeSet::new();
    for to in 0..wiring.placement.agents() {
        let reader = wiring.placement.worker_of(to);
        for &from in wiring.topology.of(to) {
            let writer = wiring.placement.worker_of(from as usize);
            if writer < reader {
                pairs.insert((writer, reader));
            }
        }
    }
    pairs
}

/// How many ways there are between workers that write to each other.
#[must_use]
pub fn ways(wiring: &Wiring) -> usize {
    pairs(wiring).len()
}

/// What the ways of a transport are.
pub struct WayKind {
    /// Its name.
    pub name: &'static str,
    /// Makes a way.
    pub make: fn() -> std::io::Result<Ways>,
    /// Whether an end reads and writes by different descriptors.
    pub has_two_descriptors: bool,
}

impl WayKind {
    /// Descriptors of one end of a way.
    pub(super) fn descriptors_of_an_end(&self) -> usize {
        1 + usize::from(self.has_two_descriptors)
    }

    fn create(&self, wiring: &Wiring) -> Result<Streams, String> {
        Streams::create(wiring, self.make).map_err(|e| format!("by {}: {e}", self.name))
    }
}

impl Share for Streams {
    fn descriptors(&self, wiring: &Wiring, process: usize) -> Vec<RawFd> {
        self.descriptors_of(wiring.placement.workers_of(process))
    }
}

/// Makes all ways, for worker processes to inherit theirs.
pub(super) fn share(kind: &WayKind, wiring: &Wiring) -> Result<Box<dyn Share>, String> {
    Ok(Box::new(kind.create(wiring)?))
}

/// Starts workers on their ends of all ways.
pub(super) fn start<S: Starter>(
    kind: &WayKind,
    own: &Own<'_>,
    from: Origin,
    starter: S,
) -> Result<S::Started, String> {
    let wiring = own.wiring;
    let workers = own.workers.clone();
    let mut streams = match from {
        Origin::Here => kind.create(wiring)?,
        Origin::Inherited(descriptors) => {
            let has_two = kind.has_two_descriptors;
            Streams::inherit(wiring, workers.clone(), has_two, &descriptors)
                .map_err(|e| format!("{}: {e}", kind.name))?
        }
        Origin::Introduced(..) => return elsewhere(kind.name),
    };
    if own.is_hop {
        let links = workers.map(|w| streams.link(w, wiring.message_bytes));
        return Ok(starter.hops(links.collect()));
    }
    let ports = workers.map(|w| streams.port(w, wiring));
    let ports = ports.collect::<Result<Vec<_>, _>>();
    Ok(starter.agents(ports.map_err(|e| e.to_string())?))
}

impl Streams {
    /// Makes a way between any two workers that write to each other. No descriptor is inherited by
    /// accident.
    ///
    /// # Errors
    /// What the system says, which is most likely that descriptors are used up.
    pub fn create(
        wiring: &Wiring,
        make: fn() -> std::io::Result<Ways>,
    ) -> std::io::Result<Streams> {
        let mut ends = Vec::new();
        for (one, other) in pairs(wiring) {
            for ((read, write), (own, other)) in
                make()?.into_iter().zip([(one, other), (other, one)])
            {
                ends.push(StreamEnd {
                    own,
                    other,
                    read,
                    write,
                });
            }
        }
        Ok(Streams { ends })
    }

    /// Descriptors of the workers `workers`, in the order in which [`Streams::inherit`] takes them.
    #[must_use]
    pub fn descriptors_of(&self, workers: std::ops::Range<usize>) -> Vec<RawFd> {
        let own = self.ends.iter().filter(|e| workers.contains(&e.own));
        own.flat_map(|e| [Some(&e.read), e.write.as_ref()])
            .flatten()
            .map(AsRawFd::as_raw_fd)
            .collect()
    }

    /// The streams of the workers `workers`, which this process has inherited as `descriptors`.
    ///
    /// # Errors
    /// When they are not as many as there must be.
    pub fn inherit(
        wiring: &Wiring,
        workers: std::ops::Range<usize>,
        has_two_descriptors: bool,
        descriptors: &[RawFd],
    ) -> std::io::Result<Streams> {
        let mut descriptors = descriptors.iter().map(|&fd| {
            if fd < 0 {
                return Err(std::io::Error::other("no descriptor is negative"));
            }
            rustix::io::fcntl_getfd(
                // SAFETY: it is only asked whether it is open, and not kept; it is not −1.
                unsafe { rustix::fd::BorrowedFd::borrow_raw(fd) },
            )?;
            // SAFETY: it is open, and the host hands this number to this process for this one use.
            Ok(unsafe { OwnedFd::from_raw_fd(fd) })
        });
        let mut next = || {
            let missing = || Err(std::io::Error::other("a stream was not handed on"));
            descriptors.next().unwrap_or_else(missing)
        };
        let mut ends = Vec::new();
        for (one, other) in pairs(wiring) {
            for (own, other) in [(one, other), (other, one)] {
                if workers.contains(&own) {
                    ends.push(StreamEnd {
                        own,
                        other,
                        read: next()?,
                        write: has_two_descriptors.then(&mut next).transpose()?,
                    });
                }
            }
        }
        Ok(Streams { ends })
    }

    /// Takes the ends of one worker out.
    fn take(&mut self, worker: usize) -> Vec<StreamEnd> {
        self.ends.extract_if(.., |e| e.own == worker).collect()
    }

    /// The port of a worker.
    ///
    /// # Errors
    /// When the system does not let a descriptor be read without waiting.
    pub fn port(&mut self, worker: usize, wiring: &Wiring) -> std::io::Result<StreamPort> {
        let most_bytes = wire::bytes_with(wiring.message_bytes);
        let ways = self.take(worker).into_iter().map(|end| {
            for descriptor in [Some(&end.read), end.write.as_ref()].into_iter().flatten() {
                fcntl_setfl(descriptor, fcntl_getfl(descriptor)? | OFlags::NONBLOCK)?;
            }
            Ok(Way {
                end,
                incoming: Incoming::new(most_bytes),
                outgoing: Vec::new(),
                is_open: true,
            })
        });
        Ok(StreamPort {
            ways: ways.collect::<std::io::Result<_>>()?,
            most_bytes,
            next: 0,
            free: Vec::new(),
        })
    }

    /// The link of a worker that has one neighbour.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn link(&mut self, worker: usize, message_bytes: usize) -> StreamLink {
        let end = self.take(worker).pop();
        StreamLink {
            end: end.expect("a link has another end"),
            buffer: vec![0; message_bytes],
        }
    }
}

/// What has been read and not taken.
struct Incoming {
    buffer: Vec<u8>,
    /// What is between them has been read.
    start: usize,
    end: usize,
}

impl Incoming {
    fn new(most_bytes: usize) -> Incoming {
        Incoming {
            buffer: vec![0; (LENGTH + most_bytes).max(CHUNK)],
            start: 0,
            end: 0,
        }
    }

    /// The first whole message, if there is one.
    fn frame(&self, most_bytes: usize) -> Result<Option<&[u8]>, TransportError> {
        let read = &self.buffer[self.start..self.end];
        let Some((length, rest)) = read.split_first_chunk::<LENGTH>() else {
            return Ok(None);
        };
        let length = u64::from_ne_bytes(*length);
        if length > most_bytes as u64 {
            return Err(TransportError::Damaged(format!(
                "it says that it has {length} bytes, and none has more than {most_bytes}"
            )));
        }
        Ok(rest.get(..length as usize))
    }

    fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Room for the rest of a message that has begun.
    fn room(&mut self) -> &mut [u8] {
        if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        &mut self.buffer[self.end..]
    }
}

struct Way {
    end: StreamEnd,
    incoming: Incoming,
    /// What the kernel has not taken yet.
    outgoing: Vec<u8>,
    is_open: bool,
}

impl Way {
    fn writes_to(&self) -> &OwnedFd {
        self.end.write.as_ref().unwrap_or(&self.end.read)
    }

    /// Hands to the kernel what it takes now.
    fn flush(&mut self) -> Result<(), TransportError> {
        let mut written = 0;
        while written < self.outgoing.len() {
            match write(self.writes_to(), &self.outgoing[written..]) {
                Ok(bytes) => written += bytes,
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(e) => return Err(refused(self.end.other, e)),
            }
        }
        self.outgoing.drain(..written);
        Ok(())
    }

    /// Reads what is there.
    fn fill(&mut self) -> Result<(), TransportError> {
        match read(&self.end.read, self.incoming.room()) {
            Ok(0) => self.is_open = false,
            Ok(bytes) => self.incoming.end += bytes,
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(Errno::CONNRESET) => self.is_open = false,
            Err(e) => return Err(TransportError::Damaged(e.to_string())),
        }
        Ok(())
    }
}

fn refused(worker: usize, error: Errno) -> TransportError {
    match error {
        Errno::PIPE | Errno::CONNRESET => TransportError::Gone { worker },
        e => TransportError::Refused {
            worker,
            why: e.to_string(),
        },
    }
}

/// One worker's streams to and from all that it talks to.
pub struct StreamPort {
    ways: Vec<Way>,
    most_bytes: usize,
    /// Where the next look begins: everybody's turn comes.
    next: usize,
    /// Messages that were sent, for their buffers.
    #[expect(
        clippy::vec_box,
        reason = "a port takes and gives boxes: they go on, not their contents"
    )]
    free: Vec<Box<Message>>,
}

impl StreamPort {
    /// A message that was read already.
    fn taken(&mut self) -> Result<Option<Box<Message>>, TransportError> {
        let count = self.ways.len();
        for at in (0..count).map(|i| (self.next + i) % count) {
            let way = &mut self.ways[at];
            let Some(frame) = way.incoming.frame(self.most_bytes)? else {
                continue;
            };
            let mut message = self.free.pop().unwrap_or_default();
            wire::read(frame, &mut message)?;
            let bytes = LENGTH + frame.len();
            way.incoming.consume(bytes);
            self.next = at + 1;
            return Ok(Some(message));
        }
        Ok(None)
    }

    /// Writes and reads what can be without waiting.
    fn move_on(&mut self) -> Result<(), TransportError> {
        for way in self.ways.iter_mut().filter(|w| w.is_open) {
            way.flush()?;
            way.fill()?;
        }
        Ok(())
    }

    /// Sleeps until something can be read, or written that has to be.
    fn sleep(&self) -> Result<(), TransportError> {
        let mut polled = Vec::with_capacity(2 * self.ways.len());
        for way in self.ways.iter().filter(|w| w.is_open) {
            polled.push(PollFd::new(&way.end.read, PollFlags::IN));
            if !way.outgoing.is_empty() {
                polled.push(PollFd::new(way.writes_to(), PollFlags::OUT));
            }
        }
        match poll(&mut polled, None) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(e) => Err(TransportError::Damaged(e.to_string())),
        }
    }
}

impl Port for StreamPort {
    fn send(&mut self, worker: usize, message: Box<Message>) -> Result<(), TransportError> {
        let way = self.ways.iter_mut().find(|w| w.end.other == worker);
        let way = way.ok_or(TransportError::NoRoute { worker })?;
        let bytes = wire::bytes(&message);
        let begin = way.outgoing.len();
        way.outgoing
            .extend_from_slice(&(bytes as u64).to_ne_bytes());
        way.outgoing.resize(begin + LENGTH + bytes, 0);
        wire::write(&message, &mut way.outgoing[begin + LENGTH..]);
        self.free.push(message);
        way.flush()
    }

    fn try_receive(&mut self) -> Result<Option<Box<Message>>, TransportError> {
        if let Some(message) = self.taken()? {
            return Ok(Some(message));
        }
        self.move_on()?;
        self.taken()
    }

    fn receive(&mut self) -> Result<Box<Message>, TransportError> {
        loop {
            if let Some(message) = self.taken()? {
                return Ok(message);
            }
            if let Some(gone) = self.ways.iter().find(|w| !w.is_open) {
                return Err(TransportError::Gone {
                    worker: gone.end.other,
                });
            }
            if self.ways.is_empty() {
                return Err(TransportError::AllGone);
            }
            self.sleep()?;
            self.move_on()?;
        }
    }

    fn settle(&mut self) -> Result<(), TransportError> {
        // Whoever is to read it still waits for it, so this ends; nothing more comes for this worker.
        for way in self.ways.iter_mut().filter(|w| w.is_open) {
            way.flush()?;
            while !way.outgoing.is_empty() {
                let mut polled = [PollFd::new(way.writes_to(), PollFlags::OUT)];
                match poll(&mut polled, None) {
                    Ok(_) | Err(Errno::INTR) => {}
                    Err(e) => return Err(refused(way.end.other, e)),
                }
                way.flush()?;
            }
        }
        Ok(())
    }
}

/// One end of a stream whose messages all have the same length, so that none is sent.
pub struct StreamLink {
    end: StreamEnd,
    buffer: Vec<u8>,
}

impl Link for StreamLink {
    fn send(&mut self, sequence: u64, payload: &Payload) -> Result<(), TransportError> {
        payload.write(sequence, &mut self.buffer);
        let to = self.end.write.as_ref().unwrap_or(&self.end.read);
        let mut left = self.buffer.as_slice();
        while !left.is_empty() {
            match write(to, left) {
                Ok(bytes) => left = &left[bytes..],
                Err(Errno::INTR) => {}
                Err(e) => return Err(refused(self.end.other, e)),
            }
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<Received, TransportError> {
        let mut filled = 0;
        while filled < self.buffer.len() {
            match read(&self.end.read, &mut self.buffer[filled..]) {
                Ok(0) | Err(Errno::CONNRESET) => {
                    return Err(TransportError::Gone {
                        worker: self.end.other,
                    });
                }
                Ok(bytes) => filled += bytes,
                Err(Errno::INTR) => {}
                Err(e) => return Err(TransportError::Damaged(e.to_string())),
            }
        }
        Received::read(&self.buffer)
    }

    fn try_receive(&mut self) -> Result<Option<Received>, TransportError> {
        let mut polled = [PollFd::new(&self.end.read, PollFlags::IN)];
        let now = rustix::time::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        match poll(&mut polled, Some(&now)) {
            Ok(0) | Err(Errno::INTR) => Ok(None),
            // A message that has begun to come comes whole.
            Ok(_) => self.receive().map(Some),
            Err(e) => Err(TransportError::Damaged(e.to_string())),
        }
    }
}

#[cfg(test)]
mod tests;
