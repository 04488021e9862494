//! From how many agents on does the answer change?

use crate::record::{Cell, Effect, Verdict};

use super::{is_settled, words};

/// What one cell says at its agent count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AtAgents<'a> {
    /// Number of agents.
    pub agents: usize,
    /// What the cell's interval means.
    pub verdict: &'a Verdict,
    /// The effect behind the verdict.
    pub effect: Option<&'a Effect>,
}

impl<'a> From<&'a Cell> for AtAgents<'a> {
    fn from(cell: &'a Cell) -> Self {
        Self {
            agents: cell.agents,
            verdict: &cell.verdict,
            effect: cell.effect.as_ref(),
        }
    }
}

/// Neighbouring agent counts with one settled verdict, nothing unsettled between them.
pub(super) struct Stretch<'a> {
    pub verdict: &'a Verdict,
    /// The cells, ascending, at least one.
    pub cells: Vec<AtAgents<'a>>,
    starts_at_smallest: bool,
    ends_at_largest: bool,
}

impl Stretch<'_> {
    /// Where it holds: `at 4`, `up to 2`, `from 4 on`, `from 4 to 8`. Says "up to" only of a stretch
    /// that begins with one agent, "on" only of one that ends with the largest count measured.
    pub fn place(&self) -> String {
        let (first, last) = (self.first(), self.last());
        match () {
            () if first == last => format!("at {first}"),
            () if self.starts_at_smallest && first == 1 => format!("up to {last}"),
            () if self.ends_at_largest => format!("from {first} on"),
            () => format!("from {first} to {last}"),
        }
    }

    /// [`Stretch::place`] with the word "agents".
    pub fn place_with_unit(&self) -> String {
        let (first, last) = (self.first(), self.last());
        match self.place().strip_suffix(" on") {
            Some(from) => format!("{from} agents on"),
            None if last == 1 => format!("at {}", words::agents(first)),
            None => format!("{} agents", self.place()),
        }
    }

    pub fn is_everything(&self) -> bool {
        self.starts_at_smallest && self.ends_at_largest
    }

    pub fn first(&self) -> usize {
        self.cells[0].agents
    }

    pub fn last(&self) -> usize {
        self.cells[self.cells.len() - 1].agents
    }
}

/// The cells in ascending order of agents.
pub(super) fn ascending<'a>(cells: &[AtAgents<'a>]) -> Vec<AtAgents<'a>> {
    let mut sorted = cells.to_vec();
    sorted.sort_by_key(|c| c.agents);
    sorted
}

/// Settled stretches in ascending order; an unsettled cell ends a stretch.
pub(super) fn stretches<'a>(cells: &[AtAgents<'a>]) -> Vec<Stretch<'a>> {
    let sorted = ascending(cells);
    let last = sorted.len().saturating_sub(1);
    let mut found: Vec<Stretch<'a>> = Vec::new();
    let mut open = false;
    for (place, cell) in sorted.into_iter().enumerate() {
        if !is_settled(cell.verdict) {
            open = false;
            continue;
        }
        match found.last_mut() {
            Some(stretch) if open && stretch.verdict == cell.verdict => {
                stretch.cells.push(cell);
                stretch.ends_at_largest = place == last;
            }
            _ => found.push(Stretch {
                verdict: cell.verdict,
                cells: vec![cell],
                starts_at_smallest: place == 0,
                ends_at_largest: place == last,
            }),
        }
        open = true;
    }
    found
}

/// The crossover of one workload and one deployment X in words, one cell per agent count.
///
/// `tie up to 2 agents, threads from 4 on`; `threads at every agent count measured (1 to 32)`;
/// `processes at 2 agents, tie at 4 and at 32; inconclusive at 8 and 16`. Nothing is claimed across
/// a cell that is inconclusive or was not measured; these are named at the end.
pub fn crossover(cells: &[AtAgents<'_>]) -> String {
    if cells.is_empty() {
        return "no agent count was measured".to_owned();
    }
    let found = stretches(cells);
    let settled = match found.as_slice() {
        [only] if only.is_everything() => return everywhere(only),
        several => settled_words(several),
    };
    let unsettled = unsettled_words(cells, found.is_empty());
    match (settled.is_empty(), unsettled.is_empty()) {
        (true, _) => unsettled,
        (false, true) => settled,
        (false, false) => format!("{settled}; {unsettled}"),
    }
}

fn everywhere(only: &Stretch<'_>) -> String {
    let name = name(only.verdict);
    match (only.first(), only.last()) {
        (first, last) if first == last => {
            format!(
                "{name} at {}, the only agent count measured",
                words::agents(first)
            )
        }
        (first, last) => format!("{name} at every agent count measured ({first} to {last})"),
    }
}

fn settled_words(stretches: &[Stretch<'_>]) -> String {
    let mut sentence = String::new();
    for (i, stretch) in stretches.iter().enumerate() {
        if i == 0 {
            sentence = format!("{} {}", name(stretch.verdict), stretch.place_with_unit());
            continue;
        }
        let place = stretch.place();
        if stretches[i - 1].verdict == stretch.verdict {
            sentence.push_str(&format!(" and {place}"));
        } else {
            sentence.push_str(&format!(", {} {place}", name(stretch.verdict)));
        }
    }
    sentence
}

/// The cells that settle nothing: `inconclusive at 8 and 16, not measured at 32`.
pub(super) fn unsettled_words(cells: &[AtAgents<'_>], nothing_settled: bool) -> String {
    let sorted = ascending(cells);
    let counts = |is: fn(&Verdict) -> bool| -> Vec<usize> {
        sorted
            .iter()
            .filter(|c| is(c.verdict))
            .map(|c| c.agents)
            .collect()
    };
    let inconclusive = counts(|v| *v == Verdict::Inconclusive);
    let not_measured = counts(|v| matches!(v, Verdict::NotMeasured { .. }));
    if nothing_settled && not_measured.is_empty() {
        return "inconclusive at every agent count".to_owned();
    }
    if nothing_settled && inconclusive.is_empty() {
        return "not measured at any agent count".to_owned();
    }
    [
        ("inconclusive", inconclusive),
        ("not measured", not_measured),
    ]
    .into_iter()
    .filter(|(_, counts)| !counts.is_empty())
    .map(|(word, counts)| format!("{word} at {}", words::list(&counts)))
    .collect::<Vec<_>>()
    .join(", ")
}

fn name(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Ahead { deployment } => deployment,
        Verdict::Tie => "tie",
        Verdict::Inconclusive => "inconclusive",
        Verdict::NotMeasured { .. } => "not measured",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `1=t 2=P`: threads, Processes, tie (`=`), `?` inconclusive, `-` not measured.
    fn said(cells: &[(usize, char)]) -> String {
        let verdicts: Vec<Verdict> = cells.iter().map(|(_, c)| verdict_of(*c)).collect();
        let at: Vec<AtAgents<'_>> = cells
            .iter()
            .zip(&verdicts)
            .map(|(&(agents, _), verdict)| AtAgents {
                agents,
                verdict,
                effect: None,
            })
            .collect();
        crossover(&at)
    }

    fn verdict_of(letter: char) -> Verdict {
        let ahead = |name: &str| Verdict::Ahead {
            deployment: name.to_owned(),
        };
        match letter {
            't' => ahead("threads"),
            'p' => ahead("processes"),
            '=' => Verdict::Tie,
            '?' => Verdict::Inconclusive,
            _ => Verdict::NotMeasured {
                reason: "4 pairs count".to_owned(),
            },
        }
    }

    #[test]
    fn a_crossover_names_both_stretches() {
        let said = said(&[(1, '='), (2, '='), (4, 't'), (8, 't'), (16, 't')]);
        assert_eq!(said, "tie up to 2 agents, threads from 4 on");
    }

    #[test]
    fn one_answer_everywhere_names_the_range_measured() {
        let always = said(&[(1, 't'), (8, 't'), (32, 't')]);
        assert_eq!(always, "threads at every agent count measured (1 to 32)");
        assert_eq!(
            said(&[(8, '=')]),
            "tie at 8 agents, the only agent count measured"
        );
    }

    #[test]
    fn nothing_is_claimed_across_an_inconclusive_cell() {
        let gap = said(&[(2, 'p'), (4, '='), (8, '?'), (16, '?'), (32, '=')]);
        assert_eq!(
            gap,
            "processes at 2 agents, tie at 4 and at 32; inconclusive at 8 and 16"
        );
        let open_end = said(&[(1, '='), (2, 't'), (4, 't'), (8, '?')]);
        assert_eq!(
            open_end,
            "tie at 1 agent, threads from 2 to 4; inconclusive at 8"
        );
        let open_start = said(&[(1, '?'), (2, 't'), (4, 't')]);
        assert_eq!(open_start, "threads from 2 agents on; inconclusive at 1");
    }

    #[test]
    fn up_to_is_only_said_from_one_agent_on() {
        let said = said(&[(4, '='), (8, '='), (16, 'p'), (32, 'p')]);
        assert_eq!(said, "tie from 4 to 8 agents, processes from 16 on");
    }

    #[test]
    fn nothing_settled_is_said_as_such() {
        assert_eq!(
            said(&[(1, '?'), (4, '?')]),
            "inconclusive at every agent count"
        );
        assert_eq!(
            said(&[(1, '-'), (4, '-')]),
            "not measured at any agent count"
        );
        let mixed = said(&[(1, '?'), (4, '-'), (8, '?')]);
        assert_eq!(mixed, "inconclusive at 1 and 8, not measured at 4");
        assert_eq!(said(&[]), "no agent count was measured");
    }

    #[test]
    fn a_cell_that_was_not_measured_is_named_and_ends_a_stretch() {
        let said = said(&[(1, 't'), (2, 't'), (4, '-'), (8, 't')]);
        assert_eq!(said, "threads up to 2 agents and at 8; not measured at 4");
    }

    #[test]
    fn the_answer_may_change_more_than_once() {
        let said = said(&[(1, 'p'), (2, '='), (4, '='), (8, 't')]);
        assert_eq!(said, "processes at 1 agent, tie from 2 to 4, threads at 8");
    }

    #[test]
    fn the_order_of_the_cells_does_not_matter() {
        let said = said(&[(16, 't'), (1, '='), (4, 't')]);
        assert_eq!(said, "tie at 1 agent, threads from 4 on");
    }
}
