//! Tests: the one loop that every worker runs, thread or process: build, warm up, turns of the window, hand over.

use super::*;
use crate::observe::clock::OpClock;
use crate::record::Pinning;
use crate::transport::{Choice, Silent};
use crate::workload::{Digest, Message, Received, SpecSource, Workload};

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

fn run_one(victim: usize) -> (Gate, WorkerReport) {
    let gate = Gate::create(1).unwrap();
    let placement = Placement::on_threads(3, 1);
    let source = SpecSource::built_in(&crate::workload::REGISTRY[0]);
    let assignment = Assignment {
        worker: 0,
        job: Job {
            source,
            agents: 3,
            seed: 1,
            moments_seed: 1,
            digest_round: 1,
            quantum: 1,
            uncounted_every: None,
            clock: OpClock::calibrate(),
            transport: Choice::Native,
            cpus: Pinning::Free,
            tape: false,
            planned_per_s: None,
        },
        spec: Arc::new(Fragile { victim }),
        placement,
        topology: Arc::new(Topology::silent(3)),
        tape: None,
        first_of_process: 0,
        to_hand_over: Arc::new(AtomicUsize::new(1)),
        helper: None,
    };
    let mut report = None;
    gate.open(Step::WarmUp);
    run(assignment, &gate, Agents(Silent), |r| report = Some(r));
    (gate, report.expect("a report is handed over"))
}

#[test]
fn a_panic_is_reported_with_its_agent_and_its_words() {
    let (gate, report) = run_one(2);
    assert_eq!(gate.failed(), Some((0, Some(2))));
    assert_eq!(report.error.as_deref(), Some("panic: this agent is broken"));
}

#[test]
fn an_agent_that_cannot_be_built_is_reported() {
    let (gate, report) = run_one(usize::MAX);
    assert_eq!(gate.failed(), Some((0, Some(0))));
    assert_eq!(
        report.error.as_deref(),
        Some("agent 0 cannot be built: no such model")
    );
}
