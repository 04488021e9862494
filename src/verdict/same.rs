//! Were two runs measured on one machine, and of the same work?

use crate::record::{Cell, Machine, Run, WorkloadRecord};

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
    for name in [Some(&old_cell.workload), old_cell.x_workload.as_ref()]
        .into_iter()
        .flatten()
    {
        let (a, b) = (parameters(old_run, name), parameters(new_run, name));
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

fn parameters<'a>(run: &'a Run, name: &str) -> Option<&'a WorkloadRecord> {
    run.workloads.iter().find(|w| w.name == name)
}

/// The same values, whatever the comments say.
fn is_same_work(a: Option<&WorkloadRecord>, b: Option<&WorkloadRecord>) -> bool {
    let (Some(a), Some(b)) = (a, b) else {
        return a.is_none() && b.is_none();
    };
    let read = |w: &WorkloadRecord| toml::from_str::<toml::Table>(&w.toml).ok();
    let is_same_text = match (read(a), read(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a.toml == b.toml,
    };
    is_same_text && (a.episode_length, a.digest_round) == (b.episode_length, b.digest_round)
}
