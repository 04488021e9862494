//! Do started workers come as far as they are to, and what do they do meanwhile?

use super::{fail, seconds};
use crate::deployment::control::{Control, Reached, monotonic_ns};
use crate::deployment::{Death, Fleet, Placement, Probe};
use crate::observe::heap;
use crate::observe::memory::{FilePages, MemoryError, MemoryReader};
use crate::observe::standstill::Vigil;
use crate::record::{Failure, Memory, Phase};
use nix::unistd::getpid;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// A dead worker is noticed within this time, whatever the phase.
const LOOK: Duration = Duration::from_millis(50);

/// Started workers and what watches over them.
pub(super) struct Running {
    pub(super) placement: Placement,
    pub(super) control: Arc<dyn Control>,
    pub(super) fleet: Box<dyn Fleet>,
    patience: Duration,
    /// Where the death of a worker process is an event and no failure: those so far.
    pub(super) deaths: Option<Vec<Death>>,
    /// Workers that have died and were not started again.
    gone: BTreeSet<usize>,
    /// By its clock, what stands still does not hang.
    vigil: Vigil,
}

impl Running {
    pub(super) fn new(
        placement: Placement,
        fleet: Box<dyn Fleet>,
        patience: Duration,
        keeps_deaths: bool,
    ) -> Running {
        Running {
            placement,
            control: fleet.control(),
            fleet,
            patience,
            deaths: keeps_deaths.then(Vec::new),
            gone: BTreeSet::new(),
            vigil: Vigil::new(),
        }
    }

    /// Looks whether a worker has died: a failure, or, where deaths are kept, an event.
    pub(super) fn look(&mut self, phase: Phase) -> Result<(), Failure> {
        if let Some(kept) = &mut self.deaths {
            for death in self.fleet.deaths(phase)? {
                self.gone.extend(death.workers.clone());
                kept.push(death);
            }
        }
        self.fleet.check(phase)
    }

    /// Waits until a worker process has died.
    pub(super) fn await_death(&mut self, process: usize, phase: Phase) -> Result<(), Failure> {
        let worker = self.placement.workers_of(process).start;
        let deadline = self.vigil.now() + self.patience;
        while !self.gone.contains(&worker) {
            let seen = self.control.events_seen();
            self.look(phase)?;
            if self.vigil.now() >= deadline {
                let message = format!("worker process {process} still lives");
                return Err(fail(phase, message));
            }
            self.sleep(seen, LOOK / 50);
        }
        Ok(())
    }

    /// Starts a worker process again that has died.
    pub(super) fn respawn(&mut self, process: usize) -> Result<(), Failure> {
        self.fleet.respawn(process)?;
        for worker in self.placement.workers_of(process) {
            self.gone.remove(&worker);
        }
        self.await_all(Reached::Ready, Phase::Setup)
    }

    /// Workers that live and have not reached `what`.
    fn missing(&self, what: Reached) -> Vec<usize> {
        let mut missing = self.control.missing(what);
        missing.retain(|w| !self.gone.contains(w));
        missing
    }

    /// Waits until every worker has reached `what`, and looks after them meanwhile. Patience ends when
    /// nothing happens for so long: a thousand processes that start one after the other do not hang.
    pub(super) fn await_all(&mut self, what: Reached, phase: Phase) -> Result<(), Failure> {
        let mut deadline = self.vigil.now() + self.patience;
        let mut seen_before = self.control.events_seen();
        loop {
            let seen = self.control.events_seen();
            if seen != seen_before {
                seen_before = seen;
                deadline = self.vigil.now() + self.patience;
            }
            self.look(phase)?;
            if what == Reached::Ready {
                self.fleet.connect()?;
            }
            if self.missing(what).is_empty() {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(self.vigil.now());
            if left.is_zero() {
                return Err(self.hung(what, phase));
            }
            self.sleep(seen, left.min(LOOK));
        }
    }

    /// Sleeps until a worker reports something or the time is over.
    pub(super) fn sleep(&mut self, seen: u32, at_most: Duration) {
        let control = &self.control;
        self.vigil.over(at_most, || control.sleep(seen, at_most));
    }

    /// How long at least the host or a worker stood still so far; `None` when nothing of that was seen.
    pub(super) fn stood_still(&self) -> Option<Duration> {
        let own = Some(self.vigil.total()).filter(|t| !t.is_zero());
        own.max(self.fleet.stopped())
    }

    fn hung(&self, what: Reached, phase: Phase) -> Failure {
        let missing = self.missing(what);
        let some: Vec<String> = missing.iter().take(8).map(ToString::to_string).collect();
        let more = if missing.len() > some.len() {
            ", …"
        } else {
            ""
        };
        let agent = missing.first().map(|&w| self.placement.agents_of(w).start);
        Failure {
            agent,
            ..fail(
                phase,
                format!(
                    "{} of {} workers hang after {:.1} s (worker {}{more}); they were killed",
                    missing.len(),
                    self.control.workers(),
                    self.patience.as_secs_f64(),
                    some.join(", ")
                ),
            )
        }
    }

    /// Waits until so much time is over and every agent has passed the digest round.
    pub(super) fn await_digest(
        &mut self,
        least_s: f64,
        digest_round: u64,
        phase: Phase,
    ) -> Result<(), Failure> {
        let until = self.vigil.now() + Duration::from_secs_f64(least_s);
        let deadline = until + self.patience;
        loop {
            let seen = self.control.events_seen();
            self.look(phase)?;
            let now = self.vigil.now();
            let is_digested = self.control.rounds() >= digest_round;
            if now >= until && is_digested {
                return Ok(());
            }
            if now >= deadline {
                let slowest = self.control.slowest();
                let message = format!(
                    "after {:.1} s worker {slowest} has done {} of the {} rounds that the digest needs; it hangs, or its ops are too slow for this tool",
                    least_s + self.patience.as_secs_f64(),
                    self.control.rounds(),
                    digest_round
                );
                return Err(Failure {
                    agent: Some(self.placement.agents_of(slowest).start),
                    ..fail(phase, message)
                });
            }
            // Once the time is over only the digest is waited for: look again soon.
            let left = until.saturating_duration_since(now);
            let at_most = match left.is_zero() {
                true => LOOK / 50,
                false => left.min(LOOK),
            };
            self.sleep(seen, at_most);
        }
    }

    /// Memory of host and workers, which are parked; and what of it is pages of files.
    pub(super) fn memory(
        &self,
        reader: &mut MemoryReader,
    ) -> Result<Option<(Memory, Option<FilePages>)>, Failure> {
        let Probe::Local(workers) = self.fleet.probe() else {
            return Ok(None);
        };
        let own = std::iter::once(getpid());
        match reader.read_with_files(&own.chain(workers).collect::<Vec<_>>()) {
            Ok(read) => Ok(Some(read)),
            // All else can be measured without.
            Err(MemoryError::Unsupported { .. }) => Ok(None),
            Err(e) => Err(fail(Phase::Collect, e.to_string())),
        }
    }

    /// Lets a turn of `length_s` seconds pass; reads the count of ops at the end of each of its slices.
    pub(super) fn turn(
        &mut self,
        length_s: f64,
        count: u32,
        opened_ns: u64,
    ) -> Result<Vec<f64>, Failure> {
        let length_ns = length_s * 1e9;
        let mut slices = Vec::with_capacity(count as usize);
        let (mut ops_before, mut ns_before) = (0, opened_ns);
        let end_of =
            |slice: u32| opened_ns + (length_ns * f64::from(slice) / f64::from(count)) as u64;
        while slices.len() < count as usize {
            let end_ns = end_of(slices.len() as u32 + 1);
            let now = monotonic_ns();
            if now < end_ns {
                let seen = self.control.events_seen();
                self.look(Phase::Window)?;
                self.sleep(seen, Duration::from_nanos(end_ns - now).min(LOOK));
                continue;
            }
            // A host that woke late shares what it finds among the slices that it slept through.
            // One look at the count: what is done between two would be in no slice.
            let ops = self.control.ops();
            let rate = (ops - ops_before) as f64 / seconds(now - ns_before);
            (ops_before, ns_before) = (ops, now);
            while slices.len() < count as usize && end_of(slices.len() as u32 + 1) <= now {
                slices.push(rate);
            }
        }
        Ok(slices)
    }

    /// Live heap of host and workers.
    pub(super) fn live_heap_bytes(&self) -> u64 {
        let placement = &self.placement;
        let noted = |p| self.control.live_heap_bytes(placement.workers_of(p).start);
        let workers: i64 = (0..placement.processes()).map(noted).sum();
        u64::try_from(heap::live_bytes() + workers).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
