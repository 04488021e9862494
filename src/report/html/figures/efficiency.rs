//! How much of the CPUs do more agents use?

use super::super::block::{Figure, Key, Table, both};
use super::super::plot::{Axis, Plane, Range, agents};
use super::super::svg::{Drawing, Room};
use super::{classes, comparison_slug, form};
use crate::record::{Cell, Run, Side};
use crate::report::numbers;
use crate::report::terminal::{head, mark};
use crate::study::scaling::{self, ScalingAnswer, ScalingOf};

/// Efficiency of both sides at each number of agents above 1.
struct Curve {
    side: Side,
    points: Vec<(usize, f64)>,
}

/// Op/s for each CPU that agents can use, as a share of what one agent does, against the number of
/// agents; `None` where one agent was not measured, or nothing else.
pub fn figure(run: &Run, cells: &[&Cell]) -> Option<Figure> {
    let first = *cells.first()?;
    let is_own = |a: &&ScalingOf| {
        (&a.workload, &a.baseline, &a.x)
            == (
                &first.baseline.workload,
                &first.baseline.deployment,
                &first.x.deployment,
            )
    };
    let found: Vec<ScalingOf> = run.finding(scaling::NAME)?;
    let scaling = &found.iter().find(is_own)?.sides;
    let curves =
        [Side::Baseline, Side::X].map(|side| curve(scaling, side, &first.arm(side).deployment));
    if curves.iter().all(|c| c.points.len() < 2) {
        return None;
    }
    let (wide, narrow) = both(|room| draw(&curves, room))?;
    let at = |curve: &Curve, n: usize| {
        let found = curve.points.iter().find(|(agents, _)| *agents == n);
        found.map_or(numbers::NOTHING.to_owned(), |(_, e)| {
            format!("{:.0} %", e * 100.0)
        })
    };
    let rows: Vec<Vec<String>> = cells
        .iter()
        .map(|c| c.agents)
        .map(|n| vec![n.to_string(), at(&curves[0], n), at(&curves[1], n)])
        .collect();
    let (x, baseline) = (&first.x.deployment, &first.baseline.deployment);
    let said: Vec<String> = rows
        .iter()
        .map(|r| format!("{} agents {} and {}", r[0], r[1], r[2]))
        .collect();
    let line = |side, text: &str| {
        let (point, line) = classes(side);
        Key::of_line(line, Some((point, form(side))), text)
    };
    let cpus = run.machine.cpus_effective;
    Some(Figure {
        id: format!("efficiency-{}", comparison_slug(first)),
        title: format!("scaling efficiency{}", mark(run)),
        caption: format!(
            "op/s with n agents / (op/s of one agent × the smaller of n and {} effective CPUs), from medians \
             over invocations, without an interval. 100 % is a CPU for each agent, fully used, until CPUs \
             run out.",
            head::cpus(cpus)
        ),
        alternative: format!(
            "Scaling efficiency of {baseline} and {x}: {}.",
            said.join("; ")
        ),
        key: vec![
            line(Side::Baseline, baseline),
            line(Side::X, x),
            Key::of_line("one", None, "100 %"),
        ],
        wide,
        narrow,
        data: Table::data("scaling efficiency", 1, &["agents", baseline, x], rows),
    })
}

fn curve(scaling: &[ScalingAnswer], side: Side, deployment: &str) -> Curve {
    let own = scaling.iter().find(|s| s.deployment == deployment);
    let points = own.iter().flat_map(|s| &s.points);
    Curve {
        side,
        points: points
            .filter_map(|p| Some((p.agents, p.efficiency?)))
            .collect(),
    }
}

fn draw(curves: &[Curve], room: Room) -> Option<Drawing> {
    let all = curves.iter().flat_map(|c| &c.points);
    let counts: Vec<usize> = all.clone().map(|(n, _)| *n).collect();
    let range = Range::from_zero(all.map(|(_, share)| *share).chain([1.0]))?;
    let x = agents(&counts)?;
    let ticks = range.ticks(5).into_iter();
    let y = Axis {
        range,
        ticks: ticks.map(|v| (v, format!("{:.0} %", v * 100.0))).collect(),
        title: "share of one agent's op/s, for each CPU".to_owned(),
    };
    let mut plane = Plane::new(room, room.pick(180.0, 170.0), &x, &y);
    plane.level("one", 1.0);
    for curve in curves {
        let (point, line) = classes(curve.side);
        let of = |(n, share): &(usize, f64)| plane.point(*n as f64, *share);
        let places: Vec<(f64, f64)> = curve.points.iter().map(of).collect();
        plane.drawing.line(line, &places);
        for place in places {
            plane
                .drawing
                .mark(point, form(curve.side), place, 4.0, None);
        }
    }
    Some(plane.drawing)
}
