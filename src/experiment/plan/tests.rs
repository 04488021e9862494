//! Which cells are planned, and what goes when there is no room?

use super::fit::{needed_s, not_native};
use super::*;
use crate::workload::{self, SpecSource, hop};

fn request(agents: &[usize], cpus: f64) -> Request {
    let workload = |name: &str| {
        let source = SpecSource::built_in(workload::find(name).unwrap());
        let spec = workload::read(&source).unwrap();
        PlannedWorkload::new(source, spec.as_ref())
    };
    Request {
        workloads: vec![workload("exploration"), workload("coordination")],
        agents: agents.to_vec(),
        deployments: vec![Form::THREADS, Form::PROCESSES],
        cpus_effective: cpus,
        budget_s: 110.0,
        most_pairs: 16,
        seed: 1,
        transport: Asked::One(Choice::Native),
        look: None,
        asks_latency: false,
        question: Question::Compare,
        is_busy: false,
    }
}

#[test]
fn a_quick_run_compares_every_agent_count_on_an_ordinary_machine() {
    for cpus in [2.0, 4.0, 16.0, 64.0] {
        let request = request(&[1, 2, 4, 8, 16, 32], cpus);
        let mut cells = cells(&request).unwrap();
        let left_out = fit(&mut cells, &request.workloads, MIN_PAIRS, request.budget_s).unwrap();
        let compared = cells
            .iter()
            .filter(|c| c.purpose == Purpose::Compare)
            .count();
        assert_eq!(compared, 12, "{cpus} CPUs: {left_out:?}");
    }
}

/// Effective CPUs of machines that there are: a quota below one, one, a laptop, servers of one and more sockets.
const MACHINES: [f64; 13] = [
    0.5, 1.0, 1.5, 2.0, 4.0, 8.0, 12.0, 24.0, 48.0, 64.0, 96.0, 128.0, 256.0,
];

/// What `full` asks on a machine.
fn full_request(cpus: f64) -> Request {
    let names = ["exploration", "coordination", "learning"].map(str::to_owned);
    let probes = SpecSource::expand(&["probes".to_owned()]);
    let planned = |name: &String| {
        let source = SpecSource::open(name).unwrap();
        let spec = workload::read(&source).unwrap();
        PlannedWorkload::new(source, spec.as_ref())
    };
    Request {
        workloads: names.iter().chain(&probes).map(planned).collect(),
        deployments: full::forms(cpus),
        budget_s: 1195.0,
        most_pairs: 34,
        question: Question::Full,
        asks_latency: true,
        ..request(&[1, 2, 4, 8, 16, 32], cpus)
    }
}

/// In the room that the look at the machine leaves.
fn fitted(request: &Request) -> (Vec<PlannedCell>, Vec<String>) {
    let mut planned = cells(request).unwrap();
    let room_s = request.budget_s - 5.0;
    let left_out = fit(&mut planned, &request.workloads, MIN_PAIRS, room_s).unwrap();
    (planned, left_out)
}

#[test]
fn quick_and_full_compare_all_workloads_at_both_ends_on_every_machine() {
    for cpus in MACHINES {
        for request in [request(&[1, 2, 4, 8, 16, 32], cpus), full_request(cpus)] {
            let (planned, left_out) = fitted(&request);
            let what = format!("{:?} on {cpus} CPUs: {left_out:?}", request.question);
            let agents_of = |workload| {
                let compared = planned
                    .iter()
                    .filter(move |c| c.purpose == Purpose::Compare && c.workload == workload);
                compared.map(|c| c.agents)
            };
            let of_agents = |w: &usize| request.workloads[*w].kind == WorkloadKind::Agents;
            for workload in (0..request.workloads.len()).filter(of_agents) {
                assert_eq!(agents_of(workload).min(), Some(1), "{what}");
                assert_eq!(agents_of(workload).max(), Some(32), "{what}");
            }
            assert!(planned.iter().any(|c| c.purpose == Purpose::Null), "{what}");
            for cell in &planned {
                for side in [&cell.baseline, &cell.x] {
                    let placement = side.form.place(cell.agents, whole_cpus(cpus));
                    let busy = (placement.workers() as f64 / cpus).ceil();
                    assert!(
                        cell.window_s >= 5.0 * busy * SCHEDULER_TURN_S - 1e-9,
                        "{what}"
                    );
                }
                let compares = matches!(cell.purpose, Purpose::Compare | Purpose::Latency);
                let place = |s: &PlannedSide| s.form.place(cell.agents, whole_cpus(cpus));
                assert!(
                    !compares || place(&cell.baseline) != place(&cell.x),
                    "{what}"
                );
            }
        }
    }
}

#[test]
fn what_is_placed_is_what_runs_probes_at_their_own_count_included() {
    let placed = placed(&full_request(64.0)).unwrap();
    let probe = |&(w, agents, _): &(usize, usize, Form)| w > 2 && agents == 64;
    assert!(placed.iter().any(probe), "{placed:?}");
    assert!(!placed.iter().any(|&(w, agents, _)| w > 2 && agents < 64));
}

#[test]
fn prices_go_one_transport_at_a_time_and_the_native_ones_last() {
    let mut request = request(&[8], 2.0);
    request.transport = Asked::All;
    let mut cells = cells(&request).unwrap();
    let priced = |cells: &[PlannedCell]| -> Vec<Option<&str>> {
        let prices = cells.iter().filter(|c| c.purpose == Purpose::MessageCost);
        prices.map(|c| not_native(&c.x)).collect()
    };
    let all = priced(&cells);
    assert!(all.len() > 6, "{all:?}");
    let mut before = all;
    let needed = |cells: &[PlannedCell]| needed_s(cells, MIN_PAIRS);
    while !before.is_empty() {
        // A moment too little: one thing goes.
        let seconds = needed(&cells) - 0.001;
        shrink(
            &mut cells,
            &request.workloads,
            MIN_PAIRS,
            seconds,
            Ends::Stay,
        );
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
    let planned = |hop: hop::Hop| {
        let source = hop.source();
        let spec = workload::read(&source).unwrap();
        PlannedWorkload::new(source, spec.as_ref())
    };
    let request = Request {
        workloads: message::hops().into_iter().map(planned).collect(),
        ..request(&[hop::ENDS], 2.0)
    };
    let mut cells = cells(&request).unwrap();
    let left_out = fit(&mut cells, &request.workloads, MIN_PAIRS, 52.0).unwrap();
    assert!(!left_out.is_empty());
    let kept = |by: &str| {
        let is_it =
            |c: &PlannedCell| not_native(&c.x).is_none() && not_native(&c.baseline).is_none();
        let cells = cells
            .iter()
            .filter(|c| c.purpose == Purpose::Hop && is_it(c));
        cells
            .map(|c| c.label(&request.workloads))
            .any(|l| l.contains(by))
    };
    assert!(kept("processes ipc/threads channel"), "{left_out:?}");
}

#[test]
fn what_does_not_fit_is_left_out_from_the_middle_and_named() {
    let request = request(&[1, 2, 4, 8, 16, 32], 1.0);
    let mut cells = cells(&request).unwrap();
    let left_out = fit(&mut cells, &request.workloads, MIN_PAIRS, 40.0).unwrap();
    let counts: Vec<usize> = cells
        .iter()
        .filter(|c| c.purpose == Purpose::Compare && c.workload == 0)
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
    assert!(cells.iter().any(|c| c.purpose == Purpose::Null));
    assert!(MIN_PAIRS as f64 * cells.iter().map(|c| c.pair_s).sum::<f64>() <= 40.0);
}

#[test]
fn a_budget_without_room_says_what_would_be_enough() {
    let request = request(&[1, 2], 2.0);
    let mut cells = cells(&request).unwrap();
    let error = fit(&mut cells, &request.workloads, MIN_PAIRS, 2.0).unwrap_err();
    assert!(error.to_string().contains("--time"), "{error}");
}

#[test]
fn windows_hold_five_turns_of_every_worker() {
    let side = side(&request(&[1], 2.0), Form::PROCESSES);
    assert_eq!(window_s(1, &[side], 2.0), 0.25);
    assert!((window_s(64, &[side], 1.0) - 0.96).abs() < 1e-12);
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
fn a_schedule_asks_for_seven_tenths_of_the_slower_sides_median() {
    let planned = planned_per_s(&[100.0, 300.0], &[500.0, 900.0]).unwrap();
    assert!((planned - 140.0).abs() < 1e-9, "{planned}");
    let planned = planned_per_s(&[900.0, 100.0, 300.0], &[50.0, 70.0]).unwrap();
    assert!((planned - 42.0).abs() < 1e-9, "{planned}");
    assert_eq!(planned_per_s(&[100.0], &[500.0, 900.0]), None);
}

#[test]
fn nulls_of_a_long_run_take_turns_on_the_workloads_of_agents() {
    let of = |request: &Request, is: fn(&Purpose) -> bool| -> Vec<(usize, String)> {
        let planned = cells(request).unwrap();
        let those = planned.iter().filter(|c| is(&c.purpose));
        those.map(|c| (c.workload, c.x.form.to_string())).collect()
    };
    let is_null: fn(&Purpose) -> bool = |p| *p == Purpose::Null;
    let is_known: fn(&Purpose) -> bool = |p| matches!(p, Purpose::KnownEffect { .. });
    let mut asked = request(&[8], 2.0);
    asked.deployments.push("threads:cores".parse().unwrap());
    assert!(of(&asked, is_null).iter().all(|(w, _)| *w == 0));
    asked.question = Question::Full;
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
    let planned = cells(&request(&[1, 8], 2.0)).unwrap();
    let is_null = |c: &usize| planned[*c].purpose == Purpose::Null;
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
        let request = Request {
            budget_s,
            ..request(&[2, 8], 2.0)
        };
        let cells = cells(&request).unwrap();
        let known = cells.iter().filter_map(|c| match c.purpose {
            Purpose::KnownEffect { asked } => Some(format!("{asked:.3}")),
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
    let mut cells = cells(&request).unwrap();
    let left_out = fit(&mut cells, &request.workloads, MIN_PAIRS, 45.0).unwrap();
    assert_eq!(left_out[0], "exploration@8 known effect 0.952, threads");
}

#[test]
fn a_calibration_is_made_of_controls_at_every_agent_count() {
    let mut request = request(&[1, 2, 8], 2.0);
    request.question = Question::Calibrate;
    let cells = cells(&request).unwrap();
    for agents in [1, 2, 8] {
        let here = || cells.iter().filter(|c| c.agents == agents);
        let nulls = here().filter(|c| c.purpose == Purpose::Null);
        assert!(nulls.clone().all(|c| c.baseline == c.x));
        assert_eq!(nulls.count(), 2);
        let asked: Vec<f64> = here()
            .filter_map(|c| match c.purpose {
                Purpose::KnownEffect { asked } => Some(asked),
                _ => None,
            })
            .collect();
        assert_eq!(asked, [0.8, 10.0 / 11.0, 20.0 / 21.0]);
    }
    assert_eq!(cells.len(), 15);
}

#[test]
fn controls_run_where_the_comparison_does() {
    for (agents, expected) in [
        (&[1, 2, 4, 8, 16, 32][..], 8),
        (&[1, 2], 2),
        (&[1, 16, 32], 16),
        (&[1, 2, 4], 4),
        (&[1, 30], 30),
        (&[1000], 1000),
    ] {
        assert_eq!(anchor(agents), expected, "{agents:?}");
    }
}

#[test]
fn one_deployment_is_no_comparison() {
    let mut request = request(&[1], 2.0);
    request.deployments = vec![Form::THREADS];
    assert_eq!(cells(&request), Err(PlanError::OneDeployment));
    request.deployments = vec![Form::THREADS, Form::THREADS];
    assert_eq!(cells(&request), Err(PlanError::OneDeployment));
}
