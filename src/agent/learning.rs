//! How do the model's counts grow with what was seen?

use super::Agent;
use super::kernels::math::{self, EPS};
use super::kernels::rows::Rows;
use super::kernels::{Simd, Task, dispatch};
use super::likelihood::CUT;
use super::model::Settings;

/// Initial parameters of what learns, for [`Agent::restore`]; empty otherwise.
#[derive(Clone, Debug, Default)]
pub(super) struct Initial {
    a: Vec<Vec<f64>>,
    p_a: Vec<Vec<f64>>,
    /// Values of the transition matrices.
    b: Vec<Vec<f64>>,
    p_b: Vec<Vec<f64>>,
    d: Vec<f64>,
    p_d: Vec<f64>,
    /// Whether A (and B) already equal their normalised counts; until then nothing was learned.
    a_follows: bool,
    b_follows: bool,
}

impl Initial {
    pub(super) fn keep(
        settings: &Settings,
        a: &[Vec<f64>],
        b: &[Rows],
        d: &[f64],
        p_a: Option<&Vec<Vec<f64>>>,
        p_b: Option<&Vec<Vec<f64>>>,
        p_d: Option<&Vec<f64>>,
    ) -> Initial {
        // All of A (and B) comes to follow its counts; of those only what is to learn ever changes.
        let learning = |counts: Option<&Vec<Vec<f64>>>, list: &Option<Vec<usize>>| {
            let of = |(i, counts): (usize, &Vec<f64>)| {
                if wanted(list, i) {
                    counts.clone()
                } else {
                    Vec::new()
                }
            };
            counts.map_or(Vec::new(), |all| all.iter().enumerate().map(of).collect())
        };
        let mut kept = Initial::default();
        let learn = settings.learn;
        if learn.a {
            kept.a = a.to_vec();
            kept.p_a = learning(p_a, &settings.modalities_to_learn);
        }
        if learn.b {
            kept.b = b.iter().map(|b| b.values.clone()).collect();
            kept.p_b = learning(p_b, &settings.factors_to_learn);
        }
        if learn.d {
            kept.d = d.to_vec();
            kept.p_d = p_d.cloned().unwrap_or_default();
        }
        kept
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let nested = |v: &[Vec<f64>]| v.iter().map(Vec::len).sum::<usize>();
        8 * (nested(&self.a)
            + nested(&self.p_a)
            + nested(&self.b)
            + nested(&self.p_b)
            + self.d.len()
            + self.p_d.len())
    }
}

/// Whether index `i` is to learn under an optional list.
fn wanted(list: &Option<Vec<usize>>, i: usize) -> bool {
    list.as_ref().is_none_or(|list| list.contains(&i))
}

struct LearnStep<'a>(&'a mut Agent);

impl Task for LearnStep<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let agent = self.0;
        if agent.settings.learn.a && agent.has_posterior {
            agent.learn_a();
            agent.derive_from_a(s);
        }
        if agent.settings.learn.b && agent.has_transition {
            agent.learn_b();
        }
    }
}

struct Derive<'a> {
    agent: &'a mut Agent,
    /// What follows from A and its counts.
    a: bool,
    /// What follows from the counts of B.
    b: bool,
}

impl Task for Derive<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        if self.a {
            self.agent.derive_from_a(s);
        }
        for f in 0..if self.b { self.agent.b.len() } else { 0 } {
            self.agent.derive_from_p_b(f);
        }
    }
}

impl Agent {
    /// Learns what the settings ask for from the step's observation and beliefs: A, then B.
    ///
    /// Call it once a step, after [`Agent::infer_states`]. B learns from the second step of a trial on,
    /// when there is a transition. Entries that are 0 in A or B stay without new counts.
    pub fn learn(&mut self) {
        dispatch(self.level, LearnStep(self));
    }

    /// At the end of a trial: learns D, if the settings ask for it, from the posterior of the trial's
    /// first step. The next [`Agent::restart`] uses it. Without a posterior it does nothing.
    pub fn learn_d(&mut self) {
        if !self.settings.learn.d || !self.has_posterior {
            return;
        }
        let Some(p_d) = &mut self.p_d else { return };
        for f in 0..self.b.len() {
            let range = self.offsets[f]..self.offsets[f + 1];
            let (counts, d) = (&mut p_d[range.clone()], &mut self.d[range.clone()]);
            if wanted(&self.settings.factors_to_learn, f) {
                for (count, q) in counts.iter_mut().zip(&self.first[range]) {
                    if *count > 0.0 {
                        *count += self.settings.lr_p_d * q;
                    }
                }
            }
            d.copy_from_slice(counts);
            math::normalise(d);
        }
    }

    /// Brings everything that follows from the parameters up to date.
    pub(super) fn derive(&mut self) {
        dispatch(
            self.level,
            Derive {
                agent: self,
                a: true,
                b: true,
            },
        );
    }

    /// Back to the parameters that the agent was built with: copies what was learned, and no more.
    pub(super) fn restore_parameters(&mut self) {
        let kept = &mut self.initial;
        let nested = |to: Option<&mut Vec<Vec<f64>>>, from: &[Vec<f64>]| {
            for (to, from) in to.into_iter().flatten().zip(from) {
                if !from.is_empty() {
                    to.copy_from_slice(from);
                }
            }
        };
        let a_learned = std::mem::take(&mut kept.a_follows);
        let b_learned = std::mem::take(&mut kept.b_follows);
        if a_learned {
            nested(Some(&mut self.a), &kept.a);
            nested(self.p_a.as_mut(), &kept.p_a);
        }
        if b_learned {
            for (b, kept) in self.b.iter_mut().zip(&kept.b) {
                b.values.copy_from_slice(kept);
            }
            nested(self.p_b.as_mut(), &kept.p_b);
        }
        if self.settings.learn.d {
            self.d.copy_from_slice(&kept.d);
            self.p_d
                .as_deref_mut()
                .unwrap_or_default()
                .copy_from_slice(&kept.p_d);
        }
        dispatch(
            self.level,
            Derive {
                agent: self,
                a: a_learned,
                b: b_learned,
            },
        );
    }

    /// pA[m] += lr (o_m ⊗ joint belief) where A > 0; A = pA / column sums.
    #[inline(always)]
    fn learn_a(&mut self) {
        let n = self.sizes.joint_states;
        let Some(mut p_a) = self.p_a.take() else {
            return;
        };
        let mut weights = 0;
        for (m, counts) in p_a.iter_mut().enumerate() {
            let outcomes = self.sizes.num_obs[m];
            if wanted(&self.settings.modalities_to_learn, m) {
                for o in 0..outcomes {
                    let weight = match self.seen[m] {
                        Some(seen) => f64::from(u8::from(seen == o)),
                        None => self.seen_weights[weights + o],
                    };
                    if weight == 0.0 {
                        continue;
                    }
                    let rate = self.settings.lr_p_a * weight;
                    for state in 0..n {
                        if self.a[m][o * n + state] > 0.0 {
                            counts[o * n + state] += rate * self.joint_belief(&self.qs, state);
                        }
                    }
                }
            } else if self.initial.a_follows {
                // Its A is its normalised counts already.
                weights += outcomes;
                continue;
            }
            weights += outcomes;
            normalise_columns(counts, &mut self.a[m], n);
        }
        self.p_a = Some(p_a);
        self.initial.a_follows = true;
    }

    /// pB[f][:, :, a] += lr (q ⊗ previous q) where B > 0; that slice of B = pB / column sums.
    #[inline(always)]
    fn learn_b(&mut self) {
        let Some(mut p_b) = self.p_b.take() else {
            return;
        };
        let everything = !self.initial.b_follows;
        self.initial.b_follows = true;
        for (f, counts) in p_b.iter_mut().enumerate() {
            let learns = wanted(&self.settings.factors_to_learn, f);
            let range = self.offsets[f]..self.offsets[f + 1];
            let (now, previous, action) = (
                &self.qs[range.clone()],
                &self.previous[range],
                self.action[f],
            );
            let b = &mut self.b[f];
            if learns {
                for (r, now) in now.iter().enumerate() {
                    let rate = self.settings.lr_p_b * now;
                    for e in 0..b.k {
                        let i = (r * b.k + e) * b.width + action;
                        if b.values[i] > 0.0 {
                            counts[i] += rate * previous[b.column(r, e)];
                        }
                    }
                }
            }
            let slices = if everything {
                0..b.width
            } else if learns {
                action..action + 1
            } else {
                0..0
            };
            for u in slices {
                b.column_sums(counts, u, 0.0, &mut self.sums);
                b.set_lane(counts, u, &self.sums);
                derive_novelty(b, counts, u, self.plan.novelty.get_mut(f), &mut self.sums);
            }
        }
        self.p_b = Some(p_b);
    }

    /// What planning reads of A and pA.
    #[inline(always)]
    fn derive_from_a<S: Simd>(&mut self, s: S) {
        let n = self.sizes.joint_states;
        let modalities = self.a.len();
        let joint = &mut self.joint;
        if !joint.shared && !joint.rows.has_floor() {
            for r in 0..joint.rows.n_rows {
                for e in 0..joint.rows.k {
                    let state = joint.rows.column(r, e);
                    let mut p = 1.0;
                    for (m, a) in self.a.iter().enumerate() {
                        p *= a[joint.outcomes[r * modalities + m] as usize * n + state];
                    }
                    // Padding repeats column 0: it must stay 0.
                    if !joint.rows.is_padding(r, e) {
                        joint.rows.values[r * joint.rows.k + e] = p;
                    }
                }
            }
        }
        if self.settings.use_states_info_gain {
            // p of one joint outcome for all states, then p ln(p + CUT), in the belief's scratch.
            let p = &mut self.plan.by_state[..n];
            joint.ambiguity.fill(0.0);
            for outcomes in joint.outcomes.chunks_exact(modalities) {
                p.copy_from_slice(&self.a[0][outcomes[0] as usize * n..][..n]);
                for (a, &o) in self.a.iter().zip(outcomes).skip(1) {
                    p.iter_mut()
                        .zip(&a[o as usize * n..])
                        .for_each(|(p, a)| *p *= a);
                }
                math::map(
                    s,
                    p,
                    #[inline(always)]
                    |v| s.mul(v, math::ln(s, s.add(v, s.splat(CUT)))),
                );
                joint
                    .ambiguity
                    .iter_mut()
                    .zip(&*p)
                    .for_each(|(h, term)| *h += term);
            }
        }
        for (utility, ln_c) in joint.utility.iter_mut().zip(&joint.ln_c) {
            utility.fill(0.0);
            for (row, c) in self.a.iter().flat_map(|a| a.chunks_exact(n)).zip(ln_c) {
                utility.iter_mut().zip(row).for_each(|(u, a)| *u += a * c);
            }
        }
        if let Some(p_a) = &self.p_a {
            for (w, p_a) in joint.novelty.iter_mut().zip(p_a) {
                for state in 0..n {
                    let sum: f64 = p_a.iter().skip(state).step_by(n).map(|c| c + EPS).sum();
                    for (w, c) in w.iter_mut().zip(p_a).skip(state).step_by(n) {
                        *w = novelty(*c, sum);
                    }
                }
            }
        }
    }

    /// w(pB[f]) of every action.
    fn derive_from_p_b(&mut self, f: usize) {
        let Some(p_b) = &self.p_b else { return };
        let b = &self.b[f];
        for u in 0..b.width {
            derive_novelty(b, &p_b[f], u, self.plan.novelty.get_mut(f), &mut self.sums);
        }
    }
}

/// w(count) = 1 / sum of its column (EPS added to each) - 1 / (count + EPS); 0 where there is no count.
#[inline(always)]
fn novelty(count: f64, sum: f64) -> f64 {
    if count > 0.0 {
        1.0 / sum - 1.0 / (count + EPS)
    } else {
        0.0
    }
}

#[inline(always)]
fn derive_novelty(
    b: &Rows,
    counts: &[f64],
    u: usize,
    into: Option<&mut Vec<f64>>,
    sums: &mut [f64],
) {
    let Some(into) = into else { return };
    // EPS is added to every entry of a column, also to those that a sparse form leaves out.
    b.column_sums(counts, u, EPS * b.n_rows as f64, sums);
    for r in 0..b.n_rows {
        for e in 0..b.k {
            let i = (r * b.k + e) * b.width + u;
            into[i] = novelty(counts[i], sums[b.column(r, e)]);
        }
    }
}

/// `to` = `counts` divided by its column sums; both (outcomes, n).
#[inline(always)]
fn normalise_columns(counts: &[f64], to: &mut [f64], n: usize) {
    // The first row of `to` holds the sums until its own turn, the last.
    let (sums, rest) = to.split_at_mut(n);
    sums.copy_from_slice(&counts[..n]);
    for row in counts[n..].chunks_exact(n) {
        sums.iter_mut().zip(row).for_each(|(sum, c)| *sum += c);
    }
    for (to, row) in rest.chunks_exact_mut(n).zip(counts[n..].chunks_exact(n)) {
        for ((to, c), sum) in to.iter_mut().zip(row).zip(sums.iter()) {
            *to = c / sum;
        }
    }
    sums.iter_mut()
        .zip(counts)
        .for_each(|(sum, c)| *sum = c / *sum);
}
