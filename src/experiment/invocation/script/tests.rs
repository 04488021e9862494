//! Does a script reach workers that are controlled by something else than a page, and that cannot be seen from here?

use super::*;
use crate::deployment::control::Control;
use crate::deployment::worker::WorkerReport;
use crate::deployment::{Fleet, Form, Job, Placement, Probe};
use crate::experiment::invocation::partner::Nobody;
use crate::experiment::turns::Part;
use crate::observe::clock::OpClock;
use crate::observe::service::Recorder;
use crate::record::Pinning;
use crate::transport::Choice;
use crate::workload::SpecSource;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex};

/// Workers of another engine, as far as a host has to do with them: they do at once what they are told.
struct Elsewhere {
    reached: Mutex<Vec<Reached>>,
    ops: AtomicU64,
    events: AtomicU32,
    stopped_ns: AtomicU64,
}

impl Elsewhere {
    fn reach(&self, what: Reached) {
        self.reached.lock().unwrap().fill(what);
        self.events.fetch_add(1, SeqCst);
    }
}

impl Control for Elsewhere {
    fn workers(&self) -> usize {
        self.reached.lock().unwrap().len()
    }

    fn open(&self, step: Step) -> u64 {
        match step {
            // They run until they are told to stop.
            Step::WarmUp | Step::Turn(_) => {
                self.ops.store(1000, SeqCst);
                self.reached.lock().unwrap().fill(match step {
                    Step::Turn(turn) if turn > 0 => Reached::Turned(turn - 1),
                    Step::Turn(_) => Reached::WarmedUp,
                    _ => Reached::Ready,
                });
            }
            other => self.reach(other.leads_to()),
        }
        monotonic_ns()
    }

    fn close(&self, _: Option<u64>) -> Option<u64> {
        self.stopped_ns.store(monotonic_ns(), SeqCst);
        let next = match self.reached(0) {
            Reached::Ready => Reached::WarmedUp,
            Reached::WarmedUp => Reached::Turned(0),
            Reached::Turned(turn) => Reached::Turned(turn + 1),
            other => other,
        };
        self.reach(next);
        None
    }

    fn reached(&self, worker: usize) -> Reached {
        self.reached.lock().unwrap()[worker]
    }

    fn vacate(&self, worker: usize) {
        self.reached.lock().unwrap()[worker] = Reached::Nothing;
    }

    fn failed(&self) -> Option<(usize, Option<usize>)> {
        None
    }

    fn events_seen(&self) -> u32 {
        self.events.load(SeqCst)
    }

    fn sleep(&self, _: u32, at_most: Duration) {
        std::thread::sleep(at_most);
    }

    fn ops(&self) -> u64 {
        self.ops.load(SeqCst)
    }

    fn rounds(&self) -> u64 {
        self.ops()
    }

    fn slowest(&self) -> usize {
        0
    }

    fn last_stop_ns(&self) -> u64 {
        self.stopped_ns.load(SeqCst)
    }

    fn live_heap_bytes(&self, _: usize) -> i64 {
        0
    }
}

struct Ranks(Arc<Elsewhere>);

impl Fleet for Ranks {
    fn control(&self) -> Arc<dyn Control> {
        self.0.clone()
    }

    fn probe(&self) -> Probe {
        Probe::Unknown
    }

    fn check(&mut self, _: Phase) -> Result<(), Failure> {
        Ok(())
    }

    fn connect(&mut self) -> Result<(), Failure> {
        self.0.reach(Reached::Ready);
        Ok(())
    }

    fn reports(&mut self) -> Result<Vec<WorkerReport>, Failure> {
        // What an engine's workers time they time as all workers do.
        let mut recorder = Recorder::new(OpClock::calibrate(), 1);
        recorder.begin_window(1);
        recorder.resume();
        for _ in 0..500 {
            recorder.begin_op();
            recorder.end_op();
        }
        let service = recorder.counts();
        let report = |worker| WorkerReport {
            service: Some(service.clone()),
            worker,
            ops: 500,
            steps: 500,
            cpu_ns: 1,
            digests: vec![worker as u64],
            ..WorkerReport::default()
        };
        Ok((0..self.0.workers()).map(report).collect())
    }

    fn end(self: Box<Self>) {}
}

struct Engine;

impl Deployment for Engine {
    fn start(&self, _: &Job, placement: Placement) -> Result<Box<dyn Fleet>, Failure> {
        Ok(Box::new(Ranks(Arc::new(Elsewhere {
            reached: Mutex::new(vec![Reached::Nothing; placement.workers()]),
            ops: AtomicU64::new(0),
            events: AtomicU32::new(0),
            stopped_ns: AtomicU64::new(0),
        }))))
    }
}

fn invocation() -> Invocation {
    Invocation {
        job: Job {
            source: SpecSource::built_in(&workload::REGISTRY[0]),
            agents: 2,
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
        form: Form::PROCESSES,
        cpus_effective: 2.0,
        warm_up_s: 0.01,
        window_s: 0.02,
        patience_s: 5.0,
        part: Part::ALONE,
    }
}

fn played(acts: Vec<Act>) -> Result<Played, Failure> {
    let invocation = invocation();
    let script = Script {
        acts,
        keeps_deaths: true,
    };
    play(&invocation, &script, &Engine, &mut Nobody::new(&invocation))
}

#[test]
fn what_workers_cost_that_cannot_be_seen_from_here_is_unknown_and_all_else_is_measured() {
    let sample = played(Script::usual().acts).unwrap().sample;
    assert_eq!((sample.ops, sample.turns), (1000, 1));
    assert!(sample.ops_per_s() > 0.0);
    for unknown in [
        Metric::CPU_S,
        Metric::VOLUNTARY_SWITCHES,
        Metric::MEMORY_PER_AGENT_BYTES,
    ] {
        assert_eq!(sample.get(unknown), None, "{unknown:?}");
    }
    assert_eq!((sample.memory, sample.foreign_cpu), (None, None));
}

#[test]
fn what_is_no_process_here_can_be_neither_killed_nor_started_again() {
    let signal = Signal::SIGKILL;
    let start = || vec![Act::Start, Act::AwaitReady];
    for act in [Act::Signal { process: 0, signal }, Act::Respawn(0)] {
        let acts = [start(), vec![act]].concat();
        let said = played(acts).unwrap_err().message;
        assert!(said.contains("workers are no processes here"), "{said}");
    }
}

#[test]
fn a_script_that_hands_nothing_over_has_no_sample() {
    let said = played(vec![Act::Start, Act::AwaitReady, Act::End]).unwrap_err();
    assert!(said.message.contains("no step of the script hands over"));
}
