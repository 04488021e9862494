//! Does the whole way from samples to verdicts keep its promises on runs whose truth is known?
//!
//! Nothing here computes a statistic: made-up samples go into a record, and `verdict::conclude`,
//! which every real run ends with, says what they mean. `cargo test --test pure conclusions:: -- --nocapture`
//! prints the shares.

use crate::simulation::{DRIFTING, Machine, NOISE, OUTLIERS, Random};
use forkscope::metric::Metric;
use forkscope::record::*;
use forkscope::stats::second_run;
use forkscope::study::conclude;

const MARGIN: f64 = 0.03;
const WINDOW_S: f64 = 0.25;
const EPISODE: u64 = 100;
const KNOWN: f64 = 10.0 / 11.0;

/// How made-up rates move within windows.
#[derive(Clone, Copy)]
struct Slices {
    /// Noise of one slice of twelve, a share.
    noise: f64,
    /// ln(rate of the last third of a window / rate of the first), X only.
    x_trend: f64,
}

const EVEN: Slices = Slices {
    noise: 0.0,
    x_trend: 0.0,
};

/// One cell as a coordinator would hand it over: pairs, and nothing concluded yet.
fn cell(
    role: Role,
    agents: usize,
    machine: Machine,
    slices: Slices,
    n: usize,
    random: &mut Random,
) -> Cell {
    let rates = machine.rates(n, random);
    let pairs = rates.iter().enumerate().map(|(round, r)| Pair {
        round: round as u32,
        first: r.first,
        baseline: sample(r.baseline, slices.noise, 0.0, random),
        x: sample(r.x, slices.noise, slices.x_trend, random),
        dropped: None,
    });
    let pairs = pairs.collect();
    let arm = |deployment: &str| Arm {
        label: deployment.to_owned(),
        workload: "exploration".to_owned(),
        deployment: deployment.to_owned(),
        transport: "none".to_owned(),
        stands: true,
    };
    let is_question = role == Role::Question;
    Cell {
        study: if is_question {
            "comparison"
        } else {
            "controls"
        }
        .to_owned(),
        metric: Metric::OPS_PER_S.id().to_owned(),
        role,
        agents,
        baseline: arm("threads"),
        x: arm(if is_question { "processes" } else { "threads" }),
        window_s: WINDOW_S,
        pairs,
        verdict: Verdict::NotMeasured {
            reason: "not run yet".to_owned(),
        },
        ..Cell::default()
    }
}

fn sample(rate: f64, noise: f64, trend: f64, random: &mut Random) -> Outcome {
    // The simulated rates are about 150: as op/s a thousand times more.
    let ops_per_s = rate * 1e3;
    let slice = |i: u32| {
        let along = (f64::from(i) - 5.5) / 8.0;
        ops_per_s * (trend * along + noise * random.normal()).exp()
    };
    let sample = Sample {
        ops: (ops_per_s * WINDOW_S) as u64,
        span_s: WINDOW_S,
        turns: 1,
        slices_ops_per_s: (0..12).map(slice).collect(),
        ..Sample::default()
    };
    Outcome::Measured(Box::new(sample.with(Metric::OPS_PER_S, ops_per_s)))
}

/// Two nulls and one known effect on a machine, as every run has.
fn controls(machine: Machine, n: usize, random: &mut Random) -> Vec<Cell> {
    let known = Machine {
        truth: KNOWN.ln(),
        ..machine
    };
    vec![
        cell(Role::Null, 8, machine.tied(), EVEN, n, random),
        cell(Role::Null, 8, machine.tied(), EVEN, n, random),
        cell(Role::Known(KNOWN), 8, known, EVEN, n, random),
    ]
}

/// Six agent counts that are compared, and the controls.
fn whole_run(machine: Machine, n: usize, random: &mut Random) -> Run {
    let mut cells: Vec<Cell> = [1, 2, 4, 8, 16, 32]
        .map(|agents| cell(Role::Question, agents, machine, EVEN, n, random))
        .into();
    cells.extend(controls(machine, n, random));
    concluded(cells)
}

fn concluded(cells: Vec<Cell>) -> Run {
    let mut run = Run {
        busy: None,
        schema_version: SCHEMA_VERSION,
        method_version: METHOD_VERSION,
        forkscope_version: "0.1.0".to_owned(),
        build_id: None,
        command: "simulated".to_owned(),
        settings: Vec::new(),
        started: "2026-01-02T03:04:05Z".to_owned(),
        wall_s: 1.0,
        complete: true,
        incomplete_reason: None,
        seed: 1,
        margin: MARGIN,
        machine: forkscope::record::Machine {
            cpus_effective: 2.0,
            ..Default::default()
        },
        workloads: vec![WorkloadRecord {
            name: "exploration".to_owned(),
            origin: "simulated".to_owned(),
            parameters: serde_json::Value::Null,
            episode_length: EPISODE,
            life_length: None,
            digest_round: EPISODE,
        }],
        plan: PlanRecord::default(),
        cells,
        answers: Vec::new(),
        decisions: Vec::new(),
        findings: Default::default(),
        checks: Vec::new(),
        priority: Priority::default(),
        warnings: Vec::new(),
        withheld: None,
    };
    conclude(&mut run, None);
    run
}

fn compared(run: &Run) -> impl Iterator<Item = &Cell> {
    run.cells.iter().filter(|c| c.is_comparison())
}

/// Half width of a cell's interval in standard errors: more than t where S widened it.
fn widths(cell: &Cell) -> f64 {
    let e = cell.effect.expect("six pairs or more");
    (e.high / e.ratio).ln() / e.standard_error
}

#[test]
fn equal_sides_hardly_ever_have_a_winner_with_the_factor_of_the_nulls_applied() {
    let mut random = Random::seeded(21);
    for (name, machine) in [
        ("still", Machine::STILL),
        ("drift and outliers", OUTLIERS.tied()),
    ] {
        for n in [6, 10, 16] {
            let runs: Vec<Run> = (0..400)
                .map(|_| whole_run(machine, n, &mut random))
                .collect();
            let cells: Vec<&Cell> = runs.iter().flat_map(compared).collect();
            let wrong = cells
                .iter()
                .filter(|c| matches!(c.verdict, Verdict::Ahead { .. }))
                .count();
            // A null is never widened, so a wider interval beside it is S.
            let widened = |run: &&Run| {
                let null = run.cells.iter().find(|c| c.role == Role::Null);
                widths(&run.cells[0]) > 1.001 * widths(null.expect("every run has one"))
            };
            let widened = runs.iter().filter(widened).count();
            println!(
                "{name}, n = {n}: {wrong} of {} equal cells have a winner; S widened {widened} of {} runs",
                cells.len(),
                runs.len()
            );
            assert!(widened > 0, "S was never applied");
            assert!(wrong as f64 <= 0.01 * cells.len() as f64, "{wrong}");
        }
    }
}

#[test]
fn a_difference_of_a_fifth_is_found_in_a_run_of_six_pairs() {
    let mut random = Random::seeded(22);
    let machine = Machine {
        truth: 0.8_f64.ln(),
        ..OUTLIERS
    };
    let runs: Vec<Run> = (0..300)
        .map(|_| whole_run(machine, 6, &mut random))
        .collect();
    let cells: Vec<&Cell> = runs.iter().flat_map(compared).collect();
    let ahead = Verdict::Ahead {
        deployment: "threads".to_owned(),
    };
    let found = cells.iter().filter(|c| c.verdict == ahead).count() as f64 / cells.len() as f64;
    println!("0.80 with drift and outliers, n = 6: {found:.4} found");
    assert!(found >= 0.95, "{found}");
}

/// A run whose machine is in order and whose headline is withheld all the same: the price of
/// controls.
#[test]
fn the_headline_of_a_healthy_run_is_seldom_withheld() {
    let mut random = Random::seeded(23);
    for n in [6, 8, 16] {
        let runs = 3_000;
        let reasons: Vec<String> = (0..runs)
            .filter_map(|_| concluded(controls(Machine::STILL, n, &mut random)).withheld)
            .collect();
        let share = reasons.len() as f64 / f64::from(runs);
        let insensitive = reasons
            .iter()
            .filter(|r| r.starts_with("not sensitive"))
            .count();
        println!(
            "n = {n}, noise {NOISE}: {share:.4} of healthy runs withheld, {insensitive} of {} for the known effect",
            reasons.len()
        );
        assert!(share <= 0.025, "{share}");
    }
}

/// The same samples with baseline and X exchanged, or in another unit.
fn changed(run: &Run, change: impl Fn(&mut Cell)) -> Run {
    let mut cells = run.cells.clone();
    cells.iter_mut().for_each(change);
    concluded(cells)
}

fn swap_sides(cell: &mut Cell) {
    std::mem::swap(&mut cell.baseline, &mut cell.x);
    for pair in &mut cell.pairs {
        std::mem::swap(&mut pair.baseline, &mut pair.x);
        pair.first = match pair.first {
            Side::Baseline => Side::X,
            Side::X => Side::Baseline,
        };
    }
    if let Role::Known(asked) = &mut cell.role {
        *asked = 1.0 / *asked;
    }
}

#[test]
fn exchanging_the_sides_of_a_record_inverts_its_ratios_and_changes_no_verdict() {
    let mut random = Random::seeded(24);
    for truth in [0.0, 0.04, -0.1] {
        for _ in 0..30 {
            let run = whole_run(Machine { truth, ..DRIFTING }, 6, &mut random);
            let swapped = changed(&run, swap_sides);
            assert_eq!(run.withheld.is_some(), swapped.withheld.is_some());
            for (cell, other) in run.cells.iter().zip(&swapped.cells) {
                let (e, o) = (cell.effect.unwrap(), other.effect.unwrap());
                assert!((e.ratio * o.ratio - 1.0).abs() < 1e-9);
                assert!((e.low * o.high - 1.0).abs() < 1e-9);
                assert_eq!(cell.verdict, other.verdict, "the same deployment is ahead");
                assert_eq!(cell.baseline_steadiness, other.x_steadiness);
            }
        }
    }
}

#[test]
fn another_unit_of_rate_changes_no_verdict() {
    let mut random = Random::seeded(25);
    for unit in [1e-3, 60.0, 3600.0] {
        let run = whole_run(DRIFTING, 6, &mut random);
        let scaled = changed(&run, |cell| {
            for outcome in cell
                .pairs
                .iter_mut()
                .flat_map(|p| [&mut p.baseline, &mut p.x])
            {
                if let Outcome::Measured(s) = outcome {
                    s.set(Metric::OPS_PER_S, s.ops_per_s() * unit);
                    s.slices_ops_per_s.iter_mut().for_each(|r| *r *= unit);
                }
            }
        });
        for (cell, other) in run.cells.iter().zip(&scaled.cells) {
            let (e, o) = (cell.effect.unwrap(), other.effect.unwrap());
            assert!((e.ratio - o.ratio).abs() < 1e-9 && (e.low - o.low).abs() < 1e-9);
            assert_eq!(
                (&cell.verdict, e.pairs_needed),
                (&other.verdict, o.pairs_needed)
            );
            let state = |c: &Cell| c.x_steadiness.map(|s| s.state);
            assert_eq!(state(cell), state(other));
        }
    }
}

/// Share of 2,000 cells of `n` pairs of which `is_it` holds.
fn marked_on(
    machine: Machine,
    slices: Slices,
    n: usize,
    random: &mut Random,
    is_it: impl Fn(&Cell) -> bool,
) -> f64 {
    let cells = (0..2_000).map(|_| cell(Role::Question, 8, machine, slices, n, random));
    let run = concluded(cells.collect());
    run.cells.iter().filter(|c| is_it(c)).count() as f64 / run.cells.len() as f64
}

fn marked(slices: Slices, n: usize, random: &mut Random, is_it: impl Fn(&Cell) -> bool) -> f64 {
    marked_on(Machine::STILL, slices, n, random, is_it)
}

/// Slices that vary by 7 % give an invocation the noise of 2 % that an ordinary machine has, if
/// nothing else does: more than that is no noise of slices.
#[test]
fn steady_windows_are_hardly_ever_marked() {
    let mut random = Random::seeded(26);
    for noise in [0.02, 0.05, 0.07] {
        for n in [6, 8, 16] {
            let slices = Slices {
                noise,
                x_trend: 0.0,
            };
            let wrong = marked(slices, n, &mut random, |c| !c.is_steady());
            println!("slices vary by {noise}, n = {n}: {wrong:.4} of steady cells marked");
            assert!(wrong <= 0.01, "{wrong}");
        }
    }
}

#[test]
fn a_rate_that_moves_by_a_tenth_is_marked_with_its_direction() {
    let mut random = Random::seeded(27);
    for (x_trend, state) in [(0.1, SteadyState::Warming), (-0.1, SteadyState::Slowing)] {
        let slices = Slices {
            noise: 0.03,
            x_trend,
        };
        let found = marked(slices, 8, &mut random, |c| {
            c.x_steadiness.is_some_and(|s| s.state == state)
        });
        let wrong = marked(slices, 8, &mut random, |c| {
            c.baseline_steadiness
                .is_some_and(|s| s.state != SteadyState::Steady)
        });
        println!(
            "{x_trend:+} over a window: {found:.4} {state}, {wrong:.4} of the other side marked"
        );
        assert!(found >= 0.95 && wrong <= 0.01, "{found} {wrong}");
    }
}

#[test]
fn windows_that_swing_both_ways_are_marked_unsteady() {
    let mut random = Random::seeded(28);
    let slices = Slices {
        noise: 0.5,
        x_trend: 0.0,
    };
    let found = marked(slices, 8, &mut random, |c| {
        c.x_steadiness
            .is_some_and(|s| s.state == SteadyState::Unsteady)
    });
    println!("slices vary by 0.5: {found:.4} unsteady");
    assert!(found >= 0.9, "{found}");
}

#[test]
fn running_second_stands_out_where_it_matters_and_seldom_elsewhere() {
    let mut random = Random::seeded(29);
    let mut cells_that_stand_out = |second_loses: f64, n: usize| {
        let machine = Machine {
            second_loses,
            ..Machine::STILL
        };
        marked_on(machine, EVEN, n, &mut random, |c| {
            second_run(&c.effect.expect("six pairs or more")).stands_out
        })
    };
    for n in [6, 16] {
        let (by_chance, found) = (cells_that_stand_out(0.0, n), cells_that_stand_out(0.1, n));
        println!(
            "n = {n}: {by_chance:.4} of cells without an order effect stand out, {found:.3} with one of 0.1"
        );
        // Two standard errors above 1 % at 2,000 cells.
        assert!(by_chance <= 0.0145, "{by_chance}");
        assert!(found >= 0.9, "{found}");
    }
}
