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

use super::control::{Control, Reached, Step, monotonic_ns};
use crate::transport::sealed;
use memmap2::{MmapOptions, MmapRaw};
use nix::sys::memfd::MFdFlags;
use rustix::thread::futex;
use rustix::time::Timespec;
use std::fs::File;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64};
use std::time::Duration;
use stop::Decision;

/// First word of the page: a worker that maps something else says so instead of running on it.
const MAGIC: u64 = u64::from_le_bytes(*b"fkscope1");

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
pub struct Page {
    map: Arc<MmapRaw>,
    file: Arc<OwnedFd>,
    workers: usize,
}

impl Page {
    /// Creates the page for a number of workers. The descriptor is inherited by worker processes.
    ///
    /// # Errors
    /// When the system gives no shared memory.
    pub fn create(workers: usize) -> std::io::Result<Page> {
        let bytes = HEAD + workers * size_of::<Slot>();
        let file = sealed::create("forkscope-page", MFdFlags::empty(), bytes)?;
        let page = Page::map(file, workers, bytes)?;
        page.stop().decision.reopen();
        // For all to get ready.
        page.events().missing.store(workers as u32, Relaxed);
        page.header().workers.store(workers as u64, Relaxed);
        page.header().magic.store(MAGIC, Release);
        Ok(page)
    }

    /// Maps the page that a worker process has inherited under descriptor number `fd`.
    ///
    /// # Errors
    /// When `fd` is not the page of a host.
    pub fn inherit(fd: RawFd) -> std::io::Result<Page> {
        let damaged = || std::io::Error::other("descriptor is not a page of forkscope");
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
        let page = Page::map(file, (bytes - HEAD) / size_of::<Slot>(), bytes)?;
        let claimed = page.header().workers.load(Relaxed) as usize;
        if page.header().magic.load(Acquire) != MAGIC || claimed != page.workers {
            return Err(damaged());
        }
        Ok(page)
    }

    fn map(file: OwnedFd, workers: usize, bytes: usize) -> std::io::Result<Page> {
        let file = File::from(file);
        let map = MmapOptions::new().len(bytes).map_raw(&file)?;
        Ok(Page {
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

    /// The step that was opened last.
    #[must_use]
    pub fn step(&self) -> Step {
        Step::of(self.header().step.load(SeqCst))
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
            "worker {worker} has no place on a page for {}",
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

/// What the host does.
impl Control for Page {
    fn workers(&self) -> usize {
        self.workers
    }

    fn open(&self, step: Step) -> u64 {
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

    fn close(&self, quantum: Option<u64>) -> Option<u64> {
        let stop = self.stop();
        let Some(quantum) = quantum else {
            stop.stop.store(1, SeqCst);
            return None;
        };
        Some(stop.decision.close(self.slots().map(|s| &s.lease), quantum))
    }

    fn reached(&self, worker: usize) -> Reached {
        Reached::of(self.slot(worker).reached.load(Acquire))
    }

    fn failed(&self) -> Option<(usize, Option<usize>)> {
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

    fn sleep(&self, seen: u32, at_most: Duration) {
        wait(&self.events().events, seen, Some(at_most));
    }

    fn events_seen(&self) -> u32 {
        self.events().events.load(SeqCst)
    }

    fn ops(&self) -> u64 {
        self.slots().map(|s| s.ops.load(Relaxed)).sum()
    }

    fn rounds(&self) -> u64 {
        self.slots()
            .map(|s| s.rounds.load(Relaxed))
            .min()
            .unwrap_or(0)
    }

    fn slowest(&self) -> usize {
        (0..self.workers)
            .min_by_key(|&w| self.slot(w).rounds.load(Relaxed))
            .unwrap_or(0)
    }

    fn last_stop_ns(&self) -> u64 {
        self.slots()
            .map(|s| s.stopped_ns.load(Acquire))
            .max()
            .unwrap_or(0)
    }

    fn live_heap_bytes(&self, worker: usize) -> i64 {
        self.slot(worker).live_heap_bytes.load(Acquire)
    }

    fn vacate(&self, worker: usize) {
        let slot = self.slot(worker);
        let step = self.step();
        // Its report of this step, if it is still to come, is now that of who takes its place: to be ready.
        if self.reached(worker) >= step.leads_to() {
            self.events().missing.fetch_add(1, AcqRel);
        }
        slot.rounds.store(0, Relaxed);
        slot.lease.store(0, Relaxed);
        slot.failure.store(0, Relaxed);
        slot.reached.store(Reached::Nothing.word(), Release);
    }
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
