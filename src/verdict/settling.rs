//! What would settle what is open?

use super::crossover::{AtAgents, ascending};
use super::words;
use crate::record::{Effect, Verdict};

/// Pairs of one comparison beyond which nobody waits: a run that asks for more is no advice.
pub const MOST_PAIRS: usize = 100;

/// Wall time beyond which nobody waits, seconds.
const LONGEST_S: f64 = 3600.0;

/// A margin from here on settles nothing that anybody wants to know, a share.
const WIDEST_MARGIN: f64 = 0.25;

/// Whether so many pairs are more than a sensible run gives.
#[must_use]
pub fn is_beyond_reach(pairs_needed: usize) -> bool {
    pairs_needed > MOST_PAIRS
}

/// What to do about the inconclusive ones of `cells`, in words; `None` where none is.
///
/// `pair_s` is the wall time that one more pair of every comparison takes, seconds; 0 where that is not known.
/// More pairs are advised only where a sensible run gives them; else a quieter machine, and the margin (in whole
/// percent, below 25) at which the pairs that were measured would be a tie.
#[must_use]
pub fn what_would_settle(cells: &[AtAgents<'_>], pair_s: f64) -> Option<String> {
    let mut within = Vec::new();
    let mut beyond = Vec::new();
    for cell in ascending(cells) {
        let (Verdict::Inconclusive, Some(effect)) = (cell.verdict, cell.effect) else {
            continue;
        };
        let pairs = wanted(effect);
        match is_beyond_reach(pairs) || pairs as f64 * pair_s > LONGEST_S {
            true => beyond.push((cell.agents, effect)),
            false => within.push((cell.agents, effect)),
        }
    }
    let pairs = within.iter().map(|(_, e)| wanted(e)).max();
    match (pairs, beyond.is_empty()) {
        (None, true) => None,
        (Some(pairs), true) => Some(format!(
            "give it more time ({}about {pairs} pairs per agent count at this noise), or a quieter machine",
            time(pairs, pair_s)
        )),
        (Some(pairs), false) => Some(format!(
            "give it more time for {} ({}about {pairs} pairs per agent count at this noise); {}",
            counts(&within),
            time(pairs, pair_s),
            no_sensible_run(&beyond, true)
        )),
        (None, false) => Some(no_sensible_run(&beyond, false)),
    }
}

/// What had the pairs that its noise asks for and is still open lies near the margin: twice as many may tell.
fn wanted(effect: &Effect) -> usize {
    match effect.pairs_needed > effect.pairs {
        true => effect.pairs_needed,
        false => 2 * effect.pairs,
    }
}

/// `--time 4m; `, nothing where it is not known.
fn time(pairs: usize, pair_s: f64) -> String {
    let minutes = (pairs as f64 * pair_s / 60.0).ceil();
    match minutes >= 1.0 {
        true => format!("--time {minutes:.0}m; "),
        false => String::new(),
    }
}

fn no_sensible_run(open: &[(usize, &Effect)], is_part: bool) -> String {
    let place = match is_part {
        true => format!(" at {}", counts(open)),
        false => String::new(),
    };
    let settled: Vec<(usize, u32)> = open
        .iter()
        .filter_map(|(agents, e)| Some((*agents, settling_percent(e)?)))
        .collect();
    let margin = settled.iter().map(|(_, percent)| *percent).max();
    let margin = margin.map_or(String::new(), |percent| {
        let at: Vec<usize> = settled.iter().map(|(agents, _)| *agents).collect();
        let at = match at.len() == open.len() {
            true => String::new(),
            false => format!(" at {}", agents_words(&at)),
        };
        format!(", or --margin {percent}%{at}, where nobody would choose by less")
    });
    format!("at this noise no sensible run settles it{place}; a quieter machine would{margin}")
}

/// The least margin, in whole percent, at which an interval is a tie; `None` from 25 % on.
fn settling_percent(effect: &Effect) -> Option<u32> {
    if !(effect.low > 0.0 && effect.low <= effect.high) {
        return None;
    }
    let margin = (effect.high - 1.0).max(1.0 / effect.low - 1.0);
    // An end on the boundary settles nothing: always the next whole percent.
    let percent = (margin * 100.0).floor() + 1.0;
    (percent < WIDEST_MARGIN * 100.0).then_some(percent as u32)
}

fn counts(cells: &[(usize, &Effect)]) -> String {
    let counts: Vec<usize> = cells.iter().map(|(agents, _)| *agents).collect();
    agents_words(&counts)
}

/// `1 agent`, `2 and 8 agents`.
fn agents_words(counts: &[usize]) -> String {
    match counts {
        [only] => words::agents(*only),
        several => format!("{} agents", words::list(several)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::verdict;

    fn effect(low: f64, high: f64, pairs_needed: usize) -> Effect {
        Effect {
            pairs_needed,
            ..Effect::between(low, high)
        }
    }

    fn said(cells: &[(usize, Effect)], pair_s: f64) -> Option<String> {
        let open = Verdict::Inconclusive;
        let at: Vec<AtAgents<'_>> = cells
            .iter()
            .map(|(agents, effect)| AtAgents {
                agents: *agents,
                verdict: &open,
                effect: Some(effect),
            })
            .collect();
        what_would_settle(&at, pair_s)
    }

    #[test]
    fn pairs_that_a_run_can_give_are_named_with_their_time() {
        let cells = [
            (1, effect(0.98, 1.04, 14)),
            (8, effect(0.97, 1.05, MOST_PAIRS)),
        ];
        let expected = "give it more time (--time 15m; about 100 pairs per agent count at this noise), \
                        or a quieter machine";
        assert_eq!(said(&cells, 9.0).as_deref(), Some(expected));
        let unknown = "give it more time (about 100 pairs per agent count at this noise), or a quieter machine";
        assert_eq!(said(&cells, 0.0).as_deref(), Some(unknown));
    }

    #[test]
    fn pairs_that_no_run_gives_are_not_named() {
        let noisy = "at this noise no sensible run settles it; a quieter machine would";
        let wide = [(8, effect(0.74, 1.31, 1102))];
        assert_eq!(said(&wide, 1.0).as_deref(), Some(noisy));
        // Few pairs, but of long windows.
        let slow = [(8, effect(0.74, 1.31, 80))];
        assert_eq!(said(&slow, 46.0).as_deref(), Some(noisy));
        let narrow = [
            (2, effect(0.914, 1.059, 430)),
            (4, effect(0.985, 1.068, 240)),
        ];
        let expected = format!("{noisy}, or --margin 10%, where nobody would choose by less");
        assert_eq!(said(&narrow, 1.0), Some(expected));
    }

    #[test]
    fn what_had_its_pairs_and_is_open_is_told_to_double_them() {
        let near_the_margin = [(8, effect(1.01, 1.05, 6))];
        let said = said(&near_the_margin, 10.0).expect("it is open");
        assert!(said.contains("(--time 2m; about 12 pairs"), "{said}");
    }

    #[test]
    fn a_margin_is_named_with_the_agent_counts_that_it_settles() {
        let cells = [
            (1, effect(0.762, 1.337, 1086)),
            (2, effect(0.914, 1.059, 430)),
            (4, effect(0.985, 1.068, 240)),
        ];
        let said = said(&cells, 1.0).expect("it is open");
        assert!(
            said.ends_with("--margin 10% at 2 and 4 agents, where nobody would choose by less"),
            "{said}"
        );
    }

    #[test]
    fn what_is_within_reach_and_what_is_not_are_told_apart() {
        let cells = [(1, effect(0.99, 1.04, 24)), (8, effect(0.743, 1.309, 1102))];
        assert_eq!(
            said(&cells, 10.0).as_deref(),
            Some(
                "give it more time for 1 agent (--time 4m; about 24 pairs per agent count at this noise); \
                 at this noise no sensible run settles it at 8 agents; a quieter machine would"
            )
        );
    }

    #[test]
    fn a_margin_that_is_named_does_settle_it_and_one_less_does_not_tie() {
        for (low, high) in [(0.914, 1.059), (0.985, 1.068), (0.9, 0.95), (1.01, 1.05)] {
            let e = effect(low, high, 500);
            let percent = settling_percent(&e).expect("it is below 25 %");
            let at = |percent: u32| verdict(&e, f64::from(percent) / 100.0, "threads", "processes");
            assert_eq!(at(percent), Verdict::Tie);
            assert_ne!(at(percent - 1), Verdict::Tie);
        }
        assert_eq!(settling_percent(&effect(0.95, 1.2499, 500)), None);
        assert_eq!(settling_percent(&effect(0.95, 1.235, 500)), Some(24));
        assert_eq!(settling_percent(&effect(0.95, f64::NAN, 500)), None);
        assert_eq!(settling_percent(&effect(0.0, 1.1, 500)), None);
    }

    #[test]
    fn what_is_not_open_asks_for_nothing() {
        let e = effect(0.5, 0.6, 500);
        let not_measured = Verdict::NotMeasured {
            reason: "4 pairs count".to_owned(),
        };
        for verdict in [&Verdict::Tie, &not_measured] {
            let cell = AtAgents {
                agents: 8,
                verdict,
                effect: Some(&e),
            };
            assert_eq!(what_would_settle(&[cell], 1.0), None);
        }
        assert_eq!(what_would_settle(&[], 1.0), None);
    }
}
