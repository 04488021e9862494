//! How long does a message wait whose receiver polls, and how long whose receiver is woken?

use super::finding::{DeliveryAnswers, DeliveryWay, EventRatio, Improvement};
use crate::metric::{FOR_P99, Metric};
use crate::record::{Cell, Effect, Run, Sample};
use crate::stats::{Widen, effect, estimate_mean, median, pair_differences};
use crate::workload::delivery::{self, Paced, Reception};

/// Fewest messages in an invocation for its 95th percentile to be more than a handful of them.
const FOR_P95: u64 = 100;

/// What `cells` say; `None` where none has two invocations. Sentences are left to whoever judges.
#[must_use]
pub fn delivery_answers(cells: &[&Cell], run: &Run) -> Option<DeliveryAnswers> {
    let margin = run.margin;
    let paced = |name: &str| delivery::of(run.workload(name)?);
    let mut ways: Vec<(Way<'_>, Vec<&Sample>)> = Vec::new();
    let mut improvements = Vec::new();
    let mut event = Vec::new();
    for cell in cells {
        let [Some(baseline), Some(x)] = [&cell.baseline, &cell.x].map(|a| paced(&a.workload))
        else {
            continue;
        };
        for (_, b, s) in cell.kept() {
            for (arm, paced, sample) in [(&cell.baseline, baseline, b), (&cell.x, x, s)] {
                let way = Way {
                    deployment: &arm.deployment,
                    transport: &arm.transport,
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
        if baseline.reception == Reception::Event
            && baseline == x
            && cell.baseline.deployment != cell.x.deployment
        {
            event.extend(event_ratio(cell, baseline, margin));
        }
    }
    let ways: Vec<DeliveryWay> = ways.iter().filter_map(|(w, s)| row(w, s)).collect();
    (!ways.is_empty()).then_some(DeliveryAnswers {
        ways,
        improvements,
        planned_ms: run
            .workloads
            .iter()
            .filter_map(|w| poll_ms(delivery::of(w)?))
            .collect(),
        event,
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
    let differences = pair_differences(cell, |s: &Sample| s.value(Metric::SERVICE_MEAN_NS));
    let event = effect(&differences, margin, Widen::NONE).ok()?;
    Some(Improvement {
        deployment: cell.x.deployment.clone(),
        poll_ms,
        effect: Effect {
            ratio: 1.0 / event.ratio,
            low: 1.0 / event.high,
            high: 1.0 / event.low,
            order_effect: -event.order_effect,
            ..event
        },
    })
}

/// One deployment against another, both woken.
fn event_ratio(cell: &Cell, paced: Paced, margin: f64) -> Option<EventRatio> {
    let differences = pair_differences(cell, |s: &Sample| s.value(Metric::SERVICE_MEAN_NS));
    Some(EventRatio {
        baseline: cell.baseline.deployment.clone(),
        x: cell.x.deployment.clone(),
        gap_ms: paced.gap_us as f64 / 1e3,
        effect: effect(&differences, margin, Widen::NONE).ok()?,
        sentence: String::new(),
    })
}

fn row(way: &Way<'_>, samples: &[&Sample]) -> Option<DeliveryWay> {
    let column =
        |value: &dyn Fn(&Sample) -> f64| -> Vec<f64> { samples.iter().map(|s| value(s)).collect() };
    let received = |s: &Sample| s.get(Metric::MESSAGES_RECEIVED).unwrap_or(0.0);
    let looks = |s: &Sample| {
        let every_us = poll_ms(way.paced).unwrap_or(1) as f64 * 1e3;
        s.span_s * 1e6 / every_us
    };
    let percentile = |least: u64, value: &dyn Fn(&Sample) -> f64| {
        let has_enough = samples.iter().all(|s| received(s) >= least as f64);
        has_enough.then(|| median(&column(value))).flatten()
    };
    Some(DeliveryWay {
        deployment: way.deployment.to_owned(),
        transport: way.transport.to_owned(),
        poll_ms: poll_ms(way.paced),
        gap_ms: way.paced.gap_us as f64 / 1e3,
        messages: samples.iter().map(|s| received(s) as u64).sum(),
        mean_ns: estimate_mean(&column(&|s| s.value(Metric::SERVICE_MEAN_NS))).ok()?,
        p95_ns: percentile(FOR_P95, &|s| s.value(Metric::SERVICE_P95_NS)),
        p99_ns: percentile(FOR_P99, &|s| s.value(Metric::SERVICE_P99_NS)),
        predicted_ns: poll_ms(way.paced).map(|ms| ms as f64 * 1e6 / 2.0),
        wasted_polls: match way.paced.reception {
            Reception::Event => None,
            Reception::Poll { .. } => median(&column(&|s| {
                s.get(Metric::WASTED_POLLS).unwrap_or(0.0) / looks(s)
            })),
        },
        cpu_per_message_ns: median(&column(&|s| {
            s.value(Metric::CPU_S) * 1e9 / received(s).max(1.0)
        }))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Arm, Outcome, Pair, Side, WorkloadRecord};

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
                parameters: source.parameters(),
                name: source.name,
                origin: source.origin,
                episode_length: 1,
                life_length: None,
                digest_round: 2,
            }
        };
        ways().map(record).to_vec()
    }

    fn sample(mean_ns: f64, wasted_polls: Option<u64>) -> Outcome {
        let mut sample = Sample {
            ops: 100,
            span_s: 0.25,
            turns: 1,
            ..Sample::default()
        }
        .with(Metric::MESSAGES_SENT, 100.0)
        .with(Metric::MESSAGES_RECEIVED, 100.0)
        .with(Metric::CPU_S, 0.001)
        .with(Metric::SERVICE_MEAN_NS, mean_ns)
        .with(Metric::SERVICE_P95_NS, 1.5 * mean_ns)
        .with(Metric::SERVICE_P99_NS, 2.0 * mean_ns)
        .with(Metric::SERVICE_TIMED_OPS, 100.0);
        if let Some(wasted) = wasted_polls {
            sample.set(Metric::WASTED_POLLS, wasted as f64);
        }
        Outcome::Measured(Box::new(sample))
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
        let [polls, event] = ways().map(|w| w.source().name);
        Cell {
            metric: Metric::SERVICE_MEAN_NS.id().to_owned(),
            agents: 2,
            baseline: Arm::of(&polls, "threads", "channel"),
            x: Arm::of(&event, "threads", "channel"),
            window_s: 0.25,
            pairs: (0..6).map(pair).collect(),
            ..Cell::default()
        }
    }

    /// What cells of these workloads say.
    fn answers(cells: &[Cell]) -> Option<DeliveryAnswers> {
        let mut run = crate::record::tests::empty_run();
        run.workloads = workloads();
        delivery_answers(&cells.iter().collect::<Vec<_>>(), &run)
    }

    #[test]
    fn polling_is_a_hundred_times_as_slow_and_a_fifth_of_its_looks_are_wasted() {
        let answers = answers(&[cell()]).unwrap();
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
        let event = &answers.ways[1];
        assert_eq!((event.poll_ms, event.wasted_polls), (None, None));
        assert!((event.cpu_per_message_ns - 1e4).abs() < 1e-6);
    }

    #[test]
    fn being_woken_is_compared_between_deployments_by_its_delay() {
        let mut cell = cell();
        cell.baseline.workload = ways()[1].source().name;
        cell.x.deployment = "processes".to_owned();
        let answers = answers(&[cell]).unwrap();
        let [event] = answers.event.as_slice() else {
            panic!("one comparison");
        };
        assert_eq!(
            (event.baseline.as_str(), event.x.as_str()),
            ("threads", "processes")
        );
        assert!((event.effect.ratio - 0.01).abs() < 1e-9);
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
                    sample.set(Metric::MESSAGES_RECEIVED, messages as f64);
                }
            }
            let answers = answers(&[cell]).unwrap();
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
        cell.baseline.workload = "exploration".to_owned();
        assert_eq!(answers(&[cell]), None);
    }
}
