//! On which CPUs may workers run?

use crate::observe::cgroup::Cgroup;
use crate::record::Pinning;
use nix::errno::Errno;
use nix::libc::{self, c_ulong};
use nix::unistd::{Pid, gettid};

/// CPUs that a word of an affinity mask stands for.
const WORD: usize = c_ulong::BITS as usize;

/// Words of a mask that is tried first: 1,024 CPUs.
const FEWEST_WORDS: usize = 1024 / WORD;

/// Words of the largest mask that is tried: a million CPUs.
const MOST_WORDS: usize = (1 << 20) / WORD;

/// The CPUs that this thread may run on, by the kernel's numbers, ascending; never empty: CPU 0 where the
/// kernel does not tell.
#[must_use]
pub fn allowed() -> Vec<usize> {
    let told = allowed_by(|mask| {
        // SAFETY: the mask has so many bytes, and the kernel writes no more.
        Errno::result(unsafe {
            libc::sched_getaffinity(0, size_of_val(mask), mask.as_mut_ptr().cast())
        })
        .map(drop)
    });
    told.unwrap_or_else(|_| vec![0])
}

/// CPUs that this process has for long: those that it may run on, or what the quota of its control group
/// leaves of them.
#[must_use]
pub fn effective() -> f64 {
    tighter(allowed().len(), Cgroup::of_self().quota_cpus())
}

/// The smaller of affinity and quota, in CPUs.
fn tighter(allowed: usize, quota: Option<f64>) -> f64 {
    quota.map_or(allowed as f64, |quota| quota.min(allowed as f64))
}

/// The CPUs of the mask that `ask` fills. A kernel that may have more CPUs than the mask refuses it.
fn allowed_by(ask: impl Fn(&mut [c_ulong]) -> nix::Result<()>) -> nix::Result<Vec<usize>> {
    let mut words = FEWEST_WORDS;
    loop {
        let mut mask = vec![0; words];
        match ask(&mut mask) {
            Err(Errno::EINVAL) if words < MOST_WORDS => words *= 2,
            Err(e) => return Err(e),
            Ok(()) => {
                let is_set = |cpu: &usize| mask[cpu / WORD] >> (cpu % WORD) & 1 == 1;
                return Ok((0..words * WORD).filter(is_set).collect());
            }
        }
    }
}

/// Keeps a thread (0: the calling one) on these CPUs.
///
/// # Errors
/// When the system refuses it: there is none of the CPUs, or no such thread.
pub fn keep_on(thread: Pid, cpus: &[usize]) -> nix::Result<()> {
    let words = cpus.iter().max().map_or(0, |most| most / WORD) + 1;
    if words > MOST_WORDS {
        return Err(Errno::EINVAL);
    }
    let mut mask: Vec<c_ulong> = vec![0; words.max(FEWEST_WORDS)];
    for cpu in cpus {
        mask[cpu / WORD] |= 1 << (cpu % WORD);
    }
    // SAFETY: the mask has so many bytes, and the kernel reads no more.
    Errno::result(unsafe {
        libc::sched_setaffinity(
            thread.as_raw(),
            size_of_val(mask.as_slice()),
            mask.as_ptr().cast(),
        )
    })
    .map(drop)
}

/// Puts the threads of all `processes` on `cpu`, but not this one. They should sleep: who runs is moved.
///
/// # Errors
/// When the system refuses it for a thread that is still there.
pub fn put_on(cpu: usize, processes: &[Pid]) -> nix::Result<()> {
    for process in processes {
        // A process that has ended is noticed by whoever looks after it.
        let Ok(tasks) = std::fs::read_dir(format!("/proc/{process}/task")) else {
            continue;
        };
        let tasks = tasks.filter_map(|t| t.ok()?.file_name().to_str()?.parse().ok());
        for task in tasks.map(Pid::from_raw).filter(|&t| t != gettid()) {
            match keep_on(task, &[cpu]) {
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(e) => return Err(e),
            }
        }
    }
    Ok(())
}

impl Pinning {
    /// Puts the calling thread, which is worker `worker`, on its CPU. What it starts later stays there, too.
    pub(super) fn pin(self, worker: usize) -> nix::Result<()> {
        if self == Pinning::Free {
            return Ok(());
        }
        let cpus = allowed();
        let number = match self {
            Pinning::OneCpu => 0,
            _ => worker % cpus.len(),
        };
        keep_on(Pid::from_raw(0), &[cpus[number]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel for `cpus` CPUs that allows all but the first.
    fn kernel(cpus: usize) -> impl Fn(&mut [c_ulong]) -> nix::Result<()> {
        move |mask| {
            if mask.len() * WORD < cpus {
                return Err(Errno::EINVAL);
            }
            (1..cpus).for_each(|cpu| mask[cpu / WORD] |= 1 << (cpu % WORD));
            Ok(())
        }
    }

    #[test]
    fn every_cpu_of_a_large_machine_is_found() {
        for cpus in [2, 1024, 1025, 8192] {
            let found: Vec<usize> = (1..cpus).collect();
            assert_eq!(allowed_by(kernel(cpus)), Ok(found));
        }
    }

    #[test]
    fn a_quota_below_the_affinity_wins() {
        assert_eq!(tighter(8, None), 8.0);
        assert_eq!(tighter(8, Some(1.5)), 1.5);
        assert_eq!(tighter(2, Some(16.0)), 2.0);
    }

    #[test]
    fn a_kernel_that_does_not_tell_ends_the_search() {
        for why in [Errno::EINVAL, Errno::EPERM] {
            assert_eq!(allowed_by(|_| Err(why)), Err(why));
        }
    }

    #[test]
    fn a_thread_is_kept_on_a_cpu_that_there_is() {
        let kept = std::thread::spawn(|| {
            let cpu = *allowed().last().unwrap();
            keep_on(Pid::from_raw(0), &[cpu]).unwrap();
            assert_eq!(allowed(), [cpu]);
            for none in [100_000, usize::MAX] {
                let refused = keep_on(Pid::from_raw(0), &[none]);
                assert_eq!(refused, Err(Errno::EINVAL), "{none}");
            }
            allowed() == [cpu]
        });
        assert!(kept.join().unwrap());
    }
}
