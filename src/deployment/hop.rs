//! One end of a hop: sends and receives on a link, and nothing else.
//!
//! Worker 0 begins; worker 1 answers, or takes in. Worker 0 alone looks at the gate: when it is to stop it
//! says so on the link, behind its last message, so that both ends have done the same. With one worker for
//! both ends a message is a call.

use super::gate::Place;
use super::worker::{Assignment, Band, WorkerError, WorkerReport};
use crate::observe::cpu::own_thread_ns;
use crate::observe::service::Recorder;
use crate::transport::link::{LAST, Link, Payload, Received};
use crate::transport::{Placement, TransportError};
use crate::workload::hop::{Hop, Pattern};
use crate::workload::{Digest, ProtocolError};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

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
    digest_round: u64,
    /// Of the agents of this worker, in their order.
    digests: Vec<Digest>,
    /// Every so many ops one is not counted; `u64::MAX` when all are.
    cycle: u64,
    recorder: Option<Recorder>,
}

impl<'l, L: Link> HopEnd<'l, L> {
    pub(super) fn build(
        assignment: &Assignment,
        hop: Hop,
        link: Option<&'l mut L>,
    ) -> HopEnd<'l, L> {
        let job = &assignment.job;
        let payload = Payload::new(hop.payload_bytes, job.seed);
        HopEnd {
            worker: assignment.worker,
            link,
            placement: assignment.placement,
            pattern: hop.pattern,
            expected_sum: payload.sum(),
            payload,
            sequence: 0,
            digest_round: job.digest_round,
            digests: vec![
                Digest::default();
                assignment.placement.agents_of(assignment.worker).len()
            ],
            cycle: job.uncounted_every.map_or(u64::MAX, |n| n + 1),
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
        if counts && self.sequence % self.cycle != self.cycle - 1 {
            tally.ops += 1;
        }
        self.sequence += 1;
        place.count(tally.ops);
        place.note_rounds(self.sequence);
    }
}

impl<L: Link> Band for HopEnd<'_, L> {
    fn recorder(&mut self) -> &mut Recorder {
        self.recorder
            .as_mut()
            .expect("the recorder lives until the report is handed over")
    }

    fn run_until_stopped(
        &mut self,
        place: Place<'_>,
        running: &AtomicUsize,
    ) -> Result<WorkerReport, WorkerError> {
        running.store(self.placement.agents_of(self.worker).start, Relaxed);
        let mut tally = WorkerReport {
            worker: self.worker,
            ..WorkerReport::default()
        };
        let cpu_before = own_thread_ns();
        match (self.placement.workers(), self.worker) {
            (1, _) => self.call(&place, &mut tally)?,
            (_, 0) => self.begin(&place, &mut tally)?,
            _ => self.answer(&place, &mut tally)?,
        }
        tally.cpu_ns = own_thread_ns() - cpu_before;
        // The work of an op: bytes that were delivered. The same at both ends.
        tally.active_states_per_op = vec![self.payload.bytes().len() as f64];
        Ok(tally)
    }

    fn report(&mut self, mut found: WorkerReport) -> WorkerReport {
        let is_timed = self.worker == 0;
        found.service = self
            .recorder
            .take()
            .filter(|_| is_timed)
            .map(|r| r.counts());
        found.digests = self.digests.iter().map(|d| d.value()).collect();
        found
    }
}
