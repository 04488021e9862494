//! How long after its planned start is a step done, with how many agents?

use super::super::block::{Figure, Key, Table, both};
use super::super::plot::{Axis, Plane, Range, Spread, agents};
use super::super::svg::{Drawing, Form, Room};
use super::{classes, form, slug};
use crate::record::{Estimate, Run, Side};
use crate::report::numbers;
use crate::report::terminal::mark;
use crate::study::latency::{LatencyAnswer, LatencyOf, LatencySide};
use crate::verdict::words;

/// Pixels between the points of the two sides.
const ASIDE: f64 = 5.0;
/// Pixels from a point to the cross above it.
const ABOVE: f64 = 13.0;

/// Median and 99th percentile of both sides against the number of agents.
pub fn figure(run: &Run, answer: &LatencyOf) -> Option<Figure> {
    let (x, baseline) = (&answer.x, &answer.baseline);
    let (wide, narrow) = both(|room| draw(&answer.answers, room))?;
    let said: Vec<String> = answer
        .answers
        .iter()
        .map(|l| {
            let of = |name: &str, side: &LatencySide| {
                let tail = side.p99_ns.map_or("unknown".to_owned(), words::time);
                let behind = match side.fell_behind {
                    0 => String::new(),
                    n => format!(", behind in {n} of {}", l.pairs),
                };
                format!(
                    "{name} p50 {}, p99 {tail}{behind}",
                    words::time(side.p50_ns)
                )
            };
            format!(
                "{} agents: {}; {}",
                l.agents,
                of(baseline, &l.baseline),
                of(x, &l.x)
            )
        })
        .collect();
    Some(Figure {
        id: slug(&["latency", &answer.workload, x, baseline]),
        title: format!("p50 and p99 of {}{}", answer.workload, mark(run)),
        caption: "From the planned start of a step to its end, geometric means over pairs, by factors. Filled: half of \
                  the steps are done by then. Hollow: 99 % are. A cross: invocations fell behind their plan, so \
                  the points below it would be higher in a longer window."
            .to_owned(),
        alternative: format!("Latency by number of agents. {}.", said.join(". ")),
        key: key(answer),
        wide,
        narrow,
        data: data(answer),
    })
}

fn key(answer: &LatencyOf) -> Vec<Key> {
    let of = |side, name: &str| {
        let (filled, line) = classes(side);
        [
            Key::of_line(line, Some((filled, form(side))), format!("{name}, p50")),
            Key::of_line(
                line,
                Some((hollow(side), form(side))),
                format!("{name}, p99"),
            ),
        ]
    };
    let mut keys = of(Side::Baseline, &answer.baseline).to_vec();
    keys.extend(of(Side::X, &answer.x));
    let has_fallen = |l: &LatencyAnswer| l.baseline.fell_behind + l.x.fell_behind > 0;
    if answer.answers.iter().any(has_fallen) {
        keys.push(Key::of_mark("fault mark", Form::Cross, "fell behind"));
    }
    keys
}

fn data(answer: &LatencyOf) -> Table {
    let (baseline, x) = (&answer.baseline, &answer.x);
    let header = [
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
    let ratio = |e: &Option<Estimate>| {
        e.map_or_else(
            || numbers::NOTHING.to_owned(),
            |e| format!("{:.2} [{:.2}, {:.2}]", e.value, e.low, e.high),
        )
    };
    let row = |l: &LatencyAnswer| {
        let of = |side: &LatencySide| {
            [
                words::time(side.p50_ns),
                side.p99_ns
                    .map_or_else(|| numbers::NOTHING.to_owned(), words::time),
                format!("{} of {}", side.fell_behind, l.pairs),
            ]
        };
        let mut row = vec![l.agents.to_string()];
        row.extend(of(&l.baseline));
        row.extend(of(&l.x));
        row.extend([ratio(&l.p50), ratio(&l.p99)]);
        row
    };
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = answer.answers.iter().map(row).collect();
    Table::data("latency by number of agents", 1, &header, rows)
}

/// The class of a side's points that are not filled.
fn hollow(side: Side) -> &'static str {
    match side {
        Side::Baseline => "base hollow",
        Side::X => "other hollow",
    }
}

fn draw(latency: &[LatencyAnswer], room: Room) -> Option<Drawing> {
    let sides = latency.iter().flat_map(|l| [&l.baseline, &l.x]);
    let values = sides.flat_map(|s| [Some(s.p50_ns), s.p99_ns]).flatten();
    // Room for a cross above the highest point.
    let range = Range::of(Spread::Factors, values, 0.12)?;
    let counts: Vec<usize> = latency.iter().map(|l| l.agents).collect();
    let x = agents(&counts)?;
    let ticks = range.ticks(5).into_iter();
    let y = Axis {
        range,
        ticks: ticks.map(|ns| (ns, tick(ns))).collect(),
        title: "after the planned start".to_owned(),
    };
    let mut plane = Plane::new(room, room.pick(230.0, 210.0), &x, &y);
    for side in [Side::Baseline, Side::X] {
        let (filled, line) = classes(side);
        let aside = if side == Side::X { ASIDE } else { -ASIDE };
        let own = |l: &LatencyAnswer| match side {
            Side::Baseline => l.baseline,
            Side::X => l.x,
        };
        let place = |l: &LatencyAnswer, ns: f64| {
            let (left, top) = plane.point(l.agents as f64, ns);
            (left + aside, top)
        };
        let half: Vec<(f64, f64)> = latency.iter().map(|l| place(l, own(l).p50_ns)).collect();
        let tail: Vec<Option<(f64, f64)>> = latency
            .iter()
            .map(|l| own(l).p99_ns.map(|ns| place(l, ns)))
            .collect();
        let drawing = &mut plane.drawing;
        drawing.line(line, &half);
        let known: Vec<(f64, f64)> = tail.iter().copied().flatten().collect();
        drawing.line(line, &known);
        for (at, l) in latency.iter().enumerate() {
            drawing.mark(filled, form(side), half[at], 4.5, None);
            if let Some(place) = tail[at] {
                drawing.mark(hollow(side), form(side), place, 4.5, None);
            }
            let fell_behind = own(l).fell_behind;
            if fell_behind > 0 {
                let (left, top) = tail[at].unwrap_or(half[at]);
                let says = format!("{fell_behind} of {} invocations fell behind", l.pairs);
                let above = (left, top - ABOVE);
                drawing.mark("fault mark", Form::Cross, above, 4.5, Some(says));
            }
        }
    }
    Some(plane.drawing)
}

/// A round time at an axis: `50 µs`, `1.5 ms`.
fn tick(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 999.5e3 => (ns / 1e3, "µs"),
        ns if ns < 999.5e6 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    format!("{} {unit}", numbers::trimmed(format!("{value:.2}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_have_the_unit_that_keeps_them_short() {
        assert_eq!(tick(500.0), "0.5 µs");
        assert_eq!(tick(50e3), "50 µs");
        assert_eq!(tick(1.5e6), "1.5 ms");
        assert_eq!(tick(2e9), "2 s");
    }
}
