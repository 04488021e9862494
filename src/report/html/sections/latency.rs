//! How long after its planned start is a step done?

use super::super::block::{Block, Section, blocks_of};
use super::super::figures;
use crate::record::Run;
use crate::report::terminal;

/// A picture and a table for each comparison that was run on an open schedule.
pub fn write(run: &Run) -> Vec<Section> {
    let found = terminal::latency::all(run);
    let mut pictures = found.iter().map(|a| figures::latency::figure(run, a));
    let mut blocks = Vec::new();
    for block in blocks_of(|page| terminal::latency::write(run, page)) {
        // A title for each answer, in their order.
        let is_title = matches!(block, Block::Title { .. });
        blocks.push(block);
        if is_title {
            let picture = pictures.next().flatten();
            blocks.extend(picture.map(Box::new).map(Block::Figure));
        }
    }
    let section = Section::of("latency", "Latency", "", blocks);
    section.into_iter().collect()
}
