//! How many op/s does each side do?

use super::super::block::{Figure, Key, Table, both};
use super::super::plot::{Axis, Plane, Range, agents};
use super::super::svg::{Drawing, Room};
use super::{classes, comparison_slug, form};
use crate::record::{Cell, Run, Sample, Side};
use crate::report::numbers;
use crate::report::terminal::{cells, mark};

/// Op/s of both sides against the number of agents.
pub fn figure(run: &Run, cells: &[&Cell]) -> Option<Figure> {
    let first = *cells.first()?;
    let (x, baseline) = (&first.x.deployment, &first.baseline.deployment);
    let (wide, narrow) = both(|room| draw(cells, room))?;
    let row = |cell: &&Cell| {
        let (b, x) = cells::rates(cell);
        let number = |n: Option<f64>| n.map_or(numbers::NOTHING.to_owned(), numbers::count);
        vec![cell.agents.to_string(), number(b), number(x)]
    };
    let rows: Vec<Vec<String>> = cells.iter().map(row).collect();
    let said: Vec<String> = rows
        .iter()
        .map(|r| format!("{} agents {} and {}", r[0], r[1], r[2]))
        .collect();
    let line = |side, text: &str| {
        let (point, line) = classes(side);
        Key::of_line(line, Some((point, form(side))), text)
    };
    Some(Figure {
        id: format!("rates-{}", comparison_slug(first)),
        title: format!("op/s of both sides{}", mark(run)),
        caption: "Lines: geometric means over the pairs that count, all agents together. Small points: \
                  every invocation. Compare the sides at one number of agents; along a line, agents \
                  that talk live in other worlds."
            .to_owned(),
        alternative: format!("op/s of {baseline} and {x}: {}.", said.join("; ")),
        key: vec![line(Side::Baseline, baseline), line(Side::X, x)],
        wide,
        narrow,
        data: Table::data(
            "op/s by number of agents",
            1,
            &["agents", &format!("{baseline} op/s"), &format!("{x} op/s")],
            rows,
        ),
    })
}

fn draw(cells: &[&Cell], room: Room) -> Option<Drawing> {
    let all = cells.iter().flat_map(|c| c.kept());
    let all = all.flat_map(|(_, b, x)| [b.ops_per_s(), x.ops_per_s()]);
    let range = Range::from_zero(all)?;
    let counts: Vec<usize> = cells.iter().map(|c| c.agents).collect();
    let x = agents(&counts)?;
    let ticks = range.ticks(5).into_iter();
    let y = Axis {
        range,
        ticks: ticks.map(|v| (v, numbers::count(v))).collect(),
        title: "op/s".to_owned(),
    };
    let mut plane = Plane::new(room, room.pick(230.0, 200.0), &x, &y);
    for side in [Side::Baseline, Side::X] {
        let of = |pair: (&Sample, &Sample)| match side {
            Side::Baseline => pair.0.ops_per_s(),
            Side::X => pair.1.ops_per_s(),
        };
        let (point, line) = classes(side);
        // A little apart, so that neither hides the other.
        let aside = if side == Side::X { 4.0 } else { -4.0 };
        let mut means = Vec::new();
        for cell in cells {
            let n = cell.agents as f64;
            for (_, b, x) in cell.kept() {
                let (left, top) = plane.point(n, of((b, x)));
                let class = if side == Side::X {
                    "other faint"
                } else {
                    "base faint"
                };
                plane
                    .drawing
                    .mark(class, form(side), (left + aside, top), 2.2, None);
            }
            let (b, x) = cells::rates(cell);
            let mean = if side == Side::X { x } else { b };
            means.extend(mean.map(|mean| plane.point(n, mean)));
        }
        plane.drawing.line(line, &means);
        for place in means {
            plane.drawing.mark(point, form(side), place, 4.0, None);
        }
    }
    Some(plane.drawing)
}
