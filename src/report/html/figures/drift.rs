//! Did the machine change while it was measured?

use super::super::block::{Figure, Key, Table, both};
use super::super::plot::{Range, Spread};
use super::super::svg::{Drawing, Form, Room};
use super::pairs::{Dot, dots, plane_of_run};
use crate::record::{Cell, Outcome, Run, Side};
use crate::report::numbers;
use crate::report::terminal::mark;
use crate::stats::median;

/// The plane holds at least this factor to either side of 1, and at most [`FARTHEST`].
const NEAREST: f64 = 1.05;
const FARTHEST: f64 = 4.0;

/// Parts of a run whose medians stand in the table: a quarter shows a trend, and has enough pairs.
const PARTS: usize = 4;

/// A value at a place in the order of a run.
struct Point {
    place: usize,
    /// So many times what is usual for its cell.
    factor: f64,
    side: Side,
    is_dropped: bool,
    says: String,
}

/// How the ratio of each pair of the run stands to the ratio of its cell.
pub fn of_ratios(run: &Run) -> Option<Figure> {
    let points = |(cell, dots): (&Cell, Vec<Dot<'_>>)| -> Vec<Point> {
        let Some(e) = &cell.effect else {
            return Vec::new();
        };
        let of = |dot: &Dot<'_>| {
            Some(Point {
                place: dot.place,
                factor: dot.ln_ratio?.exp() / e.ratio,
                side: dot.pair.first,
                is_dropped: dot.pair.dropped.is_some(),
                says: said(cell, dot),
            })
        };
        dots.iter().filter_map(of).collect()
    };
    let points: Vec<Point> = run.cells.iter().zip(dots(run)).flat_map(points).collect();
    figure(
        run,
        &points,
        Words {
            id: "drift-of-ratios",
            title: "ratios over the whole run",
            axis: "a pair's ratio / its cell's ratio",
            caption: "Every pair of the run, all cells and controls, from left to right as they ran. 1 is the \
                      ratio of the pair's own cell. A cloud that climbs, sinks or widens is a machine that \
                      changed for one side; dropped pairs are hollow.",
            discs: "baseline ran first",
            squares: "X ran first",
        },
    )
}

/// How the rate of each invocation stands to the median of its cell and side.
pub fn of_rates(run: &Run) -> Option<Figure> {
    let points = |(cell, dots): (&Cell, Vec<Dot<'_>>)| -> Vec<Point> {
        let rates = |side: Side| -> Vec<(usize, f64, bool, String)> {
            let of = |dot: &Dot<'_>| {
                let outcome = match side {
                    Side::Baseline => &dot.pair.baseline,
                    Side::X => &dot.pair.x,
                };
                let Outcome::Measured(sample) = outcome else {
                    return None;
                };
                let is_dropped = dot.pair.dropped.is_some();
                Some((dot.place, sample.ops_per_s(), is_dropped, said(cell, dot)))
            };
            dots.iter().filter_map(of).collect()
        };
        let mut found = Vec::new();
        for side in [Side::Baseline, Side::X] {
            let rates = rates(side);
            let kept: Vec<f64> = rates.iter().filter(|r| !r.2).map(|r| r.1).collect();
            let Some(usual) = median(&kept) else { continue };
            found.extend(
                rates
                    .into_iter()
                    .map(|(place, rate, is_dropped, says)| Point {
                        place,
                        factor: rate / usual,
                        side,
                        is_dropped,
                        says,
                    }),
            );
        }
        found
    };
    let points: Vec<Point> = run.cells.iter().zip(dots(run)).flat_map(points).collect();
    figure(
        run,
        &points,
        Words {
            id: "drift-of-rates",
            title: "speed of the machine over the whole run",
            axis: "op/s / median of the cell and side",
            caption: "Every invocation of the run, from left to right. Both sides sinking together is heat, \
                      boost or a neighbour: a pair is one moment, so ratios survive it; invocations that \
                      scatter widen the intervals.",
            discs: "baseline",
            squares: "X",
        },
    )
}

fn said(cell: &Cell, dot: &Dot<'_>) -> String {
    let dropped = dot.pair.dropped.as_ref();
    let dropped = dropped.map_or(String::new(), |d| format!(", dropped: {}", d.detail));
    format!(
        "{}, {} agents, pair {}{dropped}",
        cell.baseline.workload, cell.agents, dot.place
    )
}

struct Words {
    id: &'static str,
    title: &'static str,
    axis: &'static str,
    caption: &'static str,
    discs: &'static str,
    squares: &'static str,
}

fn figure(run: &Run, points: &[Point], words: Words) -> Option<Figure> {
    let pairs = run
        .plan
        .order
        .len()
        .max(points.iter().map(|p| p.place).max()?);
    let (wide, narrow) = both(|room| draw(points, pairs, words.axis, room))?;
    let rows = (0..PARTS).filter_map(|part| {
        let (from, to) = (part * pairs / PARTS, (part + 1) * pairs / PARTS);
        let inside = points.iter().filter(|p| p.place > from && p.place <= to);
        let kept: Vec<f64> = inside.filter(|p| !p.is_dropped).map(|p| p.factor).collect();
        let lowest = kept.iter().copied().min_by(f64::total_cmp)?;
        let highest = kept.iter().copied().max_by(f64::total_cmp)?;
        Some(vec![
            format!("{} to {to}", from + 1),
            kept.len().to_string(),
            format!("{:.3}", median(&kept)?),
            format!("{lowest:.3}"),
            format!("{highest:.3}"),
        ])
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let dropped = points.iter().filter(|p| p.is_dropped).count();
    let medians: Vec<String> = rows
        .iter()
        .map(|r| format!("pairs {} {}", r[0], r[2]))
        .collect();
    let mut key = vec![
        Key::of_mark("base mark", Form::Disc, words.discs),
        Key::of_mark("other mark", Form::Square, words.squares),
    ];
    if dropped > 0 {
        key.push(Key::of_mark("open mark", Form::Diamond, "dropped"));
    }
    let is_beyond = |p: &&Point| !(1.0 / FARTHEST..=FARTHEST).contains(&p.factor);
    let beyond = points.iter().filter(is_beyond).count();
    let edge = match beyond {
        0 => String::new(),
        _ => format!(" Beyond the plane, drawn at its edge: {beyond}."),
    };
    Some(Figure {
        id: words.id.to_owned(),
        title: format!("{}{}", words.title, mark(run)),
        caption: format!("{}{edge}", words.caption),
        alternative: format!(
            "{}; medians by quarter of the run: {}; {dropped} dropped.",
            words.axis,
            medians.join(", ")
        ),
        key,
        wide,
        narrow,
        data: Table::data(
            &format!("{}, by quarter of the run", words.axis),
            1,
            &["pairs", "points that count", "median", "lowest", "highest"],
            rows,
        ),
    })
}

fn draw(points: &[Point], pairs: usize, axis: &str, room: Room) -> Option<Drawing> {
    let away = |p: &Point| p.factor.max(1.0 / p.factor);
    let kept = points.iter().filter(|p| !p.is_dropped);
    let widest = kept.map(away).fold(NEAREST, f64::max).min(FARTHEST) * 1.04;
    let range = Range {
        spread: Spread::Factors,
        low: 1.0 / widest,
        high: widest,
    };
    let mut plane = plane_of_run(room, pairs, range, axis)?;
    plane.level("one", 1.0);
    for point in points {
        let (form, class) = match (point.is_dropped, point.side) {
            (true, _) => (Form::Diamond, "open mark"),
            (false, Side::Baseline) => (Form::Disc, "base mark"),
            (false, Side::X) => (Form::Square, "other mark"),
        };
        let says = format!("{}: {}", point.says, numbers::count(point.factor));
        let place = plane.point(point.place as f64, point.factor);
        plane.drawing.mark(class, form, place, 2.6, Some(says));
    }
    Some(plane.drawing)
}
