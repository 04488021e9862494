//! What did single pairs say, in the order of the run?

use super::super::block::{Block, Section};
use super::super::figures::{drift, pairs};
use crate::record::Run;
use crate::report::terminal::cells::Comparison;

/// The whole run, and the pairs of every comparison.
pub fn write(run: &Run) -> Vec<Section> {
    let whole = [drift::of_ratios(run), drift::of_rates(run)]
        .into_iter()
        .flatten();
    let comparisons = Comparison::all(run);
    let single = comparisons.iter().filter_map(|c| pairs::figure(run, &c.0));
    let figures = whole.chain(single).map(Box::new).map(Block::Figure);
    let about = "what intervals are made of, in the order in which it was measured";
    let section = Section::of("pairs", "Pairs over time", about, figures.collect());
    section.into_iter().collect()
}
