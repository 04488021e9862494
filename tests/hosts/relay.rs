//! Do agents that pass messages on lose none, however many they are and wherever they live?

use crate::host;
use forkscope::experiment::invocation::Invocation;
use forkscope::metric::Metric;
use forkscope::record::{Outcome, Sample};
use forkscope::workload::{self, Digest, SpecSource, reference};
use nix::sys::resource::{Resource, getrlimit};
use std::process::Command;

const SHAPES: [&str; 2] = ["ring", "star"];

fn relay(shape: &str) -> SpecSource {
    let mut source = SpecSource::built_in(workload::find("relay").unwrap());
    let asked = format!("topology = \"{shape}\"");
    source.text = source.text.replacen("topology = \"ring\"", &asked, 1);
    source
}

fn invocation(shape: &str, agents: usize, form: &str) -> Invocation {
    host::invocation_of(relay(shape), agents, form)
}

/// What one loop in one thread makes of it.
fn reference_digest(invocation: &Invocation) -> String {
    let job = &invocation.job;
    let spec = workload::read(&job.source).unwrap();
    let rounds = job.digest_round;
    let digests = reference::run(spec.as_ref(), job.agents, job.seed, rounds, |_, _, _| {});
    let mut all = Digest::default();
    digests.unwrap().into_iter().for_each(|d| all.word(d));
    format!("{:016x}", all.value())
}

fn check(invocation: &Invocation, sample: &Sample) {
    assert_eq!(sample.digest, reference_digest(invocation));
    assert_eq!(
        host::count(sample, Metric::MESSAGES_SENT),
        host::count(sample, Metric::MESSAGES_RECEIVED)
    );
    assert!(host::count(sample, Metric::MESSAGES_SENT) > 0);
}

#[test]
fn a_thousand_agents_that_share_workers_lose_nothing() {
    for shape in SHAPES {
        for form in ["threads:2", "processes:2", "processes:2x2"] {
            let invocation = invocation(shape, 1000, form);
            check(&invocation, &host::sample(&invocation));
        }
    }
}

#[test]
fn in_a_star_every_agent_with_a_process_of_its_own_reaches_the_middle() {
    for form in ["threads", "processes"] {
        let invocation = invocation("star", 100, form);
        check(&invocation, &host::sample(&invocation));
    }
}

/// The host holds five descriptors for each worker while it connects them, so 300 need more than the usual
/// soft limit.
#[test]
fn many_processes_start_under_a_soft_limit_of_1024_open_files() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    if hard < 2048 {
        eprintln!("skipped: the hard limit of open files is {hard}");
        return;
    }
    let invocation = invocation("star", 300, "processes");
    let mut shell = Command::new("sh");
    let limited = "ulimit -Sn 1024; exec \"$0\" \"$@\"";
    shell.args(["-c", limited, env!("CARGO_BIN_EXE_forkscope")]);
    match host::answer(host::start_with(shell, &invocation)) {
        Outcome::Measured(sample) => check(&invocation, &sample),
        Outcome::Failed(failure) => panic!("{failure:?}"),
    }
}

#[test]
fn in_a_ring_half_of_the_messages_are_empty() {
    let invocation = invocation("ring", 6, "processes");
    let sample = host::sample(&invocation);
    check(&invocation, &sample);
    assert_eq!(host::count(&sample, Metric::MESSAGES_SENT), 2 * sample.ops);
    assert_eq!(host::count(&sample, Metric::BYTES_SENT), 64 * sample.ops);
}
