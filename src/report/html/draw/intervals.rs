//! How do intervals of many things lie beside each other?

use super::super::plot::{Range, labelled};
use super::super::svg::{Anchor, Drawing, Room, shortened, text_width};
use super::{REACH, class};
use crate::document::chart::{Intervals, Spread};

const STEP: f64 = 42.0;
/// Pixels of a line of text.
const LINE: f64 = 16.0;
const BELOW: f64 = 46.0;

/// An interval for each thing, one below the other, by factors.
pub fn draw(of: &Intervals, room: Room) -> Option<Drawing> {
    let measured = || of.rows.iter().filter_map(|r| r.measured.as_ref());
    let values = measured().map(|e| e.value);
    let asked = of.rows.iter().filter_map(|r| r.asked);
    let band = of.band.into_iter().flat_map(|(low, high)| [low, high]);
    let fixed: Vec<f64> = values.chain(asked).chain(of.level).chain(band).collect();
    let inner = Range::of(Spread::Factors, fixed.iter().copied(), 0.0)?;
    let limits = (inner.low / REACH, inner.high * REACH);
    let ends = measured().flat_map(|e| [e.low, e.high]);
    let ends = ends.map(|v| v.clamp(limits.0, limits.1));
    let range = Range::of(Spread::Factors, ends.chain(fixed), 0.06)?;
    let (left, right) = (14.0, room.width() - 22.0);
    // An interval may reach below 0, where factors end.
    let place = |value: f64| range.place(value.max(range.low / 2.0));
    let x = |value: f64| left + place(value).clamp(0.0, 1.0) * (right - left);
    // Where there is little room a name may take a line of its own.
    let step = STEP + room.pick(0.0, LINE);
    let height = of.rows.len() as f64 * step + BELOW;
    let bottom = height - BELOW + 4.0;
    let mut drawing = Drawing::new(room.width(), height);
    if let Some((low, high)) = of.band {
        drawing.rectangle("margin", (x(low), 2.0), (x(high), bottom));
    }
    let mut free_from = 0.0;
    for (value, label) in labelled(of.unit, range.ticks(room.pick(7, 4))) {
        let at = x(value);
        drawing.line("grid", &[(at, 2.0), (at, bottom)]);
        let half = text_width(&label) / 2.0;
        if at - half >= free_from && at + half <= room.width() {
            drawing.text("tick", Anchor::Middle, (at, bottom + 16.0), label);
            free_from = at + half + 6.0;
        }
    }
    if let Some(level) = of.level {
        drawing.line("one", &[(x(level), 2.0), (x(level), bottom)]);
    }
    for (index, row) in of.rows.iter().enumerate() {
        let top = index as f64 * step + 16.0;
        let whole = format!("{}: {}", row.name, row.text);
        let lines = match text_width(&whole) < right - left || room == Room::Wide {
            true => vec![whole],
            false => vec![row.name.clone(), row.text.clone()],
        };
        for (line, text) in lines.iter().enumerate() {
            let at = (left, top + line as f64 * LINE);
            drawing.text("title", Anchor::Start, at, shortened(text, right - left));
        }
        let y = index as f64 * step + step - 12.0;
        if let Some(asked) = row.asked {
            drawing.line("asked", &[(x(asked), y - 7.0), (x(asked), y + 7.0)]);
        }
        let Some(e) = &row.measured else { continue };
        drawing.line("interval", &[(x(e.low), y), (x(e.high), y)]);
        for (end, way) in [(e.low, 1.0), (e.high, -1.0)] {
            let at = x(end);
            match (0.0..=1.0).contains(&place(end)) {
                true => drawing.line("interval", &[(at, y - 5.0), (at, y + 5.0)]),
                false => {
                    let back = at + way * 6.0;
                    drawing.line("interval", &[(back, y - 4.0), (at, y), (back, y + 4.0)]);
                }
            }
        }
        let says = Some(row.text.clone());
        drawing.mark(class(row.look), row.look.form, (x(e.value), y), 5.0, says);
    }
    let place = (right, height - 8.0);
    drawing.text("title", Anchor::End, place, of.title.clone());
    Some(drawing)
}
