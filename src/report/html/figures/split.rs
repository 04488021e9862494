//! What is the price of a message made of?

use super::super::block::{Figure, Key, Table, both};
use super::super::svg::{Anchor, Drawing, Room, shortened, text_width};
use crate::record::Run;
use crate::report::numbers;
use crate::report::terminal::{hops, mark, transport};
use crate::study::message::adds_up;
use crate::study::message::{HopPart, HopSplit, Part};
use crate::verdict::words;

/// Every part with its class, and the number that stands for it where its name does not fit.
const PARTS: [(Part, &str, &str); 6] = [
    (Part::WakeUp, "part wake-up", "1"),
    (Part::Copy, "part copy", "2"),
    (Part::Serialisation, "part serialisation", "3"),
    (Part::AddressSpace, "part address-space", "4"),
    (Part::Call, "part call", "5"),
    (Part::Rest, "part rest", "6"),
];

/// What a reader of the bars has to know.
const CAPTION: &str = "Shares of half a median round trip; each bar adds up to 100 %. A part left of 0 came out \
    negative: it is smaller than what else differed between the two things it was measured \
    by. The rest cannot be taken apart from outside: the kernel's own copies and system calls \
    are in it.";

/// A bar for each message, in parts that add up to its price; messages whose parts do not are in the data only.
pub fn figure(run: &Run, splits: &[HopSplit]) -> Option<Figure> {
    let drawn: Vec<&HopSplit> = splits.iter().filter(|s| adds_up(s)).collect();
    let (wide, narrow) = both(|room| draw(&drawn, room))?;
    let rows: Vec<Vec<String>> = splits
        .iter()
        .flat_map(|split| split.parts.iter().map(move |part| row(split, part)))
        .collect();
    let said: Vec<String> = splits.iter().map(in_words).collect();
    let is_there = |part: Part| splits.iter().flat_map(|s| &s.parts).any(|p| p.part == part);
    let mut key: Vec<Key> = PARTS
        .iter()
        .filter(|(part, _, _)| is_there(*part))
        .map(|(part, class, number)| Key::of_area(class, format!("{number} {}", part.name())))
        .collect();
    if splits.iter().flat_map(|s| &s.parts).any(|p| !is_settled(p)) {
        key.push(Key::of_area(
            "unsettled",
            "no more than noise: the interval holds 0",
        ));
    }
    let mut caption = CAPTION.to_owned();
    if drawn.len() < splits.len() {
        caption += " Messages whose parts do not add up on this machine now are not drawn.";
    }
    Some(Figure {
        id: "split".to_owned(),
        title: format!("what one message is made of{}", mark(run)),
        caption,
        alternative: said.join(" "),
        key,
        wide,
        narrow,
        data: Table::data(
            "parts of a message's price",
            2,
            &["message", "part", "time", "share"],
            rows,
        ),
    })
}

/// Whether its interval says that there is something.
fn is_settled(part: &HopPart) -> bool {
    part.ns.low > 0.0 || part.ns.high < 0.0
}

fn name(split: &HopSplit) -> String {
    format!(
        "{}, {} ({})",
        words::payload(split.payload_bytes),
        split.deployment,
        transport(&split.transport)
    )
}

fn row(split: &HopSplit, part: &HopPart) -> Vec<String> {
    vec![
        name(split),
        part.part.name().to_owned(),
        numbers::time(&part.ns),
        hops::share(split, part),
    ]
}

fn in_words(split: &HopSplit) -> String {
    if !adds_up(split) {
        return format!("{}: its parts do not add up here.", name(split));
    }
    let part = |p: &HopPart| format!("{} {}", p.part.name(), numbers::whole_percent(p.share));
    let parts: Vec<String> = split.parts.iter().map(part).collect();
    format!("{}: {}.", name(split), parts.join(", "))
}

const BAR: f64 = 22.0;
const STEP: f64 = 52.0;

fn draw(splits: &[&HopSplit], room: Room) -> Option<Drawing> {
    if splits.is_empty() {
        return None;
    }
    let reach = |is_right: bool| {
        let of = |split: &&HopSplit| -> f64 {
            let shares = split.parts.iter().map(|p| p.share);
            shares.filter(|s| (*s > 0.0) == is_right).sum()
        };
        splits
            .iter()
            .map(of)
            .fold(0.0, |a: f64, b| if is_right { a.max(b) } else { a.min(b) })
    };
    let (low, high) = (reach(false).min(0.0), reach(true).max(1.0));
    let (left, right) = (16.0, room.width() - 26.0);
    let x = |share: f64| left + (share - low) / (high - low) * (right - left);
    let height = splits.len() as f64 * STEP + 34.0;
    let bottom = height - 30.0;
    let mut drawing = Drawing::new(room.width(), height);
    for share in [0.0, 0.5, 1.0] {
        drawing.line("grid", &[(x(share), 4.0), (x(share), bottom)]);
        let label = format!("{:.0} %", share * 100.0);
        drawing.text("tick", Anchor::Middle, (x(share), bottom + 18.0), label);
    }
    for (index, split) in splits.iter().enumerate() {
        let top = index as f64 * STEP + 22.0;
        let title = match room {
            Room::Wide => format!("{}: {}", name(split), numbers::time(&split.total_ns)),
            Room::Narrow => format!(
                "{} {}: {}",
                words::payload(split.payload_bytes),
                split.deployment,
                numbers::time(&split.total_ns)
            ),
        };
        let title = shortened(&title, right - left);
        drawing.text("title", Anchor::Start, (left, top - 6.0), title);
        let (mut rightmost, mut leftmost) = (0.0, 0.0);
        for (part, class, number) in PARTS {
            let Some(part) = split.parts.iter().find(|p| p.part == part) else {
                continue;
            };
            if !part.share.is_finite() || part.share == 0.0 {
                continue;
            }
            let end = if part.share > 0.0 {
                &mut rightmost
            } else {
                &mut leftmost
            };
            let (from, to) = (x(*end), x(*end + part.share));
            *end += part.share;
            let (from, to) = (from.min(to), from.max(to));
            drawing.rectangle(class, (from, top), (to, top + BAR));
            if !is_settled(part) {
                drawing.rectangle("unsettled", (from, top), (to, top + BAR));
            }
            let whole = format!(
                "{} {}",
                part.part.name(),
                numbers::whole_percent(part.share)
            );
            let fits = |text: &str| text_width(text) + 6.0 < to - from;
            let label = [whole.as_str(), part.part.name(), number]
                .into_iter()
                .find(|t| fits(t));
            if let Some(label) = label {
                let place = ((from + to) / 2.0, top + BAR / 2.0 + 4.0);
                drawing.text("on-part", Anchor::Middle, place, label);
            }
        }
        drawing.line("axis", &[(x(0.0), top - 2.0), (x(0.0), top + BAR + 2.0)]);
    }
    Some(drawing)
}
