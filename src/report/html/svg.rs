//! Which shapes is a picture made of, and how wide is its text?
//!
//! A picture is a list of shapes. Coordinates are in pixels from the upper left corner; a shape that lies nowhere (not a
//! number, infinite) is left out.

use crate::document::chart::Form;
use maud::{Markup, html};

/// Room that a picture has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Beside a keyboard, and on paper.
    Wide,
    /// In a hand.
    Narrow,
}

impl Room {
    /// Pixels from left to right.
    pub fn width(self) -> f64 {
        match self {
            Room::Wide => 760.0,
            Room::Narrow => 340.0,
        }
    }

    /// One of two things.
    pub fn pick<T>(self, wide: T, narrow: T) -> T {
        match self {
            Room::Wide => wide,
            Room::Narrow => narrow,
        }
    }
}

/// Pixels that a character of a label takes, on the safe side of system fonts at 12 pixels.
const CHARACTER: f64 = 7.0;

/// Pixels that `text` takes as a label.
pub fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * CHARACTER
}

/// As much of a text as fits into so many pixels; what is cut off stands in a table.
pub fn shortened(text: &str, room: f64) -> String {
    let most = (room / CHARACTER) as usize;
    match text.chars().count() > most {
        true => text
            .chars()
            .take(most.saturating_sub(1))
            .chain(['…'])
            .collect(),
        false => text.to_owned(),
    }
}

/// A picture.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// Pixels from left to right.
    pub width: String,
    /// Pixels from top to bottom.
    pub height: String,
    /// What is drawn, the first at the back.
    pub shapes: Vec<Shape>,
}

/// A shape. `class` names a rule of the style sheet: colours differ by theme, forms do not.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A path, with words for those who point at it.
    Path {
        class: String,
        d: String,
        says: Option<String>,
    },
    /// A line of text.
    Text {
        class: String,
        x: String,
        y: String,
        anchor: &'static str,
        text: String,
    },
}

/// Where a text stands from its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// It has its middle there.
    Middle,
    /// It ends there.
    End,
}

impl Drawing {
    /// An empty picture.
    pub fn new(width: f64, height: f64) -> Self {
        Self {
            width: pixels(width),
            height: pixels(height),
            shapes: Vec::new(),
        }
    }

    /// The shapes as markup.
    pub fn markup(&self) -> Markup {
        html! {
            @for shape in &self.shapes {
                @match shape {
                    Shape::Path { class, d, says } => {
                        path class=(class) d=(d) { @if let Some(says) = says { title { (says) } } }
                    }
                    Shape::Text { class, x, y, anchor, text } => {
                        text class=(class) x=(x) y=(y) text-anchor=(anchor) { (text) }
                    }
                }
                "\n"
            }
        }
    }

    /// What makes a box of it: left, top, width and height.
    pub fn view(&self) -> String {
        format!("0 0 {} {}", self.width, self.height)
    }

    /// A line through `points`.
    pub fn line(&mut self, class: impl Into<String>, points: &[(f64, f64)]) {
        self.path(class, through(points), points, None);
    }

    /// An area with `points` as its corners.
    pub fn area(&mut self, class: impl Into<String>, points: &[(f64, f64)]) {
        self.path(class, format!("{}Z", through(points)), points, None);
    }

    /// A rectangle from one corner to the opposite one.
    pub fn rectangle(
        &mut self,
        class: impl Into<String>,
        (x, y): (f64, f64),
        (to_x, to_y): (f64, f64),
    ) {
        self.area(class, &[(x, y), (to_x, y), (to_x, to_y), (x, to_y)]);
    }

    /// A point of a form, so many pixels from its middle to its edge.
    pub fn mark(
        &mut self,
        class: impl Into<String>,
        form: Form,
        (x, y): (f64, f64),
        radius: f64,
        says: Option<String>,
    ) {
        let r = radius;
        let corners = |points: &[(f64, f64)]| {
            let moved: Vec<(f64, f64)> =
                points.iter().map(|(a, b)| (x + a * r, y + b * r)).collect();
            format!("{}Z", through(&moved))
        };
        let d = match form {
            Form::Disc => {
                let (left, r, y) = (pixels(x - r), pixels(r), pixels(y));
                let right = pixels(x + radius);
                format!("M{left} {y}A{r} {r} 0 1 1 {right} {y}A{r} {r} 0 1 1 {left} {y}Z")
            }
            Form::Square => corners(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
            Form::Diamond => corners(&[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)]),
            Form::Up => corners(&[(0.0, -1.2), (1.15, 0.9), (-1.15, 0.9)]),
            Form::Down => corners(&[(0.0, 1.2), (1.15, -0.9), (-1.15, -0.9)]),
            Form::Cross => {
                let stroke = |a: (f64, f64), b: (f64, f64)| {
                    through(&[(x + a.0 * r, y + a.1 * r), (x + b.0 * r, y + b.1 * r)])
                };
                stroke((-1.0, -1.0), (1.0, 1.0)) + &stroke((-1.0, 1.0), (1.0, -1.0))
            }
        };
        self.path(class, d, &[(x, y)], says);
    }

    /// A text.
    pub fn text(
        &mut self,
        class: impl Into<String>,
        anchor: Anchor,
        (x, y): (f64, f64),
        text: impl Into<String>,
    ) {
        if !(x.is_finite() && y.is_finite()) {
            return;
        }
        self.shapes.push(Shape::Text {
            class: class.into(),
            x: pixels(x),
            y: pixels(y),
            anchor: match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            },
            text: text.into(),
        });
    }

    fn path(
        &mut self,
        class: impl Into<String>,
        d: String,
        points: &[(f64, f64)],
        says: Option<String>,
    ) {
        let is_somewhere = |(x, y): &(f64, f64)| x.is_finite() && y.is_finite();
        if !points.is_empty() && points.iter().all(is_somewhere) {
            let class = class.into();
            self.shapes.push(Shape::Path { class, d, says });
        }
    }
}

fn through(points: &[(f64, f64)]) -> String {
    let step = |(index, (x, y)): (usize, &(f64, f64))| {
        let letter = if index == 0 { 'M' } else { 'L' };
        format!("{letter}{} {}", pixels(*x), pixels(*y))
    };
    points.iter().enumerate().map(step).collect()
}

/// A tenth of a pixel is finer than a screen.
fn pixels(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_that_lies_nowhere_is_left_out() {
        let mut drawing = Drawing::new(10.0, 10.0);
        drawing.line("axis", &[(0.0, 1.0), (f64::NAN, 2.0)]);
        drawing.mark("base", Form::Disc, (1.0, f64::INFINITY), 3.0, None);
        drawing.text("tick", Anchor::End, (f64::NAN, 0.0), "x");
        assert!(drawing.shapes.is_empty());
        drawing.line("axis", &[(0.0, 1.0), (3.0, -0.01)]);
        let Some(Shape::Path { d, .. }) = drawing.shapes.first() else {
            panic!("a line is a path");
        };
        assert_eq!(d, "M0 1L3 0");
    }
}
