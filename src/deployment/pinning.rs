//! On which CPUs may workers run?

use crate::record::Pinning;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

impl Pinning {
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
