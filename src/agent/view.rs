//! What can be read of an agent?

use ndarray::{Array1, Array3, ArrayD, ArrayView1, IxDyn};

use super::kernels::{Simd, Task, dispatch};
use super::policy::action as policy;
use super::{Agent, Settings};

struct Sharpen<'a>(f64, &'a mut [f64]);

impl Task for Sharpen<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        policy::sharpen(s, self.0, self.1);
    }
}

/// Accessors. Views borrow and cost nothing; what returns an owned array allocates and is meant for
/// reports and tests, not for a step. Indices of factors and modalities past the end panic.
impl Agent {
    /// Outcomes per modality, length M.
    pub fn num_obs(&self) -> &[usize] {
        &self.sizes.num_obs
    }

    /// States per factor, length F.
    pub fn num_states(&self) -> &[usize] {
        &self.sizes.num_states
    }

    /// Actions per factor, length F; 1 for a factor that nobody controls.
    pub fn num_controls(&self) -> &[usize] {
        &self.sizes.num_controls
    }

    /// What the agent was built with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Posterior over the states of factor `f`, shape (S_f); uniform before the first observation.
    pub fn qs(&self, f: usize) -> ArrayView1<'_, f64> {
        ArrayView1::from(&self.qs[self.offsets[f]..self.offsets[f + 1]])
    }

    /// Prior over the states of factor `f` that the last posterior started from, shape (S_f).
    pub fn prior(&self, f: usize) -> ArrayView1<'_, f64> {
        ArrayView1::from(&self.prior[self.offsets[f]..self.offsets[f + 1]])
    }

    /// Minus the expected free energy per policy, nats, length P; larger is better. Order as
    /// [`Agent::policies`].
    pub fn g(&self) -> &[f64] {
        &self.plan.g
    }

    /// Posterior over policies, length P.
    pub fn q_pi(&self) -> &[f64] {
        &self.plan.q_pi
    }

    /// Number of policies P.
    pub fn num_policies(&self) -> usize {
        self.sizes.policies
    }

    /// All policies, shape (P, policy_len, F): the action index of each factor at each step. The last
    /// index counts fastest.
    pub fn policies(&self) -> Array3<usize> {
        let (steps, factors) = (self.settings.policy_len, self.b.len());
        let mut out = Array3::zeros((self.sizes.policies, steps, factors));
        for (p, mut policy) in out.outer_iter_mut().enumerate() {
            let mut rest = p;
            for t in (0..steps).rev() {
                for f in (0..factors).rev() {
                    policy[[t, f]] = rest % self.sizes.num_controls[f];
                    rest /= self.sizes.num_controls[f];
                }
            }
        }
        out
    }

    /// Probability of each first action of factor `f` under q_pi, shape (U_f).
    pub fn action_marginals(&self, f: usize) -> Array1<f64> {
        let mut first = vec![0.0; self.sizes.joint_controls];
        policy::first_actions(&self.plan.q_pi, &mut first);
        let mut out = vec![0.0; self.sizes.num_controls[f]];
        policy::marginal(&first, &self.sizes.num_controls, f, &mut out);
        Array1::from_vec(out)
    }

    /// What stochastic selection in marginal mode draws factor `f`'s action from, shape (U_f).
    pub fn p_actions_stochastic(&self, f: usize) -> Array1<f64> {
        let mut out = self.action_marginals(f).to_vec();
        dispatch(self.level, Sharpen(self.settings.alpha, &mut out));
        Array1::from_vec(out)
    }

    /// What stochastic selection in full mode draws the policy from, shape (P).
    pub fn p_policies_stochastic(&self) -> Array1<f64> {
        let mut out = self.plan.q_pi.clone();
        dispatch(self.level, Sharpen(self.settings.alpha, &mut out));
        Array1::from_vec(out)
    }

    /// The last action of this trial, one index per factor; `None` at a trial's start.
    pub fn action(&self) -> Option<&[usize]> {
        self.has_action.then_some(&self.action[..])
    }

    /// The current A of modality `m`, shape (O_m, S_0, …).
    pub fn a(&self, m: usize) -> ArrayD<f64> {
        self.shape_a(m, &self.a[m])
    }

    /// The current B of factor `f`, shape (S_f, S_f, U_f), order [next, previous, action].
    pub fn b(&self, f: usize) -> Array3<f64> {
        let b = &self.b[f];
        b.to_array(&b.values, true)
    }

    /// The current D of factor `f`, shape (S_f).
    pub fn d(&self, f: usize) -> ArrayView1<'_, f64> {
        ArrayView1::from(&self.d[self.offsets[f]..self.offsets[f + 1]])
    }

    /// The current counts of A of modality `m`; `None` if the model had none.
    pub fn p_a(&self, m: usize) -> Option<ArrayD<f64>> {
        self.p_a.as_ref().map(|p| self.shape_a(m, &p[m]))
    }

    /// The current counts of B of factor `f`; `None` if the model had none.
    pub fn p_b(&self, f: usize) -> Option<Array3<f64>> {
        self.p_b.as_ref().map(|p| self.b[f].to_array(&p[f], false))
    }

    /// The current counts of D of factor `f`; `None` if the model had none.
    pub fn p_d(&self, f: usize) -> Option<ArrayView1<'_, f64>> {
        self.p_d
            .as_ref()
            .map(|p| ArrayView1::from(&p[self.offsets[f]..self.offsets[f + 1]]))
    }

    /// Bytes that this agent's large arrays take on the heap: parameters, beliefs and scratch.
    pub fn heap_bytes(&self) -> usize {
        let nested = |v: &[Vec<f64>]| v.iter().map(Vec::len).sum::<usize>();
        let floats = nested(&self.a)
            + self.p_a.as_deref().map_or(0, nested)
            + self.p_b.as_deref().map_or(0, nested)
            + 5 * self.qs.len()
            + self.likelihood.len()
            + nested(&self.joint.utility)
            + nested(&self.joint.ln_c)
            + nested(&self.joint.novelty)
            + self.joint.ambiguity.len();
        8 * floats
            + 4 * self.joint.outcomes.len()
            + self.b.iter().map(|b| b.heap_bytes()).sum::<usize>()
            + self.joint.rows.heap_bytes()
            + self.iteration.heap_bytes()
            + self.initial.heap_bytes()
            + self.plan.heap_bytes()
    }

    fn shape_a(&self, m: usize, values: &[f64]) -> ArrayD<f64> {
        let shape: Vec<usize> = [self.sizes.num_obs[m]]
            .iter()
            .chain(&self.sizes.num_states)
            .copied()
            .collect();
        ArrayD::from_shape_vec(IxDyn(&shape), values.to_vec())
            .expect("A keeps the shape it was checked with")
    }
}
