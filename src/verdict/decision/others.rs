//! Which of the deployments that nobody asks about first is best by what was asked for, and is it better than those?

use super::weighing::{SETUP_MATTERS, agents_of_a_process, who_is_less};
use super::{Asked, Known};
use crate::record::{Effect, Estimate, Priority, Verdict};
use crate::verdict::{is_settled, words};

/// Names up to here are listed; more are counted.
const MOST_NAMES: usize = 4;

/// The best of the others.
pub(super) struct Best<'a> {
    /// The comparison that it is X of.
    pub known: &'a Known<'a>,
    /// Whether it is better for certain than both sides of the comparison that everybody asks about.
    pub is_better_than_both: bool,
    /// What it is better by, or that none is; follows "of the other deployments".
    pub said: String,
    /// What it is not told from, in brackets; empty where there is nothing.
    pub alike: String,
}

/// The best of the others by what was asked for; by throughput where that is not known of any. `None` where no other
/// deployment was measured.
pub(super) fn best_of<'a>(
    others: &'a [Known<'a>],
    first: &Known<'_>,
    asked: Asked,
) -> Option<Best<'a>> {
    let others = against_the_same(others, first);
    if others.is_empty() {
        return None;
    }
    let by_priority = match asked.priority {
        Priority::Memory => least_memory(&others, first),
        Priority::Latency => shortest_tail(&others, first, asked.margin),
        Priority::Startup => soonest(&others, first),
        Priority::Isolation => safest(&others, first, asked.cpus),
        Priority::Throughput => None,
    };
    by_priority.or_else(|| {
        let best = most_ops(&others, first)?;
        let said = match asked.priority {
            Priority::Throughput => best.said,
            other => format!(
                "none is known to be better in {}; by op/s, {}",
                other.words(),
                best.said
            ),
        };
        Some(Best {
            said,
            // Of something else than throughput nothing is known, so nothing follows from throughput.
            is_better_than_both: best.is_better_than_both && asked.priority == Priority::Throughput,
            ..best
        })
    })
}

fn against_the_same<'a>(others: &'a [Known<'a>], first: &Known<'_>) -> Vec<&'a Known<'a>> {
    let is_candidate = |o: &&Known<'_>| o.answer.baseline == first.answer.baseline;
    others.iter().filter(is_candidate).collect()
}

/// The one with the highest lower end, at the largest agent count at which any is ahead: the largest ratio of
/// several would be the luckiest one.
fn most_ops<'a>(others: &[&'a Known<'a>], first: &Known<'_>) -> Option<Best<'a>> {
    let ahead = || {
        others
            .iter()
            .flat_map(|&o| o.ahead().map(move |(agents, e)| (o, agents, e)))
    };
    let Some(agents) = ahead().map(|(_, agents, _)| agents).max() else {
        return nobody_ahead(others);
    };
    let mut there: Vec<(&'a Known<'a>, &Effect)> = ahead()
        .filter(|(_, n, _)| *n == agents)
        .map(|(known, _, e)| (known, e))
        .collect();
    there.sort_by(|a, b| b.1.low.total_cmp(&a.1.low));
    let (best, effect) = there[0];
    let (name, baseline) = (&best.answer.x, &best.answer.baseline);
    // Whatever was measured at the same count may do as much as far as its interval reaches, ahead or open.
    let at_agents = |known: &Known<'a>| -> Option<(&'a str, &'a Effect)> {
        let (_, e) = known.with_effect().find(|(c, _)| c.agents == agents)?;
        Some((&known.answer.x, e))
    };
    let asked_about = first
        .with_effect()
        .find(|(c, _)| c.agents == agents)
        .map(|(_, e)| (first.answer.x.as_str(), e));
    let is_above = asked_about.is_some_and(|(_, e)| e.high < effect.low);
    let rivals = others.iter().filter(|o| o.answer.x != *name);
    let alike: Vec<String> = rivals
        .filter_map(|&o| at_agents(o))
        .chain(asked_about)
        .filter(|(_, e)| e.high >= effect.low && e.low <= effect.high)
        .map(|(name, e)| format!("{name} with {}", words::ratio(e)))
        .collect();
    let alike = match alike.as_slice() {
        [] => String::new(),
        names => format!(
            " (not told from {}: they were not compared with each other)",
            words::list(names)
        ),
    };
    // The answer is about the largest count that is settled: what was ahead only below it is no answer.
    let above = best.with_effect().filter(|(c, _)| c.agents > agents);
    let not_there: Vec<usize> = above.map(|(c, _)| c.agents).collect();
    let is_largest = not_there.is_empty() && first.with_effect().all(|(c, _)| c.agents <= agents);
    let not_there = match not_there.as_slice() {
        [] => String::new(),
        counts => format!(", and are not ahead at {}", words::list(counts)),
    };
    Some(Best {
        known: best,
        is_better_than_both: is_above && is_largest,
        said: format!(
            "{name} do {} as many steps per second as {baseline} at {}{not_there}",
            words::times_with_interval(effect),
            words::agents(agents)
        ),
        alike,
    })
}

/// None is ahead; the one that comes nearest, at the largest agent count measured.
fn nobody_ahead<'a>(others: &[&'a Known<'a>]) -> Option<Best<'a>> {
    let measured = || {
        others
            .iter()
            .flat_map(|&o| o.with_effect().map(move |(c, e)| (o, c, e)))
    };
    let agents = measured().map(|(_, c, _)| c.agents).max()?;
    let (nearest, cell, effect) = measured()
        .filter(|(_, c, _)| c.agents == agents)
        .max_by(|a, b| a.2.low.total_cmp(&b.2.low))?;
    let names: Vec<&str> = others.iter().map(|o| o.answer.x.as_str()).collect();
    let (name, baseline) = (&nearest.answer.x, &nearest.answer.baseline);
    let none = match names.as_slice() {
        [only] => format!("{only}, the only one, are not certainly ahead of {baseline}"),
        few if few.len() <= MOST_NAMES => format!(
            "none ({}) is certainly ahead of {baseline}",
            words::list(few)
        ),
        many => format!(
            "none of the {} is certainly ahead of {baseline}",
            many.len()
        ),
    };
    let nearest_words = match names.len() {
        1 => "they are".to_owned(),
        _ => format!("the closest is {name},"),
    };
    let open = match is_settled(cell.verdict) {
        true => "",
        false => ", inconclusive",
    };
    Some(Best {
        known: nearest,
        is_better_than_both: false,
        said: format!(
            "{none}; {nearest_words} at {} of the op/s of {baseline} with {}{open}",
            words::ratio(effect),
            words::agents(agents)
        ),
        alike: String::new(),
    })
}

/// The one whose agents take least, where that is less than in the baseline for certain.
fn least_memory<'a>(others: &[&'a Known<'a>], first: &Known<'_>) -> Option<Best<'a>> {
    let both = |&o: &&'a Known<'a>| -> Option<(&'a Known<'a>, Estimate, Estimate)> {
        let (x, b) = (
            o.answer.x_memory.as_ref()?,
            o.answer.baseline_memory.as_ref()?,
        );
        Some((o, x.per_agent_bytes, b.per_agent_bytes))
    };
    let (known, x, b) = others
        .iter()
        .filter_map(both)
        .filter(|(_, x, b)| x.high < b.low)
        .min_by(|a, b| a.1.high.total_cmp(&b.1.high))?;
    let bytes = |e: &Estimate| {
        let of = |value: f64| words::bytes(value.max(0.0));
        format!("{} [{}, {}]", of(e.value), of(e.low), of(e.high))
    };
    let asked_about = first.answer.x_memory.as_ref();
    Some(Best {
        known,
        is_better_than_both: asked_about.is_some_and(|m| x.high < m.per_agent_bytes.low),
        said: format!(
            "{} take less memory: {} per agent, and {} in {}",
            known.answer.x,
            bytes(&x),
            bytes(&b),
            first.answer.baseline
        ),
        alike: String::new(),
    })
}

/// The one with the shortest tail, where it is shorter than the baseline's for certain.
fn shortest_tail<'a>(others: &[&'a Known<'a>], first: &Known<'_>, margin: f64) -> Option<Best<'a>> {
    // At the largest count that is settled, whoever is sooner there.
    let tail = |&o: &&'a Known<'a>| {
        let found = o.found(Priority::Latency).rev();
        let (agents, ratio) = found
            .filter_map(|l| Some((l.agents, l.ratio?)))
            .find(|(_, ratio)| who_is_less(ratio, margin).is_some())?;
        (who_is_less(&ratio, margin) == Some(Some(1))).then_some((o, agents, ratio))
    };
    let (known, agents, ratio) = others
        .iter()
        .filter_map(tail)
        .min_by(|a, b| a.2.high.total_cmp(&b.2.high))?;
    let last = first.found(Priority::Latency).next_back();
    Some(Best {
        known,
        is_better_than_both: last
            .filter(|l| l.agents == agents)
            .and_then(|l| l.ratio)
            .is_some_and(|p99| ratio.high < p99.low),
        alike: String::new(),
        said: format!(
            "{} have a shorter tail: {:.2} [{:.2}, {:.2}] times the p99 of {} at {}",
            known.answer.x,
            ratio.value,
            ratio.low,
            ratio.high,
            first.answer.baseline,
            words::agents(agents)
        ),
    })
}

/// Of those that do as many steps as the baseline up to some agent count, the one whose agents take least memory, where
/// that is certainly less than of both that everybody asks about: what a tie is decided by.
pub(super) fn lighter(others: &[Known<'_>], first: &Known<'_>) -> Option<String> {
    let others = against_the_same(others, first);
    let of = |known: &Known<'_>| {
        let memory = known.answer.x_memory.as_ref()?.per_agent_bytes;
        let baseline = known.answer.baseline_memory.as_ref()?.per_agent_bytes;
        let ties = known.cells.iter().filter(|c| *c.verdict == Verdict::Tie);
        let up_to = ties.map(|c| c.agents).max()?;
        let of_first = first.answer.x_memory.as_ref().map(|m| m.per_agent_bytes);
        let is_less =
            memory.high < baseline.low && of_first.is_none_or(|other| memory.high < other.low);
        is_less.then_some((known.answer.x.clone(), up_to, memory.value, baseline.value))
    };
    let (name, up_to, bytes, more) = others
        .into_iter()
        .filter_map(of)
        .min_by(|a, b| a.2.total_cmp(&b.2))?;
    Some(format!(
        "At {} {name} are a tie with {} in op/s, and an agent takes {} instead of {}",
        words::agents(up_to),
        first.answer.baseline,
        words::bytes(bytes.max(0.0)),
        words::bytes(more.max(0.0)),
    ))
}

/// The one whose agents are ready first at the largest agent count, where that is before the baseline's. Medians.
fn soonest<'a>(others: &[&'a Known<'a>], first: &Known<'_>) -> Option<Best<'a>> {
    let last = |&o: &&'a Known<'a>| {
        let last = o.answer.setup.iter().max_by_key(|s| s.agents)?;
        Some((o, last.agents, last.x_s, last.baseline_s))
    };
    let (known, agents, x_s, baseline_s) = others
        .iter()
        .filter_map(last)
        .filter(|(_, _, x_s, baseline_s)| x_s < baseline_s)
        .min_by(|a, b| a.2.total_cmp(&b.2))?;
    let asked_about = first.answer.setup.iter().max_by_key(|s| s.agents);
    Some(Best {
        known,
        is_better_than_both: asked_about
            .is_some_and(|s| s.agents == agents && x_s * SETUP_MATTERS < s.x_s.min(s.baseline_s)),
        alike: String::new(),
        said: format!(
            "{} start soonest: {} are ready after {}, and {} in {} (medians)",
            known.answer.x,
            words::agents(agents),
            words::duration(x_s),
            words::duration(baseline_s),
            first.answer.baseline
        ),
    })
}

/// Of the others that lose fewer agents by a crash than the baseline does, the one that loses fewest, and of these the
/// one that does most.
fn safest<'a>(others: &[&'a Known<'a>], first: &Known<'_>, cpus: usize) -> Option<Best<'a>> {
    let agents = most_agents(first);
    let lost = |label: &str| agents_of_a_process(label, agents, cpus);
    let (known, safer) =
        safer(others, lost(&first.answer.baseline)?, (agents, cpus)).min_by(|(_, a), (_, b)| {
            let by_ops = b.effect.low.total_cmp(&a.effect.low);
            a.lost.cmp(&b.lost).then(by_ops)
        })?;
    Some(Best {
        known,
        is_better_than_both: lost(&first.answer.x).is_some_and(|lost| safer.lost < lost),
        said: safer.in_words(known),
        alike: String::new(),
    })
}

/// What a mix between what is `taken` and a process each would lose by a crash and do, of the one that does most; `None`
/// where none was measured that loses fewer than what is taken.
pub(super) fn safer_mix(
    others: &[Known<'_>],
    first: &Known<'_>,
    taken: &str,
    cpus: usize,
) -> Option<String> {
    let others = against_the_same(others, first);
    let agents = most_agents(first);
    let of_taken = agents_of_a_process(taken, agents, cpus)?;
    let most = safer(&others, of_taken, (agents, cpus))
        .max_by(|(_, a), (_, b)| a.effect.low.total_cmp(&b.effect.low));
    most.map(|(known, safer)| safer.in_words(known))
}

/// The agent count at which crashes are compared: what one takes along is known of any.
fn most_agents(first: &Known<'_>) -> usize {
    first.cells.last().map_or(1, |c| c.agents)
}

/// What a crash takes along under a deployment that loses fewer agents than another, and what it does.
struct Safer<'a> {
    agents: usize,
    lost: usize,
    at: usize,
    effect: &'a Effect,
    is_settled: bool,
}

impl Safer<'_> {
    fn in_words(&self, known: &Known<'_>) -> String {
        let open = match self.is_settled {
            true => "",
            false => ", inconclusive",
        };
        format!(
            "a crash takes {} of {} in {} (at {} of the op/s of {} with {}{open})",
            self.lost,
            words::agents(self.agents),
            known.answer.x,
            words::ratio(self.effect),
            known.answer.baseline,
            words::agents(self.at),
        )
    }
}

/// Those that lose fewer than `limit` of so many agents.
fn safer<'a>(
    others: &[&'a Known<'a>],
    limit: usize,
    (agents, cpus): (usize, usize),
) -> impl Iterator<Item = (&'a Known<'a>, Safer<'a>)> {
    others.iter().filter_map(move |&o| {
        let (at, effect) = o.at()?;
        let cell = o.cells.iter().find(|c| c.agents == at)?;
        let lost = agents_of_a_process(&o.answer.x, agents, cpus)?;
        let safer = Safer {
            agents,
            lost,
            at,
            effect,
            is_settled: is_settled(cell.verdict),
        };
        (lost < limit).then_some((o, safer))
    })
}
