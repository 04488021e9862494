//! Workers as processes: started by executing this same binary, connected by ipc-channel.
//!
//! How a worker process comes up, and goes down:
//!
//! 1. The host makes a one-shot server for it, takes the server's socket out of the file system at
//!    once (a host that is killed leaves no socket behind), and executes its own binary as `worker …`
//!    (exec, never a bare fork: a forked worker inherits an unusual address space, and hangs once a
//!    pool runs).
//! 2. The worker asks to be killed when its parent dies, looks whether the parent is still there,
//!    connects, says hello with its control channel and its mailbox, and reports on the page that it
//!    has connected. Only then does the host accept: it never waits for a worker that died before.
//! 3. The host sends the job and the neighbours' mailboxes; the worker builds its agents.
//! 4. From here on host and worker share the page, as threads do. The host looks after its children
//!    with waitpid; a death in any phase is a failure with agent, phase and signal.

mod fleet;
mod protocol;
mod spawn;
mod worker_process;

pub use spawn::try_socket;
pub use worker_process::{die_with, worker_main};

use super::{Deployment, Fleet, Job, Placement};
use crate::record::Failure;
use fleet::ProcessFleet;

/// The hidden subcommand that makes this binary a worker.
pub const SUBCOMMAND: &str = "worker";

/// The deployment `processes[:P[xT]]`.
pub struct Processes;

impl Deployment for Processes {
    fn start(&self, job: &Job, placement: Placement) -> Result<Box<dyn Fleet>, Failure> {
        Ok(Box::new(ProcessFleet::start(job, placement)?))
    }
}
