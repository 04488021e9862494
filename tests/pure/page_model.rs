//! The stop of coupled agents under a model checker: every order of the host's and the workers' steps, and every
//! value that a weak memory model lets a load see. It runs the page's own code on words of the checker.

use crate::model::{Fences, LoomWord, check_within};
use forkscope::deployment::page::stop::{Decision, Futex, Lease};
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::sync::{Arc, Condvar, Mutex};

/// The word, and what the kernel keeps of who sleeps on it.
struct LoomFutex {
    word: AtomicU32,
    kernel: Mutex<()>,
    sleepers: Condvar,
    fences: Fences,
}

impl Futex for LoomFutex {
    fn load(&self, order: Ordering) -> u32 {
        self.fences.before_load(order);
        self.word.load(order)
    }

    fn fetch_add(&self, value: u32, order: Ordering) -> u32 {
        self.fences.before_load(order);
        let old = self.word.fetch_add(value, order);
        self.fences.after_store(order);
        old
    }

    /// Never ends by itself: a sleeper that is not woken is a deadlock, which the checker finds.
    fn wait(&self, value: u32) {
        let held = self.kernel.lock().unwrap();
        if self.word.load(Ordering::SeqCst) == value {
            drop(self.sleepers.wait(held).unwrap());
        }
    }

    fn wake_all(&self) {
        let _held = self.kernel.lock().unwrap();
        self.sleepers.notify_all();
    }
}

/// The stop of some workers.
struct Stop {
    decision: Decision<LoomWord, LoomFutex>,
    leases: Vec<LoomWord>,
}

fn stop_of(workers: usize, fences: Fences) -> Arc<Stop> {
    let decisions = LoomFutex {
        word: AtomicU32::new(0),
        kernel: Mutex::new(()),
        sleepers: Condvar::new(),
        fences,
    };
    let word = |value| LoomWord::new(value, fences);
    Arc::new(Stop {
        decision: Decision::new(decisions, word(u64::MAX), word(u64::MAX)),
        leases: (0..workers).map(|_| word(0)).collect(),
    })
}

/// Rounds that an agent of a model begins at most before it stops for good: what comes later is as what came before.
const FAR: u64 = 3;

/// A worker with two agents: the one behind begins a round after the one ahead has begun it, as a neighbour's
/// neighbour does, and the worker can do nothing else before. Gives the rounds that both have done.
fn live(stop: &Stop, worker: usize, by: u64) -> u64 {
    let mut lease = Lease::new(&stop.decision, &stop.leases[worker], by);
    let (mut ahead, mut behind) = (0, 0);
    loop {
        while ahead < FAR && lease.may_begin(ahead) {
            ahead += 1;
            // It may be asked for at any time, and what it says now must not take back what it said.
            let _ = lease.may_begin(ahead);
            assert!(
                lease.may_begin(behind),
                "worker {worker} waits for a message of round {behind} from its own agent, which may not begin it"
            );
            behind += 1;
        }
        lease.await_decision();
        if lease.is_over(ahead) {
            return ahead;
        }
        // Beyond what the model looks at.
        if ahead >= FAR {
            return u64::MAX;
        }
    }
}

/// Closes the page for `workers` workers that begin rounds as fast as they may; tries everything in which threads are
/// interrupted `interruptions` times at most.
fn closes(workers: usize, by: u64, quantum: u64, interruptions: Option<usize>) {
    check_within(interruptions, move |fences| {
        let stop = stop_of(workers, fences);
        let workers: Vec<_> = (0..workers)
            .map(|worker| {
                let stop = stop.clone();
                loom::thread::spawn(move || live(&stop, worker, by))
            })
            .collect();
        let last = stop.decision.close(stop.leases.iter(), quantum);
        assert!(last.is_multiple_of(quantum));
        for worker in workers {
            let done = worker.join().unwrap();
            assert!(
                done == last || (done == u64::MAX && last > FAR),
                "{done} of {last}"
            );
        }
    });
}

#[test]
fn a_worker_is_woken_and_stops_where_it_is_told() {
    for (by, quantum) in [(1, 1), (2, 1), (1, 3)] {
        closes(1, by, quantum, None);
    }
}

#[test]
fn two_workers_stop_after_the_same_round() {
    closes(2, 2, 1, Some(3));
}
