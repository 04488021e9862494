//! Tests: what should a person do about one workload?

use super::*;
use crate::record::{Effect, Estimate};

struct Case {
    cells: Vec<(usize, Verdict, Effect)>,
    memory: Option<(MemoryFit, MemoryFit)>,
    setup: Vec<SetupAnswer>,
    messages: Vec<MessageAnswer>,
    moving: Vec<usize>,
}

impl Case {
    /// Cells as (agents, verdict letter, ratio): t, p, = or ?.
    fn of(cells: &[(usize, char, f64)]) -> Self {
        Self {
            cells: cells
                .iter()
                .map(|&(n, v, r)| (n, verdict(v), effect(r)))
                .collect(),
            memory: None,
            setup: Vec::new(),
            messages: Vec::new(),
            moving: Vec::new(),
        }
    }

    fn says(&self) -> String {
        let cells: Vec<AtAgents<'_>> = self
            .cells
            .iter()
            .map(|(agents, verdict, effect)| AtAgents {
                agents: *agents,
                verdict,
                effect: Some(effect),
            })
            .collect();
        recommendation(&Findings {
            workload: "exploration",
            baseline: "threads",
            x: "processes",
            cells: &cells,
            baseline_memory: self.memory.as_ref().map(|m| &m.0),
            x_memory: self.memory.as_ref().map(|m| &m.1),
            setup: &self.setup,
            messages: &self.messages,
            moving: &self.moving,
            pair_s: 20.0,
        })
    }
}

fn verdict(letter: char) -> Verdict {
    match letter {
        '=' => Verdict::Tie,
        '?' => Verdict::Inconclusive,
        _ => Verdict::Ahead {
            deployment: if letter == 't' {
                "threads"
            } else {
                "processes"
            }
            .to_owned(),
        },
    }
}

fn effect(ratio: f64) -> Effect {
    Effect {
        pairs: 6,
        ratio,
        low: ratio * 0.99,
        high: ratio * 1.01,
        standard_error: 0.004,
        pair_sd: 0.01,
        order_effect: 0.0,
        pairs_needed: 14,
    }
}

fn around(value: f64) -> Estimate {
    Estimate {
        value,
        low: value * 0.95,
        high: value * 1.05,
    }
}

fn per_agent(bytes: f64) -> MemoryFit {
    MemoryFit {
        per_agent_bytes: around(bytes),
        fixed_bytes: around(1e6),
        live_heap_per_agent_bytes: around(bytes),
    }
}

#[test]
fn the_design_example_reads_as_one_sentence() {
    let mut case = Case::of(&[
        (1, '=', 1.0),
        (4, '=', 1.0),
        (8, 't', 0.8),
        (32, 't', 0.714),
    ]);
    case.memory = Some((per_agent(100.0 * 1024.0), per_agent(300.0 * 1024.0)));
    case.setup = vec![SetupAnswer {
        agents: 32,
        baseline_s: 0.002,
        x_s: 0.014,
        break_even_s: None,
        break_even_ops: None,
    }];
    assert_eq!(
        case.says(),
        "use threads from 8 agents on: they do 1.4 times as many steps per second as processes at 32 agents; \
         it makes no difference to throughput up to 4 agents; processes cost 200 KiB per agent more; \
         processes start 12 ms later at 32 agents"
    );
}

#[test]
fn a_winner_everywhere_needs_no_place() {
    assert_eq!(
        Case::of(&[(1, 'p', 1.2), (8, 'p', 2.0)]).says(),
        "use processes: they do 2.0 times as many steps per second as threads at 8 agents"
    );
}

#[test]
fn all_ties_leave_the_choice_to_memory_and_isolation() {
    let mut case = Case::of(&[(1, '=', 1.0), (32, '=', 1.0)]);
    let tie = "it makes no difference to throughput up to 32 agents";
    assert_eq!(
        case.says(),
        format!("{tie}; choose by memory and isolation")
    );
    case.memory = Some((per_agent(1024.0), per_agent(206_848.0)));
    let by_memory = "choose by memory (threads save 201 KiB per agent) and isolation";
    assert_eq!(case.says(), format!("{tie}; {by_memory}"));
    case.memory = Some((per_agent(1000.0), per_agent(1010.0)));
    let by_isolation = "choose by isolation (memory per agent does not differ measurably)";
    assert_eq!(case.says(), format!("{tie}; {by_isolation}"));
}

#[test]
fn nothing_settled_names_the_next_action() {
    assert_eq!(
        Case::of(&[(1, '?', 1.3), (8, '?', 1.2)]).says(),
        "no agent count is settled, so nothing is recommended: give it more time \
         (--time 5m; about 14 pairs per agent count at this noise), \
         or a quieter machine"
    );
    let mut noisy = Case::of(&[(1, '?', 1.3), (8, '?', 1.2)]);
    for (_, _, effect) in &mut noisy.cells {
        effect.pairs_needed = 1102;
    }
    assert_eq!(
        noisy.says(),
        "no agent count is settled, so nothing is recommended: at this noise no sensible run \
         settles it; a quieter machine would, or --margin 22% at 8 agents, where nobody would \
         choose by less"
    );
    assert!(
        Case::of(&[])
            .says()
            .starts_with("no agent count was measured")
    );
}

#[test]
fn an_inconclusive_cell_is_named_and_gives_no_advice() {
    let said = Case::of(&[(1, 'p', 1.2), (8, '?', 9.0)]).says();
    assert_eq!(
        said,
        "use processes at 1 agent: they do 1.2 times as many steps per second as threads; \
         inconclusive at 8"
    );
    let tie = Case::of(&[(1, '?', 1.0), (2, '=', 1.0), (4, '=', 1.0), (8, '?', 1.5)]).says();
    assert_eq!(
        tie,
        "it makes no difference to throughput from 2 to 4 agents; choose by memory and isolation; \
         inconclusive at 1 and 8"
    );
}

#[test]
fn a_slower_start_is_said_with_its_break_even() {
    let mut case = Case::of(&[(1, 'p', 1.2), (8, 'p', 2.0)]);
    case.setup = vec![SetupAnswer {
        agents: 8,
        baseline_s: 0.1,
        x_s: 0.6,
        break_even_s: Some(1.1),
        break_even_ops: Some(100.0),
    }];
    let said = case.says();
    let setup =
        "; processes start 500 ms later at 8 agents and have caught up 1.10 s after their start";
    assert!(said.ends_with(setup), "{said}");
    case.setup[0].x_s = 0.1004;
    assert!(!case.says().contains("start"));
}

#[test]
fn the_share_of_messages_is_said_where_it_is_certain() {
    let mut case = Case::of(&[(2, '=', 1.0), (8, 't', 0.5)]);
    let price = |agents, share: Estimate| MessageAnswer {
        ops_per_s_level: None,
        agents,
        deployment: "processes".to_owned(),
        transport: "ipc".to_owned(),
        ops_per_s: 1000.0,
        messages_per_op: 2.0,
        overhead_per_message_ns: around(9_000.0),
        share_of_op: share,
    };
    case.messages = vec![price(2, around(0.3)), price(8, around(0.21))];
    let said = case.says();
    assert!(
        said.ends_with("; messages take 21 % of the CPUs' time under processes (ipc, 8 agents)"),
        "{said}"
    );
    let nothing = Estimate {
        value: 0.01,
        low: -0.01,
        high: 0.03,
    };
    case.messages = vec![price(8, nothing)];
    assert!(!case.says().contains("messages"));
}

#[test]
fn rates_that_moved_are_a_caveat_at_the_end() {
    let caveat = "; op/s moved within windows at 1 and 8 agents, so agents that run longer may do \
                  more or less";
    let mut settled = Case::of(&[(1, 'p', 1.2), (8, 'p', 2.0)]);
    let mut open = Case::of(&[(1, '?', 1.2), (8, '?', 2.0)]);
    for case in [&mut settled, &mut open] {
        let without = case.says();
        case.moving = vec![1, 8];
        assert_eq!(case.says(), format!("{without}{caveat}"));
    }
    settled.moving = vec![1];
    assert!(settled.says().contains("at 1 agent, so"));
}
