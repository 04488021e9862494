//! How fast, and what does an op cost, per agent count?

use super::{mark, pairs, transport, within};
use crate::metric::{FOR_P99, Metric};
use crate::record::{
    Cause, Cell, Failure, Outcome, Pair, Role, Run, Sample, Verdict, Weight, WorkloadRecord,
};
use crate::report::layout::{Grid, Last, Page, Tone};
use crate::report::numbers;
use crate::stats::median;
use crate::study::{Study, relay::Relay};
use crate::verdict::{BUSY_LABEL, is_beyond_reach, words};

/// Cells that differ in nothing but the number of agents, ascending.
pub struct Comparison<'a>(pub Vec<&'a Cell>);

impl<'a> Comparison<'a> {
    /// Every comparison of agents, in the order of the record.
    pub fn all(run: &'a Run) -> Vec<Self> {
        let key = |c: &'a Cell| (&c.baseline, &c.x);
        let mut found: Vec<Self> = Vec::new();
        // What only explains, and relays, have tables of their own.
        let is_relay = |w: &WorkloadRecord| Relay.claims(w);
        let is_asked = |c: &&Cell| {
            c.is_comparison()
                && c.weight == Weight::Headline
                && !run.workload(&c.baseline.workload).is_some_and(is_relay)
        };
        for cell in run.cells.iter().filter(is_asked) {
            match found.iter_mut().find(|other| key(other.0[0]) == key(cell)) {
                Some(comparison) => comparison.0.push(cell),
                None => found.push(Self(vec![cell])),
            }
        }
        for comparison in &mut found {
            comparison.0.sort_by_key(|cell| cell.agents);
        }
        found
    }
}

pub fn write(run: &Run, page: &mut Page) {
    if_nothing(run, page);
    for comparison in &Comparison::all(run) {
        write_one(run, comparison, page);
    }
}

/// One comparison, with what its ops cost.
pub fn write_one(run: &Run, comparison: &Comparison<'_>, page: &mut Page) {
    rate(comparison, run, page);
    page.blank();
    let about = "what an op costs: service time and CPU time, medians; compare within a row: in \
                 another one, agents that talk live in other worlds";
    page.paragraph(2, Tone::Quiet, about);
    page.grid(&cost_of_an_op(comparison));
    if comparison.0.iter().any(|cell| has_no_p99(cell)) {
        let needed = format!(
            "{}: fewer than {FOR_P99} ops of an invocation were timed",
            numbers::NOTHING
        );
        page.paragraph(2, Tone::Quiet, &needed);
    }
    for note in dropped(comparison.0.iter().copied()) {
        page.paragraph(2, Tone::Caution, &note);
    }
}

/// The same without what an op costs.
pub fn brief(run: &Run, page: &mut Page) {
    if_nothing(run, page);
    for comparison in &Comparison::all(run) {
        rate(comparison, run, page);
        for note in dropped(comparison.0.iter().copied()) {
            page.paragraph(2, Tone::Caution, &note);
        }
    }
}

fn if_nothing(run: &Run, page: &mut Page) {
    let is_asked = |c: &Cell| c.role == Role::Question && c.weight != Weight::Supporting;
    if !run.cells.iter().any(is_asked) {
        page.blank();
        page.paragraph(0, Tone::Caution, "no comparison was measured");
    }
}

/// How fast both sides are, and what moved meanwhile.
fn rate(comparison: &Comparison<'_>, run: &Run, page: &mut Page) {
    let cell = comparison.0[0];
    let title = format!(
        "{}: {} against {}{}",
        cell.baseline.workload,
        cell.x,
        cell.baseline,
        mark(run)
    );
    page.heading(&title, &carried(cell));
    page.grid(&throughput(comparison, run.busy.is_some()));
    within::steadiness(&comparison.0, page);
    within::order(&comparison.0, page);
}

fn carried(cell: &Cell) -> String {
    if cell.baseline.transport == "none" && cell.x.transport == "none" {
        return "no messages".to_owned();
    }
    format!(
        "transport and wait policy: {} ({}), {} ({})",
        cell.baseline,
        transport(&cell.baseline.transport),
        cell.x,
        transport(&cell.x.transport)
    )
}

fn throughput(comparison: &Comparison<'_>, is_busy: bool) -> Grid {
    let Cell { baseline, x, .. } = comparison.0[0];
    Grid {
        left: 0,
        header: vec![
            "agents".to_owned(),
            format!("{baseline}\nop/s"),
            format!("{x}\nop/s"),
            format!("{x} / {baseline}\n95 % interval"),
            "pairs".to_owned(),
            "verdict".to_owned(),
        ],
        rows: comparison
            .0
            .iter()
            .map(|cell| {
                let rates = rates(cell);
                vec![
                    cell.agents.to_string(),
                    rates.0.map_or(nothing(), numbers::count),
                    rates.1.map_or(nothing(), numbers::count),
                    cell.effect.as_ref().map_or(nothing(), numbers::ratio),
                    pairs(cell.kept().count(), cell.pairs.len()),
                    format!("{}{}", verdict(cell, is_busy), within::mark(cell)),
                ]
            })
            .collect(),
        last: Last::Text(tone),
    }
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

/// The verdict in words; what would settle an open cell only where that is more than it has had, and no more than
/// a sensible run gives.
/// On a busy machine the label says what would: the noise of others is no measure of pairs.
pub fn verdict(cell: &Cell, is_busy: bool) -> String {
    let said = match &cell.verdict {
        Verdict::Ahead { deployment } => deployment.clone(),
        Verdict::Tie => "tie".to_owned(),
        Verdict::NotMeasured { reason } => format!("not measured: {reason}"),
        Verdict::Inconclusive => match cell.effect {
            Some(e) if is_beyond_reach(e.pairs_needed) && !is_busy => {
                "inconclusive (too noisy to settle)".to_owned()
            }
            Some(e) if e.pairs_needed > e.pairs && !is_busy => {
                format!("inconclusive (needs about {} pairs)", e.pairs_needed)
            }
            _ => "inconclusive".to_owned(),
        },
    };
    match is_busy {
        true => format!("{said} ({BUSY_LABEL})"),
        false => said,
    }
}

pub fn tone(verdict: &str) -> Tone {
    match verdict {
        v if v.contains('·') => Tone::Caution,
        v if v.starts_with("tie") => Tone::Calm,
        v if v.starts_with("inconclusive") || v.starts_with("not measured") => Tone::Caution,
        _ => Tone::Strong,
    }
}

fn cost_of_an_op(comparison: &Comparison<'_>) -> Grid {
    let Cell { baseline, x, .. } = comparison.0[0];
    Grid {
        left: 0,
        header: vec![
            "agents".to_owned(),
            format!("{baseline}\nservice time\np50 / p99 µs"),
            format!("{x}\nservice time\np50 / p99 µs"),
            format!("{baseline}\nCPU µs/op"),
            format!("{x}\nCPU µs/op"),
        ],
        rows: comparison
            .0
            .iter()
            .map(|cell| {
                let p50 = medians(cell, |s| {
                    s.get(Metric::SERVICE_P50_NS)
                        .filter(|_| s.value(Metric::SERVICE_TIMED_OPS) > 0.0)
                });
                let p99 = medians(cell, p99_ns);
                let cpu = medians(cell, |s| s.get(Metric::CPU_PER_OP_NS));
                vec![
                    cell.agents.to_string(),
                    format!("{} / {}", micros(p50.0), micros(p99.0)),
                    format!("{} / {}", micros(p50.1), micros(p99.1)),
                    micros(cpu.0),
                    micros(cpu.1),
                ]
            })
            .collect(),
        last: Last::Numbers,
    }
}

pub fn p99_ns(sample: &Sample) -> Option<f64> {
    Metric::SERVICE_P99_NS
        .value(sample)
        .and(sample.get(Metric::SERVICE_P99_NS))
}

fn has_no_p99(cell: &Cell) -> bool {
    let p99 = medians(cell, p99_ns);
    cell.kept().next().is_some() && (p99.0.is_none() || p99.1.is_none())
}

/// Medians of both sides over the kept pairs; a sample without the metric is left out.
pub fn medians(cell: &Cell, metric: impl Fn(&Sample) -> Option<f64>) -> (Option<f64>, Option<f64>) {
    let baseline: Vec<f64> = cell.kept().filter_map(|(_, b, _)| metric(b)).collect();
    let x: Vec<f64> = cell.kept().filter_map(|(_, _, x)| metric(x)).collect();
    (median(&baseline), median(&x))
}

fn micros(ns: Option<f64>) -> String {
    ns.map_or(nothing(), numbers::micros)
}

fn nothing() -> String {
    numbers::NOTHING.to_owned()
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
