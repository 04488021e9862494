//! What is drawn on planes of points and lines?

use super::{Ink, Look};
use crate::record::{Effect, Side};

/// How values are spread over an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Equal differences take equal room.
    Even,
    /// Equal factors take equal room. Values are above 0.
    Factors,
}

/// How a value is written at an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// As it is.
    Plain,
    /// A rate or a count: `12.3 k`.
    Count,
    /// A share as percent.
    Percent,
    /// Seconds: `4.10 ms`.
    Seconds,
    /// Nanoseconds: `1.5 ms`.
    Nanoseconds,
}

/// An axis.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What the values are, with the unit.
    pub title: String,
    /// How they are spread.
    pub spread: Spread,
    /// How they are written.
    pub unit: Unit,
    /// Where it begins and ends; `None` to hold all that is drawn.
    pub range: Option<(f64, f64)>,
    /// Values that are labelled; empty for round ones.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis that holds all that is drawn.
    pub fn new(title: impl Into<String>, spread: Spread, unit: Unit) -> Self {
        Self {
            title: title.into(),
            spread,
            unit,
            range: None,
            ticks: Vec::new(),
        }
    }

    /// Agent counts, each with its label.
    pub fn agents(counts: impl IntoIterator<Item = usize>) -> Self {
        let mut counts: Vec<usize> = counts.into_iter().collect();
        counts.sort_unstable();
        counts.dedup();
        let tick = |n: usize| (n as f64, n.to_string());
        Self {
            ticks: counts.into_iter().map(tick).collect(),
            ..Self::new("agents", Spread::Factors, Unit::Plain)
        }
    }

    /// The same from one value to another.
    #[must_use]
    pub fn within(self, low: f64, high: f64) -> Self {
        let range = Some((low, high));
        Self { range, ..self }
    }
}

/// How tall a plane is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Height {
    /// The picture of its section.
    Tall,
    /// One beside others.
    #[default]
    Usual,
    /// A strip among strips: only the last has an axis below.
    Strip,
}

/// A plane with points and lines.
#[derive(Clone, Debug)]
pub struct Lines {
    /// What is on it, where there are several.
    pub title: String,
    /// How tall it is.
    pub height: Height,
    /// From left to right.
    pub x: Axis,
    /// From bottom to top. A spread by differences that has no range begins at 0.
    pub y: Axis,
    /// A value of y that all are held against.
    pub level: Option<f64>,
    /// A band about it.
    pub band: Option<(f64, f64)>,
    /// Areas, by their corners.
    pub areas: Vec<(Ink, Vec<(f64, f64)>)>,
    /// Points, the first at the back.
    pub series: Vec<Series>,
}

impl Lines {
    /// An empty plane.
    #[must_use]
    pub fn new(height: Height, x: Axis, y: Axis) -> Self {
        Self {
            title: String::new(),
            height,
            x,
            y,
            level: None,
            band: None,
            areas: Vec::new(),
            series: Vec::new(),
        }
    }

    /// Two sides against the number of agents, a line each; `None` where a side has no value.
    pub fn of_sides(
        y: Axis,
        height: Height,
        points: impl IntoIterator<Item = (usize, [Option<f64>; 2])>,
    ) -> Self {
        let points: Vec<(usize, [Option<f64>; 2])> = points.into_iter().collect();
        let mut lines = Self::new(height, Axis::agents(points.iter().map(|p| p.0)), y);
        for (at, side) in [Side::Baseline, Side::X].into_iter().enumerate() {
            let point = |(n, values): &(usize, [Option<f64>; 2])| {
                let place = (*n as f64, values[at]?);
                Some(Point::new(place, Look::of(side), Size::Usual))
            };
            let points = points.iter().filter_map(point).collect();
            let series = Series::new(points).joined(Join::Side(side));
            lines.series.push(series);
        }
        lines
    }
}

/// How points are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Join {
    /// Not at all.
    #[default]
    None,
    /// By a line that leads the eye.
    Thread,
    /// By the line of a side.
    Side(Side),
}

/// Points of one kind.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// How they are joined.
    pub join: Join,
    /// Pixels by which they stand beside their place, so that none hides another.
    pub aside: f64,
    /// The points.
    pub points: Vec<Point>,
}

impl Series {
    /// Points that are not joined.
    #[must_use]
    pub fn new(points: Vec<Point>) -> Self {
        Self {
            points,
            ..Self::default()
        }
    }

    /// The same, joined.
    #[must_use]
    pub fn joined(self, join: Join) -> Self {
        Self { join, ..self }
    }

    /// The same, beside their places.
    #[must_use]
    pub fn aside(self, aside: f64) -> Self {
        Self { aside, ..self }
    }
}

/// How large a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// It has no mark: only the line goes through it.
    None,
    /// One of very many.
    Dot,
    /// One of many.
    Small,
    /// One of a line.
    Usual,
    /// One that has an interval.
    Large,
}

/// A point.
#[derive(Clone, Debug)]
pub struct Point {
    /// Its place.
    pub at: (f64, f64),
    /// Its interval.
    pub interval: Option<(f64, f64)>,
    /// How it looks.
    pub look: Look,
    /// How large it is.
    pub size: Size,
    /// Pixels by which it stands above its place.
    pub above: f64,
    /// Whether the line of its series goes through it.
    pub is_joined: bool,
    /// Words for those who point at it.
    pub says: Option<String>,
}

impl Point {
    /// A point.
    #[must_use]
    pub fn new(at: (f64, f64), look: Look, size: Size) -> Self {
        Self {
            at,
            interval: None,
            look,
            size,
            above: 0.0,
            is_joined: true,
            says: None,
        }
    }

    /// A ratio with its interval; one that is not known stands at 1, outside of the line.
    #[must_use]
    pub fn ratio(x: f64, effect: Option<&Effect>, look: Look) -> Self {
        let ratio = effect.map_or(1.0, |e| e.ratio);
        Self {
            interval: effect.map(|e| (e.low, e.high)),
            is_joined: effect.is_some(),
            ..Self::new((x, ratio), look, Size::Large)
        }
    }

    /// The same with words for those who point at it.
    #[must_use]
    pub fn says(self, says: impl Into<String>) -> Self {
        let says = Some(says.into());
        Self { says, ..self }
    }
}
