//! The one loop that every worker runs, thread or process: build, warm up, turns of the window, hand over.

use super::control::{Reached, Step};
use super::crew::Crew;
use super::hop::HopEnd;
use super::pace::{Pace, sleep_exactly};
use super::page::{Page, Place};
use super::{Job, Placement};
use crate::observe::cpu::ThreadClock;
use crate::observe::heap;
use crate::observe::service::{Recorder, ServiceCounts, stride};
use crate::transport::{Link, Port, TransportError};
use crate::workload::hop::Hop;
use crate::workload::reference::Tape;
use crate::workload::{ProtocolError, Spec, Topology};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};

/// What a worker found in its window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkerReport {
    /// Number of the worker.
    pub worker: usize,
    /// Counted ops.
    pub ops: u64,
    /// All ops, with the uncounted ones of the known effect.
    pub steps: u64,
    /// CPU time of the worker's thread, nanoseconds.
    pub cpu_ns: u64,
    /// Service times, or latencies where ops had a planned start; `None` when nothing was timed.
    pub service: Option<ServiceCounts>,
    /// Joint states evaluated per op, of each of the worker's agents that did one.
    pub active_states_per_op: Vec<f64>,
    /// Numbers of the workload's own, by the ids of metrics, of each of the worker's agents that told one.
    pub values: BTreeMap<String, Vec<f64>>,
    /// Messages and payload bytes sent.
    pub sent: Traffic,
    /// Messages and payload bytes taken in.
    pub received: Traffic,
    /// Looks that found no message, of a worker that polls.
    pub wasted_polls: Option<u64>,
    /// Digest of each of the worker's agents, in their order.
    pub digests: Vec<u64>,
    /// Why the worker failed, if it did.
    pub error: Option<String>,
}

impl WorkerReport {
    /// Takes in what a further turn of the same window found.
    fn add(&mut self, turn: WorkerReport) {
        self.ops += turn.ops;
        self.steps += turn.steps;
        self.cpu_ns += turn.cpu_ns;
        self.sent.add(turn.sent.messages, turn.sent.bytes);
        self.received
            .add(turn.received.messages, turn.received.bytes);
        self.wasted_polls = match (self.wasted_polls, turn.wasted_polls) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
        // Counted from the beginning of the window.
        self.active_states_per_op = turn.active_states_per_op;
    }
}

/// A number of messages and their payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Messages.
    pub messages: u64,
    /// Payload bytes.
    pub bytes: u64,
}

impl Traffic {
    pub(super) fn add(&mut self, messages: u64, bytes: u64) {
        self.messages += messages;
        self.bytes += bytes;
    }
}

/// Why a worker stopped working.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// An agent could not be built.
    #[error("agent {agent} cannot be built: {why}")]
    Build {
        /// Its number.
        agent: usize,
        /// What is wrong with its model.
        why: String,
    },
    /// It could not be put on its CPU.
    #[error("stay on one CPU: {0}")]
    Pin(String),
    /// The transport failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// A message came that must not have come.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

/// What a worker is told before it begins.
pub struct Assignment {
    /// The worker's number.
    pub worker: usize,
    /// What all workers do.
    pub job: Job,
    /// The parameters of the workload, parsed.
    pub spec: Arc<dyn Spec>,
    /// Who lives where.
    pub placement: Placement,
    /// Who sends to whom.
    pub topology: Arc<Topology>,
    /// What the agents receive, when they replay messages.
    pub tape: Option<Arc<Tape>>,
    /// The first worker of this process, in whose place its live heap is written down.
    pub first_of_process: usize,
    /// Workers of this process that have not handed over yet. The last one notes the live heap: the
    /// others' recorders are gone by then.
    pub to_hand_over: Arc<AtomicUsize>,
    /// The step that has been opened already: it waits for a later one.
    pub after: Step,
    /// A thread of the process that works for this worker, and whose CPU time counts as its own.
    pub helper: Option<ThreadClock>,
}

impl Assignment {
    /// Whether the agents wait for each other's messages.
    pub(super) fn is_coupled(&self) -> bool {
        !self.topology.is_silent() && !self.job.tape
    }

    /// The planned starts of a window that was opened at `opened_ns`, CLOCK_MONOTONIC, nanoseconds.
    fn pace(&self, opened_ns: u64) -> Option<Pace> {
        let workers = self.placement.workers();
        let planned_per_s = self.job.planned_per_s?;
        let (agents, is_coupled) = (self.job.agents, self.is_coupled());
        Some(Pace::new(
            opened_ns,
            planned_per_s,
            agents,
            workers,
            is_coupled,
        ))
    }
}

/// What runs in a worker: its agents, or its end of a hop.
pub(super) trait Task {
    /// The recorder of service times; it lives until [`Task::report`].
    fn recorder(&mut self) -> &mut Recorder;

    /// The work per op, and what a schedule has come to, count from here: a warm-up or a window begins.
    fn begin(&mut self);

    /// Runs ops until the page is closed, each as soon as it can or as `pace` plans it; returns what was
    /// done since it was called, without digests. The work per op is that since [`Task::begin`].
    fn run_until_stopped(
        &mut self,
        place: Place<'_>,
        pace: Option<Pace>,
        running: &AtomicUsize,
    ) -> Result<WorkerReport, WorkerError>;

    /// The report of a window that found `found`; frees what was only needed for measuring.
    fn report(&mut self, found: WorkerReport) -> WorkerReport;
}

/// A worker's end of a transport, and what runs on it.
pub(super) trait End: Send + 'static {
    /// What runs.
    type Task<'e>: Task
    where
        Self: 'e;

    /// Builds what runs, from what the worker is told.
    fn build<'e>(
        &'e mut self,
        assignment: &Assignment,
        running: &AtomicUsize,
    ) -> Result<Self::Task<'e>, WorkerError>;
}

/// Agents run here.
pub(super) struct Agents<P>(pub(super) P);

impl<P: Port + Send + 'static> End for Agents<P> {
    type Task<'e> = Crew<'e, P>;

    fn build<'e>(
        &'e mut self,
        assignment: &Assignment,
        running: &AtomicUsize,
    ) -> Result<Crew<'e, P>, WorkerError> {
        Crew::build(assignment, &mut self.0, running)
    }
}

/// A hop ends here; without a link both ends are here.
pub(super) struct Hops<L>(pub(super) Hop, pub(super) Option<L>);

impl<L: Link + 'static> End for Hops<L> {
    type Task<'e> = HopEnd<'e, L>;

    fn build<'e>(
        &'e mut self,
        assignment: &Assignment,
        _: &AtomicUsize,
    ) -> Result<HopEnd<'e, L>, WorkerError> {
        Ok(HopEnd::build(assignment, self.0, self.1.as_mut()))
    }
}

/// Runs a worker from building what runs in it to the end. `hand_over` takes its report; whatever goes
/// wrong, a panic included, is reported on the page and handed over as an error.
pub(super) fn run(
    assignment: Assignment,
    page: &Page,
    mut end: impl End,
    hand_over: impl FnOnce(WorkerReport),
) {
    let worker = assignment.worker;
    let running = AtomicUsize::new(usize::MAX);
    let work = {
        let (assignment, end, running) = (&assignment, &mut end, &running);
        std::panic::AssertUnwindSafe(move || {
            let end = end;
            live(assignment, page, end, running)
        })
    };
    let failure = match std::panic::catch_unwind(work) {
        Ok(Ok((mut task, found))) => {
            hand_over(task.report(found));
            if assignment.to_hand_over.fetch_sub(1, AcqRel) == 1 {
                page.note_live_heap(assignment.first_of_process, heap::live_bytes());
            }
            page.report(worker, Reached::HandedOver);
            // The agents stay alive until memory has been read.
            let _ = page.next_step(Step::HandOver);
            return;
        }
        Ok(Err(error)) => error.to_string(),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            format!(
                "panic: {}",
                text.unwrap_or_else(|| "without a message".to_owned())
            )
        }
    };
    let agent = Some(running.load(Relaxed)).filter(|&a| a != usize::MAX);
    let agent = agent.or(Some(assignment.placement.agents_of(worker).start));
    hand_over(WorkerReport {
        worker,
        error: Some(failure),
        ..WorkerReport::default()
    });
    page.report_failure(worker, agent);
    // Only now: neighbours that find their channels closed fail after, and because of, this worker.
    drop(end);
}

/// Everything up to the end of the window.
fn live<'e, E: End>(
    assignment: &Assignment,
    page: &Page,
    end: &'e mut E,
    running: &AtomicUsize,
) -> Result<(E::Task<'e>, WorkerReport), WorkerError> {
    let worker = assignment.worker;
    assignment
        .job
        .cpus
        .pin(worker)
        .map_err(|why| WorkerError::Pin(why.to_string()))?;
    // Whatever runs here: what a sleep takes longer than it was to take would be charged to an op or a message.
    sleep_exactly();
    let mut task = end.build(assignment, running)?;
    page.report(worker, Reached::Ready);
    let mut step = page.next_step(assignment.after);
    if step == Step::WarmUp {
        warm_up(assignment, page, &mut task, running)?;
        page.report(worker, Reached::WarmedUp);
        step = page.next_step(step);
    } else {
        // In the place of one that has died: whatever it does in its first turn is timed.
        task.recorder().begin_window(1);
    }
    task.begin();
    let mut found = WorkerReport {
        worker,
        ..WorkerReport::default()
    };
    while let Step::Turn(turn) = step {
        let pace = assignment.pace(page.opened_ns());
        if turn > 0 {
            let agents = assignment.placement.agents_of(worker).len();
            task.recorder().skip(agents as u32);
        }
        found.add(task.run_until_stopped(page.place(worker), pace, running)?);
        page.note_stop(worker);
        page.report(worker, Reached::Turned(turn));
        step = page.next_step(step);
    }
    Ok((task, found))
}

/// Runs ops that do not count, to learn how many of those that do are to be timed.
fn warm_up<B: Task>(
    assignment: &Assignment,
    page: &Page,
    task: &mut B,
    running: &AtomicUsize,
) -> Result<(), WorkerError> {
    let worker = assignment.worker;
    task.begin();
    let warm_up = task.run_until_stopped(page.place(worker), None, running)?;
    page.note_stop(worker);
    // The stride must be known before the window: an op costs about what it cost in the warm-up.
    let op_ns = warm_up.cpu_ns as f64 / warm_up.steps.max(1) as f64;
    let recorder = task.recorder();
    let stride = stride(op_ns, recorder.clock().read_cost_ns());
    // Every op that has a planned start is timed.
    recorder.begin_window(match assignment.job.planned_per_s {
        Some(_) => 1,
        None => stride,
    });
    Ok(())
}

#[cfg(test)]
mod tests;
