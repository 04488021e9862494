//! Which action follows from the policy posterior?

use rand_pcg::rand_core::Rng;

use super::super::Agent;
use super::super::kernels::{Simd, Task, dispatch, math};
use super::super::model::{ActionSelection, SamplingMode};

struct Act<'a, R>(&'a mut Agent, &'a mut R);

impl<R: Rng> Task for Act<'_, R> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Act(agent, rng) = self;
        let alpha = agent.settings.alpha;
        let plan = &mut agent.plan;
        let scratch = &mut plan.scratch;
        let selection = agent.settings.action_selection;
        match agent.settings.sampling_mode {
            SamplingMode::Full => {
                let p = &mut scratch.draw[..plan.q_pi.len()];
                p.copy_from_slice(&plan.q_pi);
                let first = choose(s, selection, alpha, p, rng)
                    / (plan.q_pi.len() / agent.sizes.joint_controls);
                let mut rest = first;
                for (action, n) in agent.action.iter_mut().zip(&agent.sizes.num_controls).rev() {
                    *action = rest % n;
                    rest /= n;
                }
            }
            SamplingMode::Marginal => {
                first_actions(&plan.q_pi, &mut scratch.marginal);
                for (f, &n) in agent.sizes.num_controls.iter().enumerate() {
                    let p = &mut scratch.draw[..n];
                    marginal(&scratch.marginal, &agent.sizes.num_controls, f, p);
                    agent.action[f] = choose(s, selection, alpha, p, rng);
                }
            }
        }
        agent.has_action = true;
        agent.prior_ready = false;
    }
}

/// One index by the probabilities `p`, which it may overwrite.
#[inline(always)]
fn choose<S: Simd>(
    s: S,
    selection: ActionSelection,
    alpha: f64,
    p: &mut [f64],
    rng: &mut impl Rng,
) -> usize {
    if selection == ActionSelection::Deterministic {
        return arg_max(p);
    }
    sharpen(s, alpha, p);
    draw(p, rng)
}

/// Sums q_pi over policies with the same first joint action: they are neighbours.
#[inline(always)]
pub(in super::super) fn first_actions(q_pi: &[f64], out: &mut [f64]) {
    if q_pi.len() == out.len() {
        out.copy_from_slice(q_pi);
        return;
    }
    let group = q_pi.len() / out.len();
    for (out, group) in out.iter_mut().zip(q_pi.chunks_exact(group)) {
        *out = math::sum(group);
    }
}

/// The marginal of factor `f` over first actions, normalised.
#[inline(always)]
pub(in super::super) fn marginal(
    first_actions: &[f64],
    num_controls: &[usize],
    f: usize,
    out: &mut [f64],
) {
    let after: usize = num_controls[f + 1..].iter().product();
    out.fill(0.0);
    // Counted, not divided: actions cycle, each for `after` neighbours.
    let (mut u, mut left) = (0, after);
    for p in first_actions {
        out[u] += p;
        left -= 1;
        if left == 0 {
            left = after;
            u = if u + 1 < out.len() { u + 1 } else { 0 };
        }
    }
    math::normalise(out);
}

/// softmax(alpha lnE(p)): what a stochastic agent draws from.
#[inline(always)]
pub(in super::super) fn sharpen<S: Simd>(s: S, alpha: f64, p: &mut [f64]) {
    math::ln_eps_all(s, p);
    p.iter_mut().for_each(|v| *v *= alpha);
    math::softmax(s, p);
}

/// The first index of the largest value.
#[inline(always)]
fn arg_max(p: &[f64]) -> usize {
    let mut best = 0;
    for (i, v) in p.iter().enumerate() {
        if *v > p[best] {
            best = i;
        }
    }
    best
}

/// A draw by inverse CDF from 53 random bits.
#[inline(always)]
fn draw(p: &[f64], rng: &mut impl Rng) -> usize {
    let mut left = (rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64);
    for (i, v) in p.iter().enumerate() {
        left -= v;
        if left < 0.0 {
            return i;
        }
    }
    // Rounding may leave a crumb: it goes to the last outcome that can occur.
    p.iter().rposition(|&v| v > 0.0).unwrap_or(0)
}

impl Agent {
    /// Chooses an action as the settings say, takes it and returns it, one index per factor.
    ///
    /// `rng` is only used by stochastic selection: one `u64` per factor (marginal) or per action
    /// (full), so that the same seed gives the same actions everywhere. `Rng` is
    /// [`rand_pcg::rand_core::Rng`], which rand_core called `RngCore` before 0.10.
    pub fn act<R: Rng>(&mut self, rng: &mut R) -> &[usize] {
        dispatch(self.level, Act(self, rng));
        &self.action
    }

    /// Selects actions in another way from now on.
    pub fn set_action_selection(&mut self, selection: ActionSelection) {
        self.settings.action_selection = selection;
    }
}
