//! Ready, go, stop: one shared page through which the host starts and stops every worker.
//!
//! The page is a memfd that threads of the host and worker processes map alike, so the window of a
//! thread and the window of a process begin and end by the very same instructions. Inside a window
//! a worker reads one shared word per op and writes its own cache lines. A window may be cut into
//! turns, between which all workers are parked: each turn begins and ends as a whole window does.
//!
//! Agents that wait for each other's messages stop after the same round: [`stop`].
//!
//! # Orderings
//!
//! The stop protocol is sequentially consistent throughout: it is a store followed by a load on both
//! sides. What announces something else (`reached`, and with it a failed agent, the time of the last
//! op, the live heap) is written with Release and read with Acquire. The counters that the host only
//! samples (`ops`, `rounds`) and the flag that free-running agents poll are Relaxed: a stale value
//! delays by nanoseconds and decides nothing.

mod place;
pub mod stop;

pub use place::Place;

use crate::transport::sealed;
use memmap2::{MmapOptions, MmapRaw};
use nix::sys::memfd::MFdFlags;
use rustix::thread::futex;
use rustix::time::{ClockId, Timespec, clock_gettime};
use std::fs::File;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64};
use std::time::Duration;
use stop::Decision;

/// First word of the page: a worker that maps something else says so instead of running on it.
const MAGIC: u64 = u64::from_le_bytes(*b"fkscope1");

/// What the host tells the workers to do, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Get ready.
    Prepare,
    /// Run until stopped; not counted.
    WarmUp,
    /// Run until stopped; counted. The window's turns are numbered from 0.
    Turn(u32),
    /// Hand over results and free what was only needed for measuring.
    HandOver,
    /// End.
    Exit,
}

impl Step {
    /// As a word of the page; a later step is a larger word.
    fn word(self) -> u32 {
        match self {
            Step::Prepare => 0,
            Step::WarmUp => 1,
            Step::Turn(turn) => 2 + turn.min(MOST_TURNS),
            Step::HandOver => u32::MAX - 1,
            Step::Exit => u32::MAX,
        }
    }

    fn of(word: u32) -> Step {
        match word {
            0 => Step::Prepare,
            1 => Step::WarmUp,
            u32::MAX => Step::Exit,
            word if word - 2 > MOST_TURNS => Step::HandOver,
            word => Step::Turn(word - 2),
        }
    }
}

/// Turns that the words of the page have numbers for: far more than a window has.
const MOST_TURNS: u32 = u32::MAX / 2;

/// How far a worker has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// Nothing yet.
    Nothing,
    /// Its process has connected to the host.
    Connected,
    /// Its agents are built; it sleeps on the gate.
    Ready,
    /// Parked after the warm-up.
    WarmedUp,
    /// Parked after the turn of this number.
    Turned(u32),
    /// Results are handed over; it sleeps until the end.
    HandedOver,
    /// It failed; the reason comes with its report.
    Failed,
}

impl Reached {
    /// As a word of the page; who has come farther has the larger word.
    fn word(self) -> u32 {
        match self {
            Reached::Nothing => 0,
            Reached::Connected => 1,
            Reached::Ready => 2,
            Reached::WarmedUp => 3,
            Reached::Turned(turn) => 4 + turn.min(MOST_TURNS),
            Reached::HandedOver => u32::MAX - 1,
            Reached::Failed => u32::MAX,
        }
    }

    fn of(word: u32) -> Reached {
        match word {
            0 => Reached::Nothing,
            1 => Reached::Connected,
            2 => Reached::Ready,
            3 => Reached::WarmedUp,
            word if word - 4 <= MOST_TURNS => Reached::Turned(word - 4),
            word if word == u32::MAX - 1 => Reached::HandedOver,
            _ => Reached::Failed,
        }
    }
}

/// Words that the host writes and the workers read.
#[repr(C, align(128))]
struct Header {
    magic: AtomicU64,
    workers: AtomicU64,
    /// Futex: the current [`Step`].
    step: AtomicU32,
    /// CLOCK_MONOTONIC when it was opened, nanoseconds.
    opened_ns: AtomicU64,
}

/// Words that are read in every op, and change only at a stop.
#[repr(C, align(128))]
struct Stop {
    /// Set when free-running agents shall stop.
    stop: AtomicU32,
    /// After which round coupled ones stop.
    decision: Decision,
}

/// Words that workers write and the host sleeps on.
#[repr(C, align(128))]
struct Events {
    /// Futex: counts events.
    events: AtomicU32,
    /// Reports that are still to come: of workers that have not yet reached what the host waits for, and of those that have
    /// said so and not counted themselves yet.
    missing: AtomicU32,
    /// Failures so far.
    failures: AtomicU32,
}

/// What one worker writes; its own cache lines.
#[repr(C, align(128))]
struct Slot {
    reached: AtomicU32,
    /// Agent that the worker was running when it failed, plus one.
    failed_agent: AtomicU32,
    /// The how-manieth failure of all this one is, from 1; 0 without one.
    failure: AtomicU32,
    /// Counted ops of this turn.
    ops: AtomicU64,
    /// Fewest rounds that an agent of this worker has done.
    rounds: AtomicU64,
    /// Highest round that the worker may begin, plus one.
    lease: AtomicU64,
    /// CLOCK_MONOTONIC at the end of its last op.
    stopped_ns: AtomicU64,
    /// Live heap of the worker's process.
    live_heap_bytes: AtomicI64,
}

const HEAD: usize = size_of::<Header>() + size_of::<Stop>() + size_of::<Events>();

/// The shared page, mapped. Clones share the mapping.
#[derive(Clone)]
pub struct Gate {
    map: Arc<MmapRaw>,
    file: Arc<OwnedFd>,
    workers: usize,
}

impl Gate {
    /// Creates the page for a number of workers. The descriptor is inherited by worker processes.
    ///
    /// # Errors
    /// When the system gives no shared memory.
    pub fn create(workers: usize) -> std::io::Result<Gate> {
        let bytes = HEAD + workers * size_of::<Slot>();
        let file = sealed::create("forkscope-gate", MFdFlags::empty(), bytes)?;
        let gate = Gate::map(file, workers, bytes)?;
        gate.stop().decision.reopen();
        // For all to get ready.
        gate.events().missing.store(workers as u32, Relaxed);
        gate.header().workers.store(workers as u64, Relaxed);
        gate.header().magic.store(MAGIC, Release);
        Ok(gate)
    }

    /// Maps the page that a worker process has inherited under descriptor number `fd`.
    ///
    /// # Errors
    /// When `fd` is not the page of a host.
    pub fn inherit(fd: RawFd) -> std::io::Result<Gate> {
        let damaged = || std::io::Error::other("descriptor is not a gate of forkscope");
        if fd < 0 {
            return Err(damaged());
        }
        // SAFETY: it is only asked whether it is open, and not kept; it is not −1.
        nix::sys::stat::fstat(unsafe { BorrowedFd::borrow_raw(fd) })?;
        // SAFETY: it is open, and the host hands this number to the worker for this one use: nothing
        // else in the fresh process owns it.
        let file = unsafe { OwnedFd::from_raw_fd(fd) };
        let bytes = usize::try_from(nix::sys::stat::fstat(&file)?.st_size).unwrap_or(0);
        if bytes < HEAD {
            return Err(damaged());
        }
        let gate = Gate::map(file, (bytes - HEAD) / size_of::<Slot>(), bytes)?;
        let claimed = gate.header().workers.load(Relaxed) as usize;
        if gate.header().magic.load(Acquire) != MAGIC || claimed != gate.workers {
            return Err(damaged());
        }
        Ok(gate)
    }

    fn map(file: OwnedFd, workers: usize, bytes: usize) -> std::io::Result<Gate> {
        let file = File::from(file);
        let map = MmapOptions::new().len(bytes).map_raw(&file)?;
        Ok(Gate {
            map: Arc::new(map),
            file: Arc::new(file.into()),
            workers,
        })
    }

    /// Descriptor number that worker processes inherit.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    /// Number of workers that the page has places for.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers
    }

    fn header(&self) -> &Header {
        // SAFETY: the mapping is at least HEAD bytes long, page-aligned, lives as long as `self`,
        // and holds nothing but atomics, for which every bit pattern is valid.
        unsafe { &*self.map.as_ptr().cast::<Header>() }
    }

    fn stop(&self) -> &Stop {
        // SAFETY: as for `header`; the offset is a multiple of 128, the alignment of `Stop`.
        unsafe { &*self.map.as_ptr().add(size_of::<Header>()).cast::<Stop>() }
    }

    fn events(&self) -> &Events {
        // SAFETY: as for `header`; the offset is a multiple of 128, the alignment of `Events`.
        unsafe {
            &*self
                .map
                .as_ptr()
                .add(size_of::<Header>() + size_of::<Stop>())
                .cast::<Events>()
        }
    }

    fn slot(&self, worker: usize) -> &Slot {
        assert!(
            worker < self.workers,
            "worker {worker} has no place on a gate for {}",
            self.workers
        );
        // SAFETY: as for `header`; the index is in range, so the slot ends within the mapping.
        unsafe {
            &*self
                .map
                .as_ptr()
                .add(HEAD + worker * size_of::<Slot>())
                .cast::<Slot>()
        }
    }

    fn slots(&self) -> impl Iterator<Item = &Slot> + Clone {
        (0..self.workers).map(|w| self.slot(w))
    }

    // What the host does.

    /// Opens the gate for the next step and wakes everybody. Returns CLOCK_MONOTONIC, nanoseconds.
    pub fn open(&self, step: Step) -> u64 {
        let stop = self.stop();
        stop.stop.store(0, Relaxed);
        stop.decision.reopen();
        // Added: who has reached the step before, and been seen there, may be about to count itself.
        self.events()
            .missing
            .fetch_add(self.workers as u32, Relaxed);
        if matches!(step, Step::Turn(_)) {
            self.slots().for_each(|s| s.ops.store(0, Relaxed));
        }
        let now = monotonic_ns();
        self.header().opened_ns.store(now, Relaxed);
        // SeqCst, as all of the stop protocol: a worker that sees the step sees the words above.
        self.header().step.store(step.word(), SeqCst);
        wake(&self.header().step, u32::MAX);
        now
    }

    /// Ends a warm-up or a turn. Free-running agents find their own end; coupled ones, whose
    /// `quantum` is given, all do the same number of rounds, a multiple of it, which is returned.
    pub fn close(&self, quantum: Option<u64>) -> Option<u64> {
        let stop = self.stop();
        let Some(quantum) = quantum else {
            stop.stop.store(1, SeqCst);
            return None;
        };
        Some(stop.decision.close(self.slots().map(|s| &s.lease), quantum))
    }

    /// Whether every worker has reached at least `what`; false also when one has failed.
    #[must_use]
    pub fn have_all(&self, what: Reached) -> bool {
        (0..self.workers).all(|w| (what..Reached::Failed).contains(&self.reached(w)))
    }

    /// Workers that have not reached `what`.
    #[must_use]
    pub fn missing(&self, what: Reached) -> Vec<usize> {
        (0..self.workers)
            .filter(|&w| self.reached(w) < what)
            .collect()
    }

    /// How far a worker has come.
    #[must_use]
    pub fn reached(&self, worker: usize) -> Reached {
        Reached::of(self.slot(worker).reached.load(Acquire))
    }

    /// The worker that failed first, and the agent that it was running. Others may have failed since,
    /// because of it: a worker keeps its ends of all channels until it has said that it failed.
    #[must_use]
    pub fn failed(&self) -> Option<(usize, Option<usize>)> {
        let failed = (0..self.workers).filter(|&w| self.reached(w) == Reached::Failed);
        let worker = failed.min_by_key(|&w| self.slot(w).failure.load(Acquire))?;
        Some((
            worker,
            self.slot(worker)
                .failed_agent
                .load(Acquire)
                .checked_sub(1)
                .map(|a| a as usize),
        ))
    }

    /// Sleeps until a worker reports something or the time is over.
    pub fn sleep(&self, seen: u32, at_most: Duration) {
        wait(&self.events().events, seen, Some(at_most));
    }

    /// Count of events so far: to be read before looking at what [`Gate::sleep`] waits for.
    #[must_use]
    pub fn events_seen(&self) -> u32 {
        self.events().events.load(SeqCst)
    }

    /// Counted ops of all workers in this turn.
    #[must_use]
    pub fn ops(&self) -> u64 {
        self.slots().map(|s| s.ops.load(Relaxed)).sum()
    }

    /// Rounds that every agent has done at least.
    #[must_use]
    pub fn rounds(&self) -> u64 {
        self.slots()
            .map(|s| s.rounds.load(Relaxed))
            .min()
            .unwrap_or(0)
    }

    /// The worker whose agents have done the fewest rounds.
    #[must_use]
    pub fn slowest(&self) -> usize {
        (0..self.workers)
            .min_by_key(|&w| self.slot(w).rounds.load(Relaxed))
            .unwrap_or(0)
    }

    /// CLOCK_MONOTONIC at the end of the last op of all, nanoseconds.
    #[must_use]
    pub fn last_stop_ns(&self) -> u64 {
        self.slots()
            .map(|s| s.stopped_ns.load(Acquire))
            .max()
            .unwrap_or(0)
    }

    /// Live heap that a worker has written down for its process.
    #[must_use]
    pub fn live_heap_bytes(&self, worker: usize) -> i64 {
        self.slot(worker).live_heap_bytes.load(Acquire)
    }

    // What a worker does.

    /// Reports how far worker `worker` has come. Only the last one of all wakes the host: more
    /// would take its CPU from those that still run.
    pub fn report(&self, worker: usize, reached: Reached) {
        // First this: whoever is the last to count itself wakes a host that finds all others there.
        self.slot(worker).reached.store(reached.word(), Release);
        self.count_in(reached);
    }

    /// Counts a worker that has reached something.
    fn count_in(&self, reached: Reached) {
        let events = self.events();
        // A process that has connected has more to say before the next step.
        let is_last = reached >= Reached::Ready && events.missing.fetch_sub(1, AcqRel) == 1;
        if is_last || reached <= Reached::Ready || reached == Reached::Failed {
            events.events.fetch_add(1, SeqCst);
            wake(&events.events, 1);
        }
    }

    /// Reports that worker `worker` failed while it ran `agent`.
    pub fn report_failure(&self, worker: usize, agent: Option<usize>) {
        self.slot(worker)
            .failed_agent
            .store(agent.map_or(0, |a| a as u32 + 1), Release);
        let order = self.events().failures.fetch_add(1, AcqRel) + 1;
        self.slot(worker).failure.store(order, Release);
        self.report(worker, Reached::Failed);
    }

    /// Writes down when the last op ended.
    pub fn note_stop(&self, worker: usize) {
        self.slot(worker).stopped_ns.store(monotonic_ns(), Release);
    }

    /// Writes down the live heap of the worker's process.
    pub fn note_live_heap(&self, worker: usize, bytes: i64) {
        self.slot(worker).live_heap_bytes.store(bytes, Release);
    }

    /// Sleeps until the host opens a step after `done`.
    #[must_use]
    pub fn next_step(&self, done: Step) -> Step {
        loop {
            let step = self.header().step.load(SeqCst);
            if step > done.word() {
                return Step::of(step);
            }
            wait(&self.header().step, step, None);
        }
    }

    /// CLOCK_MONOTONIC when the current step was opened, nanoseconds.
    #[must_use]
    pub fn opened_ns(&self) -> u64 {
        // Relaxed: who saw the step, which is written after it, sees it.
        self.header().opened_ns.load(Relaxed)
    }

    /// The place of one worker, for its loop.
    #[must_use]
    pub fn place(&self, worker: usize) -> Place<'_> {
        Place::new(self.slot(worker), self.stop())
    }
}

/// CLOCK_MONOTONIC, nanoseconds: the same clock in every process.
#[must_use]
pub fn monotonic_ns() -> u64 {
    let t = clock_gettime(ClockId::Monotonic);
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

/// Sleeps while `word` is `value`; may wake for no reason. Not private: the page is shared.
fn wait(word: &AtomicU32, value: u32, at_most: Option<Duration>) {
    let timeout = at_most.map(|d| Timespec {
        tv_sec: d.as_secs() as i64,
        tv_nsec: i64::from(d.subsec_nanos()),
    });
    // Every caller looks again after waking, so an interrupted or timed-out wait needs no handling.
    let _ = futex::wait(word, futex::Flags::empty(), value, timeout.as_ref());
}

fn wake(word: &AtomicU32, sleepers: u32) {
    // The kernel takes an int; a wake cannot fail on a mapped word.
    let _ = futex::wake(word, futex::Flags::empty(), sleepers.min(i32::MAX as u32));
}

#[cfg(test)]
mod tests;
