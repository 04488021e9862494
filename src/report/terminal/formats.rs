//! What do formats cost, and how much of a hop is that?

use super::{cells, mark, transport};
use crate::record::{Cell, Run};
use crate::report::layout::{Grid, Last, Page, Tone};
use crate::report::numbers;
use crate::study::formats::{BodyAnswer, FormatAnswers, FormatCost, NAME, StepCost};
use crate::verdict::words;

pub fn write(run: &Run, page: &mut Page) {
    let Some(formats) = run.finding::<FormatAnswers>(NAME) else {
        return;
    };
    if formats.bodies.is_empty() {
        return;
    }
    let mark = mark(run);
    page.heading(
        &format!("what a body costs in each format{mark}"),
        "one agent, one thread; nothing is sent",
    );
    page.grid(&costs(&formats));
    let note = "time of one body, mean and 95 % interval; decoding is over when every value was read. Allocations: \
                how many an encoding and a decoding make, into a buffer that is large enough. The zero line, \
                handover, holds what the loop around an op takes";
    page.paragraph(2, Tone::Quiet, note);
    page.heading(
        &format!("how many times as fast as JSON, and part of a message's price{mark}"),
        "95 % intervals",
    );
    page.grid(&ratios(&formats));
    if !transports(&formats).is_empty() {
        let note = "part of a message's price: (encode + decode) / (encode + decode + one hop), with the hop \
                    below; the hop carries as many bytes for each format: those of the values";
        page.paragraph(2, Tone::Quiet, note);
        page.heading(
            &format!("one hop of the size of each body, between processes{mark}"),
            "half a median round trip, without any format",
        );
        page.grid(&hops(&formats));
    }
    let is_asked = |c: &&Cell| c.study == NAME;
    for note in cells::dropped(run.cells.iter().filter(is_asked)) {
        page.paragraph(2, Tone::Caution, &note);
    }
}

/// Every format of every body.
fn rows(
    formats: &FormatAnswers,
    row: impl Fn(&BodyAnswer, &FormatCost) -> Vec<String>,
) -> Vec<Vec<String>> {
    let of_body = |answer: &BodyAnswer| -> Vec<Vec<String>> {
        answer
            .formats
            .iter()
            .map(|cost| row(answer, cost))
            .collect()
    };
    formats.bodies.iter().flat_map(of_body).collect()
}

fn costs(formats: &FormatAnswers) -> Grid {
    let row = |answer: &BodyAnswer, cost: &FormatCost| {
        vec![
            answer.body.clone(),
            cost.format.clone(),
            numbers::time(&cost.encode.ns),
            numbers::time(&cost.decode.ns),
            bytes(cost.bytes),
            format!("{} / {}", times(&cost.encode), times(&cost.decode)),
        ]
    };
    Grid {
        left: 2,
        header: [
            "body",
            "format",
            "encode",
            "decode",
            "bytes",
            "allocations\nencode / decode",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: rows(formats, row),
        last: Last::Numbers,
    }
}

/// Bytes of a message, all digits; nothing where nothing is written.
fn bytes(count: f64) -> String {
    match count {
        c if c > 0.0 => format!("{c:.0}"),
        _ => numbers::NOTHING.to_owned(),
    }
}

fn times(step: &StepCost) -> String {
    let counted = step.allocations.map(|a| numbers::count(a.times));
    counted.unwrap_or_else(|| numbers::NOTHING.to_owned())
}

fn ratios(formats: &FormatAnswers) -> Grid {
    let transports = transports(formats);
    let of_json = |step: &StepCost| {
        let times = step.times_json.as_ref();
        times.map_or_else(|| numbers::NOTHING.to_owned(), numbers::factor)
    };
    let row = |answer: &BodyAnswer, cost: &FormatCost| {
        let share = |transport: &String| {
            let mut shares = cost.shares.iter();
            shares
                .find(|s| s.transport == *transport)
                .map_or_else(|| numbers::NOTHING.to_owned(), |s| numbers::share(&s.share))
        };
        let first = [
            answer.body.clone(),
            cost.format.clone(),
            of_json(&cost.encode),
            of_json(&cost.decode),
        ];
        first
            .into_iter()
            .chain(transports.iter().map(share))
            .collect()
    };
    let titles = ["body", "format", "encode\ntimes JSON", "decode\ntimes JSON"];
    let by = transports.iter().map(|t| format!("of a message\nby {t}"));
    Grid {
        left: 2,
        header: titles.map(str::to_owned).into_iter().chain(by).collect(),
        rows: rows(formats, row),
        last: Last::Numbers,
    }
}

/// The transports that formats are held against, each once.
fn transports(formats: &FormatAnswers) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for hop in formats.bodies.iter().flat_map(|b| &b.hops) {
        if !found.contains(&hop.transport) {
            found.push(hop.transport.clone());
        }
    }
    found
}

fn hops(formats: &FormatAnswers) -> Grid {
    let transports = transports(formats);
    let row = |answer: &BodyAnswer| {
        let price = |name: &String| {
            let mut hops = answer.hops.iter();
            hops.find(|h| h.transport == *name)
                .map_or_else(|| numbers::NOTHING.to_owned(), |h| numbers::time(&h.ns))
        };
        let first = [answer.body.clone(), words::payload(answer.values_bytes)];
        first
            .into_iter()
            .chain(transports.iter().map(price))
            .collect()
    };
    Grid {
        left: 2,
        header: ["body", "size"]
            .map(str::to_owned)
            .into_iter()
            .chain(transports.iter().map(|t| transport(t)))
            .collect(),
        rows: formats.bodies.iter().map(row).collect(),
        last: Last::Numbers,
    }
}

/// What each body says.
pub fn sentences(run: &Run) -> Vec<String> {
    let found: Option<FormatAnswers> = run.finding(NAME);
    let bodies = found.iter().flat_map(|f| &f.bodies);
    bodies.map(|b| b.sentence.clone()).collect()
}
