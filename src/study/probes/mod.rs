//! What in this operating system separates threads from processes?
//!
//! One operation of the kernel, done by many at a time. It explains a difference, and nobody chooses by it.

mod show;

use super::{Entry, Study};
use crate::document::Document;
use crate::experiment::plan::{Depth, Draft, Leaves, band};
use crate::record::{Run, Weight, WorkloadRecord};
use crate::workload::spec::ALL_PROBES;
use crate::workload::{self, REGISTRY, SpecSource};

/// Single operations of the kernel.
pub struct Probes;

impl Study for Probes {
    fn entry(&self) -> Entry {
        Entry::new(
            ALL_PROBES,
            "what in this operating system separates threads from processes?",
        )
    }

    fn workloads(&self, depth: Depth) -> Vec<SpecSource> {
        match depth {
            Depth::Answer => Vec::new(),
            Depth::Report => all(),
        }
    }

    fn open(&self, name: &str) -> Option<Vec<SpecSource>> {
        (name == ALL_PROBES).then(all)
    }

    fn claims(&self, workload: &WorkloadRecord) -> bool {
        workload::find(workload.code()).is_some_and(|e| e.is_of_kernel())
    }

    /// Alone, as many as can meet, and twice as many as can run.
    fn agents(&self, cpus: usize) -> Option<Vec<usize>> {
        let mut counts = vec![1, cpus, 2 * cpus];
        counts.dedup();
        Some(counts)
    }

    fn plan(&self, draft: &mut Draft<'_>) {
        let asked = draft.asked;
        // In a report, with as many agents as can meet.
        let (counts, others) = match asked.depth {
            Depth::Answer => (asked.agents.clone(), &asked.deployments[1..]),
            Depth::Report => (vec![asked.cpus()], &asked.deployments[1..2]),
        };
        let is_beside_agents = draft.cells().iter().any(|c| c.is_comparison());
        for workload in draft.own() {
            for &agents in &counts {
                for &x in others {
                    let (baseline, x) = (draft.side(asked.deployments[0]), draft.side(x));
                    let cell = draft.add(workload, agents, baseline, x);
                    cell.weight = Weight::Explaining;
                    cell.leaves = match is_beside_agents {
                        true => Leaves::With {
                            band: band::EXPLAINS,
                            order: workload,
                        },
                        false => Leaves::from_the_middle(agents, &counts),
                    };
                }
            }
        }
    }

    fn show(&self, run: &Run, out: &mut Document) {
        show::show(run, out);
    }
}

fn all() -> Vec<SpecSource> {
    let probes = REGISTRY.iter().filter(|e| e.is_of_kernel());
    probes.map(SpecSource::built_in).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_one_the_cpus_and_twice_the_cpus() {
        assert_eq!(Probes.agents(1), Some(vec![1, 2]));
        assert_eq!(Probes.agents(2), Some(vec![1, 2, 4]));
        assert_eq!(Probes.agents(7), Some(vec![1, 7, 14]));
    }
}
