//! What did single pairs say, in the order of the run?

use crate::document::chart::{
    Axis, Chart, Form, Height, Ink, Key, Lines, Look, Mark, Picture, Point, Series, Size, Spread,
    Unit,
};
use crate::document::{Detail, Document, Table, numbers, slug};
use crate::record::{Cell, Outcome, Pair, Run, Side, Weight};
use crate::stats::median;
use crate::study::alike::or_nothing;
use crate::verdict::words;

/// A plane of the whole run holds at least this factor to either side of 1, and at most [`FARTHEST`].
const NEAREST: f64 = 1.05;
const FARTHEST: f64 = 4.0;

/// Parts of a run whose medians stand in the table: a quarter shows a trend, and has enough pairs.
const PARTS: usize = 4;

pub fn show(run: &Run, out: &mut Document) {
    let section = out.section("pairs", "pairs over time");
    section
        .about("what intervals are made of, in the order in which it was measured")
        .detail(Detail::Page)
        .chart(of_ratios(run))
        .chart(of_rates(run));
    let dots = dots(run);
    let mut compared: Vec<Vec<(&Cell, &Vec<Dot<'_>>)>> = Vec::new();
    let is_asked = |c: &Cell| c.is_comparison() && c.weight == Weight::Headline;
    for (cell, dots) in run.cells.iter().zip(&dots) {
        if !is_asked(cell) || dots.is_empty() {
            continue;
        }
        let is_like = |of: &Cell| (&of.baseline, &of.x) == (&cell.baseline, &cell.x);
        match compared.iter_mut().find(|all| is_like(all[0].0)) {
            Some(all) => all.push((cell, dots)),
            None => compared.push(vec![(cell, dots)]),
        }
    }
    for strips in &mut compared {
        strips.sort_by_key(|(cell, _)| cell.agents);
        section.chart(pair_by_pair(run, strips));
    }
}

/// One pair of a cell.
struct Dot<'a> {
    /// Its place in the order of the run, from 1.
    place: usize,
    /// ln(op/s of X / op/s of the baseline); `None` where a side was not measured.
    ln_ratio: Option<f64>,
    /// The pair.
    pair: &'a Pair,
}

/// The pairs of every cell of a run, by their place in the order in which they ran.
///
/// Where the record does not hold the whole order, pairs are in the order of rounds.
fn dots(run: &Run) -> Vec<Vec<Dot<'_>>> {
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

/// How a pair looks: by who ran first, and whether it counts.
fn look(pair: &Pair, side: Side) -> Look {
    match pair.dropped {
        Some(_) => Look::new(Ink::Open, Form::Diamond),
        None => Look::of(side),
    }
}

/// From the first pair of the run to its last.
fn along(pairs: usize) -> Axis {
    let axis = Axis::new("place in the order of the run", Spread::Even, Unit::Plain);
    axis.within(0.5, pairs as f64 + 0.5)
}

/// How many pairs a run has; at least as many as there are places.
fn length(run: &Run, places: impl Iterator<Item = usize>) -> Option<usize> {
    Some(run.plan.order.len().max(places.max()?))
}

/// A strip for each number of agents: the ratio of every pair by its place in the order of the run.
fn pair_by_pair(run: &Run, strips: &[(&Cell, &Vec<Dot<'_>>)]) -> Option<Chart> {
    let first = strips.first()?.0;
    let kept = |dots: &[Dot<'_>]| -> Vec<f64> {
        let kept = dots.iter().filter(|d| d.pair.dropped.is_none());
        kept.filter_map(|d| d.ln_ratio).collect()
    };
    // One scale for all strips, each about the ratio of its cell.
    let middle = |cell: &Cell, dots: &[Dot<'_>]| match &cell.effect {
        Some(e) => Some(e.ratio.ln()),
        None => median(&kept(dots)),
    };
    let farthest = strips
        .iter()
        .filter_map(|(cell, dots)| Some((middle(cell, dots)?, kept(dots))))
        .flat_map(|(middle, kept)| kept.into_iter().map(move |v| (v - middle).abs()))
        .fold(0.02, f64::max)
        * 1.15;
    let all = length(run, strips.iter().flat_map(|s| s.1).map(|d| d.place))?;
    let plane = |(cell, dots): &(&Cell, &Vec<Dot<'_>>)| {
        let middle = middle(cell, dots).unwrap_or(0.0);
        let mut y = Axis::new("ln(ratio)", Spread::Even, Unit::Plain)
            .within(middle - farthest, middle + farthest);
        y.ticks = [-farthest, 0.0, farthest]
            .map(|d| (middle + d, format!("{:+.2}", middle + d)))
            .to_vec();
        let mut lines = Lines::new(Height::Strip, along(all), y);
        let ratio = cell.effect.as_ref();
        let ratio = ratio.map_or_else(String::new, |e| format!(", ratio {}", numbers::ratio(e)));
        lines.title = format!("{}{ratio}", words::agents(cell.agents));
        lines.band = cell.effect.as_ref().map(|e| (e.low.ln(), e.high.ln()));
        lines.level = cell.effect.as_ref().map(|_| middle);
        let point = |dot: &Dot<'_>| {
            let at = (dot.place as f64, dot.ln_ratio.unwrap_or(middle - farthest));
            let says = match (&dot.pair.dropped, dot.ln_ratio) {
                (Some(_), _) => format!("dropped, {}", why_dropped(dot.pair)),
                (None, Some(v)) => format!("pair {}: ratio {:.3}", dot.place, v.exp()),
                (None, None) => format!("pair {}", dot.place),
            };
            Point::new(at, look(dot.pair, dot.pair.first), Size::Small).says(says)
        };
        lines
            .series
            .push(Series::new(dots.iter().map(point).collect()));
        lines
    };
    let pairs = || strips.iter().flat_map(|s| s.1);
    let dropped = pairs().filter(|d| d.pair.dropped.is_some()).count();
    let Cell { baseline, x, .. } = first;
    let name = format!("{}: {x} against {baseline}", baseline.workload);
    let mut key = vec![
        Key::point(Look::of(Side::Baseline), format!("{baseline} ran first")),
        Key::point(Look::of(Side::X), format!("{x} ran first")),
    ];
    if dropped > 0 {
        let look = Look::new(Ink::Open, Form::Diamond);
        key.push(Key::point(look, "dropped, does not count"));
    }
    key.push(Key::new(Mark::PlaneBand, "interval of the cell"));
    key.push(Key::new(Mark::Level, "ratio of the cell"));
    let row = |cell: &Cell, dot: &Dot<'_>| {
        let number = |n: Option<f64>| or_nothing(n, |n| format!("{n:.3}"));
        [
            cell.agents.to_string(),
            dot.place.to_string(),
            cell.arm(dot.pair.first).deployment.clone(),
            number(dot.ln_ratio),
            number(dot.ln_ratio.map(f64::exp)),
            why_dropped(dot.pair),
        ]
    };
    let rows = strips
        .iter()
        .flat_map(|(cell, dots)| dots.iter().map(|dot| row(cell, dot)));
    let titles = [
        "agents",
        "place",
        "ran first",
        "ln(ratio)",
        "ratio",
        "dropped",
    ];
    Some(Chart {
        id: slug(&[
            "pairs",
            &baseline.workload,
            &x.deployment,
            &x.transport,
            &baseline.deployment,
            &baseline.transport,
        ]),
        title: format!("{name}, pair by pair"),
        caption: "ln(ratio) of every pair, from left to right as they ran; all strips have the same scale (0.1 is about \
                  10 %). A strip that leans has drifted; discs and squares that keep apart show an order effect, which \
                  the ratio is free of. Dropped pairs are hollow, with their cause in the table."
            .to_owned(),
        alternative: format!(
            "{} pairs of {name} in the order of the run, {dropped} of them dropped.",
            pairs().count()
        ),
        key,
        picture: Picture::Lines(strips.iter().map(plane).collect()),
        label: "pairs in the order of the run".to_owned(),
        data: Table::new(1, titles).rows(rows),
    })
}

fn why_dropped(pair: &Pair) -> String {
    pair.dropped.as_ref().map_or_else(
        || numbers::NOTHING.to_owned(),
        |d| format!("{}: {}", d.cause, d.detail),
    )
}

/// A value at a place in the order of a run.
struct Moment<'a> {
    cell: &'a Cell,
    dot: &'a Dot<'a>,
    side: Side,
    /// So many times what is usual for its cell.
    factor: f64,
}

/// What a picture of the whole run is about.
struct Words {
    id: &'static str,
    title: &'static str,
    axis: &'static str,
    caption: &'static str,
    sides: [&'static str; 2],
}

/// How the ratio of each pair of the run stands to the ratio of its cell.
fn of_ratios(run: &Run) -> Option<Chart> {
    let dots = dots(run);
    let mut moments = Vec::new();
    for (cell, dots) in run.cells.iter().zip(&dots) {
        let Some(e) = &cell.effect else { continue };
        moments.extend(dots.iter().filter_map(|dot| {
            Some(Moment {
                cell,
                dot,
                side: dot.pair.first,
                factor: dot.ln_ratio?.exp() / e.ratio,
            })
        }));
    }
    whole_run(
        run,
        &moments,
        Words {
            id: "drift-of-ratios",
            title: "ratios over the whole run",
            axis: "a pair's ratio / its cell's ratio",
            caption: "Every pair of the run, all cells and controls, from left to right as they ran. 1 is the ratio of the \
                      pair's own cell. A cloud that climbs, sinks or widens is a machine that changed for one side; \
                      dropped pairs are hollow.",
            sides: ["baseline ran first", "X ran first"],
        },
    )
}

/// How the rate of each invocation stands to the median of its cell and side.
fn of_rates(run: &Run) -> Option<Chart> {
    let dots = dots(run);
    let mut moments = Vec::new();
    for (cell, dots) in run.cells.iter().zip(&dots) {
        for side in [Side::Baseline, Side::X] {
            let rate = |dot: &'_ Dot<'_>| {
                let outcome = match side {
                    Side::Baseline => &dot.pair.baseline,
                    Side::X => &dot.pair.x,
                };
                match outcome {
                    Outcome::Measured(sample) => Some(sample.ops_per_s()),
                    Outcome::Failed(_) => None,
                }
            };
            let kept = dots.iter().filter(|d| d.pair.dropped.is_none());
            let kept: Vec<f64> = kept.filter_map(rate).collect();
            let Some(usual) = median(&kept) else { continue };
            moments.extend(dots.iter().filter_map(|dot| {
                let factor = rate(dot)? / usual;
                Some(Moment {
                    cell,
                    dot,
                    side,
                    factor,
                })
            }));
        }
    }
    whole_run(
        run,
        &moments,
        Words {
            id: "drift-of-rates",
            title: "speed of the machine over the whole run",
            axis: "op/s / median of the cell and side",
            caption: "Every invocation of the run, from left to right. Both sides sinking together is heat, boost or a \
                      neighbour: a pair is one moment, so ratios survive it; invocations that scatter widen the \
                      intervals.",
            sides: ["baseline", "X"],
        },
    )
}

fn whole_run(run: &Run, moments: &[Moment<'_>], words: Words) -> Option<Chart> {
    let pairs = length(run, moments.iter().map(|m| m.dot.place))?;
    let is_dropped = |m: &Moment<'_>| m.dot.pair.dropped.is_some();
    let away = |m: &Moment<'_>| m.factor.max(1.0 / m.factor);
    let kept = moments.iter().filter(|m| !is_dropped(m));
    let widest = kept.map(away).fold(NEAREST, f64::max).min(FARTHEST) * 1.04;
    let y = Axis::new(words.axis, Spread::Factors, Unit::Plain).within(1.0 / widest, widest);
    let mut lines = Lines::new(Height::Usual, along(pairs), y);
    lines.level = Some(1.0);
    let point = |m: &Moment<'_>| {
        let (cell, place) = (m.cell, m.dot.place);
        let dropped = m.dot.pair.dropped.as_ref();
        let dropped = dropped.map_or(String::new(), |d| format!(", dropped: {}", d.detail));
        let (workload, factor) = (&cell.baseline.workload, numbers::count(m.factor));
        let at = (place as f64, m.factor);
        Point::new(at, look(m.dot.pair, m.side), Size::Dot).says(format!(
            "{workload}, {} agents, pair {place}{dropped}: {factor}",
            cell.agents
        ))
    };
    lines
        .series
        .push(Series::new(moments.iter().map(point).collect()));
    let rows = (0..PARTS).filter_map(|part| {
        let (from, to) = (part * pairs / PARTS, (part + 1) * pairs / PARTS);
        let inside = moments
            .iter()
            .filter(|m| m.dot.place > from && m.dot.place <= to);
        let kept: Vec<f64> = inside
            .filter(|m| !is_dropped(m))
            .map(|m| m.factor)
            .collect();
        let lowest = kept.iter().copied().min_by(f64::total_cmp)?;
        let highest = kept.iter().copied().max_by(f64::total_cmp)?;
        Some([
            format!("{} to {to}", from + 1),
            kept.len().to_string(),
            format!("{:.3}", median(&kept)?),
            format!("{lowest:.3}"),
            format!("{highest:.3}"),
        ])
    });
    let rows: Vec<[String; 5]> = rows.collect();
    let medians = rows.iter().map(|r| format!("pairs {} {}", r[0], r[2]));
    let medians = medians.collect::<Vec<_>>().join(", ");
    let dropped = moments.iter().filter(|m| is_dropped(m)).count();
    let [discs, squares] = words.sides;
    let mut key = vec![
        Key::point(Look::of(Side::Baseline), discs),
        Key::point(Look::of(Side::X), squares),
    ];
    if dropped > 0 {
        key.push(Key::point(Look::new(Ink::Open, Form::Diamond), "dropped"));
    }
    let is_beyond = |m: &&Moment<'_>| !(1.0 / FARTHEST..=FARTHEST).contains(&m.factor);
    let edge = match moments.iter().filter(is_beyond).count() {
        0 => String::new(),
        beyond => format!(" Beyond the plane, drawn at its edge: {beyond}."),
    };
    let titles = ["pairs", "points that count", "median", "lowest", "highest"];
    Some(Chart {
        id: words.id.to_owned(),
        title: words.title.to_owned(),
        caption: format!("{}{edge}", words.caption),
        alternative: format!(
            "{}; medians by quarter of the run: {medians}; {dropped} dropped.",
            words.axis
        ),
        key,
        picture: Picture::Lines(vec![lines]),
        label: format!("{}, by quarter of the run", words.axis),
        data: Table::new(1, titles).rows(rows),
    })
}
