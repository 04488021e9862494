//! What is a generative model, and when is one valid?

use super::error::ModelError;
use ndarray::{Array1, Array3, ArrayD, ArrayViewD, Axis, Dimension};

/// How far a probability column may sum from 1.
///
/// Wide enough for arrays printed with seven digits, narrow enough that a forgotten normalisation
/// never passes.
pub const SUM_TOLERANCE: f64 = 1e-6;
/// Most policies a model may have; G and q_pi take 16 bytes for each.
pub const MAX_POLICIES: usize = 1_000_000;
/// Most entries of the joint likelihood, (product of outcomes) x (product of states): 1 GiB.
pub const MAX_JOINT: usize = 1 << 27;

/// The arrays of a discrete generative model, under pymdp's names.
///
/// M modalities with O_m outcomes, F hidden-state factors with S_f states and U_f controls.
/// A factor that nobody controls has U_f = 1. Probabilities are in [0, 1], counts are >= 0.
#[derive(Clone, Debug, Default)]
pub struct ModelSpec {
    /// `a[m]`, shape (O_m, S_0, …, S_{F-1}): P(o_m | s); each column over axis 0 sums to 1.
    pub a: Vec<ArrayD<f64>>,
    /// `b[f]`, shape (S_f, S_f, U_f), index order [next, previous, action]; columns over axis 0 sum to 1.
    pub b: Vec<Array3<f64>>,
    /// `c[m]`, shape (O_m) or (O_m, policy_len): unnormalised log preferences, natural log. `None`: all 0.
    pub c: Option<Vec<ArrayD<f64>>>,
    /// `d[f]`, shape (S_f): prior over initial states. `None`: uniform.
    pub d: Option<Vec<Array1<f64>>>,
    /// Prior over policies, shape (P), P = (product of U_f)^policy_len. `None`: uniform.
    pub e: Option<Array1<f64>>,
    /// Dirichlet counts of A, same shapes. They do not by themselves replace A.
    pub p_a: Option<Vec<ArrayD<f64>>>,
    /// Dirichlet counts of B, same shapes. They do not by themselves replace B.
    pub p_b: Option<Vec<Array3<f64>>>,
    /// Dirichlet counts of D, same shapes.
    pub p_d: Option<Vec<Array1<f64>>>,
}

/// How an action follows from the policy posterior.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionSelection {
    /// The most probable one, the first on ties.
    Deterministic,
    /// A draw, sharpened by alpha.
    Stochastic,
}

/// What is chosen: each factor's action by its marginal, or a whole policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SamplingMode {
    /// Per factor, from the marginal over first actions.
    Marginal,
    /// The first action of one policy.
    Full,
}

/// Which arrays [`Agent::learn`](super::Agent::learn) and
/// [`Agent::learn_d`](super::Agent::learn_d) update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Learn {
    /// Learn the likelihood A; needs `p_a`.
    pub a: bool,
    /// Learn the transitions B; needs `p_b`.
    pub b: bool,
    /// Learn the initial prior D; needs `p_d`.
    pub d: bool,
}

/// What an agent does with its model. `Default` is pymdp's numpy agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Planning steps, at least 1. Default 1.
    pub policy_len: usize,
    /// Precision of policies, finite. Default 16.
    pub gamma: f64,
    /// Precision of stochastic action selection, finite. Default 16.
    pub alpha: f64,
    /// Score expected preference. Default true.
    pub use_utility: bool,
    /// Score expected information about states. Default true.
    pub use_states_info_gain: bool,
    /// Score expected information about A (if `p_a` is given) and B (if `p_b` is). Default false.
    pub use_param_info_gain: bool,
    /// Default deterministic.
    pub action_selection: ActionSelection,
    /// Default marginal.
    pub sampling_mode: SamplingMode,
    /// Most sweeps of the fixed-point iteration. Default 10.
    pub num_iter: usize,
    /// Start value of the free energy's change, nats; sweeps run while it is at least `df_tol`. Default 1.
    pub df: f64,
    /// Sweeps stop below this change of free energy, nats. Default 0.001.
    pub df_tol: f64,
    /// Learning rate of pA. Default 1.
    pub lr_p_a: f64,
    /// Learning rate of pB. Default 1.
    pub lr_p_b: f64,
    /// Learning rate of pD. Default 1.
    pub lr_p_d: f64,
    /// Modalities whose pA learns. `None`: all.
    pub modalities_to_learn: Option<Vec<usize>>,
    /// Factors whose pB (and pD) learn. `None`: all.
    pub factors_to_learn: Option<Vec<usize>>,
    /// What learns at all. Default nothing.
    pub learn: Learn,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            policy_len: 1,
            gamma: 16.0,
            alpha: 16.0,
            use_utility: true,
            use_states_info_gain: true,
            use_param_info_gain: false,
            action_selection: ActionSelection::Deterministic,
            sampling_mode: SamplingMode::Marginal,
            num_iter: 10,
            df: 1.0,
            df_tol: 0.001,
            lr_p_a: 1.0,
            lr_p_b: 1.0,
            lr_p_d: 1.0,
            modalities_to_learn: None,
            factors_to_learn: None,
            learn: Learn::default(),
        }
    }
}

/// Sizes of a valid model.
#[derive(Clone, Debug)]
pub(crate) struct Sizes {
    pub num_obs: Vec<usize>,
    pub num_states: Vec<usize>,
    pub num_controls: Vec<usize>,
    /// Product of the states.
    pub joint_states: usize,
    /// Product of the controls.
    pub joint_controls: usize,
    pub policies: usize,
}

/// What an array is called, spelled out only for an error.
#[derive(Clone, Copy)]
enum Name {
    /// The one of its kind.
    Only(&'static str),
    /// One of a list.
    Of(&'static str, usize),
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Name::Only(name) => f.write_str(name),
            Name::Of(name, i) => write!(f, "{name}[{i}]"),
        }
    }
}

/// What the columns over axis 0 of a nonnegative array must sum to.
#[derive(Clone, Copy)]
enum Sums {
    /// 1, within [`SUM_TOLERANCE`].
    One,
    /// Something to divide by.
    Positive,
    /// Anything.
    Any,
}

/// Checks that entries are finite and at least 0, and the columns' sums.
fn entries<D: Dimension>(
    matrix: Name,
    array: &ndarray::Array<f64, D>,
    sums: Sums,
) -> Result<(), ModelError> {
    let in_order = array.as_slice();
    if in_order.is_some_and(|values| surely_right(values, array.len_of(Axis(0)), sums)) {
        return Ok(());
    }
    // Something is wrong, or strange enough to be looked at one by one.
    values(matrix, array, true)?;
    let view = array.view().into_dyn();
    match sums {
        Sums::One => probabilities(matrix, view),
        Sums::Positive => counts(matrix, view),
        Sums::Any => Ok(()),
    }
}

/// Whether an array in memory order passes [`entries`], in one pass; `false` may be a false alarm.
fn surely_right(values: &[f64], rows: usize, wanted: Sums) -> bool {
    /// Columns at a time: their sums stay in the nearest cache.
    const BLOCK: usize = 256;
    if values.is_empty() || rows == 0 {
        return false;
    }
    let n = values.len() / rows;
    let mut signs = 0;
    for first in (0..n).step_by(BLOCK) {
        let mut sums = [0.0; BLOCK];
        let sums = &mut sums[..BLOCK.min(n - first)];
        for row in values.chunks_exact(n) {
            for (sum, value) in sums.iter_mut().zip(&row[first..]) {
                // NaN and infinity stay in the sum.
                *sum += value;
                signs |= value.to_bits();
            }
        }
        let right = sums.iter().all(|sum| match wanted {
            Sums::One => (sum - 1.0).abs() <= SUM_TOLERANCE,
            Sums::Positive => sum.is_finite() && *sum > 0.0,
            Sums::Any => sum.is_finite(),
        });
        if !right {
            return false;
        }
    }
    signs >> 63 == 0
}

fn values<D: Dimension>(
    matrix: Name,
    array: &ndarray::Array<f64, D>,
    nonnegative: bool,
) -> Result<(), ModelError> {
    for (index, &value) in array.view().into_dyn().indexed_iter() {
        if !value.is_finite() || (nonnegative && value < 0.0) {
            let (matrix, index) = (matrix.to_string(), index.slice().to_vec());
            return Err(ModelError::Value {
                matrix,
                index,
                value,
                nonnegative,
            });
        }
    }
    Ok(())
}

fn probabilities(matrix: Name, array: ArrayViewD<'_, f64>) -> Result<(), ModelError> {
    for (column, &sum) in array.sum_axis(Axis(0)).indexed_iter() {
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(ModelError::Sum {
                matrix: matrix.to_string(),
                column: column.slice().to_vec(),
                sum,
            });
        }
    }
    Ok(())
}

fn counts(matrix: Name, array: ArrayViewD<'_, f64>) -> Result<(), ModelError> {
    for (column, &sum) in array.sum_axis(Axis(0)).indexed_iter() {
        if sum <= 0.0 || !sum.is_finite() {
            return Err(ModelError::NoCounts {
                matrix: matrix.to_string(),
                column: column.slice().to_vec(),
            });
        }
    }
    Ok(())
}

fn shape(matrix: Name, got: &[usize], want: &[usize]) -> Result<(), ModelError> {
    if got == want {
        return Ok(());
    }
    Err(ModelError::Shape {
        matrix: matrix.to_string(),
        got: got.to_vec(),
        want: format!("{want:?}"),
    })
}

fn count(list: &'static str, got: usize, want: usize) -> Result<(), ModelError> {
    if got == want {
        Ok(())
    } else {
        Err(ModelError::Count { list, got, want })
    }
}

/// Checks everything that an agent relies on.
pub(crate) fn validate(spec: &ModelSpec, settings: &Settings) -> Result<Sizes, ModelError> {
    let (modalities, factors) = (spec.a.len(), spec.b.len());
    if modalities == 0 || factors == 0 {
        return Err(ModelError::Empty {
            modalities,
            factors,
        });
    }
    let mut sizes = Sizes {
        num_obs: Vec::new(),
        num_states: Vec::new(),
        num_controls: Vec::new(),
        joint_states: 0,
        joint_controls: 0,
        policies: 0,
    };
    for (f, b) in spec.b.iter().enumerate() {
        let (next, previous, controls) = b.dim();
        if next != previous || next == 0 || controls == 0 {
            let want = "(S, S, U) with S and U at least 1".to_owned();
            return Err(ModelError::Shape {
                matrix: format!("B[{f}]"),
                got: b.shape().to_vec(),
                want,
            });
        }
        sizes.num_states.push(next);
        sizes.num_controls.push(controls);
    }
    for (m, a) in spec.a.iter().enumerate() {
        if a.ndim() != factors + 1 || a.shape()[0] == 0 || a.shape()[1..] != sizes.num_states {
            let want = format!(
                "(outcomes, {})",
                sizes
                    .num_states
                    .iter()
                    .map(usize::to_string)
                    .collect::<Vec<_>>()
                    .join(", ")
            );
            return Err(ModelError::Shape {
                matrix: format!("A[{m}]"),
                got: a.shape().to_vec(),
                want,
            });
        }
        sizes.num_obs.push(a.shape()[0]);
    }
    let product = |n: &[usize]| n.iter().fold(1usize, |a, &b| a.saturating_mul(b));
    let outcomes = product(&sizes.num_obs);
    sizes.joint_states = product(&sizes.num_states);
    sizes.joint_controls = product(&sizes.num_controls);
    if outcomes.saturating_mul(sizes.joint_states) > MAX_JOINT {
        return Err(ModelError::TooLarge {
            outcomes,
            states: sizes.joint_states,
        });
    }
    if settings.policy_len == 0 {
        return Err(ModelError::NoPolicies);
    }
    let (controls, policy_len) = (sizes.joint_controls, settings.policy_len);
    sizes.policies = u32::try_from(policy_len)
        .ok()
        .and_then(|len| controls.checked_pow(len))
        .filter(|&p| p <= MAX_POLICIES && policy_len <= MAX_POLICIES)
        .ok_or(ModelError::TooManyPolicies {
            controls,
            policy_len,
        })?;

    for (m, a) in spec.a.iter().enumerate() {
        entries(Name::Of("A", m), a, Sums::One)?;
    }
    for (f, b) in spec.b.iter().enumerate() {
        entries(Name::Of("B", f), b, Sums::One)?;
    }
    if let Some(c) = &spec.c {
        count("C", c.len(), modalities)?;
        for (m, c) in c.iter().enumerate() {
            let n = sizes.num_obs[m];
            if c.shape() != [n] && c.shape() != [n, policy_len] {
                let want = format!("[{n}] or [{n}, {policy_len}] (policy_len)");
                return Err(ModelError::Shape {
                    matrix: format!("C[{m}]"),
                    got: c.shape().to_vec(),
                    want,
                });
            }
            values(Name::Of("C", m), c, false)?;
        }
    }
    if let Some(d) = &spec.d {
        count("D", d.len(), factors)?;
        for (f, d) in d.iter().enumerate() {
            shape(Name::Of("D", f), d.shape(), &[sizes.num_states[f]])?;
            entries(Name::Of("D", f), d, Sums::One)?;
        }
    }
    if let Some(e) = &spec.e {
        shape(Name::Only("E"), e.shape(), &[sizes.policies])?;
        entries(Name::Only("E"), e, Sums::One)?;
    }
    let learn = settings.learn;
    let divisor = |learns| {
        if learns { Sums::Positive } else { Sums::Any }
    };
    if let Some(p_a) = &spec.p_a {
        count("pA", p_a.len(), modalities)?;
        for (m, p_a) in p_a.iter().enumerate() {
            shape(Name::Of("pA", m), p_a.shape(), spec.a[m].shape())?;
            entries(Name::Of("pA", m), p_a, divisor(learn.a))?;
        }
    }
    if let Some(p_b) = &spec.p_b {
        count("pB", p_b.len(), factors)?;
        for (f, p_b) in p_b.iter().enumerate() {
            shape(Name::Of("pB", f), p_b.shape(), spec.b[f].shape())?;
            entries(Name::Of("pB", f), p_b, divisor(learn.b))?;
        }
    }
    if let Some(p_d) = &spec.p_d {
        count("pD", p_d.len(), factors)?;
        for (f, p_d) in p_d.iter().enumerate() {
            shape(Name::Of("pD", f), p_d.shape(), &[sizes.num_states[f]])?;
            entries(Name::Of("pD", f), p_d, divisor(learn.d))?;
        }
    }
    for (wanted, given, array, counts) in [
        (learn.a, spec.p_a.is_some(), "A", "p_a"),
        (learn.b, spec.p_b.is_some(), "B", "p_b"),
        (learn.d, spec.p_d.is_some(), "D", "p_d"),
    ] {
        if wanted && !given {
            return Err(ModelError::MissingCounts { array, counts });
        }
    }
    settings_in_range(settings, modalities, factors)?;
    Ok(sizes)
}

fn settings_in_range(
    settings: &Settings,
    modalities: usize,
    factors: usize,
) -> Result<(), ModelError> {
    for (name, value, low) in [
        ("gamma", settings.gamma, f64::NEG_INFINITY),
        ("alpha", settings.alpha, f64::NEG_INFINITY),
        ("df", settings.df, f64::NEG_INFINITY),
        ("df_tol", settings.df_tol, f64::NEG_INFINITY),
        ("lr_p_a", settings.lr_p_a, 0.0),
        ("lr_p_b", settings.lr_p_b, 0.0),
        ("lr_p_d", settings.lr_p_d, 0.0),
    ] {
        if !value.is_finite() || value < low {
            let want = if low == 0.0 {
                "finite and at least 0"
            } else {
                "finite"
            };
            return Err(ModelError::Setting { name, value, want });
        }
    }
    for (name, list, count) in [
        (
            "modalities_to_learn",
            &settings.modalities_to_learn,
            modalities,
        ),
        ("factors_to_learn", &settings.factors_to_learn, factors),
    ] {
        if let Some(&index) = list.iter().flatten().find(|&&i| i >= count) {
            return Err(ModelError::NoSuch { name, index, count });
        }
    }
    Ok(())
}
