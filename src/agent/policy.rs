//! Which policy promises most?

pub(super) mod action;
mod free_energy;

use ndarray::Array1;

use super::Agent;
use super::kernels::math::{self, EPS};
use super::kernels::rows::{Columns, Rows};
use super::kernels::{LANES, Simd, Task, dispatch};
use super::likelihood::JointLikelihood;
use super::model::{SamplingMode, Settings, Sizes};
use free_energy::evaluate;

/// The tree of policies, walked depth first: one set of buffers per planning step.
#[derive(Clone, Debug)]
pub(super) struct Planner {
    pub g: Vec<f64>,
    pub q_pi: Vec<f64>,
    /// lnE(E); empty for a uniform E, which softmax cancels.
    ln_e: Vec<f64>,
    levels: Vec<Step>,
    /// w(pB[f]) in the layout of B; only with parameter information gain.
    pub novelty: Vec<Vec<f64>>,
    /// Beliefs up to this weight are left out of predictions: see [`negligible`].
    negligible: f64,
    pub active_states: u64,
    /// One value per joint state, for what is derived from A.
    pub by_state: Vec<f64>,
    scratch: Scratch,
}

/// One planning step below one node of the tree.
#[derive(Clone, Debug)]
struct Step {
    /// Belief before the step, packed.
    before: Vec<f64>,
    /// `after[f]`: (S_f, controls rounded up to lanes), the prediction per action.
    after: Vec<Vec<f64>>,
    /// G up to and including each child.
    value: Vec<f64>,
    /// The child whose subtree is being walked.
    child: usize,
}

/// Buffers that one node needs for the length of its evaluation.
#[derive(Clone, Debug)]
struct Scratch {
    columns: Columns,
    /// Bit set of rows, long enough for states and outcomes.
    reached: Vec<u64>,
    /// Rows that are not exactly 0 (states of the only factor, or all joint states).
    touched: Vec<u32>,
    /// Joint outcomes that an active state can show.
    shown: Vec<u32>,
    /// States whose joint belief passes the cut in some lane.
    active: Columns,
    /// (joint states, lanes): beliefs above the cut, else 0.
    above: Vec<f64>,
    /// (joint states, lanes): with several factors, the joint belief of each child.
    joint: Vec<f64>,
    /// Predicted outcomes, children next to each other.
    outcomes: Vec<f64>,
    /// Per factor and lane of controls: -x · (w(pB) prev).
    novelty: Vec<Vec<f64>>,
    /// The factors' actions, per lane.
    digits: Vec<[u32; LANES]>,
    /// How `digits` read a factor's row.
    spread: Vec<Spread>,
    /// The next lane's actions.
    counter: Vec<u32>,
    /// Whether `digits` hold for good, because one block has all children.
    counted: bool,
    /// q_pi over first actions, and one factor's marginal.
    marginal: Vec<f64>,
    draw: Vec<f64>,
}

/// How the lanes of a block of children read one factor's predictions.
#[derive(Clone, Copy, Debug)]
enum Spread {
    /// All lanes have the same action.
    Constant,
    /// Each lane has the action after its neighbour's.
    Neighbours,
    Any,
}

impl Scratch {
    /// Sets `digits` and `spread` for children `first .. first + count`; blocks come in order.
    #[inline(always)]
    fn count_up(&mut self, model: &Model, first: usize, count: usize) {
        if self.counted {
            return;
        }
        self.counted = model.sizes.joint_controls <= LANES;
        if first == 0 {
            self.counter.fill(0);
        }
        for lane in 0..LANES {
            for (digits, &action) in self.digits.iter_mut().zip(&self.counter) {
                digits[lane] = if lane < count { action } else { digits[0] };
            }
            if lane < count {
                for (action, b) in self.counter.iter_mut().zip(model.b).rev() {
                    *action += 1;
                    if (*action as usize) < b.width {
                        break;
                    }
                    *action = 0;
                }
            }
        }
        for ((spread, digits), b) in self.spread.iter_mut().zip(&self.digits).zip(model.b) {
            let used = &digits[..count];
            let fits = used[0] as usize + LANES <= lanes(b.width);
            *spread = if used.iter().all(|&d| d == used[0]) {
                Spread::Constant
            } else if fits && used.windows(2).all(|pair| pair[1] == pair[0] + 1) {
                Spread::Neighbours
            } else {
                Spread::Any
            };
        }
    }
}

#[inline(always)]
fn lanes(n: usize) -> usize {
    // Not `next_multiple_of`, which divides.
    (n + LANES - 1) & !(LANES - 1)
}

/// The belief below which a state may be left out of a prediction.
///
/// Left-out mass is at most (states x this); an outcome's log preference is at least ln EPS = -37, so
/// gamma G moves by less than 1e-10 in all. Parameter information gain has unbounded weights: there
/// only exact zeros are left out.
fn negligible(sizes: &Sizes, settings: &Settings) -> f64 {
    if settings.use_param_info_gain {
        return 0.0;
    }
    let states: usize = sizes.num_states.iter().sum();
    let terms = states * sizes.num_obs.len() * settings.policy_len;
    1e-12 / (terms as f64 * settings.gamma.abs().max(1.0))
}

impl Planner {
    pub(super) fn new(
        sizes: &Sizes,
        settings: &Settings,
        e: Option<&Array1<f64>>,
        joint: &JointLikelihood,
        b: &[Rows],
        p_b: Option<&[Vec<f64>]>,
    ) -> Planner {
        let states: usize = sizes.num_states.iter().sum();
        let several = sizes.num_states.len() > 1;
        let n = sizes.joint_states;
        let step = Step {
            before: vec![0.0; states],
            after: b
                .iter()
                .map(|b| vec![0.0; b.n_rows * lanes(b.width)])
                .collect(),
            value: vec![0.0; lanes(sizes.joint_controls)],
            child: 0,
        };
        let novelty = match p_b {
            Some(p_b) if settings.use_param_info_gain => {
                p_b.iter().map(|p| vec![0.0; p.len()]).collect()
            }
            _ => Vec::new(),
        };
        let uniform = e.is_none_or(|e| e.iter().all(|&p| p == e[0]));
        let words = joint
            .rows
            .words
            .max(b.iter().map(|b| b.words).max().unwrap_or(0));
        let widest = sizes.num_controls.iter().copied().max().unwrap_or(0);
        Planner {
            g: vec![0.0; sizes.policies],
            q_pi: vec![0.0; sizes.policies],
            ln_e: e
                .filter(|_| !uniform)
                .map_or(Vec::new(), |e| e.iter().map(|p| (p + EPS).ln()).collect()),
            levels: vec![step; settings.policy_len],
            novelty,
            negligible: negligible(sizes, settings),
            active_states: 0,
            by_state: vec![0.0; if settings.use_states_info_gain { n } else { 0 }],
            scratch: Scratch {
                columns: Columns::with_capacity(
                    sizes.num_states.iter().copied().max().unwrap_or(0),
                ),
                reached: vec![0; words],
                touched: Vec::with_capacity(n),
                shown: Vec::with_capacity(joint.rows.n_rows),
                active: Columns::with_capacity(n),
                above: vec![
                    0.0;
                    if settings.use_states_info_gain {
                        n * LANES
                    } else {
                        0
                    }
                ],
                joint: vec![0.0; if several { n * LANES } else { 0 }],
                outcomes: vec![0.0; (joint.rows.n_rows + 1) * LANES],
                novelty: b.iter().map(|b| vec![0.0; lanes(b.width)]).collect(),
                digits: vec![[0; LANES]; b.len()],
                spread: vec![Spread::Any; b.len()],
                counter: vec![0; b.len()],
                counted: false,
                marginal: vec![0.0; sizes.joint_controls],
                draw: vec![
                    0.0;
                    widest.max(if settings.sampling_mode == SamplingMode::Full {
                        sizes.policies
                    } else {
                        0
                    })
                ],
            },
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let step =
            |s: &Step| s.before.len() + s.value.len() + s.after.iter().map(Vec::len).sum::<usize>();
        let s = &self.scratch;
        8 * (self.g.len()
            + self.q_pi.len()
            + self.ln_e.len()
            + self.by_state.len()
            + self.levels.iter().map(step).sum::<usize>()
            + self.novelty.iter().map(Vec::len).sum::<usize>()
            + s.reached.len()
            + s.above.len()
            + s.joint.len()
            + s.outcomes.len()
            + s.marginal.len()
            + s.draw.len())
            + 4 * (s.touched.capacity()
                + s.shown.capacity()
                + s.active.capacity()
                + s.columns.capacity())
    }
}

/// What evaluating a node reads.
struct Model<'a> {
    sizes: &'a Sizes,
    settings: &'a Settings,
    offsets: &'a [usize],
    a: &'a [Vec<f64>],
    b: &'a [Rows],
    joint: &'a JointLikelihood,
    novelty: &'a [Vec<f64>],
    negligible: f64,
}

struct InferPolicies<'a>(&'a mut Agent);

impl Task for InferPolicies<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let agent = self.0;
        let plan = &mut agent.plan;
        let model = Model {
            sizes: &agent.sizes,
            settings: &agent.settings,
            offsets: &agent.offsets,
            a: &agent.a,
            b: &agent.b,
            joint: &agent.joint,
            novelty: &plan.novelty,
            negligible: plan.negligible,
        };
        plan.levels[0].before.copy_from_slice(&agent.qs);
        plan.active_states = walk(s, &model, &mut plan.levels, &mut plan.scratch, &mut plan.g);
        let gamma = agent.settings.gamma;
        for (q, g) in plan.q_pi.iter_mut().zip(&plan.g) {
            *q = gamma * g;
        }
        for (q, e) in plan.q_pi.iter_mut().zip(&plan.ln_e) {
            *q += e;
        }
        math::softmax(s, &mut plan.q_pi);
    }
}

/// Walks the prefix tree depth first and fills `g`; returns how many joint states passed the cut.
#[inline(always)]
fn walk<S: Simd>(
    s: S,
    model: &Model,
    levels: &mut [Step],
    scratch: &mut Scratch,
    g: &mut [f64],
) -> u64 {
    let children = model.sizes.joint_controls;
    let (mut depth, mut leaf, mut active) = (0, 0, 0);
    let mut base = 0.0;
    loop {
        active += evaluate(s, model, depth, base, &mut levels[depth], scratch);
        if depth + 1 < levels.len() {
            levels[depth].child = 0;
        } else {
            g[leaf..leaf + children].copy_from_slice(&levels[depth].value[..children]);
            leaf += children;
            // Back to the nearest level that has a child left.
            loop {
                if depth == 0 {
                    return active;
                }
                depth -= 1;
                levels[depth].child += 1;
                if levels[depth].child < children {
                    break;
                }
            }
        }
        let (upper, lower) = levels.split_at_mut(depth + 1);
        let (from, into) = (&upper[depth], &mut lower[0]);
        base = from.value[from.child];
        let mut rest = from.child;
        for (f, b) in model.b.iter().enumerate().rev() {
            let action = rest % b.width;
            rest /= b.width;
            let stride = lanes(b.width);
            let before = &mut into.before[model.offsets[f]..][..b.n_rows];
            for (x, row) in before.iter_mut().zip(from.after[f].chunks_exact(stride)) {
                *x = row[action];
            }
        }
        depth += 1;
    }
}

impl Agent {
    /// Scores every policy and sets [`Agent::g`] and [`Agent::q_pi`].
    pub fn infer_policies(&mut self) {
        dispatch(self.level, InferPolicies(self));
    }

    /// Work counter of the last [`Agent::infer_policies`]: over all nodes of the policy tree, the joint
    /// states whose predicted belief is above e^-16.
    pub fn active_states(&self) -> u64 {
        self.plan.active_states
    }
}
