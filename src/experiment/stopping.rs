//! When has a cell been measured enough? Pure.
//!
//! A run that looks before all pairs are in stops a comparison as soon as it has a verdict, and gives the time to
//! those that are open: after every two pairs from the sixth on. Who looks more often finds a difference more
//! often where there is none, so intervals are widened by a factor that keeps each side's error where it
//! would be with one look (METHOD.md, section 3).

use super::plan::PlannedCell;
use crate::record::{Cell, Looks, Role, Weight};
use crate::stats::MIN_PAIRS;
use crate::verdict::Standing;

/// Most pairs of a cell in a run that looks, and what its intervals are widened by: simulated.
const LADDER: [(usize, f64); 3] = [(10, 1.25), (20, 1.35), (34, 1.45)];

/// How often the pairs that the budget has for every cell an open cell may have: others stop early.
const SHARE_OF_OPEN: f64 = 3.0;

/// Pairs of a control at most.
const CONTROL_PAIRS: usize = 16;

/// Cells that run between two looks: some, so that their order can be shuffled.
const BATCH: usize = 4;

/// Looks at all cells of a run: what shows for each, in their order.
pub type Look = fn(cells: &[Cell], margin: f64, widened_by: f64) -> Vec<Standing>;

/// How often a run looks, from how many pairs of every cell its budget holds.
#[must_use]
pub fn looks(cells: &[PlannedCell], room_s: f64) -> Looks {
    let pair_s: f64 = cells.iter().map(|c| c.pair_s).sum();
    let pairs = room_s / pair_s.max(f64::MIN_POSITIVE);
    let fits = |most: usize| SHARE_OF_OPEN * pairs >= most as f64;
    let (most_pairs, widened_by) = *LADDER
        .iter()
        .rev()
        .find(|(most, _)| fits(*most))
        .unwrap_or(&LADDER[0]);
    Looks {
        most_pairs,
        widened_by,
    }
}

/// One cell that could go on.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Its index.
    pub cell: usize,
    /// What is known of its true ratio.
    pub role: Role,
    /// What rests on it.
    pub weight: Weight,
    /// Pairs that count.
    pub kept: usize,
    /// Pairs that ran.
    pub ran: usize,
    /// Wall time of a pair, seconds.
    pub pair_s: f64,
    /// What the last look showed.
    pub standing: Standing,
}

/// The cells that run next, two pairs each: those that lack pairs for any verdict; else the open
/// comparisons that would be settled soonest for their time, with a control among them; else, with every
/// comparison settled or at its end, the others, those with the fewest pairs first. Only what fits
/// `left_s` seconds.
#[must_use]
pub fn next(candidates: &[Candidate], looks: Looks, left_s: f64) -> Vec<usize> {
    let fits = |chosen: &[&Candidate]| 2.0 * chosen.iter().map(|c| c.pair_s).sum::<f64>() <= left_s;
    let take = |from: Vec<&Candidate>, most: usize| -> Vec<usize> {
        let mut chosen: Vec<&Candidate> = Vec::new();
        for candidate in from {
            if chosen.len() == most {
                break;
            }
            chosen.push(candidate);
            if !fits(&chosen) {
                chosen.pop();
            }
        }
        chosen.iter().map(|c| c.cell).collect()
    };
    // Who lost pairs over and over is not made up for without end.
    let short: Vec<&Candidate> = candidates
        .iter()
        .filter(|c| c.kept < MIN_PAIRS && c.ran < looks.most_pairs)
        .collect();
    if !short.is_empty() {
        let chosen = take(short, usize::MAX);
        if !chosen.is_empty() {
            return chosen;
        }
    }
    let is_control = |c: &&Candidate| c.role.is_control();
    let is_comparison = |c: &&Candidate| !is_control(c) && c.weight.is_comparison();
    let mut open: Vec<&Candidate> = candidates
        .iter()
        .filter(|c| is_comparison(c) && c.kept >= MIN_PAIRS)
        .filter(|c| !c.standing.is_settled && c.ran < looks.most_pairs)
        .collect();
    // Seconds until it is settled, at the noise that was seen.
    let settled_in_s = |c: &Candidate| {
        let more = c.standing.pairs_needed.saturating_sub(c.kept).max(2);
        more as f64 * c.pair_s
    };
    open.sort_by(|a, b| settled_in_s(a).total_cmp(&settled_in_s(b)));
    let fewest = |all: &mut Vec<&Candidate>| all.sort_by_key(|c| c.ran);
    let mut controls: Vec<&Candidate> = candidates
        .iter()
        .filter(is_control)
        .filter(|c| c.ran < CONTROL_PAIRS.min(looks.most_pairs))
        .collect();
    fewest(&mut controls);
    if !open.is_empty() {
        return take(controls.into_iter().take(1).chain(open).collect(), BATCH);
    }
    let mut others: Vec<&Candidate> = candidates
        .iter()
        .filter(|c| !is_comparison(c) && !is_control(c))
        .filter(|c| c.ran < looks.most_pairs)
        .chain(controls)
        .collect();
    fewest(&mut others);
    take(others, BATCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::Form;
    use crate::experiment::plan::{Asked, Draft, PlannedWorkload};
    use crate::record::Machine;
    use crate::workload::{self, SpecSource};

    const ASKED: (Role, Weight) = (Role::Question, Weight::Headline);
    const BESIDE: (Role, Weight) = (Role::Question, Weight::Beside);
    const NULL: (Role, Weight) = (Role::Null, Weight::Headline);

    const LOOKS: Looks = Looks {
        most_pairs: 20,
        widened_by: 1.35,
    };

    fn candidate(
        cell: usize,
        (role, weight): (Role, Weight),
        ran: usize,
        needed: usize,
    ) -> Candidate {
        Candidate {
            cell,
            role,
            weight,
            kept: ran,
            ran,
            pair_s: 1.0,
            standing: Standing {
                is_settled: needed <= ran,
                pairs_needed: needed,
            },
        }
    }

    #[test]
    fn what_is_settled_stops_and_what_is_nearest_goes_on() {
        let all: Vec<Candidate> = [40, 6, 12, 500, 10, 30, 14]
            .into_iter()
            .enumerate()
            .map(|(i, needed)| candidate(i, ASKED, 6, needed))
            .collect();
        // 1 is settled; nearest first, four at a time.
        assert_eq!(next(&all, LOOKS, 1000.0), [4, 2, 6, 5]);
        // Time for two pairs of one of them.
        assert_eq!(next(&all, LOOKS, 2.5), [4]);
        assert_eq!(next(&all, LOOKS, 1.9), Vec::<usize>::new());
    }

    #[test]
    fn a_cheap_cell_goes_before_a_dear_one() {
        let mut all = [candidate(0, ASKED, 6, 10), candidate(1, ASKED, 6, 12)];
        all[0].pair_s = 10.0;
        assert_eq!(next(&all, LOOKS, 1000.0), [1, 0]);
    }

    #[test]
    fn a_cell_ends_at_its_last_pair_and_then_the_others_have_their_turn() {
        let all = [
            candidate(0, ASKED, 20, 400),
            candidate(1, BESIDE, 8, 0),
            candidate(2, BESIDE, 6, 0),
            candidate(3, NULL, 16, 0),
        ];
        assert_eq!(next(&all, LOOKS, 1000.0), [2, 1]);
    }

    #[test]
    fn a_control_runs_along_until_it_has_enough() {
        let mut all = vec![
            candidate(0, ASKED, 8, 12),
            candidate(1, NULL, 8, 0),
            candidate(2, (Role::Known(0.909), Weight::Headline), 6, 0),
        ];
        assert_eq!(next(&all, LOOKS, 1000.0), [2, 0]);
        all[1].ran = 16;
        all[2].ran = 16;
        assert_eq!(next(&all, LOOKS, 1000.0), [0]);
    }

    #[test]
    fn who_lacks_pairs_for_a_verdict_goes_first() {
        let mut all = vec![candidate(0, ASKED, 8, 12), candidate(1, BESIDE, 6, 0)];
        all[1].kept = 5;
        assert_eq!(next(&all, LOOKS, 1000.0), [1]);
        // Not for ever.
        all[1].ran = 20;
        assert_eq!(next(&all, LOOKS, 1000.0), [0]);
    }

    #[test]
    fn the_budget_decides_how_far_an_open_cell_may_go() {
        assert_eq!(looks(&[], 10.0).most_pairs, 34);
        let source = SpecSource::built_in(&workload::REGISTRY[0]);
        let asked = Asked {
            workloads: vec![PlannedWorkload::read(source).unwrap()],
            agents: vec![1],
            has_own_agents: false,
            deployments: vec![Form::THREADS, Form::PROCESSES],
            cpus_effective: 2.0,
            budget_s: 0.0,
            most_pairs: 34,
            seed: 1,
            transport: "native".parse().unwrap(),
            look: None,
            asks_latency: false,
            depth: Default::default(),
            is_busy: false,
        };
        let machine = Machine::default();
        let mut draft = Draft::new(&asked, &machine, vec![""]);
        for _ in 0..2 {
            let side = draft.side(Form::THREADS);
            draft.add(0, 1, side, side).pair_s = 1.0;
        }
        let at = |room_s| looks(draft.cells(), room_s);
        assert_eq!((at(12.0).most_pairs, at(12.0).widened_by), (10, 1.25));
        assert_eq!((at(14.0).most_pairs, at(14.0).widened_by), (20, 1.35));
        assert_eq!((at(30.0).most_pairs, at(30.0).widened_by), (34, 1.45));
    }
}
