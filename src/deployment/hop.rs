//! What does a worker do at one end of a hop? It sends and receives on a link, and nothing else.
//!
//! Worker 0 begins; worker 1 answers, or takes in. Worker 0 alone looks at the page: when it is to stop it
//! says so on the link, behind its last message, so that both ends have done the same. With one worker for
//! both ends a message is a call.
//!
//! Messages at random moments carry the moment that was planned for them in place of their number: it grows from
//! one to the next, so order shows in it too, and the receiver knows how long each has waited. What a sender is
//! late by counts: by the time at which a message left, a transport that blocks its sender would look fast.

use super::arrivals::{Arrivals, stamp};
use super::control::monotonic_ns;
use super::pace::{Pace, sleep_until};
use super::page::Place;
use super::worker::{Assignment, Task, WorkerError, WorkerReport};
use crate::observe::clock::OpClock;
use crate::observe::cpu::own_thread_ns;
use crate::observe::service::Recorder;
use crate::transport::link::{LAST, Link, Payload, Received};
use crate::transport::{Placement, TransportError};
use crate::workload::delivery::{Paced, Reception};
use crate::workload::hop::{Hop, Pattern};
use crate::workload::{Digest, ProtocolError};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// One worker's end.
pub(super) struct HopEnd<'l, L> {
    worker: usize,
    /// `None` where both ends are this worker's.
    link: Option<&'l mut L>,
    placement: Placement,
    pattern: Pattern,
    payload: Payload,
    expected_sum: u64,
    /// The next message's number: the same at both ends.
    sequence: u64,
    /// The clock of both ends, and the moment of the last message on it.
    clock: OpClock,
    stamp: u64,
    arrivals_seed: u64,
    /// Steps that it has run: warm-up, window.
    steps_run: u64,
    digest_round: u64,
    /// Of the agents of this worker, in their order.
    digests: Vec<Digest>,
    /// Every so many ops one is not counted; `u64::MAX` when all are.
    cycle: u64,
    /// Ops until one is not counted.
    until_uncounted: u64,
    recorder: Option<Recorder>,
}

impl<'l, L: Link> HopEnd<'l, L> {
    pub(super) fn build(
        assignment: &Assignment,
        hop: Hop,
        link: Option<&'l mut L>,
    ) -> HopEnd<'l, L> {
        let job = &assignment.job;
        let cycle = job.uncounted_every.map_or(u64::MAX, |n| n + 1);
        let payload = Payload::new(hop.payload_bytes, job.seed);
        HopEnd {
            worker: assignment.worker,
            link,
            placement: assignment.placement,
            pattern: hop.pattern,
            expected_sum: payload.sum(),
            payload,
            sequence: 0,
            clock: job.clock,
            stamp: 0,
            arrivals_seed: job.arrivals_seed,
            steps_run: 0,
            digest_round: job.digest_round,
            digests: vec![
                Digest::default();
                assignment.placement.agents_of(assignment.worker).len()
            ],
            cycle,
            until_uncounted: cycle,
            recorder: Some(Recorder::fine(job.clock, 1)),
        }
    }

    /// Begins: sends, and waits for the answer where there is one.
    fn begin(&mut self, place: &Place<'_>, tally: &mut WorkerReport) -> Result<(), WorkerError> {
        let mut recorder = self.recorder.take().expect("it runs while it is there");
        let link = self.link.take().expect("two workers have a link");
        let done = self.begin_on(link, &mut recorder, place, tally);
        (self.link, self.recorder) = (Some(link), Some(recorder));
        done
    }

    fn begin_on(
        &mut self,
        link: &mut L,
        recorder: &mut Recorder,
        place: &Place<'_>,
        tally: &mut WorkerReport,
    ) -> Result<(), WorkerError> {
        let bytes = self.payload.bytes().len() as u64;
        recorder.resume();
        while !place.is_stopped() {
            recorder.begin_op();
            link.send(self.sequence, &self.payload)?;
            tally.sent.add(1, bytes);
            if self.pattern == Pattern::PingPong {
                let received = link.receive()?;
                self.check(received, 0)?;
                tally.received.add(1, bytes);
            }
            recorder.end_op();
            self.finish(self.pattern == Pattern::PingPong, place, tally);
        }
        link.send(LAST, &self.payload)?;
        Ok(())
    }

    /// Answers, or takes in, until nothing more comes.
    fn answer(&mut self, place: &Place<'_>, tally: &mut WorkerReport) -> Result<(), WorkerError> {
        let link = self.link.take().expect("two workers have a link");
        let done = self.answer_on(link, place, tally);
        self.link = Some(link);
        done
    }

    fn answer_on(
        &mut self,
        link: &mut L,
        place: &Place<'_>,
        tally: &mut WorkerReport,
    ) -> Result<(), WorkerError> {
        let bytes = self.payload.bytes().len() as u64;
        loop {
            let received = link.receive()?;
            if received.sequence == LAST {
                return Ok(());
            }
            self.check(received, 0)?;
            tally.received.add(1, bytes);
            if self.pattern == Pattern::PingPong {
                link.send(self.sequence, &self.payload)?;
                tally.sent.add(1, bytes);
            }
            self.finish(self.pattern == Pattern::Flood, place, tally);
        }
    }

    /// Sends now and then.
    fn send_paced(
        &mut self,
        paced: Paced,
        place: &Place<'_>,
        tally: &mut WorkerReport,
    ) -> Result<(), WorkerError> {
        let link = self.link.take().expect("two workers have a link");
        let done = self.send_paced_on(link, paced, place, tally);
        self.link = Some(link);
        done
    }

    fn send_paced_on(
        &mut self,
        link: &mut L,
        paced: Paced,
        place: &Place<'_>,
        tally: &mut WorkerReport,
    ) -> Result<(), WorkerError> {
        let bytes = self.payload.bytes().len() as u64;
        // Counted from the opening of the window.
        let mut arrivals = Arrivals::new(self.arrivals_seed, self.steps_run);
        let mut next_ns = monotonic_ns();
        loop {
            next_ns += arrivals.gap_ns(paced.gap_us);
            sleep_until(next_ns);
            if place.is_stopped() {
                break;
            }
            let late = Duration::from_nanos(monotonic_ns().saturating_sub(next_ns));
            let late = self.clock.ticks(late);
            self.stamp = stamp(self.clock.now(), late, self.stamp);
            link.send(self.stamp, &self.payload)?;
            tally.sent.add(1, bytes);
            self.finish(false, place, tally);
        }
        link.send(LAST, &self.payload)?;
        Ok(())
    }

    /// Receives when a message comes, or when it looks.
    fn receive_paced(
        &mut self,
        paced: Paced,
        place: &Place<'_>,
        tally: &mut WorkerReport,
    ) -> Result<(), WorkerError> {
        let mut recorder = self.recorder.take().expect("it runs while it is there");
        let link = self.link.take().expect("two workers have a link");
        let done = match paced.reception {
            Reception::Event => self.on_event(link, &mut recorder, place, tally),
            Reception::Poll { every_us } => {
                self.on_poll(link, 1000 * every_us, &mut recorder, place, tally)
            }
        };
        (self.link, self.recorder) = (Some(link), Some(recorder));
        done
    }

    fn on_event(
        &mut self,
        link: &mut L,
        recorder: &mut Recorder,
        place: &Place<'_>,
        tally: &mut WorkerReport,
    ) -> Result<(), WorkerError> {
        loop {
            let received = link.receive()?;
            if self.take_in(received, recorder, place, tally)? {
                return Ok(());
            }
        }
    }

    fn on_poll(
        &mut self,
        link: &mut L,
        every_ns: u64,
        recorder: &mut Recorder,
        place: &Place<'_>,
        tally: &mut WorkerReport,
    ) -> Result<(), WorkerError> {
        let mut wasted = 0;
        let mut arrivals = Arrivals::new(self.arrivals_seed, self.steps_run);
        let mut next_ns = monotonic_ns() + arrivals.first_look_ns(every_ns);
        loop {
            sleep_until(next_ns);
            next_ns += every_ns;
            let mut found = 0;
            while let Some(received) = link.try_receive()? {
                found += 1;
                if self.take_in(received, recorder, place, tally)? {
                    tally.wasted_polls = Some(wasted);
                    return Ok(());
                }
            }
            wasted += u64::from(found == 0);
        }
    }

    /// Takes in a message that carries its planned moment; true when it was the last.
    fn take_in(
        &mut self,
        received: Received,
        recorder: &mut Recorder,
        place: &Place<'_>,
        tally: &mut WorkerReport,
    ) -> Result<bool, WorkerError> {
        if received.sequence == LAST {
            return Ok(true);
        }
        let now = self.clock.now();
        if received.sequence <= self.stamp {
            return Err(ProtocolError::OutOfOrder {
                received: received.sequence,
                due: self.stamp + 1,
            }
            .into());
        }
        self.stamp = received.sequence;
        recorder.record_ns(self.clock.ns(now.saturating_sub(received.sequence)));
        if received.sum != self.expected_sum {
            let why = format!("message {} is not what was sent", self.sequence);
            return Err(TransportError::Damaged(why).into());
        }
        if self.sequence < self.digest_round {
            self.digests[0].word(received.sum);
        }
        tally.received.add(1, self.payload.bytes().len() as u64);
        self.finish(true, place, tally);
        Ok(false)
    }

    /// Both ends in one worker: calls.
    fn call(&mut self, place: &Place<'_>, tally: &mut WorkerReport) -> Result<(), WorkerError> {
        let mut recorder = self.recorder.take().expect("it runs while it is there");
        let answers = u64::from(self.pattern == Pattern::PingPong);
        let bytes = self.payload.bytes().len() as u64;
        recorder.resume();
        while !place.is_stopped() {
            recorder.begin_op();
            self.check(self.payload.call(self.sequence), 1)?;
            if answers == 1 {
                self.check(self.payload.call(self.sequence), 0)?;
            }
            recorder.end_op();
            tally.sent.add(1 + answers, (1 + answers) * bytes);
            tally.received.add(1 + answers, (1 + answers) * bytes);
            self.finish(true, place, tally);
        }
        self.recorder = Some(recorder);
        Ok(())
    }

    /// Whether a message is the one that is due, and whole; `agent` of this worker has received it.
    #[inline]
    fn check(&mut self, received: Received, agent: usize) -> Result<(), WorkerError> {
        if received.sequence != self.sequence {
            return Err(ProtocolError::OutOfOrder {
                received: received.sequence,
                due: self.sequence,
            }
            .into());
        }
        if received.sum != self.expected_sum {
            let why = format!("message {} is not what was sent", self.sequence);
            return Err(TransportError::Damaged(why).into());
        }
        if self.sequence < self.digest_round {
            let digest = &mut self.digests[agent];
            digest.word(received.sequence);
            digest.word(received.sum);
        }
        Ok(())
    }

    /// After an op, at one of its ends; `counts` at the end that counts it.
    #[inline]
    fn finish(&mut self, counts: bool, place: &Place<'_>, tally: &mut WorkerReport) {
        tally.steps += 1;
        // As of agents: counted down, because a division has a price of its own.
        self.until_uncounted -= 1;
        if self.until_uncounted == 0 {
            self.until_uncounted = self.cycle;
        } else if counts {
            tally.ops += 1;
        }
        self.sequence += 1;
        place.count(tally.ops);
        place.note_rounds(self.sequence);
    }
}

impl<L: Link> Task for HopEnd<'_, L> {
    fn recorder(&mut self) -> &mut Recorder {
        self.recorder
            .as_mut()
            .expect("the recorder lives until the report is handed over")
    }

    // The work of its op is always the same, and it has no schedule of the page's.
    fn begin(&mut self) {}

    fn run_until_stopped(
        &mut self,
        place: Place<'_>,
        // Hops have a pattern of their own.
        _: Option<Pace>,
        running: &AtomicUsize,
    ) -> Result<WorkerReport, WorkerError> {
        running.store(self.placement.agents_of(self.worker).start, Relaxed);
        self.steps_run += 1;
        let mut tally = WorkerReport {
            worker: self.worker,
            ..WorkerReport::default()
        };
        let cpu_before = own_thread_ns();
        match (self.placement.workers(), self.worker, self.pattern) {
            (1, ..) => self.call(&place, &mut tally)?,
            (_, 0, Pattern::Paced(paced)) => self.send_paced(paced, &place, &mut tally)?,
            (_, _, Pattern::Paced(paced)) => self.receive_paced(paced, &place, &mut tally)?,
            (_, 0, _) => self.begin(&place, &mut tally)?,
            _ => self.answer(&place, &mut tally)?,
        }
        tally.cpu_ns = own_thread_ns() - cpu_before;
        // The work of an op: bytes that were delivered. The same at both ends.
        tally.active_states_per_op = vec![self.payload.bytes().len() as f64];
        Ok(tally)
    }

    fn report(&mut self, mut found: WorkerReport) -> WorkerReport {
        // Round trips are timed where they begin, messages where they end.
        let timed = match self.pattern {
            Pattern::Paced(_) => self.placement.workers() - 1,
            Pattern::PingPong | Pattern::Flood => 0,
        };
        let is_timed = self.worker == timed;
        found.service = self
            .recorder
            .take()
            .filter(|_| is_timed)
            .map(|r| r.counts());
        found.digests = self.digests.iter().map(|d| d.value()).collect();
        found
    }
}
