//! What is done with records: gates, claims, thresholds, comparisons of two, and the history of many?

use crate::fixture;
use crate::simulation::Random;
use forkscope::metric::Metric;
use forkscope::record::checks::{CheckAnswer, CheckKind, CheckOutcome};
use forkscope::record::comparison::{ChangeVerdict, ComparedLine, Comparison};
use forkscope::record::history::Skipped;
use forkscope::record::*;
use forkscope::report::{Style, changes, find, gates, history as past, markdown, terminal};
use forkscope::stats::{LnMean, change};
use forkscope::study;
use forkscope::study::formats::{self, FloorState, FormatAnswers};
use forkscope::verdict::{
    Check, Comparable, Gate, GateState, Refusal, Subject, Tolerances, check_gates, compare,
    history, judge_gates, thresholds, worst,
};

// Statistics

/// Two runs of `n` invocations each, the second with more noise, `truth` apart: how often does the
/// interval of the change hold the truth?
fn coverage(n: [usize; 2], noise: [f64; 2], truth: f64, seed: u64) -> f64 {
    const RUNS: usize = 10_000;
    let mut random = Random::seeded(seed);
    let mut mean = |n: usize, noise: f64, at: f64| {
        let values: Vec<f64> = (0..n)
            .map(|_| (at + noise * random.normal()).exp())
            .collect();
        LnMean::of(&values).expect("six values or more")
    };
    let hits = (0..RUNS)
        .filter(|_| {
            let (old, new) = (mean(n[0], noise[0], 5.0), mean(n[1], noise[1], 5.0 + truth));
            let c = change(&old, &new);
            c.low <= truth.exp() && truth.exp() <= c.high
        })
        .count();
    hits as f64 / RUNS as f64
}

#[test]
fn intervals_of_a_change_cover_the_truth() {
    for (n, noise, truth) in [
        ([6, 6], [0.02, 0.02], 0.0),
        ([8, 8], [0.02, 0.06], 0.1),
        ([6, 16], [0.06, 0.02], -0.2),
        ([34, 6], [0.02, 0.05], 0.05),
    ] {
        let covered = coverage(n, noise, truth, 11);
        println!("{n:?} invocations, noise {noise:?}: {covered:.3}");
        assert!((0.93..=0.97).contains(&covered), "{n:?}: {covered}");
    }
}

// Made-up records

/// Holds claims against a run, and against what its studies found.
fn judge_checks(run: &Run, checks: &[Check]) -> Vec<CheckAnswer> {
    forkscope::verdict::judge_checks(run, checks, &study::measured(run))
}

/// The fixture with memory and messages per second, which it leaves at nothing.
fn run() -> Run {
    let mut run = fixture::run();
    for cell in &mut run.cells {
        let agents = cell.agents as u64;
        change_samples(cell, |side, sample| {
            let per_agent = if side == Side::X { 1300 } else { 320 };
            let total_bytes = (per_agent << 10) * agents;
            sample.memory.get_or_insert_default().total_bytes = total_bytes;
            let per_agent = total_bytes as f64 / agents as f64;
            sample.set(Metric::MEMORY_PER_AGENT_BYTES, per_agent);
            let messages = sample.value(Metric::MESSAGES_SENT);
            sample.set(Metric::MESSAGES_PER_S, messages / sample.span_s);
        });
    }
    run
}

fn change_samples(cell: &mut Cell, mut change: impl FnMut(Side, &mut Sample)) {
    for pair in &mut cell.pairs {
        for (side, outcome) in [(Side::Baseline, &mut pair.baseline), (Side::X, &mut pair.x)] {
            if let Outcome::Measured(sample) = outcome {
                change(side, sample);
            }
        }
    }
}

fn cell_mut<'a>(run: &'a mut Run, workload: &str, agents: usize) -> &'a mut Cell {
    run.cells
        .iter_mut()
        .find(|c| c.baseline.workload == workload && c.agents == agents)
        .expect("the fixture has it")
}

fn text(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).expect("a Vec takes everything");
    String::from_utf8(out).expect("reports are UTF-8")
}

fn shown(run: &Run) -> String {
    let terminal = find("terminal").unwrap().report;
    text(|out| terminal.write(run, &Style::default(), out))
}

fn widest(text: &str) -> usize {
    text.lines().map(|l| l.chars().count()).max().unwrap_or(0)
}

const TIMES_JSON: Subject = Subject::Finding {
    quantity: "times json",
};

// Gates

fn gate(text: &str) -> Gate {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn gated(run: &Run, text: &str) -> (GateState, String) {
    let [answer] = judge_gates(run, &[gate(text)]).try_into().unwrap();
    (answer.state, answer.sentence)
}

#[test]
fn a_gate_is_settled_by_the_whole_interval_and_says_so() {
    let run = run();
    // 0.352 [0.335, 0.369]
    let (state, said) = gated(&run, "coordination@8: processes < 1.00");
    assert_eq!(state, GateState::Broken);
    assert_eq!(
        said,
        "gate 'coordination@8: processes < 1.00' is broken: processes / threads is 0.352 [0.335, 0.369]"
    );
    let (state, said) = gated(&run, "coordination@8: processes < 0.25");
    assert_eq!(state, GateState::Holds);
    assert!(said.contains("' holds: processes / threads is"), "{said}");
    // 1.038 [0.997, 1.079]: inconclusive, and open where the number lies in the interval.
    let (state, said) = gated(&run, "exploration@8: processes < 1.00");
    assert_eq!(state, GateState::Open);
    assert!(said.ends_with("which reaches across 1.00"), "{said}");
    // What is inconclusive about the margin may be settled about another number.
    assert_eq!(
        gated(&run, "exploration@8: processes < 0.9").0,
        GateState::Holds
    );
    assert_eq!(
        gated(&run, "exploration@8: processes < 1.1").0,
        GateState::Broken
    );
}

#[test]
fn a_gate_may_be_about_another_metric() {
    let run = run();
    // 1300 / 320 KiB in every pair.
    let (state, said) = gated(&run, "exploration@8: processes memory > 4");
    assert_eq!(state, GateState::Broken);
    assert!(said.contains("(memory per agent) is 4.06"), "{said}");
    assert_eq!(
        gated(&run, "exploration@8: processes memory > 5").0,
        GateState::Holds
    );
    assert_eq!(
        gated(&run, "coordination@8: processes setup > 5").0,
        GateState::Broken
    );
    assert_eq!(
        gated(&run, "coordination@8: processes p50 < 2").0,
        GateState::Holds
    );
    let (state, said) = gated(&run, "exploration@8: processes messages/s < 1");
    assert_eq!(state, GateState::Open);
    assert!(
        said.ends_with("not measured: no messages were sent"),
        "{said}"
    );
    let mut few = run.clone();
    change_samples(cell_mut(&mut few, "exploration", 8), |_, s| {
        s.set(Metric::SERVICE_TIMED_OPS, 999.0)
    });
    let (state, said) = gated(&few, "exploration@8: processes p99 > 2");
    assert_eq!(state, GateState::Open);
    assert!(said.contains("too few timed ops"), "{said}");
}

#[test]
fn what_was_not_measured_leaves_a_gate_open() {
    let run = run();
    let (state, said) = gated(&run, "coordination@16: processes < 1");
    assert_eq!(state, GateState::Open);
    assert!(said.contains("not measured: 5 of the 6 pairs"), "{said}");
    let (state, said) = gated(&run, "coordination@16: processes setup < 1");
    assert_eq!(state, GateState::Open);
    assert!(said.contains("5 of the 6 pairs"), "{said}");
    let (state, said) = gated(&run, "coordination@64: processes < 1");
    assert_eq!(state, GateState::Open);
    assert!(said.contains("left out, or the run ended before"), "{said}");
}

#[test]
fn a_withheld_run_opens_every_gate_and_a_busy_one_labels_them() {
    let (state, said) = gated(&fixture::withheld_run(), "coordination@8: processes < 1");
    assert_eq!(state, GateState::Open);
    assert!(
        said.starts_with("withheld, do not rely on this: gate"),
        "{said}"
    );
    let (state, said) = gated(&fixture::busy_run(), "coordination@8: processes < 1");
    assert_eq!(state, GateState::Broken);
    assert!(said.starts_with("busy machine: gate"), "{said}");
}

#[test]
fn the_comparisons_of_a_record_are_those_that_gates_can_be_about() {
    let all = Comparable::of(&run());
    assert_eq!(all.len(), 12, "controls are not among them");
    assert_eq!(
        check_gates(&[gate("coordination@32: processes < 1")], &all, &all),
        Ok(())
    );
    assert!(check_gates(&[gate("learning@32: processes < 1")], &all, &all).is_err());
}

#[test]
fn gates_are_a_list_below_a_report() {
    let run = run();
    let all = [
        "coordination@8: processes < 1",
        "exploration@1: processes < 0.5",
    ]
    .map(gate);
    let answers = judge_gates(&run, &all);
    assert_eq!(worst(&answers), GateState::Broken);
    let said = text(|out| terminal::write(&gates::document(&answers), &Style::default(), out));
    assert!(said.starts_with("gates\n  gate 'coordination@8"), "{said}");
    assert_eq!(
        text(|out| terminal::write(&gates::document(&[]), &Style::default(), out)),
        ""
    );
}

// Claims and thresholds

fn claim(workload: &str, agents: Option<usize>, subject: Subject, bounds: (f64, f64)) -> Check {
    Check {
        kind: CheckKind::Claim,
        name: "mine".to_owned(),
        workload: workload.to_owned(),
        agents,
        subject,
        at_least: Some(bounds.0),
        at_most: Some(bounds.1),
    }
}

fn ratio_of(metric: Metric, of: &str, to: &str) -> Subject {
    Subject::Ratio {
        metric,
        of: of.to_owned(),
        to: to.to_owned(),
    }
}

fn level_of(metric: Metric, deployment: Option<&str>) -> Subject {
    Subject::Level {
        metric,
        deployment: deployment.map(str::to_owned),
    }
}

fn outcomes(answers: &[CheckAnswer]) -> Vec<CheckOutcome> {
    answers.iter().map(|a| a.outcome).collect()
}

#[test]
fn a_claim_about_a_ratio_is_confirmed_refuted_or_open() {
    let run = run();
    // processes / threads 0.352 [0.335, 0.369], hence threads / processes 2.84 [2.71, 2.99].
    let of = |bounds| {
        let subject = ratio_of(Metric::OPS_PER_S, "threads", "processes");
        let answers = judge_checks(&run, &[claim("coordination", Some(8), subject, bounds)]);
        let [answer] = answers.try_into().unwrap();
        answer
    };
    let confirmed = of((2.0, 4.0));
    assert_eq!(confirmed.outcome, CheckOutcome::Confirmed);
    assert_eq!(
        confirmed.sentence,
        "mine: measured 2.84 [2.71, 2.99] times, claimed 2 to 4 times (coordination, 8 agents, op/s of threads / processes)"
    );
    assert_eq!(confirmed.unit, "ratio");
    assert_eq!(of((4.0, 9.0)).outcome, CheckOutcome::Refuted);
    assert_eq!(of((2.8, 9.0)).outcome, CheckOutcome::Inconclusive);
    let turned = ratio_of(Metric::MEMORY_PER_AGENT_BYTES, "processes", "threads");
    let answers = judge_checks(&run, &[claim("exploration", Some(32), turned, (3.0, 5.0))]);
    assert_eq!(outcomes(&answers), [CheckOutcome::Confirmed]);
}

#[test]
fn a_claim_without_agents_is_answered_for_every_count() {
    let run = run();
    let subject = ratio_of(Metric::OPS_PER_S, "processes", "threads");
    let answers = judge_checks(&run, &[claim("coordination", None, subject, (0.5, 2.0))]);
    use CheckOutcome::{Confirmed, NotMeasured, Refuted};
    // Of 16 agents five pairs count.
    let expected = [Confirmed, Refuted, Refuted, Refuted, NotMeasured, Refuted];
    assert_eq!(outcomes(&answers), expected);
    assert!(
        answers[4]
            .sentence
            .contains("not measured: 5 of the 6 pairs")
    );
    assert_eq!(answers[4].measured, None);
}

#[test]
fn what_a_run_does_not_hold_is_not_measured() {
    let run = run();
    for (workload, agents, subject) in [
        ("learning", Some(8), level_of(Metric::OPS_PER_S, None)),
        ("exploration", Some(64), level_of(Metric::OPS_PER_S, None)),
        (
            "exploration",
            Some(8),
            level_of(Metric::OPS_PER_S, Some("processes:2x4")),
        ),
        (
            "exploration",
            Some(8),
            ratio_of(Metric::SETUP_S, "threads", "processes:2x4"),
        ),
        ("serialize", None, TIMES_JSON),
        (
            "exploration",
            Some(8),
            level_of(Metric::MESSAGES_PER_S, Some("threads")),
        ),
    ] {
        let answers = judge_checks(&run, &[claim(workload, agents, subject, (1.0, 2.0))]);
        assert_eq!(
            outcomes(&answers),
            [CheckOutcome::NotMeasured],
            "{workload}"
        );
        assert_eq!(answers[0].measured, None);
    }
}

#[test]
fn two_deployments_that_never_ran_as_a_pair_are_compared_as_two_samples() {
    let mut run = run();
    let mut other = cell_mut(&mut run, "exploration", 8).clone();
    other.x.deployment = "processes:2x4".to_owned();
    change_samples(&mut other, |side, s| {
        if side == Side::X {
            s.set(Metric::OPS_PER_S, 2.0 * s.ops_per_s());
        }
    });
    run.cells.push(other);
    let subject = ratio_of(Metric::OPS_PER_S, "processes:2x4", "processes");
    let [answer] = judge_checks(&run, &[claim("exploration", Some(8), subject, (1.8, 2.2))])
        .try_into()
        .unwrap();
    assert_eq!(answer.outcome, CheckOutcome::Confirmed);
    let measured = answer.measured.unwrap();
    assert!(
        (measured.value - 2.0).abs() < 1e-9 && measured.low < 2.0,
        "{measured:?}"
    );
}

#[test]
fn a_threshold_is_passed_missed_or_neither_by_every_deployment() {
    let run = run();
    let floor = |at_least: f64| Check {
        kind: CheckKind::Threshold,
        at_most: None,
        ..claim(
            "coordination",
            Some(8),
            level_of(Metric::MESSAGES_PER_S, None),
            (at_least, 0.0),
        )
    };
    // 61,000 · 3.5 op/s, two messages each; processes do 0.352 of it.
    let answers = judge_checks(&run, &[floor(300_000.0)]);
    assert_eq!(outcomes(&answers), [CheckOutcome::Pass, CheckOutcome::Fail]);
    assert!(
        answers[0]
            .sentence
            .contains("(coordination, 8 agents, threads)")
    );
    assert_eq!(answers[0].unit, "messages/s");
    let middle = answers[0].measured.unwrap().value;
    assert_eq!(
        outcomes(&judge_checks(&run, &[floor(middle)]))[0],
        CheckOutcome::Warn
    );
    let one = Check {
        subject: level_of(Metric::MESSAGES_PER_S, Some("processes")),
        ..floor(1_000.0)
    };
    assert_eq!(outcomes(&judge_checks(&run, &[one])), [CheckOutcome::Pass]);
}

#[test]
fn a_withheld_run_settles_no_claim_and_a_busy_one_labels_it() {
    let subject = || ratio_of(Metric::OPS_PER_S, "processes", "threads");
    let claims = [(0.2, 0.5), (2.0, 3.0)].map(|b| claim("coordination", Some(8), subject(), b));
    let mut run = run();
    use CheckOutcome::{Confirmed, Inconclusive, Refuted, Warn};
    assert_eq!(outcomes(&judge_checks(&run, &claims)), [Confirmed, Refuted]);
    run.busy = Some("others".to_owned());
    let busy = judge_checks(&run, &claims);
    assert_eq!(outcomes(&busy), [Confirmed, Refuted]);
    run.checks = busy;
    assert!(
        shown(&run).contains("busy machine: mine"),
        "{}",
        shown(&run)
    );
    run.withheld = Some("a null has a winner".to_owned());
    let withheld = judge_checks(&run, &claims);
    assert_eq!(outcomes(&withheld), [Inconclusive, Inconclusive]);
    run.checks = withheld;
    let label = "busy machine; withheld, do not rely on this: mine";
    assert!(shown(&run).contains(label), "{}", shown(&run));
    let floor = Check {
        kind: CheckKind::Threshold,
        ..claims[0].clone()
    };
    assert_eq!(outcomes(&judge_checks(&run, &[floor])), [Warn]);
}

#[test]
fn formats_are_held_against_json_body_by_body() {
    let mut run = fixture::formats_run();
    let check = Check {
        kind: CheckKind::Threshold,
        at_most: None,
        ..claim("serialize", None, TIMES_JSON, (2.0, 0.0))
    };
    let answers = judge_checks(&run, std::slice::from_ref(&check));
    let mut found: FormatAnswers = run.finding(formats::NAME).expect("it is in the fixture");
    let bodies = &mut found.bodies;
    assert_eq!(answers.len(), bodies.len());
    for (answer, body) in answers.iter().zip(bodies.iter()) {
        let expected = match body.floor.as_ref().unwrap().state {
            FloorState::Confirmed => CheckOutcome::Pass,
            FloorState::Refuted => CheckOutcome::Fail,
            FloorState::Inconclusive => CheckOutcome::Warn,
        };
        assert_eq!(answer.outcome, expected, "{}", answer.sentence);
    }
    // A part that reaches it does not prove the whole.
    let floor = bodies[0].floor.as_mut().unwrap();
    floor.missing = vec!["rkyv decode".to_owned()];
    bodies[1].floor = None;
    let found = study::finding(&found).expect("a finding is JSON");
    run.findings.insert(formats::NAME.to_owned(), found);
    let answers = judge_checks(&run, &[check]);
    assert_eq!(answers[0].outcome, CheckOutcome::Warn);
    assert!(answers[0].sentence.contains("(not measured: rkyv decode)"));
    assert_eq!(answers[1].outcome, CheckOutcome::NotMeasured);
}

/// A hop between two deployments, or two ways of delivery: cells whose sides are told apart otherwise.
fn hop(workload: &str, x_workload: Option<&str>, transports: [&str; 2]) -> Cell {
    let mut cell = run().cells.remove(1);
    cell.weight = Weight::Beside;
    let is_native = transports == ["channel", "ipc"] || x_workload.is_some();
    for (arm, name, transport) in [
        (&mut cell.baseline, workload, transports[0]),
        (&mut cell.x, x_workload.unwrap_or(workload), transports[1]),
    ] {
        arm.workload = name.to_owned();
        arm.transport = transport.to_owned();
        arm.stands = is_native;
        arm.label = match x_workload {
            None => format!("{} {transport}", arm.deployment),
            Some(_) => name.to_owned(),
        };
    }
    cell.study = if x_workload.is_some() {
        "delivery"
    } else {
        "message"
    }
    .to_owned();
    change_samples(&mut cell, |side, s| {
        let ns = if side == Side::X { 40_000.0 } else { 1_000.0 };
        let p50_ns = ns * (1.0 + 1e-3 * (s.ops % 7) as f64);
        s.set(Metric::SERVICE_P50_NS, p50_ns);
        s.set(Metric::SERVICE_P99_NS, 2.0 * p50_ns);
        s.set(Metric::SERVICE_MEAN_NS, p50_ns);
        s.set(Metric::SERVICE_TIMED_OPS, 500.0);
    });
    cell
}

/// The same where the scheduler does not put its ends.
fn pinned(name: &str) -> Cell {
    let mut cell = hop(name, None, ["channel", "ipc"]);
    cell.cpus = Pinning::OneCpu;
    cell.baseline.stands = false;
    cell.x.stands = false;
    cell
}

#[test]
fn messages_are_those_of_the_native_transports_where_nothing_is_pinned() {
    let mut run = run();
    let name = "message/ping_pong/64";
    run.cells = vec![hop(name, None, ["ring", "ring"]), pinned(name)];
    let subject = ratio_of(Metric::SERVICE_P50_NS, "processes", "threads");
    let claim = claim(name, None, subject, (10.0, 100.0));
    let answers = judge_checks(&run, std::slice::from_ref(&claim));
    assert_eq!(outcomes(&answers), [CheckOutcome::NotMeasured]);
    run.cells.push(hop(name, None, ["channel", "ipc"]));
    let answers = judge_checks(&run, &[claim]);
    assert_eq!(outcomes(&answers), [CheckOutcome::Confirmed]);
    let measured = answers[0].measured.unwrap();
    assert!((39.0..41.0).contains(&measured.value), "{measured:?}");
}

#[test]
fn a_delivery_is_found_by_its_own_name_and_needs_as_many_messages_as_any_op() {
    let mut run = run();
    let (polls, woken) = ("delivery/poll/10/2.4", "delivery/event/2.4");
    let mut cell = hop(polls, Some(woken), ["channel", "channel"]);
    cell.x.deployment = "threads".to_owned();
    run.cells = vec![cell];
    let of = |workload: &str, metric, bounds| {
        let level = level_of(metric, None);
        outcomes(&judge_checks(&run, &[claim(workload, None, level, bounds)]))
    };
    use CheckOutcome::{Confirmed, Refuted};
    // 40 µs; of 500 messages there is no 99th percentile.
    assert_eq!(
        of(woken, Metric::SERVICE_MEAN_NS, (0.03, 0.05)),
        [Confirmed]
    );
    let p99 = of(woken, Metric::SERVICE_P99_NS, (0.07, 0.09));
    assert_eq!(p99, [CheckOutcome::NotMeasured]);
    assert_eq!(of(polls, Metric::SERVICE_MEAN_NS, (4.0, 6.0)), [Refuted]);
}

#[test]
fn the_thresholds_that_ship_are_answered_and_most_are_about_other_runs() {
    let mut run = run();
    run.checks = judge_checks(&run, &thresholds(None, &study::quantities()).unwrap());
    let said = shown(&run);
    let words: Vec<&str> = said.split_whitespace().collect();
    let words = words.join(" ");
    assert!(words.contains("PASS simple routing: measured"), "{said}");
    assert!(
        said.contains("more are about what this run did not measure"),
        "{said}"
    );
    assert!(!said.contains("NOT MEASURED"), "{said}");
    assert!(widest(&said) <= 100, "{said}");
    // Claims are there because somebody asked: each has its line.
    let subject = level_of(Metric::OPS_PER_S, Some("threads"));
    let asked = [claim("learning", Some(1), subject, (1.0, 2.0))];
    run.checks = judge_checks(&run, &asked);
    assert!(
        shown(&run).contains("NOT MEASURED  mine: not measured"),
        "{}",
        shown(&run)
    );
    run.checks.clear();
    assert!(!shown(&run).contains("thresholds"));
}

// Comparisons

fn compared(old: &Run, new: &Run) -> Comparison {
    compare(old, new, &Tolerances::default(), false).unwrap_or_else(|e| panic!("{e}"))
}

fn line<'a>(c: &'a Comparison, at: (&str, usize), of: &str, metric: Metric) -> &'a ComparedLine {
    c.cells
        .iter()
        .filter(|c| (c.workload.as_str(), c.agents) == at)
        .flat_map(|c| &c.lines)
        .find(|l| l.of == of && l.metric == metric)
        .expect("there is such a line")
}

/// A later run in which processes are slower at 8 agents of coordination, start faster, and take more
/// memory.
fn later() -> Run {
    let mut run = run();
    run.started = "2026-02-03T04:05:06Z".to_owned();
    let cell = cell_mut(&mut run, "coordination", 8);
    change_samples(cell, |side, s| {
        if side == Side::X {
            for (metric, times) in [
                (Metric::OPS_PER_S, 0.5),
                (Metric::SETUP_S, 0.5),
                (Metric::MEMORY_PER_AGENT_BYTES, 2.0),
                (Metric::SERVICE_P50_NS, 2.0),
            ] {
                s.set(metric, times * s.value(metric));
            }
        }
    });
    let effect = cell.effect.as_mut().unwrap();
    for end in [&mut effect.ratio, &mut effect.low, &mut effect.high] {
        *end *= 0.5;
    }
    run
}

#[test]
fn a_run_is_unchanged_against_itself() {
    let c = compared(&run(), &run());
    let lines = || c.cells.iter().flat_map(|c| &c.lines);
    let settled = lines().filter(|l| l.verdict != ChangeVerdict::NotMeasured);
    let is_one = |l: &ComparedLine| l.change.is_some_and(|c| (c.value - 1.0).abs() < 1e-12);
    assert!(settled.clone().all(is_one));
    let moved = |l: &&ComparedLine| {
        !matches!(
            l.verdict,
            ChangeVerdict::Unchanged | ChangeVerdict::Inconclusive
        )
    };
    assert_eq!(settled.filter(moved).count(), 0);
    assert_eq!((c.regressions, c.refused.len(), c.labels.len()), (0, 0, 0));
    // Twelve cells of eleven lines: five metrics of two sides, and the ratio.
    assert_eq!(lines().count(), 132);
    assert!(
        c.sentence
            .starts_with("nothing got worse with certainty (0 of 132"),
        "{}",
        c.sentence
    );
    // Five pairs of coordination@16 are too few, on both sides.
    let open = line(&c, ("coordination", 16), "threads", Metric::OPS_PER_S);
    assert_eq!(open.verdict, ChangeVerdict::NotMeasured);
    assert!(
        open.reason
            .as_ref()
            .unwrap()
            .contains("5 invocations count")
    );
}

#[test]
fn what_changed_is_better_worse_or_of_a_ratio_lower() {
    let c = compared(&run(), &later());
    let at = ("coordination", 8);
    let of = |of, metric| line(&c, at, of, metric).verdict;
    assert_eq!(of("processes", Metric::OPS_PER_S), ChangeVerdict::Worse);
    assert_eq!(
        of("processes / threads", Metric::OPS_PER_S),
        ChangeVerdict::Lower
    );
    assert_eq!(of("processes", Metric::SETUP_S), ChangeVerdict::Better);
    assert_eq!(
        of("processes", Metric::MEMORY_PER_AGENT_BYTES),
        ChangeVerdict::Worse
    );
    assert_eq!(
        of("processes", Metric::SERVICE_P50_NS),
        ChangeVerdict::Worse
    );
    assert_eq!(
        of("processes", Metric::SERVICE_P99_NS),
        ChangeVerdict::Unchanged
    );
    assert_eq!(of("threads", Metric::OPS_PER_S), ChangeVerdict::Unchanged);
    assert_eq!(c.regressions, 3);
    let back = compared(&later(), &run());
    let ratio = line(&back, at, "processes / threads", Metric::OPS_PER_S);
    assert_eq!(ratio.verdict, ChangeVerdict::Higher);
    assert_eq!(back.regressions, 1, "setup");
}

#[test]
fn a_wider_tolerance_forgives() {
    let wide = Tolerances {
        throughput: 3.0,
        latency: 3.0,
        memory: 3.0,
        setup: 3.0,
    };
    let c = compare(&run(), &later(), &wide, false).unwrap();
    assert_eq!(c.regressions, 0);
}

#[test]
fn other_methods_are_refused_always_and_other_machines_unless_asked_for() {
    let (old, mut new) = (run(), run());
    new.method_version += 1;
    let refused = compare(&old, &new, &Tolerances::default(), true).unwrap_err();
    assert!(matches!(refused, Refusal::Method { .. }), "{refused}");
    type Change = fn(&mut Machine);
    let changes: [(Change, &str); 4] = [
        (
            |m| m.cpu_model = Some("another".to_owned()),
            "CPU: Imaginary",
        ),
        (
            |m| m.cpus_effective = 2.0,
            "effective CPUs: 3.50, then 2.00",
        ),
        (|m| m.kernel = None, "kernel: 6.12.1, then unknown"),
        (
            |m| m.vectors = Some("baseline".to_owned()),
            "vectors: avx2+fma, then",
        ),
    ];
    for (change, words) in changes {
        let mut new = run();
        change(&mut new.machine);
        let said = compare(&old, &new, &Tolerances::default(), false)
            .unwrap_err()
            .to_string();
        assert!(
            said.contains(words) && said.contains("--across-machines"),
            "{said}"
        );
        let c = compare(&old, &new, &Tolerances::default(), true).unwrap();
        assert_eq!(c.labels, ["another machine"]);
        let table = text(|out| markdown::write(&changes::document(&c), out));
        let shown = table.matches("another machine").count();
        assert!(shown > 24, "every line is labelled: {table}");
    }
    // What nobody looks at: a machine that was rebooted with other memory in use is the same one.
    let mut new = run();
    new.machine.memory_available_bytes = 1;
    assert!(compare(&old, &new, &Tolerances::default(), false).is_ok());
}

#[test]
fn cells_of_other_work_are_refused_with_the_reason() {
    let old = with_parameters("length = 100  # rounds");
    let same = with_parameters("length = 100\n# another comment");
    assert!(compared(&old, &same).refused.is_empty());
    let c = compared(&old, &with_parameters("length = 50"));
    assert_eq!(c.refused.len(), 6, "those of exploration");
    assert!(
        c.refused[0]
            .why
            .contains("parameters of exploration changed")
    );
    assert_eq!(c.cells.len(), 6);
    let mut window = run();
    cell_mut(&mut window, "exploration", 2).window_s = 0.5;
    let c = compared(&run(), &window);
    assert_eq!(c.refused.len(), 1);
    assert_eq!(c.refused[0].cell, "exploration@2 processes/threads");
    assert!(c.refused[0].why.contains("window was 0.25 s, then 0.5 s"));
    let mut digest = run();
    cell_mut(&mut digest, "exploration", 2).digest = Some("dead".to_owned());
    let c = compared(&run(), &digest);
    assert!(c.refused[0].why.contains("did not do the same"));
    // Without a digest nothing is known, which is no reason.
    cell_mut(&mut digest, "exploration", 2).digest = None;
    assert!(compared(&run(), &digest).refused.is_empty());
}

fn with_parameters(toml: &str) -> Run {
    let mut run = run();
    run.workloads = vec![WorkloadRecord {
        name: "exploration".to_owned(),
        origin: String::new(),
        parameters: toml::from_str(&format!("workload = \"exploration\"\n{toml}\n")).expect("TOML"),
        episode_length: 100,
        life_length: None,
        digest_round: 125,
    }];
    run
}

#[test]
fn where_no_cell_is_left_the_whole_is_refused() {
    let mut seed = run();
    seed.seed += 1;
    let said = compare(&run(), &seed, &Tolerances::default(), false)
        .unwrap_err()
        .to_string();
    assert!(said.contains("the seed was 42, then 43"), "{said}");
    let mut other = run();
    other.cells.truncate(6);
    let mut old = run();
    old.cells.drain(..6);
    let said = compare(&old, &other, &Tolerances::default(), false)
        .unwrap_err()
        .to_string();
    assert!(said.contains("no cell in common"), "{said}");
    assert!(
        said.contains("coordination@1 processes/threads and 5 more"),
        "{said}"
    );
}

#[test]
fn cells_of_one_run_alone_are_named() {
    let (mut old, mut new) = (run(), run());
    old.cells.remove(0);
    new.cells.remove(11);
    let c = compared(&old, &new);
    assert_eq!(c.only_old, ["coordination@32 processes/threads"]);
    assert_eq!(c.only_new, ["exploration@1 processes/threads"]);
    let table = text(|out| terminal::write(&changes::document(&c), &Style::default(), out));
    assert!(
        table.contains("only in the earlier run: coordination@32"),
        "{table}"
    );
    assert!(
        table.contains("only in the later run: exploration@1"),
        "{table}"
    );
}

#[test]
fn hops_and_variants_are_told_apart_by_what_differs() {
    let mut run = run();
    let name = "message/ping_pong/64";
    run.cells = vec![
        hop(name, None, ["channel", "ipc"]),
        hop(name, None, ["ring", "ring"]),
        pinned(name),
        hop(
            "delivery/poll/10/2.4",
            Some("delivery/event/2.4"),
            ["channel", "ipc"],
        ),
    ];
    let c = compared(&run, &run);
    assert_eq!(c.cells.len(), 4);
    assert_eq!(c.cells[0].x, "processes ipc");
    assert_eq!(c.cells[3].x, "delivery/event/2.4 (processes)");
    // Two ends have no setup and no memory that anybody would choose by.
    assert!(c.cells.iter().all(|c| c.lines.len() == 7));
    let mut other = run.clone();
    other.cells.remove(2);
    assert_eq!(
        compared(&run, &other).only_old[0],
        format!("{name}@2 processes ipc/threads channel on one CPU")
    );
    let table = text(|out| terminal::write(&changes::document(&c), &Style::default(), out));
    assert_eq!(
        table.matches("\nmessage/ping_pong/64").count(),
        1,
        "{table}"
    );
}

#[test]
fn what_may_mislead_stands_before_everything() {
    let (old, new) = (fixture::busy_run(), fixture::withheld_run());
    let c = compared(&old, &new);
    assert_eq!(c.labels, ["withheld (new)", "busy machine (old)"]);
    assert!(
        c.sentence
            .starts_with("withheld (new), busy machine (old): ")
    );
    for said in [
        text(|out| terminal::write(&changes::document(&c), &Style::default(), out)),
        text(|out| markdown::write(&changes::document(&c), out)),
    ] {
        assert!(said.contains("busy machine: other programs use"), "{said}");
        assert!(said.contains("withheld: this machine could not"), "{said}");
    }
    let both = compared(&old, &old);
    assert_eq!(both.labels, ["busy machine"]);
    let incomplete = compared(&old, &fixture::incomplete_run());
    assert_eq!(
        incomplete.labels,
        ["busy machine (old)", "incomplete (new)"]
    );
}

#[test]
fn settings_that_differ_are_named_and_what_neither_knows_is_not() {
    let (mut old, mut new) = (run(), later());
    assert_eq!(old.machine.governor, None);
    assert_eq!(compared(&old, &new).settings, Vec::<String>::new());
    old.build_id = Some("aa11".to_owned());
    new.build_id = Some("bb22".to_owned());
    new.machine.governor = Some("powersave".to_owned());
    new.machine.turbo = old.machine.turbo.map(|on| !on);
    new.machine.virtualization = None;
    new.machine.memory_limit_bytes = Some(1 << 30);
    let environment = |set: &[(&str, &str)]| {
        let set = set.iter().map(|(n, v)| (n.to_string(), v.to_string()));
        Some(set.collect())
    };
    new.machine.environment = environment(&[("LD_PRELOAD", "/lib/a.so")]);
    // An earlier version did not look at it.
    assert!(
        compared(&old, &new)
            .settings
            .iter()
            .all(|s| !s.contains("LD_PRELOAD"))
    );
    old.machine.environment = environment(&[("MALLOC_ARENA_MAX", "1"), ("LD_BIND_NOW", "1")]);
    new.machine.environment = environment(&[("LD_PRELOAD", "/lib/a.so"), ("LD_BIND_NOW", "1")]);
    let c = compared(&old, &new);
    let turbo = new.machine.turbo.map(|on| match on {
        true => "frequency boost was off, then on",
        false => "frequency boost was on, then off",
    });
    let mut expected = vec![
        "the executable was aa11, then bb22",
        "the governor was unknown, then powersave",
    ];
    expected.extend(turbo);
    expected.extend([
        "the memory limit was 8.00 GiB, then 1.00 GiB",
        "the container or virtual machine was container, then none",
        "LD_PRELOAD was not set, then /lib/a.so",
        "MALLOC_ARENA_MAX was 1, then not set",
    ]);
    assert_eq!(c.settings, expected);
    for said in [
        text(|out| terminal::write(&changes::document(&c), &Style::default(), out)),
        text(|out| markdown::write(&changes::document(&c), out)),
    ] {
        assert!(
            said.contains("the executable was aa11, then bb22"),
            "{said}"
        );
    }
}

#[test]
fn a_comparison_is_a_table_a_report_and_a_record() {
    let c = compared(&run(), &later());
    let table = text(|out| terminal::write(&changes::document(&c), &Style::default(), out));
    assert!(widest(&table) <= 100, "{table}");
    insta::assert_snapshot!(table);
    insta::assert_snapshot!(text(|out| markdown::write(&changes::document(&c), out)));
    let written = serde_json::to_string(&c).unwrap();
    assert_eq!(serde_json::from_str::<Comparison>(&written).unwrap(), c);
}

// History

fn at(started: &str, mut run: Run) -> (String, Run) {
    run.started = started.to_owned();
    (format!("reports/{}/run.json", &started[..10]), run)
}

#[test]
fn a_history_is_sorted_by_time_and_never_mixes_machines_methods_or_work() {
    let mut other_machine = run();
    other_machine.machine.kernel = Some("7.0".to_owned());
    let mut other_method = run();
    other_method.method_version += 1;
    let mut other_seed = run();
    other_seed.seed = 7;
    let runs = vec![
        at("2026-03-01T00:00:00Z", later()),
        at("2026-01-01T00:00:00Z", run()),
        at("2026-02-01T00:00:00Z", other_machine),
        at("2026-02-02T00:00:00Z", other_method),
        at("2026-04-01T00:00:00Z", other_seed),
    ];
    let h = history(runs, Vec::new());
    let sizes: Vec<usize> = h.groups.iter().map(|g| g.records).collect();
    assert_eq!(
        sizes,
        [1, 1, 3],
        "the one that was measured last comes last"
    );
    let series = &h.groups[2].series;
    assert_eq!(series.len(), 24, "another seed begins series of its own");
    let eight: Vec<_> = series
        .iter()
        .filter(|s| s.workload == "coordination" && s.agents == 8)
        .collect();
    let starts =
        |i: usize| -> Vec<&str> { eight[i].points.iter().map(|p| &p.started[..10]).collect() };
    assert_eq!(starts(0), ["2026-01-01", "2026-03-01"]);
    assert_eq!(starts(1), ["2026-04-01"]);
    assert_eq!((eight[0].seed, eight[1].seed), (42, 7));
    let ratios: Vec<f64> = eight[0]
        .points
        .iter()
        .map(|p| p.effect.unwrap().ratio)
        .collect();
    assert_eq!(ratios, [0.352, 0.176]);
    let rate = eight[0].points[0].baseline_ops_per_s.unwrap();
    assert!((rate / 213_500.0 - 1.0).abs() < 0.01, "{rate}");
}

#[test]
fn a_history_is_a_table_with_a_picture_a_page_and_a_record() {
    let keep = |mut run: Run| {
        run.cells
            .retain(|c| !c.is_comparison() || [8, 16].contains(&c.agents));
        run
    };
    let runs = vec![
        at("2026-01-01T10:20:30Z", keep(run())),
        at("2026-01-02T10:20:30Z", keep(later())),
        at("2026-01-03T10:20:30Z", keep(fixture::withheld_run())),
        at("2026-01-04T10:20:30Z", keep(fixture::busy_run())),
    ];
    let skipped = vec![Skipped {
        file: "reports/torn/run.json".to_owned(),
        why: "line 3, column 1: torn".to_owned(),
    }];
    let h = history(runs, skipped);
    let table = text(|out| terminal::write(&past::document(&h), &Style::default(), out));
    assert!(widest(&table) <= 100, "{table}");
    insta::assert_snapshot!(table);
    insta::assert_snapshot!(text(|out| markdown::write(&past::document(&h), out)));
    let written = serde_json::to_string(&h).unwrap();
    assert_eq!(
        serde_json::from_str::<forkscope::record::history::History>(&written).unwrap(),
        h
    );
    let ascii = Style {
        unicode: false,
        ..Style::default()
    };
    let plain = text(|out| terminal::write(&past::document(&h), &ascii, out));
    assert!(plain.is_ascii() && !plain.contains('?'), "{plain}");
}

#[test]
fn a_group_without_comparisons_says_so() {
    let mut run = run();
    run.cells.clear();
    let h = history(vec![at("2026-01-01T00:00:00Z", run)], Vec::new());
    let table = text(|out| terminal::write(&past::document(&h), &Style::default(), out));
    assert!(table.contains("nothing was compared here"), "{table}");
    assert!(table.starts_with("1 record, method"), "{table}");
}
