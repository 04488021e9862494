//! What became of one comparison over time, in a picture?

use super::super::block::{Figure, Key, Table, both, capitalised};
use super::super::plot::{Axis, Plane, Range, Spread, plain};
use super::super::svg::{Drawing, Form, Room};
use super::ratio::{REACH, interval};
use super::slug;
use crate::record::history::{Point, Series};
use crate::record::{Effect, Verdict};
use crate::report::numbers;
use crate::report::terminal::trend;

/// Characters of a day: 2026-01-02.
const DAY: usize = 10;

/// The ratio of one comparison, run after run; `None` where none has an interval.
pub fn figure(series: &Series) -> Option<Figure> {
    let (x, baseline) = (&series.x, &series.baseline);
    let (wide, narrow) = both(|room| draw(series, room))?;
    let name = trend::name(series);
    let said: Vec<String> = series
        .points
        .iter()
        .map(|p| {
            let ratio = p.effect.as_ref();
            let ratio = ratio.map_or("no ratio".to_owned(), numbers::ratio);
            format!("{} {ratio}", trend::minute(&p.started))
        })
        .collect();
    Some(Figure {
        id: slug(&[
            "history",
            &series.workload,
            &series.agents.to_string(),
            x,
            baseline,
        ]),
        title: format!("{x} / {baseline}, op/s"),
        caption: format!(
            "Above 1, {x} do more; below, {baseline}. {}.",
            capitalised(&trend::about(series))
        ),
        alternative: format!("{x} / {baseline}, run after run: {}.", said.join("; ")),
        key: key(series),
        wide,
        narrow,
        data: Table::of(name, &trend::table(series)),
    })
}

/// Form and class of a run's part: forms alone tell them apart.
fn look(series: &Series, point: &Point) -> (Form, &'static str, String) {
    if !point.marks.is_empty() {
        return (
            Form::Cross,
            "fault mark",
            "withheld, busy or incomplete".to_owned(),
        );
    }
    match &point.verdict {
        Verdict::Ahead { deployment } if *deployment == series.x => {
            (Form::Up, "other mark", format!("{} ahead", series.x))
        }
        Verdict::Ahead { .. } => (
            Form::Down,
            "base mark",
            format!("{} ahead", series.baseline),
        ),
        Verdict::Tie => (Form::Diamond, "tie mark", "tie".to_owned()),
        Verdict::Inconclusive | Verdict::NotMeasured { .. } => {
            (Form::Disc, "open mark", "inconclusive".to_owned())
        }
    }
}

/// The points that have a place on a scale of factors.
fn drawn(series: &Series) -> impl Iterator<Item = (usize, &Point, &Effect)> {
    let points = series.points.iter().enumerate();
    points.filter_map(|(place, point)| {
        let effect = point.effect.as_ref().filter(|e| trend::is_drawn(e))?;
        Some((place, point, effect))
    })
}

fn key(series: &Series) -> Vec<Key> {
    let mut found: Vec<Key> = Vec::new();
    for (_, point, _) in drawn(series) {
        let (form, class, text) = look(series, point);
        if !found.iter().any(|k| k.text == text) {
            found.push(Key::of_mark(class, form, text));
        }
    }
    found
}

fn draw(series: &Series, room: Room) -> Option<Drawing> {
    let ratios = drawn(series).map(|(_, _, e)| e.ratio);
    // Nothing but 1 would be no picture of anything.
    drawn(series).next()?;
    let inner = Range::of(Spread::Factors, ratios.chain([1.0]), 0.0)?;
    let limits = (inner.low / REACH, inner.high * REACH);
    let ends = drawn(series).flat_map(|(_, _, e)| [e.low, e.high]);
    let ends = ends.map(|v| v.clamp(limits.0, limits.1)).chain([1.0]);
    let range = Range::of(Spread::Factors, ends, 0.08)?;
    let y = Axis {
        range,
        ticks: plain(range.ticks(6)),
        title: "ratio".to_owned(),
    };
    let mut plane = Plane::new(room, room.pick(220.0, 200.0), &runs(&series.points), &y);
    plane.level("one", 1.0);
    let path: Vec<(f64, f64)> = drawn(series)
        .map(|(place, _, e)| plane.point(place as f64, e.ratio))
        .collect();
    plane.drawing.line("thread", &path);
    for (place, point, e) in drawn(series) {
        interval(&mut plane, place as f64, e.low, e.high);
        let (form, class, _) = look(series, point);
        let says = format!(
            "{}: {}, {}",
            trend::minute(&point.started),
            numbers::ratio(e),
            trend::verdict(point)
        );
        let at = plane.point(place as f64, e.ratio);
        plane.drawing.mark(class, form, at, 5.5, Some(says));
    }
    Some(plane.drawing)
}

/// A place for each run, with its day, or its minute where all are of one day.
fn runs(points: &[Point]) -> Axis {
    let day = |p: &Point| p.started.get(..DAY).map(str::to_owned);
    let is_one_day = points.windows(2).all(|two| day(&two[0]) == day(&two[1]));
    let label = |(place, p): (usize, &Point)| {
        let whole = trend::minute(&p.started);
        let text = match is_one_day {
            true => whole,
            false => day(p).unwrap_or(whole),
        };
        (place as f64, text)
    };
    Axis {
        range: Range {
            spread: Spread::Even,
            low: -0.5,
            high: points.len() as f64 - 0.5,
        },
        ticks: points.iter().enumerate().map(label).collect(),
        title: "start of the run, UTC".to_owned(),
    }
}
