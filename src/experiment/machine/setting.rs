//! What about the way this machine is set up must a reader know?
//!
//! Each function turns one fact into at most one finding; `fitness` collects them.

use super::fitness::{Finding, Level, finding};
use crate::record::Machine;

/// A clock read above this has left the CPU's counter and the vDSO: it is a system call.
const SLOW_CLOCK_NS: f64 = 100.0;

pub(super) fn cpus(machine: &Machine) -> Option<Finding> {
    if machine.cpus_effective >= 2.0 {
        return None;
    }
    finding(
        Level::Warn,
        format!(
            "{:.2} effective CPUs: nothing runs in parallel, so only overheads are compared; \
             allow two CPUs or more (taskset, cpu.max)",
            machine.cpus_effective
        ),
    )
}

pub(super) fn quota(machine: &Machine) -> Option<Finding> {
    super::quota::of(machine.quota_cpus?, machine.cpus_allowed)
}

pub(super) fn governor(machine: &Machine) -> Option<Finding> {
    let governor = machine.governor.as_deref()?;
    if governor == "performance" {
        return None;
    }
    finding(
        Level::Warn,
        format!(
            "the frequency governor is {governor}, so clocks follow the load; set it with \
             `cpupower frequency-set -g performance`"
        ),
    )
}

pub(super) fn clock(machine: &Machine) -> Option<Finding> {
    let cost = machine.clock_read_ns.filter(|&ns| ns > SLOW_CLOCK_NS)?;
    let source = machine.clock_source.as_deref().unwrap_or("unknown");
    finding(
        Level::Warn,
        format!(
            "a clock read costs {cost:.0} ns (clock source {source}), so few ops can be timed; \
             boot with clocksource=tsc if the CPU's counter is invariant"
        ),
    )
}

pub(super) fn turbo(machine: &Machine) -> Option<Finding> {
    if machine.turbo != Some(true) {
        return None;
    }
    finding(
        Level::Note,
        "frequency boost is on: few busy CPUs run faster than many, so scaling looks worse than \
         it is; for scaling, switch boost off in /sys/devices/system/cpu",
    )
}

pub(super) fn huge_pages(machine: &Machine) -> Option<Finding> {
    let message = match machine.transparent_huge_pages.as_deref()? {
        "always" => {
            "transparent huge pages are `always`, so memory can grow in steps of 2 MiB and \
             differently in threads and processes; for memory per agent, set them to madvise"
        }
        "never" => {
            "transparent huge pages are `never`, as few machines have them; set them to madvise \
             to compare with other machines"
        }
        _ => return None,
    };
    finding(Level::Note, message)
}

pub(super) fn environment(machine: &Machine) -> Option<Finding> {
    let set = machine.environment.as_ref().filter(|e| !e.is_empty())?;
    let set: Vec<String> = set.iter().map(|(n, v)| format!("{n}={v}")).collect();
    finding(
        Level::Note,
        format!(
            "the environment changes how the agents allocate, are loaded or start threads ({}); unset \
             what the agents will run without",
            set.join(", ")
        ),
    )
}

pub(super) fn numa(machine: &Machine) -> Option<Finding> {
    let nodes = machine.numa_nodes.filter(|&nodes| nodes > 1)?;
    finding(
        Level::Note,
        format!(
            "{nodes} NUMA nodes: where memory lies moves results; for one node, run under \
             `numactl --cpunodebind=0 --membind=0`"
        ),
    )
}

pub(super) fn virtualization(machine: &Machine) -> Option<Finding> {
    let what = machine.virtualization.as_deref()?;
    finding(
        Level::Note,
        format!(
            "this is a {what}: waking an idle CPU costs more than on bare metal; measure where \
             the agents will run"
        ),
    )
}

/// One note for everything that could not be found out.
pub(super) fn unknown(machine: &Machine) -> Option<Finding> {
    let missing: Vec<&str> = [
        ("foreign CPU", machine.foreign_cpu.is_none()),
        ("steal", machine.steal.is_none()),
        ("pace", machine.pace_spread.is_none()),
        ("throttling", machine.throttled.is_none()),
        ("CPU pressure", machine.cpu_pressure.is_none()),
        // A machine without memory could not say so.
        ("memory and swap", machine.memory_bytes == 0),
        ("governor", machine.governor.is_none()),
        ("frequency boost", machine.turbo.is_none()),
        ("clock source", machine.clock_source.is_none()),
        ("huge pages", machine.transparent_huge_pages.is_none()),
        ("NUMA nodes", machine.numa_nodes.is_none()),
        ("clock read cost", machine.clock_read_ns.is_none()),
    ]
    .into_iter()
    .filter_map(|(name, is_missing)| is_missing.then_some(name))
    .collect();
    if missing.is_empty() {
        return None;
    }
    // Unknown foreign CPU is more than a note: the one condition that voids a run went unchecked.
    let level = if machine.foreign_cpu.is_none() {
        Level::Warn
    } else {
        Level::Note
    };
    finding(
        level,
        format!(
            "unknown here: {}; guests and containers hide them, look on the host if the numbers \
             surprise",
            missing.join(", ")
        ),
    )
}
