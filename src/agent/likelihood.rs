//! What does planning need of the likelihood A, once per model?

use ndarray::ArrayD;

use super::kernels::math::EPS;
use super::kernels::rows::Rows;
use super::model::{Settings, Sizes};

/// Joint states at or below this belief take no part in the state information gain (pymdp: e^-16).
pub(super) const CUT: f64 = 1.125_351_747_192_591_2e-7;

/// What planning reads of the likelihood; follows from A, pA and C.
#[derive(Clone, Debug)]
pub(super) struct JointLikelihood {
    /// Rows = joint outcomes that some state can show (modality 0 slowest), columns = joint states.
    /// Without values when they would equal A: see [`JointLikelihood::values`].
    pub rows: Rows,
    /// The outcome in each modality, per row.
    pub outcomes: Vec<u32>,
    /// Whether `rows` reads A[0] itself.
    pub shared: bool,
    /// ambiguity(s) = Σ_o p(o|s) ln(p(o|s) + CUT).
    pub ambiguity: Vec<f64>,
    /// utility[t](s) = Σ_m Σ_o A[m][o, s] lnE(softmax(C[m][:, t])); one entry if C does not change with t.
    pub utility: Vec<Vec<f64>>,
    /// lnE(softmax(C[m][:, t])), modality after modality, per entry of `utility`.
    pub ln_c: Vec<Vec<f64>>,
    /// w(pA[m]) in the layout of A; only with parameter information gain.
    pub novelty: Vec<Vec<f64>>,
}

impl JointLikelihood {
    pub(super) fn new(
        sizes: &Sizes,
        settings: &Settings,
        a: &[Vec<f64>],
        p_a: Option<&[Vec<f64>]>,
        c: Option<&[ArrayD<f64>]>,
    ) -> JointLikelihood {
        let n = sizes.joint_states;
        let modalities = sizes.num_obs.len();
        // Only what may become positive by learning counts as possible.
        let possible = |m: usize, o: usize, s: usize| {
            a[m][o * n + s] > 0.0
                || (settings.learn.a && p_a.is_some_and(|p| p[m][o * n + s] > 0.0))
        };
        let mut outcomes = Vec::new();
        let mut combination = vec![0; modalities];
        let total: usize = sizes.num_obs.iter().product();
        for flat in 0..if settings.use_states_info_gain {
            total
        } else {
            0
        } {
            let mut rest = flat;
            for m in (0..modalities).rev() {
                combination[m] = rest % sizes.num_obs[m];
                rest /= sizes.num_obs[m];
            }
            if (0..n).any(|s| {
                combination
                    .iter()
                    .enumerate()
                    .all(|(m, &o)| possible(m, o, s))
            }) {
                outcomes.extend(combination.iter().map(|&o| o as u32));
            }
        }
        let shape = (outcomes.len() / modalities, n, 1);
        let row = |r: usize| {
            outcomes[r * modalities..][..modalities]
                .iter()
                .map(|&o| o as usize)
                .enumerate()
        };
        let same_as_a = modalities == 1 && shape.0 == total;
        let rows = Rows::new(
            shape,
            |r, s, _| row(r).map(|(m, o)| a[m][o * n + s]).product(),
            |r, marks| {
                (0..n)
                    .filter(|&s| row(r).all(|(m, o)| possible(m, o, s)))
                    .for_each(|s| marks.mark(s));
            },
            !settings.learn.a,
            same_as_a,
        );
        let shared = same_as_a && !rows.is_sparse();
        let steps = match c {
            Some(c) if c.iter().any(|c| c.ndim() == 2) => settings.policy_len,
            _ => 1,
        };
        let ln_c: Vec<Vec<f64>> = (0..if settings.use_utility { steps } else { 0 })
            .map(|t| {
                (0..modalities)
                    .flat_map(|m| ln_preference(c.map(|c| &c[m]), sizes.num_obs[m], t))
                    .collect()
            })
            .collect();
        let novelty = match p_a {
            Some(p_a) if settings.use_param_info_gain => {
                p_a.iter().map(|p| vec![0.0; p.len()]).collect()
            }
            _ => Vec::new(),
        };
        JointLikelihood {
            rows,
            outcomes,
            shared,
            ambiguity: vec![0.0; if settings.use_states_info_gain { n } else { 0 }],
            utility: ln_c.iter().map(|_| vec![0.0; n]).collect(),
            ln_c,
            novelty,
        }
    }

    /// The values of `rows`.
    #[inline(always)]
    pub(super) fn values<'a>(&'a self, a: &'a [Vec<f64>]) -> &'a [f64] {
        if self.shared {
            &a[0]
        } else {
            &self.rows.values
        }
    }
}

/// lnE(softmax(C[:, t])) of one modality; without C, of zeros.
fn ln_preference(c: Option<&ArrayD<f64>>, outcomes: usize, t: usize) -> Vec<f64> {
    let at = |o: usize| c.map_or(0.0, |c| if c.ndim() == 2 { c[[o, t]] } else { c[[o]] });
    let max = (0..outcomes).map(at).fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = (0..outcomes).map(|o| (at(o) - max).exp()).sum();
    (0..outcomes)
        .map(|o| ((at(o) - max).exp() / sum + EPS).ln())
        .collect()
}
