//! What does a message between two workers cost, and why?

use super::{HopAnswers, HopPart, HopRatio, HopSplit, Part, Told, adds_up, told};
use crate::document::chart::{
    Bar, BarPart, Chart, Form, Ink, Interval, Intervals, Key, Look, Mark, Picture, Stacked, Unit,
    band,
};
use crate::document::{Cell, Detail, Document, Table, Tone, numbers};
use crate::record::{Pinning, Run};
use crate::study::alike::{self, or_nothing, transport};
use crate::study::links::HopLevel;
use crate::verdict::words;
use crate::workload::hop::{ENTRY, Pattern};

/// The two native transports at one size; more of them are folded.
const MANY_SPLITS: usize = 2;

/// Every part of a message's price, in the order of a bar.
const PARTS: [Part; 6] = [
    Part::WakeUp,
    Part::Copy,
    Part::Serialisation,
    Part::AddressSpace,
    Part::Call,
    Part::Rest,
];

pub fn show(run: &Run, out: &mut Document) {
    let Some(hops) = run.finding::<HopAnswers>(ENTRY.name) else {
        return;
    };
    // Beside other questions the split says all that was asked.
    if run.answers.is_empty() {
        levels(&hops, out);
    }
    if !hops.splits.is_empty() {
        split(&hops.splits, out);
    }
    ratios(run, &hops, out);
    // What the smallest messages cost: a sentence for each native transport.
    let smallest = hops.splits.iter().map(|s| s.payload_bytes).min();
    let is_smallest = |s: &&HopSplit| Some(s.payload_bytes) == smallest;
    for split in hops.splits.iter().filter(is_smallest) {
        out.answer("a message", &split.sentence);
    }
}

/// Every transport, by size and placement.
fn levels(hops: &HopAnswers, out: &mut Document) {
    let mut places: Vec<(usize, Pinning)> = Vec::new();
    for level in &hops.levels {
        let place = (level.payload_bytes, level.cpus);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    // Small messages first; where workers run freely before where they are pinned.
    places.sort_by_key(|&(bytes, cpus)| (bytes, cpus as u8));
    for (bytes, cpus) in places {
        let here = |l: &&HopLevel| l.payload_bytes == bytes && l.cpus == cpus;
        let round_trips = hops.levels.iter().filter(here);
        let mut round_trips: Vec<&HopLevel> = round_trips
            .filter(|l| l.pattern == Pattern::PingPong)
            .collect();
        round_trips.sort_by_key(|l| order(l));
        let flood = |level: &HopLevel| {
            hops.levels.iter().filter(here).find(|l| {
                l.pattern == Pattern::Flood
                    && (&l.deployment, &l.transport) == (&level.deployment, &level.transport)
            })
        };
        let titles = [
            "deployment",
            "transport, wait",
            "round trip\np50 µs",
            "\np99 µs",
            "\np99.9 µs",
            "CPU\nµs/message",
            "one way\nmessages/s",
            "\nMiB/s",
        ];
        let title = format!("a message of {}, {}", words::payload(bytes), placed(cpus));
        out.section("messages", title)
            .about("there and back, and one way as fast as they go")
            .detail(Detail::Folded("messages by every transport".to_owned()))
            .table(Table::new(2, titles).rows(round_trips.iter().map(|l| row(l, flood(l)))));
    }
}

fn placed(cpus: Pinning) -> &'static str {
    match cpus {
        Pinning::Free => "where the scheduler puts both ends",
        Pinning::OneCpu => "both ends on one CPU",
        Pinning::OwnCpus => "the ends on two CPUs",
    }
}

/// The zero line first, then threads and processes.
fn order(level: &HopLevel) -> (bool, bool, String) {
    (
        level.transport != "call",
        level.deployment != "threads",
        level.transport.clone(),
    )
}

fn row(level: &HopLevel, flood: Option<&HopLevel>) -> [String; 8] {
    let micros = |ns: Option<f64>| or_nothing(ns, numbers::micros);
    [
        level.deployment.clone(),
        transport(&level.transport),
        micros(level.round_trip_p50_ns),
        micros(level.round_trip_p99_ns),
        micros(level.round_trip_p999_ns),
        numbers::micros(level.cpu_per_message_ns),
        or_nothing(flood, |f| numbers::count(f.messages_per_s)),
        or_nothing(flood, |f| {
            numbers::count(f.bytes_per_s / f64::from(1 << 20))
        }),
    ]
}

/// The price of the native transports, taken apart.
fn split(splits: &[HopSplit], out: &mut Document) {
    let section = out.section("split", "why a message costs what it costs");
    section.about("half a median round trip, native transports");
    if splits.len() > MANY_SPLITS {
        let title = "why messages of each size cost what they cost";
        section.detail(Detail::Folded(title.to_owned()));
    }
    let titles = [
        "size",
        "transport, wait",
        "part",
        "µs",
        "share",
        "measured as",
    ];
    let table = Table::new(3, titles).ends_with_words();
    section.chart(bars(splits));
    section.table(table.rows(splits.iter().flat_map(split_rows)));
    section.quiet(
        "the kernel's own copies and system calls are in the rest: they cannot be told apart from outside. Copy is one copy \
         between two threads; a transport may make several",
    );
    let parts = || {
        splits
            .iter()
            .flat_map(|s| s.parts.iter().map(move |p| (s, p)))
    };
    if parts().any(|(s, p)| is_doubtful(s, p)) {
        section.quiet(
            "?: cannot be told apart here: the interval holds 0 or lies below it, or the part is beyond the price",
        );
    }
    if !splits.iter().all(adds_up) {
        section.quiet("–: the parts of this message do not add up on this machine now");
    }
}

/// Whether the share of a part of a message whose parts add up means nothing.
fn is_doubtful(split: &HopSplit, part: &HopPart) -> bool {
    adds_up(split) && told(split, part) == Told::Not
}

/// The share of a part, marked where it means nothing.
fn share(split: &HopSplit, part: &HopPart) -> String {
    if !adds_up(split) {
        return numbers::NOTHING.to_owned();
    }
    let share = numbers::whole_percent(part.share);
    match is_doubtful(split, part) {
        true => format!("{share} ?"),
        false => share,
    }
}

fn split_rows(split: &HopSplit) -> Vec<[Cell; 6]> {
    let row = |part: &str, time: String, share: String, measured_as: &str| -> [Cell; 6] {
        [
            words::payload(split.payload_bytes).into(),
            transport(&split.transport).into(),
            part.into(),
            time.into(),
            share.into(),
            Cell::from(measured_as).tone(Tone::Quiet),
        ]
    };
    let time = numbers::time(&split.total_ns);
    let total = row("all", time, "100 %".to_owned(), &split.deployment);
    let part = |p: &HopPart| {
        let time = numbers::time(&p.ns);
        row(p.part.name(), time, share(split, p), &p.measured_as)
    };
    std::iter::once(total)
        .chain(split.parts.iter().map(part))
        .collect()
}

/// Whether its interval says that there is something.
fn is_settled(part: &HopPart) -> bool {
    part.ns.low > 0.0 || part.ns.high < 0.0
}

/// A bar for each message, in parts that add up to its price; messages whose parts do not are in the data only.
fn bars(splits: &[HopSplit]) -> Option<Chart> {
    let drawn: Vec<&HopSplit> = splits.iter().filter(|s| adds_up(s)).collect();
    if drawn.is_empty() {
        return None;
    }
    let name = |s: &HopSplit| {
        let (size, way) = (words::payload(s.payload_bytes), transport(&s.transport));
        format!("{size}, {} ({way})", s.deployment)
    };
    let place = |part: Part| PARTS.iter().position(|p| *p == part);
    let bar = |s: &&HopSplit| {
        let (size, time) = (words::payload(s.payload_bytes), numbers::time(&s.total_ns));
        let mut parts: Vec<BarPart> = s
            .parts
            .iter()
            .filter_map(|p| {
                Some(BarPart {
                    part: place(p.part)?,
                    share: p.share,
                    is_settled: is_settled(p),
                })
            })
            .collect();
        parts.sort_by_key(|p| p.part);
        Bar {
            name: format!("{}: {time}", name(s)),
            short: format!("{size} {}: {time}", s.deployment),
            parts,
        }
    };
    let all = || splits.iter().flat_map(|s| &s.parts);
    let own = PARTS
        .iter()
        .enumerate()
        .filter(|(_, part)| all().any(|p| p.part == **part));
    let key = |(at, part): (usize, &Part)| {
        Key::new(Mark::Part(at), format!("{} {}", at + 1, part.name()))
    };
    let mut key: Vec<Key> = own.map(key).collect();
    if all().any(|p| !is_settled(p)) {
        key.push(Key::new(
            Mark::Unsettled,
            "no more than noise: the interval holds 0",
        ));
    }
    let said = splits.iter().map(|s| {
        if !adds_up(s) {
            return format!("{}: its parts do not add up here.", name(s));
        }
        let part = |p: &HopPart| format!("{} {}", p.part.name(), numbers::whole_percent(p.share));
        let parts: Vec<String> = s.parts.iter().map(part).collect();
        format!("{}: {}.", name(s), parts.join(", "))
    });
    let rows = splits.iter().flat_map(|s| {
        let row = move |p: &HopPart| {
            [
                name(s),
                p.part.name().to_owned(),
                numbers::time(&p.ns),
                share(s, p),
            ]
        };
        s.parts.iter().map(row)
    });
    let mut caption = "Shares of half a median round trip; each bar adds up to 100 %. A part left of 0 came out negative: it \
                       is smaller than what else differed between the two things it was measured by. The rest cannot be \
                       taken apart from outside: the kernel's own copies and system calls are in it."
        .to_owned();
    if drawn.len() < splits.len() {
        caption += " Messages whose parts do not add up on this machine now are not drawn.";
    }
    Some(Chart {
        id: "split-parts".to_owned(),
        title: "what one message is made of".to_owned(),
        caption,
        alternative: said.collect::<Vec<_>>().join(" "),
        key,
        picture: Picture::Stacked(Stacked {
            parts: PARTS.map(|p| p.name().to_owned()).to_vec(),
            bars: drawn.iter().map(bar).collect(),
        }),
        label: "parts of a message's price".to_owned(),
        data: Table::new(2, ["message", "part", "time", "share"]).rows(rows),
    })
}

/// The same transport in both deployments: what the address space costs.
fn ratios(run: &Run, hops: &HopAnswers, out: &mut Document) {
    let Some(first) = hops.ratios.first() else {
        return;
    };
    let HopRatio { x, baseline, .. } = first;
    let mut ratios: Vec<&HopRatio> = hops.ratios.iter().collect();
    ratios.sort_by_key(|r| (r.transport.clone(), r.payload_bytes, r.cpus as u8));
    let named = |ratio: &HopRatio| {
        let pattern = match ratio.pattern {
            Pattern::PingPong => "there and back",
            Pattern::Flood | Pattern::Paced(_) => "one way",
        };
        [
            transport(&ratio.transport),
            words::payload(ratio.payload_bytes),
            pattern.to_owned(),
            placed(ratio.cpus).to_owned(),
        ]
    };
    let look = Look::new(Ink::Tie, Form::Diamond);
    let interval = |ratio: &&HopRatio| Interval {
        name: named(ratio).join(", "),
        measured: Some(alike::estimate(&ratio.effect)),
        asked: None,
        text: numbers::ratio(&ratio.effect),
        look,
    };
    let drawn = Intervals {
        title: format!("{x} / {baseline}"),
        unit: Unit::Plain,
        level: Some(1.0),
        band: Some(band(run.margin)),
        rows: ratios.iter().map(interval).collect(),
    };
    let margin = format!("margin of ± {} %", numbers::percent(run.margin));
    let key = vec![
        Key::point(look, "ratio with its interval"),
        Key::new(Mark::Band, margin),
    ];
    let caption = format!(
        "The same transport, the same code, in both deployments, with 95 % intervals. Above 1, {x} are faster: median round \
         trips there and back, messages/s one way."
    );
    let title = "what another address space costs a message".to_owned();
    let row = |r: &&HopRatio| named(r).into_iter().chain([numbers::ratio(&r.effect)]);
    let titles = ["transport, wait", "size", "pattern", "placement", "ratio"];
    out.section("same-transport", "the same transport in two deployments")
        .about(format!(
            "{x} / {baseline}, 95 % interval; above 1, {x} are faster: median round trips there and back, messages/s one way"
        ))
        .chart(Some(drawn.chart("hop-ratios", title, caption, key)))
        .table(Table::new(4, titles).rows(ratios.iter().map(row)));
}

#[cfg(test)]
mod tests {
    use super::super::sentence::tests::{part, split};
    use super::*;

    /// What the section says of a message whose parts besides the wake-up are `rest` wide.
    fn shown(rest: f64, copy: f64) -> String {
        let parts = vec![
            part(Part::WakeUp, 15_000.0, 900.0, 20_000.0),
            part(Part::Copy, copy, 1_000.0, 20_000.0),
            part(Part::Rest, 4_000.0, rest, 20_000.0),
        ];
        let mut out = Document::default();
        super::split(&[split(parts)], &mut out);
        format!("{:?}", out.sections)
    }

    #[test]
    fn a_mark_has_its_line_and_no_line_is_there_without_its_mark() {
        let [settled, doubtful, broken] =
            [(1_500.0, 3_000.0), (1_500.0, 900.0), (15_000.0, 3_000.0)]
                .map(|(rest, copy)| shown(rest, copy));
        for (said, mark, line) in [
            (&settled, false, false),
            (&doubtful, true, false),
            (&broken, false, true),
        ] {
            assert_eq!(said.contains("% ?"), mark, "{said}");
            assert_eq!(said.contains("?: cannot be told"), mark, "{said}");
            assert_eq!(said.contains("–: the parts"), line, "{said}");
        }
    }
}
