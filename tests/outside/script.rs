//! Does a script kill a worker process and start it again, and is nothing left behind?

use forkscope::deployment::Job;
use forkscope::experiment::invocation::{self, Act, Invocation, Script};
use forkscope::experiment::plan::PlannedWorkload;
use forkscope::experiment::turns::Part;
use forkscope::observe::clock::OpClock;
use forkscope::record::{Phase, Pinning};
use forkscope::transport::Choice;
use forkscope::workload::{self, SpecSource};
use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use std::time::Duration;

/// Four agents, each in a process of its own.
fn four(name: &str) -> Invocation {
    let source = SpecSource::built_in(workload::find(name).expect("a registered workload"));
    let spec = workload::read(&source).expect("a valid workload");
    let planned = PlannedWorkload::new(source, spec.as_ref());
    Invocation {
        job: Job {
            agents: 4,
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
        form: "processes".parse().expect("a deployment"),
        cpus_effective: forkscope::deployment::pinning::effective(),
        warm_up_s: 0.01,
        window_s: 0.05,
        patience_s: 60.0,
        part: Part::ALONE,
    }
}

const VICTIM: usize = 2;

/// A turn in which the victim is killed; what follows it; a turn of all; and the end.
fn killed_and_then(after: Vec<Act>, pass: Act) -> Vec<Act> {
    let signal = Signal::SIGKILL;
    let before = [
        Act::Start,
        Act::AwaitReady,
        Act::WarmUp,
        Act::Open,
        Act::Pass(Duration::from_millis(20)),
        Act::Signal {
            process: VICTIM,
            signal,
        },
        Act::AwaitDeath(VICTIM),
        Act::Close,
    ];
    let end = [
        Act::Open,
        pass,
        Act::Close,
        Act::HandOver,
        Act::ReadMemory,
        Act::End,
    ];
    before.into_iter().chain(after).chain(end).collect()
}

fn assert_no_child_is_left() {
    assert_eq!(waitpid(None, None), Err(Errno::ECHILD));
}

pub fn a_worker_that_is_killed_in_the_window_is_an_event_and_can_be_started_again() {
    let invocation = four("exploration");
    let undisturbed = invocation::run(&invocation).expect("it is measured");
    let script = Script {
        acts: killed_and_then(vec![Act::Respawn(VICTIM)], Act::PassDigest),
        keeps_deaths: true,
    };
    let played = invocation::run_script(&invocation, &script).expect("it is played to its end");
    let [death] = played.deaths.as_slice() else {
        panic!("{:?}", played.deaths);
    };
    assert_eq!(
        (death.process, death.signal.as_deref()),
        (VICTIM, Some("SIGKILL"))
    );
    assert_eq!((death.agents.clone(), death.code), (2..3, None));
    // Who was killed lives through the same again, and all others were not disturbed.
    assert_eq!(played.sample.digest, undisturbed.digest);
    assert_eq!((played.sample.turns, played.sample.workers), (2, 4));
    assert!(played.sample.memory.is_some());
    assert_no_child_is_left();

    // Without it, its agent is missing, and so is its part of the digest.
    let script = Script {
        acts: killed_and_then(Vec::new(), Act::Pass(Duration::from_millis(20))),
        keeps_deaths: true,
    };
    let played = invocation::run_script(&invocation, &script).expect("the others go on");
    assert_eq!(played.deaths.len(), 1);
    assert_ne!(played.sample.digest, undisturbed.digest);
    assert_no_child_is_left();
}

pub fn the_usual_script_fails_where_a_worker_dies() {
    let script = Script {
        acts: killed_and_then(Vec::new(), Act::Pass(Duration::from_millis(20))),
        keeps_deaths: false,
    };
    let failure = invocation::run_script(&four("exploration"), &script).unwrap_err();
    assert_eq!(failure.phase, Phase::Window);
    assert_eq!(
        (failure.agent, failure.signal.as_deref()),
        (Some(2), Some("SIGKILL"))
    );
    assert_no_child_is_left();
}

pub fn a_worker_that_was_connected_to_others_is_not_started_again() {
    let acts = vec![Act::Start, Act::AwaitReady, Act::Respawn(VICTIM)];
    let keeps_deaths = true;
    let script = Script { acts, keeps_deaths };
    let failure = invocation::run_script(&four("coordination"), &script).unwrap_err();
    assert!(
        failure.message.contains("a link is not handed over"),
        "{failure:?}"
    );
    assert_no_child_is_left();
}
