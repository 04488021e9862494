//! On what machine, and what is missing?

use super::super::block::{Block, Section};
use crate::record::{Machine, Run, WorkloadRecord};
use crate::report::numbers;
use crate::report::terminal::{cells, head};
use crate::verdict::words;
use std::collections::BTreeMap;

/// The machine, the run, and the workloads with all their parameters.
pub fn machine(run: &Run) -> Vec<Section> {
    let title = |text: &str, about: &str| Block::Title {
        text: text.to_owned(),
        about: about.to_owned(),
    };
    let mut blocks = vec![
        title(
            "machine",
            "as it was found before the run; what is unknown is not fine",
        ),
        Block::Facts {
            items: of_machine(&run.machine),
        },
        title("run", ""),
        Block::Facts { items: of_run(run) },
    ];
    if !run.workloads.is_empty() {
        blocks.push(title(
            "workloads",
            "with all their parameters, to run them again",
        ));
        blocks.extend(run.workloads.iter().map(source));
    }
    let section = Section::of("machine", "Machine and run", "", blocks);
    section.into_iter().collect()
}

fn source(workload: &WorkloadRecord) -> Block {
    Block::Source {
        title: format!(
            "{}, from {}; episode length {}, digest at round {}",
            workload.name, workload.origin, workload.episode_length, workload.digest_round
        ),
        text: toml::to_string(&workload.parameters).unwrap_or_default(),
    }
}

fn of_run(run: &Run) -> Vec<(String, String)> {
    let fact = |what: &str, value: String| (what.to_owned(), value);
    let mut facts = vec![
        fact("forkscope", run.forkscope_version.clone()),
        fact(
            "build",
            run.build_id.clone().unwrap_or_else(|| "unknown".to_owned()),
        ),
        fact("method", format!("version {}", run.method_version)),
        fact("command", run.command_line()),
        fact("started", run.started.clone()),
        fact("took", words::duration(run.wall_s)),
        fact("budget", words::duration(run.plan.budget_s)),
        fact("seed", run.seed.to_string()),
        fact("margin", format!("{} %", numbers::percent(run.margin))),
        fact("cells", run.cells.len().to_string()),
        fact(
            "pairs",
            run.cells
                .iter()
                .map(|c| c.pairs.len())
                .sum::<usize>()
                .to_string(),
        ),
    ];
    facts.extend(head::looks(run).map(|said| fact("looks", said)));
    facts
}

fn of_machine(m: &Machine) -> Vec<(String, String)> {
    let unknown = || "unknown".to_owned();
    let text = |value: &Option<String>| value.clone().unwrap_or_else(unknown);
    let count = |value: Option<u64>| value.map_or_else(unknown, |n| n.to_string());
    let size = |bytes: u64| words::bytes(bytes as f64);
    let share =
        |value: Option<f64>| value.map_or_else(unknown, |s| format!("{} %", numbers::percent(s)));
    let on = |value: Option<bool>| {
        value.map_or_else(unknown, |on| if on { "on" } else { "off" }.to_owned())
    };
    let fact = |what: &str, value: String| (what.to_owned(), value);
    vec![
        fact("CPU", text(&m.cpu_model)),
        fact("CPUs", head::capacity(m)),
        fact("vectors", text(&m.vectors)),
        fact("memory", size(m.memory_bytes)),
        fact("memory available", size(m.memory_available_bytes)),
        fact(
            "memory limit",
            m.memory_limit_bytes
                .map_or_else(|| "none found".to_owned(), size),
        ),
        fact("swap in use", size(m.swap_used_bytes)),
        fact("operating system", text(&m.os)),
        fact("kernel", text(&m.kernel)),
        fact("virtualization", text(&m.virtualization)),
        fact("governor", text(&m.governor)),
        fact("turbo", on(m.turbo)),
        fact("clock source", text(&m.clock_source)),
        fact(
            "one read of the clock",
            m.clock_read_ns
                .map_or_else(unknown, |ns| format!("{ns:.1} ns")),
        ),
        fact("transparent huge pages", text(&m.transparent_huge_pages)),
        fact("environment", words_of(m.environment.as_ref())),
        fact("NUMA nodes", count(m.numa_nodes.map(|n| n as u64))),
        fact("open files, soft limit", count(m.nofile_soft)),
        fact("open files, hard limit", count(m.nofile_hard)),
        fact("processes of the user, limit", count(m.nproc)),
        fact("tasks, limit of the control group", count(m.pids_max)),
        fact("tasks in the control group", count(m.pids_current)),
        fact(
            "free in /dev/shm",
            m.shm_free_bytes.map_or_else(unknown, size),
        ),
        fact("throttled before the run", count(m.throttled)),
        fact("foreign CPU before the run", share(m.foreign_cpu)),
        fact("steal before the run", share(m.steal)),
        fact("pace varied by", share(m.pace_spread)),
        fact("waiting for a CPU before the run", share(m.cpu_pressure)),
    ]
}

/// `MALLOC_ARENA_MAX=1, LD_PRELOAD=/lib/x.so`.
fn words_of(environment: Option<&BTreeMap<String, String>>) -> String {
    let Some(environment) = environment else {
        return "unknown".to_owned();
    };
    let set: Vec<String> = environment
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    match set.is_empty() {
        true => {
            "nothing that changes how programs allocate, are loaded or start threads".to_owned()
        }
        false => set.join(", "),
    }
}

/// What was left out, warned of, or dropped.
pub fn missing(run: &Run) -> Vec<Section> {
    let parts = [
        ("warnings", "", run.warnings.clone()),
        (
            "left out",
            "did not fit the budget",
            run.plan.left_out.clone(),
        ),
        (
            "dropped pairs",
            "by cause, never by value",
            cells::dropped(&run.cells),
        ),
    ];
    let mut blocks = Vec::new();
    for (text, about, items) in parts {
        if items.is_empty() {
            continue;
        }
        blocks.push(Block::Title {
            text: text.to_owned(),
            about: about.to_owned(),
        });
        blocks.push(Block::List { items });
    }
    let section = Section::of("missing", "What is missing, and what to know", "", blocks);
    section.into_iter().collect()
}
