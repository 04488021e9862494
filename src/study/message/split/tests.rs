//! Tests: what does a message between two workers cost, and what is that made of?

use super::*;
use crate::record::{Arm, Outcome, Pair, Side};
use crate::workload::hop::Hop;

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
        parameters: source.parameters(),
        name: source.name,
        origin: source.origin,
        episode_length: 1,
        life_length: None,
        digest_round: 2,
    }]
}

/// A round trip takes twice `one_way_ns`.
fn sample(one_way_ns: f64, timed: u64) -> Outcome {
    let ops = (1e9 / (2.0 * one_way_ns)).round() as u64;
    let sample = Sample {
        ops,
        span_s: ops as f64 * 2.0 * one_way_ns * 1e-9,
        turns: 1,
        ..Sample::default()
    }
    .with(Metric::MESSAGES_SENT, 2.0 * ops as f64)
    .with(Metric::BYTES_SENT, (2 * ops * BYTES as u64) as f64)
    .with(Metric::CPU_S, 1.0)
    .with(Metric::SERVICE_P50_NS, 2.0 * one_way_ns)
    .with(Metric::SERVICE_P99_NS, 3.0 * one_way_ns)
    .with(Metric::SERVICE_P999_NS, 9.0 * one_way_ns)
    .with(Metric::SERVICE_TIMED_OPS, timed as f64);
    Outcome::Measured(Box::new(sample))
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
    let name = hop().source().name;
    Cell {
        agents: 2,
        baseline: Arm::of(&name, baseline.0, baseline.1),
        x: Arm::of(&name, x.0, x.1),
        window_s: 0.1,
        pairs: wobbles.iter().enumerate().map(pair).collect(),
        ..Cell::default()
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

fn all(cells: &[Cell]) -> Vec<&Cell> {
    cells.iter().collect()
}

fn part(split: &HopSplit, part: Part) -> &HopPart {
    split.parts.iter().find(|p| p.part == part).unwrap()
}

#[test]
fn the_parts_of_a_price_are_the_differences_that_were_made_and_add_up() {
    let answers = hop_answers(&all(&cells()), &workloads(), 0.03).unwrap();
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
    let answers = hop_answers(&all(&cells()), &workloads(), 0.03).unwrap();
    let copy = part(&answers.splits[0], Part::Copy).ns;
    let level = answers.levels[0].one_way_ns;
    assert!(copy.high - copy.low < 0.1 * (level.high - level.low));
}

#[test]
fn the_same_transport_in_two_deployments_is_compared_by_its_usual_round_trip() {
    let answers = hop_answers(&all(&cells()), &workloads(), 0.03).unwrap();
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
    cells.retain(|c| !c.x.transport.ends_with(":spin"));
    let answers = hop_answers(&all(&cells), &workloads(), 0.03).unwrap();
    assert_eq!(answers.splits, []);
    assert!(!answers.levels.is_empty());
}

#[test]
fn a_percentile_needs_its_round_trips() {
    let mut cells = vec![cells().remove(0)];
    let level = |cells: &[Cell]| {
        hop_answers(&all(cells), &workloads(), 0.03)
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
    cells
        .iter_mut()
        .for_each(|c| c.baseline.workload = "exploration".to_owned());
    assert_eq!(hop_answers(&all(&cells), &workloads(), 0.03), None);
}
