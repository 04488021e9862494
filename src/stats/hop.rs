//! What does a message between two workers cost, and what is that made of?

use super::effect::{Widen, effect, pair_differences};
use super::estimate::{estimate_mean, estimate_usual, median};
use crate::record::hops::{HopAnswers, HopLevel, HopPart, HopRatio, HopSplit, Part};
use crate::record::{Cell, Estimate, Pinning, Purpose, Sample, WorkloadRecord};
use crate::workload::hop::{Hop, Pattern};
use crate::workload::{self, SpecSource};

/// Fewest round trips in an invocation for its 99th percentile.
const FOR_P99: u64 = 1_000;

/// Fewest round trips in an invocation for its 99.9th percentile.
const FOR_P999: u64 = 10_000;

/// Where one worker is both ends.
const CALL: &str = "call";

/// A hop's cells, with what was sent in them.
struct Asked<'a> {
    cell: &'a Cell,
    hop: Hop,
}

/// What the hops among `cells` say; `None` where there are none with two invocations.
#[must_use]
pub fn hop_answers(
    cells: &[Cell],
    workloads: &[WorkloadRecord],
    margin: f64,
) -> Option<HopAnswers> {
    let asked: Vec<Asked<'_>> = cells
        .iter()
        .filter(|c| c.purpose == Purpose::Hop)
        .filter_map(|cell| {
            let hop = hop_of(workloads.iter().find(|w| w.name == cell.workload)?)?;
            let is_as_fast_as_it_goes = !matches!(hop.pattern, Pattern::Paced(_));
            is_as_fast_as_it_goes.then_some(Asked { cell, hop })
        })
        .collect();
    let levels = levels(&asked);
    if levels.is_empty() {
        return None;
    }
    let mut sizes: Vec<usize> = Vec::new();
    for asked in asked.iter().filter(|a| is_round_trip(a)) {
        if !sizes.contains(&asked.hop.payload_bytes) {
            sizes.push(asked.hop.payload_bytes);
        }
    }
    let of_size = |&bytes: &usize| {
        let parts = Parts {
            asked: &asked,
            levels: &levels,
            bytes,
        };
        [parts.of_channel(), parts.of_ipc()]
    };
    Some(HopAnswers {
        splits: sizes.iter().flat_map(of_size).flatten().collect(),
        ratios: asked.iter().filter_map(|a| ratio(a, margin)).collect(),
        levels,
    })
}

pub(super) fn hop_of(workload: &WorkloadRecord) -> Option<Hop> {
    let source = SpecSource {
        name: workload.name.clone(),
        origin: workload.origin.clone(),
        text: workload.toml.clone(),
    };
    workload::parse(&source).ok()?.hop()
}

fn is_round_trip(asked: &Asked<'_>) -> bool {
    asked.hop.pattern == Pattern::PingPong && asked.cell.cpus.is_free()
}

/// Half a median round trip, nanoseconds: what a message usually takes. Not the mean, in which one
/// pause of the scheduler weighs as much as ten thousand messages.
fn usual_ns(sample: &Sample) -> f64 {
    sample.service.p50_ns / 2.0
}

/// Time of one message, one way, nanoseconds.
fn one_way_ns(sample: &Sample, pattern: Pattern) -> f64 {
    let messages = match pattern {
        Pattern::PingPong => 2.0,
        Pattern::Flood | Pattern::Paced(_) => 1.0,
    };
    sample.span_s / (sample.ops as f64 * messages) * 1e9
}

/// The same transport in two deployments.
fn ratio(asked: &Asked<'_>, margin: f64) -> Option<HopRatio> {
    let Asked { cell, hop } = asked;
    if cell.baseline_transport != cell.x_transport || cell.baseline == cell.x {
        return None;
    }
    let differences = pair_differences(cell, |s: &Sample| match hop.pattern {
        Pattern::PingPong => 1.0 / s.service.p50_ns,
        Pattern::Flood | Pattern::Paced(_) => s.ops_per_s,
    });
    Some(HopRatio {
        pattern: hop.pattern,
        payload_bytes: hop.payload_bytes,
        cpus: cell.cpus,
        transport: cell.x_transport.clone(),
        baseline: cell.baseline.clone(),
        x: cell.x.clone(),
        effect: effect(&differences, margin, Widen::NONE).ok()?,
    })
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

fn levels(asked: &[Asked<'_>]) -> Vec<HopLevel> {
    let mut found: Vec<(Key<'_>, Vec<&Sample>)> = Vec::new();
    for Asked { cell, hop } in asked {
        for (_, baseline, x) in cell.kept() {
            let sides = [
                (&cell.baseline, &cell.baseline_transport, baseline),
                (&cell.x, &cell.x_transport, x),
            ];
            for (deployment, transport, sample) in sides {
                let key = Key {
                    pattern: hop.pattern,
                    payload_bytes: hop.payload_bytes,
                    cpus: cell.cpus,
                    deployment,
                    transport,
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
        let has_enough = |s: &&Sample| s.service.timed >= least;
        let is_asked = key.pattern == Pattern::PingPong && samples.iter().all(has_enough);
        is_asked.then(|| middle(value)).flatten()
    };
    let messages = |s: &Sample| s.messages_sent.max(1) as f64;
    Some(HopLevel {
        pattern: key.pattern,
        payload_bytes: key.payload_bytes,
        cpus: key.cpus,
        deployment: key.deployment.to_owned(),
        transport: key.transport.to_owned(),
        invocations: samples.len(),
        one_way_ns: one_way,
        usual_ns: usual,
        round_trip_p50_ns: percentile(1, &|s| s.service.p50_ns),
        round_trip_p99_ns: percentile(FOR_P99, &|s| s.service.p99_ns),
        round_trip_p999_ns: percentile(FOR_P999, &|s| s.service.p999_ns),
        messages_per_s: middle(&|s| messages(s) / s.span_s)?,
        bytes_per_s: middle(&|s| s.bytes_sent as f64 / s.span_s)?,
        cpu_per_message_ns: middle(&|s| s.cpu_s * 1e9 / messages(s))?,
    })
}

/// What the parts of a price at one size are read from.
struct Parts<'a> {
    asked: &'a [Asked<'a>],
    levels: &'a [HopLevel],
    bytes: usize,
}

/// A transport under a deployment.
type Way<'a> = (&'a str, &'a str);

impl Parts<'_> {
    fn of_channel(&self) -> Option<HopSplit> {
        let way = ("threads", "channel");
        let mut parts = vec![
            self.difference(Part::WakeUp, way, ("threads", "channel:spin")),
            self.copy(),
        ];
        parts.push(self.call());
        self.split(way, parts)
    }

    fn of_ipc(&self) -> Option<HopSplit> {
        let way = ("processes", "ipc");
        let bytes = ("processes", "ipc:bytes");
        let ring = |deployment| (deployment, "ring:spin");
        let parts = vec![
            self.difference(Part::WakeUp, bytes, ("processes", "ipc:bytes:spin")),
            self.copy(),
            self.difference(Part::Serialisation, way, bytes),
            self.difference(Part::AddressSpace, ring("processes"), ring("threads")),
            self.call(),
        ];
        self.split(way, parts)
    }

    /// One copy of the bytes, as two threads make it: the one that both deployments have.
    fn copy(&self) -> Option<HopPart> {
        let by_copy = ("threads", "channel:spin");
        self.difference(Part::Copy, by_copy, ("threads", "channel:arc:spin"))
    }

    /// What reading the message costs anyway: by the mean, because a call takes less time than to look
    /// at the clock.
    fn call(&self) -> Option<HopPart> {
        let level = self.levels.iter().find(|l| {
            l.transport == CALL && l.payload_bytes == self.bytes && l.pattern == Pattern::PingPong
        })?;
        Some(HopPart {
            part: Part::Call,
            ns: level.one_way_ns,
            share: 0.0,
            measured_as: "a function call in one worker".to_owned(),
        })
    }

    /// What `more` usually takes longer than `less`, over pairs.
    fn difference(&self, part: Part, more: Way<'_>, less: Way<'_>) -> Option<HopPart> {
        let (sign, cell) = self.asked.iter().find_map(|asked| {
            let cell = asked.cell;
            let baseline = (cell.baseline.as_str(), cell.baseline_transport.as_str());
            let x = (cell.x.as_str(), cell.x_transport.as_str());
            if asked.hop.payload_bytes != self.bytes || !is_round_trip(asked) {
                return None;
            }
            match (baseline, x) {
                sides if sides == (more, less) => Some((1.0, cell)),
                sides if sides == (less, more) => Some((-1.0, cell)),
                _ => None,
            }
        })?;
        let differences: Vec<f64> = cell
            .kept()
            .map(|(_, baseline, x)| sign * (usual_ns(baseline) - usual_ns(x)))
            .collect();
        Some(HopPart {
            part,
            ns: estimate_usual(&differences).ok()?,
            share: 0.0,
            measured_as: named(more, less),
        })
    }

    /// The parts that were measured, their shares, and what is left.
    fn split(&self, way: Way<'_>, parts: Vec<Option<HopPart>>) -> Option<HopSplit> {
        let total = self.levels.iter().find(|l| {
            (l.deployment.as_str(), l.transport.as_str()) == way
                && l.payload_bytes == self.bytes
                && l.pattern == Pattern::PingPong
                && l.cpus.is_free()
        })?;
        let total = total.usual_ns?;
        let mut parts: Vec<HopPart> = parts.into_iter().flatten().collect();
        // A wake-up is what most of a price is: without it the rest would be called something else.
        if !parts.iter().any(|p| p.part == Part::WakeUp) {
            return None;
        }
        parts.push(HopPart {
            part: Part::Rest,
            ns: rest(&total, &parts),
            share: 0.0,
            measured_as: "the total − all of these".to_owned(),
        });
        for part in &mut parts {
            part.share = part.ns.value / total.value;
        }
        Some(HopSplit {
            payload_bytes: self.bytes,
            deployment: way.0.to_owned(),
            transport: way.1.to_owned(),
            total_ns: total,
            parts,
            sentence: String::new(),
        })
    }
}

/// Two ways as a difference in words: the deployment only where it is what differs.
fn named(more: Way<'_>, less: Way<'_>) -> String {
    match more.0 == less.0 {
        true => format!("{} − {}", more.1, less.1),
        false => format!("{}: {} − {}", more.1, more.0, less.0),
    }
}

/// What is left of the total; as unsure as all that is taken from it together. They were measured in
/// different invocations, so their errors add as independent ones do.
fn rest(total: &Estimate, parts: &[HopPart]) -> Estimate {
    let half_width = |e: &Estimate| (e.high - e.low) / 2.0;
    let squares = parts.iter().map(|p| half_width(&p.ns).powi(2)).sum::<f64>();
    let half = (squares + half_width(total).powi(2)).sqrt();
    let value = total.value - parts.iter().map(|p| p.ns.value).sum::<f64>();
    Estimate {
        value,
        low: value - half,
        high: value + half,
    }
}

#[cfg(test)]
mod tests;
