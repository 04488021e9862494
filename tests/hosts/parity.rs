//! Does every deployment do the same work, bit for bit, and the work that the reference run does?

use crate::host;
use forkscope::deployment::{self, Count, Form, Kind};
use forkscope::experiment::invocation::Invocation;
use forkscope::metric::Metric;
use forkscope::record::Pinning;
use forkscope::study::comparison;
use forkscope::transport::{self, Choice, Purpose, WaitPolicy};
use forkscope::workload::delivery::{Paced, Reception};
use forkscope::workload::hop::{Hop, Pattern};
use forkscope::workload::{self, Digest, SpecSource, reference};
use std::collections::{BTreeSet, HashMap};

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

/// The workloads whose agents compute something.
fn agents_and_probes() -> impl Iterator<Item = &'static workload::Entry> {
    let all = workload::REGISTRY.iter();
    all.filter(|e| {
        let spec = workload::read(&SpecSource::built_in(e));
        spec.expect("built-in parameters are valid").hop().is_none()
    })
}

#[test]
fn every_workload_gives_the_reference_digest_under_every_deployment() {
    for entry in agents_and_probes() {
        for agents in [1, 2, 5] {
            let expected = reference_digest(&host::invocation(entry.name, agents, "threads"));
            for form in forms() {
                let sample = host::sample(&host::invocation(entry.name, agents, form));
                assert_eq!(sample.digest, expected, "{} {agents} {form}", entry.name);
                assert_eq!(
                    host::count(&sample, Metric::MESSAGES_SENT),
                    host::count(&sample, Metric::MESSAGES_RECEIVED)
                );
            }
        }
    }
}

/// Workers of a placement at most.
const MOST: usize = 16;

/// Every form that places up to `few` agents in a way of its own, with the number of agents: threads, and processes of
/// one and more threads; and forms of wide machines with more agents than workers.
fn placements(few: usize) -> Vec<(usize, Form)> {
    let counts = || (1..=few).map(Count::Exactly);
    let threads = counts().map(|count| Form {
        count,
        ..Form::THREADS
    });
    let processes = counts().flat_map(|count| {
        counts().map(move |threads_each| Form {
            count,
            threads_each,
            ..Form::PROCESSES
        })
    });
    let forms: Vec<Form> = threads.chain(processes).collect();
    let mut found: Vec<(usize, Form)> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut shapes = BTreeSet::new();
    for agents in 1..=few {
        for &form in &forms {
            let placement = form.place(agents, 1);
            let shape = (placement.processes(), placement.workers());
            if placement.workers() <= MOST && seen.insert((agents, shape)) {
                found.push((agents, form));
            }
        }
    }
    for (cpus, agents) in (1..=256).flat_map(|c| (MOST + 1..=128).map(move |a| (c, a))) {
        for form in comparison::forms(cpus) {
            let placement = form.place(agents, cpus);
            let shape = (placement.processes(), placement.workers());
            let is_uneven = agents % placement.workers() != 0;
            if placement.workers() <= MOST && is_uneven && shapes.insert(shape) {
                let exactly = match form.kind {
                    Kind::Threads => format!("threads:{}", shape.1),
                    Kind::Processes => {
                        format!("processes:{}x{}", shape.0, placement.threads_each())
                    }
                };
                let exactly: Form = exactly.parse().unwrap();
                assert_eq!(exactly.place(agents, 1), placement);
                found.push((agents, exactly));
            }
        }
    }
    found
}

#[test]
fn every_placement_of_up_to_eight_agents_runs_and_gives_the_reference_digest() {
    all_run(placements(8));
}

#[test]
#[ignore = "hundreds of invocations take minutes: scripts/check.sh runs it"]
fn every_placement_runs_and_gives_the_reference_digest() {
    all_run(placements(MOST));
}

fn all_run(placements: Vec<(usize, Form)>) {
    let mut expected = HashMap::new();
    for (i, (agents, form)) in placements.into_iter().enumerate() {
        // Agents that keep to themselves and agents that talk, in turn.
        let name = ["exploration", "coordination"][i % 2];
        let mut invocation = host::invocation(name, agents, &form.to_string());
        (invocation.warm_up_s, invocation.window_s) = (0.0, 0.02);
        invocation.job.digest_round = 3;
        let digest = host::sample(&invocation).digest;
        let reference = expected.entry((name, agents));
        let reference = reference.or_insert_with(|| reference_digest(&invocation));
        assert_eq!(digest, *reference, "{name} {agents} {form}");
    }
}

#[test]
fn another_seed_gives_another_digest() {
    for entry in agents_and_probes() {
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
            assert_eq!(host::count(&sample, Metric::MESSAGES_SENT), 0);
        }
    }
}

/// Every transport by which agents can talk under the deployments of a kind.
fn transports(kind: Kind) -> Vec<Choice> {
    let all = transport::REGISTRY.iter();
    all.filter(|e| e.purpose == Purpose::Agents && e.serves(kind))
        .map(Choice::Named)
        .collect()
}

fn kind(form: &str) -> Kind {
    form.parse::<deployment::Form>().unwrap().kind
}

#[test]
fn messages_by_every_transport_give_the_reference_digest_under_every_deployment() {
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
                for transport in transports(kind(form)) {
                    let mut invocation = host::invocation_of(source(), agents, form);
                    invocation.job.transport = transport;
                    let sample = host::sample(&invocation);
                    assert_eq!(sample.digest, expected, "{changes:?} {form} {transport:?}");
                    assert_eq!(
                        host::count(&sample, Metric::MESSAGES_SENT),
                        host::count(&sample, Metric::MESSAGES_RECEIVED)
                    );
                    assert!(host::count(&sample, Metric::MESSAGES_SENT) > 0);
                }
            }
        }
    }
}

#[test]
fn messages_of_a_mebibyte_do_not_deadlock_by_any_transport() {
    let large = ("payload_bytes = 0 ", "payload_bytes = 1048576 ");
    let short = ("length = 50 ", "length = 4 ");
    for form in ["threads", "processes", "processes:2x2"] {
        for transport in transports(kind(form)) {
            let source = coordination(&[ALL, NO_FAN_OUT, large, short]);
            let mut invocation = host::invocation_of(source, 4, form);
            invocation.job.transport = transport;
            let sample = host::sample(&invocation);
            assert_eq!(
                host::count(&sample, Metric::BYTES_SENT),
                host::count(&sample, Metric::BYTES_RECEIVED),
                "{form} {transport:?}"
            );
            assert!(
                host::count(&sample, Metric::BYTES_SENT)
                    >= host::count(&sample, Metric::MESSAGES_SENT) << 20
            );
        }
    }
}

/// What both ends of a hop have received in the first rounds.
fn digest_of_hop(hop: Hop, seed: u64, rounds: u64) -> String {
    let sum = transport::link::Payload::new(hop.payload_bytes, seed).sum();
    let mut all = Digest::default();
    for end in 0..2 {
        let mut digest = Digest::default();
        let receives = end == 1 || hop.pattern == Pattern::PingPong;
        for sequence in (0..rounds).filter(|_| receives) {
            digest.word(sequence);
            digest.word(sum);
        }
        all.word(digest.value());
    }
    format!("{:016x}", all.value())
}

#[test]
fn both_ends_of_a_hop_receive_what_was_sent_by_every_transport_wherever_they_are() {
    for pattern in [Pattern::PingPong, Pattern::Flood] {
        for payload_bytes in [8, 64, 1 << 16, 1 << 20] {
            let hop = Hop {
                pattern,
                payload_bytes,
            };
            for form in ["threads:1", "threads", "processes"] {
                let serves =
                    |e: &&transport::Entry| e.serves(kind(form)) && e.purpose != Purpose::Fallback;
                for entry in transport::REGISTRY.iter().filter(serves) {
                    for cpus in [Pinning::Free, Pinning::OneCpu, Pinning::OwnCpus] {
                        // Who spins on the other's CPU waits until the scheduler takes it away.
                        let crawls = cpus == Pinning::OneCpu && entry.wait == WaitPolicy::Spin;
                        if crawls || (cpus != Pinning::Free && payload_bytes > 64) {
                            continue;
                        }
                        let mut invocation = host::invocation_of(hop.source(), 2, form);
                        invocation.job.transport = Choice::Named(entry);
                        invocation.job.cpus = cpus;
                        invocation.job.digest_round = 5;
                        let what = format!("{hop:?} {form} {} {cpus:?}", entry.name);
                        // Shown when the invocation fails.
                        println!("{what}");
                        let sample = host::sample(&invocation);
                        let expected = digest_of_hop(hop, invocation.job.seed, 5);
                        assert_eq!(sample.digest, expected, "{what}");
                        let each = if pattern == Pattern::PingPong { 2 } else { 1 };
                        assert_eq!(
                            host::count(&sample, Metric::MESSAGES_RECEIVED),
                            each * sample.ops,
                            "{what}"
                        );
                        let bytes =
                            payload_bytes as u64 * host::count(&sample, Metric::MESSAGES_SENT);
                        assert_eq!(
                            host::count(&sample, Metric::BYTES_RECEIVED),
                            bytes,
                            "{what}"
                        );
                        assert!(sample.ops > 0, "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn every_message_is_delivered_in_order_whether_its_receiver_polls_or_is_woken() {
    for reception in [Reception::Event, Reception::Poll { every_us: 2000 }] {
        let paced = Paced {
            gap_us: 500,
            reception,
        };
        for form in ["threads", "processes"] {
            let serves =
                |e: &&transport::Entry| e.serves(kind(form)) && e.purpose != Purpose::Fallback;
            for entry in transport::REGISTRY.iter().filter(serves) {
                let mut invocation = host::invocation_of(paced.source(), 2, form);
                invocation.job.transport = Choice::Named(entry);
                let sample = host::sample(&invocation);
                let what = format!("{paced:?} {form} {}", entry.name);
                assert!(
                    host::count(&sample, Metric::MESSAGES_RECEIVED) > 5,
                    "{what}"
                );
                assert_eq!(
                    host::count(&sample, Metric::MESSAGES_RECEIVED),
                    host::count(&sample, Metric::MESSAGES_SENT),
                    "{what}"
                );
                assert_eq!(
                    sample.ops,
                    host::count(&sample, Metric::MESSAGES_RECEIVED),
                    "{what}"
                );
                assert_eq!(
                    host::count(&sample, Metric::SERVICE_TIMED_OPS),
                    host::count(&sample, Metric::MESSAGES_RECEIVED),
                    "{what}"
                );
                let polls = reception != Reception::Event;
                assert_eq!(sample.get(Metric::WASTED_POLLS).is_some(), polls, "{what}");
            }
        }
    }
}

#[test]
fn the_digest_of_a_delivery_does_not_depend_on_its_moments() {
    let paced = Paced {
        gap_us: 500,
        reception: Reception::Poll { every_us: 2000 },
    };
    let digest = |arrivals_seed| {
        let mut invocation = host::invocation_of(paced.source(), 2, "threads");
        invocation.job.arrivals_seed = arrivals_seed;
        host::sample(&invocation).digest
    };
    assert_eq!(digest(1), digest(2));
}

#[test]
fn a_share_of_the_messages_of_a_hop_is_not_counted_where_that_is_asked() {
    let hop = Hop {
        pattern: Pattern::PingPong,
        payload_bytes: 64,
    };
    let mut invocation = host::invocation_of(hop.source(), 2, "threads");
    invocation.job.uncounted_every = Some(10);
    let sample = host::sample(&invocation);
    // Ten of eleven, wherever in the cycle the window begins and ends.
    let steps = host::count(&sample, Metric::MESSAGES_SENT) as f64 / 2.0;
    let expected = steps * 10.0 / 11.0;
    let ops = sample.ops as f64;
    assert!((ops - expected).abs() <= 1.0, "{ops} of {steps}");
}

#[test]
fn messages_of_a_mebibyte_do_not_deadlock_in_any_topology() {
    let large = ("payload_bytes = 0 ", "payload_bytes = 1048576 ");
    let short = ("length = 50 ", "length = 4 ");
    for topology in [&[][..], &[STAR, NO_FAN_OUT], &[ALL, NO_FAN_OUT]] {
        let changes = [topology, &[large, short]].concat();
        for form in ["threads", "threads:2", "processes", "processes:2x2"] {
            let sample = host::sample(&host::invocation_of(coordination(&changes), 4, form));
            assert!(host::count(&sample, Metric::MESSAGES_SENT) > 0);
            assert_eq!(
                host::count(&sample, Metric::BYTES_SENT),
                host::count(&sample, Metric::BYTES_RECEIVED),
                "{changes:?} {form}"
            );
            assert!(
                host::count(&sample, Metric::BYTES_SENT)
                    >= host::count(&sample, Metric::MESSAGES_SENT) << 20
            );
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
