//! What a run leaves behind: the words that every module shares, and the JSON that is written.
//!
//! Every type here is plain data. Units are in the names (`_s` seconds, `_ns` nanoseconds,
//! `_bytes`); a ratio is always X / baseline. Terms are those of the method: *invocation*, *pair*,
//! *round*, *window*, *sample*, *cell*.
//!
//! Every type of [`Run`] derives its JSON schema for the tests, which hold it against the committed one
//! ([`schema`]): doc comments are what other programs' authors read there, too.

mod answer;
pub mod calibration;
mod cell;
pub mod checks;
pub mod comparison;
mod form;
pub mod history;
mod machine;
mod placement;
mod plan;
mod sample;
pub mod schema;

pub use answer::{
    Answer, Decision, Effect, Estimate, Evidence, MemoryFit, OtherDeployment, SetupAnswer,
    Steadiness, SteadyState, Verdict,
};
pub use cell::{Arm, Cause, Cell, Dropped, Pair, Pinning, Role, Weight};
pub use form::{Count, Form, Kind, ParseError, whole_cpus};
pub use machine::Machine;
pub use placement::Placement;
pub use plan::{Looks, OrderEntry, PlanRecord, Side};
pub use sample::{Failure, Memory, Outcome, Phase, Sample};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the JSON's shape. Goes up when a field changes its name, place or unit.
pub const SCHEMA_VERSION: u32 = 2;

/// Version of the way of measuring. Goes up when a published number can move although the machine
/// did not change (window, statistic, workload body); records of different versions are never
/// compared.
pub const METHOD_VERSION: u32 = 4;

/// Slices of a window: a multiple of three, because first and last third are compared.
pub const SLICES: u32 = 12;

/// One run of `forkscope quick` or `forkscope run`: everything that was measured and concluded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Run {
    /// [`SCHEMA_VERSION`] of the program that wrote the record.
    pub schema_version: u32,
    /// [`METHOD_VERSION`] of the program that wrote the record.
    pub method_version: u32,
    /// Version of the program.
    pub forkscope_version: String,
    /// The build of that program: what its linker called it, or a hash of its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_id: Option<String>,
    /// The command line, quoted so that a shell takes it again.
    pub command: String,
    /// Options that came from variables of the environment instead, as a shell takes them: `FORKSCOPE_SEED=7`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<String>,
    /// Start of the run, UTC, RFC 3339.
    pub started: String,
    /// Wall time from start to the writing of this record, seconds.
    pub wall_s: f64,
    /// False when the run was interrupted or ran into its deadline before its plan was done.
    pub complete: bool,
    /// Why the run is not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete_reason: Option<String>,
    /// Seed of worlds, orders and coin flips.
    pub seed: u64,
    /// The margin within which two rates count as equal: 0.03 is 3 %.
    pub margin: f64,
    /// The machine as it was found before the run.
    pub machine: Machine,
    /// Set when the machine was unfit and measured all the same (`--allow-busy`): why it was unfit.
    /// Every verdict is then one of a busy machine, and labelled so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy: Option<String>,
    /// The workloads with all their parameters: enough to run them again.
    pub workloads: Vec<WorkloadRecord>,
    /// What was planned, and what had to be left out.
    pub plan: PlanRecord,
    /// Every cell with every pair, in the order of the report.
    pub cells: Vec<Cell>,
    /// What the comparisons of each workload say together.
    pub answers: Vec<Answer>,
    /// What is advised for each workload, and why.
    pub decisions: Vec<Decision>,
    /// What each study found, by its name; what it holds is the study's own.
    pub findings: BTreeMap<String, serde_json::Value>,
    /// What matters most to whoever asked.
    #[serde(default)]
    pub priority: Priority,
    /// Claims and thresholds, held against the numbers; empty where none were given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<checks::CheckAnswer>,
    /// What a reader must know before believing the numbers; each names the next action.
    pub warnings: Vec<String>,
    /// Set when the headline is withheld: the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
}

impl Run {
    /// What a shell takes to run it again: settings that came from variables, then the command.
    #[must_use]
    pub fn command_line(&self) -> String {
        command_line(&self.settings, &self.command)
    }

    /// The workload of this name.
    #[must_use]
    pub fn workload(&self, name: &str) -> Option<&WorkloadRecord> {
        self.workloads.iter().find(|w| w.name == name)
    }

    /// What a study found; `None` where it found nothing, or something of another shape.
    #[must_use]
    pub fn finding<T: serde::de::DeserializeOwned>(&self, study: &str) -> Option<T> {
        T::deserialize(self.findings.get(study)?).ok()
    }
}

/// A command as a shell takes it, behind the variables that it was given.
fn command_line(settings: &[String], command: &str) -> String {
    let words = settings.iter().map(String::as_str).chain([command]);
    words.collect::<Vec<_>>().join(" ")
}

/// What decides between deployments, where they differ in several things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Steps per second.
    #[default]
    Throughput,
    /// The tail: the 99th percentile from the planned start.
    Latency,
    /// Bytes per agent.
    Memory,
    /// How much a crash takes with it.
    Isolation,
    /// Time until all agents are ready.
    Startup,
}

impl std::str::FromStr for Priority {
    type Err = String;

    fn from_str(text: &str) -> Result<Priority, String> {
        let all = [
            ("throughput", Priority::Throughput),
            ("latency", Priority::Latency),
            ("memory", Priority::Memory),
            ("isolation", Priority::Isolation),
            ("startup", Priority::Startup),
        ];
        let found = all.iter().find(|(name, _)| *name == text);
        found.map(|&(_, priority)| priority).ok_or_else(|| {
            let names = all.map(|(name, _)| name).join(", ");
            format!("\"{text}\" is no priority; one of {names}")
        })
    }
}

impl Priority {
    /// How it is called in a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Priority::Throughput => "throughput",
            Priority::Latency => "latency",
            Priority::Memory => "memory",
            Priority::Isolation => "isolation",
            Priority::Startup => "start-up",
        }
    }
}

/// A workload as it was run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WorkloadRecord {
    /// Name, as in [`Arm::workload`].
    pub name: String,
    /// Where its parameters came from.
    pub origin: String,
    /// The parameters, as the file has them.
    pub parameters: serde_json::Value,
    /// Rounds of an episode.
    pub episode_length: u64,
    /// Rounds after which an agent's work repeats, where these are more than an episode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life_length: Option<u64>,
    /// Rounds that the digest covers.
    pub digest_round: u64,
}

impl WorkloadRecord {
    /// Which workload's code the parameters are of: the registry's name.
    #[must_use]
    pub fn code(&self) -> &str {
        self.parameters
            .get("workload")
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
    }

    /// A table of the parameters: `None` where it is not there, or of another shape.
    #[must_use]
    pub fn table<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        T::deserialize(self.parameters.get(name)?).ok()
    }
}

/// How far a run is: what the coordinator says between pairs, never inside a window. Not part of the
/// JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Pairs that have run.
    pub pairs_done: usize,
    /// Pairs that the plan holds, the done ones included.
    pub pairs_planned: usize,
    /// The cell that runs next, in words: `coordination, 8 agents, processes`.
    pub cell: String,
    /// Time until the run will have ended, seconds, as far as it can be said.
    pub seconds_left: f64,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A record in which nothing was measured, with the margin of 3 %.
    pub(crate) fn empty_run() -> Run {
        Run {
            schema_version: SCHEMA_VERSION,
            method_version: METHOD_VERSION,
            forkscope_version: String::new(),
            build_id: None,
            command: String::new(),
            settings: Vec::new(),
            started: String::new(),
            wall_s: 0.0,
            complete: true,
            incomplete_reason: None,
            seed: 1,
            margin: 0.03,
            machine: Machine::default(),
            busy: None,
            workloads: Vec::new(),
            plan: PlanRecord::default(),
            cells: Vec::new(),
            answers: Vec::new(),
            decisions: Vec::new(),
            findings: BTreeMap::new(),
            priority: Priority::default(),
            checks: Vec::new(),
            warnings: Vec::new(),
            withheld: None,
        }
    }
}
