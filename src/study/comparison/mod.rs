//! Which deployment, and from how many agents on does the answer change?

mod memory;
mod setup;
mod show;

pub(super) use show::of_study;

use super::{Entry, Study};
use crate::deployment::{Count, Form};
use crate::document::Document;
use crate::experiment::plan::{Depth, Draft, Leaves, distinct};
use crate::record::{Run, WorkloadRecord};
use crate::workload::{self, SpecSource};

/// What is compared where nothing else is asked for.
const WORKLOADS: [&str; 3] = ["exploration", "coordination", "learning"];

/// Its name.
pub const NAME: &str = "comparison";

/// Agents that compute, under every deployment and at every agent count.
pub struct Comparison;

impl Study for Comparison {
    fn entry(&self) -> Entry {
        Entry::new(
            NAME,
            "which deployment, and from how many agents on does the answer change?",
        )
    }

    fn workloads(&self, depth: Depth) -> Vec<SpecSource> {
        let names = match depth {
            Depth::Answer => &WORKLOADS[..2],
            Depth::Report => &WORKLOADS[..],
        };
        let entries = names.iter().filter_map(|name| workload::find(name));
        entries.map(SpecSource::built_in).collect()
    }

    fn claims(&self, workload: &WorkloadRecord) -> bool {
        WORKLOADS.contains(&workload.code())
    }

    fn deployments(&self, _: Option<usize>, cpus: usize) -> Vec<Form> {
        forms(cpus)
    }

    fn plan(&self, draft: &mut Draft<'_>) {
        let asked = draft.asked;
        for workload in draft.own() {
            for &agents in &asked.agents {
                let others = match asked.depth {
                    Depth::Answer => asked.deployments[1..].to_vec(),
                    Depth::Report => {
                        distinct(&asked.deployments, agents, asked.cpus())[1..].to_vec()
                    }
                };
                for x in others {
                    let (baseline, x) = (draft.side(asked.deployments[0]), draft.side(x));
                    let cell = draft.add(workload, agents, baseline, x);
                    cell.is_of_agents = true;
                    cell.leaves = Leaves::from_the_middle(agents, &asked.agents);
                }
            }
        }
    }

    fn show(&self, run: &Run, out: &mut Document) {
        show::show(run, out);
    }
}

/// The deployments that a report compares on a machine of so many whole CPUs; the first is the baseline.
#[must_use]
pub fn forms(cpus: usize) -> Vec<Form> {
    // As square as the machine allows, and always a mix: two processes of two threads at least.
    let processes = ((cpus as f64).sqrt().round() as usize).max(2);
    let threads = cpus.div_ceil(processes).max(2);
    vec![
        Form::THREADS,
        Form::PROCESSES,
        Form {
            count: Count::Cores,
            ..Form::PROCESSES
        },
        Form {
            count: Count::Cores,
            ..Form::THREADS
        },
        Form {
            count: Count::Exactly(processes),
            threads_each: Count::Exactly(threads),
            ..Form::PROCESSES
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(forms: &[Form]) -> Vec<String> {
        forms.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_mix_follows_from_the_machine() {
        for (cpus, mix) in [
            (1, "processes:2x2"),
            (2, "processes:2x2"),
            (8, "processes:3x3"),
            (16, "processes:4x4"),
            (64, "processes:8x8"),
        ] {
            assert_eq!(labels(&forms(cpus)).last().unwrap(), mix, "{cpus} CPUs");
        }
    }

    #[test]
    fn what_is_the_same_deployment_is_measured_once() {
        let all = forms(2);
        assert_eq!(labels(&distinct(&all, 1, 2)), ["threads", "processes"]);
        assert_eq!(labels(&distinct(&all, 2, 2)), ["threads", "processes"]);
        assert_eq!(distinct(&all, 8, 2).len(), 5);
    }
}
