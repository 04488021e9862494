//! What is the machine, in a few words, and what was it set to?

use crate::document::numbers;
use crate::record::Machine;
use crate::verdict::words;

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
    let foreign = m
        .foreign_cpu
        .map(|share| format!("{} %", numbers::percent(share)));
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
    let pace = m
        .pace_spread
        .map(|s| format!("varies by {} %", numbers::percent(s)));
    items.push(known("pace", pace.as_deref(), "pace "));
    items.extend(
        m.steal
            .filter(|&share| share > 0.0)
            .map(|share| format!("steal {} %", numbers::percent(share))),
    );
    items
}

/// The value behind `before`, or `what unknown`: what could not be found out is never left out.
fn known(what: &str, value: Option<&str>, before: &str) -> String {
    value.map_or_else(|| format!("{what} unknown"), |v| format!("{before}{v}"))
}

/// `2`, `1.5`.
fn cpus(count: f64) -> String {
    numbers::trimmed(format!("{count:.2}"))
}
