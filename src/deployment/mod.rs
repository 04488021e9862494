//! Where workers run: the deployments, and which agent lives where.
//!
//! A deployment starts workers and connects them; every worker then runs the same loop
//! ([`worker`]), and sleeps on the same gate ([`gate`]). A deployment differs in where the loop runs
//! and in nothing else.
//!
//! # How to add a deployment
//!
//! 1. Write `src/deployment/NAME.rs` with a [`Deployment`]: start the workers of a [`Job`], and hand
//!    back a [`Fleet`] that can be watched, asked for its reports, and ended.
//! 2. Add its [`Kind`] and how its label is read to `record/form.rs`, and one entry to [`REGISTRY`].
//!
//! `forkscope list`, the parser of `-d` and the parity test iterate the registry.

mod crew;
pub mod file_size;
pub mod gate;
mod hop;
mod local;
mod moments;
pub(crate) mod pace;
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
use gate::Gate;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use worker::WorkerReport;

/// How long a parked worker may take to hand over its report.
const REPORT_TIMEOUT: Duration = Duration::from_secs(20);

/// A failure that no single agent is guilty of.
fn failure_of(phase: Phase, message: String) -> Failure {
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
    pub moments_seed: u64,
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
    /// Starts the workers of `job`; they build their agents, connect, and report on `gate` that they
    /// are ready.
    ///
    /// # Errors
    /// [`Failure`] with the worker and what the machine did not allow.
    fn start(
        &self,
        job: &Job,
        placement: Placement,
        gate: &Gate,
    ) -> Result<Box<dyn Fleet>, Failure>;
}

/// Started workers.
pub trait Fleet {
    /// Processes of the workers; empty when they are threads of this one.
    fn pids(&self) -> Vec<Pid>;

    /// Looks whether a worker has died.
    ///
    /// # Errors
    /// [`Failure`] with agent, phase and signal.
    fn check(&mut self, phase: Phase) -> Result<(), Failure>;

    /// How long at least a worker was stopped by a signal; `None` when none was, or the workers are threads.
    fn stopped(&self) -> Option<Duration> {
        None
    }

    /// Goes on with connecting workers; called whenever the gate reports something, until all are
    /// ready.
    ///
    /// # Errors
    /// [`Failure`] when a worker cannot be connected.
    fn connect(&mut self) -> Result<(), Failure>;

    /// Takes the workers' reports, after the gate's `HandOver`.
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
