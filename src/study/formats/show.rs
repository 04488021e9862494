//! What do formats cost, and how much of a hop is that?

use super::{BodyAnswer, FormatAnswers, FormatCost, NAME, StepCost};
use crate::document::{Detail, Document, Table, numbers};
use crate::record::{Cell, Run};
use crate::study::alike::{self, or_nothing, transport};
use crate::verdict::words;

pub fn show(run: &Run, out: &mut Document) {
    let Some(formats) = run.finding::<FormatAnswers>(NAME) else {
        return;
    };
    if formats.bodies.is_empty() {
        return;
    }
    let folded = || Detail::Folded("every body in every format".to_owned());
    out.section("formats", "what a body costs in each format")
        .about("one agent, one thread; nothing is sent")
        .detail(folded())
        .table(costs(&formats))
        .quiet(
            "time of one body, mean and 95 % interval; decoding is over when every value was read. Allocations: how many an \
             encoding and a decoding make, into a buffer that is large enough. The zero line, handover, holds what the loop \
             around an op takes",
        );
    let title = "how many times as fast as JSON, and part of a message's price";
    let section = out.section("times-json", title);
    section
        .about("95 % intervals")
        .detail(folded())
        .table(ratios(&formats));
    let is_asked = |c: &&Cell| c.study == NAME;
    let notes = alike::dropped(run.cells.iter().filter(is_asked));
    if transports(&formats).is_empty() {
        section.cautions(notes);
    } else {
        section.quiet(
            "part of a message's price: (encode + decode) / (encode + decode + one hop), with the hop below; the hop carries \
             as many bytes for each format: those of the values",
        );
        out.section(
            "hops",
            "one hop of the size of each body, between processes",
        )
        .about("half a median round trip, without any format")
        .detail(folded())
        .table(hops(&formats))
        .cautions(notes);
    }
    for body in &formats.bodies {
        out.answer("formats", &body.sentence);
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

fn costs(formats: &FormatAnswers) -> Table {
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
    let titles = [
        "body",
        "format",
        "encode",
        "decode",
        "bytes",
        "allocations\nencode / decode",
    ];
    Table::new(2, titles).rows(rows(formats, row))
}

/// Bytes of a message, all digits; nothing where nothing is written.
fn bytes(count: f64) -> String {
    match count {
        c if c > 0.0 => format!("{c:.0}"),
        _ => numbers::NOTHING.to_owned(),
    }
}

fn times(step: &StepCost) -> String {
    or_nothing(step.allocations, |a| numbers::count(a.times))
}

fn ratios(formats: &FormatAnswers) -> Table {
    let transports = transports(formats);
    let of_json = |step: &StepCost| or_nothing(step.times_json.as_ref(), numbers::factor);
    let row = |answer: &BodyAnswer, cost: &FormatCost| {
        let share = |transport: &String| {
            let mut shares = cost.shares.iter();
            let own = shares.find(|s| s.transport == *transport);
            or_nothing(own, |s| numbers::share(&s.share))
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
    let titles = titles.map(str::to_owned).into_iter().chain(by);
    Table::new(2, titles).rows(rows(formats, row))
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

fn hops(formats: &FormatAnswers) -> Table {
    let transports = transports(formats);
    let row = |answer: &BodyAnswer| {
        let price = |name: &String| {
            let mut hops = answer.hops.iter();
            let own = hops.find(|h| h.transport == *name);
            or_nothing(own, |h| numbers::time(&h.ns))
        };
        let first = [answer.body.clone(), words::payload(answer.values_bytes)];
        first
            .into_iter()
            .chain(transports.iter().map(price))
            .collect::<Vec<String>>()
    };
    let titles = ["body", "size"].map(str::to_owned);
    let titles = titles
        .into_iter()
        .chain(transports.iter().map(|t| transport(t)));
    Table::new(2, titles).rows(formats.bodies.iter().map(row))
}
