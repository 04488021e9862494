//! Where do points and lines lie on planes?

use super::super::plot::{Axis, EDGE, Plane, Range, labelled};
use super::super::svg::{Anchor, Drawing, Room, shortened, text_width};
use super::{REACH, class, colour, stroke};
use crate::document::chart::{self, Fill, Height, Lines, Point, Size, Spread};

/// Pixels above the first plane, between planes, and below the last one.
const ABOVE: f64 = 26.0;
const BETWEEN: f64 = 24.0;
const BELOW: f64 = 40.0;

/// Planes one below the other, with one scale from left to right.
pub fn draw(planes: &[Lines], room: Room) -> Option<Drawing> {
    let axes = planes.iter().map(|p| Some((across(p)?, upright(p)?)));
    let axes: Vec<(Axis, Axis)> = axes.collect::<Option<_>>()?;
    let (below, first) = axes.first().map(|(x, y)| (x, y))?;
    let labels = axes.iter().flat_map(|(_, y)| &y.ticks);
    let widest = labels
        .map(|(_, label)| text_width(label))
        .fold(24.0, f64::max);
    let heights = planes.iter().map(|p| height(p.height, room));
    let gaps = BETWEEN * (planes.len() - 1) as f64;
    let all = ABOVE + heights.sum::<f64>() + gaps + BELOW;
    let mut drawing = Drawing::new(room.width(), all);
    let mut top = ABOVE;
    for (at, (lines, (x, y))) in planes.iter().zip(&axes).enumerate() {
        let plane = Plane {
            x: x.range,
            y: y.range,
            left: widest + EDGE + 4.0,
            right: room.width() - 2.0 * EDGE,
            top,
            bottom: top + height(lines.height, room),
        };
        top = plane.bottom + BETWEEN;
        if lines.height == Height::Strip {
            let (from, to) = ((plane.left, plane.top), (plane.right, plane.bottom));
            drawing.rectangle("strip", from, to);
            let title = shortened(&lines.title, plane.right - plane.left + EDGE);
            let place = (plane.left, plane.top - 6.0);
            drawing.text("title", Anchor::Start, place, title);
        }
        one(&mut drawing, &plane, lines, y);
        if at + 1 == planes.len() {
            plane.level_axis(&mut drawing, below);
            if lines.height == Height::Strip {
                let place = (EDGE / 2.0, plane.bottom + 34.0);
                drawing.text("title", Anchor::Start, place, first.title.clone());
            }
        }
    }
    if planes.iter().all(|p| p.height != Height::Strip) {
        drawing.text(
            "title",
            Anchor::Start,
            (EDGE / 2.0, 14.0),
            first.title.clone(),
        );
    }
    Some(drawing)
}

fn height(height: Height, room: Room) -> f64 {
    match height {
        Height::Tall => room.pick(240.0, 215.0),
        Height::Usual => room.pick(180.0, 170.0),
        Height::Strip => 58.0,
    }
}

fn one(drawing: &mut Drawing, plane: &Plane, lines: &Lines, y: &Axis) {
    let edge = |value: f64| (plane.left, plane.y(value));
    let other = |value: f64| (plane.right, plane.y(value));
    plane.upright(drawing, y);
    if let Some((low, high)) = lines.band {
        let class = match lines.height {
            Height::Strip => "cell-interval",
            Height::Tall | Height::Usual => "margin",
        };
        drawing.rectangle(class, edge(high), other(low));
    }
    if let Some(level) = lines.level {
        drawing.line("one", &[edge(level), other(level)]);
    }
    for (ink, corners) in &lines.areas {
        let corners: Vec<(f64, f64)> = corners.iter().map(|at| plane.point(*at)).collect();
        drawing.area(format!("{} area", colour(*ink)), &corners);
    }
    for series in &lines.series {
        let place = |point: &Point| {
            let (left, top) = plane.point(point.at);
            (left + series.aside, top - point.above)
        };
        if let Some(class) = stroke(series.join) {
            let joined = series.points.iter().filter(|p| p.is_joined);
            drawing.line(class, &joined.map(place).collect::<Vec<_>>());
        }
        for point in &series.points {
            if let Some(reach) = point.interval {
                interval(drawing, plane, place(point).0, reach);
            }
            if let Some(radius) = radius(point) {
                let (class, form) = (class(point.look), point.look.form);
                drawing.mark(class, form, place(point), radius, point.says.clone());
            }
        }
    }
}

/// Pixels from the middle of a point to its edge.
fn radius(point: &Point) -> Option<f64> {
    Some(match (point.size, point.look.fill) {
        (Size::None, _) => return None,
        (Size::Dot, Fill::Faint) => 2.2,
        (Size::Dot, _) => 2.7,
        (Size::Small, _) => 3.6,
        (Size::Usual, _) => 4.2,
        (Size::Large, _) => 5.5,
    })
}

/// A vertical interval: closed by a bar where it ends on the plane, open where it goes on.
fn interval(drawing: &mut Drawing, plane: &Plane, x: f64, (low, high): (f64, f64)) {
    let ends = [low, high].map(|end| (end, plane.y(end)));
    drawing.line("interval", &ends.map(|(_, y)| (x, y)));
    for (end, y) in ends {
        match plane.beyond(end) {
            0 => drawing.line("interval", &[(x - 5.0, y), (x + 5.0, y)]),
            side => {
                let back = f64::from(side) * 6.0;
                let tip = [(x - 4.0, y + back), (x, y), (x + 4.0, y + back)];
                drawing.line("interval", &tip);
            }
        }
    }
}

fn points(lines: &Lines) -> impl Iterator<Item = &Point> {
    lines.series.iter().flat_map(|s| &s.points)
}

fn across(lines: &Lines) -> Option<Axis> {
    let corners = lines.areas.iter().flat_map(|a| &a.1).map(|c| c.0);
    let values = points(lines).map(|p| p.at.0).chain(corners);
    axis(&lines.x, 6, || {
        let ticks = lines.x.ticks.iter().map(|t| t.0);
        Range::of(lines.x.spread, values.chain(ticks), 0.06)
    })
}

/// The upright axis: intervals may end beyond it, all else lies on it.
fn upright(lines: &Lines) -> Option<Axis> {
    let spread = lines.y.spread;
    let about = match lines.height {
        Height::Strip => 2,
        Height::Tall | Height::Usual => 5,
    };
    axis(&lines.y, about, || {
        points(lines).next()?;
        let corners = lines.areas.iter().flat_map(|a| &a.1).map(|c| c.1);
        let inner = points(lines).map(|p| p.at.1).chain(corners);
        let fixed: Vec<f64> = inner.chain(lines.level).collect();
        let band = lines.band.into_iter().flat_map(|(low, high)| [low, high]);
        if spread == Spread::Even {
            return Range::from_zero(fixed.into_iter().chain(band));
        }
        let within = Range::of(spread, fixed.iter().copied(), 0.0)?;
        let limits = match points(lines).any(|p| p.interval.is_some()) {
            // Of a single value the range has been widened already.
            true => (within.low / REACH, within.high * REACH),
            false => (0.5_f64.min(within.low), 2.0_f64.max(within.high)),
        };
        let ends = points(lines).filter_map(|p| p.interval);
        let ends = ends.flat_map(|(low, high)| [low, high]).chain(band);
        let ends = ends.map(|v| v.clamp(limits.0, limits.1));
        let above = points(lines).map(|p| p.above).fold(0.0, f64::max);
        Range::of(
            spread,
            ends.chain(fixed),
            if above > 0.0 { 0.12 } else { 0.08 },
        )
    })
}

fn axis(asked: &chart::Axis, about: usize, find: impl FnOnce() -> Option<Range>) -> Option<Axis> {
    let range = match asked.range {
        Some((low, high)) => Range {
            spread: asked.spread,
            low,
            high,
        },
        None => find()?,
    };
    let ticks = match asked.ticks.is_empty() {
        true => labelled(asked.unit, range.ticks(about)),
        false => asked.ticks.clone(),
    };
    Some(Axis {
        range,
        ticks,
        title: asked.title.clone(),
    })
}
