//! How long after its planned start is a step done?

use super::{LatencyAnswer, LatencyFinding, LatencyOf, LatencySide, NAME};
use crate::document::chart::{
    Axis, Chart, Fill, Form, Height, Ink, Join, Key, Lines, Look, Mark, Picture, Point, Series,
    Size, Spread, Unit,
};
use crate::document::{Document, Table, numbers, slug};
use crate::record::{Estimate, Run, Side, WorkloadRecord};
use crate::study::alike::{or_nothing, percentile};
use crate::study::owner_of;
use crate::verdict::words;

/// Pixels between the points of the two sides.
const ASIDE: f64 = 5.0;
/// Pixels from a point to the cross above it.
const ABOVE: f64 = 13.0;

pub fn show(run: &Run, out: &mut Document) {
    let LatencyFinding { comparisons, .. } = run.finding(NAME).unwrap_or_default();
    let last = comparisons.len().saturating_sub(1);
    for (at, of) in comparisons.iter().enumerate() {
        let LatencyOf {
            workload,
            x,
            baseline,
            ..
        } = of;
        let title = format!("latency of {workload}, {x} against {baseline}");
        let section = out.section("latency", title);
        section.about(
            "from the planned start of a step to its end; load: what was planned / what the slower deployment does",
        );
        section.chart(Some(against_agents(of))).table(table(of));
        if at == last {
            section.quiet(HOW);
        }
    }
    // Whoever asks for latency itself has a sentence of its own for it.
    let is_asked_for = |w: &WorkloadRecord| owner_of(w).entry().asks_latency;
    let of_agents = |of: &LatencyOf| !run.workload(&of.workload).is_some_and(is_asked_for);
    let all = comparisons.into_iter().filter(of_agents);
    for answer in all.flat_map(|of| of.answers) {
        out.answer("latency", answer.sentence);
    }
}

const HOW: &str = "Geometric means over pairs, of which the ratio is the quotient. The plan waits for nobody, so who begins \
                   late is charged for it. Workers sleep until the next planned start: their wake-up is part of it, in \
                   every deployment alike. Steps of agents that talk are planned together, those of others are spread \
                   evenly. An invocation that fell behind did not keep up: its latency grew for as long as it lasted.";

fn table(of: &LatencyOf) -> Table {
    let titles = [
        "agents",
        "deployment",
        "planned\nop/s",
        "load\n%",
        "p50 / p99 / p99.9",
        "fell\nbehind",
        "ratio of p99",
    ];
    Table::new(2, titles).rows(of.answers.iter().flat_map(|l| rows(of, l)))
}

/// A line for each side; the ratio stands beside the side that it is of.
fn rows(of: &LatencyOf, latency: &LatencyAnswer) -> [[String; 7]; 2] {
    let line = |form: &str, of: &LatencySide, ratio: String| {
        [
            latency.agents.to_string(),
            form.to_owned(),
            numbers::count(latency.planned_per_s),
            or_nothing(latency.load, |l| format!("{:.0}", l * 100.0)),
            side(of),
            behind(of, latency),
            ratio,
        ]
    };
    [
        line(&of.baseline, &latency.baseline, String::new()),
        line(&of.x, &latency.x, ratio(latency.p99)),
    ]
}

fn behind(side: &LatencySide, latency: &LatencyAnswer) -> String {
    format!("{} of {}", side.fell_behind, latency.pairs)
}

/// `45.0 µs / 1.20 ms / –`.
fn side(side: &LatencySide) -> String {
    let all = [Some(side.p50_ns), side.p99_ns, side.p999_ns];
    all.map(percentile).join(" / ")
}

fn ratio(estimate: Option<Estimate>) -> String {
    or_nothing(estimate, |e| {
        format!("{:.2} [{:.2}, {:.2}]", e.value, e.low, e.high)
    })
}

/// Median and 99th percentile of both sides against the number of agents.
fn against_agents(of: &LatencyOf) -> Chart {
    let (x, baseline) = (&of.x, &of.baseline);
    let y = Axis::new(
        "after the planned start",
        Spread::Factors,
        Unit::Nanoseconds,
    );
    let mut lines = Lines::new(
        Height::Tall,
        Axis::agents(of.answers.iter().map(|l| l.agents)),
        y,
    );
    let mut key = Vec::new();
    for (side, name, aside) in [(Side::Baseline, baseline, -ASIDE), (Side::X, x, ASIDE)] {
        let own = |l: &LatencyAnswer| match side {
            Side::Baseline => l.baseline,
            Side::X => l.x,
        };
        let (full, hollow) = (Look::of(side), Look::of(side).filled(Fill::Hollow));
        let point =
            |l: &LatencyAnswer, ns, look| Point::new((l.agents as f64, ns), look, Size::Usual);
        let half = of
            .answers
            .iter()
            .map(|l| point(l, own(l).p50_ns, full))
            .collect();
        let tail = of
            .answers
            .iter()
            .filter_map(|l| Some(point(l, own(l).p99_ns?, hollow)))
            .collect();
        let late = of
            .answers
            .iter()
            .filter(|l| own(l).fell_behind > 0)
            .map(|l| {
                let highest = own(l).p99_ns.unwrap_or(own(l).p50_ns);
                let said = format!("{} invocations fell behind", behind(&own(l), l));
                let cross = point(l, highest, Look::new(Ink::Fault, Form::Cross)).says(said);
                Point {
                    above: ABOVE,
                    ..cross
                }
            });
        let late = Series::new(late.collect());
        for points in [half, tail] {
            let series = Series::new(points).joined(Join::Side(side));
            lines.series.push(series.aside(aside));
        }
        lines.series.push(late.aside(aside));
        key.push(Key::new(Mark::Line(full), format!("{name}, p50")));
        key.push(Key::new(Mark::Line(hollow), format!("{name}, p99")));
    }
    let has_fallen = |l: &LatencyAnswer| l.baseline.fell_behind + l.x.fell_behind > 0;
    if of.answers.iter().any(has_fallen) {
        key.push(Key::point(
            Look::new(Ink::Fault, Form::Cross),
            "fell behind",
        ));
    }
    let titles = [
        "agents".to_owned(),
        format!("{baseline} p50"),
        format!("{baseline} p99"),
        format!("{baseline} fell behind"),
        format!("{x} p50"),
        format!("{x} p99"),
        format!("{x} fell behind"),
        "ratio of p50".to_owned(),
        "ratio of p99".to_owned(),
    ];
    let row = |l: &LatencyAnswer| {
        let mut row = vec![l.agents.to_string()];
        for side in [&l.baseline, &l.x] {
            row.extend([
                percentile(Some(side.p50_ns)),
                percentile(side.p99_ns),
                behind(side, l),
            ]);
        }
        row.extend([ratio(l.p50), ratio(l.p99)]);
        row
    };
    Chart {
        id: slug(&["latency", &of.workload, x, baseline]),
        title: format!("p50 and p99 of {}", of.workload),
        caption: "From the planned start of a step to its end, geometric means over pairs, by factors. Filled: half of the \
                  steps are done by then. Hollow: 99 % are. A cross: invocations fell behind their plan, so the points \
                  below it would be higher in a longer window."
            .to_owned(),
        alternative: format!("Latency by number of agents. {}.", in_words(of)),
        key,
        picture: Picture::Lines(vec![lines]),
        label: "latency by number of agents".to_owned(),
        data: Table::new(1, titles).rows(of.answers.iter().map(row)),
    }
}

fn in_words(of: &LatencyOf) -> String {
    let said = of.answers.iter().map(|l| {
        let one = |name: &str, side: &LatencySide| {
            let tail = side.p99_ns.map_or("unknown".to_owned(), words::time);
            let late = match side.fell_behind {
                0 => String::new(),
                _ => format!(", behind in {}", behind(side, l)),
            };
            format!("{name} p50 {}, p99 {tail}{late}", words::time(side.p50_ns))
        };
        let (baseline, x) = (one(&of.baseline, &l.baseline), one(&of.x, &l.x));
        format!("{} agents: {baseline}; {x}", l.agents)
    });
    said.collect::<Vec<_>>().join(". ")
}
