//! How much CPU did a process, a thread and everyone else use?
//!
//! A process's own time comes from its CPU clock, which the scheduler keeps in nanoseconds. What
//! others used comes from `/proc/stat`, which counts ticks of 10 ms: over a window of 250 ms on
//! one CPU it is good to 4 %.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{Pid, SysconfVar, sysconf};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why CPU use could not be read.
#[derive(Debug, Error)]
pub enum CpuError {
    /// The process has no CPU clock that could be read.
    #[error(
        "read CPU clock of process {pid}: {source}; the process has ended, read it before it does"
    )]
    Clock {
        /// The process.
        pid: i32,
        /// What the kernel said.
        source: Errno,
    },
    /// A file could not be read.
    #[error("read {}: {source}; the process has ended or /proc is not mounted", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A file does not look as proc(5) says.
    #[error("{}: no {field} in it; report the kernel version with this message", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        field: &'static str,
    },
}

/// The CPU clock of a process, all its threads together, also those that have ended.
///
/// Children are not in it: each process has a clock of its own.
#[derive(Clone, Copy, Debug)]
pub struct ProcessClock {
    pid: Pid,
    clock: ClockId,
}

impl ProcessClock {
    /// The clock of a process of this machine. Needs no permission.
    ///
    /// # Errors
    /// [`CpuError::Clock`] when there is no such process.
    pub fn of(pid: Pid) -> Result<Self, CpuError> {
        let clock = ClockId::pid_cpu_clock_id(pid).map_err(|source| CpuError::Clock {
            pid: pid.as_raw(),
            source,
        })?;
        Ok(Self { pid, clock })
    }

    /// User and system time so far, nanoseconds.
    ///
    /// # Errors
    /// [`CpuError::Clock`] when the process has been reaped.
    pub fn now_ns(&self) -> Result<u64, CpuError> {
        clock_ns(self.clock).map_err(|source| CpuError::Clock {
            pid: self.pid.as_raw(),
            source,
        })
    }
}

/// User and system time of this process so far, nanoseconds.
pub fn own_process_ns() -> u64 {
    clock_ns(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("every process has a CPU clock of its own")
}

/// User and system time of the calling thread so far, nanoseconds. A system call: half a
/// microsecond, so read it at the ends of a window and not per op.
pub fn own_thread_ns() -> u64 {
    clock_ns(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("every thread has a CPU clock of its own")
}

/// The CPU clock of one thread of this process, for its other threads to read.
#[derive(Clone, Copy, Debug)]
pub struct ThreadClock {
    clock: ClockId,
}

impl ThreadClock {
    /// The clock of the calling thread.
    pub fn of_this_thread() -> Self {
        // MAKE_THREAD_CPUCLOCK of the kernel's ABI (posix-timers.h): the thread's number inverted,
        // then "per thread" (4) and "as the scheduler counts" (2).
        let tid = nix::unistd::gettid().as_raw();
        Self {
            clock: ClockId::from_raw((!tid << 3) | 4 | 2),
        }
    }

    /// User and system time of the thread so far, nanoseconds; 0 once it has ended.
    pub fn now_ns(self) -> u64 {
        clock_ns(self.clock).unwrap_or(0)
    }
}

fn clock_ns(clock: ClockId) -> Result<u64, Errno> {
    let time = clock_gettime(clock)?;
    // CPU time counts from 0: never negative.
    Ok(time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}

/// Context switches of the tasks that a process has now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switches {
    /// The task gave the CPU up to wait.
    pub voluntary: u64,
    /// The scheduler took the CPU away.
    pub involuntary: u64,
    /// Tasks that were counted.
    pub tasks: u64,
}

impl Switches {
    /// Switches of all tasks of a process since each of them started.
    ///
    /// Tasks that have ended are not counted, nor one that ends while it is read: compare two
    /// readings between which the workers live.
    ///
    /// # Errors
    /// [`CpuError::Read`] when there is no such process, [`CpuError::Malformed`] when a status
    /// file lacks the counters.
    pub fn of(pid: Pid) -> Result<Self, CpuError> {
        let directory = PathBuf::from(format!("/proc/{pid}/task"));
        let failed = |source| CpuError::Read {
            path: directory.clone(),
            source,
        };
        let mut sum = Self::default();
        for entry in fs::read_dir(&directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path().join("status");
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(source) if has_ended(&source) => continue,
                Err(source) => return Err(CpuError::Read { path, source }),
            };
            let task = Self::parse(&text).ok_or(CpuError::Malformed {
                path,
                field: "voluntary_ctxt_switches",
            })?;
            sum = sum + task;
        }
        Ok(sum)
    }

    /// Counters of one task from the text of its status file.
    fn parse(status: &str) -> Option<Self> {
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().parse().ok()
        };
        Some(Self {
            voluntary: number("voluntary_ctxt_switches:")?,
            involuntary: number("nonvoluntary_ctxt_switches:")?,
            tasks: 1,
        })
    }

    /// Switches since an earlier reading; the tasks are those of this one.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            voluntary: self.voluntary.saturating_sub(earlier.voluntary),
            involuntary: self.involuntary.saturating_sub(earlier.involuntary),
            tasks: self.tasks,
        }
    }
}

impl std::ops::Add for Switches {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            voluntary: self.voluntary + other.voluntary,
            involuntary: self.involuntary + other.involuntary,
            tasks: self.tasks + other.tasks,
        }
    }
}

/// Whether an error of a file below /proc means that its task is gone.
fn has_ended(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(Errno::ESRCH as i32)
}

/// What some CPUs of the system did since it started, whoever used them. Nanoseconds of CPU time,
/// in steps of the kernel's tick (10 ms).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemCpu {
    /// Spent on programs, kernel and interrupts.
    pub busy_ns: u64,
    /// Wanted, but given to another guest by the hypervisor.
    pub steal_ns: u64,
    /// Spent idle, also while waiting for a disk.
    pub idle_ns: u64,
}

impl SystemCpu {
    /// Reads `/proc/stat` for the CPUs in `allowed` (numbers as the kernel counts them).
    ///
    /// # Errors
    /// [`CpuError::Read`] without /proc, [`CpuError::Malformed`] when it lacks one of the CPUs, or has counted
    /// nothing: sandboxes show a file of zeros, and containers one of the CPUs that their quota is worth.
    pub fn read(allowed: &[usize]) -> Result<Self, CpuError> {
        let path = Path::new("/proc/stat");
        let text = fs::read_to_string(path).map_err(|source| CpuError::Read {
            path: path.to_owned(),
            source,
        })?;
        // 100 on every Linux that is in use; asked because it is an option of the kernel.
        let per_second = match sysconf(SysconfVar::CLK_TCK) {
            Ok(Some(ticks)) if ticks > 0 => ticks as u64,
            _ => 100,
        };
        Self::parse(&text, allowed, 1_000_000_000 / per_second).ok_or(CpuError::Malformed {
            path: path.to_owned(),
            field: "line with time in it for every allowed CPU",
        })
    }

    /// Sums the lines of the allowed CPUs. `None` when one of them is missing, or nothing was counted.
    fn parse(stat: &str, allowed: &[usize], tick_ns: u64) -> Option<Self> {
        let mut sum = Self::default();
        let mut found = 0;
        for line in stat.lines() {
            let mut words = line.split_whitespace();
            // The line "cpu" without a number is the sum over all CPUs: not a number, skipped.
            let cpu = words.next().and_then(|name| name.strip_prefix("cpu"));
            let Some(Ok(cpu)) = cpu.map(str::parse::<usize>) else {
                continue;
            };
            if !allowed.contains(&cpu) {
                continue;
            }
            // user nice system idle iowait irq softirq steal; guest time is part of user and nice.
            let mut ticks = [0_u64; 8];
            for (slot, word) in ticks.iter_mut().zip(words) {
                *slot = word.parse().ok()?;
            }
            let [user, nice, system, idle, iowait, irq, softirq, steal] = ticks;
            sum.busy_ns += (user + nice + system + irq + softirq) * tick_ns;
            sum.steal_ns += steal * tick_ns;
            sum.idle_ns += (idle + iowait) * tick_ns;
            found += 1;
        }
        (found == allowed.len() && sum.all_ns() > 0).then_some(sum)
    }

    /// Everything that was counted, whatever for.
    fn all_ns(self) -> u64 {
        self.busy_ns + self.steal_ns + self.idle_ns
    }

    /// What happened since an earlier reading. A counter that went back (the kernel corrects
    /// iowait downwards) counts as not moved.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            busy_ns: self.busy_ns.saturating_sub(earlier.busy_ns),
            steal_ns: self.steal_ns.saturating_sub(earlier.steal_ns),
            idle_ns: self.idle_ns.saturating_sub(earlier.idle_ns),
        }
    }
}

/// Share of CPU that other programs used: (Δ busy − own) / (C · wall), 0 to 1.
///
/// `spent` is what the CPUs did, `own_ns` what forkscope and its workers used in the same time,
/// `cpus` = C: as many CPUs as `spent` is the sum of, so that foreign work on CPUs that a quota
/// leaves to others is not set against the quota. `None` for a span or a C of 0, and where the counters have not
/// kept up with the clock: who shows the same numbers again and again says nothing of others.
pub fn foreign_share(spent: SystemCpu, own_ns: u64, cpus: f64, wall: Duration) -> Option<f64> {
    share(spent.busy_ns.saturating_sub(own_ns), spent, cpus, wall)
}

/// Share of CPU time that the hypervisor took: Δ steal / (C · wall). `None` as above.
pub fn steal_share(spent: SystemCpu, cpus: f64, wall: Duration) -> Option<f64> {
    share(spent.steal_ns, spent, cpus, wall)
}

/// Time for which some task waited for a CPU since the system started (`some … total=` of
/// `/proc/pressure/cpu`), nanoseconds. `None` where the kernel keeps no such account.
pub fn waited_ns(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/pressure/cpu")).ok()?;
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let total = some
        .split_whitespace()
        .find_map(|w| w.strip_prefix("total="))?;
    let microseconds: u64 = total.parse().ok()?;
    Some(microseconds.saturating_mul(1_000))
}

/// Share of the CPUs' time that must be in the counters, as something, for them to be believed. Not all of it
/// is where a hypervisor takes CPUs and does not say so.
const LEAST_COUNTED: f64 = 0.5;

/// What a counter may be behind at either end of a span: a tick.
const BEHIND: Duration = Duration::from_millis(20);

fn share(ns: u64, spent: SystemCpu, cpus: f64, wall: Duration) -> Option<f64> {
    let available_ns = cpus * wall.as_nanos() as f64;
    let due_ns = cpus * wall.saturating_sub(BEHIND).as_nanos() as f64;
    let is_counted = spent.all_ns() as f64 >= LEAST_COUNTED * due_ns;
    // Ticks are coarse enough for fully busy CPUs to show 1 % more than there is.
    (available_ns > 0.0 && is_counted).then(|| (ns as f64 / available_ns).min(1.0))
}

#[cfg(test)]
mod tests;
