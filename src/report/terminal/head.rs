//! Which machine, which run?

use crate::experiment::machine::{Level, assess};
use crate::record::{Machine, Run};
use crate::report::layout::{Page, Tone};
use crate::report::numbers;
use crate::verdict::words;

const SEPARATOR: &str = " · ";

pub fn write(run: &Run, page: &mut Page) {
    let about = [
        format!("seed {}", run.seed),
        format!("margin {} %", percent(run.margin)),
        run.started.clone(),
        format!("took {}", words::duration(run.wall_s)),
        run.command_line(),
    ];
    let about = about.into_iter().chain(looks(run)).collect::<Vec<_>>();
    let title = format!(
        "forkscope {}, method {}",
        run.forkscope_version, run.method_version
    );
    page.heading(&title, "");
    list(page, "run      ", &about);
    list(page, "machine  ", &machine(&run.machine));
    list(page, "state    ", &state(&run.machine));
}

/// How a run looked that stopped what had a verdict; `None` where nobody looked before all pairs were in.
pub fn looks(run: &Run) -> Option<String> {
    let looks = run.plan.looks?;
    Some(format!(
        "comparisons stop at a verdict: intervals widened by {}, at most {} pairs",
        numbers::trimmed(format!("{:.2}", looks.widened_by)),
        looks.most_pairs
    ))
}

pub fn list(page: &mut Page, label: &str, items: &[String]) {
    page.labelled(
        2,
        label,
        Tone::Plain,
        items.iter().map(String::as_str),
        SEPARATOR,
    );
}

/// What the machine is.
pub fn machine(m: &Machine) -> Vec<String> {
    let mut items = vec![
        known("CPU", m.cpu_model.as_deref(), ""),
        capacity(m),
        known("kernel", m.kernel.as_deref(), "Linux "),
        known("vectors", m.vectors.as_deref(), "vectors "),
        memory(m),
    ];
    items.extend(m.virtualization.clone());
    items
}

/// How many CPUs there are to use.
pub fn capacity(m: &Machine) -> String {
    let quota = m
        .quota_cpus
        .map_or("no quota".to_owned(), |q| format!("quota {}", cpus(q)));
    let count = cpus(m.cpus_effective);
    let unit = match count.as_str() {
        "1" => "CPU",
        _ => "CPUs",
    };
    format!(
        "{count} effective {unit} ({} of {} allowed, {quota})",
        m.cpus_allowed, m.cpus_online
    )
}

fn memory(m: &Machine) -> String {
    let size = words::bytes(m.memory_bytes as f64);
    match m.memory_limit_bytes {
        Some(limit) => format!("{size} memory, limited to {}", words::bytes(limit as f64)),
        None => format!("{size} memory"),
    }
}

/// What the machine was set to and busy with.
pub fn state(m: &Machine) -> Vec<String> {
    let turbo = m.turbo.map(|on| if on { "on" } else { "off" });
    let foreign = m.foreign_cpu.map(|share| format!("{} %", percent(share)));
    let mut items = vec![
        known("governor", m.governor.as_deref(), "governor "),
        known("turbo", turbo, "turbo "),
        known("clock", m.clock_source.as_deref(), "clock "),
        known("foreign CPU", foreign.as_deref(), "foreign CPU "),
    ];
    items.extend(
        m.environment
            .iter()
            .flatten()
            .map(|(name, value)| format!("{name}={value}")),
    );
    let pace = m.pace_spread.map(|s| format!("varies by {} %", percent(s)));
    items.push(known("pace", pace.as_deref(), "pace "));
    items.extend(
        m.steal
            .filter(|&share| share > 0.0)
            .map(|share| format!("steal {} %", percent(share))),
    );
    items
}

/// What spoke against the machine before the run, and did not keep it from being measured.
pub fn cautions(run: &Run) -> Vec<String> {
    let findings = assess(&run.machine).into_iter();
    let warned = findings.filter(|f| f.level == Level::Warn);
    warned.map(|f| f.message).collect()
}

/// The value behind `before`, or `what unknown`: what could not be found out is never left out.
fn known(what: &str, value: Option<&str>, before: &str) -> String {
    value.map_or_else(|| format!("{what} unknown"), |v| format!("{before}{v}"))
}

/// `2`, `1.5`.
pub fn cpus(count: f64) -> String {
    numbers::trimmed(format!("{count:.2}"))
}

/// A share as percent with at most one decimal: `3`, `0.6`.
pub fn percent(share: f64) -> String {
    numbers::percent(share)
}
