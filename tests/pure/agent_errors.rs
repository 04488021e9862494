//! Does every mistake in a model come back as an error that names it?

use forkscope::agent::{Agent, Learn, ModelError, ModelSpec, Observation, Settings};
use ndarray::{Array, Array1, Array3, ArrayD, IxDyn};

/// Two modalities (2 and 3 outcomes), two factors (2 and 3 states, 2 and 1 actions).
fn valid() -> ModelSpec {
    let uniform = |shape: &[usize]| ArrayD::from_elem(IxDyn(shape), 1.0 / shape[0] as f64);
    ModelSpec {
        a: vec![uniform(&[2, 2, 3]), uniform(&[3, 2, 3])],
        b: vec![
            Array3::from_elem((2, 2, 2), 0.5),
            Array3::from_elem((3, 3, 1), 1.0 / 3.0),
        ],
        ..ModelSpec::default()
    }
}

fn error(change: impl FnOnce(&mut ModelSpec, &mut Settings)) -> ModelError {
    let (mut spec, mut settings) = (valid(), Settings::default());
    change(&mut spec, &mut settings);
    Agent::new(spec, settings).expect_err("an invalid model")
}

fn message(change: impl FnOnce(&mut ModelSpec, &mut Settings)) -> String {
    error(change).to_string()
}

#[test]
fn the_valid_model_is_valid() {
    assert!(Agent::new(valid(), Settings::default()).is_ok());
}

#[test]
fn a_column_that_does_not_sum_to_one_is_named_with_its_sum() {
    let text = message(|spec, _| spec.a[1][[2, 1, 0]] = 0.5);
    assert!(
        text.starts_with("A[1] sums to 1.16") && text.contains("column [1, 0]"),
        "{text}"
    );
    let text = message(|spec, _| spec.b[0][[0, 1, 1]] = 0.25);
    assert!(
        text.starts_with("B[0] sums to 0.75") && text.contains("column [1, 1]"),
        "{text}"
    );
    let text =
        message(|spec, _| spec.d = Some(vec![Array1::ones(2), Array1::from_elem(3, 1.0 / 3.0)]));
    assert!(text.starts_with("D[0] sums to 2"), "{text}");
    let text = message(|spec, _| spec.e = Some(Array1::from_vec(vec![0.5, 0.4])));
    assert!(text.starts_with("E sums to 0.9"), "{text}");
    // Seven printed digits are close enough.
    let mut spec = valid();
    spec.b[1].fill(0.333_333_3);
    assert!(Agent::new(spec, Settings::default()).is_ok());
}

#[test]
fn every_column_of_a_wide_array_is_looked_at() {
    let wide = || ModelSpec {
        a: vec![ArrayD::from_elem(IxDyn(&[2, 40]), 0.5)],
        b: vec![Array3::from_elem((40, 40, 8), 1.0 / 40.0)],
        ..ModelSpec::default()
    };
    assert!(Agent::new(wide(), Settings::default()).is_ok());
    for (c, u) in [(0, 0), (31, 7), (32, 0), (39, 7)] {
        let mut spec = wide();
        spec.b[0][[17, c, u]] = 0.5;
        let text = Agent::new(spec, Settings::default())
            .expect_err("an invalid model")
            .to_string();
        assert!(
            text.starts_with("B[0] sums to 1.4") && text.contains(&format!("[{c}, {u}]")),
            "{text}"
        );
        // A negative entry whose column still sums to 1.
        let mut spec = wide();
        spec.b[0][[17, c, u]] = -0.5;
        spec.b[0][[18, c, u]] += 0.525;
        let text = Agent::new(spec, Settings::default())
            .expect_err("an invalid model")
            .to_string();
        assert!(
            text.contains("-0.5") && text.contains(&format!("[17, {c}, {u}]")),
            "{text}"
        );
    }
}

#[test]
fn the_order_of_an_array_in_memory_does_not_matter() {
    let mut spec = valid();
    spec.a[1] = ArrayD::from_shape_fn(IxDyn(&[3, 2, 3]), |i| {
        if i[0] == (i[1] + i[2]) % 3 { 0.6 } else { 0.2 }
    });
    spec.b[0] = Array3::from_shape_fn(
        (2, 2, 2),
        |(r, c, u)| {
            if r == (c + u) % 2 { 0.75 } else { 0.25 }
        },
    );
    let mut turned = spec.clone();
    turned.a[1] = spec.a[1]
        .t()
        .as_standard_layout()
        .into_owned()
        .reversed_axes();
    turned.b[0] = spec.b[0]
        .t()
        .as_standard_layout()
        .into_owned()
        .reversed_axes();
    assert!(!turned.a[1].is_standard_layout() && !turned.b[0].is_standard_layout());
    let agent = |spec| Agent::new(spec, Settings::default()).expect("a valid model");
    let (want, got) = (agent(spec.clone()), agent(turned));
    assert_eq!((want.a(1), want.b(0)), (got.a(1), got.b(0)));
    assert_eq!((got.a(1), got.b(0)), (spec.a[1].clone(), spec.b[0].clone()));
}

#[test]
fn values_that_are_no_probabilities_are_named_with_their_index() {
    for bad in [f64::NAN, f64::INFINITY, -0.5] {
        let text = message(|spec, _| spec.a[0][[1, 0, 2]] = bad);
        assert!(
            text.contains("A[0]") && text.contains("[1, 0, 2]") && text.contains(&bad.to_string()),
            "{text}"
        );
        let text = message(|spec, _| spec.b[1][[1, 0, 0]] = bad);
        assert!(
            text.contains("B[1]") && text.contains("[1, 0, 0]"),
            "{text}"
        );
        let text = message(|spec, _| spec.p_b = Some(spec.b.iter().map(|b| b * bad).collect()));
        assert!(text.contains("pB[0]"), "{text}");
    }
    let text = message(|spec, _| {
        spec.c = Some(vec![
            ArrayD::zeros(IxDyn(&[2])),
            ArrayD::from_elem(IxDyn(&[3]), f64::NAN),
        ])
    });
    assert!(text.contains("C[1]"), "{text}");
}

#[test]
fn wrong_shapes_are_named() {
    let zeros = |shape: &[usize]| Array::zeros(IxDyn(shape));
    for (text, want) in [
        (message(|spec, _| spec.a[0] = zeros(&[2, 3, 2])), "A[0]"),
        (message(|spec, _| spec.a[0] = zeros(&[2, 2])), "A[0]"),
        (message(|spec, _| spec.a[0] = zeros(&[])), "A[0]"),
        (message(|spec, _| spec.a[0] = zeros(&[0, 2, 3])), "A[0]"),
        (
            message(|spec, _| spec.b[1] = Array3::zeros((3, 2, 1))),
            "B[1]",
        ),
        (
            message(|spec, _| spec.b[1] = Array3::zeros((3, 3, 0))),
            "B[1]",
        ),
        (
            message(|spec, _| spec.b[1] = Array3::zeros((0, 0, 1))),
            "B[1]",
        ),
        (
            message(|spec, _| spec.c = Some(vec![zeros(&[2]), zeros(&[3, 4])])),
            "C[1]",
        ),
        (
            message(|spec, _| spec.c = Some(vec![zeros(&[2])])),
            "C has 1",
        ),
        (
            message(|spec, _| {
                spec.d = Some(vec![Array1::from_elem(2, 0.5), Array1::from_elem(2, 0.5)])
            }),
            "D[1]",
        ),
        (
            message(|spec, _| spec.e = Some(Array1::ones(3))),
            "E has shape [3]",
        ),
        (
            message(|spec, _| spec.p_a = Some(vec![zeros(&[2, 2, 3]), zeros(&[3, 3, 2])])),
            "pA[1]",
        ),
        (
            message(|spec, _| {
                spec.p_b = Some(vec![Array3::zeros((2, 2, 1)), Array3::zeros((3, 3, 1))])
            }),
            "pB[0]",
        ),
        (
            message(|spec, _| spec.p_d = Some(vec![Array1::ones(2), Array1::ones(1)])),
            "pD[1]",
        ),
        (message(|spec, _| spec.a.clear()), "0 modalities"),
        (message(|spec, _| spec.b.clear()), "0 factors"),
    ] {
        assert!(text.contains(want), "{want}: {text}");
    }
}

#[test]
fn policies_are_bounded() {
    assert_eq!(
        error(|_, settings| settings.policy_len = 0),
        ModelError::NoPolicies
    );
    let want = ModelError::TooManyPolicies {
        controls: 2,
        policy_len: 20,
    };
    assert_eq!(error(|_, settings| settings.policy_len = 20), want);
    assert!(matches!(
        error(|_, settings| settings.policy_len = usize::MAX),
        ModelError::TooManyPolicies { .. }
    ));
}

#[test]
fn learning_needs_counts_and_known_indices() {
    let learn = Learn {
        a: true,
        b: true,
        d: true,
    };
    let text = message(|_, settings| settings.learn = learn);
    assert_eq!(text, "learning A needs Dirichlet counts: give p_a");
    let text = message(|spec, settings| {
        settings.learn.a = true;
        spec.p_a = Some(spec.a.iter().map(|a| a * 0.0).collect());
    });
    assert!(
        text.starts_with("pA[0] has no counts in column [0, 0]"),
        "{text}"
    );
    let text = message(|_, settings| settings.factors_to_learn = Some(vec![0, 2]));
    assert_eq!(text, "factors_to_learn names 2, but the model has 2");
    let text = message(|_, settings| settings.gamma = f64::NAN);
    assert_eq!(text, "gamma is NaN: it must be finite");
    let text = message(|_, settings| settings.lr_p_b = -1.0);
    assert_eq!(text, "lr_p_b is -1: it must be finite and at least 0");
}

#[test]
fn a_joint_likelihood_past_the_limit_is_refused() {
    let text = message(|spec, _| {
        let wide = ArrayD::from_elem(IxDyn(&[512, 2, 3]), 1.0 / 512.0);
        spec.a = vec![wide.clone(), wide.clone(), wide];
    });
    assert!(
        text.starts_with("134217728 joint outcomes times 6 joint states"),
        "{text}"
    );
}

#[test]
#[should_panic(expected = "does not fit modalities with [2, 3] outcomes")]
fn an_outcome_past_the_end_is_a_clear_panic() {
    let mut agent = Agent::new(valid(), Settings::default()).expect("a valid model");
    agent.infer_states(&[Observation::Index(0), Observation::Index(3)]);
}

#[test]
#[should_panic(expected = "is not one index below [2, 1] per factor")]
fn an_action_past_the_end_is_a_clear_panic() {
    let mut agent = Agent::new(valid(), Settings::default()).expect("a valid model");
    agent.take_action(&[0, 1]);
}

#[test]
fn an_agent_can_move_to_another_thread() {
    fn send<T: Send>(_: T) {}
    send(Agent::new(valid(), Settings::default()));
}
