//! Would the last worker still start, and if not, which limit stops it?

use std::path::Path;

use thiserror::Error;

use super::limits::KernelLimits;
use crate::record::Machine;

/// Tasks left to the rest of the system: a limit that is used to the last task locks people out.
const SPARE_TASKS: u64 = 16;

/// What the largest pair of a plan needs at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Agents that all this is for; scales the advice.
    pub agents: usize,
    /// Processes to be started, hosts included; each brings one thread.
    pub processes: u64,
    /// Threads to be started beyond the first one of each process.
    pub threads: u64,
    /// File descriptors that the host, or the worker with most agents, holds open at the same time.
    pub descriptors_in_one_process: u64,
    /// Shared memory, bytes.
    pub shm_bytes: u64,
    /// Memory of all processes together, bytes.
    pub memory_bytes: u64,
    /// What of it is for messages, bytes.
    pub message_bytes: u64,
}

/// How to need less memory, where most of it is for messages.
const SMALLER_MESSAGES: &str = "most of the first is for messages: send less (payload_bytes, topology) or by another --transport";

/// A limit that a plan runs into.
///
/// `fits` is the largest number of agents that the limit leaves room for, by proportion.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LimitError {
    /// Too many processes and threads.
    #[error("start {agents} agents ({needed} processes and threads): {limit} is {value} with {in_use} in use and {SPARE_TASKS} kept for the rest; {how}{}", or_fewer(*.fits))]
    Tasks {
        /// Agents that were asked for.
        agents: usize,
        /// Name of the limit, as an administrator knows it.
        limit: &'static str,
        /// Its value.
        value: u64,
        /// Tasks that count against it already.
        in_use: u64,
        /// Tasks that would be needed on top.
        needed: u64,
        /// How to raise it.
        how: &'static str,
        /// Agents that would fit.
        fits: usize,
    },
    /// Too many open files in one process.
    #[error("start {agents} agents ({needed} open files in one process): the hard limit of open files is {value}; raise it with `ulimit -Hn {needed}` as root or in /etc/security/limits.conf{}", or_fewer(*.fits))]
    Descriptors {
        /// Agents that were asked for.
        agents: usize,
        /// RLIMIT_NOFILE, hard.
        value: u64,
        /// Descriptors that would be needed.
        needed: u64,
        /// Agents that would fit.
        fits: usize,
    },
    /// Too little shared memory.
    #[error("start {agents} agents ({} of shared memory): /dev/shm has {} free; enlarge it with `mount -o remount,size=… /dev/shm` (docker: --shm-size){}", mebibytes(*.needed), mebibytes(*.value), or_fewer(*.fits))]
    SharedMemory {
        /// Agents that were asked for.
        agents: usize,
        /// Bytes free.
        value: u64,
        /// Bytes needed.
        needed: u64,
        /// Agents that would fit.
        fits: usize,
    },
    /// Too little memory.
    #[error("start {agents} agents ({} of memory): {limit} is {}; {how}{}", mebibytes(*.needed), mebibytes(*.value), or_fewer(*.fits))]
    Memory {
        /// Agents that were asked for.
        agents: usize,
        /// What limits: the machine or its control group.
        limit: &'static str,
        /// Bytes that may be used.
        value: u64,
        /// Bytes needed.
        needed: u64,
        /// How to get more.
        how: &'static str,
        /// Agents that would fit.
        fits: usize,
    },
}

/// The end of a message: the agent counts that would fit.
fn or_fewer(fits: usize) -> String {
    match fits {
        0 => String::new(),
        1 => " or use --agents 1".to_owned(),
        _ => format!(" or use --agents 1..{fits}"),
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

/// Whether a plan's largest invocation can start on this machine. What is unknown does not stop it.
///
/// # Errors
/// The first [`LimitError`] in the order tasks, descriptors, shared memory, memory.
pub fn check_capacity(needs: &Needs, machine: &Machine) -> Result<(), LimitError> {
    check_capacity_with(needs, machine, &KernelLimits::look(Path::new("/")))
}

/// Like [`check_capacity`], with limits of the kernel that are known already. Pure.
///
/// # Errors
/// As for [`check_capacity`].
pub fn check_capacity_with(
    needs: &Needs,
    machine: &Machine,
    kernel: &KernelLimits,
) -> Result<(), LimitError> {
    check_tasks(needs, machine, kernel)?;
    let agents = needs.agents;
    if let Some(value) = machine.nofile_hard
        && needs.descriptors_in_one_process > value
    {
        let needed = needs.descriptors_in_one_process;
        let fits = share(agents, value, needed);
        return Err(LimitError::Descriptors {
            agents,
            value,
            needed,
            fits,
        });
    }
    if let Some(value) = machine.shm_free_bytes
        && needs.shm_bytes > value
    {
        let needed = needs.shm_bytes;
        let fits = share(agents, value, needed);
        return Err(LimitError::SharedMemory {
            agents,
            value,
            needed,
            fits,
        });
    }
    check_memory(needs, machine)
}

/// Agents that a limit leaves room for when `needed` of it serves `agents`.
fn share(agents: usize, room: u64, needed: u64) -> usize {
    if needed == 0 {
        return agents;
    }
    // In u128: bytes times agents can pass 2^64.
    (agents as u128 * u128::from(room) / u128::from(needed)) as usize
}

fn check_tasks(needs: &Needs, machine: &Machine, kernel: &KernelLimits) -> Result<(), LimitError> {
    let needed = needs.processes + needs.threads;
    let limits = [
        (
            "pids.max of the control group",
            machine.pids_max,
            machine.pids_current,
            "raise it (systemd: TasksMax=, docker: --pids-limit)",
        ),
        (
            "the user's limit of processes (RLIMIT_NPROC)",
            // Unknown use means that the limit does not bind: see `KernelLimits::user_tasks`.
            machine.nproc.filter(|_| kernel.user_tasks.is_some()),
            kernel.user_tasks,
            "raise it with `ulimit -u`, or in /etc/security/limits.conf",
        ),
        (
            "kernel.threads-max",
            kernel.threads_max,
            kernel.tasks,
            "raise it with `sysctl kernel.threads-max=…`",
        ),
        (
            "kernel.pid_max",
            kernel.pid_max,
            kernel.tasks,
            "raise it with `sysctl kernel.pid_max=…`",
        ),
    ];
    for (limit, value, in_use, how) in limits {
        let Some(value) = value else { continue };
        let in_use = in_use.unwrap_or(0);
        let room = value.saturating_sub(in_use).saturating_sub(SPARE_TASKS);
        if needed > room {
            return Err(LimitError::Tasks {
                agents: needs.agents,
                limit,
                value,
                in_use,
                needed,
                how,
                fits: share(needs.agents, room, needed),
            });
        }
    }
    Ok(())
}

fn check_memory(needs: &Needs, machine: &Machine) -> Result<(), LimitError> {
    let available = (
        "available memory",
        // 0 bytes: the system did not say.
        Some(machine.memory_available_bytes).filter(|&value| value > 0),
        "close programs",
    );
    let limit = (
        "the memory limit of the control group",
        machine.memory_limit_bytes,
        "raise it (memory.max, docker: --memory)",
    );
    let left = (
        "what the memory limit of the control group leaves free",
        machine.memory_limit_free_bytes,
        "raise the limit (memory.max, docker: --memory), close programs of the group",
    );
    for (limit, value, how) in [available, limit, left] {
        let Some(value) = value else { continue };
        if needs.memory_bytes > value {
            return Err(LimitError::Memory {
                agents: needs.agents,
                limit,
                value,
                needed: needs.memory_bytes,
                how: match needs.message_bytes > needs.memory_bytes / 2 {
                    true => SMALLER_MESSAGES,
                    false => how,
                },
                fits: share(needs.agents, value, needs.memory_bytes),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
