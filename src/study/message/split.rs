//! What does a message between two workers cost, and what is that made of?

use super::finding::{HopAnswers, HopPart, HopRatio, HopSplit, Part};
use crate::metric::Metric;
use crate::record::{Cell, Estimate, Sample, WorkloadRecord};
use crate::stats::{Widen, effect, estimate_usual, pair_differences};
use crate::study::links::{HopLevel, Sent, levels, usual_ns};
use crate::workload::hop::Pattern;

/// Where one worker is both ends.
const CALL: &str = "call";

/// What `cells` say; `None` where none has two invocations.
#[must_use]
pub fn hop_answers(
    cells: &[&Cell],
    workloads: &[WorkloadRecord],
    margin: f64,
) -> Option<HopAnswers> {
    let asked = Sent::of(cells, workloads);
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

fn is_round_trip(asked: &Sent<'_>) -> bool {
    asked.hop.pattern == Pattern::PingPong && asked.cell.cpus.is_free()
}

/// The same transport in two deployments.
fn ratio(asked: &Sent<'_>, margin: f64) -> Option<HopRatio> {
    let Sent { cell, hop } = asked;
    if cell.baseline.transport != cell.x.transport || cell.baseline.deployment == cell.x.deployment
    {
        return None;
    }
    let differences = pair_differences(cell, |s: &Sample| match hop.pattern {
        Pattern::PingPong => 1.0 / s.value(Metric::SERVICE_P50_NS),
        Pattern::Flood | Pattern::Paced(_) => s.ops_per_s(),
    });
    Some(HopRatio {
        pattern: hop.pattern,
        payload_bytes: hop.payload_bytes,
        cpus: cell.cpus,
        transport: cell.x.transport.clone(),
        baseline: cell.baseline.deployment.clone(),
        x: cell.x.deployment.clone(),
        effect: effect(&differences, margin, Widen::NONE).ok()?,
    })
}

/// What the parts of a price at one size are read from.
struct Parts<'a> {
    asked: &'a [Sent<'a>],
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
            let [baseline, x] =
                [&cell.baseline, &cell.x].map(|a| (a.deployment.as_str(), a.transport.as_str()));
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
