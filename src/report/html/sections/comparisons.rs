//! How does one deployment do against another, workload by workload?

use super::super::block::{Block, Section, titled};
use super::super::figures::{comparison_slug, efficiency, rates, ratio};
use crate::record::Run;
use crate::report::terminal::cells::{self, Comparison};

/// A section for each comparison of agents.
pub fn write(run: &Run) -> Vec<Section> {
    let comparisons = Comparison::all(run);
    comparisons.iter().filter_map(|c| section(run, c)).collect()
}

fn section(run: &Run, comparison: &Comparison<'_>) -> Option<Section> {
    let compared = &comparison.0;
    let (title, about, tables) = titled(|page| cells::write_one(run, comparison, page))?;
    let mut blocks: Vec<Block> = Vec::new();
    blocks.extend(
        ratio::figure(run, compared)
            .map(Box::new)
            .map(Block::Figure),
    );
    // First the table of throughput with its notes, then what an op costs.
    let second = tables
        .iter()
        .enumerate()
        .filter(|(_, b)| matches!(b, Block::Table(_)));
    // The line before a table says what it holds.
    let at = second
        .map(|(at, _)| at)
        .nth(1)
        .map_or(tables.len(), |at| at - 1);
    let mut first = tables;
    let costs = first.split_off(at);
    blocks.extend(first);
    blocks.extend(
        rates::figure(run, compared)
            .map(Box::new)
            .map(Block::Figure),
    );
    let efficiency = efficiency::figure(run, compared);
    blocks.extend(efficiency.map(Box::new).map(Block::Figure));
    blocks.extend(costs);
    let id = comparison_slug(compared.first()?);
    Section::of(&id, title, &about, blocks)
}
