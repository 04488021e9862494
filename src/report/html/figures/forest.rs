//! How do intervals of many things lie beside each other?

use super::super::block::{Figure, Key, Table, both};
use super::super::plot::{Range, Spread, plain};
use super::super::svg::{Anchor, Drawing, Form, Room, shortened, text_width};
use crate::record::Estimate;

/// One thing and its interval.
pub struct Row {
    /// Its name.
    pub name: String,
    /// The interval; `None` where nothing was measured.
    pub measured: Option<Estimate>,
    /// The value that it should have, where that is known.
    pub asked: Option<f64>,
    /// The interval in words.
    pub text: String,
    /// Class and form of its point.
    pub look: (&'static str, Form),
}

/// What the intervals are about.
pub struct Forest {
    /// What a link to the figure ends with.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What is drawn.
    pub caption: String,
    /// What the values are, with the unit.
    pub axis: String,
    /// A value that all are held against, and a band about it.
    pub level: Option<(f64, Option<(f64, f64)>)>,
    /// How a value is written at the axis.
    pub label: fn(Vec<f64>) -> Vec<(f64, String)>,
    /// What the marks mean.
    pub key: Vec<Key>,
    /// The things.
    pub rows: Vec<Row>,
}

/// Values as they are.
pub const PLAIN: fn(Vec<f64>) -> Vec<(f64, String)> = plain;

/// An interval for each thing, one below the other, by factors.
pub fn figure(forest: Forest) -> Option<Figure> {
    let (wide, narrow) = both(|room| draw(&forest, room))?;
    let has_asked = forest.rows.iter().any(|r| r.asked.is_some());
    let row = |r: &Row| {
        let mut row = vec![r.name.clone(), r.text.clone()];
        if has_asked {
            let asked = r.asked.map_or("–".to_owned(), |a| format!("{a:.3}"));
            row.insert(1, asked);
        }
        row
    };
    let rows: Vec<Vec<String>> = forest.rows.iter().map(row).collect();
    let said: Vec<String> = rows.iter().map(|r| r.join(" ")).collect();
    let header: &[&str] = match has_asked {
        true => &["what", "asked", "measured"],
        false => &["what", "measured"],
    };
    Some(Figure {
        id: forest.id,
        alternative: format!("{}: {}.", forest.axis, said.join("; ")),
        data: Table::data(&forest.title, 1, header, rows),
        title: forest.title,
        caption: forest.caption,
        key: forest.key,
        wide,
        narrow,
    })
}

const STEP: f64 = 42.0;
/// Pixels of a line of text.
const LINE: f64 = 16.0;
const BELOW: f64 = 46.0;

fn draw(forest: &Forest, room: Room) -> Option<Drawing> {
    let measured = || forest.rows.iter().filter_map(|r| r.measured.as_ref());
    let values = measured().map(|e| e.value);
    let asked = forest.rows.iter().filter_map(|r| r.asked);
    let level = forest.level.iter().map(|(level, _)| *level);
    let band = forest.level.iter().filter_map(|(_, band)| *band);
    let band = band.flat_map(|(low, high)| [low, high]);
    let fixed: Vec<f64> = values.chain(asked).chain(level).chain(band).collect();
    let inner = Range::of(Spread::Factors, fixed.iter().copied(), 0.0)?;
    // As for ratios: one interval that is all noise must not press the others flat.
    let limits = (inner.low / 2.5, inner.high * 2.5);
    let ends = measured().flat_map(|e| [e.low, e.high]);
    let ends = ends.map(|v| v.clamp(limits.0, limits.1));
    let range = Range::of(Spread::Factors, ends.chain(fixed), 0.06)?;
    let (left, right) = (14.0, room.width() - 22.0);
    // An interval may reach below 0, where factors end.
    let place = |value: f64| range.place(value.max(range.low / 2.0));
    let x = |value: f64| left + place(value).clamp(0.0, 1.0) * (right - left);
    // Where there is little room a name may take a line of its own.
    let step = STEP + room.pick(0.0, LINE);
    let height = forest.rows.len() as f64 * step + BELOW;
    let bottom = height - BELOW + 4.0;
    let mut drawing = Drawing::new(room.width(), height);
    if let Some((_, Some((low, high)))) = forest.level {
        drawing.rectangle("margin", (x(low), 2.0), (x(high), bottom));
    }
    let mut free_from = 0.0;
    for (value, label) in (forest.label)(range.ticks(room.pick(7, 4))) {
        let at = x(value);
        drawing.line("grid", &[(at, 2.0), (at, bottom)]);
        let half = text_width(&label) / 2.0;
        if at - half >= free_from && at + half <= room.width() {
            drawing.text("tick", Anchor::Middle, (at, bottom + 16.0), label);
            free_from = at + half + 6.0;
        }
    }
    if let Some((level, _)) = forest.level {
        drawing.line("one", &[(x(level), 2.0), (x(level), bottom)]);
    }
    for (index, row) in forest.rows.iter().enumerate() {
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
        let (class, form) = row.look;
        drawing.mark(class, form, (x(e.value), y), 5.0, Some(row.text.clone()));
    }
    drawing.text(
        "title",
        Anchor::End,
        (right, height - 8.0),
        forest.axis.clone(),
    );
    Some(drawing)
}
