//! What is left out when there is no room for all, and in which order?

use super::{PlanError, PlannedCell};

/// When a cell is left out. Cells of one group leave together, the group of the highest band first and, in a band,
/// that of the highest order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leaves {
    /// Never: the run says nothing without it.
    Never,
    /// Only in a run that is under way, by the times that were measured: the smallest and the largest agent count, that
    /// which takes longest first, and never the last of them.
    AtTheEnds,
    /// With its group.
    With {
        /// What goes first: see [`band`].
        band: u8,
        /// In the band, the highest goes first.
        order: usize,
    },
}

/// What leaves before what; studies of one's own take a number between them.
pub mod band {
    /// What only refines a comparison, and explains nothing: first.
    pub const REFINES: u8 = 90;
    /// The same comparison, measured in another way.
    pub const REPEATS: u8 = 80;
    /// Another quantity of the same comparisons, between its ends.
    pub const ANOTHER_QUANTITY: u8 = 70;
    /// Prices at all but one agent count.
    pub const PRICES: u8 = 60;
    /// Cells of a study that has many, by their order.
    pub const BY_ORDER: u8 = 50;
    /// What only explains the comparisons that stand beside it.
    pub const EXPLAINS: u8 = 40;
    /// Agent counts from the middle: the ends carry the slopes and the headline.
    pub const MIDDLE: u8 = 30;
    /// Prices at the one agent count that is left: last.
    pub const LAST_PRICES: u8 = 20;
}

impl Leaves {
    /// With the group of this order in a band of which order 0 stays.
    #[must_use]
    pub fn by_order(order: usize) -> Leaves {
        match order {
            0 => Leaves::Never,
            order => Leaves::With {
                band: band::BY_ORDER,
                order,
            },
        }
    }

    /// When an agent count goes, of those that are compared, ascending: from the middle to the ends.
    #[must_use]
    pub fn from_the_middle(agents: usize, counts: &[usize]) -> Leaves {
        let mut left = counts.to_vec();
        let mut order = left.len();
        while left.len() > 2 {
            let gone = left.remove(left.len() / 2);
            if gone == agents {
                let band = band::MIDDLE;
                return Leaves::With { band, order };
            }
            order -= 1;
        }
        Leaves::AtTheEnds
    }
}

/// Leaves out cells until `pairs` pairs of each fit `seconds`; returns what was left out, in words.
///
/// # Errors
/// [`PlanError::NoRoom`] when even the cells that stay are too much.
pub fn fit(
    cells: &mut Vec<PlannedCell>,
    pairs: usize,
    seconds: f64,
) -> Result<Vec<String>, PlanError> {
    let left_out = shrink(cells, pairs, seconds, Ends::Stay);
    let needed_s = needed_s(cells, pairs);
    if needed_s > seconds {
        return Err(PlanError::NoRoom {
            budget_s: seconds,
            cells: cells.len(),
            needed_s: needed_s.ceil(),
            option: "--time",
        });
    }
    Ok(left_out)
}

/// What becomes of the smallest and the largest agent count when there is no room for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// They stay, whether they fit or not.
    Stay,
    /// They go, too, the one that takes longest first; one comparison stays: an answer to less is
    /// better than no answer to all.
    MayGo,
}

/// Like [`fit`], for a run that is under way: leaves out what it may, whether that is enough or not.
pub fn shrink(cells: &mut Vec<PlannedCell>, pairs: usize, seconds: f64, ends: Ends) -> Vec<String> {
    let mut left_out = Vec::new();
    while needed_s(cells, pairs) > seconds {
        let groups = cells.iter().map(|c| c.leaves);
        let next = groups.filter(|l| matches!(l, Leaves::With { .. })).max();
        let gone: Box<dyn Fn(&PlannedCell) -> bool> = match next {
            Some(group) => Box::new(move |c| c.leaves == group),
            None => match (ends == Ends::MayGo).then(|| next_end(cells)).flatten() {
                Some(end) => Box::new(move |c| is_end(c) && (c.workload, c.agents) == end),
                None => break,
            },
        };
        left_out.extend(cells.iter().filter(|c| gone(c)).map(|c| c.label.clone()));
        cells.retain(|c| !gone(c));
    }
    left_out
}

/// What so many pairs of each cell take, seconds.
#[must_use]
pub fn needed_s(cells: &[PlannedCell], pairs: usize) -> f64 {
    pairs as f64 * cells.iter().map(|c| c.pair_s).sum::<f64>()
}

fn is_end(cell: &PlannedCell) -> bool {
    cell.leaves == Leaves::AtTheEnds
}

/// Workload and agent count of the end that goes next, that which takes longest: so most comparisons stay. None when
/// one is left.
fn next_end(cells: &[PlannedCell]) -> Option<(usize, usize)> {
    let mut ends: Vec<((usize, usize), f64)> = Vec::new();
    for cell in cells.iter().filter(|c| is_end(c)) {
        let key = (cell.workload, cell.agents);
        match ends.iter_mut().find(|(k, _)| *k == key) {
            Some((_, pairs_s)) => *pairs_s += cell.pair_s,
            None => ends.push((key, cell.pair_s)),
        }
    }
    let longest = ends.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let &(end, _) = longest.filter(|_| ends.len() > 1)?;
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_go_from_the_middle_and_the_ends_stay() {
        let counts = [1, 2, 4, 8, 16, 32];
        let mut all: Vec<(Leaves, usize)> = counts
            .iter()
            .map(|&n| (Leaves::from_the_middle(n, &counts), n))
            .collect();
        all.sort();
        let by_turn: Vec<usize> = all.iter().rev().map(|(_, n)| *n).collect();
        assert_eq!(by_turn[..4], [8, 4, 16, 2]);
        assert_eq!(Leaves::from_the_middle(1, &counts), Leaves::AtTheEnds);
        assert_eq!(Leaves::from_the_middle(7, &[7]), Leaves::AtTheEnds);
        assert!(Leaves::from_the_middle(8, &counts) > Leaves::AtTheEnds);
    }
}
