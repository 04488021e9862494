//! What does a message between two workers cost, and why?

mod finding;
mod plan;
mod sentence;
mod show;
mod split;

pub use finding::{HopAnswers, HopPart, HopRatio, HopSplit, Part};
pub use sentence::{Told, adds_up, price, told};

use super::{Context, Entry, Fixed, Study, Words, finding as value};
use crate::document::Document;
use crate::experiment::plan::{Depth, Draft};
use crate::record::{Cell, Run, WorkloadRecord};
use crate::study::links;
use crate::workload::SpecSource;
use crate::workload::hop::{ENDS, ENTRY};
use serde_json::Value;

/// Two workers that do nothing but send and receive.
pub struct Message;

/// What it refuses.
const FIXED: Fixed = Fixed {
    agents: ENDS,
    alone: "message has no agents and is measured alone; run it without other workloads",
    of_agents: "a message has two ends; leave out --agents with the workload message",
    of_transport: "the workload message measures every transport; leave out --transport",
    of_deployments: "the workload message compares threads with processes; leave out --deployment",
};

impl Study for Message {
    fn entry(&self) -> Entry {
        Entry {
            fixed: Some(FIXED),
            ..Entry::new(
                ENTRY.name,
                "what does a message between two workers cost, and why?",
            )
        }
    }

    fn workloads(&self, _: Depth) -> Vec<SpecSource> {
        vec![links::small().source()]
    }

    fn open(&self, name: &str) -> Option<Vec<SpecSource>> {
        let hops = || plan::hops().iter().map(|hop| hop.source()).collect();
        (name == ENTRY.name).then(hops)
    }

    fn claims(&self, workload: &WorkloadRecord) -> bool {
        workload.code() == ENTRY.name
    }

    fn agents(&self, _: usize) -> Option<Vec<usize>> {
        Some(vec![ENDS])
    }

    fn refuse(&self, words: &Words<'_>) -> Result<(), String> {
        FIXED.check(words, words.workloads.iter().all(|w| w.is_link))
    }

    fn plan(&self, draft: &mut Draft<'_>) {
        plan::add(draft);
    }

    fn conclude(&self, cells: &[&Cell], context: &Context<'_>) -> Option<Value> {
        let run = context.run;
        let mut found = split::hop_answers(cells, &run.workloads, run.margin)?;
        for split in &mut found.splits {
            split.sentence = sentence::price(split);
        }
        value(&found)
    }

    #[cfg(test)]
    fn schema(&self, generator: &mut schemars::SchemaGenerator) -> Option<schemars::Schema> {
        Some(generator.subschema_for::<HopAnswers>())
    }

    fn show(&self, run: &Run, out: &mut Document) {
        show::show(run, out);
    }
}
