//! Which mix of processes and threads is best, and what do more agents make of op/s?

use super::super::block::{Block, Section, capitalised, titled};
use super::super::figures;
use crate::record::Run;
use crate::report::terminal;

/// The map of mixes.
pub fn map(run: &Run) -> Vec<Section> {
    let Some((title, about, tables)) = titled(|page| terminal::mixes::write(run, page)) else {
        return Vec::new();
    };
    let picture = figures::mixes::figure(run).map(Box::new);
    let mut blocks: Vec<Block> = picture.map(Block::Figure).into_iter().collect();
    blocks.extend(tables);
    let section = Section::of("mixes", capitalised(&title), &about, blocks);
    section.into_iter().collect()
}

/// How op/s grow with agents; their pictures stand beside the op/s.
pub fn scaling(run: &Run) -> Vec<Section> {
    let Some((title, about, blocks)) = titled(|page| terminal::scaling::write(run, page)) else {
        return Vec::new();
    };
    let section = Section::of("scaling", capitalised(&title), &about, blocks);
    section.into_iter().collect()
}
