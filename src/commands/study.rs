//! What does a study refuse that brings its own cells: messages, formats?

use forkscope::cli::AgentCounts;
use forkscope::deployment::Form;
use forkscope::transport::{Asked, Choice};

/// A study whose agents, deployments and transports are its own.
pub struct Study {
    /// Agents of its cells: what may be asked for, because it is what there is.
    pub agents: usize,
    /// Why it is measured without other workloads.
    pub alone: &'static str,
    /// Why `--agents` is refused.
    pub of_agents: &'static str,
    /// Why `--transport` is refused.
    pub of_transport: &'static str,
    /// Why `--deployment` is refused.
    pub of_deployments: &'static str,
}

/// Refuses what the study would not follow.
pub fn check(
    study: &Study,
    is_alone: bool,
    agents: Option<&AgentCounts>,
    deployments: &[Form],
    transport: Asked,
) -> Result<(), String> {
    let refusals = [
        (!is_alone, study.alone),
        (
            agents.is_some_and(|a| a.0 != [study.agents]),
            study.of_agents,
        ),
        (transport != Asked::One(Choice::Native), study.of_transport),
        (
            deployments != [Form::THREADS, Form::PROCESSES],
            study.of_deployments,
        ),
    ];
    match refusals.into_iter().find(|(is_refused, _)| *is_refused) {
        Some((_, why)) => Err(why.to_owned()),
        None => Ok(()),
    }
}
