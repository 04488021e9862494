//! What are the hidden states, given what was seen?

use super::kernels::math::{self, EPS};
use super::kernels::{Simd, Task, dispatch};
use super::{Agent, Evidence, Observation};

struct InferStates<'a, 'o> {
    agent: &'a mut Agent,
    obs: &'a [Observation<'o>],
    evidence: &'a [Evidence<'o>],
}

impl Task for InferStates<'_, '_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let agent = self.agent;
        agent.prepare_prior();
        agent.prior_ready = false;
        if agent.has_posterior && agent.settings.learn.b {
            agent.previous.copy_from_slice(&agent.qs);
        }
        agent.has_transition = agent.has_posterior && agent.has_action;
        agent.remember(self.obs);
        agent.fill_likelihood(self.obs, self.evidence);
        if agent.sizes.num_states.len() == 1 {
            closed_form(&agent.likelihood, &agent.prior, &mut agent.qs);
        } else {
            agent.iterate(s);
        }
        if !agent.has_posterior && agent.settings.learn.d {
            agent.first.copy_from_slice(&agent.qs);
        }
        agent.has_posterior = true;
    }
}

/// softmax(lnE(likelihood) + lnE(prior)) without a logarithm: the normalised product of both + EPS.
#[inline(always)]
fn closed_form(likelihood: &[f64], prior: &[f64], qs: &mut [f64]) {
    for ((q, l), p) in qs.iter_mut().zip(likelihood).zip(prior) {
        *q = (l + EPS) * (p + EPS);
    }
    math::normalise(qs);
}

impl Agent {
    /// Infers the hidden states from one observation per modality; sets [`Agent::qs`].
    ///
    /// The prior is D at the start of a trial, else what the last action makes of the last posterior.
    ///
    /// # Panics
    /// If `obs` does not fit the model: another number of modalities, an index past the outcomes, a
    /// distribution of another length. [`Agent::num_obs`] says what fits.
    pub fn infer_states(&mut self, obs: &[Observation]) {
        self.infer_states_with(obs, &[]);
    }

    /// [`Agent::infer_states`] with evidence about hidden factors from outside.
    ///
    /// # Panics
    /// As [`Agent::infer_states`], and if a piece of evidence does not fit its factor.
    pub fn infer_states_with(&mut self, obs: &[Observation], evidence: &[Evidence]) {
        self.check(obs);
        for e in evidence {
            assert!(
                self.sizes.num_states.get(e.factor) == Some(&e.likelihood.len()),
                "evidence of length {} about factor {}: the model has {:?} states",
                e.likelihood.len(),
                e.factor,
                self.sizes.num_states
            );
        }
        dispatch(
            self.level,
            InferStates {
                agent: self,
                obs,
                evidence,
            },
        );
    }

    /// What `obs` alone says about `factor`: m(s_f) = Σ over the other factors' states of
    /// likelihood(s) Π prior(s_g), scaled to a largest entry of 1 (all 0 stays all 0).
    ///
    /// Uses the prior of the step that the next [`Agent::infer_states`] starts, so that a message
    /// can be sent before the own inference. `out` has length S_f.
    ///
    /// # Panics
    /// As [`Agent::infer_states`]; if `factor` or the length of `out` does not fit.
    pub fn likelihood_message(&mut self, obs: &[Observation], factor: usize, out: &mut [f64]) {
        self.check(obs);
        assert!(
            self.sizes.num_states.get(factor) == Some(&out.len()),
            "message of length {} about factor {factor}: the model has {:?} states",
            out.len(),
            self.sizes.num_states
        );
        self.prepare_prior();
        self.fill_likelihood(obs, &[]);
        // Fold the other factors away: those after `factor` innermost first, those before by weight.
        let n = out.len();
        let after: usize = self.sizes.num_states[factor + 1..].iter().product();
        out.fill(0.0);
        for (i, l) in self.likelihood.iter().enumerate() {
            let mut weight = *l;
            let mut rest = i;
            for g in (0..self.sizes.num_states.len()).rev() {
                let (state, states) = (rest % self.sizes.num_states[g], self.sizes.num_states[g]);
                rest /= states;
                if g != factor {
                    weight *= self.prior[self.offsets[g] + state];
                }
            }
            out[i / after % n] += weight;
        }
        let max = out.iter().fold(0.0, |a: f64, &b| a.max(b));
        if max > 0.0 {
            out.iter_mut().for_each(|v| *v /= max);
        }
    }

    /// Variational free energy of the last posterior, prior and observation, nats.
    pub fn vfe(&self) -> f64 {
        let ln_eps = |x: f64| (x + EPS).ln();
        let own: f64 = self
            .qs
            .iter()
            .zip(&self.prior)
            .map(|(q, p)| q * (ln_eps(*q) - ln_eps(*p)))
            .sum();
        let expected: f64 = self
            .likelihood
            .iter()
            .enumerate()
            .map(|(i, l)| self.joint_belief(&self.qs, i) * ln_eps(*l))
            .sum();
        own - expected
    }

    /// Sweeps of the last fixed-point iteration; 0 for a single factor.
    pub fn fpi_iterations(&self) -> usize {
        self.iteration.sweeps
    }

    /// Π_f q_f(s_f) at flat joint state `i`.
    #[inline(always)]
    pub(super) fn joint_belief(&self, q: &[f64], i: usize) -> f64 {
        let (mut belief, mut rest) = (1.0, i);
        for (f, &n) in self.sizes.num_states.iter().enumerate().rev() {
            belief *= q[self.offsets[f] + rest % n];
            rest /= n;
        }
        belief
    }

    fn check(&self, obs: &[Observation]) {
        let fits = obs.len() == self.sizes.num_obs.len()
            && obs.iter().zip(&self.sizes.num_obs).all(|(o, &n)| match o {
                Observation::Index(i) => *i < n,
                Observation::Distribution(w) => w.len() == n,
            });
        assert!(
            fits,
            "observation {obs:?} does not fit modalities with {:?} outcomes",
            self.sizes.num_obs
        );
    }

    /// Sets the prior of the coming step, once.
    #[inline(always)]
    fn prepare_prior(&mut self) {
        if self.prior_ready {
            return;
        }
        self.prior_ready = true;
        if !self.has_action {
            self.prior.copy_from_slice(&self.d);
            return;
        }
        for (f, b) in self.b.iter().enumerate() {
            let range = self.offsets[f]..self.offsets[f + 1];
            b.lane_times(
                self.action[f],
                &self.qs[range.clone()],
                &mut self.prior[range],
            );
        }
    }

    /// Keeps what learning A needs of the observation.
    #[inline(always)]
    fn remember(&mut self, obs: &[Observation]) {
        if !self.settings.learn.a {
            return;
        }
        let mut at = 0;
        for ((seen, o), n) in self.seen.iter_mut().zip(obs).zip(&self.sizes.num_obs) {
            *seen = match o {
                Observation::Index(i) => Some(*i),
                Observation::Distribution(w) => {
                    self.seen_weights[at..at + n].copy_from_slice(w);
                    None
                }
            };
            at += n;
        }
    }

    /// likelihood(s) = Π_m A[m][o_m, s] x Π evidence(s_f).
    #[inline(always)]
    fn fill_likelihood(&mut self, obs: &[Observation], evidence: &[Evidence]) {
        let n = self.sizes.joint_states;
        let out = &mut self.likelihood[..n];
        for (m, (o, a)) in obs.iter().zip(&self.a).enumerate() {
            match o {
                Observation::Index(i) => {
                    let row = &a[i * n..][..n];
                    if m == 0 {
                        out.copy_from_slice(row);
                    } else {
                        out.iter_mut().zip(row).for_each(|(l, a)| *l *= a);
                    }
                }
                Observation::Distribution(w) => {
                    // Column by column: no scratch, and distributions are rarer than indices.
                    for (state, l) in out.iter_mut().enumerate() {
                        let seen: f64 = w
                            .iter()
                            .enumerate()
                            .map(|(o, w)| w * a[o * n + state])
                            .sum();
                        *l = if m == 0 { seen } else { *l * seen };
                    }
                }
            }
        }
        for e in evidence {
            let after: usize = self.sizes.num_states[e.factor + 1..].iter().product();
            for (block, l) in out.chunks_exact_mut(after).enumerate() {
                let weight = e.likelihood[block % e.likelihood.len()];
                l.iter_mut().for_each(|l| *l *= weight);
            }
        }
    }
}
