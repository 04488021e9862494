//! Does a step leave the heap alone, whatever it infers, learns or draws? And the op of a probe?

use crate::common;
use forkscope::agent::{
    ActionSelection, Agent, Evidence, Learn, ModelSpec, Observation, SamplingMode, Settings,
};
use forkscope::observe::heap::own_allocated;
use forkscope::workload::{self, Message, Received, SpecSource};
use ndarray::{Array, Array3, ArrayD, IxDyn};

/// By this thread.
fn allocations() -> u64 {
    own_allocated().expect("one of the first threads").times
}

/// Columns over axis 0 that sum to 1, without regularity.
fn columns(shape: &[usize]) -> ArrayD<f64> {
    let mut i = 0u32;
    let mut a = Array::from_shape_simple_fn(IxDyn(shape), || {
        i += 1;
        f64::from(i * 7919 % 101 + 1)
    });
    for mut column in a.lanes_mut(ndarray::Axis(0)) {
        let sum = column.sum();
        column /= sum;
    }
    a
}

fn spec(states: &[usize], controls: &[usize], outcomes: &[usize]) -> ModelSpec {
    let a: Vec<ArrayD<f64>> = outcomes
        .iter()
        .map(|&o| columns(&[&[o], states].concat()))
        .collect();
    let b: Vec<Array3<f64>> = states
        .iter()
        .zip(controls)
        .map(|(&s, &u)| {
            columns(&[s, s, u])
                .into_dimensionality()
                .expect("three axes")
        })
        .collect();
    ModelSpec {
        p_a: Some(a.iter().map(|a| a * 3.0).collect()),
        p_b: Some(b.iter().map(|b| b * 3.0).collect()),
        p_d: Some(states.iter().map(|&n| ndarray::Array1::ones(n)).collect()),
        a,
        b,
        ..ModelSpec::default()
    }
}

fn allocations_of_three_trials(spec: ModelSpec, settings: Settings) -> u64 {
    let mut agent = Agent::new(spec, settings).expect("a valid model");
    let mut rng = rand_pcg::Pcg64::new(7, 7);
    let weights: Vec<Vec<f64>> = agent
        .num_obs()
        .iter()
        .map(|&n| vec![1.0 / n as f64; n])
        .collect();
    let likelihood = vec![0.5; agent.num_states()[0]];
    let mut message = vec![0.0; agent.num_states()[0]];
    let mut obs: Vec<Observation> = vec![Observation::Index(0); weights.len()];
    let mut trial = |agent: &mut Agent| {
        agent.restart();
        for t in 0..5 {
            for (m, o) in obs.iter_mut().enumerate() {
                *o = if t == 3 {
                    Observation::Distribution(&weights[m])
                } else {
                    Observation::Index((t + m) % weights[m].len())
                };
            }
            agent.likelihood_message(&obs, 0, &mut message);
            let evidence = [Evidence {
                factor: 0,
                likelihood: &likelihood,
            }];
            agent.infer_states_with(&obs, &evidence);
            agent.learn();
            agent.infer_policies();
            agent.act(&mut rng);
            std::hint::black_box(agent.vfe());
        }
        agent.learn_d();
    };
    trial(&mut agent);
    let before = allocations();
    trial(&mut agent);
    agent.restore();
    trial(&mut agent);
    allocations() - before
}

#[test]
fn the_allocator_counts() {
    let before = allocations();
    std::hint::black_box(vec![1u8; 100]);
    assert!(allocations() > before);
}

#[test]
fn no_step_allocates_whatever_the_settings() {
    let everything = Learn {
        a: true,
        b: true,
        d: true,
    };
    let models = [
        spec(&[7], &[3], &[5]),
        spec(&[25], &[10], &[25]),
        spec(&[4, 3], &[2, 3], &[3, 4]),
        spec(&[2, 3, 2], &[2, 1, 2], &[3, 2]),
    ];
    for (i, model) in models.iter().enumerate() {
        for policy_len in 1..=2 {
            for (learn, gain) in [
                (Learn::default(), false),
                (everything, false),
                (everything, true),
            ] {
                for sampling_mode in [SamplingMode::Marginal, SamplingMode::Full] {
                    for action_selection in
                        [ActionSelection::Deterministic, ActionSelection::Stochastic]
                    {
                        let settings = Settings {
                            policy_len,
                            learn,
                            use_param_info_gain: gain,
                            sampling_mode,
                            action_selection,
                            ..Settings::default()
                        };
                        let n = allocations_of_three_trials(model.clone(), settings.clone());
                        assert_eq!(n, 0, "model {i}, {settings:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn no_step_allocates_on_the_speed_models() {
    for name in ["grid5_p1", "spread5_p1", "grid10_p1", "tmaze_p2"] {
        let model = common::speed_model(name);
        assert_eq!(
            allocations_of_three_trials(model.spec, model.settings),
            0,
            "{name}"
        );
    }
}

#[test]
fn no_probe_allocates_but_those_that_are_about_it() {
    let probes = workload::REGISTRY
        .iter()
        .filter(|e| e.is_of_kernel() || e.name == "serialize");
    for entry in probes {
        let spec = workload::read(&SpecSource::built_in(entry)).expect("a valid probe");
        let mut agent = spec.build(0, 1, 7).expect("the system allows it");
        let mut message = Message::default();
        let before = allocations();
        for _ in 0..3 {
            agent.produce(&mut message);
            agent.consume(Received::NOTHING);
        }
        let expected = match entry.name {
            "probes/malloc" => 3,
            "probes/alloc" => 3 * 64,
            // Whoever decodes gets a list of his own.
            "serialize" => 3 * 8,
            _ => 0,
        };
        let counted = allocations() - before;
        assert_eq!(counted, expected, "{}", entry.name);
    }
}
