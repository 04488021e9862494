//! The agents of one worker, and how they run ops.
//!
//! Agents without neighbours run free: one op each in turn, until the page says stop; each then
//! finishes the episode that it is in, so that a window holds whole episodes. The work per op is that of its whole
//! lives, so it is the same in every invocation. Coupled agents run by messages: an agent begins a round
//! when the lease allows it, and ends it when every neighbour's message of that round is there; a
//! worker whose agents all wait sleeps on its port.
//!
//! Where ops have a planned start, an agent begins none before it, and what is timed is from that start to the
//! end of the op. A worker that waits for a message meanwhile looks at the clock only when one has come:
//! all agents of a round are planned together, so nobody is due before the round that is waited for is over,
//! unless it is late by a whole period.
//!
//! Nothing here knows whether the port leads to a
//! thread or to a process.

use super::Placement;
use super::control::monotonic_ns;
use super::pace::{Pace, sleep_until};
use super::page::Place;
use super::worker::{Assignment, Task, WorkerError, WorkerReport};
use crate::observe::cpu::{ThreadClock, own_thread_ns};
use crate::observe::service::Recorder;
use crate::transport::{Port, TransportError};
use crate::workload::reference::Tape;
use crate::workload::{Digest, Inbox, Message, Received, Workload};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// One agent and what belongs to it.
struct Seat {
    id: usize,
    workload: Box<dyn Workload>,
    inbox: Inbox,
    neighbours: Vec<Neighbour>,
    draft: Message,
    digest: Digest,
    /// Rounds begun; the current one while `is_waiting`.
    round: u64,
    is_waiting: bool,
    /// Clock when the current op began, if it is a timed one.
    began: Option<u64>,
    /// Ops done since the warm-up or the window began.
    steps: u64,
    /// Joint states evaluated since then.
    active_states: u64,
    /// Ops until the life that is under way has ended.
    until_life: u64,
    /// Ops and joint states of the whole lives since the warm-up or the window began.
    whole_lives: (u64, u64),
    /// Ops until one is not counted.
    until_uncounted: u64,
}

/// Somebody whom an agent writes to.
#[derive(Clone, Copy)]
struct Neighbour {
    id: u32,
    /// Whether what the agent says goes there; an empty note, where not.
    is_told: bool,
}

/// The agents of one worker.
pub(super) struct Crew<'p, P> {
    worker: usize,
    placement: Placement,
    seats: Vec<Seat>,
    port: &'p mut P,
    tape: Option<Arc<Tape>>,
    is_coupled: bool,
    digest_round: u64,
    /// Agents stop only after a multiple of so many rounds.
    quantum: u64,
    /// Rounds after which the work of an agent repeats.
    life: u64,
    /// Every so many rounds one is not counted; `u64::MAX` when all are.
    cycle: u64,
    #[expect(
        clippy::vec_box,
        reason = "boxes travel: their reuse is what saves the allocation"
    )]
    free: Vec<Box<Message>>,
    recorder: Option<Recorder>,
    helper: Option<ThreadClock>,
}

impl<'p, P: Port> Crew<'p, P> {
    pub(super) fn build(
        assignment: &Assignment,
        port: &'p mut P,
        running: &AtomicUsize,
    ) -> Result<Crew<'p, P>, WorkerError> {
        let Assignment {
            worker,
            job,
            spec,
            placement,
            topology,
            tape,
            ..
        } = assignment;
        let life = spec.life_length();
        let cycle = job.uncounted_every.map_or(u64::MAX, |n| n + 1);
        let seats = placement
            .agents_of(*worker)
            .map(|id| {
                running.store(id, Relaxed);
                let workload = spec
                    .build(id, job.agents, job.seed)
                    .map_err(|why| WorkerError::Build { agent: id, why })?;
                Ok(Seat {
                    id,
                    workload,
                    inbox: Inbox::new(id as u32, topology.of(id)),
                    neighbours: topology
                        .of(id)
                        .iter()
                        .map(|&other| Neighbour {
                            id: other,
                            is_told: topology.carries(id, other as usize),
                        })
                        .collect(),
                    draft: Message {
                        from: id as u32,
                        ..Message::default()
                    },
                    digest: Digest::default(),
                    round: 0,
                    is_waiting: false,
                    began: None,
                    steps: 0,
                    active_states: 0,
                    until_life: life,
                    whole_lives: (0, 0),
                    until_uncounted: cycle,
                })
            })
            .collect::<Result<Vec<_>, WorkerError>>()?;
        Ok(Crew {
            worker: *worker,
            placement: *placement,
            seats,
            port,
            tape: tape.clone(),
            is_coupled: assignment.is_coupled(),
            digest_round: job.digest_round,
            quantum: job.quantum,
            life,
            cycle,
            free: Vec::new(),
            recorder: Some(match job.planned_per_s {
                Some(_) => Recorder::fine(job.clock, 1),
                None => Recorder::new(job.clock, 1),
            }),
            helper: assignment.helper,
        })
    }

    /// CPU time of this thread and its helper.
    fn cpu_ns(&self) -> u64 {
        own_thread_ns() + self.helper.map_or(0, ThreadClock::now_ns)
    }

    /// Agents without neighbours: one op each, in turn.
    fn run_free(
        &mut self,
        place: &Place<'_>,
        mut timing: impl Timing,
        tally: &mut WorkerReport,
        running: &AtomicUsize,
    ) {
        let mut working = self.seats.len();
        while working > 0 {
            working = 0;
            for seat in &mut self.seats {
                if place.is_stopped() && seat.round % self.quantum == 0 {
                    continue;
                }
                working += 1;
                running.store(seat.id, Relaxed);
                timing.begin_op(seat.id, seat.steps);
                seat.workload.produce(&mut seat.draft);
                let received = match &self.tape {
                    Some(tape) => tape.received(seat.id, seat.round),
                    None => Received::NOTHING,
                };
                seat.workload.consume(received);
                timing.end_op();
                seat.finish(self.digest_round, self.life, self.cycle, tally);
                place.count(tally.ops);
            }
            place.note_rounds(self.seats.last().map_or(u64::MAX, |s| s.round));
        }
    }

    /// Agents with neighbours: by messages, up to a round that all agree on.
    fn run_coupled(
        &mut self,
        place: &mut Place<'_>,
        pace: Option<Pace>,
        tally: &mut WorkerReport,
        running: &AtomicUsize,
    ) -> Result<(), WorkerError> {
        loop {
            let mut has_moved = false;
            let mut is_waiting = false;
            // When the next agent is to begin that is not due yet.
            let mut next_start_ns = u64::MAX;
            for i in 0..self.seats.len() {
                if !self.seats[i].is_waiting {
                    if let Some(start_ns) = self.seats[i].not_due(pace) {
                        next_start_ns = next_start_ns.min(start_ns);
                        continue;
                    }
                    if !place.may_begin(self.seats[i].round) {
                        continue;
                    }
                    running.store(self.seats[i].id, Relaxed);
                    self.begin_round(i, tally)?;
                    has_moved = true;
                }
                if self.seats[i].inbox.is_complete() {
                    running.store(self.seats[i].id, Relaxed);
                    self.end_round(i, pace, tally);
                    place.count(tally.ops);
                    has_moved = true;
                } else {
                    is_waiting = true;
                }
            }
            place.note_rounds(self.seats.iter().map(|s| s.round).min().unwrap_or(u64::MAX));
            while let Some(message) = self.port.try_receive()? {
                self.deliver(message)?;
                has_moved = true;
            }
            if has_moved {
                continue;
            }
            if is_waiting {
                let message = self.port.receive()?;
                self.deliver(message)?;
                continue;
            }
            if next_start_ns != u64::MAX {
                sleep_until(next_start_ns);
                continue;
            }
            // Every agent has come to the hold. Their rounds differ, but none lies beyond `last`.
            place.await_decision();
            if self.seats.iter().all(|s| place.is_over(s.round)) {
                return Ok(self.port.settle()?);
            }
        }
    }

    /// First half of an op: the agent acts and writes to its neighbours.
    fn begin_round(&mut self, i: usize, tally: &mut WorkerReport) -> Result<(), WorkerError> {
        let recorder = self
            .recorder
            .as_mut()
            .expect("there is a recorder while agents run");
        let seat = &mut self.seats[i];
        seat.began = recorder.begin_detached();
        seat.workload.produce(&mut seat.draft);
        seat.draft.round = seat.round;
        seat.is_waiting = true;
        for n in 0..self.seats[i].neighbours.len() {
            let Neighbour { id: to, is_told } = self.seats[i].neighbours[n];
            let mut message = self.free.pop().unwrap_or_default();
            match is_told {
                true => message.copy_from(&self.seats[i].draft, to),
                false => message.note_from(&self.seats[i].draft, to),
            }
            tally.sent.add(1, message.bytes() as u64);
            let worker = self.placement.worker_of(to as usize);
            if worker == self.worker {
                self.deliver(message)?;
            } else {
                self.port.send(worker, message)?;
            }
        }
        Ok(())
    }

    /// Second half: the agent takes in what it received, and infers.
    fn end_round(&mut self, i: usize, pace: Option<Pace>, tally: &mut WorkerReport) {
        let seat = &mut self.seats[i];
        let (messages, bytes) = seat.inbox.received().size();
        tally.received.add(messages, bytes);
        seat.workload.consume(seat.inbox.received());
        seat.inbox.advance(&mut self.free);
        seat.is_waiting = false;
        let began = seat.began.take();
        let recorder = self
            .recorder
            .as_mut()
            .expect("there is a recorder while agents run");
        match (pace, began) {
            (Some(pace), _) => {
                let planned_ns = pace.planned_ns(seat.id, seat.steps);
                recorder.record_ns(monotonic_ns().saturating_sub(planned_ns));
            }
            (None, Some(began)) => recorder.end_detached(began),
            (None, None) => {}
        }
        self.seats[i].finish(self.digest_round, self.life, self.cycle, tally);
    }

    /// Files a message in the inbox of its receiver.
    fn deliver(&mut self, message: Box<Message>) -> Result<(), WorkerError> {
        let own = self.placement.agents_of(self.worker);
        let seat = (message.to as usize)
            .checked_sub(own.start)
            .and_then(|i| self.seats.get_mut(i));
        let Some(seat) = seat else {
            return Err(TransportError::Damaged(format!(
                "it is for agent {}, who lives elsewhere",
                message.to
            ))
            .into());
        };
        seat.inbox.put(message)?;
        Ok(())
    }
}

impl<P: Port> Task for Crew<'_, P> {
    fn recorder(&mut self) -> &mut Recorder {
        self.recorder
            .as_mut()
            .expect("the recorder lives until the report is handed over")
    }

    fn begin(&mut self) {
        for seat in &mut self.seats {
            (seat.steps, seat.active_states) = (0, 0);
            (seat.until_life, seat.whole_lives) = (self.life, (0, 0));
        }
    }

    fn run_until_stopped(
        &mut self,
        mut place: Place<'_>,
        pace: Option<Pace>,
        running: &AtomicUsize,
    ) -> Result<WorkerReport, WorkerError> {
        let mut tally = WorkerReport {
            worker: self.worker,
            ..WorkerReport::default()
        };
        let cpu_before = self.cpu_ns();
        if self.is_coupled {
            self.run_coupled(&mut place, pace, &mut tally, running)?;
        } else {
            let mut recorder = self
                .recorder
                .take()
                .expect("there is a recorder while agents run");
            recorder.resume();
            match pace {
                None => self.run_free(&place, AtOnce(&mut recorder), &mut tally, running),
                Some(pace) => {
                    let timing = Planned {
                        recorder: &mut recorder,
                        pace,
                        planned_ns: 0,
                    };
                    self.run_free(&place, timing, &mut tally, running);
                }
            }
            self.recorder = Some(recorder);
        }
        tally.cpu_ns = self.cpu_ns() - cpu_before;
        // Of whole lives, in which all did the same; of what there is, where a window holds none.
        let work = |s: &Seat| match s.whole_lives {
            (0, _) => s.active_states as f64 / s.steps as f64,
            (steps, states) => states as f64 / steps as f64,
        };
        tally.active_states_per_op = self
            .seats
            .iter()
            .filter(|s| s.steps > 0)
            .map(work)
            .collect();
        Ok(tally)
    }

    fn report(&mut self, mut found: WorkerReport) -> WorkerReport {
        found.service = self.recorder.take().map(|r| r.counts());
        found.digests = self.seats.iter().map(|s| s.digest.value()).collect();
        for seat in &self.seats {
            seat.workload.values(&mut |id, value| {
                found.values.entry(id.to_owned()).or_default().push(value);
            });
        }
        found
    }
}

/// When ops of agents without neighbours begin, and what of them is timed.
trait Timing {
    /// Before op `k` of agent `agent`.
    fn begin_op(&mut self, agent: usize, k: u64);
    /// After it.
    fn end_op(&mut self);
}

/// Each as soon as it can: its service time.
struct AtOnce<'r>(&'r mut Recorder);

impl Timing for AtOnce<'_> {
    #[inline]
    fn begin_op(&mut self, _: usize, _: u64) {
        self.0.begin_op();
    }

    #[inline]
    fn end_op(&mut self) {
        self.0.end_op();
    }
}

/// Each at its planned start: from there to its end.
struct Planned<'r> {
    recorder: &'r mut Recorder,
    pace: Pace,
    planned_ns: u64,
}

impl Timing for Planned<'_> {
    fn begin_op(&mut self, agent: usize, k: u64) {
        self.planned_ns = self.pace.planned_ns(agent, k);
        sleep_until(self.planned_ns);
    }

    fn end_op(&mut self) {
        self.recorder
            .record_ns(monotonic_ns().saturating_sub(self.planned_ns));
    }
}

impl Seat {
    /// When the agent's next op is to begin, if that is still to come.
    fn not_due(&self, pace: Option<Pace>) -> Option<u64> {
        let planned_ns = pace?.planned_ns(self.id, self.steps);
        (monotonic_ns() < planned_ns).then_some(planned_ns)
    }

    /// After an op: counts it, and folds it into the digest until that is complete.
    #[inline]
    fn finish(&mut self, digest_round: u64, life: u64, cycle: u64, tally: &mut WorkerReport) {
        tally.steps += 1;
        self.steps += 1;
        self.active_states += self.workload.active_states();
        self.until_life -= 1;
        if self.until_life == 0 {
            self.until_life = life;
            self.whole_lives = (self.steps, self.active_states);
        }
        // The last of each cycle is done and not counted: a known effect on op/s. Counted down, because a division takes
        // as long as its quotient is, and that would be an effect of its own.
        self.until_uncounted -= 1;
        if self.until_uncounted == 0 {
            self.until_uncounted = cycle;
        } else {
            tally.ops += 1;
        }
        if self.round < digest_round {
            self.workload.fold(&mut self.digest);
        }
        self.round += 1;
    }
}
