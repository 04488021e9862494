//! Where does passing messages on stop scaling?
//!
//! Every count with a worker per agent, as far as the machine carries so many; from 200 agents on pooled, too, a worker
//! per CPU. Messages have no price of their own here: the agents do nothing else.

mod show;

use super::{Entry, Study, Words};
use crate::deployment::{Count, Form};
use crate::document::Document;
use crate::experiment::plan::{Draft, Leaves, carry};
use crate::record::{Run, WorkloadRecord};
use crate::transport::Asked;
use crate::workload::relay::ENTRY;

/// Agent counts.
const COUNTS: [usize; 5] = [10, 50, 100, 500, 1000];

/// From so many agents on they share workers.
const POOLED_FROM: usize = 200;

/// A worker per agent: the baseline, and what is compared with it.
const DEDICATED: [Form; 2] = [Form::THREADS, Form::PROCESSES];

/// A worker per CPU.
const POOLED: [Form; 2] = [
    Form {
        count: Count::Cores,
        ..Form::THREADS
    },
    Form {
        count: Count::Cores,
        ..Form::PROCESSES
    },
];

/// Agents that only pass messages on: they show how far a deployment carries.
pub struct Relay;

impl Study for Relay {
    fn entry(&self) -> Entry {
        Entry {
            asks_latency: true,
            ..Entry::new(ENTRY.name, "where does passing messages on stop scaling?")
        }
    }

    fn claims(&self, workload: &WorkloadRecord) -> bool {
        workload.code() == ENTRY.name
    }

    fn agents(&self, _: usize) -> Option<Vec<usize>> {
        Some(COUNTS.to_vec())
    }

    fn refuse(&self, words: &Words<'_>) -> Result<(), String> {
        let own = words.workloads.iter().find(|w| self.claims(&w.record));
        match own.filter(|_| words.transport == Asked::All) {
            None => Ok(()),
            Some(relay) => Err(format!(
                "the agents of {} do nothing but pass messages on, so messages have no price beside their steps; name one --transport",
                relay.source.name
            )),
        }
    }

    fn plan(&self, draft: &mut Draft<'_>) {
        let asked = draft.asked;
        let own = draft.own();
        if !(asked.has_own_agents && asked.deployments == DEDICATED) {
            for &workload in &own {
                for &agents in &asked.agents {
                    for &x in &asked.deployments[1..] {
                        add(draft, workload, agents, [asked.deployments[0], x]);
                    }
                }
            }
            return;
        }
        let mut carried = Vec::new();
        for &agents in &asked.agents {
            let mut all = own.iter().flat_map(|&w| DEDICATED.map(|form| (w, form)));
            match all.find_map(|(w, form)| carry::can_start(draft, w, agents, form).err()) {
                None => carried.push(agents),
                Some(why) => {
                    let names = own.iter().map(|&w| asked.workloads[w].source.name.as_str());
                    let names: Vec<&str> = names.collect();
                    let [baseline, x] = DEDICATED;
                    draft.leave_out(format!(
                        "{}@{agents} {x}/{baseline} is left out, the machine does not carry it: {why}",
                        names.join(", ")
                    ));
                }
            }
        }
        for &workload in &own {
            for &agents in &carried {
                add(draft, workload, agents, DEDICATED);
            }
            for &agents in asked.agents.iter().filter(|&&n| n >= POOLED_FROM) {
                add(draft, workload, agents, POOLED);
            }
        }
    }

    fn show(&self, run: &Run, out: &mut Document) {
        show::show(run, out);
    }
}

fn add(draft: &mut Draft<'_>, workload: usize, agents: usize, forms: [Form; 2]) {
    let [baseline, x] = forms.map(|form| draft.side(form));
    let leaves = Leaves::from_the_middle(agents, &draft.asked.agents);
    let cell = draft.add(workload, agents, baseline, x);
    cell.is_of_agents = true;
    cell.leaves = leaves;
}
