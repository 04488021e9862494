//! How do boxes in rows and columns stand to 1?

use super::super::svg::{Anchor, Drawing, Room, text_width};
use super::{framed, heat};
use crate::document::chart::{Matrix, MatrixBox, step};
use crate::document::numbers;

/// Pixels from the left edge to the first box, between boxes, and of a box from top to bottom.
const LEFT: f64 = 62.0;
const GAP: f64 = 4.0;
const TALL: f64 = 50.0;
/// Pixels above the boxes, for the names of columns.
const ABOVE: f64 = 42.0;
/// A box is not wider than that.
const WIDEST: f64 = 96.0;

/// A box for each place that has one; `None` where there is none.
pub fn draw(matrix: &Matrix, room: Room) -> Option<Drawing> {
    let distinct = |of: fn(&MatrixBox) -> usize| {
        let mut all: Vec<usize> = matrix.boxes.iter().map(of).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let (rows, columns) = (distinct(|b| b.row), distinct(|b| b.column));
    if rows.is_empty() {
        return None;
    }
    let wide = ((room.width() - LEFT - GAP) / columns.len() as f64).min(WIDEST);
    let height = ABOVE + rows.len() as f64 * TALL + GAP;
    let mut drawing = Drawing::new(room.width(), height);
    drawing.text("title", Anchor::Start, (LEFT, 14.0), matrix.across.clone());
    drawing.text("title", Anchor::Start, (2.0, 32.0), matrix.down.clone());
    let middle = |column: usize| LEFT + (column as f64 + 0.5) * wide;
    let fits = |text: &str| text_width(text) <= wide - GAP;
    for (at, name) in columns.iter().enumerate() {
        let label = name.to_string();
        if fits(&label) {
            // What rows are ends before the first of them.
            let place = (middle(at).max(LEFT + 12.0), 32.0);
            drawing.text("tick", Anchor::Middle, place, label);
        }
    }
    for (at, name) in rows.iter().enumerate() {
        let place = (LEFT - 12.0, ABOVE + at as f64 * TALL + TALL / 2.0 + 4.0);
        drawing.text("tick", Anchor::End, place, name.to_string());
    }
    for one in &matrix.boxes {
        let row = rows.iter().position(|r| *r == one.row)?;
        let column = columns.iter().position(|c| *c == one.column)?;
        let (left, top) = (LEFT + column as f64 * wide, ABOVE + row as f64 * TALL);
        let (from, to) = (
            (left + 2.0, top + 2.0),
            (left + wide - 2.0, top + TALL - 2.0),
        );
        let class = heat(one.ratio.map(|r| step(r, matrix.margin)));
        drawing.rectangle(class, from, to);
        if let Some(frame) = one.frame {
            let (from, to) = ((from.0 + 1.0, from.1 + 1.0), (to.0 - 1.0, to.1 - 1.0));
            drawing.rectangle(framed(frame), from, to);
        }
        let number = one.ratio.map(|r| format!("{r:.2}"));
        let number = number.unwrap_or_else(|| numbers::NOTHING.to_owned());
        let lines: &[&str] = match one.word.as_str() {
            "" => &[&number],
            word => &[&number, word],
        };
        let first = top + TALL / 2.0 + if lines.len() == 2 { -3.0 } else { 4.0 };
        for (line, text) in lines.iter().enumerate() {
            let place = (middle(column), first + line as f64 * 16.0);
            if fits(text) {
                drawing.text("on-part", Anchor::Middle, place, *text);
            }
        }
    }
    Some(drawing)
}
