//! forkscope: threads, processes, or a mix of both, for your agents, on your machine.
#![deny(missing_docs)]

pub mod agent;
pub mod deployment;
pub mod experiment;
pub mod observe;
pub mod record;
pub mod stats;
pub mod transport;
pub mod verdict;
pub mod workload;
