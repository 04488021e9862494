//! What is a whole made of?

use super::super::svg::{Anchor, Drawing, Room, shortened, text_width};
use super::part;
use crate::document::chart::{Bar, BarPart, Stacked};
use crate::document::numbers;

const BAR: f64 = 22.0;
const STEP: f64 = 52.0;

/// A bar for each whole, in parts that add up to it; parts below 0 lie left of its begin.
pub fn draw(stacked: &Stacked, room: Room) -> Option<Drawing> {
    let sum = |bar: &Bar, is_own: fn(f64) -> bool| -> f64 {
        bar.parts
            .iter()
            .map(|p| p.share)
            .filter(|s| is_own(*s))
            .sum()
    };
    let bars = &stacked.bars;
    let low = bars
        .iter()
        .map(|b| sum(b, |s| s <= 0.0))
        .min_by(f64::total_cmp)?
        .min(0.0);
    let high = bars.iter().map(|b| sum(b, |s| s > 0.0)).fold(1.0, f64::max);
    let (left, right) = (16.0, room.width() - 26.0);
    let x = |share: f64| left + (share - low) / (high - low) * (right - left);
    let height = bars.len() as f64 * STEP + 34.0;
    let bottom = height - 30.0;
    let mut drawing = Drawing::new(room.width(), height);
    for share in [0.0, 0.5, 1.0] {
        drawing.line("grid", &[(x(share), 4.0), (x(share), bottom)]);
        let label = format!("{:.0} %", share * 100.0);
        drawing.text("tick", Anchor::Middle, (x(share), bottom + 18.0), label);
    }
    for (index, bar) in bars.iter().enumerate() {
        let top = index as f64 * STEP + 22.0;
        let title = shortened(room.pick(&bar.name, &bar.short), right - left);
        drawing.text("title", Anchor::Start, (left, top - 6.0), title);
        let (mut rightmost, mut leftmost) = (0.0, 0.0);
        for one in &bar.parts {
            if !one.share.is_finite() || one.share == 0.0 {
                continue;
            }
            let end = match one.share > 0.0 {
                true => &mut rightmost,
                false => &mut leftmost,
            };
            let (from, to) = (x(*end), x(*end + one.share));
            *end += one.share;
            let (from, to) = (from.min(to), from.max(to));
            drawing.rectangle(part(one.part), (from, top), (to, top + BAR));
            if !one.is_settled {
                drawing.rectangle("unsettled", (from, top), (to, top + BAR));
            }
            if let Some(label) = label(stacked, one, to - from) {
                let place = ((from + to) / 2.0, top + BAR / 2.0 + 4.0);
                drawing.text("on-part", Anchor::Middle, place, label);
            }
        }
        drawing.line("axis", &[(x(0.0), top - 2.0), (x(0.0), top + BAR + 2.0)]);
    }
    Some(drawing)
}

/// As much as fits: name and share, the name, or the number that stands for it in the key.
fn label(stacked: &Stacked, part: &BarPart, room: f64) -> Option<String> {
    let name = stacked.parts.get(part.part)?;
    let whole = format!("{name} {}", numbers::whole_percent(part.share));
    let labels = [whole, name.clone(), (part.part + 1).to_string()];
    labels
        .into_iter()
        .find(|text| text_width(text) + 6.0 < room)
}
