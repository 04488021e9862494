//! Do the pairs of a cell agree, and in which order did they run?

use super::super::block::{Figure, Key, Table, both};
use super::super::plot::{Axis, Plane, Range, Spread, plain};
use super::super::svg::{Anchor, Drawing, Form, Room, shortened};
use super::comparison_slug;
use crate::record::{Cell, Outcome, Pair, Run, Side};
use crate::report::numbers;
use crate::report::terminal::mark;
use crate::verdict::words;

/// One pair of a cell.
pub struct Dot<'a> {
    /// Its place in the order of the run, from 1.
    pub place: usize,
    /// ln(op/s of X / op/s of the baseline); `None` where a side was not measured.
    pub ln_ratio: Option<f64>,
    /// The pair.
    pub pair: &'a Pair,
}

/// The pairs of every cell of a run, by their place in the order in which they ran.
///
/// Where the record does not hold the whole order, pairs are in the order of rounds.
pub fn dots(run: &Run) -> Vec<Vec<Dot<'_>>> {
    let mut all: Vec<(u32, usize)> = Vec::new();
    for (cell, pairs) in run.cells.iter().map(|c| &c.pairs).enumerate() {
        all.extend(pairs.iter().map(|p| (p.round, cell)));
    }
    let ordered: Vec<(u32, usize)> = run.plan.order.iter().map(|o| (o.round, o.cell)).collect();
    let mut places = std::collections::HashMap::new();
    places.extend(ordered.iter().enumerate().map(|(at, key)| (*key, at + 1)));
    if !all.iter().all(|key| places.contains_key(key)) {
        all.sort_unstable();
        places = all
            .iter()
            .enumerate()
            .map(|(at, key)| (*key, at + 1))
            .collect();
    }
    let dot = |cell: usize, pair| {
        let pair: &Pair = pair;
        Dot {
            place: places[&(pair.round, cell)],
            ln_ratio: ln_ratio(pair),
            pair,
        }
    };
    let cells = run.cells.iter().enumerate();
    cells
        .map(|(at, cell)| cell.pairs.iter().map(|pair| dot(at, pair)).collect())
        .collect()
}

fn ln_ratio(pair: &Pair) -> Option<f64> {
    match (&pair.baseline, &pair.x) {
        (Outcome::Measured(b), Outcome::Measured(x)) => {
            let ratio = x.ops_per_s() / b.ops_per_s();
            (ratio > 0.0 && ratio.is_finite()).then(|| ratio.ln())
        }
        _ => None,
    }
}

/// A strip for each number of agents: ln(ratio) of every pair by its place in the order of the run.
pub fn figure(run: &Run, cells: &[&Cell]) -> Option<Figure> {
    let first = *cells.first()?;
    let all = dots(run);
    let of_cell = |cell: &Cell| {
        let at = run.cells.iter().position(|c| std::ptr::eq(c, cell))?;
        all.get(at)
    };
    let strips: Vec<(&Cell, &Vec<Dot<'_>>)> = cells
        .iter()
        .filter_map(|cell| Some((*cell, of_cell(cell)?)))
        .filter(|(_, dots)| !dots.is_empty())
        .collect();
    let (wide, narrow) = both(|room| draw(run, &strips, room))?;
    let rows: Vec<Vec<String>> = strips.iter().flat_map(rows).collect();
    let dropped = strips
        .iter()
        .flat_map(|s| s.1)
        .filter(|d| d.pair.dropped.is_some());
    let dropped = dropped.count();
    let count: usize = strips.iter().map(|s| s.1.len()).sum();
    let name = format!(
        "{}: {} against {}",
        first.baseline.workload, first.x, first.baseline
    );
    let mut key = vec![
        Key::of_mark(
            "base mark",
            Form::Disc,
            format!("{} ran first", first.baseline),
        ),
        Key::of_mark("other mark", Form::Square, format!("{} ran first", first.x)),
    ];
    if dropped > 0 {
        key.push(Key::of_mark(
            "open mark",
            Form::Diamond,
            "dropped, does not count",
        ));
    }
    key.push(Key::of_area("cell-interval", "interval of the cell"));
    key.push(Key::of_line("one", None, "ratio of the cell"));
    Some(Figure {
        id: format!("pairs-{}", comparison_slug(first)),
        title: format!("{name}, pair by pair{}", mark(run)),
        caption: "ln(ratio) of every pair, from left to right as they ran; all strips have the same scale \
                  (0.1 is about 10 %). A strip that leans has drifted; discs and squares that keep apart \
                  show an order effect, which the ratio is free of. Dropped pairs are hollow, with their \
                  cause in the table."
            .to_owned(),
        alternative: format!("{count} pairs of {name} in the order of the run, {dropped} of them dropped."),
        key,
        wide,
        narrow,
        data: Table::data(
            "pairs in the order of the run",
            1,
            &["agents", "place", "ran first", "ln(ratio)", "ratio", "dropped"],
            rows,
        ),
    })
}

fn rows((cell, dots): &(&Cell, &Vec<Dot<'_>>)) -> Vec<Vec<String>> {
    let number = |n: Option<f64>| n.map_or(numbers::NOTHING.to_owned(), |n| format!("{n:.3}"));
    dots.iter()
        .map(|dot| {
            vec![
                cell.agents.to_string(),
                dot.place.to_string(),
                cell.arm(dot.pair.first).deployment.clone(),
                number(dot.ln_ratio),
                number(dot.ln_ratio.map(f64::exp)),
                why_dropped(dot.pair),
            ]
        })
        .collect()
}

fn why_dropped(pair: &Pair) -> String {
    pair.dropped.as_ref().map_or_else(
        || numbers::NOTHING.to_owned(),
        |d| format!("{}: {}", d.cause, d.detail),
    )
}

/// Pixels of a strip.
const STRIP: f64 = 58.0;
const GAP: f64 = 24.0;

fn draw(run: &Run, strips: &[(&Cell, &Vec<Dot<'_>>)], room: Room) -> Option<Drawing> {
    let kept = |dots: &[Dot<'_>]| -> Vec<f64> {
        let kept = dots.iter().filter(|d| d.pair.dropped.is_none());
        kept.filter_map(|d| d.ln_ratio).collect()
    };
    // One scale for all strips, each about the ratio of its cell.
    let middle = |cell: &Cell, dots: &[Dot<'_>]| match &cell.effect {
        Some(e) => Some(e.ratio.ln()),
        None => crate::stats::median(&kept(dots)),
    };
    let farthest = strips
        .iter()
        .filter_map(|(cell, dots)| Some((middle(cell, dots)?, kept(dots))))
        .flat_map(|(middle, kept)| kept.into_iter().map(move |v| (v - middle).abs()))
        .fold(0.02, f64::max)
        * 1.15;
    let last = strips.iter().flat_map(|s| s.1).map(|d| d.place).max()?;
    let all = run.plan.order.len().max(last);
    let (left, right) = (62.0, room.width() - 20.0);
    let x = |place: usize| left + (place as f64 - 0.5) / all as f64 * (right - left);
    let height = strips.len() as f64 * (STRIP + GAP) + 34.0;
    let mut drawing = Drawing::new(room.width(), height);
    for (index, (cell, dots)) in strips.iter().enumerate() {
        let top = index as f64 * (STRIP + GAP) + 20.0;
        let bottom = top + STRIP;
        let ratio = cell
            .effect
            .as_ref()
            .map_or_else(String::new, |e| format!(", ratio {}", numbers::ratio(e)));
        let title = format!("{}{ratio}", words::agents(cell.agents));
        let title = shortened(&title, right - left + 10.0);
        drawing.text("title", Anchor::Start, (left, top - 6.0), title);
        drawing.rectangle("strip", (left, top), (right, bottom));
        let Some(middle) = middle(cell, dots) else {
            continue;
        };
        let y = |v: f64| {
            let place = (v - middle + farthest) / (2.0 * farthest);
            bottom - place.clamp(0.0, 1.0) * STRIP
        };
        if let Some(e) = &cell.effect {
            drawing.rectangle(
                "cell-interval",
                (left, y(e.high.ln())),
                (right, y(e.low.ln())),
            );
            drawing.line("one", &[(left, y(middle)), (right, y(middle))]);
        }
        for v in [middle + farthest, middle, middle - farthest] {
            let label = format!("{v:+.2}");
            drawing.text("tick", Anchor::End, (left - 5.0, y(v) + 4.0), label);
        }
        for dot in *dots {
            let at = (x(dot.place), dot.ln_ratio.map_or(bottom, y));
            let (form, class) = match (&dot.pair.dropped, dot.pair.first) {
                (Some(_), _) => (Form::Diamond, "open mark"),
                (None, Side::Baseline) => (Form::Disc, "base mark"),
                (None, Side::X) => (Form::Square, "other mark"),
            };
            let says = match (&dot.pair.dropped, dot.ln_ratio) {
                (Some(_), _) => format!("dropped, {}", why_dropped(dot.pair)),
                (None, Some(v)) => format!("pair {}: ratio {:.3}", dot.place, v.exp()),
                (None, None) => format!("pair {}", dot.place),
            };
            drawing.mark(class, form, at, 3.6, Some(says));
        }
    }
    let title = format!("order of the run, 1 to {all}");
    drawing.text("title", Anchor::End, (right, height - 8.0), title);
    drawing.text("title", Anchor::Start, (6.0, height - 8.0), "ln(ratio)");
    Some(drawing)
}

/// The plane on which the pairs of a whole run lie by their place; `None` without a pair.
pub fn plane_of_run(room: Room, pairs: usize, range: Range, title: &str) -> Option<Plane> {
    let along = Range {
        spread: Spread::Even,
        low: 0.5,
        high: pairs as f64 + 0.5,
    };
    let x = Axis {
        range: along,
        ticks: plain(along.ticks(6))
            .into_iter()
            .filter(|t| t.0 >= 1.0)
            .collect(),
        title: "place in the order of the run".to_owned(),
    };
    let y = Axis {
        range,
        ticks: plain(range.ticks(5)),
        title: title.to_owned(),
    };
    (pairs > 0).then(|| Plane::new(room, room.pick(180.0, 170.0), &x, &y))
}
