//! `map`: which mixes of processes and threads are there for so many agents?

use super::measure::{Task, measure, open};
use super::{CommandError, usage};
use forkscope::cli::{AgentCounts, Common};
use forkscope::deployment::{Count, Form, pinning};
use forkscope::experiment::invocation::whole_cpus;
use forkscope::experiment::plan::Question;
use forkscope::experiment::plan::full::distinct;
use forkscope::transport::{Asked, Choice};
use std::time::{Duration, Instant};

/// `forkscope map`.
pub fn map(
    began: Instant,
    workload: &str,
    agents: usize,
    time: Option<Duration>,
    common: &Common,
) -> Result<u8, CommandError> {
    let planned = open(workload)?;
    if !planned.kind.is_agents() || planned.hop.is_some() {
        return Err(usage(format!(
            "{workload} has no agents to be spread over processes and threads; take exploration, coordination or learning, or a copy of their files"
        )));
    }
    let deployments = mixes(agents, whole_cpus(pinning::effective()));
    let task = Task {
        planned: vec![planned],
        question: Question::Map,
        agents: Some(AgentCounts(vec![agents])),
        deployments: &deployments,
        transport: Asked::One(Choice::Native),
        asks_latency: false,
        looks: false,
        map_at: Some(agents),
        writes_all_formats: false,
        time,
    };
    measure(began, task, common)
}

/// Threads of one process, and P processes of T threads each, with P and T doubling and no more workers than
/// agents; the first is a thread per agent.
fn mixes(agents: usize, cpus: usize) -> Vec<Form> {
    let counts: Vec<usize> = std::iter::successors(Some(1), |&n| (2 * n < agents).then_some(2 * n))
        .chain([agents])
        .collect();
    let mut all = vec![Form::THREADS];
    for &w in counts.iter().filter(|&&w| w < agents) {
        all.push(Form {
            count: Count::Exactly(w),
            ..Form::THREADS
        });
    }
    for &p in &counts {
        for &t in counts.iter().filter(|&&t| p * t <= agents && p > 1) {
            all.push(Form {
                count: Count::Exactly(p),
                threads_each: Count::Exactly(t),
                ..Form::PROCESSES
            });
        }
    }
    distinct(&all, agents, cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mix_of_eight_agents_is_on_the_map_once() {
        let labels: Vec<String> = mixes(8, 2).iter().map(ToString::to_string).collect();
        assert_eq!(
            labels,
            [
                "threads",
                "threads:1",
                "threads:2",
                "threads:4",
                "processes:2",
                "processes:2x2",
                "processes:2x4",
                "processes:4",
                "processes:4x2",
                "processes:8"
            ]
        );
    }

    #[test]
    fn a_map_has_no_mix_twice_on_any_machine() {
        for cpus in 1..=256 {
            for agents in [1, 2, 3, 6, 12, 32, 100, 128] {
                let mixes = mixes(agents, cpus);
                let mut placed: Vec<_> = mixes.iter().map(|m| m.place(agents, cpus)).collect();
                let all = placed.len();
                placed.sort_unstable_by_key(|p| (p.processes(), p.workers()));
                placed.dedup();
                assert_eq!(
                    placed.len(),
                    all,
                    "{agents} agents on {cpus} CPUs: {mixes:?}"
                );
                assert!(placed.iter().all(|p| p.workers() <= agents));
            }
        }
    }

    #[test]
    fn a_count_that_is_no_power_of_two_ends_with_itself() {
        let labels: Vec<String> = mixes(6, 2).iter().map(ToString::to_string).collect();
        assert!(labels.contains(&"processes:6".to_owned()), "{labels:?}");
        assert!(labels.contains(&"processes:2x2".to_owned()), "{labels:?}");
    }
}
