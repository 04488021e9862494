//! Which mix of processes and threads is best, and where does it not matter?

use super::words;
use crate::deployment::Form;
use crate::experiment::invocation::whole_cpus;
use crate::record::scaling::{MapAnswer, MapPoint};
use crate::record::{Cell, Estimate, Purpose};
use crate::stats::median;

/// Takes the points of a map from the comparisons of its workload at its agent count, and ranks them.
pub fn fill_map(map: &mut MapAnswer, cells: &[Cell], cpus_effective: f64) {
    let is_on_it = |c: &&Cell| {
        c.purpose == Purpose::Compare
            && (c.workload.as_str(), c.agents) == (map.workload.as_str(), map.agents)
    };
    let point = |c: &Cell| -> Option<MapPoint> {
        let form: Form = c.x.parse().ok()?;
        let placement = form.place(c.agents, whole_cpus(cpus_effective));
        let rates: Vec<f64> = c.kept().map(|(_, _, x)| x.ops_per_s).collect();
        Some(MapPoint {
            deployment: c.x.clone(),
            processes: placement.processes(),
            threads_each: placement.threads_each(),
            ops_per_s: median(&rates)?,
            ratio: c.effect.map(|e| Estimate {
                value: e.ratio,
                low: e.low,
                high: e.high,
            }),
            is_among_best: false,
        })
    };
    map.points = cells.iter().filter(is_on_it).filter_map(point).collect();
    rank(map);
}

/// The label of the best mix, the baseline included: the highest ratio to the baseline of those that were
/// measured, and the baseline where none is above it. Marks the points that cannot be told from the best:
/// whose interval reaches as far as the lower end of the best one's.
fn rank(answer: &mut MapAnswer) {
    let best = answer
        .points
        .iter()
        .filter_map(|p| Some((p.deployment.clone(), p.ratio?)))
        .max_by(|a, b| a.1.value.total_cmp(&b.1.value));
    let Some((label, ratio)) = best else {
        answer.best.clone_from(&answer.baseline);
        return;
    };
    let (best, low) = match ratio.value >= 1.0 {
        true => (label, ratio.low),
        false => (answer.baseline.clone(), 1.0),
    };
    answer.best = best;
    for point in &mut answer.points {
        point.is_among_best = point.ratio.is_some_and(|r| r.high >= low);
    }
}

/// What the map says: the best, by how much, and what cannot be told from it.
#[must_use]
pub fn map_sentence(answer: &MapAnswer) -> String {
    let place = format!("{} at {}", answer.workload, words::agents(answer.agents));
    let measured = answer.points.iter().filter(|p| p.ratio.is_some()).count();
    if measured == 0 {
        return format!("{place}: no mix has the pairs that an interval needs");
    }
    let others: Vec<&str> = answer
        .points
        .iter()
        .filter(|p| p.is_among_best && p.deployment != answer.best)
        .map(|p| p.deployment.as_str())
        .collect();
    let is_best = |p: &&MapPoint| p.deployment == answer.best;
    let by = match answer.points.iter().find(is_best).and_then(|p| p.ratio) {
        Some(r) => format!(
            "{} does most op/s of {measured} mixes, {:.2} [{:.2}, {:.2}] of {}",
            answer.best, r.value, r.low, r.high, answer.baseline
        ),
        None => format!(
            "none of {measured} mixes does more op/s than {}",
            answer.best
        ),
    };
    match (others.len(), measured) {
        (0, _) => format!("{place}: {by}; all others are behind it, with certainty"),
        (n, all) if n + 1 >= all => {
            format!(
                "{place}: {by}; the map is flat: no other can be told from it ({})",
                words::list(&others)
            )
        }
        _ => format!(
            "{place}: {by}; {} cannot be told from it",
            words::list(&others)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(ratios: &[(&str, f64, f64)]) -> MapAnswer {
        let point = |&(label, low, high): &(&str, f64, f64)| MapPoint {
            deployment: label.to_owned(),
            processes: 2,
            threads_each: 2,
            ops_per_s: 1.0,
            ratio: Some(Estimate {
                value: (low + high) / 2.0,
                low,
                high,
            }),
            is_among_best: false,
        };
        let mut answer = MapAnswer {
            workload: "coordination".to_owned(),
            agents: 32,
            baseline: "threads".to_owned(),
            points: ratios.iter().map(point).collect(),
            best: String::new(),
            sentence: String::new(),
        };
        rank(&mut answer);
        answer
    }

    #[test]
    fn the_best_is_named_with_those_that_cannot_be_told_from_it() {
        let found = map(&[("a", 0.5, 0.6), ("b", 1.2, 1.4), ("c", 1.1, 1.25)]);
        assert_eq!(found.best, "b");
        assert_eq!(
            map_sentence(&found),
            "coordination at 32 agents: b does most op/s of 3 mixes, 1.30 [1.20, 1.40] of threads; c cannot be told from it"
        );
    }

    #[test]
    fn the_baseline_can_be_the_best() {
        let found = map(&[("a", 0.5, 0.6), ("b", 0.9, 0.95)]);
        assert_eq!(found.best, "threads");
        assert!(map_sentence(&found).ends_with("all others are behind it, with certainty"));
        let flat = map(&[("a", 0.9, 1.1), ("b", 0.95, 1.2)]);
        assert!(
            map_sentence(&flat).contains("the map is flat"),
            "{}",
            map_sentence(&flat)
        );
    }
}
