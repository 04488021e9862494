//! Tests: what one agent computes: discrete active inference, as pymdp defines it.

use ndarray::{Array3, ArrayD, IxDyn};
use rand_pcg::Pcg64;

use super::*;

/// Columns over axis 0 that sum to 1; sparse where `period` is above 1.
fn columns(shape: &[usize], period: usize) -> ArrayD<f64> {
    let mut i = 0;
    let mut a = ArrayD::from_shape_simple_fn(IxDyn(shape), || {
        i += 1;
        (i * 7919 % 101 + 1) as f64 * f64::from(u8::from(i * 31 % period == 0))
    });
    for (i, mut column) in a.lanes_mut(ndarray::Axis(0)).into_iter().enumerate() {
        let n = column.len();
        column[i % n] += 40.0;
        let sum = column.sum();
        column /= sum;
    }
    a
}

/// qs, G, q_pi and actions of a learning, planning, drawing agent at one level.
fn run(
    level: Level,
    states: &[usize],
    outcomes: &[usize],
    period: usize,
) -> (Vec<f64>, Vec<usize>) {
    let a: Vec<ArrayD<f64>> = outcomes
        .iter()
        .map(|&o| columns(&[&[o], states].concat(), period))
        .collect();
    let three = |&s: &usize| {
        columns(&[s, s, 3], period)
            .into_dimensionality()
            .expect("three axes")
    };
    let b: Vec<Array3<f64>> = states.iter().map(three).collect();
    let spec = ModelSpec {
        p_a: Some(a.iter().map(|a| a * 5.0).collect()),
        p_b: Some(b.iter().map(|b| b * 5.0).collect()),
        a,
        b,
        ..ModelSpec::default()
    };
    let settings = Settings {
        policy_len: 2,
        gamma: 1.0,
        use_param_info_gain: true,
        action_selection: ActionSelection::Stochastic,
        learn: Learn {
            a: true,
            b: true,
            d: false,
        },
        ..Settings::default()
    };
    let mut agent = Agent::new(spec, settings).expect("a valid model");
    agent.level = level;
    agent.derive();
    let mut rng = Pcg64::new(3, 3);
    let (mut numbers, mut actions) = (Vec::new(), Vec::new());
    for t in 0..6 {
        let obs: Vec<_> = outcomes
            .iter()
            .map(|&n| Observation::Index(t * 5 % n))
            .collect();
        agent.infer_states(&obs);
        agent.learn();
        agent.infer_policies();
        numbers.extend(agent.qs.iter().chain(agent.g()).chain(agent.q_pi()));
        actions.extend_from_slice(agent.act(&mut rng));
    }
    (numbers, actions)
}

#[test]
fn every_level_computes_the_same_and_each_repeats_itself_bit_for_bit() {
    for (states, outcomes, period) in [
        (&[30][..], &[27][..], 1),
        (&[40], &[33], 9),
        (&[4, 3], &[3, 5], 1),
        (&[3, 1, 4], &[4], 2),
    ] {
        let (want, want_actions) = run(Level::Baseline, states, outcomes, period);
        for level in Level::all() {
            let (got, actions) = run(level, states, outcomes, period);
            assert_eq!(actions, want_actions, "{} {states:?}", level.name());
            for (g, w) in got.iter().zip(&want) {
                assert!(
                    (g - w).abs() <= 1e-10,
                    "{} {states:?}: {g:e} {w:e}",
                    level.name()
                );
            }
            assert_eq!(got, run(level, states, outcomes, period).0);
        }
    }
}
