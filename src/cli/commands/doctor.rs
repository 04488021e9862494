//! `doctor`: the machine only.

use super::preflight::reason_if_unfit;
use super::{CommandError, color_choice, print};
use crate::agent;
use crate::cli::Color;
use crate::experiment::machine;
use crate::observe::program;
use crate::record::Machine;
use crate::verdict::{EXIT_OK, Ending, exit_code};
use std::time::Duration;

/// How long the machine is watched.
const LOOK: Duration = Duration::from_secs(1);

/// `forkscope doctor`.
pub fn doctor(as_json: bool, color: Color) -> Result<u8, CommandError> {
    anstream::ColorChoice::write_global(color_choice(color));
    let mut machine = machine::look(LOOK);
    machine.vectors = Some(agent::vector_level().to_owned());
    let mut findings = machine::assess(&machine);
    findings.splice(0..0, machine::neighbour());
    print(|out| {
        if as_json {
            serde_json::to_writer_pretty(&mut *out, &machine)?;
            return writeln!(out);
        }
        for (name, value) in facts(&machine) {
            writeln!(out, "{name:<24} {value}")?;
        }
        writeln!(out)?;
        findings.iter().try_for_each(|f| writeln!(out, "{f}"))
    })?;
    // As of a run: who asks in a script whether to measure here wants no table.
    Ok(match reason_if_unfit(&findings) {
        Some(_) => exit_code(Ending::Unfit),
        None => EXIT_OK,
    })
}

/// The machine's facts in words, in the order in which they matter.
fn facts(m: &Machine) -> Vec<(&'static str, String)> {
    fn or_unknown<T: ToString>(value: &Option<T>) -> String {
        value
            .as_ref()
            .map_or_else(|| "unknown".to_owned(), ToString::to_string)
    }
    let share =
        |s: Option<f64>| s.map_or_else(|| "unknown".to_owned(), |s| format!("{:.1} %", s * 100.0));
    let mib = |b: u64| format!("{} MiB", b >> 20);
    let limit = |l: Option<u64>| l.map_or_else(|| "none found".to_owned(), |l| l.to_string());
    vec![
        ("CPU", or_unknown(&m.cpu_model)),
        (
            "effective CPUs",
            format!(
                "{:.2} ({} online, {} allowed)",
                m.cpus_effective, m.cpus_online, m.cpus_allowed
            ),
        ),
        (
            "CPU quota",
            m.quota_cpus
                .map_or_else(|| "none found".to_owned(), |q| format!("{q:.2} CPUs")),
        ),
        ("foreign CPU", share(m.foreign_cpu)),
        ("steal", share(m.steal)),
        (
            "pace of the CPUs",
            m.pace_spread.map_or_else(
                || "unknown".to_owned(),
                |s| format!("varies by {:.1} %", s * 100.0),
            ),
        ),
        ("throttled", or_unknown(&m.throttled)),
        ("CPU pressure", share(m.cpu_pressure)),
        (
            "memory",
            format!(
                "{}, {} available",
                mib(m.memory_bytes),
                mib(m.memory_available_bytes)
            ),
        ),
        (
            "memory limit",
            m.memory_limit_bytes
                .map_or_else(|| "none found".to_owned(), mib),
        ),
        ("swap in use", mib(m.swap_used_bytes)),
        (
            "open files",
            format!(
                "{} soft, {} hard",
                or_unknown(&m.nofile_soft),
                or_unknown(&m.nofile_hard)
            ),
        ),
        ("processes of this user", limit(m.nproc)),
        (
            "tasks (pids.max)",
            m.pids_max.zip(m.pids_current).map_or_else(
                || limit(m.pids_max),
                |(max, now)| format!("{max}, {now} in use"),
            ),
        ),
        (
            "/dev/shm free",
            m.shm_free_bytes.map_or_else(|| "unknown".to_owned(), mib),
        ),
        ("kernel", or_unknown(&m.kernel)),
        ("system", or_unknown(&m.os)),
        ("virtualization", or_unknown(&m.virtualization)),
        ("governor", or_unknown(&m.governor)),
        (
            "turbo",
            or_unknown(&m.turbo.map(|on| if on { "on" } else { "off" })),
        ),
        ("clock source", or_unknown(&m.clock_source)),
        (
            "transparent huge pages",
            or_unknown(&m.transparent_huge_pages),
        ),
        ("NUMA nodes", or_unknown(&m.numa_nodes)),
        ("build of forkscope", or_unknown(&program::build_id())),
        ("agent's vectors", or_unknown(&m.vectors)),
        (
            "clock read",
            m.clock_read_ns
                .map_or_else(|| "unknown".to_owned(), |n| format!("{n:.1} ns")),
        ),
    ]
}
