//! What should a person do about one workload?

use crate::record::{MemoryFit, MessageAnswer, SetupAnswer, Verdict};

use super::crossover::{AtAgents, Stretch, stretches, unsettled_words};
use super::settling::what_would_settle;
use super::words;

/// Setup differences below this are not worth a clause, seconds: nobody waits for a millisecond.
const SETUP_WORTH_SAYING_S: f64 = 1e-3;

/// Everything that a run found out about one workload and one deployment X.
#[derive(Clone, Copy, Debug)]
pub struct Findings<'a> {
    /// Name of the workload.
    pub workload: &'a str,
    /// Deployment of the baseline.
    pub baseline: &'a str,
    /// Deployment compared with it.
    pub x: &'a str,
    /// One cell per agent count.
    pub cells: &'a [AtAgents<'a>],
    /// Memory of the baseline, where it could be fitted.
    pub baseline_memory: Option<&'a MemoryFit>,
    /// Memory of X.
    pub x_memory: Option<&'a MemoryFit>,
    /// Setup per agent count, in any order.
    pub setup: &'a [SetupAnswer],
    /// Price of messages, in any order.
    pub messages: &'a [MessageAnswer],
    /// Agent counts, ascending, at which the rate of a side moved within its windows.
    pub moving: &'a [usize],
    /// Wall time that one more pair of every comparison takes, seconds; 0 where that is not known.
    pub pair_s: f64,
}

/// One sentence a person can act on.
///
/// Throughput first, from settled cells only: what to use where, with the size of the difference at
/// the largest agent count of each stretch. Then, where known: memory per agent (only when the two
/// intervals do not overlap), setup with its break-even, the share that messages take of a step,
/// and which cells stay open. When nothing is settled it names the next action instead. Last, as a
/// caveat, where rates moved while they were measured.
pub fn recommendation(findings: &Findings<'_>) -> String {
    let mut said = advice(findings);
    if let Some(&largest) = findings.moving.last() {
        let counts = words::list(findings.moving);
        let unit = if largest == 1 { "agent" } else { "agents" };
        said.push_str(&format!(
            "; op/s moved within windows at {counts} {unit}, so agents that run longer may do more or less"
        ));
    }
    said
}

fn advice(findings: &Findings<'_>) -> String {
    let found = stretches(findings.cells);
    if found.is_empty() {
        return nothing_settled(findings);
    }
    let mut clauses = throughput(findings, &found);
    let all_tie = found.iter().all(|s| *s.verdict == Verdict::Tie);
    clauses.extend(memory(findings, all_tie));
    clauses.extend(setup(findings, found[found.len() - 1].last()));
    clauses.extend(messages(findings));
    let open = unsettled_words(findings.cells, false);
    if !open.is_empty() {
        clauses.push(open);
    }
    clauses.join("; ")
}

fn nothing_settled(findings: &Findings<'_>) -> String {
    let was_tried = findings
        .cells
        .iter()
        .any(|c| *c.verdict == Verdict::Inconclusive);
    let state = match was_tried {
        true => "no agent count is settled",
        false => "no agent count was measured",
    };
    let how = what_would_settle(findings.cells, findings.pair_s)
        .unwrap_or_else(|| "give it more time (--time), or a quieter machine".to_owned());
    format!("{state}, so nothing is recommended: {how}")
}

/// What to use where, in ascending order; then, once, where it makes no difference.
fn throughput(findings: &Findings<'_>, found: &[Stretch<'_>]) -> Vec<String> {
    let mut clauses: Vec<String> = found
        .iter()
        .filter_map(|stretch| match stretch.verdict {
            Verdict::Ahead { deployment } => Some(use_it(findings, stretch, deployment)),
            _ => None,
        })
        .collect();
    let ties = found.iter().filter(|s| *s.verdict == Verdict::Tie);
    let ties: Vec<String> = ties.map(tie_place).collect();
    if !ties.is_empty() {
        let places = words::list(&ties);
        clauses.push(format!("it makes no difference to throughput {places}"));
    }
    clauses
}

fn use_it(findings: &Findings<'_>, stretch: &Stretch<'_>, deployment: &str) -> String {
    let how = match stretch.is_everything() && stretch.first() != stretch.last() {
        true => format!("use {deployment}"),
        false => format!("use {deployment} {}", stretch.place_with_unit()),
    };
    match size(findings, stretch, deployment) {
        Some(size) => format!("{how}: {size}"),
        None => how,
    }
}

/// A tie never reaches beyond what was measured: "up to 32 agents", not "from 1 on".
fn tie_place(stretch: &Stretch<'_>) -> String {
    match (stretch.first(), stretch.last()) {
        (first, last) if first == last => format!("at {}", words::agents(first)),
        (1, last) => format!("up to {last} agents"),
        (first, last) => format!("from {first} to {last} agents"),
    }
}

/// `they do 1.4 times as many steps per second as processes at 32 agents`; the place is left out
/// where the clause before has just named it.
fn size(findings: &Findings<'_>, stretch: &Stretch<'_>, deployment: &str) -> Option<String> {
    let cell = stretch.cells.last()?;
    let ratio = cell.effect?.ratio;
    let (factor, other) = match deployment == findings.x {
        true => (ratio, findings.baseline),
        false => (1.0 / ratio, findings.x),
    };
    let times = words::times(factor);
    let at = match stretch.first() == stretch.last() {
        true => String::new(),
        false => format!(" at {}", words::agents(cell.agents)),
    };
    Some(format!(
        "they do {times} as many steps per second as {other}{at}"
    ))
}

fn memory(findings: &Findings<'_>, decides: bool) -> Option<String> {
    let (Some(baseline), Some(x)) = (findings.baseline_memory, findings.x_memory) else {
        return decides.then(|| "choose by memory and isolation".to_owned());
    };
    let (b, x) = (baseline.per_agent_bytes, x.per_agent_bytes);
    let difference = words::bytes(x.value - b.value);
    let (dearer, cheaper) = match x.value > b.value {
        true => (findings.x, findings.baseline),
        false => (findings.baseline, findings.x),
    };
    let overlap = x.low <= b.high && b.low <= x.high;
    Some(match (decides, overlap) {
        (true, false) => {
            format!("choose by memory ({cheaper} save {difference} per agent) and isolation")
        }
        (true, true) => {
            "choose by isolation (memory per agent does not differ measurably)".to_owned()
        }
        (false, false) => format!("{dearer} cost {difference} per agent more"),
        (false, true) => return None,
    })
}

/// Setup at the largest settled agent count, or the largest that has one.
fn setup(findings: &Findings<'_>, largest_settled: usize) -> Option<String> {
    let answer = findings
        .setup
        .iter()
        .find(|s| s.agents == largest_settled)
        .or_else(|| findings.setup.iter().max_by_key(|s| s.agents))?;
    let later_s = answer.x_s - answer.baseline_s;
    if later_s.is_nan() || later_s.abs() < SETUP_WORTH_SAYING_S {
        return None;
    }
    let slower = match later_s > 0.0 {
        true => findings.x,
        false => findings.baseline,
    };
    let catch_up = answer.break_even_s.map_or(String::new(), |s| {
        format!(
            " and have caught up {} after their start",
            words::duration(s)
        )
    });
    Some(format!(
        "{slower} start {} later at {}{catch_up}",
        words::duration(later_s.abs()),
        words::agents(answer.agents)
    ))
}

/// The share that messages take, at the largest agent count priced of each deployment and
/// transport; left out where the interval includes 0.
fn messages(findings: &Findings<'_>) -> Option<String> {
    let is_largest = |m: &MessageAnswer| {
        !findings.messages.iter().any(|other| {
            (&other.deployment, &other.transport) == (&m.deployment, &m.transport)
                && other.agents > m.agents
        })
    };
    let shares: Vec<String> = findings
        .messages
        .iter()
        .filter(|m| is_largest(m) && m.share_of_op.low > 0.0)
        .map(|m| {
            format!(
                "{:.0} % of the CPUs' time under {} ({}, {})",
                m.share_of_op.value * 100.0,
                m.deployment,
                m.transport,
                words::agents(m.agents)
            )
        })
        .collect();
    (!shares.is_empty()).then(|| format!("messages take {}", words::list(&shares)))
}

#[cfg(test)]
mod tests;
