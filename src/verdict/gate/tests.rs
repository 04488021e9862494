//! Tests: does a run hold what somebody made a condition, so that a build may go on?

use super::*;

fn gate(text: &str) -> Gate {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn a_gate_is_read_and_written_alike() {
    for text in [
        "coordination@8: processes < 1.00",
        "exploration@32: processes:2x4 >= 0.9",
        "my-work@load@1: threads:cores memory > 5",
        "probes/tlb@2: processes:cores p99 <= 1.5",
    ] {
        assert_eq!(gate(text).to_string(), text);
    }
    let read = gate("  coordination @ 8 :  processes   op/s<1.00 ");
    assert_eq!(read, gate("coordination@8: processes < 1.00"));
    assert_eq!(gate("my-work@load@1: threads > 2").workload, "my-work@load");
    assert_eq!(gate("a@1: processes setup > 2").metric, Metric::SETUP_S);
}

#[test]
fn what_is_no_gate_is_refused_with_what_is_wrong_in_it() {
    for (text, words) in [
        ("", "colon is missing"),
        ("coordination@8 processes < 1", "colon is missing"),
        ("coordination: processes < 1", "is not WORKLOAD@AGENTS"),
        ("@8: processes < 1", "is not WORKLOAD@AGENTS"),
        (
            "coordination@0: processes < 1",
            "\"0\" is no number of agents",
        ),
        (
            "coordination@x: processes < 1",
            "\"x\" is no number of agents",
        ),
        ("coordination@8: processes 1", "none of < <= > >="),
        ("coordination@8: processes = 1", "none of < <= > >="),
        ("coordination@8: < 1", "the deployment is missing"),
        (
            "coordination@8: fibers < 1",
            "\"fibers\" is not a deployment",
        ),
        (
            "coordination@8: processes speed < 1",
            "\"speed\" is no metric",
        ),
        ("coordination@8: processes p99 of < 1", "one word too many"),
        ("coordination@8: processes <", "\"\" is no ratio above 0"),
        ("coordination@8: processes < many", "\"many\" is no ratio"),
        ("coordination@8: processes < 0", "\"0\" is no ratio above 0"),
        ("coordination@8: processes < -1", "\"-1\" is no ratio"),
        ("coordination@8: processes < inf", "\"inf\" is no ratio"),
        ("coordination@8: processes < NaN", "\"NaN\" is no ratio"),
        ("coordination@8: processes << 1", "\"< 1\" is no ratio"),
    ] {
        let said = text.parse::<Gate>().expect_err(text).to_string();
        assert!(said.contains(words), "{text}: {said}");
        assert!(said.contains("for example 'coordination@8"), "{said}");
    }
}

#[test]
fn only_a_whole_interval_settles_a_gate() {
    let of = |condition: &str, low, high| {
        let gate = gate(&format!("coordination@8: processes {condition}"));
        state(&Effect::between(low, high), &gate)
    };
    for (below, above) in [("< 1.00", ">= 1.00"), ("<= 1.00", "> 1.00")] {
        assert_eq!(of(below, 0.8, 0.9), GateState::Broken);
        assert_eq!(of(below, 0.9, 1.1), GateState::Open);
        assert_eq!(of(below, 1.1, 1.2), GateState::Holds);
        assert_eq!(of(above, 0.8, 0.9), GateState::Holds);
        assert_eq!(of(above, 0.9, 1.1), GateState::Open);
        assert_eq!(of(above, 1.1, 1.2), GateState::Broken);
    }
}

#[test]
fn an_end_on_the_number_goes_where_the_sign_puts_it() {
    let of = |condition: &str, low, high| {
        let gate = gate(&format!("coordination@8: processes {condition}"));
        state(&Effect::between(low, high), &gate)
    };
    assert_eq!(of("< 1", 0.9, 1.0), GateState::Open);
    assert_eq!(of("<= 1", 0.9, 1.0), GateState::Broken);
    assert_eq!(of("< 1", 1.0, 1.1), GateState::Holds);
    assert_eq!(of("<= 1", 1.0, 1.1), GateState::Open);
    assert_eq!(of("> 1", 1.0, 1.1), GateState::Open);
    assert_eq!(of(">= 1", 1.0, 1.1), GateState::Broken);
    assert_eq!(of("> 1", 0.9, 1.0), GateState::Holds);
    assert_eq!(of(">= 1", 0.9, 1.0), GateState::Open);
}

#[test]
fn what_is_not_a_number_leaves_a_gate_open() {
    let gate = gate("coordination@8: processes < 1");
    assert_eq!(
        state(&Effect::between(f64::NAN, 0.5), &gate),
        GateState::Open
    );
    assert_eq!(
        state(&Effect::between(f64::NAN, f64::NAN), &gate),
        GateState::Open
    );
    assert_eq!(
        state(&Effect::between(0.5, f64::INFINITY), &gate),
        GateState::Open
    );
}

fn comparable(workload: &str, agents: usize, x: &str) -> Comparable {
    Comparable {
        workload: workload.to_owned(),
        agents,
        baseline: "threads".to_owned(),
        x: x.to_owned(),
    }
}

#[test]
fn a_gate_that_could_never_be_settled_is_refused_with_what_could() {
    let asked = [
        comparable("exploration", 1, "processes"),
        comparable("exploration", 8, "processes"),
        comparable("coordination", 8, "processes"),
        comparable("coordination", 8, "processes:2x4"),
    ];
    let check = |text: &str, planned: &[Comparable], asked: &[Comparable]| {
        check_gates(&[gate(text)], planned, asked)
    };
    assert_eq!(check_gates(&[], &[], &[]), Ok(()));
    let there = "coordination@8: processes:2x4 < 1";
    assert_eq!(check(there, &asked, &asked), Ok(()));
    let said = check("coordination@1: processes < 1", &asked, &asked).unwrap_err();
    assert!(
        said.ends_with(
            "there are exploration@1 and 8: processes (against threads); coordination@8: \
             processes (against threads); coordination@8: processes:2x4 (against threads)"
        ),
        "{said}"
    );
    // The baseline is what everything is divided by.
    assert!(check("exploration@8: threads < 1", &asked, &asked).is_err());
    let said = check("exploration@8: processes < 1", &asked[..1], &asked).unwrap_err();
    assert!(said.contains("there is no time"), "{said}");
    let said = check(there, &[], &[]).unwrap_err();
    assert!(said.contains("nothing here compares"), "{said}");
}

#[test]
fn a_broken_gate_outranks_an_open_one() {
    let all = |states: &[GateState]| -> Vec<GateAnswer> {
        let of = |&state: &GateState| GateAnswer {
            state,
            sentence: String::new(),
        };
        states.iter().map(of).collect()
    };
    use GateState::{Broken, Holds, Open};
    let exit = |states: &[GateState]| exit_of(worst(&all(states)));
    assert_eq!(exit(&[]), 0);
    assert_eq!(exit(&[Holds, Holds]), 0);
    assert_eq!(exit(&[Holds, Open]), 3);
    assert_eq!(exit(&[Open, Broken, Holds]), 4);
}
