//! How long after its planned start is a step done?

use super::mark;
use crate::record::{Estimate, Run, WorkloadRecord};
use crate::report::layout::{Grid, Last, Page, Tone};
use crate::report::numbers;
use crate::study::latency::{LatencyAnswer, LatencyFinding, LatencyOf, LatencySide, NAME};
use crate::study::{Study, relay::Relay};
use crate::verdict::words;

/// Every workload under every two deployments.
pub fn all(run: &Run) -> Vec<LatencyOf> {
    let found: LatencyFinding = run.finding(NAME).unwrap_or_default();
    found.comparisons
}

pub fn write(run: &Run, page: &mut Page) {
    let answers = all(run);
    if answers.is_empty() {
        return;
    }
    for answer in &answers {
        let title = format!(
            "latency of {}, {} against {}{}",
            answer.workload,
            answer.x,
            answer.baseline,
            mark(run)
        );
        page.heading(
            &title,
            "from the planned start of a step to its end; load: what was planned / what the slower deployment does",
        );
        page.grid(&table(answer));
    }
    let about = "Geometric means over pairs, of which the ratio is the quotient. The plan waits for nobody, so who begins late is charged for it. Workers sleep until the \
                 next planned start: their wake-up is part of it, in every deployment alike. Steps of agents that talk \
                 are planned together, those of others are spread evenly. An invocation that fell behind did \
                 not keep up: its latency grew for as long as it lasted.";
    page.paragraph(2, Tone::Quiet, about);
}

fn table(answer: &LatencyOf) -> Grid {
    let header = [
        "agents",
        "deployment",
        "planned\nop/s",
        "load\n%",
        "p50 / p99 / p99.9",
        "fell\nbehind",
        "ratio of p99",
    ];
    Grid {
        left: 2,
        header: header.map(str::to_owned).to_vec(),
        rows: answer
            .answers
            .iter()
            .flat_map(|l| rows(answer, l))
            .collect(),
        last: Last::Numbers,
    }
}

/// A line for each side; the ratio stands beside the side that it is of.
fn rows(answer: &LatencyOf, latency: &LatencyAnswer) -> [Vec<String>; 2] {
    let line = |form: &str, of: &LatencySide, ratio: String| {
        vec![
            latency.agents.to_string(),
            form.to_owned(),
            numbers::count(latency.planned_per_s),
            latency.load.map_or_else(
                || numbers::NOTHING.to_owned(),
                |l| format!("{:.0}", l * 100.0),
            ),
            side(of),
            format!("{} of {}", of.fell_behind, latency.pairs),
            ratio,
        ]
    };
    [
        line(&answer.baseline, &latency.baseline, String::new()),
        line(&answer.x, &latency.x, ratio(latency.p99.as_ref())),
    ]
}

/// `45.0 µs / 1.20 ms / –`.
fn side(side: &LatencySide) -> String {
    [Some(side.p50_ns), side.p99_ns, side.p999_ns]
        .map(percentile)
        .join(" / ")
}

/// `45.0 µs / 1.20 ms`, with a star where invocations did not keep up.
pub fn short(side: &LatencySide) -> String {
    let star = if side.fell_behind > 0 { "*" } else { "" };
    let both = [Some(side.p50_ns), side.p99_ns].map(percentile);
    format!("{}{star}", both.join(" / "))
}

fn percentile(ns: Option<f64>) -> String {
    ns.map_or_else(|| numbers::NOTHING.to_owned(), words::time)
}

fn ratio(estimate: Option<&Estimate>) -> String {
    estimate.map_or_else(
        || numbers::NOTHING.to_owned(),
        |e| format!("{:.2} [{:.2}, {:.2}]", e.value, e.low, e.high),
    )
}

/// A sentence for each agent count of each comparison of agents; relays have sentences of their own.
pub fn sentences(run: &Run) -> Vec<String> {
    let is_relay = |w: &WorkloadRecord| Relay.claims(w);
    let of_agents = |of: &LatencyOf| !run.workload(&of.workload).is_some_and(is_relay);
    let all = all(run).into_iter().filter(of_agents);
    all.flat_map(|of| of.answers).map(|l| l.sentence).collect()
}
