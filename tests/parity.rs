//! Does every deployment do the same work, bit for bit, and the work that the reference run does?

mod host;

use forkscope::deployment;
use forkscope::experiment::invocation::Invocation;
use forkscope::transport::{Choice, WaitPolicy};
use forkscope::workload::{self, Digest, SpecSource, reference};

/// Every form that the registry's deployments have: dedicated, pooled, mixed.
fn forms() -> Vec<&'static str> {
    let forms = vec![
        "threads",
        "threads:2",
        "threads:1",
        "processes",
        "processes:2",
        "processes:2x2",
        "processes:1x3",
    ];
    for entry in deployment::REGISTRY {
        let name = entry
            .syntax
            .split('[')
            .next()
            .expect("a syntax begins with a name");
        assert!(
            forms.iter().any(|f| f.starts_with(name)),
            "{name} has no form in this test"
        );
    }
    forms
}

/// What one loop in one thread makes of it.
fn reference_digest(invocation: &Invocation) -> String {
    let spec = workload::read(&invocation.job.source).unwrap();
    let job = &invocation.job;
    let digests = reference::run(
        spec.as_ref(),
        job.agents,
        job.seed,
        job.digest_round,
        |_, _, _| {},
    )
    .unwrap();
    let mut all = Digest::default();
    digests.into_iter().for_each(|d| all.word(d));
    format!("{:016x}", all.value())
}

#[test]
fn every_workload_gives_the_reference_digest_under_every_deployment() {
    for entry in workload::REGISTRY {
        for agents in [1, 2, 5] {
            let expected = reference_digest(&host::invocation(entry.name, agents, "threads"));
            for form in forms() {
                let sample = host::sample(&host::invocation(entry.name, agents, form));
                assert_eq!(sample.digest, expected, "{} {agents} {form}", entry.name);
                assert_eq!(sample.messages_sent, sample.messages_received);
            }
        }
    }
}

#[test]
fn another_seed_gives_another_digest() {
    for entry in workload::REGISTRY {
        let mut invocation = host::invocation(entry.name, 2, "threads");
        let first = reference_digest(&invocation);
        invocation.job.seed += 1;
        assert_ne!(first, reference_digest(&invocation), "{}", entry.name);
    }
}

/// Coordination with other parameters.
fn coordination(changes: &[(&str, &str)]) -> SpecSource {
    let mut source = SpecSource::built_in(workload::find("coordination").unwrap());
    for (from, to) in changes {
        assert!(source.text.contains(from), "{from}");
        source.text = source.text.replace(from, to);
    }
    source
}

const STAR: (&str, &str) = ("topology = \"ring\"", "topology = \"star\"");
const ALL: (&str, &str) = ("topology = \"ring\"", "topology = \"all\"");
const NO_FAN_OUT: (&str, &str) = ("fan_out = 2 ", "# ");
const ON_CHANGE: (&str, &str) = ("when = \"every_step\"", "when = \"on_change\"");
const WIDE: (&str, &str) = ("fan_out = 2", "fan_out = 4");

#[test]
fn every_topology_gives_the_reference_digest_under_every_deployment() {
    let variants: [&[(&str, &str)]; 5] = [
        &[WIDE],
        &[STAR, NO_FAN_OUT],
        &[STAR, ON_CHANGE],
        &[ALL, NO_FAN_OUT],
        &[ALL, NO_FAN_OUT, ON_CHANGE],
    ];
    for changes in variants {
        let expected = reference_digest(&host::invocation_of(coordination(changes), 6, "threads"));
        for form in ["threads", "threads:2", "processes", "processes:3x2"] {
            let sample = host::sample(&host::invocation_of(coordination(changes), 6, form));
            assert_eq!(sample.digest, expected, "{changes:?} {form}");
        }
    }
}

#[test]
fn agents_that_replay_a_tape_believe_what_those_that_talk_believe() {
    for agents in [2, 5, 8] {
        for form in ["threads", "processes", "processes:2x2"] {
            let mut invocation = host::invocation("coordination", agents, form);
            let expected = reference_digest(&invocation);
            invocation.job.tape = true;
            let sample = host::sample(&invocation);
            assert_eq!(sample.digest, expected, "{agents} {form}");
            assert_eq!(sample.messages_sent, 0);
        }
    }
}

const RINGS: [WaitPolicy; 3] = [WaitPolicy::Spin, WaitPolicy::Adaptive, WaitPolicy::Park];

#[test]
fn messages_by_ring_give_the_reference_digest_under_every_deployment() {
    for changes in [
        &[][..],
        &[WIDE],
        &[STAR, NO_FAN_OUT],
        &[ALL, NO_FAN_OUT, ON_CHANGE],
    ] {
        for agents in [2, 6] {
            let source = || coordination(changes);
            let expected = reference_digest(&host::invocation_of(source(), agents, "threads"));
            for form in ["threads", "threads:2", "processes", "processes:2x2"] {
                for policy in RINGS {
                    let mut invocation = host::invocation_of(source(), agents, form);
                    invocation.job.transport = Choice::Ring(policy);
                    let sample = host::sample(&invocation);
                    assert_eq!(sample.digest, expected, "{changes:?} {form} {policy:?}");
                    assert_eq!(sample.messages_sent, sample.messages_received);
                    assert!(sample.messages_sent > 0);
                }
            }
        }
    }
}

#[test]
fn messages_of_a_mebibyte_do_not_deadlock_by_ring() {
    let large = ("payload_bytes = 0 ", "payload_bytes = 1048576 ");
    let short = ("length = 50 ", "length = 4 ");
    for form in ["threads", "processes", "processes:2x2"] {
        let source = coordination(&[ALL, NO_FAN_OUT, large, short]);
        let mut invocation = host::invocation_of(source, 4, form);
        invocation.job.transport = Choice::Ring(WaitPolicy::Adaptive);
        let sample = host::sample(&invocation);
        assert_eq!(sample.bytes_sent, sample.bytes_received, "{form}");
        assert!(sample.bytes_sent >= sample.messages_sent << 20);
    }
}

#[test]
fn messages_of_a_mebibyte_do_not_deadlock_in_any_topology() {
    let large = ("payload_bytes = 0 ", "payload_bytes = 1048576 ");
    let short = ("length = 50 ", "length = 4 ");
    for topology in [&[][..], &[STAR, NO_FAN_OUT], &[ALL, NO_FAN_OUT]] {
        let changes = [topology, &[large, short]].concat();
        for form in ["threads", "threads:2", "processes", "processes:2x2"] {
            let sample = host::sample(&host::invocation_of(coordination(&changes), 4, form));
            assert!(sample.messages_sent > 0);
            assert_eq!(
                sample.bytes_sent, sample.bytes_received,
                "{changes:?} {form}"
            );
            assert!(sample.bytes_sent >= sample.messages_sent << 20);
        }
    }
}

#[test]
fn windows_of_coupled_agents_hold_whole_episodes() {
    for form in ["threads", "processes"] {
        let sample = host::sample(&host::invocation("coordination", 3, form));
        assert_eq!(sample.ops % (3 * 50), 0, "{form}: {} ops", sample.ops);
    }
}

#[test]
fn uncounted_ops_lower_the_count_by_the_known_share() {
    // One agent, whole episodes of 100 ops: of every 11 steps one is not counted.
    let mut invocation = host::invocation("exploration", 1, "threads");
    let plain = host::sample(&invocation);
    assert_eq!(plain.ops % 100, 0);
    invocation.job.uncounted_every = Some(10);
    let with = host::sample(&invocation);
    // Of some number of whole episodes, ten elevenths count: one more or less at either end.
    let episodes = (with.ops as f64 * 1.1 / 100.0).round();
    let counted = episodes * 100.0 / 1.1;
    assert!((with.ops as f64 - counted).abs() <= 1.0, "{} ops", with.ops);
    assert_eq!(
        plain.digest, with.digest,
        "the uncounted ops are part of the same life"
    );
}
