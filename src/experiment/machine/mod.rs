//! What machine is this, and can its numbers be believed?
//!
//! [`look`] fills a [`Machine`]; [`assess`] says what speaks against it; [`check_capacity`] says
//! before the first worker starts whether the last one could. What could not be found out is
//! `None`, "unknown", and reported as such: absent is never "fine".

mod capacity;
mod facts;
mod fitness;
mod limits;
mod neighbour;
mod proc;
mod quota;
mod setting;

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use nix::sys::statvfs::statvfs;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

pub use capacity::{LimitError, Needs, check_capacity, check_capacity_with};
pub use fitness::{Finding, Level, assess};
pub use limits::{Descriptors, KernelLimits, raise_nofile};
pub use neighbour::{Alone, neighbour, take_machine};
pub use proc::{ProcError, check_proc};
pub use quota::keep_below_quota;

use crate::deployment::pinning;
use crate::observe::cgroup::{Cgroup, Throttle};
use crate::observe::clock::OpClock;
use crate::observe::cpu::{SystemCpu, foreign_share, own_process_ns, steal_share, waited_ns};
use crate::observe::pace;
use crate::record::Machine;

/// Looks at the machine; takes as long as `foreign_over`, over which foreign CPU, steal and
/// throttling are watched (a second is good to 1 % a CPU; 0 leaves them unknown), and half of that
/// again, for the pace of the CPUs.
///
/// Call it while nothing of forkscope runs, and before [`raise_nofile`], which changes the soft
/// limit that is recorded. `vectors` stays `None`: the agent's kernels know.
pub fn look(foreign_over: Duration) -> Machine {
    look_with(foreign_over, &OpClock::calibrate())
}

/// Like [`look`], with a clock that is calibrated already.
pub fn look_with(foreign_over: Duration, clock: &OpClock) -> Machine {
    let root = Path::new("/");
    let online = facts::cpu_list(root, "sys/devices/system/cpu/online");
    let allowed = pinning::allowed();
    let group = Cgroup::of_self();
    let quota_cpus = group.quota_cpus();
    let cpus_effective = pinning::effective();
    let watched = watch(foreign_over, &allowed, cpus_effective, &group);
    let system = system_facts();
    let (nofile_soft, nofile_hard) = limit(Resource::RLIMIT_NOFILE);
    let pids = group.pids();
    Machine {
        cpus_online: online.map_or(allowed.len(), |cpus| cpus.len()),
        cpus_allowed: allowed.len(),
        quota_cpus,
        cpus_effective,
        memory_limit_bytes: group.memory_limit_bytes(),
        memory_limit_free_bytes: group.memory_free_bytes(),
        virtualization: facts::virtualization(root),
        governor: facts::governor(root, &allowed),
        turbo: facts::turbo(root),
        clock_source: facts::clock_source(root),
        transparent_huge_pages: facts::transparent_huge_pages(root),
        environment: Some(facts::environment(std::env::vars_os())),
        numa_nodes: facts::cpu_list(root, "sys/devices/system/node/online").map(|n| n.len()),
        nofile_soft,
        nofile_hard,
        nproc: limit(Resource::RLIMIT_NPROC).0,
        pids_max: pids.map(|pids| pids.max),
        pids_current: pids.map(|pids| pids.current),
        shm_free_bytes: shm_free_bytes(),
        throttled: watched.throttled,
        foreign_cpu: watched.foreign_cpu,
        steal: watched.steal,
        pace_spread: watched.pace_spread,
        cpu_pressure: watched.cpu_pressure,
        vectors: None,
        clock_read_ns: Some(clock.read_cost_ns()),
        ..system
    }
}

/// What was seen while waiting.
#[derive(Default)]
struct Watched {
    foreign_cpu: Option<f64>,
    steal: Option<f64>,
    pace_spread: Option<f64>,
    throttled: Option<u64>,
    cpu_pressure: Option<f64>,
}

/// Threads that the CPUs' pace is measured by at most: a larger machine is a sample of itself.
const MOST_PACED: usize = 64;

/// Sleeps for `span` and says what the machine did meanwhile; then works for half of it, which shows
/// how evenly the CPUs run, and whether the hypervisor takes them.
fn watch(span: Duration, allowed: &[usize], cpus_effective: f64, group: &Cgroup) -> Watched {
    if span.is_zero() {
        return Watched::default();
    }
    let root = Path::new("/");
    let (throttled, waited) = (group.throttle(), waited_ns(root));
    let before = SystemCpu::read(allowed);
    let (own, start) = (own_process_ns(), Instant::now());
    std::thread::sleep(span);
    let (own, wall) = (own_process_ns() - own, start.elapsed());
    let spent = before
        .and_then(|before| Ok(SystemCpu::read(allowed)?.since(before)))
        .ok();
    let cpus = allowed.len() as f64;
    let cpu_pressure = waited_ns(root).zip(waited).map(|(after, before)| {
        (after.saturating_sub(before) as f64 / wall.as_nanos() as f64).min(1.0)
    });
    let throttled = group.throttle().zip(throttled).map(throttled_times);

    // An idle CPU has nothing that could be stolen.
    let (before, start) = (SystemCpu::read(allowed), Instant::now());
    let threads = (cpus_effective as usize).clamp(1, MOST_PACED);
    let pace_spread = pace::spread(threads, span / 2);
    let at_work = before
        .and_then(|before| Ok(SystemCpu::read(allowed)?.since(before)))
        .ok();
    let steal = [(spent, wall), (at_work, start.elapsed())]
        .into_iter()
        .filter_map(|(spent, wall)| steal_share(spent?, cpus, wall))
        .reduce(f64::max);
    Watched {
        foreign_cpu: spent.and_then(|spent| foreign_share(spent, own, cpus, wall)),
        steal,
        pace_spread,
        throttled,
        cpu_pressure,
    }
}

fn throttled_times((after, before): (Throttle, Throttle)) -> u64 {
    after.since(before).times
}

/// What sysinfo knows: CPU model, memory, swap, kernel and system.
fn system_facts() -> Machine {
    let kinds = RefreshKind::nothing()
        .with_memory(MemoryRefreshKind::everything())
        .with_cpu(CpuRefreshKind::nothing());
    let mut machine = Machine {
        kernel: System::kernel_version().ok(),
        os: System::long_os_version().ok(),
        ..Machine::default()
    };
    if let Ok(system) = System::new_with_specifics(kinds) {
        machine.cpu_model = system
            .cpus()
            .first()
            .map(|cpu| cpu.brand().trim().to_owned())
            .filter(|brand| !brand.is_empty());
        machine.memory_bytes = system.total_memory();
        machine.memory_available_bytes = system.available_memory();
        machine.swap_used_bytes = system.used_swap();
    }
    machine
}

/// Soft and hard limit of a resource; `None` where it is unlimited or cannot be read.
fn limit(resource: Resource) -> (Option<u64>, Option<u64>) {
    let finite = |value| (value != RLIM_INFINITY).then_some(value);
    getrlimit(resource).map_or((None, None), |(soft, hard)| (finite(soft), finite(hard)))
}

fn shm_free_bytes() -> Option<u64> {
    let shm = statvfs("/dev/shm").ok()?;
    Some(shm.blocks_available() * shm.fragment_size())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_cpus_memory_and_a_kernel() {
        let machine = look(Duration::from_millis(50));
        assert!(machine.cpus_allowed >= 1);
        assert!(machine.cpus_online >= machine.cpus_allowed);
        assert!(machine.cpus_effective > 0.0);
        assert!(machine.cpus_effective <= machine.cpus_allowed as f64);
        assert!(machine.memory_bytes >= machine.memory_available_bytes);
        assert!(machine.memory_available_bytes > 0);
        assert!(machine.kernel.is_some());
        assert!(machine.clock_read_ns > Some(0.0));
        assert!(machine.foreign_cpu >= Some(0.0));
        assert_eq!(machine.vectors, None);
    }

    #[test]
    fn what_was_not_watched_is_unknown() {
        let machine = look_with(Duration::ZERO, &OpClock::calibrate());
        assert_eq!((machine.foreign_cpu, machine.steal), (None, None));
        assert_eq!((machine.throttled, machine.cpu_pressure), (None, None));
    }
}
