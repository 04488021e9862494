//! Tests: what does a message between two workers cost, and what is that made of?

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
