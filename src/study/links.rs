//! What does a message between two workers take, by transport and deployment?
//!
//! Shared by the studies whose cells send messages and do nothing else.

use crate::deployment::Form;
use crate::experiment::plan::{Draft, Leaves, NamedBy, PlannedSide, Stands};
use crate::metric::{FOR_P99, Metric};
use crate::record::{Cell, Estimate, Pinning, Sample, Weight, WorkloadRecord};
use crate::stats::{estimate_mean, estimate_usual, median};
use crate::transport::{Choice, WaitPolicy};
use crate::workload::hop::{self, ENDS, Hop, Pattern};
use serde::{Deserialize, Serialize};

/// Fewest round trips in an invocation for its 99.9th percentile.
const FOR_P999: u64 = 10_000;

/// Window in which a price is taken beside other questions, seconds: thousands of round trips, of the
/// slowest transport too. No deployment is ever called ahead by it.
pub const SHORT_WINDOW_S: f64 = 0.1;

/// Warm-up of two workers without agents, seconds.
pub const WARM_UP_S: f64 = 0.03;

/// The size of which a run about other things says the price, bytes.
pub const SMALL: usize = 64;

/// The round trip of the smallest size: what a run about other things says the price of, and what controls run on where
/// nothing else shows an effect.
#[must_use]
pub fn small() -> Hop {
    Hop {
        pattern: Pattern::PingPong,
        payload_bytes: SMALL,
    }
}

/// A transport under a deployment.
pub type Way = (&'static str, &'static str);

/// One transport under one deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HopLevel {
    /// Who sends when.
    pub pattern: Pattern,
    /// Bytes of a message.
    pub payload_bytes: usize,
    /// On which CPUs the two workers ran.
    #[serde(default, skip_serializing_if = "Pinning::is_free")]
    pub cpus: Pinning,
    /// Deployment.
    pub deployment: String,
    /// Transport; `call` where both ends are one worker.
    pub transport: String,
    /// Invocations that it is read from.
    pub invocations: usize,
    /// Time of one message, one way, nanoseconds: span / messages, waiting included.
    pub one_way_ns: Estimate,
    /// Half a median round trip, nanoseconds: what a message usually takes. Not of floods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual_ns: Option<Estimate>,
    /// Round trips: median, 99th and 99.9th percentile, nanoseconds, medians over invocations; only
    /// where every invocation timed as many as a percentile needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_p50_ns: Option<f64>,
    /// 99th percentile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_p99_ns: Option<f64>,
    /// 99.9th percentile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_p999_ns: Option<f64>,
    /// Messages per second, all directions together.
    pub messages_per_s: f64,
    /// Payload bytes per second.
    pub bytes_per_s: f64,
    /// CPU time of both ends per message, nanoseconds, spinning included.
    pub cpu_per_message_ns: f64,
}

/// A cell of messages, with what was sent in it.
pub struct Sent<'a> {
    /// The cell.
    pub cell: &'a Cell,
    /// What was sent.
    pub hop: Hop,
}

impl<'a> Sent<'a> {
    /// Those of `cells` whose parameters can be read.
    pub fn of(cells: &[&'a Cell], workloads: &[WorkloadRecord]) -> Vec<Sent<'a>> {
        let of_cell = |&cell: &&'a Cell| {
            let workload = workloads
                .iter()
                .find(|w| w.name == cell.baseline.workload)?;
            Some(Sent {
                cell,
                hop: hop::of(workload)?,
            })
        };
        cells.iter().filter_map(of_cell).collect()
    }
}

/// Half a median round trip, nanoseconds: what a message usually takes. Not the mean, in which one
/// pause of the scheduler weighs as much as ten thousand messages.
pub fn usual_ns(sample: &Sample) -> f64 {
    sample.value(Metric::SERVICE_P50_NS) / 2.0
}

/// Time of one message, one way, nanoseconds.
fn one_way_ns(sample: &Sample, pattern: Pattern) -> f64 {
    let messages = match pattern {
        Pattern::PingPong => 2.0,
        Pattern::Flood | Pattern::Paced(_) => 1.0,
    };
    sample.span_s / (sample.ops as f64 * messages) * 1e9
}

/// What is told apart in the table.
#[derive(PartialEq)]
struct Key<'a> {
    pattern: Pattern,
    payload_bytes: usize,
    cpus: Pinning,
    deployment: &'a str,
    transport: &'a str,
}

/// What each transport takes under each deployment.
#[must_use]
pub fn levels(sent: &[Sent<'_>]) -> Vec<HopLevel> {
    let mut found: Vec<(Key<'_>, Vec<&Sample>)> = Vec::new();
    for Sent { cell, hop } in sent {
        for (_, baseline, x) in cell.kept() {
            for (arm, sample) in [(&cell.baseline, baseline), (&cell.x, x)] {
                let key = Key {
                    pattern: hop.pattern,
                    payload_bytes: hop.payload_bytes,
                    cpus: cell.cpus,
                    deployment: &arm.deployment,
                    transport: &arm.transport,
                };
                match found.iter_mut().find(|(k, _)| *k == key) {
                    Some((_, samples)) => samples.push(sample),
                    None => found.push((key, vec![sample])),
                }
            }
        }
    }
    found.iter().filter_map(|(k, s)| level(k, s)).collect()
}

fn level(key: &Key<'_>, samples: &[&Sample]) -> Option<HopLevel> {
    let column =
        |value: &dyn Fn(&Sample) -> f64| -> Vec<f64> { samples.iter().map(|s| value(s)).collect() };
    let middle = |value: &dyn Fn(&Sample) -> f64| median(&column(value));
    let one_way = estimate_mean(&column(&|s| one_way_ns(s, key.pattern))).ok()?;
    let usual = match key.pattern {
        Pattern::PingPong => estimate_usual(&column(&usual_ns)).ok(),
        Pattern::Flood | Pattern::Paced(_) => None,
    };
    // In a flood an op is timed from its sending only, which says nothing about its arrival.
    let percentile = |least: u64, value: &dyn Fn(&Sample) -> f64| {
        let has_enough = |s: &&Sample| s.value(Metric::SERVICE_TIMED_OPS) >= least as f64;
        let is_asked = key.pattern == Pattern::PingPong && samples.iter().all(has_enough);
        is_asked.then(|| middle(value)).flatten()
    };
    let messages = |s: &Sample| s.get(Metric::MESSAGES_SENT).unwrap_or(0.0).max(1.0);
    Some(HopLevel {
        pattern: key.pattern,
        payload_bytes: key.payload_bytes,
        cpus: key.cpus,
        deployment: key.deployment.to_owned(),
        transport: key.transport.to_owned(),
        invocations: samples.len(),
        one_way_ns: one_way,
        usual_ns: usual,
        round_trip_p50_ns: percentile(1, &|s| s.value(Metric::SERVICE_P50_NS)),
        round_trip_p99_ns: percentile(FOR_P99, &|s| s.value(Metric::SERVICE_P99_NS)),
        round_trip_p999_ns: percentile(FOR_P999, &|s| s.value(Metric::SERVICE_P999_NS)),
        messages_per_s: middle(&|s| messages(s) / s.span_s)?,
        bytes_per_s: middle(&|s| s.value(Metric::BYTES_SENT) / s.span_s)?,
        cpu_per_message_ns: middle(&|s| s.value(Metric::CPU_S) * 1e9 / messages(s))?,
    })
}

/// Adds `pairs` for the hop that `workload` is, as far as the machine can measure them.
pub fn add_pairs(
    draft: &mut Draft<'_>,
    workload: usize,
    pairs: &[(Way, Way)],
    cpus: Pinning,
    order: usize,
    window_s: Option<f64>,
) {
    let asked = draft.asked;
    let (baseline, x) = (asked.deployments[0], asked.deployments.get(1).copied());
    // A study of one's own deployments would need transports that serve them.
    if (baseline, x) != (Form::THREADS, Some(Form::PROCESSES)) {
        return;
    }
    if asked.cpus() < cpus.needs() {
        return;
    }
    for &(baseline, x) in pairs {
        let sides = [baseline, x].map(|way| side(way, cpus));
        // Whoever spins on the CPU of the one that it waits for waits for the scheduler.
        let crawls = asked.cpus() < 2 || cpus == Pinning::OneCpu;
        if crawls && sides.iter().any(spins) {
            continue;
        }
        let name = &asked.workloads[workload].source.name;
        let way = |s: &PlannedSide| format!("{} {}", s.form, s.transport_name());
        let place = match cpus {
            Pinning::Free => "",
            Pinning::OneCpu => ", both on one CPU",
            Pinning::OwnCpus => ", each on a CPU of its own",
        };
        let label = format!("{name} {}/{}{place}", way(&sides[1]), way(&sides[0]));
        let in_one_piece = is_in_one_piece(&asked.workloads[workload].record, &sides);
        let cell = draft.add(workload, ENDS, sides[0], sides[1]);
        cell.label = label;
        cell.weight = Weight::Beside;
        cell.named_by = NamedBy::DeploymentAndTransport;
        cell.stands = Stands::WhereNative;
        cell.leaves = Leaves::by_order(order);
        cell.in_one_piece = in_one_piece;
        cell.time(window_s.unwrap_or(cell.window_s), WARM_UP_S);
    }
}

/// A way as a side.
///
/// # Panics
/// When the way is none: those of a study are constants.
#[must_use]
pub fn side((form, transport): Way, cpus: Pinning) -> PlannedSide {
    PlannedSide {
        form: form.parse().expect("the forms of a study are deployments"),
        tape: false,
        uncounted_every: None,
        transport: Choice::named(transport),
        cpus,
    }
}

/// Whether a side spins.
#[must_use]
pub fn spins(side: &PlannedSide) -> bool {
    side.wait() == WaitPolicy::Spin
}

/// Whether windows of messages are one piece: a flood, whose end, when what is under way is read, belongs to the time
/// of every turn, but to no message that counts; and a hop whose ends sleep wherever the scheduler puts them: it puts
/// them anew in every turn, on one CPU or on two, and a median over both is that of neither (seen: 14 µs in turns,
/// 67 µs in one piece, 11 and 61 where pinned).
fn is_in_one_piece(workload: &WorkloadRecord, sides: &[PlannedSide; 2]) -> bool {
    let is_round_trip = hop::of(workload).is_some_and(|h| h.pattern == Pattern::PingPong);
    let sleeps = |s: &PlannedSide| s.wait() == WaitPolicy::Park && s.cpus.is_free();
    !is_round_trip || sides.iter().any(sleeps)
}
