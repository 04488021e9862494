//! Does a run keep its time on every machine, and name what it left out? Simulated machines: a
//! scripted invoker with a clock of its own.

use crate::scripted;
use std::collections::HashMap;

use crate::scripted::{Script, measured, sample, script};
use forkscope::deployment::Form;
use forkscope::experiment::coordinator::{self, Measured};
use forkscope::experiment::invocation::Invocation;
use forkscope::experiment::plan::{self, Asked as Request, PlanError, PlannedWorkload};
use forkscope::observe::clock::OpClock;
use forkscope::record::{Cell, Role};
use forkscope::stats::MIN_PAIRS;
use forkscope::study::links;

/// What `quick` leaves for pairs of its 120 s, seconds.
const QUICK_S: f64 = 115.0;

/// Agent counts of `quick`.
const QUICK_AGENTS: &[usize] = &[1, 2, 4, 8, 16, 32];

/// Effective CPUs; fractions are quotas.
const CPUS: [f64; 14] = [
    0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0,
];

/// What an invocation takes, as a multiple of what the plan thinks.
struct Pace {
    name: &'static str,
    times: fn(&Invocation) -> f64,
}

const PACES: [Pace; 7] = [
    Pace {
        name: "twice as fast",
        times: |_| 0.5,
    },
    Pace {
        name: "as thought",
        times: |_| 1.0,
    },
    Pace {
        name: "a little slower",
        times: |_| 1.2,
    },
    Pace {
        name: "three times",
        times: |_| 3.0,
    },
    Pace {
        name: "eight times",
        times: |_| 8.0,
    },
    Pace {
        name: "slower with agents",
        times: |i| 1.0 + i.job.agents as f64 / 8.0,
    },
    Pace {
        name: "much slower with agents that talk",
        times: |i| match i.job.source.name.as_str() {
            "coordination" => 0.8 + i.job.agents as f64 / 4.0,
            _ => 0.8,
        },
    },
];

/// What `quick` measures: two workloads with agents, and the price of one message.
fn request(agents: &[usize], cpus_effective: f64, budget_s: f64) -> Request {
    let mut request = Request {
        cpus_effective,
        most_pairs: 34,
        ..scripted::request(agents, budget_s)
    };
    let source = links::small().source();
    let small = PlannedWorkload::read(source).expect("the built-in parameters are valid");
    request.workloads.push(small);
    request
}

/// What identifies an invocation: workload, agents, form, tape, uncounted ops.
type Key = (String, usize, Form, bool, Option<u64>);

/// What the plan thinks that every invocation takes, seconds.
fn thought_s(request: &Request) -> HashMap<Key, f64> {
    let cells = scripted::plan(request).cells;
    let sides = cells.iter().flat_map(|c| [(c, c.baseline), (c, c.x)]);
    let entry = |(cell, side): (&plan::PlannedCell, plan::PlannedSide)| {
        let name = request.workloads[cell.workload].source.name.clone();
        let key = (
            name,
            cell.agents,
            side.form,
            side.tape,
            side.uncounted_every,
        );
        (key, cell.pair_s / 2.0)
    };
    sides.map(entry).collect()
}

/// What came of a run, and when it ended, seconds.
fn run(request: &Request, pace: &Pace) -> (Result<Measured, PlanError>, f64) {
    let thought_s = thought_s(request);
    let mut invoker: Script<_> = script(|i: &Invocation, n| {
        let name = i.job.source.name.clone();
        let key = (
            name,
            i.job.agents,
            i.form,
            i.job.tape,
            i.job.uncounted_every,
        );
        (
            measured(sample(i, n, 1.0)),
            thought_s[&key] * (pace.times)(i),
        )
    });
    let found = coordinator::run(
        request,
        &scripted::plan(request),
        OpClock::calibrate(),
        &mut invoker,
        &mut |_| {},
        &mut |_| {},
    );
    (found, invoker.now_s)
}

/// In time, nothing missing without a word, the ends before the middle.
fn assert_kept_its_word(request: &Request, found: &Measured, ended_s: f64, what: &str) {
    assert!(ended_s <= request.budget_s, "{what}: ended at {ended_s} s");
    let mut fitting = scripted::plan(request).cells;
    let unplanned = fitting.len() - found.cells.len();
    // As the coordinator does before the first pair, a second after the beginning.
    plan::fit(&mut fitting, MIN_PAIRS, request.budget_s - 1.0).expect("it ran");
    assert!(
        found.plan.left_out.len() >= unplanned,
        "{what}: {unplanned} cells are missing, named are {:?}",
        found.plan.left_out
    );
    let cells = found.cells.iter().zip(fitting.iter().map(|c| &c.label));
    let (gone, kept): (Vec<_>, Vec<_>) =
        cells.partition(|(_, label)| found.plan.left_out.contains(label));
    let [kept, gone]: [Vec<&Cell>; 2] =
        [kept, gone].map(|cells| cells.into_iter().map(|(c, _)| c).collect());
    for cell in &kept {
        assert!(
            cell.pairs.len() >= MIN_PAIRS || found.incomplete_reason.is_some(),
            "{what}: {}@{} of {} has {} pairs and not a word",
            cell.baseline.workload,
            cell.agents,
            cell.study,
            cell.pairs.len()
        );
    }
    assert!(kept.iter().any(|c| c.is_comparison()), "{what}");
    // The small known effect is the first to go.
    let is_control = |role| match role {
        Role::Null => true,
        Role::Known(ratio) => ratio < 0.95,
        Role::Question => false,
    };
    assert!(!gone.iter().any(|c| is_control(c.role)), "{what}");
    let ends = [request.agents.first(), request.agents.last()];
    let is_end = |c: &&Cell| ends.contains(&Some(&c.agents));
    let compared = |c: &&Cell| c.is_comparison();
    if gone.iter().copied().filter(compared).any(|c| is_end(&c)) {
        let middle: Vec<usize> = kept
            .iter()
            .copied()
            .filter(compared)
            .filter(|c| !is_end(c))
            .map(|c| c.agents)
            .collect();
        assert!(middle.is_empty(), "{what}: an end went before {middle:?}");
    }
}

#[test]
fn quick_ends_in_time_on_every_machine() {
    for cpus in CPUS {
        for pace in &PACES {
            let what = format!("{cpus} CPUs, {}", pace.name);
            let request = request(QUICK_AGENTS, cpus, QUICK_S);
            let (found, ended_s) = run(&request, pace);
            let found = found.unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_kept_its_word(&request, &found, ended_s, &what);
            // Eight times is more than any choice of cells makes good: then the reason is said.
            let why = found.incomplete_reason.unwrap_or_default();
            let is_hopeless = pace.name == "eight times";
            assert!(
                why.is_empty() || is_hopeless && why.contains("more time"),
                "{what}: {why}"
            );
        }
    }
}

#[test]
fn any_agent_counts_end_in_time_or_are_refused_with_what_would_be_enough() {
    let all: Vec<usize> = (1..=64).collect();
    let plans: [&[usize]; 8] = [
        &[1],
        &[64],
        &[1, 64],
        &[3, 5, 7],
        &[9, 17, 33],
        &[1, 2, 4, 8, 16, 32, 64],
        &all,
        &all[31..],
    ];
    for cpus in CPUS {
        for agents in plans {
            for pace in &PACES {
                let what = format!(
                    "{} to {:?} agents, {cpus} CPUs, {}",
                    agents[0],
                    agents.last(),
                    pace.name
                );
                let wanted = request(agents, cpus, QUICK_S);
                let (found, ended_s) = run(&wanted, pace);
                match found {
                    Ok(found) => assert_kept_its_word(&wanted, &found, ended_s, &what),
                    Err(PlanError::NoRoom { needed_s, .. }) => {
                        assert_eq!(ended_s, 1.0, "{what}: refused before anything ran");
                        let longer = request(agents, cpus, needed_s + 2.0);
                        let (found, ended_s) = run(&longer, pace);
                        let found = found.unwrap_or_else(|e| panic!("{what}: {e}"));
                        assert_kept_its_word(&longer, &found, ended_s, &what);
                    }
                    Err(e) => panic!("{what}: {e}"),
                }
            }
        }
    }
}
