//! Tests: what changed from one run to another, by the rule of a single run: interval, tolerance, verdict?

use super::*;

fn of(low: f64, high: f64) -> Estimate {
    Estimate {
        value: (low * high).sqrt(),
        low,
        high,
    }
}

#[test]
fn better_and_worse_follow_the_metric_and_a_ratio_only_moves() {
    let judge = |e: Estimate, metric, is_ratio| judge(&e, 0.15, metric, is_ratio);
    let (up, down) = (of(1.2, 1.3), of(0.7, 0.8));
    for (metric, of_up, of_down) in [
        (
            Metric::OPS_PER_S,
            ChangeVerdict::Better,
            ChangeVerdict::Worse,
        ),
        (
            Metric::MESSAGES_PER_S,
            ChangeVerdict::Better,
            ChangeVerdict::Worse,
        ),
        (
            Metric::SERVICE_P99_NS,
            ChangeVerdict::Worse,
            ChangeVerdict::Better,
        ),
        (Metric::SETUP_S, ChangeVerdict::Worse, ChangeVerdict::Better),
        (
            Metric::MEMORY_PER_AGENT_BYTES,
            ChangeVerdict::Worse,
            ChangeVerdict::Better,
        ),
    ] {
        assert_eq!(judge(up, metric, false), of_up, "{metric}");
        assert_eq!(judge(down, metric, false), of_down, "{metric}");
        assert_eq!(judge(up, metric, true), ChangeVerdict::Higher);
        assert_eq!(judge(down, metric, true), ChangeVerdict::Lower);
        assert_eq!(judge(of(0.9, 1.1), metric, false), ChangeVerdict::Unchanged);
        assert_eq!(
            judge(of(0.8, 1.1), metric, false),
            ChangeVerdict::Inconclusive
        );
        assert_eq!(
            judge(of(1.1, 1.2), metric, true),
            ChangeVerdict::Inconclusive
        );
    }
}

#[test]
fn every_metric_has_the_tolerance_of_its_kind() {
    let t = Tolerances {
        throughput: 0.1,
        latency: 0.2,
        setup: 0.3,
        memory: 0.4,
    };
    let kinds = [
        (0.1, vec!["op/s", "messages/s"]),
        (
            0.2,
            vec!["mean", "p50", "p99", "latency-p50", "latency-p99"],
        ),
        (0.3, vec!["setup"]),
        (0.4, vec!["memory"]),
    ];
    let mut seen = 0;
    for (tolerance, words) in kinds {
        for word in words {
            let metric = Metric::find(word).expect(word);
            assert_eq!(t.of(metric), tolerance, "{word}");
            seen += 1;
        }
    }
    assert_eq!(seen, crate::metric::asked_for().len());
}

#[test]
fn names_of_many_are_counted() {
    let names = |n: usize| first_names(&vec!["a".to_owned(); n]);
    assert_eq!(
        [names(0), names(1), names(3)],
        ["none", "a", "a and 2 more"]
    );
}
