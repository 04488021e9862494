//! Does a run come to the right verdicts, in time, whatever its invocations do? All scripted: no
//! clock, no process.

use crate::scripted::*;
use forkscope::deployment::Kind;
use forkscope::experiment::causes;
use forkscope::experiment::coordinator::{self, Measured};
use forkscope::experiment::invocation::Invocation;
use forkscope::experiment::plan::{Asked as Request, PlanError};
use forkscope::metric::Metric;
use forkscope::observe::clock::OpClock;
use forkscope::record::*;
use forkscope::stats::MIN_PAIRS;
use forkscope::study::conclude;
use forkscope::study::prices::{self, PriceFinding};

/// What goes wrong in a sample.
type Change = fn(&mut Sample);

/// Another rate.
fn scale(sample: &mut Sample, times: f64) {
    sample.set(Metric::OPS_PER_S, sample.ops_per_s() * times);
}

/// The record of what was measured, concluded.
fn concluded(request: &Request, measured: &Measured) -> Run {
    let mut run = Run {
        schema_version: SCHEMA_VERSION,
        method_version: METHOD_VERSION,
        forkscope_version: String::new(),
        build_id: None,
        command: String::new(),
        settings: Vec::new(),
        started: String::new(),
        wall_s: 0.0,
        complete: measured.incomplete_reason.is_none(),
        incomplete_reason: measured.incomplete_reason.clone(),
        seed: request.seed,
        margin: 0.03,
        machine: Machine {
            cpus_effective: request.cpus_effective,
            ..Machine::default()
        },
        busy: None,
        workloads: request.workloads.iter().map(|w| w.record.clone()).collect(),
        plan: measured.plan.clone(),
        cells: measured.cells.clone(),
        answers: Vec::new(),
        decisions: Vec::new(),
        findings: Default::default(),
        checks: Vec::new(),
        priority: Priority::default(),
        warnings: measured.warnings.clone(),
        withheld: None,
    };
    conclude(&mut run, measured.digest_mismatch.as_deref());
    run
}

fn compared(run: &Run) -> impl Iterator<Item = &Cell> {
    run.cells.iter().filter(|c| c.is_comparison())
}

#[test]
fn a_known_effect_comes_out_ahead_and_a_tie_a_tie() {
    let threads_ahead = Verdict::Ahead {
        deployment: "threads".to_owned(),
    };
    let processes_ahead = Verdict::Ahead {
        deployment: "processes".to_owned(),
    };
    for (ratio, expected) in [
        (0.8, threads_ahead),
        (1.25, processes_ahead),
        (1.0, Verdict::Tie),
    ] {
        let request = request(&[1, 4], 300.0);
        let mut invoker = script(|i, n| (measured(sample(i, n, ratio)), 0.4));
        let found = run_quietly(&request, &mut invoker);
        let run = concluded(&request, &found);
        assert_eq!(run.withheld, None);
        assert!(run.complete, "{:?}", run.incomplete_reason);
        assert_eq!(found.warnings, Vec::<String>::new());
        assert_eq!(run.plan.left_out, Vec::<String>::new());
        assert_eq!(run.plan.pairs_per_cell, 12);
        for cell in compared(&run) {
            assert_eq!(cell.verdict, expected, "{ratio}: {:?}", cell.effect);
            let effect = cell.effect.expect("it was measured");
            assert_eq!(effect.pairs, 12);
            assert!((effect.ratio / ratio - 1.0).abs() < 0.02, "{effect:?}");
        }
        assert_eq!(run.answers.len(), 2, "one for each workload");
        let found: PriceFinding = run.finding(prices::NAME).expect("messages were priced");
        let talking = found.prices.iter().filter(|p| p.workload == "coordination");
        assert_eq!(talking.count(), 2, "one for each deployment");
    }
}

#[test]
fn an_insensitive_machine_withholds_the_headline() {
    let request = request(&[1, 4], 300.0);
    let mut invoker = script(|i: &Invocation, n| {
        let mut unmoved = i.clone();
        unmoved.job.uncounted_every = None;
        (measured(sample(&unmoved, n, 0.8)), 0.4)
    });
    let run = concluded(&request, &run_quietly(&request, &mut invoker));
    let why = run.withheld.expect("the known effect was not seen");
    assert!(why.contains("not sensitive enough"), "{why}");
}

#[test]
fn a_side_that_wins_by_running_second_does_not_win() {
    let request = request(&[1, 4], 300.0);
    let mut invoker =
        script(|i, n| usual_but(i, n, |s| scale(s, if n % 2 == 1 { 1.2 } else { 1.0 })));
    let run = concluded(&request, &run_quietly(&request, &mut invoker));
    assert_eq!(run.withheld, None);
    for cell in compared(&run) {
        assert_eq!(cell.verdict, Verdict::Tie, "{:?}", cell.effect);
        let order_effect = cell.effect.unwrap().order_effect;
        assert!((order_effect - 1.2_f64.ln()).abs() < 0.02, "{order_effect}");
    }
}

#[test]
fn one_different_digest_withholds_the_headline() {
    let request = request(&[1, 4], 300.0);
    let mut invoker = script(|i, n| {
        usual_but(i, n, |s| {
            if n == 77 {
                s.digest = "another".to_owned();
            }
        })
    });
    let found = run_quietly(&request, &mut invoker);
    let run = concluded(&request, &found);
    let why = run.withheld.as_ref().expect("it is withheld");
    assert!(why.contains("digest another instead of"), "{why}");
    let dropped = causes_of(&run);
    assert_eq!(dropped, [Cause::DigestDiffers]);
    assert!(
        found
            .warnings
            .iter()
            .any(|w| w.contains("please report it")),
        "{:?}",
        found.warnings
    );
}

#[test]
fn deployments_that_do_different_work_are_never_compared() {
    let request = request(&[1, 4], 300.0);
    let mut invoker = script(|i: &Invocation, n| {
        usual_but(i, n, |s| {
            if i.form.kind == Kind::Processes {
                s.digest.push_str("-of-processes");
            }
        })
    });
    let run = concluded(&request, &run_quietly(&request, &mut invoker));
    assert!(run.withheld.is_some());
    for cell in compared(&run) {
        assert_eq!(cell.kept().count(), 0);
        assert_eq!(cell.effect, None);
    }
}

fn causes_of(run: &Run) -> Vec<Cause> {
    let pairs = run.cells.iter().flat_map(|c| &c.pairs);
    pairs
        .filter_map(|p| p.dropped.as_ref())
        .map(|d| d.cause)
        .collect()
}

#[test]
fn a_disturbed_pair_is_dropped_with_its_cause_and_made_up_for() {
    let changes: [(Cause, Change); 5] = [
        (Cause::Throttled, |s| s.throttled = Some(3)),
        (Cause::Standstill, |s| s.stood_still_s = Some(1.5)),
        (Cause::ForeignCpu, |s| s.foreign_cpu = Some(0.4)),
        (Cause::Steal, |s| s.steal = Some(0.2)),
        (Cause::WorkDiffers, |s| {
            s.set(Metric::ACTIVE_STATES_PER_OP, 1.02 * 7.25);
        }),
    ];
    for (cause, change) in changes {
        let request = request(&[1, 4], 600.0);
        let mut invoker = script(|i, n| {
            usual_but(i, n, |s| {
                if n == 50 {
                    change(s);
                }
            })
        });
        let found = run_quietly(&request, &mut invoker);
        let run = concluded(&request, &found);
        assert_eq!(causes_of(&run), [cause]);
        assert_eq!(run.withheld, None);
        let all_have_theirs = run.cells.iter().all(|c| c.kept().count() >= 12);
        assert!(all_have_theirs, "{cause}");
        let warned = found
            .warnings
            .iter()
            .find(|w| w.contains(&cause.to_string()));
        let warned = warned.expect("a person is told");
        assert!(warned.starts_with("1 of "), "{warned}");
        // Only the cell that lost a pair ran longer than the others.
        let longest: Vec<_> = run.cells.iter().filter(|c| c.pairs.len() > 12).collect();
        assert_eq!(longest.len(), 1, "{cause}");
    }
}

#[test]
fn a_cell_that_the_machine_starved_is_told_from_one_that_failed() {
    let is_it = |i: &Invocation| (i.job.source.name.as_str(), i.job.agents) == ("exploration", 1);
    let request = request(&[1, 4], 300.0);
    let mut disturbed = script(|i, n| {
        usual_but(i, n, |s| {
            s.foreign_cpu = Some(if is_it(i) && n % 3 > 0 { 0.4 } else { 0.0 })
        })
    });
    let found = run_quietly(&request, &mut disturbed);
    let starved = causes::starved_by_machine(&found.cells).expect("one of its pairs is not enough");
    assert_eq!(
        (starved.baseline.workload.as_str(), starved.agents),
        ("exploration", 1)
    );
    assert!(starved.pairs.iter().any(causes::is_disturbed));
    // Short of pairs, too, but not by the machine; and a usual run.
    let mut failing = script(|i: &Invocation, n| match is_it(i) {
        true => (failed("no luck"), 0.1),
        false => usual(i, n),
    });
    for found in [
        run_quietly(&request, &mut failing),
        run_quietly(&request, &mut script(usual)),
    ] {
        assert!(causes::starved_by_machine(&found.cells).is_none());
    }
}

#[test]
fn what_was_there_from_the_start_drops_nothing_on_a_busy_machine_that_is_measured_all_the_same() {
    let request = Request {
        is_busy: true,
        ..request(&[1, 4], 300.0)
    };
    let mut invoker = script(|i, n| {
        usual_but(i, n, |s| {
            (s.foreign_cpu, s.steal) = (Some(0.4), Some(0.1));
            s.throttled = Some(u64::from(n == 50));
        })
    });
    let mut run = concluded(&request, &run_quietly(&request, &mut invoker));
    assert_eq!(causes_of(&run), [Cause::Throttled]);
    run.busy = Some("other programs use 40 % of the CPUs".to_owned());
    conclude(&mut run, None);
    let busy = run.busy.clone();
    assert!(busy.is_some(), "reports put it before every sentence");
    let once = run.clone();
    conclude(&mut run, None);
    assert_eq!(run, once);
}

#[test]
fn a_pair_is_never_dropped_for_its_value() {
    let request = request(&[1, 4], 300.0);
    let mut invoker = script(|i, n| {
        usual_but(i, n, |s| {
            scale(s, if n % 17 == 0 { 50.0 } else { 1.0 });
        })
    });
    let run = concluded(&request, &run_quietly(&request, &mut invoker));
    assert_eq!(causes_of(&run), []);
}

#[test]
fn unknown_disturbances_drop_nothing() {
    let request = request(&[1, 4], 300.0);
    let mut invoker = script(|i, n| {
        usual_but(i, n, |s| {
            (s.throttled, s.foreign_cpu, s.steal) = (None, None, None)
        })
    });
    let run = concluded(&request, &run_quietly(&request, &mut invoker));
    assert_eq!(causes_of(&run), []);
}

#[test]
fn a_cell_that_keeps_failing_is_given_up_and_the_others_go_on() {
    let request = request(&[1, 4], 300.0);
    let mut asked = 0;
    let mut invoker = script(|i: &Invocation, n| {
        let is_bad = i.form.kind == Kind::Processes
            && (i.job.source.name.as_str(), i.job.agents) == ("coordination", 1);
        asked += usize::from(is_bad);
        match is_bad {
            true => (failed("worker process 0 was ended by SIGKILL"), 0.1),
            false => usual(i, n),
        }
    });
    let found = run_quietly(&request, &mut invoker);
    let run = concluded(&request, &found);
    assert_eq!(asked, 2, "given up after two failures in a row");
    let given_up = found
        .warnings
        .iter()
        .find(|w| w.starts_with("coordination@1 processes/threads was given up"));
    let given_up = given_up.expect("a person is told");
    assert!(given_up.contains("ended by SIGKILL"), "{given_up}");
    for cell in compared(&run) {
        let is_bad = (cell.baseline.workload.as_str(), cell.agents) == ("coordination", 1);
        let is_measured = !matches!(cell.verdict, Verdict::NotMeasured { .. });
        assert_eq!(
            is_measured, !is_bad,
            "{} {}",
            cell.baseline.workload, cell.agents
        );
    }
    assert_eq!(run.withheld, None);
}

#[test]
fn failures_with_successes_between_them_do_not_end_a_cell() {
    let request = request(&[1, 4], 600.0);
    let mut count_of_cell = 0;
    let mut invoker = script(|i: &Invocation, n| {
        let is_it = i.form.kind == Kind::Processes
            && (i.job.source.name.as_str(), i.job.agents) == ("coordination", 1);
        count_of_cell += usize::from(is_it);
        match is_it && count_of_cell % 3 == 0 {
            true => (failed("now and then"), 0.1),
            false => usual(i, n),
        }
    });
    let run = concluded(&request, &run_quietly(&request, &mut invoker));
    let mut all = compared(&run);
    let cell = all.find(|c| (c.baseline.workload.as_str(), c.agents) == ("coordination", 1));
    assert!(cell.unwrap().kept().count() >= 12);
}

#[test]
fn a_run_in_which_everything_fails_ends_by_itself() {
    let request = request(&[1, 4], 300.0);
    let mut invoker = script(|_, _| (failed("no luck"), 0.1));
    let found = run_quietly(&request, &mut invoker);
    assert!(found.cells.iter().all(|c| c.pairs.len() == 2));
    let run = concluded(&request, &found);
    assert!(run.withheld.is_some());
    assert!(run.cells.iter().all(|c| c.effect.is_none()));
}

#[test]
fn the_deadline_holds_however_slow_pairs_become() {
    let budget_s = 90.0;
    let slow: [fn(usize) -> f64; 5] = [
        |n| 0.3 * 1.02_f64.powi(n as i32),
        |n| 0.3 * 1.3_f64.powi(n as i32),
        |n| if n > 60 { 1e9 } else { 0.3 },
        |n| if n.is_multiple_of(19) { 8.0 } else { 0.3 },
        |_| 1e9,
    ];
    for (which, took_s) in slow.into_iter().enumerate() {
        for agents in [&[1, 4][..], &[1, 2, 4, 8, 16]] {
            let request = request(agents, budget_s);
            let mut invoker = script(|i, n| (usual(i, n).0, took_s(n)));
            let found = run_quietly(&request, &mut invoker);
            assert!(invoker.now_s <= budget_s, "{which}: {} s", invoker.now_s);
            let fewest = found
                .cells
                .iter()
                .filter(|c| !found.plan.left_out.iter().any(|l| is_label_of(l, c)))
                .map(|c| c.pairs.len())
                .min();
            let given_up = found.warnings.iter().any(|w| w.contains("given up"));
            assert!(
                found.incomplete_reason.is_some() || given_up || fewest >= Some(MIN_PAIRS),
                "{which}: a run that ran out of time says so: {fewest:?} pairs, {:?}",
                found.plan.left_out
            );
        }
    }
}

/// Whether words of the plan mean this cell.
fn is_label_of(label: &str, cell: &Cell) -> bool {
    let is_price = label.contains("price of messages");
    label.starts_with(&format!("{}@{} ", cell.baseline.workload, cell.agents))
        && is_price == (cell.study == prices::NAME)
}

#[test]
fn what_measured_times_leave_no_room_for_goes_early() {
    for budget_s in 125..165 {
        let request = request(&[1, 2, 4, 8, 16, 32], f64::from(budget_s));
        // More than twice as long as the plan thinks.
        let mut invoker = script(|i, n| (usual(i, n).0, 0.9));
        let found = run_quietly(&request, &mut invoker);
        assert_eq!(found.incomplete_reason, None, "{budget_s} s");
        assert!(invoker.now_s <= request.budget_s);
        let pairs: Vec<usize> = found.cells.iter().map(|c| c.pairs.len()).collect();
        assert!(pairs.iter().all(|&p| p <= 2 || p >= MIN_PAIRS), "{pairs:?}");
        let is_end = |c: &&Cell| c.is_comparison() && [1, 32].contains(&c.agents);
        let ends: Vec<&Cell> = found.cells.iter().filter(is_end).collect();
        assert_eq!(ends.len(), 4);
        assert!(ends.iter().all(|c| c.pairs.len() >= MIN_PAIRS), "{pairs:?}");
        assert!(!found.plan.left_out.is_empty());
    }
}

#[test]
fn an_interrupt_keeps_whole_pairs_and_says_that_it_is_incomplete() {
    for at in [0, 1, 2, 9, 60] {
        let request = request(&[1, 4], 300.0);
        let mut invoker = script(usual);
        invoker.interrupted_at = at;
        let found = run_quietly(&request, &mut invoker);
        assert!(invoker.count <= at + 1, "{} after {at}", invoker.count);
        assert_eq!(found.incomplete_reason.as_deref(), Some("interrupted"));
        let pairs: usize = found.cells.iter().map(|c| c.pairs.len()).sum();
        // The pair in which the interrupt fell says nothing.
        assert_eq!(pairs, at.saturating_sub(1) / 2, "interrupted at {at}");
        assert!(!concluded(&request, &found).complete);
    }
}

#[test]
fn orders_balance_in_every_cell_and_are_what_the_record_says() {
    let request = request(&[1, 2, 4], 500.0);
    let mut invoker = script(usual);
    let found = run_quietly(&request, &mut invoker);
    for (index, cell) in found.cells.iter().enumerate() {
        let x_first = cell.pairs.iter().filter(|p| p.first == Side::X).count();
        assert_eq!(2 * x_first, cell.pairs.len(), "cell {index}");
        let told: Vec<(u32, Side)> = found
            .plan
            .order
            .iter()
            .filter(|o| o.cell == index)
            .map(|o| (o.round, o.first))
            .collect();
        let done: Vec<(u32, Side)> = cell.pairs.iter().map(|p| (p.round, p.first)).collect();
        assert_eq!(told, done, "cell {index}");
    }
    // Neighbours in time are neighbours by chance.
    let round = |r| {
        let in_round = found.plan.order.iter().filter(move |o| o.round == r);
        in_round.map(|o| o.cell).collect::<Vec<_>>()
    };
    assert_ne!(round(0), round(1));
    assert_ne!(round(0), round(2));
}

#[test]
fn the_first_side_really_runs_first() {
    let request = request(&[1, 4], 300.0);
    let mut seen: Vec<Invocation> = Vec::new();
    let mut invoker = script(|i: &Invocation, n| {
        seen.push(i.clone());
        usual(i, n)
    });
    let found = run_quietly(&request, &mut invoker);
    assert_eq!(seen.len(), 2 * found.plan.order.len());
    for (two, entry) in seen.chunks(2).zip(&found.plan.order) {
        let cell = &found.cells[entry.cell];
        let first = cell.arm(entry.first);
        assert_eq!(two[0].form.to_string(), first.deployment);
        assert_eq!(two[0].window_s, two[1].window_s);
        assert_eq!(two[0].job.seed, two[1].job.seed);
        assert_eq!(two[0].job.agents, cell.agents);
    }
}

#[test]
fn every_pair_has_moments_of_its_own_and_both_its_sides_have_the_same() {
    let request = request(&[1, 4], 300.0);
    let mut seen: Vec<u64> = Vec::new();
    let mut invoker = script(|i: &Invocation, n| {
        seen.push(i.job.arrivals_seed);
        usual(i, n)
    });
    run_quietly(&request, &mut invoker);
    assert!(seen.chunks(2).all(|two| two[0] == two[1]));
    let pairs = seen.len() / 2;
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), pairs);
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another_order() {
    let run = |seed| {
        let mut request = request(&[1, 4], 300.0);
        request.seed = seed;
        let found = run_quietly(&request, &mut script(usual));
        concluded(&request, &found)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).plan.order, run(2).plan.order);
}

#[test]
fn what_is_saved_on_the_way_grows_to_what_is_returned() {
    let request = request(&[1, 4], 300.0);
    let mut saved: Vec<usize> = Vec::new();
    let mut told: Vec<Progress> = Vec::new();
    let found = coordinator::run(
        &request,
        &plan(&request),
        OpClock::calibrate(),
        &mut script(usual),
        &mut |p| told.push(p.clone()),
        &mut |m| saved.push(m.cells.iter().map(|c| c.pairs.len()).sum()),
    )
    .unwrap();
    let pairs: usize = found.cells.iter().map(|c| c.pairs.len()).sum();
    assert_eq!(saved.last(), Some(&pairs));
    assert!(saved.is_sorted() && saved.len() == 12, "{saved:?}");
    assert_eq!(told.len(), pairs, "before every pair");
    for (done, progress) in told.iter().enumerate() {
        assert_eq!(progress.pairs_done, done);
        assert!(progress.pairs_planned > done && progress.seconds_left > 0.0);
    }
    assert_eq!(told.last().unwrap().pairs_planned, pairs);
}

#[test]
fn concluding_again_changes_nothing() {
    let request = request(&[1, 4], 300.0);
    let run = concluded(&request, &run_quietly(&request, &mut script(usual)));
    let mut again = run.clone();
    conclude(&mut again, None);
    assert_eq!(again, run);
}

#[test]
fn a_budget_that_is_used_up_before_the_first_pair_is_refused() {
    let request = request(&[1, 4], 20.0);
    let mut invoker = script(usual);
    invoker.now_s = 25.0;
    let result = coordinator::run(
        &request,
        &plan(&request),
        OpClock::calibrate(),
        &mut invoker,
        &mut |_| {},
        &mut |_| {},
    );
    assert!(matches!(result, Err(PlanError::NoRoom { .. })));
    assert_eq!(invoker.count, 0);
}

#[test]
fn time_that_is_left_makes_up_for_dropped_pairs() {
    let mut request = request(&[1, 2], f64::MAX);
    let cells = plan(&request).cells.len() as f64;
    // Room for six rounds of pairs of two seconds, and for three pairs more.
    request.budget_s = 1.0 + (6.0 * cells + 3.0) * 2.0;
    let mut invoker = script(|invocation, count| {
        let (outcome, _) = usual_but(invocation, count, |s| {
            if count == 0 {
                s.foreign_cpu = Some(0.9);
            }
        });
        (outcome, 1.0)
    });
    let measured = run_quietly(&request, &mut invoker);
    assert_eq!(measured.incomplete_reason, None);
    assert!(measured.cells.iter().all(|c| c.kept().count() >= MIN_PAIRS));
    let pairs: Vec<usize> = measured.cells.iter().map(|c| c.pairs.len()).collect();
    assert!(pairs.iter().filter(|&&n| n > 6).count() == 1, "{pairs:?}");
}

#[test]
fn a_pair_beyond_the_sixth_is_made_up_for_too() {
    // Time for eight rounds, not for ten; one pair of the last two is disturbed.
    let request = Request {
        most_pairs: 12,
        ..request(&[1, 4], 100.0)
    };
    let cells = plan(&request).cells.len();
    let disturbed = 2 * 7 * cells;
    let took_s = 100.0 / (2.0 * 9.0 * cells as f64);
    let mut invoker = script(|i, n| {
        let (outcome, _) = usual_but(i, n, |s| {
            if n == disturbed {
                s.steal = Some(0.2);
            }
        });
        (outcome, took_s)
    });
    let run = concluded(&request, &run_quietly(&request, &mut invoker));
    let kept: Vec<usize> = run.cells.iter().map(|c| c.kept().count()).collect();
    assert_eq!(causes_of(&run), [Cause::Steal]);
    assert_eq!(kept.iter().min(), Some(&8), "{kept:?}");
}

#[test]
fn time_in_which_not_all_cells_fit_goes_to_some() {
    let request = request(&[1, 4], 66.0);
    let mut invoker = script(usual);
    let measured = run_quietly(&request, &mut invoker);
    let cells = &measured.cells;
    let pairs: Vec<usize> = cells.iter().map(|c| c.pairs.len()).collect();
    // A pair takes 0.8 s here; less than two of them, and headroom, is left.
    assert!(
        66.0 - invoker.now_s < 2.5 * 0.8,
        "{} s: {pairs:?}",
        invoker.now_s
    );
    let (fewest, most) = (pairs.iter().min().unwrap(), pairs.iter().max().unwrap());
    assert_eq!(*most, fewest + 2, "{pairs:?}");
    assert!(pairs.iter().all(|n| n % 2 == 0), "{pairs:?}");
    assert_eq!(measured.incomplete_reason, None);
}

#[test]
fn a_cell_that_a_quota_throttles_every_time_is_given_up() {
    let request = request(&[1, 4], 600.0);
    let mut invoker = script(|i, n| {
        usual_but(i, n, |s| {
            if s.workers == 4 {
                s.throttled = Some(9);
            }
        })
    });
    let found = run_quietly(&request, &mut invoker);
    let throttled = |c: &&Cell| c.agents == 4;
    for cell in found.cells.iter().filter(throttled) {
        assert_eq!(cell.pairs.len(), 4, "{}", cell.baseline.workload);
    }
    let said = |w: &String| w.contains("was given up after 4 throttled pairs in a row");
    assert!(found.warnings.iter().any(said), "{:?}", found.warnings);
    let run = concluded(&request, &found);
    assert!(run.withheld.is_some(), "the controls ran there, too");
}

#[test]
fn a_machine_much_slower_than_thought_gets_a_smaller_plan_in_time() {
    let request = request(&[1, 2, 4, 8, 16, 32], 100.0);
    let mut invoker = script(|invocation, count| (usual(invocation, count).0, 0.9));
    let measured = run_quietly(&request, &mut invoker);
    assert_eq!(measured.incomplete_reason, None);
    assert!(!measured.plan.left_out.is_empty());
    assert!(invoker.now_s <= 100.0);
    let judged = |c: &&Cell| c.is_comparison() && c.kept().count() >= MIN_PAIRS;
    assert!(measured.cells.iter().filter(judged).count() >= 4);
}

#[test]
fn a_run_without_an_answer_is_not_complete() {
    let request = request(&[1, 4], 300.0);
    let mut nothing = script(|_, _| (failed("killed"), 0.4));
    let found = run_quietly(&request, &mut nothing);
    let why = found.incomplete_reason.unwrap();
    assert!(why.starts_with("nothing could be measured"), "{why}");

    // Only the controls, which are of threads, or of processes, on both sides.
    let mut controls = script(|i, n| match i.form.kind {
        Kind::Processes => (failed("killed"), 0.4),
        Kind::Threads => (measured(sample(i, n, 1.0)), 0.4),
    });
    let found = run_quietly(&request, &mut controls);
    let why = found.incomplete_reason.clone().unwrap();
    assert!(why.starts_with("no comparison has the 6 pairs"), "{why}");
    assert!(!concluded(&request, &found).complete);

    // One comparison of two is an answer.
    let mut one = script(|i, n| match i.job.agents {
        4 => (failed("killed"), 0.4),
        _ => (measured(sample(i, n, 1.0)), 0.4),
    });
    assert_eq!(run_quietly(&request, &mut one).incomplete_reason, None);
}
