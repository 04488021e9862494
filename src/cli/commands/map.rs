//! `map`: which mixes of processes and threads are there for so many agents?

use super::measure::{Task, measure};
use super::{CommandError, usage};
use crate::cli::{AgentCounts, Common};
use crate::deployment::{pinning, whole_cpus};
use crate::study::Programme;
use crate::study::map::{Map, check, mixes};
use std::time::{Duration, Instant};

/// `forkscope map`.
pub fn map(
    began: Instant,
    workload: &str,
    agents: usize,
    time: Option<Duration>,
    common: &Common,
) -> Result<u8, CommandError> {
    let programme = Programme::of(&Map, workload).map_err(usage)?;
    check(&programme.workloads[0]).map_err(usage)?;
    let task = Task {
        agents: Some(AgentCounts(vec![agents])),
        deployments: mixes(agents, whole_cpus(pinning::effective())),
        takes_its_time: true,
        time,
        ..Task::new(programme)
    };
    measure(began, task, common)
}
