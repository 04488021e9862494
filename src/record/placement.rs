//! Which agent lives where: what a message needs to find its way.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Which agent lives on which worker, and which worker in which process: contiguous blocks, as even as they can be.
///
/// No worker is without an agent, and no process without a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    agents: usize,
    processes: usize,
    workers: usize,
}

impl Placement {
    /// `agents` on `threads` worker threads of the host.
    ///
    /// # Panics
    /// Without a thread, or with more of them than agents.
    #[must_use]
    pub fn on_threads(agents: usize, threads: usize) -> Placement {
        Placement::new(agents, 0, threads)
    }

    /// `agents` on `workers` threads of `processes` worker processes together.
    ///
    /// # Panics
    /// Without a process, with more of them than workers, or with more workers than agents.
    #[must_use]
    pub fn on_processes(agents: usize, processes: usize, workers: usize) -> Placement {
        assert!(processes > 0, "worker processes are at least one");
        Placement::new(agents, processes, workers)
    }

    fn new(agents: usize, processes: usize, workers: usize) -> Placement {
        assert!(
            processes.max(1) <= workers && workers <= agents,
            "{agents} agents cannot live on {workers} workers in {processes} processes"
        );
        Placement {
            agents,
            processes,
            workers,
        }
    }

    /// Number of agents.
    #[must_use]
    pub fn agents(&self) -> usize {
        self.agents
    }

    /// Worker processes; 0 where the workers are threads of the host.
    #[must_use]
    pub fn processes(&self) -> usize {
        self.processes
    }

    /// Number of workers.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Most workers of one process, or of the host: the T of `processes:PxT`, where there are agents for so many.
    #[must_use]
    pub fn threads_each(&self) -> usize {
        self.workers.div_ceil(self.processes.max(1))
    }

    /// Agents of one worker.
    #[must_use]
    pub fn agents_of(&self, worker: usize) -> Range<usize> {
        block(worker, self.workers, self.agents)
    }

    /// Worker of one agent.
    #[must_use]
    pub fn worker_of(&self, agent: usize) -> usize {
        block_of(agent, self.workers, self.agents)
    }

    /// Workers of one process; of the host, number 0, where workers are its threads.
    #[must_use]
    pub fn workers_of(&self, process: usize) -> Range<usize> {
        block(process, self.processes.max(1), self.workers)
    }

    /// Process of one worker.
    #[must_use]
    pub fn process_of(&self, worker: usize) -> usize {
        block_of(worker, self.processes.max(1), self.workers)
    }

    /// Agents of one process; of the host, number 0, where workers are its threads.
    #[must_use]
    pub fn agents_of_process(&self, process: usize) -> Range<usize> {
        let workers = self.workers_of(process);
        self.agents_of(workers.start).start..self.agents_of(workers.end - 1).end
    }
}

/// Block `number` of `of` blocks of `things`, which differ by one at most.
fn block(number: usize, of: usize, things: usize) -> Range<usize> {
    number * things / of..(number + 1) * things / of
}

/// The block that a thing is in: the inverse of [`block`], the last one that begins at or before it.
fn block_of(thing: usize, of: usize, things: usize) -> usize {
    ((thing + 1) * of - 1) / things
}
