//! Which machine, which run?

use crate::document::{Block, Detail, Document, Fact, numbers};
use crate::record::{Machine, Run};
use crate::study::alike::machine::{capacity, machine, state};
use crate::verdict::words;
use std::collections::BTreeMap;

/// Where there is little room: a line for the run, the machine, and its state.
pub fn show(run: &Run, out: &mut Document) {
    let about = [
        format!("seed {}", run.seed),
        format!("margin {} %", numbers::percent(run.margin)),
        run.started.clone(),
        format!("took {}", words::duration(run.wall_s)),
    ];
    let title = format!(
        "forkscope {}, method {}",
        run.forkscope_version, run.method_version
    );
    let of_run = Fact {
        command: Some(run.command_line()),
        ..Fact::new("run", about.into_iter().chain(looks(run)).collect())
    };
    let facts = vec![
        of_run,
        Fact::new("machine", machine(&run.machine)),
        Fact::new("state", state(&run.machine)),
    ];
    let section = out.section("head", title);
    section.unmarked().detail(Detail::Text).facts(facts);
}

/// Where there is room: all that is known of the machine and the run, and the workloads with their parameters.
pub fn show_all(run: &Run, out: &mut Document) {
    let section = out.section("machine", "machine and run");
    section.unmarked().detail(Detail::Page);
    section.heading(
        "machine",
        "as it was found before the run; what is unknown is not fine",
    );
    section.facts(of_machine(&run.machine));
    section.heading("run", "").facts(of_run(run));
    if !run.workloads.is_empty() {
        section.heading("workloads", "with all their parameters, to run them again");
    }
    for workload in &run.workloads {
        section.block(Block::Source {
            title: format!(
                "{}, from {}; episode length {}, digest at round {}",
                workload.name, workload.origin, workload.episode_length, workload.digest_round
            ),
            text: toml::to_string(&workload.parameters).unwrap_or_default(),
        });
    }
}

/// How a run looked that stopped what had a verdict; `None` where nobody looked before all pairs were in.
fn looks(run: &Run) -> Option<String> {
    let looks = run.plan.looks?;
    Some(format!(
        "comparisons stop at a verdict: intervals widened by {}, at most {} pairs",
        numbers::trimmed(format!("{:.2}", looks.widened_by)),
        looks.most_pairs
    ))
}

fn of_run(run: &Run) -> Vec<Fact> {
    let fact = |what: &str, value: String| Fact::one(what, value);
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
    facts.extend(looks(run).map(|said| fact("looks", said)));
    facts
}

fn of_machine(m: &Machine) -> Vec<Fact> {
    let unknown = || "unknown".to_owned();
    let text = |value: &Option<String>| value.clone().unwrap_or_else(unknown);
    let count = |value: Option<u64>| value.map_or_else(unknown, |n| n.to_string());
    let size = |bytes: u64| words::bytes(bytes as f64);
    let share =
        |value: Option<f64>| value.map_or_else(unknown, |s| format!("{} %", numbers::percent(s)));
    let on = |value: Option<bool>| {
        value.map_or_else(unknown, |on| if on { "on" } else { "off" }.to_owned())
    };
    let fact = |what: &str, value: String| Fact::one(what, value);
    vec![
        fact("CPU", text(&m.cpu_model)),
        fact("CPUs", capacity(m)),
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
