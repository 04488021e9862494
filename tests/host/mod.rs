//! How do tests run one invocation for real?
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod proc;

use forkscope::deployment::Job;
use forkscope::experiment::host::told;
use forkscope::experiment::invocation::Invocation;
use forkscope::experiment::plan::PlannedWorkload;
use forkscope::experiment::turns::Part;
use forkscope::metric::Metric;
use forkscope::observe::clock::OpClock;
use forkscope::record::{Failure, Outcome, Phase, Pinning, Sample};
use forkscope::transport::Choice;
use forkscope::workload::{self, SpecSource};
use proc::Hold;
use std::io::Write;
use std::process::{Child, Command, Stdio};

/// A short invocation of a built-in workload, as the coordinator would ask for it.
pub fn invocation(name: &str, agents: usize, form: &str) -> Invocation {
    let source = SpecSource::built_in(workload::find(name).expect("a registered workload"));
    invocation_of(source, agents, form)
}

/// A short invocation of any workload.
pub fn invocation_of(source: SpecSource, agents: usize, form: &str) -> Invocation {
    let spec = workload::read(&source).expect("a valid workload");
    let planned = PlannedWorkload::new(source, spec.as_ref());
    Invocation {
        job: Job {
            agents,
            seed: 7,
            arrivals_seed: 7,
            digest_round: planned.record.digest_round,
            quantum: planned.quantum(),
            uncounted_every: None,
            clock: OpClock::calibrate(),
            transport: Choice::Native,
            cpus: Pinning::Free,
            tape: false,
            planned_per_s: None,
            source: planned.source,
        },
        form: form.parse().expect("a deployment"),
        cpus_effective: forkscope::deployment::pinning::effective(),
        warm_up_s: 0.01,
        window_s: 0.05,
        patience_s: 60.0,
        part: Part::ALONE,
    }
}

/// A count that every sample has.
pub fn count(sample: &Sample, metric: Metric) -> u64 {
    sample.value(metric) as u64
}

/// Starts a host process and gives it its task.
pub fn start(invocation: &Invocation) -> Child {
    start_with(Command::new(env!("CARGO_BIN_EXE_forkscope")), invocation)
}

/// Starts a host and waits until it is in a phase, in which it stays until it is let go.
pub fn start_held(invocation: &Invocation, phase: Phase) -> (Child, Hold) {
    let hold = Hold::in_phase(phase);
    let mut command = Command::new(env!("CARGO_BIN_EXE_forkscope"));
    hold.tell(&mut command);
    let child = start_with(command, invocation);
    assert_eq!(hold.host().pid, child.id() as i32);
    (child, hold)
}

/// Starts a host through a command that ends in executing the binary.
pub fn start_with(mut command: Command, invocation: &Invocation) -> Child {
    let mut child = command
        .args(["host", &std::process::id().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let task = serde_json::to_vec(invocation).expect("plain data");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(&task)
        .expect("the host reads its task");
    child
}

/// Waits for a host's answer.
pub fn answer(child: Child) -> Outcome {
    let output = child.wait_with_output().expect("the host ends");
    told(&output.stdout)
        .answer
        .expect("the host answers with JSON")
}

/// Runs an invocation that must succeed. Windows of tests are so short that the kernel's ticks show in
/// them: a process's CPU time runs up to a tick behind for a thread that has not slept yet; and that on a busy
/// machine no worker may get a CPU within one. So a sample that is refused for its CPU time alone, or for want of
/// an op, is taken again, as a run would take the next pair.
pub fn sample(invocation: &Invocation) -> Sample {
    const TRIES: usize = 8;
    let is_short = |f: &Failure| {
        let says = |what| f.message.contains(what);
        says("s of CPU time and their processes") || says("no op was")
    };
    let mut tries = 0;
    loop {
        tries += 1;
        match answer(start(invocation)) {
            Outcome::Measured(sample) => return *sample,
            Outcome::Failed(failure) if tries < TRIES && is_short(&failure) => {}
            Outcome::Failed(failure) => panic!("{failure:?}"),
        }
    }
}
