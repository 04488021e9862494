//! Were two runs measured on one machine, and of the same work?

use super::words;
use crate::record::{Cell, Machine, Run, WorkloadRecord};
use std::collections::{BTreeMap, BTreeSet};

/// What tells one machine from another: name and value; unknown is a value, too.
#[must_use]
pub fn machine_facts(machine: &Machine) -> [(&'static str, String); 4] {
    let known = |fact: &Option<String>| fact.clone().unwrap_or_else(|| "unknown".to_owned());
    [
        ("CPU", known(&machine.cpu_model)),
        ("effective CPUs", format!("{:.2}", machine.cpus_effective)),
        ("kernel", known(&machine.kernel)),
        ("vectors", known(&machine.vectors)),
    ]
}

/// Where two machines differ, in words; empty for one and the same.
#[must_use]
pub fn machine_differences(old: &Machine, new: &Machine) -> Vec<String> {
    let both = machine_facts(old).into_iter().zip(machine_facts(new));
    both.filter(|((_, a), (_, b))| a != b)
        .map(|((name, a), (_, b))| format!("{name}: {a}, then {b}"))
        .collect()
}

/// What two runs of one machine were measured under, where it differs: a sentence each. What is unknown of
/// both is no difference.
#[must_use]
pub fn settings_differences(old: &Run, new: &Run) -> Vec<String> {
    let both = settings(old).into_iter().zip(settings(new));
    let settings = both
        .filter(|((_, a), (_, b))| a != b)
        .map(|((name, a), (_, b))| format!("{name} was {a}, then {b}"));
    settings
        .chain(variables(&old.machine, &new.machine))
        .collect()
}

/// How a machine was set up for a run, and what was run.
fn settings(run: &Run) -> [(&'static str, String); 10] {
    let m = &run.machine;
    let known = |value: Option<&str>| value.unwrap_or("unknown").to_owned();
    let none = || "none".to_owned();
    [
        ("the executable", known(run.build_id.as_deref())),
        ("the governor", known(m.governor.as_deref())),
        (
            "frequency boost",
            known(m.turbo.map(|on| if on { "on" } else { "off" })),
        ),
        (
            "the mode of transparent huge pages",
            known(m.transparent_huge_pages.as_deref()),
        ),
        ("the clock source", known(m.clock_source.as_deref())),
        (
            "the number of NUMA nodes",
            known(m.numa_nodes.map(|n| n.to_string()).as_deref()),
        ),
        ("the number of allowed CPUs", m.cpus_allowed.to_string()),
        (
            "the CPU quota",
            m.quota_cpus.map_or_else(none, |q| format!("{q:.2} CPUs")),
        ),
        (
            "the memory limit",
            m.memory_limit_bytes
                .map_or_else(none, |bytes| words::bytes(bytes as f64)),
        ),
        (
            "the container or virtual machine",
            m.virtualization.clone().unwrap_or_else(none),
        ),
    ]
}

/// Variables of the environment that differ; nothing where a record does not say.
fn variables(old: &Machine, new: &Machine) -> Vec<String> {
    let (Some(old), Some(new)) = (&old.environment, &new.environment) else {
        return Vec::new();
    };
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let value = |of: &BTreeMap<String, String>, name: &String| {
        of.get(name)
            .cloned()
            .unwrap_or_else(|| "not set".to_owned())
    };
    names
        .into_iter()
        .filter(|&name| old.get(name) != new.get(name))
        .map(|name| format!("{name} was {}, then {}", value(old, name), value(new, name)))
        .collect()
}

/// Why two cells of the same name are not of the same work, as the end of a sentence; `None` where
/// they are.
#[must_use]
pub fn work_difference(old: (&Run, &Cell), new: (&Run, &Cell)) -> Option<String> {
    let ((old_run, old_cell), (new_run, new_cell)) = (old, new);
    if old_run.seed != new_run.seed {
        return Some(format!(
            "the seed was {}, then {}: other worlds and orders",
            old_run.seed, new_run.seed
        ));
    }
    for name in [&old_cell.baseline, &old_cell.x].map(|a| &a.workload) {
        let (a, b) = (old_run.workload(name), new_run.workload(name));
        if !is_same_work(a, b) {
            return Some(format!("the parameters of {name} changed"));
        }
    }
    if (old_cell.window_s - new_cell.window_s).abs() > 1e-9 {
        return Some(format!(
            "the window was {} s, then {} s",
            old_cell.window_s, new_cell.window_s
        ));
    }
    match (&old_cell.digest, &new_cell.digest) {
        (Some(a), Some(b)) if a != b => {
            Some(format!("agents did not do the same (digest {a}, then {b})"))
        }
        _ => None,
    }
}

/// The same values, whatever the comments say.
fn is_same_work(a: Option<&WorkloadRecord>, b: Option<&WorkloadRecord>) -> bool {
    let (Some(a), Some(b)) = (a, b) else {
        return a.is_none() && b.is_none();
    };
    a.parameters == b.parameters
        && (a.episode_length, a.digest_round) == (b.episode_length, b.digest_round)
}
