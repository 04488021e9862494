//! Which parts does a page have, in which order?
//!
//! A part is a function of the record that gives sections, none where the record holds nothing for it:
//! there are no empty shells. Tables and notes come from the text report
//! ([`blocks_of`](super::block::blocks_of)), so that both say the same in the same figures.
//!
//! | file | question |
//! |---|---|
//! | `summary` | what is the answer? |
//! | `comparisons` | how does one deployment do against another, workload by workload? |
//! | `pairs` | what did single pairs say, in the order of the run? |
//! | `costs` | what do memory and setup cost? |
//! | `mixes` | which mix of processes and threads is best, and what do more agents make of op/s? |
//! | `latency` | how long after its planned start is a step done? |
//! | `messages` | what do messages cost, and why? |
//! | `around` | what was asked besides: delivery, formats, relays, probes? |
//! | `trust` | do the controls hold, and what was held against the numbers? |
//! | `ground` | on what machine, and what is missing? |
//!
//! # How to add a part
//!
//! Write a function in a file here, and add one line to [`PARTS`] where it belongs. A picture is a file
//! in `figures`.

mod around;
mod comparisons;
mod costs;
mod ground;
mod latency;
mod messages;
mod mixes;
mod pairs;
mod summary;
mod trust;

use std::collections::HashSet;

use super::block::{Block, Section};
use crate::record::Run;
use crate::report::terminal::mark;

/// A part of the page.
type Part = fn(&Run) -> Vec<Section>;

/// Every part, in the order of the page.
const PARTS: &[Part] = &[
    summary::write,
    comparisons::write,
    mixes::map,
    mixes::scaling,
    pairs::write,
    costs::memory,
    costs::setup,
    latency::write,
    messages::write,
    around::delivery,
    around::formats,
    around::relays,
    around::probes,
    trust::controls,
    trust::held,
    ground::machine,
    ground::missing,
];

/// All sections that this record has something for.
pub fn all(run: &Run) -> Vec<Section> {
    let label = mark(run);
    let named = |mut section: Section| {
        // The label stands before each section, and above the list already.
        if let Some(name) = section.title.strip_suffix(&label) {
            section.name = name.to_owned();
        }
        section
    };
    let sections = PARTS.iter().flat_map(|part| part(run)).map(named);
    let mut sections: Vec<Section> = sections.collect();
    tell_apart(&mut sections);
    sections
}

/// Gives every section and picture an id of its own: names that differ only in what a link cannot
/// hold come out alike.
pub(super) fn tell_apart(sections: &mut [Section]) {
    let mut taken = HashSet::new();
    let mut own = |id: &mut String| {
        let wanted = id.clone();
        let mut turn = 1;
        while !taken.insert(id.clone()) {
            turn += 1;
            *id = format!("{wanted}-{turn}");
        }
    };
    for section in sections {
        own(&mut section.id);
        for block in &mut section.blocks {
            if let Block::Figure(figure) = block {
                own(&mut figure.id);
            }
        }
    }
}
