//! What does writing messages down cost in each format, and how much of a hop is that?

mod conclude;
mod finding;
mod plan;
mod sentence;
mod show;

pub use finding::{
    BodyAnswer, FloorAnswer, FloorState, FormatAnswers, FormatCost, FormatFacts, HopPrice,
    ShareOfHop, StepCost,
};
pub use sentence::{FLOOR, floor, format_sentence};

use super::{Context, Entry, Fixed, Study, Words, finding as value};
use crate::document::Document;
use crate::experiment::plan::Draft;
use crate::record::{Cell, Run};
use crate::verdict::{Measured, words};
use crate::workload::SpecSource;
use crate::workload::serialize::body::BODIES;
use crate::workload::serialize::{ENTRY, FORMATS};
use serde::Deserialize;
use serde_json::Value;

/// Its name.
pub const NAME: &str = "formats";

/// The number of its finding that claims and thresholds can be about.
const TIMES_JSON: &str = "times json";

/// Bodies, encoded and decoded.
pub struct Formats;

/// What it refuses.
const FIXED: Fixed = Fixed {
    agents: plan::AGENTS,
    alone: "serialize has no agents that meet and is measured alone; run it without other workloads",
    of_agents: "a format is measured with one agent, which meets nobody; leave out --agents with the workload serialize",
    of_transport: "the workload serialize holds formats against hops of its own (ipc:bytes and ring); leave out --transport",
    of_deployments: "the workload serialize measures formats in a thread and hops between processes; leave out --deployment",
};

impl Study for Formats {
    fn entry(&self) -> Entry {
        Entry {
            fixed: Some(FIXED),
            ..Entry::new(
                NAME,
                "what does writing messages down cost, and how much of a hop is that?",
            )
        }
    }

    /// The built-in workload; a file with its parameters is compared like any other.
    fn open(&self, name: &str) -> Option<Vec<SpecSource>> {
        let all = || {
            let written = plan::settings().into_iter().map(|s| s.source());
            let sent = plan::hops().into_iter().map(|h| h.source());
            written.chain(sent).collect()
        };
        (name == ENTRY.name).then(all)
    }

    fn is_alone(&self) -> bool {
        true
    }

    fn agents(&self, _: usize) -> Option<Vec<usize>> {
        Some(vec![plan::AGENTS])
    }

    fn refuse(&self, words: &Words<'_>) -> Result<(), String> {
        FIXED.check(words, true)
    }

    fn plan(&self, draft: &mut Draft<'_>) {
        // Not beside other studies: who names a file of its parameters asks for no more than that.
        if draft.is_alone() {
            plan::add(draft);
        }
    }

    /// Bytes and allocations, with the program's own allocator.
    fn count(&self) -> Result<Option<Value>, String> {
        Ok(value(&facts()?))
    }

    fn conclude(&self, cells: &[&Cell], context: &Context<'_>) -> Option<Value> {
        let mut found = FormatAnswers::deserialize(context.counted?).ok()?;
        found.bodies = conclude::body_answers(cells, &context.run.workloads, &found.facts);
        for answer in &mut found.bodies {
            answer.floor = sentence::floor(&answer.formats);
            answer.sentence = sentence::format_sentence(answer);
        }
        value(&found)
    }

    fn quantity(&self) -> Option<(&'static str, &'static str)> {
        Some((TIMES_JSON, ENTRY.name))
    }

    /// How many times as fast as JSON the slower step of the slower binary format is, of each body.
    fn quantities(&self, run: &Run) -> Vec<Measured> {
        let found: Option<FormatAnswers> = run.finding(NAME);
        let of = |body: &BodyAnswer| match &body.floor {
            None => Measured {
                quantity: TIMES_JSON,
                place: body.body.clone(),
                measured: Err("no binary format was measured".to_owned()),
                missing: None,
            },
            Some(floor) => Measured {
                quantity: TIMES_JSON,
                place: format!("{}, {} {}", body.body, floor.format, floor.step.name()),
                measured: Ok(floor.times_json),
                missing: (!floor.missing.is_empty()).then(|| words::list(&floor.missing)),
            },
        };
        found.iter().flat_map(|f| &f.bodies).map(of).collect()
    }

    #[cfg(test)]
    fn schema(&self, generator: &mut schemars::SchemaGenerator) -> Option<schemars::Schema> {
        Some(generator.subschema_for::<FormatAnswers>())
    }

    fn show(&self, run: &Run, out: &mut Document) {
        show::show(run, out);
    }
}

/// Counts bytes and allocations of every body in every format: outside all windows, with the program's
/// own allocator.
fn facts() -> Result<FormatAnswers, String> {
    let all = BODIES
        .iter()
        .flat_map(|body| FORMATS.iter().map(move |format| (body, format)));
    let facts = all.map(|(&(name, body), format)| {
        let counted = (format.facts)(body).map_err(|e| e.to_string())?;
        Ok(FormatFacts {
            body: name.to_owned(),
            format: format.name.to_owned(),
            bytes: counted.bytes,
            encode: counted.encode,
            decode: counted.decode,
        })
    });
    Ok(FormatAnswers {
        facts: facts.collect::<Result<_, String>>()?,
        bodies: Vec::new(),
    })
}
