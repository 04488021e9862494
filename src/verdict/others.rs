//! Which of the deployments that nobody asks about first is best by what was asked for, and is it better than those?

use super::summary::{Asked, Known};
use super::weighing::{SETUP_MATTERS, agents_of_a_process, who_is_less};
use super::words;
use crate::record::{Effect, Estimate, Priority};

/// Names up to here are listed; more are counted.
const MOST_NAMES: usize = 4;

/// The best of the others.
pub(super) struct Best<'a> {
    /// Its label.
    pub name: &'a str,
    /// Whether it is better for certain than both sides of the comparison that everybody asks about.
    pub is_better_than_both: bool,
    /// What it is better by, or that none is: begins with a label, or with *none*.
    pub said: String,
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
        Priority::Isolation => safest(&others, asked.cpus),
        Priority::Throughput => None,
    };
    by_priority.or_else(|| {
        let best = most_ops(&others, first)?;
        Some(Best {
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
    let (best, effect) = there.remove(0);
    let (name, baseline) = (&best.answer.x, &best.answer.baseline);
    let mut alike: Vec<String> = there
        .iter()
        .filter(|(_, e)| e.high >= effect.low)
        .map(|(known, e)| format!("{} with {}", known.answer.x, words::ratio(e)))
        .collect();
    // What everybody asks about was measured at the same count: as far below as its own interval reaches.
    let asked_about = first.with_effect().find(|(c, _)| c.agents == agents);
    let is_above = asked_about.is_some_and(|(_, e)| e.high < effect.low);
    let overlaps = |e: &Effect| e.high >= effect.low && e.low <= effect.high;
    alike.extend(
        asked_about
            .filter(|(_, e)| overlaps(e))
            .map(|(_, e)| format!("{} with {}", first.answer.x, words::ratio(e))),
    );
    let alike = match alike.as_slice() {
        [] => String::new(),
        names => format!(
            " (not told from {}: they were not compared with each other)",
            words::list(names)
        ),
    };
    // The answer is about the largest count that is settled: what was ahead only below it is no answer.
    let is_largest = best.at().is_some_and(|(largest, _)| largest == agents)
        && first.with_effect().all(|(c, _)| c.agents <= agents);
    Some(Best {
        name,
        is_better_than_both: is_above && is_largest,
        said: format!(
            "{name} do {} as many steps per second as {baseline} at {}{alike}",
            words::times_with_interval(effect),
            words::agents(agents)
        ),
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
        [only] => format!("{only}, the only one, are not ahead of {baseline} for certain"),
        few if few.len() <= MOST_NAMES => format!(
            "none ({}) is ahead of {baseline} for certain",
            words::list(few)
        ),
        many => format!(
            "none of the {} is ahead of {baseline} for certain",
            many.len()
        ),
    };
    let nearest = match names.len() {
        1 => "they do".to_owned(),
        _ => format!("nearest come {name} with"),
    };
    let open = match super::is_settled(cell.verdict) {
        true => "",
        false => ", inconclusive",
    };
    Some(Best {
        name,
        is_better_than_both: false,
        said: format!(
            "{none}; {nearest} {} as many steps per second at {}{open}",
            words::times_with_interval(effect),
            words::agents(agents)
        ),
    })
}

/// The one whose agents take least, where that is less than in the baseline for certain.
fn least_memory<'a>(others: &[&'a Known<'a>], first: &Known<'_>) -> Option<Best<'a>> {
    let both = |o: &&'a Known<'a>| -> Option<(&'a str, Estimate, Estimate)> {
        let (x, b) = (
            o.answer.x_memory.as_ref()?,
            o.answer.baseline_memory.as_ref()?,
        );
        Some((&o.answer.x, x.per_agent_bytes, b.per_agent_bytes))
    };
    let (name, x, b) = others
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
        name,
        is_better_than_both: asked_about.is_some_and(|m| x.high < m.per_agent_bytes.low),
        said: format!(
            "{name} take least memory for certain: {} per agent, and {} in {}",
            bytes(&x),
            bytes(&b),
            first.answer.baseline
        ),
    })
}

/// The one with the shortest tail, where it is shorter than the baseline's for certain.
fn shortest_tail<'a>(others: &[&'a Known<'a>], first: &Known<'_>, margin: f64) -> Option<Best<'a>> {
    let tail = |o: &&'a Known<'a>| {
        let answers = o.answer.latency.iter().rev();
        let name: &'a str = &o.answer.x;
        answers
            .filter_map(|l| Some((l.agents, l.p99?)))
            .find(|(_, ratio)| who_is_less(ratio, margin) == Some(Some(1)))
            .map(|(agents, ratio)| (name, agents, ratio))
    };
    let (name, agents, ratio) = others
        .iter()
        .filter_map(tail)
        .min_by(|a, b| a.2.high.total_cmp(&b.2.high))?;
    let asked_about = first.answer.latency.iter().find(|l| l.agents == agents);
    Some(Best {
        name,
        is_better_than_both: asked_about
            .and_then(|l| l.p99)
            .is_some_and(|p99| ratio.high < p99.low),
        said: format!(
            "{name} have the shortest tail for certain: {:.2} [{:.2}, {:.2}] times the p99 of {} at {}",
            ratio.value,
            ratio.low,
            ratio.high,
            first.answer.baseline,
            words::agents(agents)
        ),
    })
}

/// The one whose agents are ready first at the largest agent count, where that is before the baseline's. Medians.
fn soonest<'a>(others: &[&'a Known<'a>], first: &Known<'_>) -> Option<Best<'a>> {
    let last = |o: &&'a Known<'a>| {
        let last = o.answer.setup.iter().max_by_key(|s| s.agents)?;
        let name: &'a str = &o.answer.x;
        Some((name, last.agents, last.x_s, last.baseline_s))
    };
    let (name, agents, x_s, baseline_s) = others
        .iter()
        .filter_map(last)
        .filter(|(_, _, x_s, baseline_s)| x_s < baseline_s)
        .min_by(|a, b| a.2.total_cmp(&b.2))?;
    let asked_about = first.answer.setup.iter().find(|s| s.agents == agents);
    Some(Best {
        name,
        is_better_than_both: asked_about
            .is_some_and(|s| x_s * SETUP_MATTERS < s.x_s.min(s.baseline_s)),
        said: format!(
            "{name} start soonest: {} are ready after {}, and {} in {} (medians)",
            words::agents(agents),
            words::duration(x_s),
            words::duration(baseline_s),
            first.answer.baseline
        ),
    })
}

/// Of the others that lose fewer agents by a crash than the baseline does, the one that does most.
fn safest<'a>(others: &[&'a Known<'a>], cpus: usize) -> Option<Best<'a>> {
    let safer = others.iter().filter_map(|&o| {
        let (agents, effect) = o.at()?;
        let lost = |label: &str| agents_of_a_process(label, agents, cpus);
        let x = lost(&o.answer.x)?;
        (x < lost(&o.answer.baseline)?).then_some((o, agents, x, effect))
    });
    let (best, agents, lost, effect) = safer.max_by(|a, b| a.3.low.total_cmp(&b.3.low))?;
    let (name, baseline) = (&best.answer.x, &best.answer.baseline);
    Some(Best {
        name,
        // Fewest are lost where each agent has a process.
        is_better_than_both: false,
        said: format!(
            "a crash takes {lost} of {} in {name}, which do {} as many steps per second as {baseline}",
            words::agents(agents),
            words::times_with_interval(effect),
        ),
    })
}

/// What a mix between one process for all and a process each would lose by a crash and do; `None` where none was
/// measured.
pub(super) fn safer_mix(others: &[Known<'_>], first: &Known<'_>, cpus: usize) -> Option<String> {
    safest(&against_the_same(others, first), cpus).map(|best| best.said)
}
