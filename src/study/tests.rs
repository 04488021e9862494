//! What do tests of studies share, and what do all of them plan together?

use super::*;
use crate::deployment::{Form, whole_cpus};
use crate::experiment::plan::{
    Ends, PlannedCell, PlannedSide, SCHEDULER_TURN_S, carry, fit, needed_s, shrink, two_rounds,
};
use crate::record::{Role, Side};
use crate::stats::MIN_PAIRS;
use crate::transport::{Asked as Transports, Choice};
use crate::workload;

/// A workload from its parameters.
pub(super) fn planned(source: SpecSource) -> PlannedWorkload {
    PlannedWorkload::read(source).expect("the parameters are valid")
}

/// A built-in workload.
pub(super) fn built_in(name: &str) -> PlannedWorkload {
    planned(SpecSource::built_in(
        workload::find(name).expect("it is built in"),
    ))
}

/// What is asked of these workloads, threads against processes.
pub(super) fn asked(workloads: Vec<PlannedWorkload>, agents: &[usize], cpus: f64) -> Asked {
    Asked {
        workloads,
        agents: agents.to_vec(),
        has_own_agents: false,
        deployments: vec![Form::THREADS, Form::PROCESSES],
        cpus_effective: cpus,
        budget_s: 600.0,
        most_pairs: 34,
        seed: 1,
        transport: Transports::One(Choice::Native),
        look: None,
        asks_latency: false,
        depth: Depth::Answer,
        is_busy: false,
    }
}

/// What all studies plan on a machine of which nothing else is known.
pub(super) fn cells(asked: &Asked) -> Vec<PlannedCell> {
    let plan = plan(&all(), asked, &Machine::default());
    plan.expect("two deployments").cells
}

/// Those of one study.
pub(super) fn cells_of(study: &str, asked: &Asked) -> Vec<PlannedCell> {
    let mut all = cells(asked);
    all.retain(|c| c.study == study);
    all
}

/// The two workloads of `quick` with agents.
fn request(agents: &[usize], cpus: f64) -> Asked {
    let workloads = vec![built_in("exploration"), built_in("coordination")];
    Asked {
        budget_s: 110.0,
        most_pairs: 16,
        ..asked(workloads, agents, cpus)
    }
}

/// Every hop of the table of messages.
fn message_workloads() -> Vec<PlannedWorkload> {
    let names = ["message".to_owned()];
    Programme::named(&names).expect("it is built in").workloads
}

#[test]
fn a_quick_run_compares_every_agent_count_on_an_ordinary_machine() {
    for cpus in [2.0, 4.0, 16.0, 64.0] {
        let request = request(&[1, 2, 4, 8, 16, 32], cpus);
        let mut cells = cells(&request);
        let left_out = fit(&mut cells, MIN_PAIRS, request.budget_s).unwrap();
        let compared = cells.iter().filter(|c| c.is_comparison()).count();
        assert_eq!(compared, 12, "{cpus} CPUs: {left_out:?}");
    }
}

/// Effective CPUs of machines that there are: a quota below one, one, a laptop, servers of one and more sockets.
const MACHINES: [f64; 13] = [
    0.5, 1.0, 1.5, 2.0, 4.0, 8.0, 12.0, 24.0, 48.0, 64.0, 96.0, 128.0, 256.0,
];

/// What `full` asks on a machine.
fn full_request(cpus: f64) -> Asked {
    let programme = Programme::of_depth(Depth::Report).expect("it is built in");
    let mut workloads = programme.workloads;
    // The price of a message is asked in a plan of its own below.
    workloads.retain(|w| !w.is_link);
    Asked {
        deployments: comparison::forms(whole_cpus(cpus)),
        budget_s: 1195.0,
        depth: Depth::Report,
        asks_latency: true,
        ..asked(workloads, &[1, 2, 4, 8, 16, 32], cpus)
    }
}

/// In the room that the look at the machine leaves.
fn fitted(request: &Asked) -> (Vec<PlannedCell>, Vec<String>) {
    let mut planned = cells(request);
    let room_s = request.budget_s - 5.0;
    let left_out = fit(&mut planned, MIN_PAIRS, room_s).unwrap();
    (planned, left_out)
}

#[test]
fn quick_and_full_compare_all_workloads_at_both_ends_on_every_machine() {
    for cpus in MACHINES {
        for request in [request(&[1, 2, 4, 8, 16, 32], cpus), full_request(cpus)] {
            let (planned, left_out) = fitted(&request);
            let what = format!("{:?} on {cpus} CPUs: {left_out:?}", request.depth);
            let agents_of = |workload| {
                let compared = planned
                    .iter()
                    .filter(move |c| c.is_comparison() && c.workload == workload);
                compared.map(|c| c.agents)
            };
            let of_agents =
                |w: &usize| comparison::Comparison.claims(&request.workloads[*w].record);
            for workload in (0..request.workloads.len()).filter(of_agents) {
                assert_eq!(agents_of(workload).min(), Some(1), "{what}");
                assert_eq!(agents_of(workload).max(), Some(32), "{what}");
            }
            assert!(planned.iter().any(|c| c.role == Role::Null), "{what}");
            for cell in &planned {
                for side in [&cell.baseline, &cell.x] {
                    let placement = side.form.place(cell.agents, request.cpus());
                    let busy = (placement.workers() as f64 / cpus).ceil();
                    assert!(
                        cell.window_s >= 5.0 * busy * SCHEDULER_TURN_S - 1e-9,
                        "{what}"
                    );
                }
                let compares = cell.is_comparison() || cell.study == latency::NAME;
                let place = |s: &PlannedSide| s.form.place(cell.agents, request.cpus());
                assert!(
                    !compares || place(&cell.baseline) != place(&cell.x),
                    "{what}"
                );
            }
        }
    }
}

#[test]
fn probes_of_a_report_run_with_as_many_agents_as_can_meet() {
    let probes = cells_of(probes::Probes.entry().name, &full_request(64.0));
    assert!(!probes.is_empty());
    assert!(probes.iter().all(|c| c.agents == 64));
}

#[test]
fn prices_go_one_transport_at_a_time_and_the_native_ones_last() {
    let mut request = request(&[8], 2.0);
    request.transport = Transports::All;
    let mut cells = cells(&request);
    let priced = |cells: &[PlannedCell]| -> Vec<Option<&str>> {
        let prices = cells.iter().filter(|c| c.study == prices::NAME);
        prices.map(|c| c.x.not_native()).collect()
    };
    let all = priced(&cells);
    assert!(all.len() > 6, "{all:?}");
    let mut before = all;
    let needed = |cells: &[PlannedCell]| needed_s(cells, MIN_PAIRS);
    while !before.is_empty() {
        // A moment too little: one thing goes.
        let seconds = needed(&cells) - 0.001;
        shrink(&mut cells, MIN_PAIRS, seconds, Ends::Stay);
        let left = priced(&cells);
        let mut gone: Vec<_> = before.iter().filter(|p| !left.contains(p)).collect();
        gone.dedup();
        assert!(gone.len() <= 1, "{gone:?} went at once");
        let native = |all: &[Option<&str>]| all.iter().filter(|p| p.is_none()).count();
        assert!(
            native(&left) == native(&before) || left.is_empty(),
            "{left:?}"
        );
        before = left;
    }
}

#[test]
fn a_minute_for_messages_holds_the_small_ones_by_native_transports() {
    let request = asked(message_workloads(), &[2], 2.0);
    let mut cells = cells(&request);
    let left_out = fit(&mut cells, MIN_PAIRS, 52.0).unwrap();
    assert!(!left_out.is_empty());
    let kept = |by: &str| {
        let is_it =
            |c: &PlannedCell| c.x.not_native().is_none() && c.baseline.not_native().is_none();
        let cells = cells.iter().filter(|c| c.study == "message" && is_it(c));
        cells.map(|c| c.label.clone()).any(|l| l.contains(by))
    };
    assert!(kept("processes ipc/threads channel"), "{left_out:?}");
}

#[test]
fn what_does_not_fit_is_left_out_from_the_middle_and_named() {
    let request = request(&[1, 2, 4, 8, 16, 32], 1.0);
    let mut cells = cells(&request);
    let left_out = fit(&mut cells, MIN_PAIRS, 40.0).unwrap();
    let counts: Vec<usize> = cells
        .iter()
        .filter(|c| c.is_comparison() && c.workload == 0)
        .map(|c| c.agents)
        .collect();
    assert_eq!(
        (counts.first(), counts.last()),
        (Some(&1), Some(&32)),
        "{left_out:?}"
    );
    assert!(
        left_out.iter().any(|l| l.starts_with("exploration@8 ")),
        "{left_out:?}"
    );
    assert!(cells.iter().any(|c| c.role == Role::Null));
    assert!(MIN_PAIRS as f64 * cells.iter().map(|c| c.pair_s).sum::<f64>() <= 40.0);
}

#[test]
fn a_budget_without_room_says_what_would_be_enough() {
    let request = request(&[1, 2], 2.0);
    let mut cells = cells(&request);
    let error = fit(&mut cells, MIN_PAIRS, 2.0).unwrap_err();
    assert!(error.to_string().contains("--time"), "{error}");
}

#[test]
fn two_rounds_balance_the_order_of_every_cell() {
    let cells: Vec<usize> = (0..20).collect();
    let [first, second] = two_rounds(&cells, 3, 7);
    assert_eq!([first.len(), second.len()], [20, 20]);
    for (cell, side) in &first {
        let other = second.iter().find(|(c, _)| c == cell).unwrap().1;
        assert_ne!(*side, other);
    }
    assert!(
        first.iter().any(|(_, s)| *s == Side::X) && first.iter().any(|(_, s)| *s == Side::Baseline)
    );
    assert_eq!(two_rounds(&cells, 3, 7), [first, second]);
    assert_ne!(two_rounds(&cells, 4, 7)[0], two_rounds(&cells, 3, 7)[0]);
}

#[test]
fn nulls_of_a_long_run_take_turns_on_the_workloads_of_agents() {
    let of = |request: &Asked, is: fn(&Role) -> bool| -> Vec<(usize, String)> {
        let planned = cells(request);
        let those = planned.iter().filter(|c| is(&c.role));
        those.map(|c| (c.workload, c.x.form.to_string())).collect()
    };
    let is_null: fn(&Role) -> bool = |r| *r == Role::Null;
    let is_known: fn(&Role) -> bool = |r| matches!(r, Role::Known(_));
    let mut asked = request(&[8], 2.0);
    asked.deployments.push("threads:cores".parse().unwrap());
    assert!(of(&asked, is_null).iter().all(|(w, _)| *w == 0));
    asked.depth = Depth::Report;
    let expected = [(0, "threads"), (1, "processes"), (0, "threads:cores")];
    assert_eq!(
        of(&asked, is_null),
        expected.map(|(w, f)| (w, f.to_owned()))
    );
    assert!(of(&asked, is_known).iter().all(|(w, _)| *w == 0));
}

/// Both sides of a null are the same, so the coin that says who runs first is what labels its
/// slots: T X X T or X T T X, each half of the time, whatever the coins of others say.
#[test]
fn a_null_has_its_labels_at_random() {
    let planned = cells(&request(&[1, 8], 2.0));
    let is_null = |c: &usize| planned[*c].role == Role::Null;
    let nulls: Vec<usize> = (0..planned.len()).filter(is_null).collect();
    for &null in &nulls {
        assert_eq!(planned[null].baseline, planned[null].x);
    }
    let all: Vec<usize> = (0..planned.len()).collect();
    let x_runs_first = |round: &[(usize, Side)], cell| {
        let (_, first) = round.iter().find(|(c, _)| *c == cell).unwrap();
        *first == Side::X
    };
    let seeds = 4_000;
    let (mut x_in_slot, mut like_the_other, mut like_the_next) = ([0; 4], 0, 0);
    for seed in 0..seeds {
        let [one, other] = two_rounds(&all, 0, seed);
        let [next, _] = two_rounds(&all, 1, seed);
        let (a, b) = (x_runs_first(&one, nulls[0]), x_runs_first(&other, nulls[0]));
        assert_ne!(a, b, "each label runs first once in two rounds");
        for (count, is_x) in x_in_slot.iter_mut().zip([a, !a, b, !b]) {
            *count += u64::from(is_x);
        }
        like_the_other += u64::from(a == x_runs_first(&one, nulls[1]));
        like_the_next += u64::from(a == x_runs_first(&next, nulls[0]));
    }
    // Three standard errors of a fair coin thrown so often are 2.4 %.
    let is_half = |count: u64| (count as f64 / seeds as f64 - 0.5).abs() < 0.024;
    assert!(x_in_slot.into_iter().all(is_half), "{x_in_slot:?}");
    assert!(is_half(like_the_other) && is_half(like_the_next));
}

#[test]
fn a_longer_run_has_a_smaller_known_effect_too() {
    let asked = |budget_s: f64| -> Vec<String> {
        let request = Asked {
            budget_s,
            ..request(&[2, 8], 2.0)
        };
        let cells = cells(&request);
        let known = cells.iter().filter_map(|c| match c.role {
            Role::Known(asked) => Some(format!("{asked:.3}")),
            _ => None,
        });
        known.collect()
    };
    assert_eq!(asked(60.0), ["0.909"]);
    assert_eq!(asked(300.0), ["0.909", "0.952"]);
}

#[test]
fn the_smaller_known_effect_is_the_first_to_go() {
    let mut request = request(&[2, 8], 2.0);
    request.budget_s = 300.0;
    let mut cells = cells(&request);
    let left_out = fit(&mut cells, MIN_PAIRS, 45.0).unwrap();
    assert_eq!(left_out[0], "exploration@8 known effect 0.952, threads");
}

#[test]
fn a_calibration_is_made_of_controls_at_every_agent_count() {
    let request = request(&[1, 2, 8], 2.0);
    let plan = plan(&[&calibrate::Calibrate], &request, &Machine::default());
    let cells = plan.expect("two deployments").cells;
    for agents in [1, 2, 8] {
        let here = || cells.iter().filter(|c| c.agents == agents);
        let nulls = here().filter(|c| c.role == Role::Null);
        assert!(nulls.clone().all(|c| c.baseline == c.x));
        assert_eq!(nulls.count(), 2);
        let asked: Vec<f64> = here()
            .filter_map(|c| match c.role {
                Role::Known(asked) => Some(asked),
                _ => None,
            })
            .collect();
        assert_eq!(asked, [0.8, 10.0 / 11.0, 20.0 / 21.0]);
    }
    assert_eq!(cells.len(), 15);
}

// What the machine carries

/// Coordination of everybody with everybody, and so many bytes in each message.
fn chatty(payload_bytes: usize) -> PlannedWorkload {
    let mut source = SpecSource::built_in(workload::find("coordination").unwrap());
    for (from, to) in [
        ("topology = \"ring\"", "topology = \"all\"".to_owned()),
        ("fan_out = 2", String::new()),
        (
            "payload_bytes = 0",
            format!("payload_bytes = {payload_bytes}"),
        ),
    ] {
        assert!(source.text.contains(from), "{from}");
        source.text = source.text.replacen(from, &to, 1);
    }
    planned(source)
}

fn by(workload: PlannedWorkload, agents: usize, transport: &str) -> Asked {
    Asked {
        transport: transport.parse().unwrap(),
        ..asked(vec![workload], &[agents], 2.0)
    }
}

/// What is said about a machine with so much memory.
fn refused(request: &Asked, memory_available_bytes: u64) -> String {
    let machine = Machine {
        memory_available_bytes,
        ..Machine::default()
    };
    let said = carry::check(request, &cells(request), &machine);
    said.err().unwrap_or_default()
}

#[test]
fn messages_that_the_memory_does_not_hold_are_refused_before_anything_starts() {
    let large = by(chatty(1 << 20), 64, "ring");
    let said = refused(&large, 8 << 30);
    assert!(said.contains("start 64 agents ("), "{said}");
    assert!(
        said.contains("send less (payload_bytes, topology)"),
        "{said}"
    );
    assert!(said.contains("or use --agents 1.."), "{said}");
    assert_eq!(refused(&large, 1 << 40), "");
    assert_eq!(refused(&by(chatty(0), 64, "ring"), 8 << 30), "");
}

#[test]
fn memory_is_what_it_takes_by_the_dearest_of_all_transports() {
    let of = |transport| by(chatty(1 << 20), 16, transport);
    assert_eq!(refused(&of("socket"), 1 << 30), "");
    assert!(refused(&of("ring"), 1 << 30).contains("of memory"));
    assert!(refused(&of("all"), 1 << 30).contains("of memory"));
}

#[test]
fn what_a_worker_holds_to_see_its_neighbours_alive_counts_as_open_files() {
    let mut mix = by(chatty(0), 64, "ring");
    mix.deployments = vec![Form::THREADS, "processes:2x32".parse().unwrap()];
    let said = |limit| {
        let machine = Machine {
            nofile_hard: Some(limit),
            ..Machine::default()
        };
        carry::check(&mix, &cells(&mix), &machine)
    };
    // Each of 32 workers watches 32 of the other process; and the memory of the rings, and room.
    assert!(said(32 * 32 + 1 + 32).is_ok());
    let why = said(32 * 32 + 32).unwrap_err();
    assert!(why.contains("1057 open files in one process"), "{why}");
}

/// What is said of spinning workers.
fn spinning(workload: &str, agents: usize, form: &str, transport: &str, cpus: f64) -> String {
    let form: Form = form.parse().unwrap();
    let other = match form.kind {
        crate::deployment::Kind::Threads => "processes:cores",
        crate::deployment::Kind::Processes => "threads:cores",
    };
    let request = Asked {
        deployments: vec![form, other.parse().unwrap()],
        transport: transport.parse().unwrap(),
        ..asked(vec![built_in(workload)], &[agents], cpus)
    };
    let machine = Machine {
        memory_available_bytes: 1 << 40,
        ..Machine::default()
    };
    let mut own = cells(&request);
    own.iter_mut().for_each(|c| c.x = c.baseline);
    own.retain(|c| c.baseline.form == form);
    let said = carry::check(&request, &own, &machine);
    said.err().unwrap_or_default()
}

#[test]
fn more_workers_than_cpus_do_not_spin() {
    assert_eq!(
        spinning("coordination", 4, "threads", "ring:spin", 2.0),
        "coordination with 4 agents as threads by ring:spin: 4 workers spin on 2 CPUs, so each waits for the scheduler; use --agents 1..2, deployments that share workers (threads:cores) or --transport ring"
    );
    let on_one = spinning("coordination", 2, "processes", "ipc:bytes:spin", 1.9);
    assert!(on_one.contains("2 workers spin on 1 CPU,"), "{on_one}");
    assert!(
        on_one.ends_with("(processes:cores) or --transport ipc:bytes"),
        "{on_one}"
    );
    assert_ne!(spinning("relay", 10, "threads", "channel:spin", 4.0), "");
}

#[test]
fn who_has_a_cpu_or_does_not_spin_runs() {
    for (workload, agents, form, transport) in [
        ("coordination", 2, "threads", "ring:spin"),
        ("coordination", 64, "threads:cores", "ring:spin"),
        ("coordination", 64, "processes", "ring"),
        ("coordination", 64, "processes", "native"),
        ("coordination", 64, "processes", "all"),
        ("exploration", 64, "threads", "ring:spin"),
    ] {
        let said = spinning(workload, agents, form, transport, 2.0);
        assert_eq!(said, "", "{workload} {form} {transport}");
    }
}
