//! Which agent lives where: what a message needs to find its way.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Which agent lives on which worker: contiguous blocks, as even as they can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// Number of agents.
    pub agents: usize,
    /// Worker processes; 0 when the workers are threads of the host.
    pub processes: usize,
    /// Worker threads in each process (or in the host).
    pub threads_each: usize,
}

impl Placement {
    /// Number of workers.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.processes.max(1) * self.threads_each
    }

    /// Agents of one worker.
    #[must_use]
    pub fn agents_of(&self, worker: usize) -> Range<usize> {
        let w = self.workers();
        worker * self.agents / w..(worker + 1) * self.agents / w
    }

    /// Worker of one agent.
    #[must_use]
    pub fn worker_of(&self, agent: usize) -> usize {
        // The inverse of `agents_of`: the last worker whose block begins at or before the agent.
        ((agent + 1) * self.workers() - 1) / self.agents
    }

    /// Workers of one process.
    #[must_use]
    pub fn workers_of(&self, process: usize) -> Range<usize> {
        process * self.threads_each..(process + 1) * self.threads_each
    }

    /// Agents of one process; of the host, number 0, where workers are its threads.
    #[must_use]
    pub fn agents_of_process(&self, process: usize) -> Range<usize> {
        let workers = self.workers_of(process);
        self.agents_of(workers.start).start..self.agents_of(workers.end - 1).end
    }

    /// Process of one worker.
    #[must_use]
    pub fn process_of(&self, worker: usize) -> usize {
        worker / self.threads_each
    }
}
