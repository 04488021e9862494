//! What one agent computes: discrete active inference, as pymdp defines it.
//!
//! A step is [`Agent::infer_states`], [`Agent::learn`] where it is wanted, [`Agent::infer_policies`]
//! and [`Agent::act`]. Pure: no threads, processes, clocks or I/O, and after construction no heap
//! allocation, whatever is learned or drawn.
//!
//! # What an agent holds
//!
//! A as dense arrays (likelihood of one outcome = one contiguous row); B once, sparse where at most
//! half of a row can be nonzero; the joint likelihood of all modalities once more in the order that
//! planning reads, unless a single dense modality makes it equal to A; per joint state the ambiguity
//! and the expected preference; one belief and scratch per planning step. With learning: the counts,
//! and the initial A, B, D and counts of what learns, for [`Agent::restore`].
//! [`Agent::heap_bytes`] says how much that is.

mod error;
mod fixed_point;
mod inference;
mod kernels;
mod learning;
mod likelihood;
mod model;
mod policy;
mod view;

pub use error::ModelError;
use kernels::Level;
use kernels::rows::{Marks, Rows};
use learning::Initial;
use likelihood::JointLikelihood;
use model::Sizes;
pub use model::{
    ActionSelection, Learn, MAX_JOINT, MAX_POLICIES, ModelSpec, SUM_TOLERANCE, SamplingMode,
    Settings,
};
use ndarray::{Array, Array3, Dimension};
use policy::Planner;

/// What is seen in one modality.
#[derive(Clone, Copy, Debug)]
pub enum Observation<'a> {
    /// The outcome's index, 0..O_m.
    Index(usize),
    /// A weight per outcome, length O_m, each at least 0: the likelihood is Σ_o w(o) A(o, s).
    Distribution(&'a [f64]),
}

/// Evidence about one hidden factor from outside, such as another agent's likelihood message.
///
/// Counts as one more modality whose A is the identity over the factor, seen as this distribution,
/// except that planning does not expect to see it again.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The factor, 0..F.
    pub factor: usize,
    /// A weight per state, length S_f, each at least 0.
    pub likelihood: &'a [f64],
}

/// What the vector unit of this machine allows: `avx512`, `avx2+fma` or `baseline`.
pub fn vector_level() -> &'static str {
    Level::detect().name()
}

/// One active-inference agent: a model, beliefs about hidden states, and scratch space.
#[derive(Clone, Debug)]
pub struct Agent {
    sizes: Sizes,
    settings: Settings,
    level: Level,
    /// `a[m]`: (O_m, joint states), row-major.
    a: Vec<Vec<f64>>,
    /// `b[f]`: rows = next states, columns = previous states, lanes = actions.
    b: Vec<Rows>,
    /// Prior over initial states, all factors in a row, as are all beliefs below.
    d: Vec<f64>,
    /// Where each factor starts in a packed belief; one more entry for the end.
    offsets: Vec<usize>,
    p_a: Option<Vec<Vec<f64>>>,
    /// In the layout of `b`.
    p_b: Option<Vec<Vec<f64>>>,
    p_d: Option<Vec<f64>>,
    initial: Initial,
    joint: JointLikelihood,
    plan: Planner,

    qs: Vec<f64>,
    prior: Vec<f64>,
    /// Posterior of the previous step (kept when B learns).
    previous: Vec<f64>,
    /// Posterior of the trial's first step (kept when D learns).
    first: Vec<f64>,
    /// Likelihood of the last observation per joint state.
    likelihood: Vec<f64>,
    iteration: fixed_point::Iteration,
    /// Column sums while B learns, length of the largest factor.
    sums: Vec<f64>,
    /// Last observation: an index per modality, or `None` for a distribution, whose weights follow.
    seen: Vec<Option<usize>>,
    /// Weights of distributional observations (kept when A learns), modality after modality.
    seen_weights: Vec<f64>,

    action: Vec<usize>,
    /// Whether `action` was taken in this trial.
    has_action: bool,
    /// Whether `prior` already belongs to the coming step.
    prior_ready: bool,
    /// Whether `qs` is a posterior of this trial.
    has_posterior: bool,
    /// Whether `previous` and `action` led to `qs`.
    has_transition: bool,
}

impl Agent {
    /// Builds an agent after checking the model.
    ///
    /// # Errors
    /// [`ModelError`] names the matrix, the column and the value of the first thing that is wrong.
    pub fn new(spec: ModelSpec, settings: Settings) -> Result<Agent, ModelError> {
        let sizes = model::validate(&spec, &settings)?;
        let factors = sizes.num_states.len();
        let mut offsets = vec![0];
        for &n in &sizes.num_states {
            offsets.push(offsets[offsets.len() - 1] + n);
        }
        let states = offsets[factors];
        let learn = settings.learn;

        let a: Vec<Vec<f64>> = spec.a.into_iter().map(flat).collect();
        let p_a: Option<Vec<Vec<f64>>> = spec.p_a.map(|p| p.into_iter().map(flat).collect());
        // Each factor's arrays are freed before the next one's are read.
        let mut b: Vec<Rows> = Vec::with_capacity(factors);
        let mut p_b = spec.p_b.is_some().then(|| Vec::with_capacity(factors));
        let mut counts = spec.p_b.into_iter().flatten();
        for given in spec.b {
            let given_counts = counts.next().map(flat);
            let rows = transitions(given, given_counts.as_deref());
            if let (Some(p_b), Some(counts)) = (&mut p_b, given_counts) {
                let (n, width) = (rows.n_cols, rows.width);
                p_b.push(rows.parallel(|r, c, u| counts[(r * n + c) * width + u]));
            }
            b.push(rows);
        }
        let d: Vec<f64> = match spec.d {
            Some(d) => d.into_iter().flatten().collect(),
            None => sizes
                .num_states
                .iter()
                .flat_map(|&n| std::iter::repeat_n(1.0 / n as f64, n))
                .collect(),
        };
        let p_d: Option<Vec<f64>> = spec.p_d.map(|p| p.into_iter().flatten().collect());
        let kept = |wanted: bool| {
            if wanted {
                vec![0.0; states]
            } else {
                Vec::new()
            }
        };
        let initial = Initial::keep(
            &settings,
            &a,
            &b,
            &d,
            p_a.as_ref(),
            p_b.as_ref(),
            p_d.as_ref(),
        );
        let p_b_given = p_b.is_some();
        let joint = JointLikelihood::new(&sizes, &settings, &a, p_a.as_deref(), spec.c.as_deref());
        let plan = Planner::new(
            &sizes,
            &settings,
            spec.e.as_ref(),
            &joint,
            &b,
            p_b.as_deref(),
        );
        let mut agent = Agent {
            level: Level::detect(),
            a,
            b,
            d,
            p_a,
            p_b,
            p_d,
            initial,
            joint,
            plan,
            qs: vec![0.0; states],
            prior: vec![0.0; states],
            previous: kept(learn.b),
            first: kept(learn.d),
            likelihood: vec![0.0; sizes.joint_states],
            iteration: fixed_point::Iteration::new(&sizes),
            sums: vec![
                0.0;
                if p_b_given {
                    sizes.num_states.iter().copied().max().unwrap_or(0)
                } else {
                    0
                }
            ],
            seen: vec![None; sizes.num_obs.len()],
            seen_weights: if learn.a {
                vec![0.0; sizes.num_obs.iter().sum()]
            } else {
                Vec::new()
            },
            action: vec![0; factors],
            has_action: false,
            prior_ready: false,
            has_posterior: false,
            has_transition: false,
            offsets,
            sizes,
            settings,
        };
        agent.derive();
        agent.restart();
        Ok(agent)
    }

    /// Starts a new trial: the next prior is D, the last action is forgotten, qs is uniform.
    /// What was learned stays.
    pub fn restart(&mut self) {
        for (f, &n) in self.sizes.num_states.iter().enumerate() {
            self.qs[self.offsets[f]..][..n].fill(1.0 / n as f64);
        }
        self.prior.copy_from_slice(&self.d);
        self.has_action = false;
        self.prior_ready = false;
        self.has_posterior = false;
        self.has_transition = false;
    }

    /// [`Agent::restart`], and everything learned goes back to what [`Agent::new`] was given.
    pub fn restore(&mut self) {
        self.restore_parameters();
        self.restart();
    }

    /// Takes an action chosen elsewhere: the next prior follows from it.
    ///
    /// # Panics
    /// If `action` does not hold one valid index per factor: that is an error of the caller's code,
    /// not of its data.
    pub fn take_action(&mut self, action: &[usize]) {
        assert!(
            action.len() == self.action.len()
                && action
                    .iter()
                    .zip(&self.sizes.num_controls)
                    .all(|(a, n)| a < n),
            "take_action: {action:?} is not one index below {:?} per factor",
            self.sizes.num_controls
        );
        self.action.copy_from_slice(action);
        self.has_action = true;
        self.prior_ready = false;
    }
}

/// The entries in standard order; the array's own memory where it is in that order.
fn flat<D: Dimension>(array: Array<f64, D>) -> Vec<f64> {
    if !array.is_standard_layout() {
        return array.iter().copied().collect();
    }
    let n = array.len();
    let (mut values, first) = array.into_raw_vec_and_offset();
    values.drain(..first.unwrap_or(0));
    values.truncate(n);
    values.shrink_to_fit();
    values
}

/// A transition matrix in its leanest form; counts, where given, may lift entries that are 0.
fn transitions(given: Array3<f64>, counts: Option<&[f64]>) -> Rows {
    /// Columns that are passed over together where they are all 0, as most are.
    const BLOCK: usize = 8;
    let (n, _, width) = given.dim();
    let b = flat(given);
    let some = |values: &[f64]| values.iter().fold(false, |some, &v| some | (v > 0.0));
    let support = |r: usize, marks: &mut Marks| {
        let mut add = |values: &[f64]| {
            let row = &values[r * n * width..][..n * width];
            for (i, block) in row.chunks(BLOCK * width).enumerate() {
                if some(block) {
                    for (c, entry) in block.chunks_exact(width).enumerate() {
                        if some(entry) {
                            marks.mark(i * BLOCK + c);
                        }
                    }
                }
            }
        };
        add(&b);
        counts.into_iter().for_each(add);
    };
    let value = |r, c, u| b[(r * n + c) * width + u];
    Rows::new((n, n, width), value, support, counts.is_none(), false)
}

#[cfg(test)]
mod tests;
