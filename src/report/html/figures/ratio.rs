//! From how many agents on does the answer change?

use super::super::block::{Figure, Key, Table, both};
use super::super::plot::{Axis, Plane, Range, Spread, agents, plain};
use super::super::svg::{Drawing, Form, Room};
use super::comparison_slug;
use crate::record::{Cell, Run, Verdict};
use crate::report::numbers;
use crate::report::terminal::cells;
use crate::report::terminal::mark;

/// Intervals are drawn no further than this factor beyond the outermost ratios: one cell that is all
/// noise must not press all others flat.
pub const REACH: f64 = 2.5;

/// The ratio of one comparison against the number of agents, with margin and intervals.
pub fn figure(run: &Run, cells: &[&Cell]) -> Option<Figure> {
    let first = *cells.first()?;
    let (x, baseline) = (&first.x.deployment, &first.baseline.deployment);
    let (wide, narrow) = both(|room| draw(run, cells, room))?;
    let margin = numbers::percent(run.margin);
    let data = cells.iter().map(|cell| {
        let number = |of: fn(&crate::record::Effect) -> f64| {
            let effect = cell.effect.as_ref();
            effect.map_or_else(|| numbers::NOTHING.to_owned(), |e| format!("{:.3}", of(e)))
        };
        vec![
            cell.agents.to_string(),
            number(|e| e.ratio),
            number(|e| e.low),
            number(|e| e.high),
            cells::verdict(cell, run.busy.is_some()),
        ]
    });
    let said: Vec<String> = cells
        .iter()
        .map(|cell| {
            let ratio = cell
                .effect
                .as_ref()
                .map_or("no ratio".to_owned(), numbers::ratio);
            format!("{} agents {ratio}", cell.agents)
        })
        .collect();
    Some(Figure {
        id: format!("ratio-{}", comparison_slug(first)),
        title: format!("{x} / {baseline}, op/s{}", mark(run)),
        caption: format!(
            "Ratio of op/s with its 95 % interval. Above 1, {x} do more; below, {baseline}. The band is \
             the margin of ± {margin} %: an interval inside is a tie, one wholly outside has a side \
             ahead, any other is inconclusive."
        ),
        alternative: format!("{x} / {baseline} by number of agents: {}.", said.join("; ")),
        key: key(cells, baseline, x),
        wide,
        narrow,
        data: Table::data(
            "ratio by number of agents",
            1,
            &["agents", "ratio", "low", "high", "verdict"],
            data.collect(),
        ),
    })
}

/// Form and class of a verdict: forms alone tell them apart.
fn look(cell: &Cell) -> (Form, &'static str) {
    match &cell.verdict {
        Verdict::Ahead { deployment } if *deployment == cell.x.label => (Form::Up, "other mark"),
        Verdict::Ahead { .. } => (Form::Down, "base mark"),
        Verdict::Tie => (Form::Diamond, "tie mark"),
        Verdict::Inconclusive => (Form::Disc, "open mark"),
        Verdict::NotMeasured { .. } => (Form::Cross, "open mark"),
    }
}

fn key(cells: &[&Cell], baseline: &str, x: &str) -> Vec<Key> {
    let text = |cell: &Cell| match &cell.verdict {
        Verdict::Ahead { deployment } if deployment == x => format!("{x} ahead"),
        Verdict::Ahead { .. } => format!("{baseline} ahead"),
        Verdict::Tie => "tie".to_owned(),
        Verdict::Inconclusive => "inconclusive".to_owned(),
        Verdict::NotMeasured { .. } => "not measured".to_owned(),
    };
    let mut found: Vec<Key> = Vec::new();
    for cell in cells {
        let text = text(cell);
        if !found.iter().any(|k| k.text == text) {
            let (form, class) = look(cell);
            found.push(Key::of_mark(class, form, text));
        }
    }
    found.push(Key::of_area("margin", "margin"));
    found
}

fn draw(run: &Run, cells: &[&Cell], room: Room) -> Option<Drawing> {
    let effects: Vec<_> = cells.iter().filter_map(|c| c.effect.as_ref()).collect();
    let inner = effects.iter().map(|e| e.ratio).chain([1.0]);
    let inner = Range::of(Spread::Factors, inner, 0.0)?;
    let limits = match effects.is_empty() {
        true => (0.5, 2.0),
        // Of a single ratio that is 1 the range has been widened already.
        false => (inner.low / REACH, inner.high * REACH),
    };
    let margin = [1.0 + run.margin, 1.0 / (1.0 + run.margin)];
    let ends = effects.iter().flat_map(|e| [e.low, e.high]);
    let ends = ends.chain(margin).map(|v| v.clamp(limits.0, limits.1));
    let range = Range::of(Spread::Factors, ends, 0.08)?;
    let counts: Vec<usize> = cells.iter().map(|c| c.agents).collect();
    let x = agents(&counts)?;
    let y = Axis {
        range,
        ticks: plain(range.ticks(6)),
        title: "ratio".to_owned(),
    };
    let mut plane = Plane::new(room, room.pick(250.0, 220.0), &x, &y);
    plane.band("margin", margin[1], margin[0]);
    plane.level("one", 1.0);
    let drawn: Vec<(f64, f64)> = cells
        .iter()
        .filter_map(|c| Some(plane.point(c.agents as f64, c.effect.as_ref()?.ratio)))
        .collect();
    plane.drawing.line("thread", &drawn);
    for cell in cells {
        let (form, class) = look(cell);
        let n = cell.agents as f64;
        let Some(e) = &cell.effect else {
            let place = plane.point(n, 1.0);
            plane.drawing.mark(class, form, place, 5.0, None);
            continue;
        };
        interval(&mut plane, n, e.low, e.high);
        let says = format!("{} agents: {}", cell.agents, numbers::ratio(e));
        let place = plane.point(n, e.ratio);
        plane.drawing.mark(class, form, place, 5.5, Some(says));
    }
    Some(plane.drawing)
}

/// A vertical interval: closed by a bar where it ends on the plane, open where it goes on.
pub fn interval(plane: &mut Plane, n: f64, low: f64, high: f64) {
    let (below, above) = (plane.point(n, low), plane.point(n, high));
    plane.drawing.line("interval", &[below, above]);
    for (end, (x, y)) in [(low, below), (high, above)] {
        match plane.beyond(end) {
            0 => plane
                .drawing
                .line("interval", &[(x - 5.0, y), (x + 5.0, y)]),
            side => {
                let back = f64::from(side) * 6.0;
                let tip = [(x - 4.0, y + back), (x, y), (x + 4.0, y + back)];
                plane.drawing.line("interval", &tip);
            }
        }
    }
}
