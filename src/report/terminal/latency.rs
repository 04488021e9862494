//! How long after its planned start is a step done?

use super::{cells, mark};
use crate::record::latency::{LatencyAnswer, LatencySide};
use crate::record::{Answer, Estimate, Run};
use crate::report::layout::{Grid, Last, Page, Tone};
use crate::report::numbers;
use crate::verdict::words;

pub fn write(run: &Run, page: &mut Page) {
    let answers: Vec<&Answer> = run
        .answers
        .iter()
        .filter(|a| !a.latency.is_empty())
        .collect();
    if answers.is_empty() {
        return;
    }
    let title = format!("latency{}", mark(run));
    page.heading(
        &title,
        "from the planned start of a step to its end, at 70 % of what the slower deployment does; median over pairs",
    );
    page.grid(&table(&answers));
    let about = "The plan waits for nobody, so who begins late is charged for it. Workers sleep until the next planned \
                 start: their wake-up is part of it, in every deployment alike. Steps of agents that talk are planned \
                 together, those of others are spread evenly.";
    page.paragraph(2, Tone::Quiet, about);
}

fn table(answers: &[&Answer]) -> Grid {
    let header = [
        "workload",
        "agents",
        "planned\nop/s",
        "deployment",
        "p50 / p99 / p99.9",
        "ratio of p50",
        "ratio of p99",
    ];
    Grid {
        left: 1,
        header: header.map(str::to_owned).to_vec(),
        rows: answers
            .iter()
            .flat_map(|a| a.latency.iter().flat_map(|l| rows(a, l)))
            .collect(),
        last: Last::Numbers,
    }
}

/// A line for each side; the ratio stands beside the side that it is of.
fn rows(answer: &Answer, latency: &LatencyAnswer) -> [Vec<String>; 2] {
    let line = |form: &str, of: &LatencySide, ratios: [String; 2]| {
        let mut line = vec![
            answer.workload.clone(),
            latency.agents.to_string(),
            numbers::count(latency.planned_per_s),
            form.to_owned(),
            side(of),
        ];
        line.extend(ratios);
        line
    };
    let none = [String::new(), String::new()];
    let ratios = [latency.p50.as_ref(), latency.p99.as_ref()].map(ratio);
    [
        line(&answer.baseline, &latency.baseline, none),
        line(&answer.x, &latency.x, ratios),
    ]
}

/// `45 µs / 1.2 ms / –`, with a mark where invocations did not keep up.
pub fn side(side: &LatencySide) -> String {
    let part = |ns: Option<f64>| ns.map_or_else(|| numbers::NOTHING.to_owned(), words::time);
    let late = match side.fell_behind {
        0 => String::new(),
        n => format!(" ({n} fell behind)"),
    };
    format!(
        "{} / {} / {}{late}",
        part(Some(side.p50_ns)),
        part(side.p99_ns),
        part(side.p999_ns)
    )
}

fn ratio(estimate: Option<&Estimate>) -> String {
    estimate.map_or_else(
        || numbers::NOTHING.to_owned(),
        |e| format!("{:.2} [{:.2}, {:.2}]", e.value, e.low, e.high),
    )
}

/// A sentence for each agent count of each comparison of agents; relays have sentences of their own.
pub fn sentences(run: &Run) -> Vec<String> {
    let is_of_agents = |a: &&Answer| cells::kind_of(run, &a.workload).is_agents();
    let all = run.answers.iter().filter(is_of_agents);
    all.flat_map(|a| &a.latency)
        .map(|l| l.sentence.clone())
        .collect()
}
