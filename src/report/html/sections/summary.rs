//! What is the answer?

use super::super::block::{Block, Said, Section, Table, capitalised};
use crate::record::{Run, Verdict};
use crate::report::terminal::{
    close, delivery, formats, hops, latency, mixes, probes, scale, scaling,
};
use crate::study::about;
use crate::verdict::{BUSY_LABEL, WITHHELD_LABEL};

/// The sentences of the record, each with the labels without which it must not travel.
pub fn write(run: &Run) -> Vec<Section> {
    let mut blocks = Vec::new();
    for decision in &run.decisions {
        blocks.push(Block::Said(Said {
            title: about(decision),
            short: decision.crossover.clone(),
            text: capitalised(&decision.advice),
            labels: labels(run),
        }));
        if !decision.beside.is_empty() {
            blocks.push(Block::List {
                items: decision.beside.clone(),
            });
        }
    }
    if let Some(grid) = close::other_deployments(run) {
        blocks.push(Block::Text {
            tone: "quiet",
            text: capitalised(close::OTHERS),
        });
        blocks.push(Block::Table(Table::of("the other deployments", &grid)));
    }
    let others = [
        ("probes", probes::sentences(run)),
        ("a message", hops::sentences(run)),
        ("delivery", delivery::sentences(run)),
        ("formats", formats::sentences(run)),
        ("relays", scale::sentences(run)),
        ("latency", latency::sentences(run)),
        ("mixes", mixes::sentences(run)),
        ("long windows", scaling::sentences(run)),
    ];
    for (title, sentences) in others {
        blocks.extend(sentences.iter().enumerate().map(|(at, sentence)| {
            Block::Said(Said {
                // Sentences of one kind stand under one title.
                title: if at == 0 { title } else { "" }.to_owned(),
                short: String::new(),
                text: sentence.clone(),
                labels: labels(run),
            })
        }));
    }
    if blocks.is_empty() {
        blocks.push(Block::Text {
            tone: "plain",
            text: "nothing was compared, so there is no answer".to_owned(),
        });
    }
    let is_open = |c: &crate::record::Cell| c.is_comparison() && c.verdict == Verdict::Inconclusive;
    if run.cells.iter().any(is_open) {
        blocks.push(Block::Text {
            tone: "quiet",
            text: "Inconclusive is not a tie: the interval reaches across the margin; more time or a quieter \
                   machine narrows it."
                .to_owned(),
        });
    }
    Section::of("summary", "The answer", "", blocks)
        .into_iter()
        .collect()
}

/// What stands before every sentence of this run.
pub fn labels(run: &Run) -> Vec<String> {
    let withheld = run.withheld.as_ref().map(|_| WITHHELD_LABEL.to_owned());
    let busy = run.busy.as_ref().map(|_| BUSY_LABEL.to_owned());
    withheld.into_iter().chain(busy).collect()
}
