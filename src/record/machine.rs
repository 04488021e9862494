//! What is the machine that a run was made on?

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The machine, as far as it could be found out. `None` means unknown, never "fine".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Machine {
    /// CPU model name.
    pub cpu_model: Option<String>,
    /// CPUs online in the system.
    pub cpus_online: usize,
    /// CPUs that the affinity mask of this process allows.
    pub cpus_allowed: usize,
    /// CPU quota of the control group in CPUs (1.5 = 150 %); `None` = no quota found.
    pub quota_cpus: Option<f64>,
    /// Effective CPUs: the smaller of affinity and quota, at least a fraction of one.
    pub cpus_effective: f64,
    /// Physical memory, bytes.
    pub memory_bytes: u64,
    /// Memory available at the start, bytes.
    pub memory_available_bytes: u64,
    /// Memory limit of the control group, bytes.
    pub memory_limit_bytes: Option<u64>,
    /// What the control group may use on top of what it uses, bytes: the least on the way up. Pages of files that
    /// can be dropped at once count as free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit_free_bytes: Option<u64>,
    /// Swap in use, bytes.
    pub swap_used_bytes: u64,
    /// Kernel release.
    pub kernel: Option<String>,
    /// Operating system's name and version.
    pub os: Option<String>,
    /// Hypervisor or container hint, where one shows.
    pub virtualization: Option<String>,
    /// Scaling governor of the allowed CPUs.
    pub governor: Option<String>,
    /// Whether frequency boost is on.
    pub turbo: Option<bool>,
    /// The kernel's clock source.
    pub clock_source: Option<String>,
    /// Transparent huge pages: always, madvise or never.
    pub transparent_huge_pages: Option<String>,
    /// Variables of the environment that change how the program allocates, is loaded or starts threads, with
    /// their values: `MALLOC_ARENA_MAX`, `LD_PRELOAD` and their kin, and nothing else of the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<BTreeMap<String, String>>,
    /// NUMA nodes online.
    pub numa_nodes: Option<usize>,
    /// Soft limit of open files when the program started (it raises it to the hard limit).
    pub nofile_soft: Option<u64>,
    /// Hard limit of open files.
    pub nofile_hard: Option<u64>,
    /// Limit of processes and threads of this user.
    pub nproc: Option<u64>,
    /// Tasks that the control group allows.
    pub pids_max: Option<u64>,
    /// Tasks in the control group now.
    pub pids_current: Option<u64>,
    /// Free bytes in /dev/shm.
    pub shm_free_bytes: Option<u64>,
    /// Times the control group was throttled before the run.
    pub throttled: Option<u64>,
    /// Share of the effective CPUs that other programs used in the look before the run, 0 to 1.
    pub foreign_cpu: Option<f64>,
    /// Share of CPU time that the hypervisor took in the look before the run, 0 to 1.
    pub steal: Option<f64>,
    /// How far the pace of the CPUs varied in the look before the run, while nothing but a fixed work
    /// ran: (90th − 10th percentile) / median of the work done in 5 ms. Neighbours on the same cores
    /// and changing frequencies show here, and nowhere else.
    #[serde(default)]
    pub pace_spread: Option<f64>,
    /// Share of the look before the run in which some task waited for a CPU (pressure stall
    /// information), 0 to 1. Only while forkscope is idle: its own agents wait, too.
    pub cpu_pressure: Option<f64>,
    /// Vector instructions that the agent's kernels use: avx512, avx2+fma or baseline.
    pub vectors: Option<String>,
    /// Cost of one read of the clock that times ops, nanoseconds.
    pub clock_read_ns: Option<f64>,
}
