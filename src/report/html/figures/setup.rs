//! How long does each side take to start?

use super::super::block::{Figure, Key, Table, both};
use super::super::plot::{Axis, Plane, Range, Spread, agents};
use super::super::svg::{Drawing, Room};
use super::{classes, form, slug};
use crate::record::{Answer, Run, SetupAnswer, Side};
use crate::report::numbers;
use crate::report::terminal::mark;

/// Setup time of both sides against the number of agents.
pub fn figure(run: &Run, answer: &Answer) -> Option<Figure> {
    let (x, baseline) = (&answer.x, &answer.baseline);
    let (wide, narrow) = both(|room| draw(&answer.setup, room))?;
    let row = |s: &SetupAnswer| {
        vec![
            s.agents.to_string(),
            numbers::seconds(s.baseline_s),
            numbers::seconds(s.x_s),
        ]
    };
    let rows: Vec<Vec<String>> = answer.setup.iter().map(row).collect();
    let said: Vec<String> = rows
        .iter()
        .map(|r| format!("{} agents {} and {}", r[0], r[1], r[2]))
        .collect();
    let line = |side, text: &str| {
        let (point, line) = classes(side);
        Key::of_line(line, Some((point, form(side))), text)
    };
    Some(Figure {
        id: format!("setup-{}", slug(&[&answer.workload, x, baseline])),
        title: format!("{}: setup time against agents{}", answer.workload, mark(run)),
        caption: "First spawn call until all agents are ready, medians over the pairs that count; both axes \
                  by factors. Not part of op/s."
            .to_owned(),
        alternative: format!("Setup time of {baseline} and {x}: {}.", said.join("; ")),
        key: vec![line(Side::Baseline, baseline), line(Side::X, x)],
        wide,
        narrow,
        data: Table::data("setup time by number of agents", 1, &["agents", baseline, x], rows),
    })
}

fn draw(setup: &[SetupAnswer], room: Room) -> Option<Drawing> {
    let counts: Vec<usize> = setup.iter().map(|s| s.agents).collect();
    let x = agents(&counts)?;
    let all = setup.iter().flat_map(|s| [s.baseline_s, s.x_s]);
    let range = Range::of(Spread::Factors, all, 0.08)?;
    let ticks = range.ticks(5).into_iter();
    let y = Axis {
        range,
        ticks: ticks.map(|v| (v, numbers::seconds(v))).collect(),
        title: "setup time".to_owned(),
    };
    let mut plane = Plane::new(room, room.pick(180.0, 170.0), &x, &y);
    for side in [Side::Baseline, Side::X] {
        let (point, line) = classes(side);
        let seconds = |s: &SetupAnswer| if side == Side::X { s.x_s } else { s.baseline_s };
        let of = |s: &SetupAnswer| plane.point(s.agents as f64, seconds(s));
        let places: Vec<(f64, f64)> = setup.iter().map(of).collect();
        plane.drawing.line(line, &places);
        for place in places {
            plane.drawing.mark(point, form(side), place, 4.0, None);
        }
    }
    Some(plane.drawing)
}
