//! How do tests and benches read models, and what do plain loops make of them?
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod plain;

use forkscope::agent::{ActionSelection, Learn, ModelSpec, SamplingMode, Settings};
use ndarray::{Array1, Array3, ArrayD, IxDyn};
use serde_json::Value;

/// A list of numbers.
pub fn floats(v: &Value) -> Vec<f64> {
    v.as_array()
        .expect("a list of numbers")
        .iter()
        .map(|x| x.as_f64().expect("a number"))
        .collect()
}

/// A list of whole numbers.
pub fn integers(v: &Value) -> Vec<usize> {
    v.as_array()
        .expect("a list of integers")
        .iter()
        .map(|x| x.as_u64().expect("an integer") as usize)
        .collect()
}

/// A dense or sparse array object, or a plain list.
pub fn array(v: &Value) -> ArrayD<f64> {
    if v.is_array() {
        return Array1::from_vec(floats(v)).into_dyn();
    }
    let shape = integers(&v["shape"]);
    let data = if v.get("data").is_some() {
        floats(&v["data"])
    } else {
        let mut data = vec![0.0; shape.iter().product()];
        for (i, x) in integers(&v["nnz_index"])
            .into_iter()
            .zip(floats(&v["nnz_value"]))
        {
            data[i] = x;
        }
        data
    };
    ArrayD::from_shape_vec(IxDyn(&shape), data).expect("data fits its shape")
}

fn list<T>(v: &Value, f: impl Fn(ArrayD<f64>) -> T) -> Option<Vec<T>> {
    v.as_array()
        .map(|l| l.iter().map(|x| f(array(x))).collect())
}

fn three(a: ArrayD<f64>) -> Array3<f64> {
    a.into_dimensionality().expect("three axes")
}

fn one(a: ArrayD<f64>) -> Array1<f64> {
    a.into_dimensionality().expect("one axis")
}

/// The model object of a golden file, or a speed model itself.
pub fn spec(v: &Value) -> ModelSpec {
    ModelSpec {
        a: list(&v["A"], |a| a).expect("A"),
        b: list(&v["B"], three).expect("B"),
        c: list(&v["C"], |c| c),
        d: list(&v["D"], one),
        e: if v["E"].is_null() {
            None
        } else {
            Some(one(array(&v["E"])))
        },
        p_a: list(&v["pA"], |a| a),
        p_b: list(&v["pB"], three),
        p_d: list(&v["pD"], one),
    }
}

/// The settings object of a golden file.
pub fn settings(v: &Value) -> Settings {
    let float = |name: &str| {
        v[name]
            .as_f64()
            .unwrap_or_else(|| panic!("{name} is a number"))
    };
    let integer = |name: &str| {
        v[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{name} is an integer")) as usize
    };
    let truth = |name: &str| {
        v[name]
            .as_bool()
            .unwrap_or_else(|| panic!("{name} is a truth value"))
    };
    let subset = |name: &str| v[name].is_array().then(|| integers(&v[name]));
    let learns = |letter: &str| {
        v["learn"]
            .as_array()
            .is_some_and(|l| l.iter().any(|x| x.as_str() == Some(letter)))
    };
    Settings {
        policy_len: integer("policy_len"),
        gamma: float("gamma"),
        alpha: float("alpha"),
        use_utility: truth("use_utility"),
        use_states_info_gain: truth("use_states_info_gain"),
        use_param_info_gain: truth("use_param_info_gain"),
        action_selection: match v["action_selection"].as_str() {
            Some("stochastic") => ActionSelection::Stochastic,
            _ => ActionSelection::Deterministic,
        },
        sampling_mode: match v["sampling_mode"].as_str() {
            Some("full") => SamplingMode::Full,
            _ => SamplingMode::Marginal,
        },
        num_iter: integer("num_iter"),
        df: float("dF"),
        df_tol: float("dF_tol"),
        lr_p_a: float("lr_pA"),
        lr_p_b: float("lr_pB"),
        lr_p_d: float("lr_pD"),
        modalities_to_learn: subset("modalities_to_learn"),
        factors_to_learn: subset("factors_to_learn"),
        learn: Learn {
            a: learns("A"),
            b: learns("B"),
            d: learns("D"),
        },
    }
}

/// A recorded sequence of observations with its model.
pub struct SpeedModel {
    pub name: String,
    pub spec: ModelSpec,
    pub settings: Settings,
    pub trial_len: usize,
    pub obs: Vec<Vec<usize>>,
    pub actions: Vec<Vec<usize>>,
}

/// Reads one of benches/models by name.
pub fn speed_model(name: &str) -> SpeedModel {
    let path = format!("{}/benches/models/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("read {path}: {e}"));
    let v: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("parse {path}: {e}"));
    let rows = |name: &str| {
        v[name]
            .as_array()
            .expect("a list")
            .iter()
            .map(integers)
            .collect()
    };
    SpeedModel {
        name: name.to_owned(),
        spec: spec(&v),
        settings: Settings {
            policy_len: v["policy_len"].as_u64().expect("policy_len") as usize,
            gamma: v["gamma"].as_f64().expect("gamma"),
            ..Settings::default()
        },
        trial_len: v["trial_len"].as_u64().expect("trial_len") as usize,
        obs: rows("obs"),
        actions: rows("actions"),
    }
}
