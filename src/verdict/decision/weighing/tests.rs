//! Tests: all things weighed, which deployment, and what would change that?

use super::*;

fn effect(ratio: f64) -> Effect {
    Effect {
        ratio,
        ..Effect::between(ratio * 0.97, ratio * 1.03)
    }
}

fn fit(bytes: f64) -> MemoryFit {
    let of = |value: f64| Estimate {
        value,
        low: 0.95 * value,
        high: 1.05 * value,
    };
    MemoryFit {
        per_agent_bytes: of(bytes),
        fixed_bytes: of(1e6),
        live_heap_per_agent_bytes: of(bytes),
    }
}

fn latency_of(ratio: (f64, f64)) -> Evidence {
    let value = (ratio.0 + ratio.1) / 2.0;
    Evidence {
        of: Priority::Latency,
        workload: "coordination".to_owned(),
        baseline: "threads".to_owned(),
        x: "processes".to_owned(),
        agents: 8,
        ratio: Some(Estimate {
            value,
            low: ratio.0,
            high: ratio.1,
        }),
        values_ns: [Some(1e6), Some(1e6 * value)],
        under: "10000 planned steps per second".to_owned(),
    }
}

const SETUP: SetupAnswer = SetupAnswer {
    agents: 8,
    baseline_s: 0.002,
    x_s: 0.012,
    break_even_s: None,
    break_even_ops: None,
};

fn said(
    verdict: &Verdict,
    ratio: f64,
    memory: Option<(f64, f64)>,
    latency: &[Evidence],
    priority: Priority,
) -> String {
    let effect = effect(ratio);
    let cells = [AtAgents {
        agents: 8,
        effect: Some(&effect),
        verdict,
    }];
    let fits = memory.map(|(b, x)| (fit(b), fit(x)));
    let facts = Facts {
        baseline: "threads",
        x: "processes",
        cells: &cells,
        memory: match &fits {
            Some((b, x)) => [Some(b), Some(x)],
            None => [None, None],
        },
        setup: &[SETUP],
        latency: latency.iter().collect(),
        margin: 0.03,
        cpus: 2,
    };
    whole(parts(&facts, priority))
}

/// All of it, in the order in which it is read.
fn whole(weighed: Weighed) -> String {
    let clauses: Vec<String> = std::iter::once(weighed.decision)
        .chain(weighed.with)
        .collect();
    let mut sentences = vec![clauses.join("; ")];
    sentences.extend(weighed.changes.into_iter().map(|(_, said)| said));
    sentences.extend(Some(weighed.open).filter(|open| !open.is_empty()));
    sentences.join(". ")
}

fn ahead(deployment: &str) -> Verdict {
    Verdict::Ahead {
        deployment: deployment.to_owned(),
    }
}

#[test]
fn throughput_decides_and_what_speaks_against_it_is_said() {
    let text = said(
        &ahead("threads"),
        0.5,
        Some((2e5, 6e5)),
        &[],
        Priority::Throughput,
    );
    assert!(
        text.starts_with("take threads (for throughput): threads do 2.00 [1.94, 2.06] times as many steps per second as processes at 8 agents"),
        "{text}"
    );
    assert!(
        text.contains("an agent takes 195 KiB in threads and 586 KiB in processes"),
        "{text}"
    );
    assert!(
        text.contains(
            "If a crash must not take other agents with it, take processes: a crash takes"
        ),
        "{text}"
    );
}

#[test]
fn another_priority_turns_it_around() {
    let text = said(&ahead("threads"), 0.5, None, &[], Priority::Isolation);
    assert!(text.starts_with("take processes (for isolation)"), "{text}");
    assert!(
        text.contains("If steps per second matter more, take threads: threads do"),
        "{text}"
    );
    let tail = [latency_of((0.4, 0.5))];
    let text = said(&ahead("threads"), 0.5, None, &tail, Priority::Latency);
    assert!(text.starts_with("take processes (for latency)"), "{text}");
    let text = said(
        &ahead("threads"),
        0.5,
        Some((6e5, 2e5)),
        &[],
        Priority::Memory,
    );
    assert!(text.starts_with("take processes (for memory)"), "{text}");
    let text = said(&ahead("processes"), 2.0, None, &[], Priority::Startup);
    assert!(
        text.starts_with("take threads (for start-up): 8 agents are ready after"),
        "{text}"
    );
}

#[test]
fn where_throughput_is_equal_the_next_thing_decides() {
    let text = said(
        &Verdict::Tie,
        1.0,
        Some((2e5, 6e5)),
        &[],
        Priority::Throughput,
    );
    assert!(
        text.starts_with("take threads (throughput does not decide, memory does): an agent takes"),
        "{text}"
    );
    assert!(
        text.contains("both do as many steps per second at 8 agents"),
        "{text}"
    );
}

#[test]
fn what_is_open_at_more_agents_is_said_where_fewer_are_a_tie() {
    let (tie, open) = (Verdict::Tie, Verdict::Inconclusive);
    let effect = effect(1.0);
    let at = |agents, verdict| AtAgents {
        agents,
        effect: Some(&effect),
        verdict,
    };
    let cells = [at(8, &tie), at(16, &open), at(32, &open)];
    let fits = (fit(2e5), fit(6e5));
    let facts = Facts {
        baseline: "threads",
        x: "processes",
        cells: &cells,
        memory: [Some(&fits.0), Some(&fits.1)],
        setup: &[],
        latency: Vec::new(),
        margin: 0.03,
        cpus: 2,
    };
    let text = whole(parts(&facts, Priority::Throughput));
    assert!(
        text.starts_with(
            "take threads (throughput is equal where it is settled, memory decides): an agent takes"
        ),
        "{text}"
    );
    assert!(
        text.contains(
            "; both do as many steps per second at 8 agents (not settled at 16 and 32). If a crash"
        ),
        "{text}"
    );
}

#[test]
fn nobody_loses_fewer_agents_in_as_many_processes() {
    assert_eq!(agents_of_a_process("threads:cores", 32, 2), Some(32));
    assert_eq!(agents_of_a_process("processes", 32, 2), Some(1));
    assert_eq!(agents_of_a_process("processes:cores", 32, 2), Some(16));
    assert_eq!(agents_of_a_process("processes:2x2", 3, 2), Some(2));
    assert_eq!(agents_of_a_process("something", 3, 2), None);
}

#[test]
fn nothing_follows_from_what_is_open() {
    let text = said(&Verdict::Inconclusive, 0.5, None, &[], Priority::Throughput);
    assert!(
        !text.contains("times as many") && !text.contains("take "),
        "{text}"
    );
    assert!(
        text.starts_with("nothing is recommended: throughput is not settled here; known is this:"),
        "{text}"
    );
    // What was asked for and is open is said first, and not again.
    assert!(!text.contains("Measured and not settled"), "{text}");
    // Its interval holds 1.
    let open = [latency_of((0.9, 1.4))];
    let text = said(&Verdict::Inconclusive, 0.5, None, &open, Priority::Latency);
    assert!(
        text.starts_with("nothing is recommended: latency is not settled here;"),
        "{text}"
    );
    assert!(!text.contains("99 % of steps"), "{text}");
    assert!(
        text.ends_with(". Measured and not settled: throughput"),
        "{text}"
    );
}

#[test]
fn what_was_measured_and_is_open_is_named_at_the_end() {
    let open = [latency_of((0.9, 1.4))];
    let text = said(
        &ahead("processes"),
        2.0,
        Some((2e5, 2.01e5)),
        &open,
        Priority::Throughput,
    );
    assert!(
        text.ends_with(". Measured and not settled: latency and memory"),
        "{text}"
    );
    let settled = [latency_of((0.4, 0.5))];
    let text = said(
        &ahead("processes"),
        2.0,
        Some((2e5, 6e5)),
        &settled,
        Priority::Throughput,
    );
    assert!(!text.contains("not settled"), "{text}");
}
