//! Which kinds of pictures are there?
//!
//! A chart is data; [`crate::report::html`] draws it, once where there is room and once where there is little. Colours
//! differ by theme: an [`Ink`] says what is meant, and forms alone tell things apart.
//!
//! | file | question |
//! |---|---|
//! | `lines` | what is drawn on planes of points and lines? |
//! | `matrix` | what are boxes in rows and columns? |

mod lines;
mod matrix;

pub use lines::{Axis, Height, Join, Lines, Point, Series, Size, Spread, Unit};
pub use matrix::{Frame, Matrix, MatrixBox, STEPS, step};

use super::Table;
use crate::record::{Estimate, Side};

/// A picture with its words and its numbers.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What a link to it ends with.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What is drawn and how to read it.
    pub caption: String,
    /// What it shows, for those who do not see it.
    pub alternative: String,
    /// What its marks mean.
    pub key: Vec<Key>,
    /// What is drawn; nothing is where nothing has a place.
    pub picture: Picture,
    /// What the numbers are.
    pub label: String,
    /// The numbers.
    pub data: Table,
}

impl Chart {
    /// Two sides against the number of agents: a row of `rows` for each count, with what each side has there.
    #[must_use]
    pub fn of_sides(
        id: String,
        title: String,
        [baseline, x]: [&str; 2],
        lines: Lines,
        rows: &[[String; 3]],
    ) -> Self {
        let said = rows
            .iter()
            .map(|[n, b, x]| format!("{n} agents {b} and {x}"));
        let said: Vec<String> = said.collect();
        Self {
            id,
            caption: String::new(),
            alternative: format!("{title}, {baseline} and {x}: {}.", said.join("; ")),
            key: vec![Key::side(Side::Baseline, baseline), Key::side(Side::X, x)],
            picture: Picture::Lines(vec![lines]),
            label: format!("{title}, by number of agents"),
            data: Table::new(1, ["agents", baseline, x]).rows(rows.iter().cloned()),
            title,
        }
    }

    /// The same with what is drawn and how to read it.
    #[must_use]
    pub fn caption(self, caption: impl Into<String>) -> Self {
        let caption = caption.into();
        Self { caption, ..self }
    }
}

/// What is drawn.
#[derive(Clone, Debug)]
pub enum Picture {
    /// Planes of points and lines, one below the other.
    Lines(Vec<Lines>),
    /// Intervals in order, one below the other.
    Intervals(Intervals),
    /// Bars of parts that add up to a whole.
    Stacked(Stacked),
    /// Boxes in rows and columns.
    Matrix(Matrix),
}

/// What a colour means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// The baseline, or that it is ahead.
    Base,
    /// What is compared with it.
    Other,
    /// Equal, or in order, with certainty.
    Tie,
    /// What is open or does not count.
    Open,
    /// What must not be relied on.
    Fault,
}

impl From<Side> for Ink {
    fn from(side: Side) -> Self {
        match side {
            Side::Baseline => Ink::Base,
            Side::X => Ink::Other,
        }
    }
}

/// The form of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A disc.
    Disc,
    /// A square on its side.
    Square,
    /// A square on its tip.
    Diamond,
    /// A triangle that points up.
    Up,
    /// A triangle that points down.
    Down,
    /// Two strokes.
    Cross,
}

/// How a point is filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fill {
    /// All of it.
    #[default]
    Full,
    /// Its edge.
    Hollow,
    /// Hardly: one of many.
    Faint,
}

/// How a point looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// What its colour means.
    pub ink: Ink,
    /// Its form.
    pub form: Form,
    /// How it is filled.
    pub fill: Fill,
}

impl Look {
    /// A filled point.
    #[must_use]
    pub const fn new(ink: Ink, form: Form) -> Self {
        let fill = Fill::Full;
        Self { ink, form, fill }
    }

    /// The point of a side: baselines are discs, X are squares.
    #[must_use]
    pub fn of(side: Side) -> Self {
        let form = match side {
            Side::Baseline => Form::Disc,
            Side::X => Form::Square,
        };
        Self::new(side.into(), form)
    }

    /// The same, filled otherwise.
    #[must_use]
    pub const fn filled(self, fill: Fill) -> Self {
        Self { fill, ..self }
    }
}

/// What a mark means.
#[derive(Clone, Debug)]
pub struct Key {
    /// The mark.
    pub mark: Mark,
    /// What it means.
    pub text: String,
}

/// A mark of a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    /// A point.
    Point(Look),
    /// A line with points.
    Line(Look),
    /// The level that all are held against.
    Level,
    /// A stroke: the value that something should have.
    Asked,
    /// The band about the level.
    Band,
    /// The band of a plane among several.
    PlaneBand,
    /// An area.
    Area(Ink),
    /// A part of a bar, by its place.
    Part(usize),
    /// The hatching of a part that is not told from nothing.
    Unsettled,
    /// A step of a matrix, from -3 (least) over 0 (equal) to 3.
    Step(i8),
    /// The frame of a box.
    Frame(Frame),
}

impl Key {
    /// What a mark means.
    pub fn new(mark: Mark, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { mark, text }
    }

    /// What a point means.
    pub fn point(look: Look, text: impl Into<String>) -> Self {
        Self::new(Mark::Point(look), text)
    }

    /// What the line of a side means.
    pub fn side(side: Side, text: impl Into<String>) -> Self {
        Self::new(Mark::Line(Look::of(side)), text)
    }
}

/// Intervals of many things, by factors.
#[derive(Clone, Debug)]
pub struct Intervals {
    /// What the values are, with the unit.
    pub title: String,
    /// How they are written.
    pub unit: Unit,
    /// A value that all are held against.
    pub level: Option<f64>,
    /// A band about it.
    pub band: Option<(f64, f64)>,
    /// The things.
    pub rows: Vec<Interval>,
}

/// One thing and its interval.
#[derive(Clone, Debug)]
pub struct Interval {
    /// Its name.
    pub name: String,
    /// The interval; `None` where nothing was measured.
    pub measured: Option<Estimate>,
    /// The value that it should have, where that is known.
    pub asked: Option<f64>,
    /// The interval in words.
    pub text: String,
    /// How its point looks.
    pub look: Look,
}

impl Intervals {
    /// The picture with its numbers and alternative.
    pub fn chart(self, id: &str, title: String, caption: String, key: Vec<Key>) -> Chart {
        let has_asked = self.rows.iter().any(|r| r.asked.is_some());
        let row = |r: &Interval| {
            let mut row = vec![r.name.clone(), r.text.clone()];
            if has_asked {
                let asked = r.asked.map_or("–".to_owned(), |a| format!("{a:.3}"));
                row.insert(1, asked);
            }
            row
        };
        let rows: Vec<Vec<String>> = self.rows.iter().map(row).collect();
        let said: Vec<String> = rows.iter().map(|r| r.join(" ")).collect();
        let header: &[&str] = match has_asked {
            true => &["what", "asked", "measured"],
            false => &["what", "measured"],
        };
        Chart {
            id: id.to_owned(),
            alternative: format!("{}: {}.", self.title, said.join("; ")),
            data: Table::new(1, header.iter().copied()).rows(rows),
            label: title.clone(),
            title,
            caption,
            key,
            picture: Picture::Intervals(self),
        }
    }
}

/// Bars of parts.
#[derive(Clone, Debug)]
pub struct Stacked {
    /// Names of the parts; a part is meant by its place here.
    pub parts: Vec<String>,
    /// The bars.
    pub bars: Vec<Bar>,
}

/// A bar.
#[derive(Clone, Debug)]
pub struct Bar {
    /// What it is.
    pub name: String,
    /// The same where there is little room.
    pub short: String,
    /// Its parts.
    pub parts: Vec<BarPart>,
}

/// A part of a bar.
#[derive(Clone, Copy, Debug)]
pub struct BarPart {
    /// Which part, by its place.
    pub part: usize,
    /// Its share of the bar; below 0 it lies left of its begin.
    pub share: f64,
    /// Whether it is told from nothing.
    pub is_settled: bool,
}

/// The band of a margin, a share, about 1.
#[must_use]
pub fn band(margin: f64) -> (f64, f64) {
    (1.0 / (1.0 + margin), 1.0 + margin)
}
