//! What do messages cost, and why?

use super::super::block::{Block, Key, Section, blocks_of};
use super::super::figures::forest::{self, Forest, Row};
use super::super::figures::split;
use super::super::svg::Form;
use crate::record::{Estimate, Run};
use crate::report::numbers;
use crate::report::terminal::{costs, hops, mark, transport};
use crate::study::message::HopRatio;
use crate::verdict::words;
use crate::workload::hop::Pattern;

/// The price of messages in workloads, what one is made of, and the same transport in both
/// deployments.
pub fn write(run: &Run) -> Vec<Section> {
    let mut blocks = blocks_of(|page| costs::messages(run, page));
    let found = hops::found(run);
    let splits = found.as_ref().map_or(&[][..], |h| &h.splits);
    let of_split = split::figure(run, splits).map(Box::new).map(Block::Figure);
    let tables = blocks_of(|page| hops::write(run, page));
    let of_ratios = ratios(run).map(Block::Figure);
    // The picture stands before the table that says the same.
    let is_split =
        |b: &Block| matches!(b, Block::Title { text, .. } if text.starts_with("why a message"));
    let is_ratios = |b: &Block| matches!(b, Block::Title { text, .. } if text.starts_with("the same transport"));
    let (mut of_split, mut of_ratios) = (of_split, of_ratios);
    for block in tables {
        let picture = match &block {
            b if is_split(b) => of_split.take(),
            b if is_ratios(b) => of_ratios.take(),
            _ => None,
        };
        blocks.push(block);
        blocks.extend(picture);
    }
    blocks.extend(of_split);
    blocks.extend(of_ratios);
    Section::of("messages", "Messages", "", blocks)
        .into_iter()
        .collect()
}

fn ratios(run: &Run) -> Option<Box<super::super::block::Figure>> {
    let found = hops::found(run);
    let mut ratios: Vec<&HopRatio> = found.iter().flat_map(|h| &h.ratios).collect();
    let first = *ratios.first()?;
    ratios.sort_by_key(|r| (r.transport.clone(), r.payload_bytes, r.cpus as u8));
    let row = |ratio: &&HopRatio| {
        let pattern = match ratio.pattern {
            Pattern::PingPong => "there and back",
            Pattern::Flood | Pattern::Paced(_) => "one way",
        };
        let e = &ratio.effect;
        Row {
            name: format!(
                "{}, {}, {pattern}, {}",
                transport(&ratio.transport),
                words::payload(ratio.payload_bytes),
                hops::placed(ratio.cpus)
            ),
            measured: Some(Estimate {
                value: e.ratio,
                low: e.low,
                high: e.high,
            }),
            asked: None,
            text: numbers::ratio(e),
            look: ("tie mark", Form::Diamond),
        }
    };
    let margin = (1.0 / (1.0 + run.margin), 1.0 + run.margin);
    forest::figure(Forest {
        id: "hop-ratios".to_owned(),
        title: format!("what another address space costs a message{}", mark(run)),
        caption: format!(
            "The same transport, the same code, in both deployments, with 95 % intervals. Above 1, {} are \
             faster: median round trips there and back, messages/s one way.",
            first.x
        ),
        axis: format!("{} / {}", first.x, first.baseline),
        level: Some((1.0, Some(margin))),
        label: forest::PLAIN,
        key: vec![
            Key::of_mark("tie mark", Form::Diamond, "ratio with its interval"),
            Key::of_area("margin", format!("margin of ± {} %", numbers::percent(run.margin))),
        ],
        rows: ratios.iter().map(row).collect(),
    })
    .map(Box::new)
}
