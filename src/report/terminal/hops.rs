//! What does a message between two workers cost, and why?

use super::{mark, transport};
use crate::record::{Pinning, Run};
use crate::report::layout::{Grid, Last, Page, Tone};
use crate::report::numbers;
use crate::study::links::HopLevel;
use crate::study::message::{HopAnswers, HopPart, HopRatio, HopSplit};
use crate::study::message::{Told, adds_up, told};
use crate::verdict::words;
use crate::workload::hop::{ENTRY, Pattern};

pub fn write(run: &Run, page: &mut Page) {
    levels(run, page);
    split(run, page);
    ratios(run, page);
}

/// What the run says of messages between two workers.
pub fn found(run: &Run) -> Option<HopAnswers> {
    run.finding(ENTRY.name)
}

/// Every transport, by size and placement. Beside other questions the split says all that was asked.
pub fn levels(run: &Run, page: &mut Page) {
    let Some(hops) = found(run) else { return };
    if !run.answers.is_empty() {
        return;
    }
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
        let title = format!(
            "a message of {}, {}{}",
            words::payload(bytes),
            placed(cpus),
            mark(run)
        );
        page.heading(&title, "there and back, and one way as fast as they go");
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
        page.grid(&Grid {
            left: 2,
            header: [
                "deployment",
                "transport, wait",
                "round trip\np50 µs",
                "\np99 µs",
                "\np99.9 µs",
                "CPU\nµs/message",
                "one way\nmessages/s",
                "\nMiB/s",
            ]
            .map(str::to_owned)
            .to_vec(),
            rows: round_trips.iter().map(|l| row(l, flood(l))).collect(),
            last: Last::Numbers,
        });
    }
}

pub fn placed(cpus: Pinning) -> &'static str {
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

fn row(level: &HopLevel, flood: Option<&HopLevel>) -> Vec<String> {
    let nothing = || numbers::NOTHING.to_owned();
    let micros = |ns: Option<f64>| ns.map_or_else(nothing, numbers::micros);
    vec![
        level.deployment.clone(),
        transport(&level.transport),
        micros(level.round_trip_p50_ns),
        micros(level.round_trip_p99_ns),
        micros(level.round_trip_p999_ns),
        numbers::micros(level.cpu_per_message_ns),
        flood.map_or_else(nothing, |f| numbers::count(f.messages_per_s)),
        flood.map_or_else(nothing, |f| {
            numbers::count(f.bytes_per_s / f64::from(1 << 20))
        }),
    ]
}

/// The price of the native transports, taken apart.
pub fn split(run: &Run, page: &mut Page) {
    let Some(hops) = found(run) else { return };
    if hops.splits.is_empty() {
        return;
    }
    page.heading(
        &format!("why a message costs what it costs{}", mark(run)),
        "half a median round trip, native transports",
    );
    page.grid(&Grid {
        left: 3,
        header: [
            "size",
            "transport, wait",
            "part",
            "µs",
            "share",
            "measured as",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: hops.splits.iter().flat_map(split_rows).collect(),
        last: Last::Text(|_| Tone::Quiet),
    });
    let note = "the kernel's own copies and system calls are in the rest: they cannot be told apart from outside. \
                Copy is one copy between two threads; a transport may make several";
    page.paragraph(2, Tone::Quiet, note);
    if hops
        .splits
        .iter()
        .any(|s| s.parts.iter().any(|p| is_doubtful(s, p)))
    {
        let note = "?: cannot be told apart here: the interval holds 0 or lies below it, the part is beyond the \
                    price, or the parts of this message do not add up on this machine now";
        page.paragraph(2, Tone::Quiet, note);
    }
}

/// Whether the share of a part means nothing.
fn is_doubtful(split: &HopSplit, part: &HopPart) -> bool {
    !adds_up(split) || told(split, part) == Told::Not
}

/// The share of a part, marked where it means nothing.
pub fn share(split: &HopSplit, part: &HopPart) -> String {
    if !adds_up(split) {
        return numbers::NOTHING.to_owned();
    }
    let share = numbers::whole_percent(part.share);
    match is_doubtful(split, part) {
        true => format!("{share} ?"),
        false => share,
    }
}

fn split_rows(split: &HopSplit) -> Vec<Vec<String>> {
    let size = words::payload(split.payload_bytes);
    let way = transport(&split.transport);
    let total = vec![
        size.clone(),
        way.clone(),
        "all".to_owned(),
        numbers::time(&split.total_ns),
        "100 %".to_owned(),
        split.deployment.clone(),
    ];
    let part = |p: &HopPart| {
        vec![
            size.clone(),
            way.clone(),
            p.part.name().to_owned(),
            numbers::time(&p.ns),
            share(split, p),
            p.measured_as.clone(),
        ]
    };
    std::iter::once(total)
        .chain(split.parts.iter().map(part))
        .collect()
}

/// The same transport in both deployments: what the address space costs.
pub fn ratios(run: &Run, page: &mut Page) {
    let Some(hops) = found(run) else { return };
    let Some(first) = hops.ratios.first() else {
        return;
    };
    let row = |ratio: &HopRatio| {
        let pattern = match ratio.pattern {
            Pattern::PingPong => "there and back",
            Pattern::Flood | Pattern::Paced(_) => "one way",
        };
        vec![
            transport(&ratio.transport),
            words::payload(ratio.payload_bytes),
            pattern.to_owned(),
            placed(ratio.cpus).to_owned(),
            numbers::ratio(&ratio.effect),
        ]
    };
    let mut ratios: Vec<&HopRatio> = hops.ratios.iter().collect();
    ratios.sort_by_key(|r| (r.transport.clone(), r.payload_bytes, r.cpus as u8));
    page.heading(
        &format!("the same transport in two deployments{}", mark(run)),
        &format!(
            "{} / {}, 95 % interval; above 1, {} are faster: median round trips there and back, messages/s one way",
            first.x, first.baseline, first.x
        ),
    );
    page.grid(&Grid {
        left: 4,
        header: ["transport, wait", "size", "pattern", "placement", "ratio"]
            .map(str::to_owned)
            .to_vec(),
        rows: ratios.into_iter().map(row).collect(),
        last: Last::Numbers,
    });
}

/// What the smallest messages cost: a sentence for each native transport.
pub fn sentences(run: &Run) -> Vec<String> {
    let found = found(run);
    let splits = found.iter().flat_map(|h| &h.splits);
    let smallest = splits.clone().map(|s| s.payload_bytes).min();
    splits
        .filter(|s| Some(s.payload_bytes) == smallest)
        .map(|s| s.sentence.clone())
        .collect()
}
