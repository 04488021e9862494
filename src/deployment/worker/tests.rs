//! Tests: the one loop that every worker runs, thread or process: build, warm up, turns of the window, hand over.

use super::*;
use crate::deployment::control::Control;
use crate::observe::clock::OpClock;
use crate::record::Pinning;
use crate::transport::channel::BufferLink;
use crate::transport::link::{self, Payload};
use crate::transport::{Choice, Silent};
use crate::workload::delivery::{Paced, Reception};
use crate::workload::hop::Pattern;
use crate::workload::{Digest, Message, Received, SpecSource, Workload};
use nix::libc;
use rustix::thread::{current_timer_slack, gettid, set_current_timer_slack};
use std::num::NonZeroU64;
use std::sync::Mutex;
use std::time::Duration;

/// Agents of which one panics in its third op.
struct Fragile {
    victim: usize,
}

struct FragileAgent {
    ops_left: Option<u32>,
}

impl Spec for Fragile {
    fn build(&self, id: usize, _: usize, _: u64) -> Result<Box<dyn Workload>, String> {
        if self.victim == usize::MAX {
            return Err("no such model".to_owned());
        }
        Ok(Box::new(FragileAgent {
            ops_left: (id == self.victim).then_some(3),
        }))
    }

    fn episode_length(&self) -> u64 {
        1
    }
}

impl Workload for FragileAgent {
    fn produce(&mut self, _: &mut Message) {}

    fn consume(&mut self, _: Received<'_>) {
        if let Some(left) = &mut self.ops_left {
            *left -= 1;
            assert!(*left > 0, "this agent is broken");
        }
    }

    fn fold(&self, _: &mut Digest) {}

    fn active_states(&self) -> u64 {
        1
    }
}

fn run_one(victim: usize) -> (Page, WorkerReport) {
    let page = Page::create(1).unwrap();
    let assignment = assignment(0, 1, 3, Arc::new(Fragile { victim }));
    let mut report = None;
    page.open(Step::WarmUp);
    run(assignment, &page, Agents(Silent), |r| report = Some(r));
    (page, report.expect("a report is handed over"))
}

/// What worker `worker` of `workers` threads is told.
fn assignment(worker: usize, workers: usize, agents: usize, spec: Arc<dyn Spec>) -> Assignment {
    let source = SpecSource::built_in(&crate::workload::REGISTRY[0]);
    Assignment {
        worker,
        job: Job {
            source,
            agents,
            seed: 1,
            arrivals_seed: 1,
            digest_round: 1,
            quantum: 1,
            uncounted_every: None,
            clock: OpClock::calibrate(),
            transport: Choice::Native,
            cpus: Pinning::Free,
            tape: false,
            planned_per_s: None,
        },
        spec,
        placement: Placement::on_threads(agents, workers),
        topology: Arc::new(Topology::silent(agents)),
        tape: None,
        first_of_process: 0,
        to_hand_over: Arc::new(AtomicUsize::new(1)),
        after: Step::Prepare,
        helper: None,
    }
}

#[test]
fn a_panic_is_reported_with_its_agent_and_its_words() {
    let (page, report) = run_one(2);
    assert_eq!(page.failed(), Some((0, Some(2))));
    assert_eq!(report.error.as_deref(), Some("panic: this agent is broken"));
}

#[test]
fn an_agent_that_cannot_be_built_is_reported() {
    let (page, report) = run_one(usize::MAX);
    assert_eq!(page.failed(), Some((0, Some(0))));
    assert_eq!(
        report.error.as_deref(),
        Some("agent 0 cannot be built: no such model")
    );
}

/// A link that writes down which thread uses it, and the timer slack of that thread.
struct Noted<L> {
    link: L,
    users: Arc<Mutex<Vec<(i32, u64)>>>,
}

impl<L> Noted<L> {
    fn note(&self) {
        let user = (gettid().as_raw_pid(), current_timer_slack().unwrap());
        let mut users = self.users.lock().unwrap();
        if !users.contains(&user) {
            users.push(user);
        }
    }
}

impl<L: Link> Link for Noted<L> {
    fn send(&mut self, sequence: u64, payload: &Payload) -> Result<(), TransportError> {
        self.note();
        self.link.send(sequence, payload)
    }

    fn receive(&mut self) -> Result<link::Received, TransportError> {
        self.note();
        self.link.receive()
    }

    fn try_receive(&mut self) -> Result<Option<link::Received>, TransportError> {
        self.note();
        self.link.try_receive()
    }
}

/// Clock and flags of the sleep that thread `tid` of this process is in, if it is in one and the kernel shows it.
fn sleep_of(tid: i32) -> Option<(u64, u64)> {
    let told = std::fs::read_to_string(format!("/proc/self/task/{tid}/syscall")).ok()?;
    let mut words = told.split(' ');
    let number: i64 = words.next()?.parse().ok()?;
    let mut argument = || u64::from_str_radix(words.next()?.trim_start_matches("0x"), 16).ok();
    let sleep = (argument()?, argument()?);
    (number == libc::SYS_clock_nanosleep).then_some(sleep)
}

#[test]
fn both_ends_of_a_delivery_sleep_to_the_nanosecond_and_until_a_moment() {
    let page = Page::create(2).unwrap();
    let users = Arc::new(Mutex::new(Vec::new()));
    // Both sleep nearly always, for some milliseconds at a time.
    let hop = Hop {
        pattern: Pattern::Paced(Paced {
            gap_us: 5_000,
            reception: Reception::Poll { every_us: 5_000 },
        }),
        payload_bytes: 64,
    };
    page.open(Step::WarmUp);
    let (users, sleeps) = std::thread::scope(|scope| {
        for (worker, link) in BufferLink::pair(64, false).into_iter().enumerate() {
            let users = users.clone();
            let page = &page;
            scope.spawn(move || {
                // Far from what it shall be, as somebody may have started the program.
                set_current_timer_slack(NonZeroU64::new(1_000_000)).unwrap();
                let assignment = assignment(worker, 2, 2, Arc::new(Fragile { victim: 0 }));
                let ends = Hops(hop, Some(Noted { link, users }));
                run(assignment, page, ends, |_| ());
            });
        }
        // Until both have used the link, and each has been seen asleep, where the kernel shows that.
        let both = || Some(users.lock().unwrap().clone()).filter(|users| users.len() > 1);
        let users = std::iter::repeat_with(both).flatten().next().unwrap();
        let shows = std::fs::read_to_string("/proc/thread-self/syscall").is_ok();
        let seen = |&(tid, _): &_| std::iter::repeat_with(|| sleep_of(tid)).flatten().next();
        let asleep = users.iter().filter(|_| shows).filter_map(seen);
        let sleeps: Vec<_> = asleep.collect();
        page.close(None);
        while !page.missing(Reached::WarmedUp).is_empty() {
            std::thread::sleep(Duration::from_millis(1));
        }
        page.open(Step::Exit);
        (users, sleeps)
    });
    assert!(users.iter().all(|&(_, slack)| slack == 1), "{users:?}");
    let until = (libc::CLOCK_MONOTONIC as u64, libc::TIMER_ABSTIME as u64);
    assert!(sleeps.iter().all(|&sleep| sleep == until), "{sleeps:?}");
}
