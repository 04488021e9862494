//! Where workers run: the deployments, and which agent lives where.
//!
//! A deployment starts workers and connects them; every worker then runs the same loop
//! ([`worker`]), and is started and stopped by the same words ([`control`]), here by a page that all share
//! ([`page`]). A deployment differs in where the loop runs and in nothing else.
//!
//! # How to add a deployment
//!
//! 1. Write `src/deployment/NAME.rs` with a [`Deployment`]: start the workers of a [`Job`], and hand
//!    back a [`Fleet`] that can be watched, asked for its reports, and ended.
//! 2. Add its [`Kind`] and how its label is read to `record/form.rs`, and one entry to [`REGISTRY`].
//!
//! `forkscope list`, the parser of `-d` and the parity test iterate the registry.

mod arrivals;
pub mod control;
mod crew;
pub mod file_size;
mod hop;
mod local;
pub(crate) mod pace;
pub mod page;
pub mod pinning;
pub mod processes;
pub mod signals;
pub mod threads;
pub mod worker;

pub use crate::record::{Count, Form, Kind, ParseError, Placement, whole_cpus};

use crate::observe::clock::OpClock;
use crate::record::{Failure, Phase, Pinning};
use crate::transport::Choice;
use crate::workload::SpecSource;
use control::Control;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use page::Page;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use worker::WorkerReport;

/// How long a parked worker may take to hand over its report.
const REPORT_TIMEOUT: Duration = Duration::from_secs(20);

/// The page of so many workers.
fn new_page(placement: Placement) -> Result<Page, Failure> {
    Page::create(placement.workers())
        .map_err(|e| failure_of(Phase::Start, format!("create the shared page: {e}")))
}

/// A failure that no single agent is guilty of.
pub(crate) fn failure_of(phase: Phase, message: String) -> Failure {
    Failure {
        phase,
        agent: None,
        signal: None,
        message,
    }
}

/// What the workers of one invocation shall do: the same for every deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Parameters of the workload.
    pub source: SpecSource,
    /// Number of agents.
    pub agents: usize,
    /// Seed of worlds and episodes.
    pub seed: u64,
    /// Seed of the moments at which messages of a delivery leave, and of the receiver's first look: another one
    /// in every pair, the same one on both its sides. What is sent, and so the digest, does not depend on it.
    pub arrivals_seed: u64,
    /// Rounds after which the digest is complete.
    pub digest_round: u64,
    /// Agents stop only after a multiple of so many rounds: the length of an episode, or 1.
    pub quantum: u64,
    /// After so many counted ops one that is not counted: the known effect.
    pub uncounted_every: Option<u64>,
    /// The clock that times ops, calibrated once per run.
    pub clock: OpClock,
    /// How their messages travel.
    pub transport: Choice,
    /// On which CPUs they run.
    pub cpus: Pinning,
    /// Whether agents replay their neighbours' messages from a tape instead of exchanging them.
    pub tape: bool,
    /// Ops that are planned a second, all agents together; `None` where agents begin as soon as they can.
    pub planned_per_s: Option<f64>,
}

/// A way of running workers.
pub trait Deployment {
    /// Starts the workers of `job`; they build their agents, connect, and say by the fleet's [`Control`] that they are
    /// ready.
    ///
    /// # Errors
    /// [`Failure`] with the worker and what the machine did not allow.
    fn start(&self, job: &Job, placement: Placement) -> Result<Box<dyn Fleet>, Failure>;
}

/// What can be seen from here of the processes that workers live in, besides this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// They are processes of this machine.
    Local(Vec<Pid>),
    /// Nothing: they live elsewhere. What they cost is unknown, but for what they say themselves.
    Unknown,
}

/// A worker process has died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// Its number among the worker processes.
    pub process: usize,
    /// Its workers.
    pub workers: Range<usize>,
    /// Its agents.
    pub agents: Range<usize>,
    /// The signal that ended it: `SIGKILL`.
    pub signal: Option<String>,
    /// Its exit code, where it ended by itself.
    pub code: Option<i32>,
    /// CLOCK_MONOTONIC when it was noticed, nanoseconds.
    pub noticed_ns: u64,
}

/// Started workers.
pub trait Fleet {
    /// By which they are started, stopped and watched.
    fn control(&self) -> Arc<dyn Control>;

    /// Their processes, as far as they can be seen from here.
    fn probe(&self) -> Probe;

    /// Worker processes that have died since the last look. A death is an event: whoever asks here decides what it means.
    ///
    /// # Errors
    /// [`Failure`] when nobody can tell.
    fn deaths(&mut self, _: Phase) -> Result<Vec<Death>, Failure> {
        Ok(Vec::new())
    }

    /// Looks whether a worker has died or failed, where that is a failure.
    ///
    /// # Errors
    /// [`Failure`] with agent, phase and signal.
    fn check(&mut self, phase: Phase) -> Result<(), Failure>;

    /// Sends a signal to a worker process.
    ///
    /// # Errors
    /// When there is no such process here.
    fn signal(&mut self, process: usize, _: Signal) -> Result<(), Failure> {
        Err(failure_of(
            Phase::Window,
            format!(
                "worker process {process} cannot be sent a signal: workers are no processes here"
            ),
        ))
    }

    /// Starts a worker process again that has died: it builds its agents anew and waits for the next step.
    ///
    /// # Errors
    /// When there is no such process here, it still lives, or its workers had been connected to others.
    fn respawn(&mut self, process: usize) -> Result<(), Failure> {
        Err(failure_of(
            Phase::Setup,
            format!(
                "worker process {process} cannot be started again: workers are no processes here"
            ),
        ))
    }

    /// How long at least a worker was stopped by a signal; `None` when none was, or the workers are threads.
    fn stopped(&self) -> Option<Duration> {
        None
    }

    /// Goes on with connecting workers; called whenever [`Control`] has news, until all are ready.
    ///
    /// # Errors
    /// [`Failure`] when a worker cannot be connected.
    fn connect(&mut self) -> Result<(), Failure>;

    /// Takes the workers' reports, after [`Step::HandOver`](control::Step::HandOver); of workers that are gone there is
    /// none.
    ///
    /// # Errors
    /// [`Failure`] when a report does not come.
    fn reports(&mut self) -> Result<Vec<WorkerReport>, Failure>;

    /// Ends the workers and waits for them; kills those that do not end.
    fn end(self: Box<Self>);
}

/// One line of the registry.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Kind, and name on the command line.
    pub kind: Kind,
    /// How its label is written.
    pub syntax: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// The deployment itself.
    pub deployment: &'static (dyn Deployment + Sync),
}

/// Every deployment there is.
pub const REGISTRY: &[Entry] = &[
    Entry {
        kind: Kind::Threads,
        syntax: "threads[:W]",
        about: "one process with a rayon pool of W threads (left out: one per agent)",
        deployment: &threads::Threads,
    },
    Entry {
        kind: Kind::Processes,
        syntax: "processes[:P[xT]]",
        about: "P spawned processes of T threads each (left out: one process per agent, one thread)",
        deployment: &processes::Processes,
    },
];

/// The deployment of a kind.
#[must_use]
pub fn of(kind: Kind) -> &'static Entry {
    REGISTRY
        .iter()
        .find(|e| e.kind == kind)
        .expect("every kind has a line in the registry")
}
