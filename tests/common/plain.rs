//! What does the agent compute, written as plain loops from the definitions?
//!
//! Independent of the tuned code: an oracle for tests and the yardstick for speed. It takes no
//! short cut that changes the amount of work, except the two that any careful translation has:
//! buffers are reused, and terms with a zero weight are skipped.
#![expect(
    clippy::needless_range_loop,
    reason = "the loops keep the definitions' indices"
)]

use forkscope::agent::{ModelSpec, Settings};

const EPS: f64 = 1e-16;
const CUT: f64 = 1.125_351_747_192_591_2e-7;

/// An agent of plain loops; fields and methods as the tuned one's.
pub struct Plain {
    pub num_obs: Vec<usize>,
    pub num_states: Vec<usize>,
    pub num_controls: Vec<usize>,
    settings: Settings,
    pub a: Vec<Vec<f64>>,
    pub b: Vec<Vec<f64>>,
    d: Vec<Vec<f64>>,
    ln_c: Vec<Vec<Vec<f64>>>,
    ln_e: Vec<f64>,
    pub p_a: Option<Vec<Vec<f64>>>,
    pub p_b: Option<Vec<Vec<f64>>>,
    policies: Vec<Vec<Vec<usize>>>,
    pub qs: Vec<Vec<f64>>,
    pub prior: Vec<Vec<f64>>,
    previous: Option<Vec<Vec<f64>>>,
    pub action: Option<Vec<usize>>,
    obs: Vec<Vec<f64>>,
    pub sweeps: usize,
    pub g: Vec<f64>,
    pub q_pi: Vec<f64>,
    joint: Vec<f64>,
    likelihood: Vec<f64>,
    outcomes: Vec<f64>,
    x: Vec<Vec<f64>>,
    next: Vec<Vec<f64>>,
}

fn softmax(v: &mut [f64]) {
    let max = v.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for x in v.iter_mut() {
        *x = (*x - max).exp();
        sum += *x;
    }
    for x in v.iter_mut() {
        *x /= sum;
    }
}

/// The states of each factor at flat joint index `i`.
fn digits(mut i: usize, sizes: &[usize], out: &mut [usize]) {
    for f in (0..sizes.len()).rev() {
        out[f] = i % sizes[f];
        i /= sizes[f];
    }
}

/// Π_f x_f(s_f) at every joint state.
fn outer(x: &[Vec<f64>], out: &mut Vec<f64>) {
    out.clear();
    out.push(1.0);
    for x in x {
        let filled = out.len();
        for i in 0..filled {
            for v in x {
                out.push(out[i] * v);
            }
        }
        out.drain(..filled);
    }
}

impl Plain {
    pub fn new(spec: &ModelSpec, settings: &Settings) -> Plain {
        let num_obs: Vec<usize> = spec.a.iter().map(|a| a.shape()[0]).collect();
        let num_states: Vec<usize> = spec.b.iter().map(|b| b.dim().0).collect();
        let num_controls: Vec<usize> = spec.b.iter().map(|b| b.dim().2).collect();
        let len = settings.policy_len;
        let repeated: Vec<usize> = (0..len).flat_map(|_| num_controls.clone()).collect();
        let count: usize = repeated.iter().product();
        let mut flat = vec![0; repeated.len()];
        let policies = (0..count)
            .map(|p| {
                digits(p, &repeated, &mut flat);
                flat.chunks(num_controls.len())
                    .map(<[usize]>::to_vec)
                    .collect()
            })
            .collect();
        let ln_c = (0..num_obs.len())
            .map(|m| {
                (0..len)
                    .map(|t| {
                        let mut c: Vec<f64> = (0..num_obs[m])
                            .map(|o| match &spec.c {
                                None => 0.0,
                                Some(c) if c[m].ndim() == 2 => c[m][[o, t]],
                                Some(c) => c[m][[o]],
                            })
                            .collect();
                        softmax(&mut c);
                        c.iter().map(|p| (p + EPS).ln()).collect()
                    })
                    .collect()
            })
            .collect();
        let dense =
            |l: &Vec<ndarray::ArrayD<f64>>| l.iter().map(|a| a.iter().copied().collect()).collect();
        let dense3 =
            |l: &Vec<ndarray::Array3<f64>>| l.iter().map(|a| a.iter().copied().collect()).collect();
        let uniform: Vec<Vec<f64>> = num_states
            .iter()
            .map(|&n| vec![1.0 / n as f64; n])
            .collect();
        Plain {
            a: dense(&spec.a),
            b: dense3(&spec.b),
            d: spec
                .d
                .as_ref()
                .map_or(uniform.clone(), |d| d.iter().map(|d| d.to_vec()).collect()),
            ln_c,
            ln_e: match &spec.e {
                Some(e) => e.iter().map(|p| (p + EPS).ln()).collect(),
                None => vec![(1.0 / count as f64 + EPS).ln(); count],
            },
            p_a: spec.p_a.as_ref().map(dense),
            p_b: spec.p_b.as_ref().map(dense3),
            policies,
            prior: uniform.clone(),
            x: uniform.clone(),
            next: uniform.clone(),
            qs: uniform,
            previous: None,
            action: None,
            obs: num_obs.iter().map(|&n| vec![0.0; n]).collect(),
            sweeps: 0,
            g: vec![0.0; count],
            q_pi: vec![0.0; count],
            joint: Vec::new(),
            likelihood: Vec::new(),
            outcomes: Vec::new(),
            num_obs,
            num_states,
            num_controls,
            settings: settings.clone(),
        }
    }

    pub fn restart(&mut self) {
        self.action = None;
        self.previous = None;
    }

    pub fn infer_indices(&mut self, obs: &[usize]) {
        for (m, &o) in obs.iter().enumerate() {
            self.obs[m].fill(0.0);
            self.obs[m][o] = 1.0;
        }
        self.infer();
    }

    pub fn infer_distributions(&mut self, obs: &[Vec<f64>]) {
        self.obs.clone_from_slice(obs);
        self.infer();
    }

    fn infer(&mut self) {
        let factors = self.num_states.len();
        if self.settings.learn.b {
            self.previous = self.action.as_ref().map(|_| self.qs.clone());
        }
        match &self.action {
            None => self.prior.clone_from_slice(&self.d),
            Some(action) => {
                for f in 0..factors {
                    predict(
                        &self.b[f],
                        self.num_states[f],
                        self.num_controls[f],
                        action[f],
                        &self.qs[f],
                        &mut self.prior[f],
                    );
                }
            }
        }
        let n: usize = self.num_states.iter().product();
        self.likelihood.clear();
        self.likelihood.resize(n, 1.0);
        for (a, w) in self.a.iter().zip(&self.obs) {
            for (s, l) in self.likelihood.iter_mut().enumerate() {
                let mut seen = 0.0;
                for (o, w) in w.iter().enumerate() {
                    if *w != 0.0 {
                        seen += w * a[o * n + s];
                    }
                }
                *l *= seen;
            }
        }
        self.sweeps = 0;
        let ln_prior: Vec<Vec<f64>> = self
            .prior
            .iter()
            .map(|p| p.iter().map(|p| (p + EPS).ln()).collect())
            .collect();
        let ln: Vec<f64> = self.likelihood.iter().map(|l| (l + EPS).ln()).collect();
        if factors == 1 {
            for (s, q) in self.qs[0].iter_mut().enumerate() {
                *q = ln[s] + ln_prior[0][s];
            }
            softmax(&mut self.qs[0]);
            return;
        }
        for (q, &n) in self.qs.iter_mut().zip(&self.num_states) {
            q.fill(1.0 / n as f64);
        }
        let own = |qs: &[Vec<f64>]| -> f64 {
            let mut sum = 0.0;
            for (q, p) in qs.iter().zip(&ln_prior) {
                for (q, p) in q.iter().zip(p) {
                    sum += q * (q + EPS).ln() - q * p;
                }
            }
            sum
        };
        let mut before = own(&self.qs);
        let mut change = self.settings.df;
        let mut state = vec![0; factors];
        while self.sweeps < self.settings.num_iter && change >= self.settings.df_tol {
            outer(&self.qs, &mut self.joint);
            let mut r: Vec<Vec<f64>> = self.num_states.iter().map(|&n| vec![0.0; n]).collect();
            for (i, (j, l)) in self.joint.iter().zip(&ln).enumerate() {
                digits(i, &self.num_states, &mut state);
                for f in 0..factors {
                    r[f][state[f]] += j * l;
                }
            }
            for f in 0..factors {
                for (s, q) in self.qs[f].iter_mut().enumerate() {
                    *q = r[f][s] / *q + ln_prior[f][s];
                }
                softmax(&mut self.qs[f]);
            }
            outer(&self.qs, &mut self.joint);
            let expected: f64 = self.joint.iter().zip(&ln).map(|(j, l)| j * l).sum();
            let now = own(&self.qs) - expected;
            change = (before - now).abs();
            before = now;
            self.sweeps += 1;
        }
    }

    pub fn learn(&mut self) {
        let learns = |list: &Option<Vec<usize>>, i| list.as_ref().is_none_or(|l| l.contains(&i));
        if self.settings.learn.a {
            outer(&self.qs, &mut self.joint);
            let n = self.joint.len();
            for (m, p_a) in self.p_a.as_mut().expect("pA").iter_mut().enumerate() {
                if learns(&self.settings.modalities_to_learn, m) {
                    for (i, p) in p_a.iter_mut().enumerate() {
                        if self.a[m][i] > 0.0 {
                            *p += self.settings.lr_p_a * self.obs[m][i / n] * self.joint[i % n];
                        }
                    }
                }
                for s in 0..n {
                    let sum: f64 = p_a.iter().skip(s).step_by(n).sum();
                    for i in (s..p_a.len()).step_by(n) {
                        self.a[m][i] = p_a[i] / sum;
                    }
                }
            }
        }
        let (Some(previous), Some(action)) = (&self.previous, &self.action) else {
            return;
        };
        if self.settings.learn.b {
            for (f, p_b) in self.p_b.as_mut().expect("pB").iter_mut().enumerate() {
                let (n, controls) = (self.num_states[f], self.num_controls[f]);
                if learns(&self.settings.factors_to_learn, f) {
                    for r in 0..n {
                        for c in 0..n {
                            let i = (r * n + c) * controls + action[f];
                            if self.b[f][i] > 0.0 {
                                p_b[i] += self.settings.lr_p_b * self.qs[f][r] * previous[f][c];
                            }
                        }
                    }
                }
                for column in 0..n * controls {
                    let sum: f64 = p_b.iter().skip(column).step_by(n * controls).sum();
                    for i in (column..p_b.len()).step_by(n * controls) {
                        self.b[f][i] = p_b[i] / sum;
                    }
                }
            }
        }
    }

    pub fn infer_policies(&mut self) {
        for p in 0..self.policies.len() {
            self.x.clone_from_slice(&self.qs);
            let mut g = 0.0;
            for t in 0..self.settings.policy_len {
                g += self.evaluate(p, t);
                std::mem::swap(&mut self.x, &mut self.next);
            }
            self.g[p] = g;
        }
        for ((q, g), e) in self.q_pi.iter_mut().zip(&self.g).zip(&self.ln_e) {
            *q = self.settings.gamma * g + e;
        }
        softmax(&mut self.q_pi);
    }

    /// The terms of step `t` of policy `p`, from `x`; leaves the prediction in `next`.
    fn evaluate(&mut self, p: usize, t: usize) -> f64 {
        let action = &self.policies[p][t];
        for f in 0..action.len() {
            predict(
                &self.b[f],
                self.num_states[f],
                self.num_controls[f],
                action[f],
                &self.x[f],
                &mut self.next[f],
            );
        }
        outer(&self.next, &mut self.joint);
        let n = self.joint.len();
        let mut g = 0.0;
        if self.settings.use_utility {
            for (m, a) in self.a.iter().enumerate() {
                for (o, row) in a.chunks(n).enumerate() {
                    let seen: f64 = row.iter().zip(&self.joint).map(|(a, j)| a * j).sum();
                    g += seen * self.ln_c[m][t][o];
                }
            }
        }
        if self.settings.use_states_info_gain {
            let total: usize = self.num_obs.iter().product();
            self.outcomes.clear();
            self.outcomes.resize(total, 0.0);
            let mut shown = [0; 8];
            for s in 0..n {
                let j = self.joint[s];
                if j <= CUT {
                    continue;
                }
                shown.fill(0);
                for o in 0..total {
                    let mut likely = 1.0;
                    for (m, a) in self.a.iter().enumerate() {
                        likely *= a[shown[m] * n + s];
                    }
                    if likely != 0.0 {
                        g += j * likely * (likely + CUT).ln();
                        self.outcomes[o] += j * likely;
                    }
                    // The next joint outcome, counted up without a division.
                    for m in (0..self.num_obs.len()).rev() {
                        shown[m] += 1;
                        if shown[m] < self.num_obs[m] {
                            break;
                        }
                        shown[m] = 0;
                    }
                }
            }
            for q in &self.outcomes {
                g -= q * (q + EPS).ln();
            }
        }
        if self.settings.use_param_info_gain {
            g += self.novelty(p, t);
        }
        g
    }

    fn novelty(&self, p: usize, t: usize) -> f64 {
        let n = self.joint.len();
        let weight = |count: f64, sum: f64| {
            if count > 0.0 {
                1.0 / sum - 1.0 / (count + EPS)
            } else {
                0.0
            }
        };
        let mut g = 0.0;
        for (m, p_a) in self.p_a.iter().flatten().enumerate() {
            for o in 0..self.num_obs[m] {
                let (mut seen, mut gain) = (0.0, 0.0);
                for s in 0..n {
                    let sum: f64 = p_a.iter().skip(s).step_by(n).map(|c| c + EPS).sum();
                    seen += self.a[m][o * n + s] * self.joint[s];
                    gain += weight(p_a[o * n + s], sum) * self.joint[s];
                }
                g -= seen * gain;
            }
        }
        for (f, p_b) in self.p_b.iter().flatten().enumerate() {
            let (n, controls, u) = (
                self.num_states[f],
                self.num_controls[f],
                self.policies[p][t][f],
            );
            for r in 0..n {
                for c in 0..n {
                    let sum: f64 = (0..n).map(|r| p_b[(r * n + c) * controls + u] + EPS).sum();
                    g -= self.next[f][r]
                        * weight(p_b[(r * n + c) * controls + u], sum)
                        * self.x[f][c];
                }
            }
        }
        g
    }

    /// Deterministic choice by marginals; takes it.
    pub fn act(&mut self) -> &[usize] {
        let factors = self.num_controls.len();
        let mut marginals: Vec<Vec<f64>> =
            self.num_controls.iter().map(|&n| vec![0.0; n]).collect();
        for (policy, q) in self.policies.iter().zip(&self.q_pi) {
            for f in 0..factors {
                marginals[f][policy[0][f]] += q;
            }
        }
        let action = self.action.get_or_insert_with(|| vec![0; factors]);
        for (action, marginal) in action.iter_mut().zip(&marginals) {
            *action = 0;
            for (u, m) in marginal.iter().enumerate() {
                if *m > marginal[*action] {
                    *action = u;
                }
            }
        }
        action
    }
}

/// x' = B[:, :, u] x.
fn predict(b: &[f64], n: usize, controls: usize, u: usize, x: &[f64], out: &mut [f64]) {
    for (r, out) in out.iter_mut().enumerate() {
        let mut sum = 0.0;
        for c in 0..n {
            sum += b[(r * n + c) * controls + u] * x[c];
        }
        *out = sum;
    }
}
