//! Which agent counts and deployments show where passing messages on stops scaling?
//!
//! Every count with a worker per agent, as far as the machine carries so many; from 200 agents on
//! pooled, too, a worker per CPU. Controls run at the smallest count. Messages have no price of their own here:
//! the agents do nothing else.

use super::{Cells, Request, side};
use crate::deployment::{Count, Form};
use crate::record::Purpose;

/// Agent counts.
pub const COUNTS: [usize; 5] = [10, 50, 100, 500, 1000];

/// From so many agents on they share workers.
const POOLED_FROM: usize = 200;

/// A worker per agent: the baseline, and what is compared with it.
pub const DEDICATED: [Form; 2] = [Form::THREADS, Form::PROCESSES];

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

/// What is compared at every agent count of the request: those with a worker per agent, up to
/// `most_dedicated` agents, before those that share.
#[must_use]
pub fn comparisons(request: &Request, most_dedicated: usize) -> Vec<(usize, [Form; 2])> {
    let counts = request.agents.iter().copied();
    let dedicated = counts.clone().filter(|&n| n <= most_dedicated);
    let pooled = counts.filter(|&n| n >= POOLED_FROM);
    dedicated
        .map(|n| (n, DEDICATED))
        .chain(pooled.map(|n| (n, POOLED)))
        .collect()
}

/// Adds the comparisons of every workload.
pub(super) fn add(cells: &mut Cells<'_>, most_dedicated: usize) {
    let request = cells.request;
    for workload in 0..request.workloads.len() {
        for (agents, forms) in comparisons(request, most_dedicated) {
            let [baseline, x] = forms.map(|form| side(request, form));
            cells.add(workload, agents, baseline, x, Purpose::Compare);
        }
    }
}
