//! Tests: how long did a worker's ops take, one by one?

use super::*;
use proptest::prelude::*;

fn recorder(stride: u32) -> Recorder {
    Recorder::new(OpClock::calibrate(), stride)
}

#[test]
fn a_long_op_is_always_timed_and_a_short_one_rarely() {
    assert_eq!(stride(100_000.0, 10.0), 1);
    // One chained read and a record are 25 ns: 1 % of 2.5 µs.
    assert_eq!(stride(2_500.0, 10.0), 1);
    // Below that, two reads and a record are 35 ns.
    assert_eq!(stride(2_400.0, 10.0), 2);
    assert_eq!(stride(1_000.0, 10.0), 4);
    assert_eq!(stride(100.0, 10.0), 35);
    assert_eq!(stride(1.0, 1_000.0), MAX_STRIDE);
}

#[test]
fn a_bad_estimate_gives_a_large_stride_instead_of_a_panic() {
    for bad in [0.0, -5.0, f64::NAN, f64::INFINITY] {
        assert!(stride(bad, 10.0) >= 2_000);
    }
}

proptest! {
    #[test]
    fn timing_stays_within_its_budget(op in 1.0..1e9_f64, read in 0.0..300.0_f64) {
        let every = stride(op, read);
        let reads = if every == 1 { 1.0 } else { 2.0 };
        let cost = (reads * read + RECORD_COST_NS) / f64::from(every);
        prop_assert!(cost <= TIMING_BUDGET * op + 1e-9 || every == MAX_STRIDE);
    }
}

#[test]
fn stride_one_times_every_op() {
    let mut one = recorder(1);
    for _ in 0..1_000 {
        one.begin_op();
        one.end_op();
    }
    assert_eq!(one.counts().timed(), 1_000);
}

#[test]
fn a_stride_times_its_share_of_every_agent() {
    // Seven agents in turn and a stride of seven: a fixed gap would only ever see one.
    let mut seen = [0_u32; 7];
    let mut seven = recorder(7);
    for op in 0..700_000 {
        seven.begin_op();
        if seven.countdown == 0 {
            seen[op % 7] += 1;
        }
        seven.end_op();
    }
    let timed = seven.counts().timed();
    assert!((95_000..105_000).contains(&timed), "{timed}");
    assert!(seen.iter().all(|&n| n > 12_000), "{seen:?}");
}

#[test]
fn what_is_too_long_counts_as_the_longest() {
    let mut one = recorder(1);
    one.record_ns(u64::MAX);
    one.record_ns(0);
    assert_eq!(one.counts().timed(), 2);
    let top = one.counts().counts[1].0 as f64;
    assert!((top / LONGEST_NS as f64 - 1.0).abs() < 0.001);
}

#[test]
fn merging_keeps_two_digits_and_counts_every_timed_op() {
    let mut slow = recorder(1);
    let mut fast = recorder(1);
    for ns in 1..=10_000_u64 {
        if ns % 2 == 0 { &mut slow } else { &mut fast }.record_ns(ns * 1_000);
    }
    let sent = serde_json::to_string(&slow.counts()).unwrap();
    let parts = [serde_json::from_str(&sent).unwrap(), fast.counts()];
    let service = merge(&parts).unwrap();
    assert_eq!(service.timed, 10_000);
    for (measured, truth) in [
        (service.p50_ns, 5.0e6),
        (service.p95_ns, 9.5e6),
        (service.p99_ns, 9.9e6),
    ] {
        assert!((measured / truth - 1.0).abs() < 0.01, "{measured} {truth}");
    }
}

#[test]
fn a_timed_op_weighs_as_much_as_the_ops_it_stands_for() {
    let part = |stride, ns, n| ServiceCounts {
        stride,
        counts: vec![(ns, n)],
    };
    // 1,000 ops of 10 µs, all timed; 9,000 ops of 20 µs, one in ninety timed.
    let service = merge(&[part(1, 10_000, 1_000), part(90, 20_000, 100)]).unwrap();
    assert!((service.p50_ns / 20_000.0 - 1.0).abs() < 0.01);
    assert_eq!((service.timed, service.stride), (1_100, 90));
}

#[test]
fn nothing_timed_is_an_error() {
    assert_eq!(
        merge(&[recorder(1).counts()]),
        Err(ServiceError::NothingTimed)
    );
}

#[test]
fn skipped_ops_are_not_timed_and_the_next_one_begins_after_them() {
    for stride in [1, 4] {
        let mut recorder = recorder(stride);
        let op = |recorder: &mut Recorder, ms: u64| {
            recorder.begin_op();
            std::thread::sleep(std::time::Duration::from_millis(ms));
            recorder.end_op();
        };
        op(&mut recorder, 0);
        let timed = recorder.counts().timed();
        assert_eq!(timed, 1);
        recorder.resume();
        recorder.skip(2);
        op(&mut recorder, 300);
        op(&mut recorder, 300);
        assert_eq!(recorder.counts().timed(), timed);
        while recorder.counts().timed() == timed {
            op(&mut recorder, 0);
        }
        let slowest = recorder.counts().counts.last().expect("two").0;
        assert!(slowest < 300_000_000, "{slowest} ns hold a skipped op");
    }
}

#[test]
fn a_window_starts_empty() {
    let mut one = recorder(1);
    one.record_ns(5);
    one.begin_window(4);
    assert_eq!(
        one.counts(),
        ServiceCounts {
            stride: 4,
            counts: vec![]
        }
    );
    assert!(one.heap_bytes() < 128 * 1024);
}
