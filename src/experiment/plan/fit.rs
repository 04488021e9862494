//! What is left out when there is no room for all, and in which order?

use super::{PlanError, PlannedCell, PlannedSide, PlannedWorkload, SMALL_KNOWN_EFFECT};
use crate::record::{Purpose, WorkloadKind};
use crate::transport::Choice;

/// Leaves out cells until `pairs` pairs of each fit `seconds`; returns what was left out, in words.
///
/// What goes first: the small known effect beside a comparison, long windows, latency between the ends, prices of messages at all but one agent
/// count, hops by their rank, probes beside agents, then agent counts from the middle (the ends carry the slopes and the headline). The other
/// controls and two agent counts stay.
///
/// # Errors
/// [`PlanError::NoRoom`] when even that is too much.
pub fn fit(
    cells: &mut Vec<PlannedCell>,
    workloads: &[PlannedWorkload],
    pairs: usize,
    seconds: f64,
) -> Result<Vec<String>, PlanError> {
    let left_out = shrink(cells, workloads, pairs, seconds, Ends::Stay);
    let needed_s = needed_s(cells, pairs);
    if needed_s > seconds {
        return Err(PlanError::NoRoom {
            budget_s: seconds,
            cells: cells.len(),
            needed_s: needed_s.ceil(),
            option: "--time",
        });
    }
    Ok(left_out)
}

/// What becomes of the smallest and the largest agent count when there is no room for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// They stay, whether they fit or not.
    Stay,
    /// They go, too, the one that takes longest first; one comparison stays: an answer to less is
    /// better than no answer to all.
    MayGo,
}

/// Like [`fit`], for a run that is under way: leaves out what it may, whether that is enough or not.
pub fn shrink(
    cells: &mut Vec<PlannedCell>,
    workloads: &[PlannedWorkload],
    pairs: usize,
    seconds: f64,
    ends: Ends,
) -> Vec<String> {
    let mut left_out = Vec::new();
    while needed_s(cells, pairs) > seconds {
        let of_ends = || (ends == Ends::MayGo).then(|| next_end(cells)).flatten();
        let Some(victim) = next_victim(cells, workloads).or_else(of_ends) else {
            break;
        };
        let is_victim = |c: &PlannedCell| match victim {
            Victim::SmallKnownEffect => is_small_known_effect(c),
            Victim::LongWindows => c.purpose == Purpose::LongWindow,
            Victim::Probe(workload) => is_compared(c) && c.workload == workload,
            Victim::Ranked(rank) => is_ranked(c) && c.rank == rank,
            Victim::Messages { agents, by } => is_price(c, agents, by),
            Victim::Latency(n) => c.purpose == Purpose::Latency && c.agents == n,
            Victim::Agents(n) => is_compared(c) && c.agents == n,
            Victim::End { workload, agents } => {
                is_compared(c) && (c.workload, c.agents) == (workload, agents)
            }
        };
        left_out.extend(
            cells
                .iter()
                .filter(|c| is_victim(c))
                .map(|c| c.label(workloads)),
        );
        cells.retain(|c| !is_victim(c));
    }
    left_out
}

/// What so many pairs of each cell take, seconds.
pub(super) fn needed_s(cells: &[PlannedCell], pairs: usize) -> f64 {
    pairs as f64 * cells.iter().map(|c| c.pair_s).sum::<f64>()
}

enum Victim {
    SmallKnownEffect,
    LongWindows,
    Probe(usize),
    Ranked(usize),
    Latency(usize),
    /// Prices at an agent count by one transport, or by the native ones.
    Messages {
        agents: usize,
        by: Option<&'static str>,
    },
    Agents(usize),
    End {
        workload: usize,
        agents: usize,
    },
}

fn is_ranked(cell: &PlannedCell) -> bool {
    matches!(cell.purpose, Purpose::Hop | Purpose::Variant)
}

/// A comparison, or its twin on an open schedule: one does not go without the other.
fn is_compared(cell: &PlannedCell) -> bool {
    matches!(cell.purpose, Purpose::Compare | Purpose::Latency)
}

fn is_small_known_effect(cell: &PlannedCell) -> bool {
    cell.x.uncounted_every == Some(SMALL_KNOWN_EFFECT)
}

fn next_victim(cells: &[PlannedCell], workloads: &[PlannedWorkload]) -> Option<Victim> {
    let counts = |purpose: Purpose| {
        let mut all: Vec<usize> = cells
            .iter()
            .filter(|c| c.purpose == purpose)
            .map(|c| c.agents)
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let compared = counts(Purpose::Compare);
    if !compared.is_empty() && cells.iter().any(is_small_known_effect) {
        return Some(Victim::SmallKnownEffect);
    }
    if cells.iter().any(|c| c.purpose == Purpose::LongWindow) {
        return Some(Victim::LongWindows);
    }
    let paced = counts(Purpose::Latency);
    if paced.len() > 2 {
        return Some(Victim::Latency(paced[paced.len() / 2]));
    }
    let priced = counts(Purpose::MessageCost);
    if priced.len() > 1 {
        return priced.last().map(|&n| next_price(cells, n));
    }
    let ranked = cells.iter().filter(|c| is_ranked(c));
    if let Some(rank) = ranked.map(|c| c.rank).max().filter(|&r| r > 0) {
        return Some(Victim::Ranked(rank));
    }
    // Beside agents, probes only explain.
    let is_probe = |c: &&PlannedCell| workloads[c.workload].kind == WorkloadKind::Probe;
    let is_beside_agents = cells.iter().any(|c| is_compared(c) && !is_probe(&c));
    if let Some(probe) = cells
        .iter()
        .filter(is_probe)
        .map(|c| c.workload)
        .max()
        .filter(|_| is_beside_agents)
    {
        return Some(Victim::Probe(probe));
    }
    if compared.len() > 2 {
        return Some(Victim::Agents(compared[compared.len() / 2]));
    }
    priced.first().map(|&n| next_price(cells, n))
}

/// The price to go at an agent count: one transport at a time, so that a few are known rather than none,
/// and what a comparison takes last.
fn next_price(cells: &[PlannedCell], agents: usize) -> Victim {
    let mut priced = cells
        .iter()
        .rev()
        .filter(|c| c.purpose == Purpose::MessageCost && c.agents == agents);
    let by = priced.find_map(|c| not_native(&c.x));
    Victim::Messages { agents, by }
}

fn is_price(cell: &PlannedCell, agents: usize, by: Option<&str>) -> bool {
    cell.purpose == Purpose::MessageCost && cell.agents == agents && not_native(&cell.x) == by
}

/// The transport of a side, where it is not what its deployment has of its own.
pub(super) fn not_native(side: &PlannedSide) -> Option<&'static str> {
    let home = side.form.kind.home();
    let entry = side.transport.of(home);
    (entry != Choice::Native.of(home)).then_some(entry.name)
}

/// The next end to go, the one that takes longest: so most comparisons stay. None when one is left.
fn next_end(cells: &[PlannedCell]) -> Option<Victim> {
    let mut ends: Vec<((usize, usize), f64)> = Vec::new();
    for cell in cells.iter().filter(|c| is_compared(c)) {
        let key = (cell.workload, cell.agents);
        match ends.iter_mut().find(|(k, _)| *k == key) {
            Some((_, pairs_s)) => *pairs_s += cell.pair_s,
            None => ends.push((key, cell.pair_s)),
        }
    }
    let longest = ends.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let &((workload, agents), _) = longest.filter(|_| ends.len() > 1)?;
    Some(Victim::End { workload, agents })
}
