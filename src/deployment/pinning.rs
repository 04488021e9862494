//! On which CPUs may workers run?

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// CPUs of workers, of those that this process may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pinning {
    /// Where the scheduler puts them.
    #[default]
    Free,
    /// All on the first one.
    OneCpu,
    /// Each on one of its own: worker w on the CPU of number w, and around again.
    OwnCpus,
}

impl Pinning {
    /// CPUs that are needed for it to mean anything.
    #[must_use]
    pub fn needs(self) -> usize {
        match self {
            Pinning::Free | Pinning::OneCpu => 1,
            Pinning::OwnCpus => 2,
        }
    }

    /// Puts the calling thread, which is worker `worker`, on its CPU. What it starts later stays there, too.
    pub(super) fn pin(self, worker: usize) -> nix::Result<()> {
        if self == Pinning::Free {
            return Ok(());
        }
        let this_thread = Pid::from_raw(0);
        let may = sched_getaffinity(this_thread)?;
        let cpus: Vec<usize> = (0..CpuSet::count())
            .filter(|&c| may.is_set(c).unwrap_or(false))
            .collect();
        let number = match self {
            Pinning::OneCpu => 0,
            _ => worker % cpus.len(),
        };
        let mut own = CpuSet::new();
        own.set(cpus[number])?;
        sched_setaffinity(this_thread, &own)
    }
}
