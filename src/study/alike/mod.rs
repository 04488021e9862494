//! What do several studies say alike, and what moved while it was measured?

pub mod machine;
pub mod within;

use crate::document::numbers;
use crate::document::{Cell as Entry, Status, Tone};
use crate::record::{Cause, Cell, Effect, Estimate, Failure, Outcome, Pair, Run, Sample, Verdict};
use crate::stats::median;
use crate::transport;
use crate::verdict::{is_beyond_reach, words};

/// A number as it is written, or a dash where there is none.
pub fn or_nothing<T>(value: Option<T>, write: impl Fn(T) -> String) -> String {
    value.map_or_else(|| numbers::NOTHING.to_owned(), write)
}

/// A transport with its wait policy, without which its numbers say nothing: `ipc, park`.
pub fn transport(name: &str) -> String {
    match transport::find(name) {
        Some(entry) => format!("{name}, {}", entry.wait.name()),
        None => name.to_owned(),
    }
}

/// `6`, or `5 of 6` where pairs were dropped.
pub fn pairs(kept: usize, run: usize) -> String {
    match kept == run {
        true => run.to_string(),
        false => format!("{kept} of {run}"),
    }
}

/// `45.0 µs`.
pub fn percentile(ns: Option<f64>) -> String {
    or_nothing(ns, words::time)
}

/// A ratio with its interval.
pub fn estimate(effect: &Effect) -> Estimate {
    Estimate {
        value: effect.ratio,
        low: effect.low,
        high: effect.high,
    }
}

/// What a run says of everything in it.
pub fn statuses(run: &Run) -> Vec<Status> {
    let withheld = run.withheld.as_ref().map(|_| Status::Withheld);
    busy(run).into_iter().chain(withheld).collect()
}

/// Whether the machine was busy.
pub fn busy(run: &Run) -> Option<Status> {
    run.busy.as_ref().map(|_| Status::Busy)
}

/// Geometric means of both sides: with all pairs balanced their quotient is the ratio beside them.
pub fn rates(cell: &Cell) -> (Option<f64>, Option<f64>) {
    let n = cell.kept().count() as f64;
    let logs = cell
        .kept()
        .fold((0.0, 0.0), |(b, x), (_, baseline, other)| {
            (b + baseline.ops_per_s().ln(), x + other.ops_per_s().ln())
        });
    let mean = |sum: f64| (n > 0.0).then(|| (sum / n).exp());
    (mean(logs.0), mean(logs.1))
}

/// The verdict of a cell; what would settle an open one only where that is more than it has had, and no more than
/// a sensible run gives.
/// On a busy machine the status says what would: the noise of others is no measure of pairs.
pub fn verdict(run: &Run, cell: &Cell) -> Entry {
    let is_busy = run.busy.is_some();
    let more = match (&cell.verdict, cell.effect) {
        (Verdict::NotMeasured { reason }, _) => format!(": {reason}"),
        (Verdict::Inconclusive, Some(e)) if is_beyond_reach(e.pairs_needed) && !is_busy => {
            " (too noisy to settle)".to_owned()
        }
        (Verdict::Inconclusive, Some(e)) if e.pairs_needed > e.pairs && !is_busy => {
            format!(" (needs about {} pairs)", e.pairs_needed)
        }
        _ => String::new(),
    };
    let mut said = short_verdict(run, cell);
    said.text.push_str(&more);
    said
}

/// The verdict of a cell in a word or two.
pub fn short_verdict(run: &Run, cell: &Cell) -> Entry {
    let (said, tone) = in_words(&cell.verdict);
    let moved: Vec<Status> = within::states(cell).map(Status::Other).collect();
    Entry {
        text: said.to_owned(),
        tone: if moved.is_empty() {
            tone
        } else {
            Tone::Caution
        },
        statuses: busy(run).into_iter().chain(moved).collect(),
    }
}

/// A verdict, and its weight.
pub fn in_words(verdict: &Verdict) -> (&str, Tone) {
    match verdict {
        Verdict::Ahead { deployment } => (deployment, Tone::Strong),
        Verdict::Tie => ("tie", Tone::Calm),
        Verdict::Inconclusive => ("inconclusive", Tone::Caution),
        Verdict::NotMeasured { .. } => ("not measured", Tone::Caution),
    }
}

/// Medians of both sides over the kept pairs; a sample without the metric is left out.
pub fn medians(cell: &Cell, metric: impl Fn(&Sample) -> Option<f64>) -> (Option<f64>, Option<f64>) {
    let baseline: Vec<f64> = cell.kept().filter_map(|(_, b, _)| metric(b)).collect();
    let x: Vec<f64> = cell.kept().filter_map(|(_, _, x)| metric(x)).collect();
    (median(&baseline), median(&x))
}

/// One line per cause for which pairs of these cells do not count: how many, where, and the first.
pub fn dropped<'a>(cells: impl IntoIterator<Item = &'a Cell>) -> Vec<String> {
    struct Seen {
        cause: Cause,
        pairs: usize,
        agents: Vec<usize>,
        first: String,
    }
    let mut causes: Vec<Seen> = Vec::new();
    for cell in cells {
        for pair in &cell.pairs {
            let Some(dropped) = &pair.dropped else {
                continue;
            };
            let at = causes.iter().position(|seen| seen.cause == dropped.cause);
            let at = at.unwrap_or_else(|| {
                let first = failure(cell, pair).unwrap_or_else(|| dropped.detail.clone());
                causes.push(Seen {
                    cause: dropped.cause,
                    pairs: 0,
                    agents: Vec::new(),
                    first,
                });
                causes.len() - 1
            });
            causes[at].pairs += 1;
            if !causes[at].agents.contains(&cell.agents) {
                causes[at].agents.push(cell.agents);
            }
        }
    }
    let line = |seen: Seen| {
        let (pairs, first) = if seen.pairs == 1 {
            ("pair", "")
        } else {
            ("pairs", "the first: ")
        };
        let counts: Vec<String> = seen.agents.iter().map(ToString::to_string).collect();
        let whose = if counts == ["1"] { "agent" } else { "agents" };
        let counts = words::list(&counts);
        format!(
            "{} {pairs} dropped ({}) at {counts} {whose}: {first}{}",
            seen.pairs, seen.cause, seen.first
        )
    };
    causes.into_iter().map(line).collect()
}

/// Who failed in a pair, and why.
fn failure(cell: &Cell, pair: &Pair) -> Option<String> {
    let failed = |deployment: &str, outcome: &Outcome| match outcome {
        Outcome::Failed(failure) => Some(failed(deployment, failure)),
        Outcome::Measured(_) => None,
    };
    failed(&cell.baseline.deployment, &pair.baseline)
        .or_else(|| failed(&cell.x.deployment, &pair.x))
}

/// `processes failed in setup (agent 5, SIGKILL): …`
fn failed(deployment: &str, failure: &Failure) -> String {
    let details: Vec<String> = failure
        .agent
        .map(|agent| format!("agent {agent}"))
        .into_iter()
        .chain(failure.signal.clone())
        .collect();
    let who = match details.is_empty() {
        true => String::new(),
        false => format!(" ({})", details.join(", ")),
    };
    format!(
        "{deployment} failed in {}{who}: {}",
        failure.phase, failure.message
    )
}
