//! Tests: what is the answer for each workload, in a sentence, a paragraph and a line?

use super::*;
use crate::record::{Estimate, MemoryFit, SetupAnswer, Verdict};

/// One comparison: X, its cells as (agents, verdict letter, ratio), and its answer.
struct Case {
    answer: Answer,
    cells: Vec<(usize, Verdict, Effect)>,
    tail: Option<Evidence>,
}

impl Case {
    /// Letters: b the baseline, x the other, = tie, ? inconclusive.
    fn of(x: &str, cells: &[(usize, char, f64)]) -> Self {
        let verdict = |letter| match letter {
            'b' => ahead("threads"),
            'x' => ahead(x),
            '=' => Verdict::Tie,
            _ => Verdict::Inconclusive,
        };
        Self {
            answer: Answer {
                workload: "coordination".to_owned(),
                baseline: "threads".to_owned(),
                x: x.to_owned(),
                crossover: String::new(),
                baseline_memory: None,
                x_memory: None,
                setup: Vec::new(),
            },
            cells: cells
                .iter()
                .map(|&(agents, letter, ratio)| (agents, verdict(letter), effect(ratio)))
                .collect(),
            tail: None,
        }
    }

    fn with_memory(mut self, baseline: f64, x: f64) -> Self {
        self.answer.baseline_memory = Some(fit(baseline));
        self.answer.x_memory = Some(fit(x));
        self
    }

    fn with_setup(mut self, baseline_s: f64, x_s: f64) -> Self {
        self.answer.setup.push(SetupAnswer {
            agents: 32,
            baseline_s,
            x_s,
            break_even_s: None,
            break_even_ops: None,
        });
        self
    }

    fn with_tail(mut self, times: f64) -> Self {
        self.tail = Some(Evidence {
            of: Priority::Latency,
            workload: self.answer.workload.clone(),
            baseline: self.answer.baseline.clone(),
            x: self.answer.x.clone(),
            agents: 32,
            ratio: Some(around(times)),
            values_ns: [Some(1e6), Some(1e6 * times)],
            under: "66 % load".to_owned(),
        });
        self
    }

    fn known(&self) -> Known<'_> {
        Known {
            answer: &self.answer,
            cells: self
                .cells
                .iter()
                .map(|(agents, verdict, effect)| AtAgents {
                    agents: *agents,
                    verdict,
                    effect: Some(effect),
                })
                .collect(),
            evidence: self.tail.iter().collect(),
            moving: Vec::new(),
        }
    }
}

fn ahead(deployment: &str) -> Verdict {
    Verdict::Ahead {
        deployment: deployment.to_owned(),
    }
}

fn effect(ratio: f64) -> Effect {
    Effect {
        ratio,
        pairs_needed: 1102,
        ..Effect::between(ratio * 0.96, ratio * 1.04)
    }
}

fn around(value: f64) -> Estimate {
    Estimate {
        value,
        low: 0.95 * value,
        high: 1.05 * value,
    }
}

fn fit(bytes: f64) -> MemoryFit {
    MemoryFit {
        per_agent_bytes: around(bytes),
        fixed_bytes: around(1e6),
        live_heap_per_agent_bytes: around(bytes),
    }
}

fn said(first: &Case, others: &[Case], priority: Priority) -> String {
    let others: Vec<Known<'_>> = others.iter().map(Case::known).collect();
    let asked = Asked {
        priority,
        margin: 0.03,
        pair_s: 10.0,
        cpus: 2,
    };
    paragraph(&first.known(), &others, asked).join(". ")
}

/// Processes do half of what threads do.
fn threads_are_ahead() -> Case {
    Case::of("processes", &[(8, 'b', 0.6), (32, 'b', 0.5)])
}

#[test]
fn one_comparison_is_weighed_alone() {
    let text = said(&threads_are_ahead(), &[], Priority::Throughput);
    assert_eq!(
        text,
        "take threads (for throughput): threads do 2.00 [1.92, 2.08] times as many steps per second as \
         processes at 32 agents. If a crash must not take other agents with it, take processes: a crash \
         takes 32 of 32 agents in threads and 1 in processes; how long it takes to mend was not measured"
    );
}

#[test]
fn what_beats_both_is_taken_and_named_with_what_it_is_not_told_from() {
    let others = [
        Case::of("threads:cores", &[(8, 'x', 1.9), (32, 'x', 1.25)]),
        Case::of("processes:cores", &[(32, 'x', 1.2)]),
        Case::of("processes:2x2", &[(32, 'x', 1.05)]),
    ];
    let text = said(&threads_are_ahead(), &others, Priority::Throughput);
    assert_eq!(
        text,
        "take threads:cores (for throughput): threads:cores do 1.25 [1.20, 1.30] times as many steps per second \
         as threads at 32 agents (not told from processes:cores with 1.20 [1.15, 1.25]: they were not compared \
         with each other). Between threads and processes, take threads (for throughput): threads do 2.00 [1.92, \
         2.08] times as many steps per second as processes at 32 agents. If a crash must not take other agents with \
         it, take processes: a crash takes 32 of 32 agents in threads:cores and 1 in processes; how long it \
         takes to mend was not measured; a crash takes 16 of 32 agents in processes:cores (at 1.20 [1.15, \
         1.25] of the op/s of threads with 32 agents)"
    );
}

#[test]
fn what_beats_both_is_taken_where_the_two_are_a_tie_or_open_below_it() {
    let others = [Case::of("threads:cores", &[(32, 'x', 1.25)])];
    for letter in ['=', '?'] {
        let first = Case::of("processes", &[(32, letter, 1.0)]);
        let text = said(&first, &others, Priority::Throughput);
        assert!(
            text.starts_with("take threads:cores (for throughput)"),
            "{text}"
        );
    }
    // As far as its interval reaches, processes may do as much.
    let first = Case::of("processes", &[(32, '?', 1.2)]);
    let text = said(&first, &others, Priority::Throughput);
    assert!(text.starts_with("nothing is recommended"), "{text}");
    let alike = "Of the other deployments, threads:cores do 1.25 [1.20, 1.30] times as many steps per second as \
                 threads at 32 agents (not told from processes with 1.20 [1.15, 1.25]: they were not";
    assert!(text.contains(alike), "{text}");
}

#[test]
fn at_another_agent_count_or_behind_the_winner_nothing_beats_both() {
    let others = [Case::of("threads:cores", &[(16, 'x', 1.25)])];
    let text = said(&threads_are_ahead(), &others, Priority::Throughput);
    let best = ". Of the other deployments, threads:cores do 1.25 [1.20, 1.30] times as many steps per second as \
                threads at 16 agents. ";
    assert!(text.starts_with("take threads (for throughput)"), "{text}");
    assert!(text.contains(best), "{text}");
    let processes_win = Case::of("processes", &[(16, 'x', 1.5)]);
    let text = said(&processes_win, &others, Priority::Throughput);
    assert!(
        text.starts_with("take processes (for throughput)"),
        "{text}"
    );
    assert!(text.ends_with("as threads at 16 agents"), "{text}");
    // What is ahead at 16 and behind at 32 is no answer.
    let others = [Case::of(
        "threads:cores",
        &[(16, 'x', 1.25), (32, 'b', 0.8)],
    )];
    let first = Case::of("processes", &[(16, 'b', 0.5)]);
    let text = said(&first, &others, Priority::Throughput);
    assert!(text.starts_with("take threads (for throughput)"), "{text}");
}

#[test]
fn nobody_is_named_as_ahead_without_certainty() {
    let others = [
        Case::of("threads:cores", &[(8, '?', 1.9), (32, '?', 1.01)]),
        Case::of("processes:cores", &[(32, 'b', 0.8)]),
    ];
    let text = said(&threads_are_ahead(), &others, Priority::Throughput);
    let none = "Of the other deployments, none (threads:cores and processes:cores) is certainly ahead of \
                threads; the closest is threads:cores, at 1.01 [0.97, 1.05] of the op/s of threads with 32 agents, \
                inconclusive. ";
    assert!(text.contains(none), "{text}");
    let one = [Case::of("processes:cores", &[(32, 'b', 0.8)])];
    let text = said(&threads_are_ahead(), &one, Priority::Throughput);
    let none = "Of the other deployments, processes:cores, the only one, are not certainly ahead of threads; \
                they are at 0.80 [0.77, 0.83] of the op/s of threads with 32 agents. ";
    assert!(text.contains(none), "{text}");
    let many: Vec<Case> = (1..=5)
        .map(|n| Case::of(&format!("processes:{n}"), &[(32, 'b', 0.8)]))
        .collect();
    let text = said(&threads_are_ahead(), &many, Priority::Throughput);
    assert!(
        text.contains("Of the other deployments, none of the 5 is certainly ahead"),
        "{text}"
    );
    let nothing = [Case::of("processes:cores", &[])];
    assert_eq!(
        said(&threads_are_ahead(), &nothing, Priority::Throughput),
        said(&threads_are_ahead(), &[], Priority::Throughput)
    );
}

#[test]
fn nothing_is_taken_from_what_is_open_and_what_would_settle_it_is_said() {
    let open = Case::of("processes", &[(8, '?', 1.0), (32, '?', 1.0)]).with_memory(2e5, 6e5);
    let text = said(&open, &[], Priority::Throughput);
    assert!(!text.contains("take "), "{text}");
    assert!(
        text.starts_with(
            "nothing is recommended: throughput is not settled here; known is this: an agent takes 195 KiB"
        ),
        "{text}"
    );
    assert!(
        text.contains(
            ". Throughput: at this noise no sensible run settles it; a quieter machine would, or \
             --margin 5%, where nobody would choose by less"
        ),
        "{text}"
    );
}

#[test]
fn another_priority_names_another_best_and_falls_back_to_throughput() {
    let first = threads_are_ahead()
        .with_memory(4e5, 6e5)
        .with_setup(0.01, 0.05)
        .with_tail(2.0);
    let others = [
        Case::of("threads:cores", &[(32, 'x', 1.25)])
            .with_memory(4e5, 5e4)
            .with_setup(0.01, 0.004)
            .with_tail(0.5),
        Case::of("processes:cores", &[(32, 'x', 1.2)])
            .with_memory(4e5, 8e4)
            .with_setup(0.01, 0.006)
            .with_tail(0.98),
    ];
    for (priority, best) in [
        (
            Priority::Memory,
            "take threads:cores (for memory): an agent takes 391 KiB in threads and 48.8 KiB in threads:cores. ",
        ),
        (
            Priority::Latency,
            "take threads:cores (for latency): 99 % of steps are done within 1.00 ms in threads and 500 µs in \
             threads:cores, at 32 agents and 66 % load. ",
        ),
        (
            Priority::Startup,
            "take threads:cores (for start-up): 32 agents are ready after 10 ms in threads and 4 ms in threads:cores. ",
        ),
    ] {
        let text = said(&first, &others, priority);
        assert!(text.contains(best), "{text}");
        assert!(
            text.contains(". Between threads and processes, take threads"),
            "{text}"
        );
    }
    let isolation = said(&first, &others, Priority::Isolation);
    assert!(
        isolation.starts_with("take processes (for isolation)"),
        "{isolation}"
    );
    let mix = "Of the other deployments, a crash takes 16 of 32 agents in processes:cores (at 1.20 [1.15, 1.25] \
               of the op/s";
    assert!(isolation.contains(mix), "{isolation}");
    // Neither least memory, nor a shorter tail, nor an earlier start: throughput it is.
    let none = [Case::of("threads:cores", &[(32, 'x', 1.25)])
        .with_memory(4e5, 4e5)
        .with_setup(0.01, 0.02)
        .with_tail(1.0)];
    for priority in [Priority::Memory, Priority::Latency, Priority::Startup] {
        let text = said(&first, &none, priority);
        assert!(
            text.contains("1.25 [1.20, 1.30] times as many steps"),
            "{text}"
        );
    }
}

#[test]
fn a_deployment_against_another_baseline_is_no_candidate() {
    let mut other = Case::of("threads:cores", &[(32, 'x', 1.25)]);
    other.answer.baseline = "processes".to_owned();
    let text = said(&threads_are_ahead(), &[other], Priority::Throughput);
    assert!(!text.contains("threads:cores"), "{text}");
}

#[test]
fn rates_that_moved_are_a_caveat_at_the_end() {
    assert_eq!(moving(&[]), None);
    let one = moving(&[1]).expect("it moved");
    assert!(
        one.starts_with("Op/s moved within windows at 1 agent, so"),
        "{one}"
    );
    let two = moving(&[1, 8]).expect("they moved");
    assert!(two.contains("at 1 and 8 agents, so"), "{two}");
}

#[test]
fn a_line_stands_for_the_largest_count_that_is_settled() {
    let at = |cells: &[(usize, char, f64)]| {
        let case = Case::of("processes", cells);
        case.known().at().map(|(agents, e)| (agents, e.ratio))
    };
    assert_eq!(at(&[(2, 'b', 0.5), (8, '?', 1.0)]), Some((2, 0.5)));
    assert_eq!(at(&[(2, '?', 0.5), (8, '?', 1.0)]), Some((8, 1.0)));
    assert_eq!(at(&[]), None);
}
