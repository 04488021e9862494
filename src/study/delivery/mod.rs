//! Does it matter more whether a receiver polls than where it runs?

mod claim;
mod conclude;
mod event;
mod finding;
mod plan;
mod show;

pub use claim::claims;
pub use event::event_sentence;
pub use finding::{DeliveryAnswers, DeliveryWay, EventRatio, Improvement};

use super::{Context, Entry, Fixed, Study, Words, finding};
use crate::document::Document;
use crate::experiment::plan::Draft;
use crate::record::{Cell, Run, WorkloadRecord};
use crate::study::links;
use crate::workload::SpecSource;
use crate::workload::delivery::{self, ENTRY, Reception};
use crate::workload::hop::ENDS;
use serde_json::Value;

/// Messages at random moments, received by polling or when they come.
pub struct Delivery;

/// What it refuses.
const FIXED: Fixed = Fixed {
    agents: ENDS,
    alone: "delivery has no agents and is measured alone or with message; run it without other workloads",
    of_agents: "a message has two ends; leave out --agents with the workload delivery",
    of_transport: "the workload delivery compares polling with being woken, by each deployment's native transport; leave out --transport",
    of_deployments: "the workload delivery measures threads and processes; leave out --deployment",
};

impl Study for Delivery {
    fn entry(&self) -> Entry {
        Entry {
            fixed: Some(FIXED),
            // What comes at random moments shows no effect.
            shows_effects: false,
            ..Entry::new(
                ENTRY.name,
                "does it matter more whether a receiver polls than where it runs?",
            )
        }
    }

    fn open(&self, name: &str) -> Option<Vec<SpecSource>> {
        let ways = || plan::ways().into_iter().map(|way| way.source());
        (name == ENTRY.name).then(|| {
            std::iter::once(links::small().source())
                .chain(ways())
                .collect()
        })
    }

    fn beside(&self, own: &WorkloadRecord) -> Vec<SpecSource> {
        // Controls run on another workload; and polling is compared with being woken by the same messages.
        let mut beside = vec![links::small().source()];
        let paced = delivery::of(own).filter(|p| p.reception != Reception::Event);
        beside.extend(paced.map(|p| plan::event(p.gap_us).source()));
        beside
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
        let mut found = conclude::delivery_answers(cells, context.run)?;
        for event in &mut found.event {
            event.sentence = event::event_sentence(event, context.run.margin);
        }
        found.claims = claim::claims(&found);
        finding(&found)
    }

    #[cfg(test)]
    fn schema(&self, generator: &mut schemars::SchemaGenerator) -> Option<schemars::Schema> {
        Some(generator.subschema_for::<DeliveryAnswers>())
    }

    fn show(&self, run: &Run, out: &mut Document) {
        show::show(run, out);
    }
}
