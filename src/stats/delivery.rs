//! How long does a message wait whose receiver polls, and how long whose receiver is woken?

use super::effect::{Widen, effect, pair_differences};
use super::estimate::{estimate_mean, median};
use super::hop::hop_of;
use crate::record::delivery::{DeliveryAnswers, DeliveryWay, Improvement, WokenRatio};
use crate::record::metric::FOR_P99;
use crate::record::{Cell, Effect, Purpose, Sample, WorkloadRecord};
use crate::workload::delivery::{Paced, Reception};
use crate::workload::hop::Pattern;

/// Fewest messages in an invocation for its 95th percentile to be more than a handful of them.
const FOR_P95: u64 = 100;

/// Whether the messages of a cell come at moments that were planned: their rate says nothing about who sent
/// them.
#[must_use]
pub fn is_paced(cell: &Cell, workloads: &[WorkloadRecord]) -> bool {
    cell.purpose == Purpose::Variant && paced(workloads, &cell.workload).is_some()
}

fn paced(workloads: &[WorkloadRecord], name: &str) -> Option<Paced> {
    match hop_of(workloads.iter().find(|w| w.name == name)?)?.pattern {
        Pattern::Paced(paced) => Some(paced),
        Pattern::PingPong | Pattern::Flood => None,
    }
}

/// What deliveries among `cells` say; `None` where there are none with two invocations. `claims` are left
/// to whoever judges.
#[must_use]
pub fn delivery_answers(
    cells: &[Cell],
    workloads: &[WorkloadRecord],
    margin: f64,
) -> Option<DeliveryAnswers> {
    let paced = |name: &str| paced(workloads, name);
    let mut ways: Vec<(Way<'_>, Vec<&Sample>)> = Vec::new();
    let mut improvements = Vec::new();
    let mut woken = Vec::new();
    for cell in cells.iter().filter(|c| c.purpose == Purpose::Variant) {
        let x_name = cell.x_workload.as_ref().unwrap_or(&cell.workload);
        let (Some(baseline), Some(x)) = (paced(&cell.workload), paced(x_name)) else {
            continue;
        };
        for (_, b, s) in cell.kept() {
            let sides = [
                (&cell.baseline, &cell.baseline_transport, baseline, b),
                (&cell.x, &cell.x_transport, x, s),
            ];
            for (deployment, transport, paced, sample) in sides {
                let way = Way {
                    deployment,
                    transport,
                    paced,
                };
                match ways.iter_mut().find(|(w, _)| *w == way) {
                    Some((_, samples)) => samples.push(sample),
                    None => ways.push((way, vec![sample])),
                }
            }
        }
        if let (Some(poll_ms), Reception::Event) = (poll_ms(baseline), x.reception) {
            improvements.extend(improvement(cell, poll_ms, margin));
        }
        if baseline.reception == Reception::Event && baseline == x && cell.baseline != cell.x {
            woken.extend(woken_ratio(cell, baseline, margin));
        }
    }
    let ways: Vec<DeliveryWay> = ways.iter().filter_map(|(w, s)| row(w, s)).collect();
    (!ways.is_empty()).then_some(DeliveryAnswers {
        ways,
        improvements,
        planned_ms: workloads
            .iter()
            .filter_map(|w| poll_ms(paced(&w.name)?))
            .collect(),
        woken,
        claims: Vec::new(),
    })
}

#[derive(PartialEq)]
struct Way<'a> {
    deployment: &'a str,
    transport: &'a str,
    paced: Paced,
}

fn poll_ms(paced: Paced) -> Option<u64> {
    match paced.reception {
        Reception::Event => None,
        Reception::Poll { every_us } => Some(every_us / 1000),
    }
}

/// Polling / being woken: the cell has them the other way round.
fn improvement(cell: &Cell, poll_ms: u64, margin: f64) -> Option<Improvement> {
    let differences = pair_differences(cell, |s: &Sample| s.service.mean_ns);
    let woken = effect(&differences, margin, Widen::NONE).ok()?;
    Some(Improvement {
        deployment: cell.x.clone(),
        poll_ms,
        effect: Effect {
            ratio: 1.0 / woken.ratio,
            low: 1.0 / woken.high,
            high: 1.0 / woken.low,
            order_effect: -woken.order_effect,
            ..woken
        },
    })
}

/// One deployment against another, both woken.
fn woken_ratio(cell: &Cell, paced: Paced, margin: f64) -> Option<WokenRatio> {
    let differences = pair_differences(cell, |s: &Sample| s.service.mean_ns);
    Some(WokenRatio {
        baseline: cell.baseline.clone(),
        x: cell.x.clone(),
        gap_ms: paced.gap_us as f64 / 1e3,
        effect: effect(&differences, margin, Widen::NONE).ok()?,
        sentence: String::new(),
    })
}

fn row(way: &Way<'_>, samples: &[&Sample]) -> Option<DeliveryWay> {
    let column =
        |value: &dyn Fn(&Sample) -> f64| -> Vec<f64> { samples.iter().map(|s| value(s)).collect() };
    let messages = |s: &Sample| s.messages_received.max(1) as f64;
    let looks = |s: &Sample| {
        let every_us = poll_ms(way.paced).unwrap_or(1) as f64 * 1e3;
        s.span_s * 1e6 / every_us
    };
    let percentile = |least: u64, value: &dyn Fn(&Sample) -> f64| {
        let has_enough = samples.iter().all(|s| s.messages_received >= least);
        has_enough.then(|| median(&column(value))).flatten()
    };
    Some(DeliveryWay {
        deployment: way.deployment.to_owned(),
        transport: way.transport.to_owned(),
        poll_ms: poll_ms(way.paced),
        gap_ms: way.paced.gap_us as f64 / 1e3,
        messages: samples.iter().map(|s| s.messages_received).sum(),
        mean_ns: estimate_mean(&column(&|s| s.service.mean_ns)).ok()?,
        p95_ns: percentile(FOR_P95, &|s| s.service.p95_ns),
        p99_ns: percentile(FOR_P99, &|s| s.service.p99_ns),
        predicted_ns: poll_ms(way.paced).map(|ms| ms as f64 * 1e6 / 2.0),
        wasted_polls: match way.paced.reception {
            Reception::Event => None,
            Reception::Poll { .. } => {
                median(&column(&|s| s.wasted_polls.unwrap_or(0) as f64 / looks(s)))
            }
        },
        cpu_per_message_ns: median(&column(&|s| s.cpu_s * 1e9 / messages(s)))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Outcome, Pair, Pinning, ServiceTime, Side, Verdict, WorkloadKind};

    fn ways() -> [Paced; 2] {
        [
            Paced {
                gap_us: 2500,
                reception: Reception::Poll { every_us: 10_000 },
            },
            Paced {
                gap_us: 2500,
                reception: Reception::Event,
            },
        ]
    }

    fn workloads() -> Vec<WorkloadRecord> {
        let record = |paced: Paced| {
            let source = paced.source();
            WorkloadRecord {
                name: source.name,
                origin: source.origin,
                toml: source.text,
                episode_length: 1,
                life_length: None,
                digest_round: 2,
                kind: WorkloadKind::Hop,
            }
        };
        ways().map(record).to_vec()
    }

    fn sample(mean_ns: f64, wasted_polls: Option<u64>) -> Outcome {
        Outcome::Measured(Box::new(Sample {
            ops: 100,
            span_s: 0.25,
            turns: 1,
            messages_sent: 100,
            messages_received: 100,
            cpu_s: 0.001,
            wasted_polls,
            service: ServiceTime {
                mean_ns,
                p95_ns: 1.5 * mean_ns,
                p99_ns: 2.0 * mean_ns,
                timed: 100,
                ..ServiceTime::default()
            },
            ..Sample::default()
        }))
    }

    fn cell() -> Cell {
        let pair = |round: u32| {
            let wobble = 1.0 + 0.01 * f64::from(round % 3);
            Pair {
                round,
                first: if round.is_multiple_of(2) {
                    Side::Baseline
                } else {
                    Side::X
                },
                baseline: sample(5e6 * wobble, Some(5)),
                x: sample(5e4 * wobble, None),
                dropped: None,
            }
        };
        Cell {
            workload: ways()[0].source().name,
            x_workload: Some(ways()[1].source().name),
            agents: 2,
            baseline: "threads".to_owned(),
            x: "threads".to_owned(),
            baseline_transport: "channel".to_owned(),
            x_transport: "channel".to_owned(),
            purpose: Purpose::Variant,
            cpus: Pinning::Free,
            planned_per_s: None,
            window_s: 0.25,
            digest: None,
            pairs: (0..6).map(pair).collect(),
            baseline_steadiness: None,
            x_steadiness: None,
            effect: None,
            verdict: Verdict::Inconclusive,
        }
    }

    #[test]
    fn polling_is_a_hundred_times_as_slow_and_a_fifth_of_its_looks_are_wasted() {
        let answers = delivery_answers(&[cell()], &workloads(), 0.03).unwrap();
        let [improvement] = answers.improvements.as_slice() else {
            panic!("one interval");
        };
        assert!((improvement.effect.ratio - 100.0).abs() < 1e-6);
        assert!(improvement.effect.low <= 100.0 && 100.0 <= improvement.effect.high);
        assert_eq!(answers.planned_ms, [10]);
        let poll = &answers.ways[0];
        assert_eq!(poll.poll_ms, Some(10));
        assert_eq!(poll.predicted_ns, Some(5e6));
        // 25 looks in a quarter of a second, of which 5 found nothing.
        assert!((poll.wasted_polls.unwrap() - 0.2).abs() < 1e-9);
        assert_eq!(poll.messages, 600);
        let woken = &answers.ways[1];
        assert_eq!((woken.poll_ms, woken.wasted_polls), (None, None));
        assert!((woken.cpu_per_message_ns - 1e4).abs() < 1e-6);
    }

    #[test]
    fn being_woken_is_compared_between_deployments_by_its_delay() {
        let mut cell = cell();
        (cell.workload, cell.x_workload) = (ways()[1].source().name, None);
        cell.x = "processes".to_owned();
        assert!(is_paced(&cell, &workloads()));
        let answers = delivery_answers(&[cell], &workloads(), 0.03).unwrap();
        let [woken] = answers.woken.as_slice() else {
            panic!("one comparison");
        };
        assert_eq!(
            (woken.baseline.as_str(), woken.x.as_str()),
            ("threads", "processes")
        );
        assert!((woken.effect.ratio - 0.01).abs() < 1e-9);
        assert_eq!(answers.improvements, []);
    }

    #[test]
    fn a_percentile_needs_its_messages() {
        let percentiles = |messages: u64| {
            let mut cell = cell();
            for pair in &mut cell.pairs {
                for side in [&mut pair.baseline, &mut pair.x] {
                    let Outcome::Measured(sample) = side else {
                        unreachable!("all are measured")
                    };
                    sample.messages_received = messages;
                }
            }
            let answers = delivery_answers(&[cell], &workloads(), 0.03).unwrap();
            let way = &answers.ways[0];
            (way.p95_ns.is_some(), way.p99_ns.is_some())
        };
        assert_eq!(percentiles(99), (false, false));
        assert_eq!(percentiles(130), (true, false));
        assert_eq!(percentiles(999), (true, false));
        assert_eq!(percentiles(1000), (true, true));
    }

    #[test]
    fn a_run_without_deliveries_has_no_answer() {
        let mut cell = cell();
        cell.purpose = Purpose::Compare;
        assert_eq!(delivery_answers(&[cell], &workloads(), 0.03), None);
    }
}
