//! `full`: what is measured for a report that a team decides by?

use super::measure::{Task, measure, open};
use super::{CommandError, messages};
use forkscope::cli::Common;
use forkscope::deployment::pinning;
use forkscope::experiment::plan::full as plan;
use forkscope::experiment::plan::{PlannedWorkload, Question};
use forkscope::transport::{Asked, Choice};
use forkscope::workload::SpecSource;
use forkscope::workload::spec::ALL_PROBES;
use std::time::{Duration, Instant};

/// The workloads of agents.
const WORKLOADS: [&str; 3] = ["exploration", "coordination", "learning"];

/// `forkscope full`.
pub fn full(began: Instant, budget: Duration, common: &Common) -> Result<u8, CommandError> {
    let probes = SpecSource::expand(&[ALL_PROBES.to_owned()]);
    let names = WORKLOADS
        .iter()
        .copied()
        .chain(probes.iter().map(String::as_str));
    let mut planned: Vec<PlannedWorkload> = names.map(open).collect::<Result<_, _>>()?;
    planned.push(messages::small()?);
    let deployments = plan::forms(pinning::effective());
    let task = Task {
        planned,
        question: Question::Full,
        agents: None,
        deployments: &deployments,
        transport: Asked::One(Choice::Native),
        asks_latency: true,
        looks: true,
        map_at: None,
        writes_all_formats: true,
        time: Some(budget),
    };
    measure(began, task, common)
}
