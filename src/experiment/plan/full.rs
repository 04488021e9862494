//! What does the twenty-minute report measure?
//!
//! Every workload of agents at every agent count, under a worker per agent, a worker per CPU and a mix of both,
//! against `threads`. Beside it prices of messages, latency and long windows at the anchors, the probes at as many
//! agents as can collide, and what a small message costs.

use super::{Cells, PlannedWorkload, Request, anchor, message_counts, side};
use crate::deployment::{Count, Form};
use crate::experiment::invocation::whole_cpus;
use crate::record::{Purpose, WorkloadKind};

/// A long window, seconds: an agent's life in a deployment is not a quarter of a second.
const LONG_WINDOW_S: f64 = 2.0;

/// The deployments that are compared on a machine of so many effective CPUs; the first is the baseline.
#[must_use]
pub fn forms(cpus_effective: f64) -> Vec<Form> {
    let cpus = whole_cpus(cpus_effective);
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

/// Those of `forms` that are another deployment than all before them at this agent count: with one agent
/// a worker per agent is a worker per CPU.
#[must_use]
pub fn distinct(forms: &[Form], agents: usize, cpus: usize) -> Vec<Form> {
    let mut found: Vec<Form> = Vec::new();
    for &form in forms {
        let is_new = |f: &Form| f.place(agents, cpus) != form.place(agents, cpus);
        if found.iter().all(is_new) {
            found.push(form);
        }
    }
    found
}

/// Adds the comparisons.
pub(super) fn compare(cells: &mut Cells<'_>) {
    let request = cells.request;
    let cpus = whole_cpus(request.cpus_effective);
    for (w, workload) in request.workloads.iter().enumerate() {
        if workload.kind == WorkloadKind::Probe {
            add(cells, w, cpus, request.deployments[1]);
            continue;
        }
        if workload.hop.is_some() {
            continue;
        }
        for &agents in &request.agents {
            for x in distinct(&request.deployments, agents, cpus)
                .into_iter()
                .skip(1)
            {
                add(cells, w, agents, x);
            }
        }
    }
}

fn add(cells: &mut Cells<'_>, workload: usize, agents: usize, x: Form) {
    let baseline = side(cells.request, cells.request.deployments[0]);
    let x = side(cells.request, x);
    cells.add(workload, agents, baseline, x, Purpose::Compare);
}

/// Whether latency is asked of this many agents under this deployment: at the anchors, of what stands at the
/// other end from the baseline.
pub(super) fn asks_latency(request: &Request, agents: usize, x: Form) -> bool {
    message_counts(&request.agents).contains(&agents) && x == request.deployments[1]
}

/// Adds a cell with a long window for every workload of agents, at the anchor.
pub(super) fn long_windows(cells: &mut Cells<'_>) {
    let request = cells.request;
    let is_of_agents = |w: &&PlannedWorkload| w.kind == WorkloadKind::Agents && w.hop.is_none();
    let count = request.workloads.iter().take_while(is_of_agents).count();
    for workload in 0..count {
        let [baseline, x] = [0, 1].map(|i| side(request, request.deployments[i]));
        cells.add(
            workload,
            anchor(&request.agents),
            baseline,
            x,
            Purpose::LongWindow,
        );
        cells.time_last(Some(LONG_WINDOW_S), super::WARM_UP_S);
    }
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
            (1.0, "processes:2x2"),
            (2.0, "processes:2x2"),
            (8.0, "processes:3x3"),
            (16.0, "processes:4x4"),
            (64.0, "processes:8x8"),
        ] {
            assert_eq!(labels(&forms(cpus)).last().unwrap(), mix, "{cpus} CPUs");
        }
    }

    #[test]
    fn what_is_the_same_deployment_is_measured_once() {
        let all = forms(2.0);
        assert_eq!(labels(&distinct(&all, 1, 2)), ["threads", "processes"]);
        assert_eq!(labels(&distinct(&all, 2, 2)), ["threads", "processes"]);
        assert_eq!(distinct(&all, 8, 2).len(), 5);
    }
}
