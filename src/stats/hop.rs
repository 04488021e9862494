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
mod tests {
    use super::*;
    use crate::record::{Outcome, Pair, ServiceTime, Side, Verdict, WorkloadKind};

    const BYTES: usize = 64;

    fn hop() -> Hop {
        Hop {
            pattern: Pattern::PingPong,
            payload_bytes: BYTES,
        }
    }

    fn workloads() -> Vec<WorkloadRecord> {
        let source = hop().source();
        vec![WorkloadRecord {
            name: source.name,
            origin: source.origin,
            toml: source.text,
            episode_length: 1,
            life_length: None,
            digest_round: 2,
            kind: WorkloadKind::Hop,
        }]
    }

    /// A round trip takes twice `one_way_ns`.
    fn sample(one_way_ns: f64, timed: u64) -> Outcome {
        let ops = (1e9 / (2.0 * one_way_ns)).round() as u64;
        Outcome::Measured(Box::new(Sample {
            ops,
            span_s: ops as f64 * 2.0 * one_way_ns * 1e-9,
            turns: 1,
            messages_sent: 2 * ops,
            bytes_sent: 2 * ops * BYTES as u64,
            cpu_s: 1.0,
            service: ServiceTime {
                p50_ns: 2.0 * one_way_ns,
                p99_ns: 3.0 * one_way_ns,
                p999_ns: 9.0 * one_way_ns,
                timed,
                ..ServiceTime::default()
            },
            ..Sample::default()
        }))
    }

    /// A pair of ways, with one-way times that wobble alike.
    fn cell(baseline: (&str, &str, f64), x: (&str, &str, f64)) -> Cell {
        let pair = |(round, wobble): (usize, &f64)| Pair {
            round: round as u32,
            first: if round.is_multiple_of(2) {
                Side::Baseline
            } else {
                Side::X
            },
            baseline: sample(baseline.2 + wobble, 20_000),
            x: sample(x.2 + wobble, 20_000),
            dropped: None,
        };
        let wobbles = [-3.0, 2.0, 1.0, -1.0, 4.0, -3.0];
        Cell {
            workload: hop().source().name,
            agents: 2,
            baseline: baseline.0.to_owned(),
            x: x.0.to_owned(),
            baseline_transport: baseline.1.to_owned(),
            x_transport: x.1.to_owned(),
            purpose: Purpose::Hop,
            x_workload: None,
            cpus: Pinning::Free,
            planned_per_s: None,
            window_s: 0.1,
            digest: None,
            pairs: wobbles.iter().enumerate().map(pair).collect(),
            baseline_steadiness: None,
            x_steadiness: None,
            effect: None,
            verdict: Verdict::Inconclusive,
        }
    }

    fn cells() -> Vec<Cell> {
        let threads = |transport, ns| ("threads", transport, ns);
        let processes = |transport, ns| ("processes", transport, ns);
        vec![
            cell(threads("channel", 1000.0), threads("channel:spin", 300.0)),
            cell(
                threads("channel:spin", 300.0),
                threads("channel:arc:spin", 250.0),
            ),
            cell(
                ("threads:1", "call", 20.0),
                threads("channel:arc:spin", 250.0),
            ),
            cell(processes("ipc", 20_000.0), processes("ipc:bytes", 19_000.0)),
            cell(
                processes("ipc:bytes", 19_000.0),
                processes("ipc:bytes:spin", 5_000.0),
            ),
            cell(threads("ring:spin", 100.0), processes("ring:spin", 104.0)),
        ]
    }

    fn part(split: &HopSplit, part: Part) -> &HopPart {
        split.parts.iter().find(|p| p.part == part).unwrap()
    }

    #[test]
    fn the_parts_of_a_price_are_the_differences_that_were_made_and_add_up() {
        let answers = hop_answers(&cells(), &workloads(), 0.03).unwrap();
        let [channel, ipc] = answers.splits.as_slice() else {
            panic!("two native transports: {:?}", answers.splits);
        };
        let near = |estimate: &Estimate, truth: f64| {
            assert!((estimate.value - truth).abs() < 0.1, "{estimate:?} {truth}");
            assert!(estimate.low <= truth + 0.1 && truth - 0.1 <= estimate.high);
        };
        near(&part(channel, Part::WakeUp).ns, 700.0);
        near(&part(channel, Part::Copy).ns, 50.0);
        near(&part(channel, Part::Call).ns, 20.0);
        near(&part(channel, Part::Rest).ns, 230.0);
        near(&part(ipc, Part::WakeUp).ns, 14_000.0);
        near(&part(ipc, Part::Serialisation).ns, 1_000.0);
        near(&part(ipc, Part::AddressSpace).ns, 4.0);
        near(&part(ipc, Part::Copy).ns, 50.0);
        for split in &answers.splits {
            let sum: f64 = split.parts.iter().map(|p| p.ns.value).sum();
            assert!((sum - split.total_ns.value).abs() < 1e-6);
            let shares: f64 = split.parts.iter().map(|p| p.share).sum();
            assert!((shares - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_difference_of_pairs_that_wobble_alike_is_sharp() {
        let answers = hop_answers(&cells(), &workloads(), 0.03).unwrap();
        let copy = part(&answers.splits[0], Part::Copy).ns;
        let level = answers.levels[0].one_way_ns;
        assert!(copy.high - copy.low < 0.1 * (level.high - level.low));
    }

    #[test]
    fn the_same_transport_in_two_deployments_is_compared_by_its_usual_round_trip() {
        let answers = hop_answers(&cells(), &workloads(), 0.03).unwrap();
        let [ring] = answers.ratios.as_slice() else {
            panic!("one transport is in both: {:?}", answers.ratios);
        };
        assert_eq!(ring.transport, "ring:spin");
        // 100 ns between threads, 104 ns between processes.
        assert!((ring.effect.ratio - 100.0 / 104.0).abs() < 1e-3);
    }

    #[test]
    fn without_the_spinning_side_nothing_is_taken_apart() {
        let mut cells = cells();
        cells.retain(|c| !c.x_transport.ends_with(":spin"));
        let answers = hop_answers(&cells, &workloads(), 0.03).unwrap();
        assert_eq!(answers.splits, []);
        assert!(!answers.levels.is_empty());
    }

    #[test]
    fn a_percentile_needs_its_round_trips() {
        let mut cells = vec![cells().remove(0)];
        let level = |cells: &[Cell]| {
            hop_answers(cells, &workloads(), 0.03)
                .unwrap()
                .levels
                .remove(0)
        };
        assert!(level(&cells).round_trip_p999_ns.is_some());
        cells[0].pairs[2].baseline = sample(1000.0, 9_999);
        assert!(level(&cells).round_trip_p999_ns.is_none());
        assert!(level(&cells).round_trip_p99_ns.is_some());
        cells[0].pairs[2].baseline = sample(1000.0, 999);
        assert!(level(&cells).round_trip_p99_ns.is_none());
        assert!(level(&cells).round_trip_p50_ns.is_some());
    }

    #[test]
    fn nobody_who_did_not_ask_is_answered() {
        let mut cells = cells();
        cells.iter_mut().for_each(|c| c.purpose = Purpose::Compare);
        assert_eq!(hop_answers(&cells, &workloads(), 0.03), None);
    }
}
