//! One invocation of one cell under one deployment: setup, warm-up, turns of the window, checks, one sample.
//!
//! This runs in the *host*: a process that exists for one invocation only, so that no invocation
//! inherits heap, caches of an allocator, or threads from another.

mod check;
mod hold;
mod partner;
mod running;
mod script;
mod tally;
mod watch;

pub use check::check;
pub use script::{Act, Played, Script};

use script::play;

use super::turns::{self, Part};
use crate::deployment::{self, Form, Job, Placement, whole_cpus};
use crate::observe::cgroup::Cgroup;
use crate::record::{Failure, Outcome, Phase, Sample};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use std::io::BufRead;

/// What one invocation shall do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invocation {
    /// What the workers do.
    pub job: Job,
    /// Where they run.
    pub form: Form,
    /// Effective CPUs, as the machine was found.
    pub cpus_effective: f64,
    /// Least length of the warm-up, seconds.
    pub warm_up_s: f64,
    /// Length of the window, seconds.
    pub window_s: f64,
    /// How long a phase may take beyond its plan before it counts as hung, seconds.
    pub patience_s: f64,
    /// How it takes part in its pair.
    pub part: Part,
}

impl Invocation {
    /// Who lives where.
    #[must_use]
    pub fn placement(&self) -> Placement {
        self.form
            .place(self.job.agents, whole_cpus(self.cpus_effective))
    }

    /// Turns of its window, where an agent took `episode_s` seconds for an episode in the warm-up.
    #[must_use]
    pub fn turns_for(&self, episode_s: f64) -> u32 {
        if !self.part.takes_turns {
            return 1;
        }
        let workers = self.placement().workers();
        turns::how_many(self.window_s, workers, self.cpus_effective, episode_s)
    }

    /// Whether there is one worker, which may run anywhere.
    #[must_use]
    pub fn is_one_free_worker(&self) -> bool {
        self.placement().workers() == 1 && self.job.cpus.is_free()
    }

    /// Wall time after which a host that was given a turn is given up, seconds: its own watchdogs come first.
    #[must_use]
    pub fn turn_gives_up_after_s(&self) -> f64 {
        self.window_s + 2.0 * self.patience_s
    }

    /// Wall time after which the coordinator gives the host up, seconds: the host's own watchdogs,
    /// one per phase, come first.
    #[must_use]
    pub fn gives_up_after_s(&self) -> f64 {
        self.warm_up_s + self.window_s + 6.0 * self.patience_s
    }
}

/// Runs one invocation in this process; where it takes turns, nobody else does.
///
/// # Errors
/// [`Failure`] with phase and cause; workers are ended in either case.
pub fn run(invocation: &Invocation) -> Result<Sample, Failure> {
    run_script(invocation, &Script::usual()).map(|played| played.sample)
}

/// Like [`run`], by another script.
///
/// # Errors
/// As of [`run`].
pub fn run_script(invocation: &Invocation, script: &Script) -> Result<Played, Failure> {
    let deployment = deployment::of(invocation.form.kind).deployment;
    let mut partner = partner::Nobody::new(invocation);
    play(invocation, script, deployment, &mut partner)
}

fn fail(phase: Phase, message: String) -> Failure {
    Failure {
        phase,
        agent: None,
        signal: None,
        message,
    }
}

fn seconds(ns: u64) -> f64 {
    ns as f64 * 1e-9
}

/// The hidden subcommand: reads an invocation from the first line of standard input, writes to standard
/// output which phase begins, a line each, and in the last line what became of it. Where it takes turns, it
/// says when it waits for one, and reads an [`Order`](turns::Order) from the next line. All is JSON.
///
/// # Errors
/// When the task cannot be read or the answer cannot be written.
pub fn host_main(arguments: &[String]) -> Result<(), String> {
    // 300 worker processes need more descriptors than the usual soft limit of 1,024.
    let _ = crate::experiment::machine::raise_nofile();
    const NOT_BY_HAND: &str = "the subcommand `host` is forkscope's own; use `forkscope run`";
    let [coordinator] = arguments else {
        return Err(NOT_BY_HAND.to_owned());
    };
    let coordinator = coordinator.parse().map_err(|_| NOT_BY_HAND.to_owned())?;
    deployment::processes::die_with(Pid::from_raw(coordinator))?;
    let mut task = String::new();
    let mut orders = std::io::stdin().lock();
    let is_none =
        |e: &dyn std::fmt::Display| format!("standard input is no task: {e}; {NOT_BY_HAND}");
    orders.read_line(&mut task).map_err(|e| is_none(&e))?;
    let invocation: Invocation = serde_json::from_str(&task).map_err(|e| is_none(&e))?;
    let mut coordinator = partner::Coordinator::new(&invocation, orders);
    let group = Cgroup::of_self();
    let kills = group.oom_kills();
    let deployment = deployment::of(invocation.form.kind).deployment;
    let outcome = match play(&invocation, &Script::usual(), deployment, &mut coordinator) {
        Ok(played) => Outcome::Measured(Box::new(played.sample)),
        Err(mut failure) => {
            if failure.signal.as_deref() == Some("SIGKILL")
                && let Some(why) = group.out_of_memory_since(kills)
            {
                failure.message = format!("{}: {why}", failure.message);
            }
            Outcome::Failed(failure)
        }
    };
    serde_json::to_writer(std::io::stdout().lock(), &outcome)
        .map_err(|e| format!("write the answer: {e}"))
}
