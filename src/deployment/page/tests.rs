//! Does everybody stop after the same round, and does the page carry what is written?

use super::*;
use crate::memory_file;
use std::sync::atomic::AtomicBool;

/// Workers that begin rounds as fast as the lease lets them, without messages: any order of
/// steps that the protocol must survive can occur.
fn rounds_of_free_runners(workers: usize, closes: u64, quantum: u64) -> Vec<Vec<u64>> {
    let page = Page::create(workers).unwrap();
    let done = AtomicBool::new(false);
    let mut lasts = Vec::new();
    let per_worker: Vec<Vec<u64>> = std::thread::scope(|scope| {
        let (page, done) = (&page, &done);
        let handles: Vec<_> = (0..workers)
            .map(|w| {
                scope.spawn(move || {
                    let (mut round, mut ends) = (0, Vec::new());
                    while !done.load(SeqCst) {
                        let mut place = page.place(w);
                        loop {
                            while place.may_begin(round) {
                                round += 1;
                            }
                            place.await_decision();
                            if place.is_over(round) {
                                break;
                            }
                        }
                        ends.push(round);
                        page.report(w, Reached::Turned(0));
                        while page.reached(w) == Reached::Turned(0) && !done.load(SeqCst) {
                            std::thread::yield_now();
                        }
                    }
                    ends
                })
            })
            .collect();
        for i in 0..closes {
            // Sometimes at once, sometimes after a while.
            for _ in 0..i % 4 {
                std::thread::yield_now();
            }
            lasts.push(page.close(Some(quantum)).unwrap());
            while !page.missing(Reached::Turned(0)).is_empty() {
                std::thread::yield_now();
            }
            if i + 1 == closes {
                done.store(true, SeqCst);
            }
            page.open(Step::WarmUp);
            page.slots()
                .for_each(|s| s.reached.store(Reached::Ready.word(), SeqCst));
        }
        handles.into_iter().map(|h| h.join().unwrap()).collect()
    });
    for ends in &per_worker {
        assert_eq!(ends[..lasts.len()], lasts);
    }
    per_worker
}

#[test]
fn all_workers_end_after_the_same_round_however_the_stop_falls() {
    for (workers, quantum) in [(1, 1), (2, 1), (4, 50), (8, 3)] {
        let ends = rounds_of_free_runners(workers, 100, quantum);
        assert!(ends.iter().flatten().all(|last| last % quantum == 0));
    }
}

#[test]
fn a_page_that_is_no_gate_is_refused() {
    use std::os::fd::IntoRawFd;
    let other = memory_file::create("other", MFdFlags::MFD_CLOEXEC).unwrap();
    nix::unistd::ftruncate(&other, 4096).unwrap();
    assert!(Page::inherit(other.into_raw_fd()).is_err());
    let small = memory_file::create("small", MFdFlags::MFD_CLOEXEC).unwrap();
    assert!(Page::inherit(small.into_raw_fd()).is_err());
}

#[test]
fn what_a_worker_writes_arrives_at_the_host_through_another_mapping() {
    let host = Page::create(2).unwrap();
    let fd = nix::unistd::dup(&*host.file).unwrap();
    let worker = Page::inherit(std::os::fd::IntoRawFd::into_raw_fd(fd)).unwrap();
    let seen = host.events_seen();
    worker.report(0, Reached::Ready);
    assert_ne!(host.events_seen(), seen);
    assert_eq!(host.missing(Reached::Ready), [1]);
    worker.report_failure(1, Some(7));
    worker.report_failure(0, Some(3));
    assert_eq!(
        host.failed(),
        Some((1, Some(7))),
        "the first failure is the cause"
    );
    assert_eq!(host.reached(0), Reached::Failed);
    worker.place(0).count(41);
    assert_eq!(host.ops(), 41);
}

#[test]
fn words_of_the_page_keep_the_order_of_steps_and_say_what_was_said() {
    let steps = [
        Step::Prepare,
        Step::WarmUp,
        Step::Turn(0),
        Step::Turn(1),
        Step::Turn(11),
        Step::HandOver,
        Step::Exit,
    ];
    for pair in steps.windows(2) {
        assert!(pair[0] < pair[1] && pair[0].word() < pair[1].word());
    }
    assert!(steps.iter().all(|&s| Step::of(s.word()) == s));
    let reached = [
        Reached::Nothing,
        Reached::Connected,
        Reached::Ready,
        Reached::WarmedUp,
        Reached::Turned(0),
        Reached::Turned(11),
        Reached::HandedOver,
        Reached::Failed,
    ];
    for pair in reached.windows(2) {
        assert!(pair[0] < pair[1] && pair[0].word() < pair[1].word());
    }
    assert!(reached.iter().all(|&r| Reached::of(r.word()) == r));
}

#[test]
fn a_turn_counts_its_own_ops_and_follows_the_one_before() {
    let page = Page::create(1).unwrap();
    page.open(Step::Turn(0));
    assert_eq!(page.next_step(Step::WarmUp), Step::Turn(0));
    page.place(0).count(7);
    page.report(0, Reached::Turned(0));
    assert!(
        page.missing(Reached::Turned(0)).is_empty() && !page.missing(Reached::Turned(1)).is_empty()
    );
    assert_eq!(page.ops(), 7);
    page.open(Step::Turn(1));
    assert_eq!(page.next_step(Step::Turn(0)), Step::Turn(1));
    assert_eq!(page.ops(), 0);
    assert_eq!(page.missing(Reached::Turned(1)), [0]);
}

#[test]
fn only_the_last_worker_wakes_the_host_even_where_one_counts_itself_late() {
    let page = Page::create(3).unwrap();
    for worker in 0..3 {
        page.report(worker, Reached::Connected);
        page.report(worker, Reached::Ready);
    }
    page.open(Step::WarmUp);
    // Worker 2 is interrupted after it has said that it is there; the host sees all of them, and goes on.
    page.report(0, Reached::WarmedUp);
    page.report(1, Reached::WarmedUp);
    page.slot(2)
        .reached
        .store(Reached::WarmedUp.word(), Release);
    assert!(page.missing(Reached::WarmedUp).is_empty());
    page.open(Step::Turn(0));
    let seen = page.events_seen();
    page.count_in(Reached::WarmedUp);
    page.report(0, Reached::Turned(0));
    page.report(1, Reached::Turned(0));
    assert_eq!(page.events_seen(), seen, "worker 2 still runs");
    page.report(2, Reached::Turned(0));
    assert_eq!(page.events_seen(), seen + 1);
}
