//! Are steps timed from their planned start, on a schedule that waits for nobody?

use crate::host;
use crate::scripted::{measured, request, run_quietly, sample, script};
use forkscope::experiment::invocation::Invocation;
use forkscope::metric::Metric;
use forkscope::record::{Cell, Sample};
use forkscope::stats::{MIN_PAIRS, Widen};
use forkscope::study::latency::{self, KEPT_UP};

/// Processes do half as much as threads, and their steps are twice as late.
fn paced(invocation: &Invocation, count: usize) -> Sample {
    let mut sample = sample(invocation, count, 0.5);
    if let Some(planned_per_s) = invocation.job.planned_per_s {
        let times = if sample.processes > 0 { 2.0 } else { 1.0 };
        // No two invocations are alike.
        let wobble = 1.0 + 0.01 * (count as f64 * 0.7).sin();
        for (metric, value) in [
            (Metric::LATENCY_PLANNED_PER_S, planned_per_s),
            (Metric::LATENCY_DONE_PER_S, planned_per_s),
            (Metric::LATENCY_TIMED_OPS, sample.ops as f64),
            (Metric::LATENCY_MEAN_NS, 1e5),
            (Metric::LATENCY_P50_NS, 1e5 * times * wobble),
            (Metric::LATENCY_P95_NS, 2e5),
            (Metric::LATENCY_P99_NS, 4e5 * times * wobble),
            (Metric::LATENCY_TAIL_NS, 4e5 * times * wobble),
        ] {
            sample.set(metric, value);
        }
    }
    sample
}

#[test]
fn the_schedule_is_seventy_percent_of_the_slower_side_and_the_same_for_both() {
    let mut request = request(&[2, 8], 300.0);
    request.asks_latency = true;
    let mut seen: Vec<(String, usize, bool, Option<f64>)> = Vec::new();
    let mut invoker = script(|i, n| {
        let key = (i.job.source.name.clone(), i.job.agents);
        seen.push((key.0, key.1, i.job.tape, i.job.planned_per_s));
        (measured(paced(i, n)), 0.4)
    });
    let found = run_quietly(&request, &mut invoker);
    assert_eq!(found.incomplete_reason, None);
    let late: Vec<&Cell> = paced_cells(&found.cells);
    assert_eq!(
        late.len(),
        found.cells.iter().filter(|c| c.is_comparison()).count()
    );
    for cell in late {
        let planned = cell.planned_per_s.expect("it was planned");
        let slower = 0.5 * 10_000.0 * 2.0;
        assert!((planned / slower - 0.7).abs() < 0.01, "{planned}");
        assert!(cell.kept().count() >= MIN_PAIRS, "{}", cell.pairs.len());
        let of_cell = seen
            .iter()
            .filter(|s| (&s.0, s.1) == (&cell.baseline.workload, cell.agents));
        let rates: Vec<f64> = of_cell.filter_map(|s| s.3).collect();
        assert_eq!(rates.len(), 2 * cell.pairs.len());
        assert!(rates.iter().all(|&r| r == planned));
    }
    // Nobody else has a schedule.
    assert!(seen.iter().all(|s| !s.2 || s.3.is_none()));
}

#[test]
fn less_latency_is_better() {
    let mut request = request(&[8], 300.0);
    request.asks_latency = true;
    let mut invoker = script(|i, n| (measured(paced(i, n)), 0.4));
    let found = run_quietly(&request, &mut invoker);
    let late = latency::answers(&paced_cells(&found.cells), &found.cells, 0.03, Widen::NONE);
    let of = late.iter().find(|of| of.workload == "coordination");
    let [answer] = of.expect("it was asked").answers.as_slice() else {
        panic!("one agent count: {late:?}");
    };
    assert_eq!(answer.agents, 8);
    let p99 = answer.p99.expect("both sides have it");
    assert!(
        p99.low > 1.9 && p99.value < 2.1 && p99.high > p99.value,
        "{p99:?}"
    );
    assert!(answer.x.p50_ns > 1.9 * answer.baseline.p50_ns);
    assert_eq!((answer.x.p999_ns, answer.x.fell_behind), (None, 0));
}

#[test]
fn what_does_not_fit_goes_together_with_its_schedule() {
    let mut small = request(&[1, 2, 4, 8, 16, 32], 70.0);
    small.asks_latency = true;
    let mut invoker = script(|i, n| (measured(paced(i, n)), 0.2));
    let found = run_quietly(&small, &mut invoker);
    assert!(!found.plan.left_out.is_empty());
    for cell in paced_cells(&found.cells) {
        let has_run = !cell.pairs.is_empty();
        let label = format!("{}@{} latency", cell.baseline.workload, cell.agents);
        let is_named = found.plan.left_out.iter().any(|l| l.starts_with(&label));
        assert!(has_run || is_named, "{label}: {:?}", found.plan.left_out);
    }
}

fn paced_cells(cells: &[Cell]) -> Vec<&Cell> {
    cells.iter().filter(|c| c.study == latency::NAME).collect()
}

fn real(name: &str, agents: usize, form: &str, planned_per_s: Option<f64>) -> Sample {
    let mut invocation = host::invocation(name, agents, form);
    invocation.job.planned_per_s = planned_per_s;
    invocation.window_s = 0.2;
    host::sample(&invocation)
}

#[test]
fn every_step_is_timed_and_none_begins_before_its_time() {
    for (name, agents, form) in [
        ("exploration", 3, "threads"),
        ("exploration", 3, "processes:2"),
        ("coordination", 4, "threads:2"),
        ("coordination", 3, "processes"),
        ("relay", 5, "processes:2x2"),
    ] {
        let planned_per_s = 500.0;
        let free = real(name, agents, form, None);
        let sample = real(name, agents, form, Some(planned_per_s));
        let what = format!("{name} {agents} {form}");
        let timed = host::count(&sample, Metric::LATENCY_TIMED_OPS);
        assert_eq!(timed, sample.ops, "{what}");
        assert_eq!(sample.get(Metric::SERVICE_TIMED_OPS), None, "{what}");
        assert_eq!(sample.digest, free.digest, "{what}: the same work");
        assert_eq!(free.get(Metric::LATENCY_P50_NS), None);
        let [p50, p95] = [Metric::LATENCY_P50_NS, Metric::LATENCY_P95_NS].map(|m| sample.value(m));
        assert!(p50 > 0.0 && p50 <= p95, "{what}");
        // A schedule is never run ahead of: each agent begins one op at time 0, and then one a period.
        let at_most = planned_per_s * sample.span_s + agents as f64;
        assert!((sample.ops as f64) <= at_most, "{what}: {} ops", sample.ops);
        let p99 = sample.get(Metric::LATENCY_P99_NS);
        assert_eq!(p99, None, "{what}: too few ops for it");
    }
}

#[test]
fn a_schedule_that_nobody_can_keep_shows_in_the_latency() {
    let sample = real("exploration", 2, "threads", Some(1e9));
    let [planned, done] =
        [Metric::LATENCY_PLANNED_PER_S, Metric::LATENCY_DONE_PER_S].map(|m| sample.value(m));
    assert!(done < KEPT_UP * planned, "{done} of {planned}");
    // Every op is later than the one before it: half of them are later than the median, by far.
    let [p50, p95] = [Metric::LATENCY_P50_NS, Metric::LATENCY_P95_NS].map(|m| sample.value(m));
    assert!(p95 > 1.5 * p50, "{p50} and {p95}");
}
