//! What do memory and setup cost?

use super::super::block::{Block, Figure, Section, capitalised, titled};
use super::super::figures;
use crate::record::{Answer, Run};
use crate::report::layout::Page;
use crate::report::terminal::costs;

/// Bytes per agent.
pub fn memory(run: &Run) -> Vec<Section> {
    with_figures(run, "memory", costs::memory, figures::memory::figure)
}

/// Time to start, and when it has paid for itself.
pub fn setup(run: &Run) -> Vec<Section> {
    with_figures(run, "setup", costs::setup, figures::setup::figure)
}

fn with_figures(
    run: &Run,
    id: &str,
    write: fn(&Run, &mut Page),
    figure: fn(&Run, &Answer) -> Option<Figure>,
) -> Vec<Section> {
    let Some((title, about, tables)) = titled(|page| write(run, page)) else {
        return Vec::new();
    };
    let figures = run.answers.iter().filter_map(|answer| figure(run, answer));
    let mut blocks: Vec<Block> = figures.map(Box::new).map(Block::Figure).collect();
    blocks.extend(tables);
    Section::of(id, capitalised(&title), &about, blocks)
        .into_iter()
        .collect()
}
