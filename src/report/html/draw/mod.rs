//! How is each kind of picture drawn?
//!
//! | file | question |
//! |---|---|
//! | `lines` | where do points and lines lie on planes? |
//! | `intervals` | how do intervals of many things lie beside each other? |
//! | `stacked` | what is a whole made of? |
//! | `matrix` | how do boxes in rows and columns stand to 1? |

mod intervals;
mod lines;
mod matrix;
mod stacked;

use super::svg::{Drawing, Room};
use crate::document::chart::{Fill, Frame, Ink, Join, Look, Mark, Picture};
use crate::record::Side;

/// Intervals are drawn no further than this factor beyond the outermost values: one that is all noise must not press
/// all others flat.
const REACH: f64 = 2.5;

/// A picture; `None` where there is nothing to draw.
pub fn picture(picture: &Picture, room: Room) -> Option<Drawing> {
    match picture {
        Picture::Lines(planes) => lines::draw(planes, room),
        Picture::Intervals(intervals) => intervals::draw(intervals, room),
        Picture::Stacked(stacked) => stacked::draw(stacked, room),
        Picture::Matrix(matrix) => matrix::draw(matrix, room),
    }
}

/// A mark of a key.
pub fn mark(mark: Mark) -> Drawing {
    let mut drawing = Drawing::new(28.0, 16.0);
    let across = [(0.0, 8.0), (28.0, 8.0)];
    let mut area = |class: String| drawing.rectangle(class, (2.0, 2.0), (26.0, 14.0));
    match mark {
        Mark::Band => area("margin".to_owned()),
        Mark::PlaneBand => area("cell-interval".to_owned()),
        Mark::Area(ink) => area(format!("{} area", colour(ink))),
        Mark::Part(at) => area(part(at)),
        Mark::Unsettled => area("unsettled".to_owned()),
        Mark::Step(step) => area(heat(Some(step))),
        Mark::Frame(frame) => area(framed(frame).to_owned()),
        Mark::Level => drawing.line("one", &across),
        Mark::Asked => drawing.line("asked", &[(14.0, 1.0), (14.0, 15.0)]),
        Mark::Point(look) => drawing.mark(class(look), look.form, (14.0, 8.0), 4.5, None),
        Mark::Line(look) => {
            drawing.line(format!("{} line", colour(look.ink)), &across);
            drawing.mark(class(look), look.form, (14.0, 8.0), 4.0, None);
        }
    }
    drawing
}

/// The class of a point.
fn class(look: Look) -> String {
    let fill = match look.fill {
        Fill::Full => "mark",
        Fill::Hollow => "hollow",
        Fill::Faint => "faint",
    };
    format!("{} {fill}", colour(look.ink))
}

/// The class of a line; `None` where there is none.
fn stroke(join: Join) -> Option<&'static str> {
    match join {
        Join::None => None,
        Join::Thread => Some("thread"),
        Join::Side(Side::Baseline) => Some("base line"),
        Join::Side(Side::X) => Some("other line"),
    }
}

fn colour(ink: Ink) -> &'static str {
    match ink {
        Ink::Base => "base",
        Ink::Other => "other",
        Ink::Tie => "tie",
        Ink::Open => "open",
        Ink::Fault => "fault",
    }
}

/// The class of a part of a bar.
fn part(at: usize) -> String {
    format!("part part-{}", at + 1)
}

/// The class of a box.
fn heat(step: Option<i8>) -> String {
    match step {
        None => "heat empty".to_owned(),
        Some(0) => "heat same".to_owned(),
        Some(more @ 1..) => format!("heat more-{more}"),
        Some(less) => format!("heat less-{}", -less),
    }
}

fn framed(frame: Frame) -> &'static str {
    match frame {
        Frame::Best => "frame best",
        Frame::Maybe => "frame maybe",
    }
}
