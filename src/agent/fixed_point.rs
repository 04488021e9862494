//! How do beliefs about several factors come to agree with each other?

use super::Agent;
use super::kernels::math::{self, EPS};
use super::kernels::{LANES, Simd};
use super::model::Sizes;

/// Scratch of the fixed-point iteration.
#[derive(Clone, Debug)]
pub(super) struct Iteration {
    /// lnE(likelihood) per joint state; empty with one factor, where nothing iterates.
    ln_likelihood: Vec<f64>,
    /// lnE(prior), packed.
    ln_prior: Vec<f64>,
    /// E[ln likelihood] per state of each factor, packed.
    message: Vec<f64>,
    /// Products over joint states, for three factors and more.
    product: Vec<f64>,
    /// message + ln prior, then exp of it, packed.
    weights: Vec<f64>,
    pub(super) sweeps: usize,
}

impl Iteration {
    pub(super) fn new(sizes: &Sizes) -> Iteration {
        let factors = sizes.num_states.len();
        let states: usize = sizes.num_states.iter().sum();
        // Whole vectors, so that ln and exp need no special end; what is past the end is never read.
        let when =
            |wanted: bool, n: usize| vec![0.0; if wanted { n.next_multiple_of(LANES) } else { 0 }];
        Iteration {
            ln_likelihood: when(factors > 1, sizes.joint_states),
            ln_prior: when(factors > 1, states),
            message: when(factors > 1, states),
            product: vec![0.0; if factors > 2 { sizes.joint_states } else { 0 }],
            weights: when(factors > 1, states),
            sweeps: 0,
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        8 * (self.ln_likelihood.len()
            + self.ln_prior.len()
            + self.message.len()
            + self.product.len())
    }
}

impl Agent {
    /// Fixed-point iteration for two factors and more: Jacobi sweeps from uniform beliefs.
    ///
    /// The free energy needs no logarithm of q: ln q_f = message_f + ln prior_f - ln Σ exp(…), so that
    /// Σ q ln q - q ln prior = q · message - ln Σ exp(…).
    #[inline(always)]
    pub(super) fn iterate<S: Simd>(&mut self, s: S) {
        let it = &mut self.iteration;
        let (offsets, num_states) = (&self.offsets[..], &self.sizes.num_states[..]);
        it.ln_likelihood[..self.likelihood.len()].copy_from_slice(&self.likelihood);
        math::ln_eps_all(s, &mut it.ln_likelihood);
        it.ln_prior[..self.prior.len()].copy_from_slice(&self.prior);
        math::ln_eps_all(s, &mut it.ln_prior);
        let mut before = 0.0;
        for (f, &n) in num_states.iter().enumerate() {
            let uniform = 1.0 / n as f64;
            self.qs[offsets[f]..][..n].fill(uniform);
            let ln_uniform = (uniform + EPS).ln();
            before += ln_uniform - uniform * it.ln_prior[offsets[f]..][..n].iter().sum::<f64>();
        }
        it.sweeps = 0;
        let mut change = self.settings.df;
        if self.settings.num_iter == 0 || change < self.settings.df_tol {
            return;
        }
        messages(it, &self.qs, offsets, num_states);
        loop {
            for ((w, r), p) in it.weights.iter_mut().zip(&it.message).zip(&it.ln_prior) {
                // No maximum is subtracted: each term is bounded by ln EPS, far from exp's limits.
                *w = r + p;
            }
            math::exp_all(s, &mut it.weights);
            let mut now = 0.0;
            let mut sums = [1.0; LANES];
            for (f, &n) in num_states.iter().enumerate() {
                let weights = &it.weights[offsets[f]..][..n];
                let sum: f64 = weights.iter().sum();
                let scale = 1.0 / sum;
                sums[f % LANES] = sum;
                let message = &it.message[offsets[f]..][..n];
                let mut expected = 0.0;
                for ((q, w), r) in self.qs[offsets[f]..][..n]
                    .iter_mut()
                    .zip(weights)
                    .zip(message)
                {
                    *q = w * scale;
                    expected += *q * r;
                }
                now += expected;
                if f % LANES == LANES - 1 || f + 1 == num_states.len() {
                    // One vector of logarithms for eight factors; unused lanes are ln 1 = 0.
                    let ln = math::ln(s, s.get(&sums, 0));
                    now -= s.sum(ln);
                    sums = [1.0; LANES];
                }
            }
            // The coming sweep's messages also give E[ln likelihood] under the new beliefs.
            now -= messages(it, &self.qs, offsets, num_states);
            it.sweeps += 1;
            change = (before - now).abs();
            before = now;
            // Negated, so that a NaN ends the loop, as pymdp's comparison does.
            let go_on = it.sweeps < self.settings.num_iter && change >= self.settings.df_tol;
            if !go_on {
                return;
            }
        }
    }
}

/// message_f(s_f) = Σ over the other factors' states of ln likelihood(s) Π q_g(s_g); returns E_q[ln likelihood].
#[inline(always)]
fn messages(it: &mut Iteration, qs: &[f64], offsets: &[usize], num_states: &[usize]) -> f64 {
    if let &[n0, n1] = num_states {
        let (q0, q1) = (&qs[..n0], &qs[n0..n0 + n1]);
        let (r0, r1) = it.message.split_at_mut(n0);
        let (l, r1) = (&it.ln_likelihood[..n0 * n1], &mut r1[..n1]);
        // A small second factor, as many models have, stays in registers.
        return match n1 {
            2 => two_factors::<2>(l, q0, q1, r0, r1),
            3 => two_factors::<3>(l, q0, q1, r0, r1),
            4 => two_factors::<4>(l, q0, q1, r0, r1),
            _ => {
                r1.fill(0.0);
                let mut energy = 0.0;
                for ((row, r0), q0) in l.chunks_exact(n1).zip(r0).zip(q0) {
                    let mut dot = 0.0;
                    for ((l, q1), r1) in row.iter().zip(q1).zip(r1.iter_mut()) {
                        dot += l * q1;
                        *r1 += l * q0;
                    }
                    *r0 = dot;
                    energy += q0 * dot;
                }
                energy
            }
        };
    }
    // As pymdp: the full product once, its marginals, then the own factor divided out. q is never 0.
    let joint = it.product.len();
    it.product.copy_from_slice(&it.ln_likelihood[..joint]);
    let mut after = it.product.len();
    for (f, &n) in num_states.iter().enumerate() {
        after /= n;
        for (block, products) in it.product.chunks_exact_mut(after).enumerate() {
            let q = qs[offsets[f] + block % n];
            products.iter_mut().for_each(|p| *p *= q);
        }
    }
    let mut energy = 0.0;
    let mut after = it.product.len();
    for (f, &n) in num_states.iter().enumerate() {
        after /= n;
        let message = &mut it.message[offsets[f]..][..n];
        message.fill(0.0);
        for (block, products) in it.product.chunks_exact(after).enumerate() {
            message[block % n] += math::sum(products);
        }
        if f == 0 {
            energy = message.iter().sum();
        }
        message
            .iter_mut()
            .zip(&qs[offsets[f]..])
            .for_each(|(r, q)| *r /= q);
    }
    energy
}

/// Both messages of two factors in one pass over `l`, (S_0, N); returns E_q[ln likelihood].
#[inline(always)]
fn two_factors<const N: usize>(
    l: &[f64],
    q0: &[f64],
    q1: &[f64],
    r0: &mut [f64],
    r1: &mut [f64],
) -> f64 {
    let (rows, _) = l.as_chunks::<N>();
    let q1: [f64; N] = core::array::from_fn(|i| q1[i]);
    let mut sums = [0.0; N];
    let mut energy = 0.0;
    for ((row, r0), q0) in rows.iter().zip(r0).zip(q0) {
        let mut dot = 0.0;
        for i in 0..N {
            dot += row[i] * q1[i];
            sums[i] += row[i] * q0;
        }
        *r0 = dot;
        energy += q0 * dot;
    }
    r1.copy_from_slice(&sums);
    energy
}
