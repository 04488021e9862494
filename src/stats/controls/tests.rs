//! Tests: could this machine tell a thing from itself, and see a known effect?

use super::*;
use crate::record::Arm;

fn measured(ratio: f64, low: f64, high: f64) -> Effect {
    Effect {
        ratio,
        pair_sd: 0.024,
        pairs_needed: 16,
        ..Effect::between(low, high)
    }
}

fn control(role: Role, effect: Option<Effect>, verdict: Verdict) -> Cell {
    Cell {
        role,
        agents: 4,
        baseline: Arm::of("exploration", "threads", "none"),
        x: Arm::of("exploration", "threads", "none"),
        window_s: 0.25,
        effect,
        verdict,
        ..Cell::default()
    }
}

fn known(asked: f64, effect: Effect) -> Cell {
    control(Role::Known(asked), Some(effect), Verdict::Inconclusive)
}

fn ahead() -> Verdict {
    Verdict::Ahead {
        deployment: "threads".to_owned(),
    }
}

#[test]
fn nulls_within_their_noise_do_not_widen() {
    assert_eq!(inflation(&[]), 1.0);
    assert_eq!(inflation(&[measured(1.01, 0.98, 1.04); 2]), 1.0);
    let still = Effect {
        standard_error: 0.0,
        ..measured(1.1, 1.1, 1.1)
    };
    assert_eq!(inflation(&[still]), 1.0);
}

#[test]
fn nulls_beyond_their_noise_widen_by_their_own_size() {
    // z = ±6 in both with ν = 4: Σ z² (ν − 2)/ν / J = 36 / 2.
    let far = [
        measured(0.06_f64.exp(), 0.9, 1.1),
        measured((-0.06_f64).exp(), 0.9, 1.1),
    ];
    assert!((inflation(&far) - 18.0_f64.sqrt()).abs() < 1e-9);
}

#[test]
fn one_control_widens_exactly_beyond_its_t_quantile() {
    let at = |z: f64| inflation(&[measured((0.01 * z).exp(), 0.9, 1.1)]);
    assert_eq!(at(2.77), 1.0);
    assert!(at(2.79) > 1.0);
}

#[test]
fn controls_that_hold_withhold_nothing() {
    let cells = [
        control(Role::Null, Some(measured(1.0, 0.99, 1.01)), Verdict::Tie),
        control(
            Role::Null,
            Some(measured(1.0, 0.9, 1.1)),
            Verdict::Inconclusive,
        ),
        known(0.909, measured(0.905, 0.893, 0.917)),
    ];
    assert_eq!(withheld(&cells), None);
    assert_eq!(withheld(&[]), None);
}

#[test]
fn a_null_with_a_winner_withholds_the_headline() {
    let cells = [control(
        Role::Null,
        Some(measured(1.1, 1.05, 1.15)),
        ahead(),
    )];
    let reason = withheld(&cells).unwrap();
    assert!(reason.starts_with("this machine could not tell a thing from itself"));
    assert!(reason.contains("exploration, 4 agents"), "{reason}");
    assert!(reason.contains("1.100 [1.050, 1.150]"), "{reason}");
}

#[test]
fn a_known_effect_that_is_missed_or_drowned_withholds_the_headline() {
    for e in [measured(0.95, 0.93, 0.97), measured(0.93, 0.85, 1.01)] {
        let reason = withheld(&[known(0.909, e)]).unwrap();
        assert!(reason.starts_with("not sensitive enough here"), "{reason}");
        assert!(reason.contains("asked 0.909"), "{reason}");
    }
}

#[test]
fn an_interval_that_is_wider_than_the_effect_resolves_nothing() {
    let lucky = known(0.909, measured(0.72, 0.60, 0.864));
    assert_eq!(judge_control(&lucky), Some(Judgement::Drowned));
    let sharp = known(0.909, measured(0.88, 0.81, 0.956));
    assert_eq!(judge_control(&sharp), Some(Judgement::Holds));
}

#[test]
fn a_known_effect_just_outside_of_its_95_percent_interval_is_not_missed_yet() {
    // t(0.995, 4) / t(0.975, 4) = 4.604 / 2.776: ± 2 % becomes ± 3.3 %.
    let at = |ratio: f64| known(0.909, measured(ratio, ratio / 1.02, ratio * 1.02));
    assert_eq!(judge_control(&at(0.909 * 1.03)), Some(Judgement::Holds));
    assert_eq!(judge_control(&at(0.909 * 1.036)), Some(Judgement::Missed));
    assert_eq!(judge_control(&at(0.909 / 1.036)), Some(Judgement::Missed));
}

#[test]
fn a_deployment_whose_null_nobody_could_judge_withholds_the_headline() {
    let reason = || "4 pairs count".to_owned();
    let missing = control(Role::Null, None, Verdict::NotMeasured { reason: reason() });
    let held = control(Role::Null, Some(measured(1.0, 0.99, 1.01)), Verdict::Tie);
    let compared = control(Role::Question, Some(measured(1.1, 1.05, 1.15)), ahead());
    let said = withheld(&[missing.clone(), held.clone(), compared.clone()]).unwrap();
    assert!(said.starts_with("the null control of threads"), "{said}");
    assert_eq!(withheld(&[held, compared.clone()]), None);
    let other = Cell {
        x: Arm::of("exploration", "processes:2", "none"),
        baseline: Arm::of("exploration", "processes:2", "none"),
        ..missing
    };
    assert_eq!(withheld(&[other, compared]), None, "nothing rests on it");
}

#[test]
fn known_effects_that_nobody_could_judge_withhold_the_headline() {
    let missing = control(Role::Known(0.909), None, Verdict::Inconclusive);
    let said = withheld(std::slice::from_ref(&missing)).unwrap();
    assert!(said.contains("known effect could not be judged"), "{said}");
    let held = known(0.909, measured(0.905, 0.893, 0.917));
    assert_eq!(withheld(&[missing, held]), None);
}

#[test]
fn cells_that_are_not_controls_are_not_judged() {
    let compare = control(Role::Question, Some(measured(1.1, 1.05, 1.15)), ahead());
    assert_eq!(withheld(&[compare]), None);
}
