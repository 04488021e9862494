//! How do single invocations get into a spreadsheet, a data frame, a plot of one's own?
//!
//! `samples.csv` is tidy: one line per invocation, one column per metric, units in the names as in the record.
//! Failed invocations and those of dropped pairs have a line, too: who takes a mean leaves out what has
//! something in `dropped` or `error`. Two lines with the same `cell` and `round` are a pair, in the order in
//! which they ran. Verdicts, intervals and the slices of a window stand in the record only.

use std::io::{self, Write};

use serde::Serialize;

use super::{Report, Style};
use crate::record::latency::Latency;
use crate::record::{Cell, Failure, Interrupts, Memory, Outcome, Pair, Purpose, Run, Sample, Side};

/// A line for each invocation, under a header.
///
/// New columns are added at the end; no column changes its name, place or unit without
/// [`crate::record::SCHEMA_VERSION`] going up.
#[derive(Clone, Copy, Debug)]
pub struct Csv;

impl Report for Csv {
    fn write(&self, run: &Run, _style: &Style, out: &mut dyn Write) -> io::Result<()> {
        let mut lines = csv::Writer::from_writer(out);
        let names = PLACE.iter().map(|(name, _)| name);
        lines.write_record(names.chain(METRICS.iter().map(|(name, _)| name)))?;
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
                    lines.write_record(line.fields())?;
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
    fn fields(&self) -> impl Iterator<Item = String> {
        let sample = match self.outcome() {
            Outcome::Measured(sample) => Some(sample.as_ref()),
            Outcome::Failed(_) => None,
        };
        let place = PLACE.iter().map(|(_, of)| of(self));
        place.chain(
            METRICS
                .iter()
                .map(move |(_, of)| sample.map_or_else(String::new, of)),
        )
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
    ("workload", |l| l.cell.workload.clone()),
    ("x_workload", |l| or_nothing(l.cell.x_workload.as_ref())),
    ("agents", |l| l.cell.agents.to_string()),
    ("deployment", |l| {
        l.pick(&l.cell.baseline, &l.cell.x).clone()
    }),
    ("transport", |l| {
        l.pick(&l.cell.baseline_transport, &l.cell.x_transport)
            .clone()
    }),
    ("side", |l| word(&l.side)),
    ("purpose", |l| purpose(l.cell.purpose).to_owned()),
    ("asked_ratio", |l| or_nothing(l.cell.purpose.asked())),
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

/// Every scalar of a sample.
const METRICS: &[(&str, OfSample)] = &[
    ("digest", |s| s.digest.clone()),
    ("processes", |s| s.processes.to_string()),
    ("workers", |s| s.workers.to_string()),
    ("ops", |s| s.ops.to_string()),
    ("span_s", |s| number(s.span_s)),
    ("turns", |s| s.turns.to_string()),
    ("ops_per_s", |s| number(s.ops_per_s)),
    ("setup_s", |s| number(s.setup_s)),
    ("warm_up_s", |s| number(s.warm_up_s)),
    ("service_mean_ns", |s| number(s.service.mean_ns)),
    ("service_p50_ns", |s| number(s.service.p50_ns)),
    ("service_p95_ns", |s| number(s.service.p95_ns)),
    ("service_p99_ns", |s| number(s.service.p99_ns)),
    ("service_p999_ns", |s| number(s.service.p999_ns)),
    ("service_timed_ops", |s| s.service.timed.to_string()),
    ("service_stride_ops", |s| s.service.stride.to_string()),
    ("latency_planned_per_s", |s| {
        latency(s, |l| Some(l.planned_per_s))
    }),
    ("latency_done_per_s", |s| latency(s, |l| Some(l.done_per_s))),
    ("latency_timed_ops", |s| {
        or_nothing(s.latency.as_ref().map(|l| l.timed))
    }),
    ("latency_mean_ns", |s| latency(s, |l| Some(l.mean_ns))),
    ("latency_p50_ns", |s| latency(s, |l| Some(l.p50_ns))),
    ("latency_p95_ns", |s| latency(s, |l| Some(l.p95_ns))),
    ("latency_p99_ns", |s| latency(s, |l| l.p99_ns)),
    ("latency_p999_ns", |s| latency(s, |l| l.p999_ns)),
    ("cpu_s", |s| number(s.cpu_s)),
    ("cpu_per_op_ns", |s| number(s.cpu_per_op_ns)),
    ("voluntary_switches", |s| s.voluntary_switches.to_string()),
    ("involuntary_switches", |s| {
        s.involuntary_switches.to_string()
    }),
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
    ("messages_sent", |s| s.messages_sent.to_string()),
    ("messages_received", |s| s.messages_received.to_string()),
    ("bytes_sent", |s| s.bytes_sent.to_string()),
    ("bytes_received", |s| s.bytes_received.to_string()),
    ("wasted_polls", |s| or_nothing(s.wasted_polls)),
    ("active_states_per_op", |s| number(s.active_states_per_op)),
    ("foreign_cpu_share", |s| {
        s.foreign_cpu.map_or_else(String::new, number)
    }),
    ("steal_share", |s| s.steal.map_or_else(String::new, number)),
    ("throttled_times", |s| or_nothing(s.throttled)),
    ("stood_still_s", |s| {
        s.stood_still_s.map_or_else(String::new, number)
    }),
    ("tlb_shootdowns", |s| interrupts(s, |i| i.tlb_shootdowns)),
    ("function_call_interrupts", |s| {
        interrupts(s, |i| i.function_calls)
    }),
    ("reschedule_interrupts", |s| {
        interrupts(s, |i| i.reschedules)
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

fn latency(sample: &Sample, of: impl Fn(&Latency) -> Option<f64>) -> String {
    let found = sample.latency.as_ref().and_then(of);
    found.map_or_else(String::new, number)
}

fn interrupts(sample: &Sample, of: impl Fn(&Interrupts) -> Option<u64>) -> String {
    or_nothing(sample.interrupts.as_ref().and_then(of))
}

/// A name as the record has it.
fn word(name: &impl Serialize) -> String {
    match serde_json::to_value(name) {
        Ok(serde_json::Value::String(word)) => word,
        other => unreachable!("a choice without parameters is a word: {other:?}"),
    }
}

/// As in the record, but for one that readers of tables take for nothing at all.
fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Compare => "compare",
        Purpose::Null => "null_control",
        Purpose::KnownEffect { .. } => "known_effect",
        Purpose::MessageCost => "message_cost",
        Purpose::Hop => "hop",
        Purpose::Variant => "variant",
        Purpose::LongWindow => "long_window",
        Purpose::Latency => "latency",
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
    fn every_scalar_of_a_sample_has_a_column() {
        let sample = Sample {
            wasted_polls: Some(0),
            foreign_cpu: Some(0.0),
            steal: Some(0.0),
            throttled: Some(0),
            stood_still_s: Some(0.0),
            interrupts: Some(Interrupts {
                tlb_shootdowns: Some(0),
                function_calls: Some(0),
                reschedules: Some(0),
            }),
            latency: Some(Latency {
                planned_per_s: 0.0,
                done_per_s: 0.0,
                timed: 0,
                mean_ns: 0.0,
                p50_ns: 0.0,
                p95_ns: 0.0,
                p99_ns: Some(0.0),
                p999_ns: Some(0.0),
            }),
            memory: Some(Memory::default()),
            digest: "00c0ffee00c0ffee".to_owned(),
            ..Sample::default()
        };
        let mut value = serde_json::to_value(sample).unwrap();
        let mut count = 1000;
        number_all(&mut value, &mut count);
        let sample: Sample = serde_json::from_value(value).unwrap();
        let fields: Vec<String> = METRICS.iter().map(|(_, of)| of(&sample)).collect();
        for number in 1001..=count {
            assert!(fields.contains(&number.to_string()), "{number}: {sample:?}");
        }
        // One for the digest; nothing stands there twice.
        assert_eq!(fields.len() as u64, count - 1000 + 1);
    }

    #[test]
    fn purposes_are_named_as_in_the_record() {
        for known in [
            Purpose::Compare,
            Purpose::Null,
            Purpose::KnownEffect { asked: 0.9 },
            Purpose::MessageCost,
            Purpose::Hop,
            Purpose::Variant,
            Purpose::LongWindow,
            Purpose::Latency,
        ] {
            let record = serde_json::to_value(known).unwrap();
            let name = purpose(known).trim_end_matches("_control");
            assert_eq!(record["kind"], name);
        }
    }
}
