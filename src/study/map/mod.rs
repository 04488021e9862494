//! Which mix of processes and threads is best, and where does it not matter?

mod show;

use super::comparison::Comparison;
use super::{Context, Entry, Study, Words, finding};
use crate::deployment::{Count, Form, whole_cpus};
use crate::document::Document;
use crate::experiment::plan::{Draft, Leaves, PlannedWorkload, distinct};
use crate::record::{Cell, Estimate, Run, Sample, Side};
use crate::stats::median;
use crate::verdict::words;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Its name.
pub const NAME: &str = "map";

/// Every mix against a thread per agent, at one agent count.
pub struct Map;

impl Study for Map {
    fn entry(&self) -> Entry {
        Entry::new(NAME, "which mix of processes and threads is best?")
    }

    fn deployments(&self, agents: Option<usize>, cpus: usize) -> Vec<Form> {
        agents.map_or_else(Vec::new, |agents| mixes(agents, cpus))
    }

    /// Refuses workloads without agents that could be spread over processes and threads.
    fn refuse(&self, words: &Words<'_>) -> Result<(), String> {
        let cannot = |w: &&PlannedWorkload| !Comparison.claims(&w.record);
        match words.workloads.iter().find(cannot) {
            None => Ok(()),
            Some(workload) => Err(format!(
                "{} has no agents to be spread over processes and threads; take exploration, coordination or learning, or a copy of their files",
                workload.source.name
            )),
        }
    }

    fn plan(&self, draft: &mut Draft<'_>) {
        let asked = draft.asked;
        // Mixes are many and much alike: what lies between the two ends is not controlled by itself.
        let ends = [asked.deployments.first(), asked.deployments.last()];
        let own = draft.own();
        if own.is_empty() {
            return;
        }
        draft.controlled = ends.into_iter().flatten().copied().collect();
        for workload in own {
            for &agents in &asked.agents {
                for &x in &asked.deployments[1..] {
                    let (baseline, x) = (draft.side(asked.deployments[0]), draft.side(x));
                    let cell = draft.add(workload, agents, baseline, x);
                    cell.is_of_agents = true;
                    cell.leaves = Leaves::from_the_middle(agents, &asked.agents);
                }
            }
        }
    }

    fn conclude(&self, cells: &[&Cell], context: &Context<'_>) -> Option<Value> {
        let found = map(cells, context.run.machine.cpus_effective)?;
        finding(&found)
    }

    #[cfg(test)]
    fn schema(&self, generator: &mut schemars::SchemaGenerator) -> Option<schemars::Schema> {
        Some(generator.subschema_for::<MapAnswer>())
    }

    fn show(&self, run: &Run, out: &mut Document) {
        show::show(run, out);
    }
}

/// Mixes of processes and threads, all against the same baseline at one agent count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MapAnswer {
    /// Name of the workload.
    pub workload: String,
    /// Number of agents.
    pub agents: usize,
    /// The baseline.
    pub baseline: String,
    /// Every mix that was measured.
    pub points: Vec<MapPoint>,
    /// Label of the best one, the baseline included.
    pub best: String,
    /// What the map says.
    pub sentence: String,
}

/// One mix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MapPoint {
    /// Label of the deployment.
    pub deployment: String,
    /// Processes; 0 where the workers are threads of the host.
    pub processes: usize,
    /// Threads in each process, or of the host.
    pub threads_each: usize,
    /// Op/s, median.
    pub ops_per_s: f64,
    /// Op/s / those of the baseline; `None` with fewer than six pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<Estimate>,
    /// Whether it cannot be told from the best one.
    pub is_among_best: bool,
}

/// The points of a map, ranked.
fn map(cells: &[&Cell], cpus_effective: f64) -> Option<MapAnswer> {
    let first = cells.first()?;
    let point = |c: &&Cell| -> Option<MapPoint> {
        let form: Form = c.x.deployment.parse().ok()?;
        let placement = form.place(c.agents, whole_cpus(cpus_effective));
        let rates: Vec<f64> = c.samples(Side::X).map(Sample::ops_per_s).collect();
        Some(MapPoint {
            deployment: c.x.deployment.clone(),
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
    let mut answer = MapAnswer {
        workload: first.baseline.workload.clone(),
        agents: first.agents,
        baseline: first.baseline.deployment.clone(),
        points: cells.iter().filter_map(point).collect(),
        best: String::new(),
        sentence: String::new(),
    };
    rank(&mut answer);
    answer.sentence = map_sentence(&answer);
    Some(answer)
}

/// Threads of one process, and P processes of T threads each, with P and T doubling and no more workers than
/// agents; the first is a thread per agent.
#[must_use]
pub fn mixes(agents: usize, cpus: usize) -> Vec<Form> {
    let counts: Vec<usize> = std::iter::successors(Some(1), |&n| (2 * n < agents).then_some(2 * n))
        .chain([agents])
        .collect();
    let mut all = vec![Form::THREADS];
    for &w in counts.iter().filter(|&&w| w < agents) {
        all.push(Form {
            count: Count::Exactly(w),
            ..Form::THREADS
        });
    }
    for &p in &counts {
        for &t in counts.iter().filter(|&&t| p * t <= agents && p > 1) {
            all.push(Form {
                count: Count::Exactly(p),
                threads_each: Count::Exactly(t),
                ..Form::PROCESSES
            });
        }
    }
    distinct(&all, agents, cpus)
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

    #[test]
    fn every_mix_of_eight_agents_is_on_the_map_once() {
        let labels: Vec<String> = mixes(8, 2).iter().map(ToString::to_string).collect();
        assert_eq!(
            labels,
            [
                "threads",
                "threads:1",
                "threads:2",
                "threads:4",
                "processes:2",
                "processes:2x2",
                "processes:2x4",
                "processes:4",
                "processes:4x2",
                "processes:8"
            ]
        );
    }

    #[test]
    fn a_map_has_no_mix_twice_on_any_machine() {
        for cpus in 1..=256 {
            for agents in [1, 2, 3, 6, 12, 32, 100, 128] {
                let mixes = mixes(agents, cpus);
                let mut placed: Vec<_> = mixes.iter().map(|m| m.place(agents, cpus)).collect();
                let all = placed.len();
                placed.sort_unstable_by_key(|p| (p.processes(), p.workers()));
                placed.dedup();
                assert_eq!(
                    placed.len(),
                    all,
                    "{agents} agents on {cpus} CPUs: {mixes:?}"
                );
                assert!(placed.iter().all(|p| p.workers() <= agents));
            }
        }
    }

    #[test]
    fn a_count_that_is_no_power_of_two_ends_with_itself() {
        let labels: Vec<String> = mixes(6, 2).iter().map(ToString::to_string).collect();
        assert!(labels.contains(&"processes:6".to_owned()), "{labels:?}");
        assert!(labels.contains(&"processes:2x2".to_owned()), "{labels:?}");
    }
}
