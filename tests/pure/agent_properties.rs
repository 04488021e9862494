//! Does the tuned agent equal plain loops on models nobody chose?

use crate::common::plain::Plain;
use forkscope::agent::{Agent, Evidence, Learn, ModelSpec, Observation, Settings};
use ndarray::{Array1, Array3, ArrayD, IxDyn};
use proptest::prelude::*;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::Rng;

const TOLERANCE: f64 = 1e-9;

/// What kind of matrices a random model has.
#[derive(Clone, Copy, Debug)]
enum Fill {
    /// Every entry positive.
    Dense,
    /// About one entry in eight positive.
    Sparse,
    /// Sparse above a common floor.
    Floor,
}

fn unit(rng: &mut Pcg64) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// Columns over axis 0; for a floor, smallest entries are equal to the last bit.
fn columns(rng: &mut Pcg64, shape: &[usize], fill: Fill) -> ArrayD<f64> {
    let mut a = ArrayD::zeros(IxDyn(shape));
    for mut column in a.lanes_mut(ndarray::Axis(0)) {
        let n = column.len();
        for v in &mut column {
            let pick = unit(rng);
            *v = match fill {
                Fill::Dense => 0.01 + pick,
                Fill::Sparse if pick < 0.125 => 8.0 * pick + 0.05,
                Fill::Sparse => 0.0,
                Fill::Floor if pick < 0.125 => 8.0 * pick + 0.05,
                Fill::Floor => 0.01,
            };
        }
        // No column stays empty.
        column[(rng.next_u64() % n as u64) as usize] += 0.5;
        let sum = column.sum();
        column /= sum;
    }
    a
}

#[derive(Clone, Debug)]
struct Case {
    seed: u64,
    states: Vec<usize>,
    controls: Vec<usize>,
    outcomes: Vec<usize>,
    fill: (Fill, Fill),
    policy_len: usize,
    learn: (bool, bool),
    gains: (bool, bool, bool),
    time_c: bool,
    subset: bool,
}

fn spec(case: &Case) -> ModelSpec {
    let rng = &mut Pcg64::new(u128::from(case.seed), 1);
    let a: Vec<ArrayD<f64>> = case
        .outcomes
        .iter()
        .map(|&o| columns(rng, &[&[o], &case.states[..]].concat(), case.fill.0))
        .collect();
    let b: Vec<Array3<f64>> = case
        .states
        .iter()
        .zip(&case.controls)
        .map(|(&s, &u)| {
            columns(rng, &[s, s, u], case.fill.1)
                .into_dimensionality()
                .expect("three axes")
        })
        .collect();
    let c = case
        .outcomes
        .iter()
        .map(|&o| {
            let shape = if case.time_c {
                vec![o, case.policy_len]
            } else {
                vec![o]
            };
            ArrayD::from_shape_simple_fn(IxDyn(&shape), || 4.0 * unit(rng) - 2.0)
        })
        .collect();
    let d = case
        .states
        .iter()
        .map(|&s| {
            columns(rng, &[s, 1], case.fill.0)
                .into_iter()
                .collect::<Array1<f64>>()
        })
        .collect();
    let counts = |x: &f64| if *x > 0.0 { 4.0 * x + 0.1 } else { 0.0 };
    let needed = case.learn.0 || case.learn.1 || case.gains.2;
    ModelSpec {
        p_a: needed.then(|| a.iter().map(|a| a.map(counts)).collect()),
        p_b: needed.then(|| b.iter().map(|b| b.map(counts)).collect()),
        a,
        b,
        c: Some(c),
        d: Some(d),
        ..ModelSpec::default()
    }
}

fn settings(case: &Case) -> Settings {
    Settings {
        policy_len: case.policy_len,
        gamma: 4.0,
        use_utility: case.gains.0,
        use_states_info_gain: case.gains.1,
        use_param_info_gain: case.gains.2,
        learn: Learn {
            a: case.learn.0,
            b: case.learn.1,
            d: false,
        },
        lr_p_a: 0.7,
        lr_p_b: 1.2,
        modalities_to_learn: case.subset.then(|| vec![0]),
        factors_to_learn: case.subset.then(|| vec![0]),
        ..Settings::default()
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let fill = || prop_oneof![Just(Fill::Dense), Just(Fill::Sparse), Just(Fill::Floor)];
    let sizes = prop_oneof![
        // One larger factor, in which the sparse forms are chosen.
        (
            prop::collection::vec(8usize..70, 1),
            prop::collection::vec(1usize..11, 1),
            prop::collection::vec(2usize..70, 1)
        ),
        (1usize..4, 1usize..4).prop_flat_map(|(f, m)| (
            prop::collection::vec(1usize..6, f),
            prop::collection::vec(1usize..4, f),
            prop::collection::vec(1usize..6, m),
        )),
    ];
    (
        any::<u64>(),
        sizes,
        (fill(), fill()),
        1usize..4,
        any::<(bool, bool)>(),
        any::<(bool, bool, bool)>(),
        any::<(bool, bool)>(),
    )
        .prop_map(
            |(
                seed,
                (states, controls, outcomes),
                fill,
                policy_len,
                learn,
                gains,
                (time_c, subset),
            )| {
                // Plain loops pay for every policy and every step of it.
                let size: usize = states.iter().product();
                let policy_len = if size > 20 {
                    1 + policy_len % 2
                } else {
                    policy_len
                };
                Case {
                    seed,
                    states,
                    controls,
                    outcomes,
                    fill,
                    policy_len,
                    learn,
                    gains,
                    time_c,
                    subset,
                }
            },
        )
        .prop_filter("too many policies for plain loops", |case| {
            let controls: usize = case.controls.iter().product();
            controls.pow(case.policy_len as u32) <= 400
        })
}

fn close(what: &str, got: &[f64], want: &[f64]) -> Result<(), TestCaseError> {
    prop_assert_eq!(got.len(), want.len(), "{}", what);
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        prop_assert!(
            (g - w).abs() <= TOLERANCE * w.abs().max(1.0),
            "{what}[{i}]: got {g:e}, want {w:e}"
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn the_tuned_agent_equals_plain_loops(case in cases()) {
        let (spec, settings) = (spec(&case), settings(&case));
        let mut plain = Plain::new(&spec, &settings);
        let mut agent = Agent::new(spec, settings).expect("a valid model");
        let mut rng = Pcg64::new(u128::from(case.seed), 3);
        for t in 0..4 {
            let obs: Vec<usize> = case.outcomes.iter().map(|&n| (rng.next_u64() % n as u64) as usize).collect();
            let distributions: Vec<Vec<f64>> =
                case.outcomes.iter().map(|&n| columns(&mut rng, &[n, 1], Fill::Dense).into_iter().collect()).collect();
            if t == 2 {
                plain.infer_distributions(&distributions);
                let obs: Vec<Observation> = distributions.iter().map(|w| Observation::Distribution(w)).collect();
                agent.infer_states(&obs);
            } else {
                plain.infer_indices(&obs);
                agent.infer_states(&obs.iter().map(|&o| Observation::Index(o)).collect::<Vec<_>>());
            }
            for f in 0..case.states.len() {
                close("prior", &agent.prior(f).to_vec(), &plain.prior[f])?;
                close("qs", &agent.qs(f).to_vec(), &plain.qs[f])?;
            }
            prop_assert_eq!(agent.fpi_iterations(), plain.sweeps);
            plain.learn();
            agent.learn();
            for m in 0..case.outcomes.len() {
                close("A", agent.a(m).as_slice().expect("contiguous"), &plain.a[m])?;
                if let (Some(got), Some(want)) = (agent.p_a(m), &plain.p_a) {
                    close("pA", got.as_slice().expect("contiguous"), &want[m])?;
                }
            }
            for f in 0..case.states.len() {
                close("B", agent.b(f).as_slice().expect("contiguous"), &plain.b[f])?;
                if let (Some(got), Some(want)) = (agent.p_b(f), &plain.p_b) {
                    close("pB", got.as_slice().expect("contiguous"), &want[f])?;
                }
            }
            plain.infer_policies();
            agent.infer_policies();
            close("G", agent.g(), &plain.g)?;
            close("q_pi", agent.q_pi(), &plain.q_pi)?;
            let action: Vec<usize> = case.controls.iter().map(|&n| (rng.next_u64() % n as u64) as usize).collect();
            plain.action = Some(action.clone());
            agent.take_action(&action);
        }
    }

    #[test]
    fn a_one_hot_distribution_is_an_index(case in cases()) {
        let mut by_index = Agent::new(spec(&case), settings(&case)).expect("a valid model");
        let mut by_weight = by_index.clone();
        for t in 0..3usize {
            let obs: Vec<usize> = case.outcomes.iter().map(|&n| (t + case.seed as usize % 7) % n).collect();
            let one_hot: Vec<Vec<f64>> = case.outcomes.iter().zip(&obs)
                .map(|(&n, &o)| (0..n).map(|i| f64::from(u8::from(i == o))).collect()).collect();
            by_index.infer_states(&obs.iter().map(|&o| Observation::Index(o)).collect::<Vec<_>>());
            by_weight.infer_states(&one_hot.iter().map(|w| Observation::Distribution(w)).collect::<Vec<_>>());
            for agent in [&mut by_index, &mut by_weight] {
                agent.learn();
                agent.infer_policies();
                agent.take_action(&vec![0; case.controls.len()]);
            }
            prop_assert_eq!(by_index.qs(0), by_weight.qs(0));
            prop_assert_eq!(by_index.g(), by_weight.g());
        }
    }

    #[test]
    fn evidence_is_an_identity_modality_that_planning_ignores(case in cases(), factor in 0usize..3) {
        let mut case = case;
        case.learn = (false, false);
        case.gains = (true, true, false);
        let factor = factor % case.states.len();
        let base = spec(&case);
        let n = case.states[factor];
        let mut wide = base.clone();
        let shape: Vec<usize> = [&[n], &case.states[..]].concat();
        wide.a.push(ArrayD::from_shape_fn(IxDyn(&shape), |i| f64::from(u8::from(i[0] == i[1 + factor]))));
        wide.c.as_mut().expect("C").push(ArrayD::zeros(IxDyn(&[n])));
        let mut explicit = Agent::new(wide, settings(&case)).expect("a valid model");
        let mut agent = Agent::new(base.clone(), settings(&case)).expect("a valid model");
        let mut alone = Agent::new(base, settings(&case)).expect("a valid model");
        let mut rng = Pcg64::new(u128::from(case.seed), 5);
        for _ in 0..3 {
            let weights: Vec<f64> = columns(&mut rng, &[n, 1], Fill::Dense).into_iter().collect();
            let mut obs: Vec<Observation> = case.outcomes.iter().map(|_| Observation::Index(0)).collect();
            agent.infer_states_with(&obs, &[Evidence { factor, likelihood: &weights }]);
            obs.push(Observation::Distribution(&weights));
            explicit.infer_states(&obs);
            prop_assert_eq!(agent.fpi_iterations(), explicit.fpi_iterations());
            prop_assert!((agent.vfe() - explicit.vfe()).abs() <= 1e-12 * agent.vfe().abs().max(1.0));
            for f in 0..case.states.len() {
                for (got, want) in agent.qs(f).iter().zip(explicit.qs(f)) {
                    prop_assert!((got - want).abs() <= 1e-12, "{got:e} {want:e}");
                }
            }
            agent.infer_policies();
            agent.take_action(&vec![0; case.controls.len()]);
            explicit.take_action(&vec![0; case.controls.len()]);
        }
        // Planning sees the own modalities only: G has the same shape and terms as without evidence.
        alone.infer_states(&case.outcomes.iter().map(|_| Observation::Index(0)).collect::<Vec<_>>());
        alone.infer_policies();
        prop_assert_eq!(alone.g().len(), agent.g().len());
    }

    #[test]
    fn the_likelihood_message_is_the_likelihood_without_the_own_prior(case in cases(), factor in 0usize..3) {
        let factor = factor % case.states.len();
        let mut agent = Agent::new(spec(&case), settings(&case)).expect("a valid model");
        let obs: Vec<Observation> = case.outcomes.iter().map(|&n| Observation::Index(n - 1)).collect();
        agent.infer_states(&obs);
        agent.take_action(&vec![0; case.controls.len()]);
        let mut message = vec![f64::NAN; case.states[factor]];
        agent.likelihood_message(&obs, factor, &mut message);
        let prior: Vec<Vec<f64>> = (0..case.states.len()).map(|f| agent.prior(f).to_vec()).collect();
        let mut want = vec![0.0; case.states[factor]];
        let joint: usize = case.states.iter().product();
        for i in 0..joint {
            let (mut rest, mut weight, mut own) = (i, 1.0, 0);
            for f in (0..case.states.len()).rev() {
                let state = rest % case.states[f];
                rest /= case.states[f];
                if f == factor { own = state } else { weight *= prior[f][state] }
            }
            for (m, &n) in case.outcomes.iter().enumerate() {
                weight *= agent.a(m).as_slice().expect("contiguous")[(n - 1) * joint + i];
            }
            want[own] += weight;
        }
        let max = want.iter().copied().fold(0.0, f64::max);
        for (got, want) in message.iter().zip(&want) {
            let want = if max > 0.0 { want / max } else { 0.0 };
            prop_assert!((got - want).abs() <= 1e-12, "{got:e} {want:e}");
        }
        // The message does not disturb the step that follows.
        let mut without = Agent::new(spec(&case), settings(&case)).expect("a valid model");
        without.infer_states(&obs);
        without.take_action(&vec![0; case.controls.len()]);
        without.infer_states(&obs);
        agent.infer_states(&obs);
        prop_assert_eq!(agent.qs(factor), without.qs(factor));
    }

    #[test]
    fn restore_forgets_everything(case in cases()) {
        let fresh = Agent::new(spec(&case), settings(&case)).expect("a valid model");
        let mut agent = fresh.clone();
        let run = |agent: &mut Agent| {
            for t in 0..3 {
                let obs: Vec<Observation> = case.outcomes.iter().map(|&n| Observation::Index(t % n)).collect();
                agent.infer_states(&obs);
                agent.learn();
                agent.infer_policies();
                agent.take_action(&vec![0; case.controls.len()]);
            }
            (agent.qs(0).to_vec(), agent.g().to_vec(), agent.a(0), agent.b(0), agent.active_states())
        };
        let first = run(&mut agent);
        agent.restore();
        prop_assert_eq!(first, run(&mut agent));
        let mut again = fresh.clone();
        prop_assert_eq!(run(&mut again), { agent.restore(); run(&mut agent) });
    }
}

#[test]
fn an_identity_likelihood_seen_as_a_distribution_is_a_product_of_experts() {
    let n = 5;
    let spec = ModelSpec {
        a: vec![ArrayD::from_shape_fn(IxDyn(&[n, n]), |i| {
            f64::from(u8::from(i[0] == i[1]))
        })],
        b: vec![Array3::from_shape_fn((n, n, 1), |(i, j, _)| {
            f64::from(u8::from(i == j))
        })],
        d: Some(vec![Array1::from_vec(vec![0.1, 0.2, 0.3, 0.15, 0.25])]),
        ..ModelSpec::default()
    };
    let mut agent = Agent::new(spec, Settings::default()).expect("a valid model");
    let weights = [0.3, 0.3, 0.2, 0.1, 0.1];
    agent.infer_states(&[Observation::Distribution(&weights)]);
    let mut want: Vec<f64> = agent
        .prior(0)
        .iter()
        .zip(weights)
        .map(|(p, w)| p * w)
        .collect();
    let sum: f64 = want.iter().sum();
    want.iter_mut().for_each(|v| *v /= sum);
    for (got, want) in agent.qs(0).iter().zip(want) {
        assert!((got - want).abs() < 1e-12);
    }
}

#[test]
fn an_observation_that_the_prior_excludes_is_handled_as_pymdp_does() {
    // Two worlds that never mix: what is seen is impossible under the prior.
    let spec = ModelSpec {
        a: vec![ArrayD::from_shape_fn(IxDyn(&[3, 3]), |i| {
            f64::from(u8::from(i[0] == i[1]))
        })],
        b: vec![Array3::from_shape_fn((3, 3, 2), |(i, j, _)| {
            f64::from(u8::from(i == j))
        })],
        d: Some(vec![Array1::from_vec(vec![1.0, 0.0, 0.0])]),
        ..ModelSpec::default()
    };
    let mut plain = Plain::new(&spec, &Settings::default());
    let mut agent = Agent::new(spec, Settings::default()).expect("a valid model");
    for t in 0..6 {
        let o = [0, 1, 1, 2, 0, 1][t];
        plain.infer_indices(&[o]);
        agent.infer_states(&[Observation::Index(o)]);
        for (got, want) in agent.qs(0).iter().zip(&plain.qs[0]) {
            assert!((got - want).abs() < TOLERANCE, "step {t}: {got:e} {want:e}");
        }
        plain.action = Some(vec![0]);
        agent.take_action(&[0]);
    }
}
