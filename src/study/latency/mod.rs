//! How long after its planned start is a step done?
//!
//! Every comparison of agents once more, on an open schedule that does not wait for anybody.

mod conclude;
mod finding;
mod sentence;
mod show;

pub use conclude::answers;
pub use finding::{KEPT_UP, LatencyAnswer, LatencyFinding, LatencyOf, LatencySide};
pub use sentence::latency_sentence;

use super::{Context, Entry, Study, finding};
use crate::document::Document;
use crate::experiment::plan::{Depth, Draft, Leaves, PlannedCell, anchors, band};
use crate::metric::Metric;
use crate::record::{Cell, Evidence, Priority, Run, Weight};
use serde_json::Value;

/// Its name.
pub const NAME: &str = "latency";

/// What a window on an open schedule takes longer, seconds.
const EXTRA_S: f64 = 0.1;

/// Steps with a planned start.
pub struct Latency;

impl Study for Latency {
    fn entry(&self) -> Entry {
        Entry::new(NAME, "how long after its planned start is a step done?")
    }

    fn plan(&self, draft: &mut Draft<'_>) {
        let asked = draft.asked;
        if !asked.asks_latency {
            return;
        }
        // In a report at the anchors, of what stands at the other end from the baseline.
        let is_asked = |c: &&PlannedCell| {
            let is_at_an_end =
                || anchors(&asked.agents).contains(&c.agents) && c.x.form == asked.deployments[1];
            c.is_of_agents && (asked.depth == Depth::Answer || is_at_an_end())
        };
        let twins: Vec<PlannedCell> = draft.cells().iter().filter(is_asked).cloned().collect();
        let mut counts: Vec<usize> = twins.iter().map(|c| c.agents).collect();
        counts.sort_unstable();
        counts.dedup();
        for twin in twins {
            let leaves = match Leaves::from_the_middle(twin.agents, &counts) {
                Leaves::With { order, .. } => Leaves::With {
                    band: band::ANOTHER_QUANTITY,
                    order,
                },
                // One does not go without the other.
                _ => twin.leaves,
            };
            let name = &asked.workloads[twin.workload].source.name;
            let cell = draft.add_like(&twin);
            cell.label = format!(
                "{name}@{} latency {}/{}",
                twin.agents, twin.x.form, twin.baseline.form
            );
            cell.metric = Metric::LATENCY_TAIL_NS;
            cell.weight = Weight::Supporting;
            cell.is_of_agents = false;
            cell.in_one_piece = true;
            cell.schedule_of = Some(twin.id);
            cell.leaves = leaves;
            // Workers get up before the schedule begins, and end at its pace.
            cell.pair_s += 2.0 * EXTRA_S;
        }
    }

    fn conclude(&self, cells: &[&Cell], context: &Context<'_>) -> Option<Value> {
        let run = context.run;
        let comparisons = answers(cells, &run.cells, run.margin, context.widened);
        (!comparisons.is_empty()).then(|| finding(&LatencyFinding { comparisons }))?
    }

    fn evidence(&self, run: &Run) -> Vec<Evidence> {
        let found: LatencyFinding = run.finding(NAME).unwrap_or_default();
        let of = |of: &LatencyOf| -> Vec<Evidence> {
            let evidence = |answer: &LatencyAnswer| Evidence {
                of: Priority::Latency,
                workload: of.workload.clone(),
                baseline: of.baseline.clone(),
                x: of.x.clone(),
                agents: answer.agents,
                ratio: answer.p99,
                values_ns: [answer.baseline.p99_ns, answer.x.p99_ns],
                under: sentence::load(answer),
            };
            of.answers.iter().map(evidence).collect()
        };
        found.comparisons.iter().flat_map(of).collect()
    }

    #[cfg(test)]
    fn schema(&self, generator: &mut schemars::SchemaGenerator) -> Option<schemars::Schema> {
        Some(generator.subschema_for::<LatencyFinding>())
    }

    fn show(&self, run: &Run, out: &mut Document) {
        show::show(run, out);
    }
}
