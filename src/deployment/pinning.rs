//! On which CPUs may workers run?

use crate::record::Pinning;
use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::{Pid, gettid};

/// The CPUs that this thread may run on.
#[must_use]
pub fn allowed() -> Vec<usize> {
    let may = sched_getaffinity(Pid::from_raw(0));
    let may = |&cpu: &usize| {
        may.as_ref()
            .is_ok_and(|set| set.is_set(cpu).unwrap_or(false))
    };
    (0..CpuSet::count()).filter(may).collect()
}

/// Puts the threads of all `processes` on `cpu`, but not this one. They should sleep: who runs is moved.
///
/// # Errors
/// When the system refuses it for a thread that is still there.
pub fn put_on(cpu: usize, processes: &[Pid]) -> nix::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu)?;
    for process in processes {
        // A process that has ended is noticed by whoever looks after it.
        let Ok(tasks) = std::fs::read_dir(format!("/proc/{process}/task")) else {
            continue;
        };
        let tasks = tasks.filter_map(|t| t.ok()?.file_name().to_str()?.parse().ok());
        for task in tasks.map(Pid::from_raw).filter(|&t| t != gettid()) {
            match sched_setaffinity(task, &set) {
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(e) => return Err(e),
            }
        }
    }
    Ok(())
}

/// Keeps this thread, and what it starts from now on, to these CPUs.
///
/// # Errors
/// When the system refuses them.
pub fn keep_to(cpus: &[usize]) -> nix::Result<()> {
    let mut set = CpuSet::new();
    cpus.iter().try_for_each(|&cpu| set.set(cpu))?;
    sched_setaffinity(Pid::from_raw(0), &set)
}

impl Pinning {
    /// Puts the calling thread, which is worker `worker`, on its CPU. What it starts later stays there, too.
    pub(super) fn pin(self, worker: usize) -> nix::Result<()> {
        if self == Pinning::Free {
            return Ok(());
        }
        let this_thread = Pid::from_raw(0);
        let cpus = allowed();
        let number = match self {
            Pinning::OneCpu => 0,
            _ => worker % cpus.len(),
        };
        let mut own = CpuSet::new();
        own.set(cpus[number])?;
        sched_setaffinity(this_thread, &own)
    }
}
