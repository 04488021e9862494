//! How do single invocations get into a spreadsheet, a data frame, a plot of one's own?
//!
//! `samples.csv` is tidy: one line per invocation, one column per metric, units in the names as in the record.
//! Failed invocations and those of dropped pairs have a line, too: who takes a mean leaves out what has
//! something in `dropped` or `error`. Two lines with the same `cell` and `round` are a pair, in the order in
//! which they ran. Verdicts, intervals and the slices of a window stand in the record only.

use std::io::{self, Write};

use serde::Serialize;

use super::{Report, Style};
use crate::metric::{self, Metric};
use crate::record::{Arm, Cell, Failure, Memory, Outcome, Pair, Role, Run, Sample, Side};

/// A line for each invocation, under a header.
///
/// New columns are added at the end; no column changes its name, place or unit without
/// [`crate::record::SCHEMA_VERSION`] going up.
#[derive(Clone, Copy, Debug)]
pub struct Csv;

impl Report for Csv {
    fn write(&self, run: &Run, _style: &Style, out: &mut dyn Write) -> io::Result<()> {
        let mut lines = csv::Writer::from_writer(out);
        let metrics = metric::all();
        let fixed = PLACE.iter().map(|(name, _)| *name);
        let fixed = fixed.chain(FACTS.iter().map(|(name, _)| *name));
        lines.write_record(fixed.chain(metrics.iter().map(|m| m.id())))?;
        for (index, cell) in run.cells.iter().enumerate() {
            for pair in &cell.pairs {
                let second = match pair.first {
                    Side::Baseline => Side::X,
                    Side::X => Side::Baseline,
                };
                for side in [pair.first, second] {
                    let line = Line {
                        index,
                        cell,
                        pair,
                        side,
                    };
                    lines.write_record(line.fields(&metrics))?;
                }
            }
        }
        lines.flush()
    }
}

/// One invocation and where it belongs.
struct Line<'a> {
    /// Index of the cell in the record.
    index: usize,
    cell: &'a Cell,
    pair: &'a Pair,
    side: Side,
}

impl Line<'_> {
    fn fields(&self, metrics: &[Metric]) -> impl Iterator<Item = String> {
        let sample = match self.outcome() {
            Outcome::Measured(sample) => Some(sample.as_ref()),
            Outcome::Failed(_) => None,
        };
        let place = PLACE.iter().map(|(_, of)| of(self));
        let of_sample = |of: &OfSample| sample.map_or_else(String::new, of);
        let facts = FACTS.iter().map(|(_, of)| of_sample(of));
        let values = metrics.iter().map(|m| {
            let value = sample.and_then(|s| s.get(*m));
            value.map_or_else(String::new, number)
        });
        let all: Vec<String> = place.chain(facts).chain(values).collect();
        all.into_iter()
    }

    fn arm(&self) -> &Arm {
        self.cell.arm(self.side)
    }

    /// What belongs to the side that this line is about.
    fn pick<T>(&self, baseline: T, x: T) -> T {
        match self.side {
            Side::Baseline => baseline,
            Side::X => x,
        }
    }

    fn outcome(&self) -> &Outcome {
        self.pick(&self.pair.baseline, &self.pair.x)
    }

    /// Something about the failure; empty where there is none.
    fn failure(&self, of: impl Fn(&Failure) -> String) -> String {
        match self.outcome() {
            Outcome::Measured(_) => String::new(),
            Outcome::Failed(failure) => of(failure),
        }
    }
}

/// What stands in a column, from a line.
type OfLine = fn(&Line<'_>) -> String;

/// What stands in a column, from a sample.
type OfSample = fn(&Sample) -> String;

/// Which invocation it is, and what became of it.
const PLACE: &[(&str, OfLine)] = &[
    ("cell", |l| l.index.to_string()),
    ("study", |l| l.cell.study.clone()),
    ("metric", |l| l.cell.metric.clone()),
    ("workload", |l| l.arm().workload.clone()),
    ("agents", |l| l.cell.agents.to_string()),
    ("deployment", |l| l.arm().deployment.clone()),
    ("transport", |l| l.arm().transport.clone()),
    ("side", |l| word(&l.side)),
    ("role", |l| role(l.cell.role).to_owned()),
    ("asked_ratio", |l| or_nothing(l.cell.role.truth())),
    ("cpus", |l| word(&l.cell.cpus)),
    ("round", |l| l.pair.round.to_string()),
    ("first", |l| word(&l.pair.first)),
    ("dropped", |l| {
        let dropped = l.pair.dropped.as_ref();
        dropped.map_or_else(String::new, |d| word(&d.cause))
    }),
    ("dropped_detail", |l| {
        or_nothing(l.pair.dropped.as_ref().map(|d| &d.detail))
    }),
    ("error", |l| l.failure(|f| f.message.clone())),
    ("error_phase", |l| l.failure(|f| word(&f.phase))),
    ("error_agent", |l| l.failure(|f| or_nothing(f.agent))),
    ("error_signal", |l| {
        l.failure(|f| or_nothing(f.signal.as_ref()))
    }),
];

/// The fixed facts of a sample; every metric follows.
const FACTS: &[(&str, OfSample)] = &[
    ("digest", |s| s.digest.clone()),
    ("processes", |s| s.processes.to_string()),
    ("workers", |s| s.workers.to_string()),
    ("ops", |s| s.ops.to_string()),
    ("span_s", |s| number(s.span_s)),
    ("turns", |s| s.turns.to_string()),
    ("memory_pss_bytes", |s| memory(s, |m| m.pss_bytes)),
    ("memory_uss_bytes", |s| memory(s, |m| m.uss_bytes)),
    ("memory_page_table_bytes", |s| {
        memory(s, |m| m.page_table_bytes)
    }),
    ("memory_kernel_stack_bytes", |s| {
        memory(s, |m| m.kernel_stack_bytes)
    }),
    ("memory_total_bytes", |s| memory(s, |m| m.total_bytes)),
    ("memory_live_heap_bytes", |s| {
        memory(s, |m| m.live_heap_bytes)
    }),
    ("memory_tasks", |s| memory(s, |m| m.tasks)),
    ("foreign_cpu_share", |s| {
        s.foreign_cpu.map_or_else(String::new, number)
    }),
    ("steal_share", |s| s.steal.map_or_else(String::new, number)),
    ("throttled_times", |s| or_nothing(s.throttled)),
    ("stood_still_s", |s| {
        s.stood_still_s.map_or_else(String::new, number)
    }),
];

fn or_nothing(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |v| v.to_string())
}

/// All digits, without an exponent: what a spreadsheet reads. Nothing where there is no number.
fn number(value: f64) -> String {
    match value.is_finite() {
        true => value.to_string(),
        false => String::new(),
    }
}

fn memory(sample: &Sample, of: impl Fn(&Memory) -> u64) -> String {
    or_nothing(sample.memory.as_ref().map(of))
}

/// A name as the record has it.
fn word(name: &impl Serialize) -> String {
    match serde_json::to_value(name) {
        Ok(serde_json::Value::String(word)) => word,
        other => unreachable!("a choice without parameters is a word: {other:?}"),
    }
}

/// As in the record, but for one that readers of tables take for nothing at all.
fn role(role: Role) -> &'static str {
    match role {
        Role::Question => "question",
        Role::Null => "null_control",
        Role::Known(_) => "known_effect",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// Every number of a sample gets a value of its own, so that its column can be told from the others.
    fn number_all(value: &mut Value, next: &mut u64) {
        match value {
            Value::Number(_) => {
                *next += 1;
                *value = Value::from(*next);
            }
            Value::Object(fields) => fields.values_mut().for_each(|v| number_all(v, next)),
            _ => {}
        }
    }

    #[test]
    fn every_fact_of_a_sample_has_a_column() {
        let sample = Sample {
            foreign_cpu: Some(0.0),
            steal: Some(0.0),
            throttled: Some(0),
            stood_still_s: Some(0.0),
            memory: Some(Memory::default()),
            digest: "00c0ffee00c0ffee".to_owned(),
            ..Sample::default()
        };
        let mut value = serde_json::to_value(sample).unwrap();
        let mut count = 1000;
        number_all(&mut value, &mut count);
        let sample: Sample = serde_json::from_value(value).unwrap();
        let fields: Vec<String> = FACTS.iter().map(|(_, of)| of(&sample)).collect();
        for number in 1001..=count {
            assert!(fields.contains(&number.to_string()), "{number}: {sample:?}");
        }
        // One for the digest; nothing stands there twice.
        assert_eq!(fields.len() as u64, count - 1000 + 1);
    }
}
