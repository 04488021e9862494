//! What is each child of a node worth: its terms of G?
//!
//! Children sit in the lanes of a vector, so that one pass over the states serves eight actions.

use super::super::kernels::rows::Rows;
use super::super::kernels::{LANES, Simd, math};
use super::super::likelihood::CUT;
use super::{Model, Scratch, Spread, Step, lanes};

/// Evaluates all children of one node; `base` is the node's own G. Returns active joint states.
#[inline(always)]
pub(super) fn evaluate<S: Simd>(
    s: S,
    model: &Model,
    t: usize,
    base: f64,
    step: &mut Step,
    scratch: &mut Scratch,
) -> u64 {
    let several = model.b.len() > 1;
    for (f, b) in model.b.iter().enumerate() {
        predict(
            s,
            model,
            f,
            b,
            &step.before[model.offsets[f]..],
            &mut step.after[f],
            scratch,
        );
    }
    let children = model.sizes.joint_controls;
    let mut active = 0;
    for first in (0..children).step_by(LANES) {
        let count = (children - first).min(LANES);
        let mut value = s.splat(base);
        if several {
            join(s, model, first, count, step, scratch);
        }
        if !model.novelty.is_empty() {
            value = s.add(value, transition_novelty(s, model, first, several, scratch));
        }
        // One factor: its prediction is the joint belief. The borrow is split, so this is a move of buffers.
        let joint = core::mem::take(&mut scratch.joint);
        let (x, stride, at) = if several {
            (&joint[..], LANES, 0)
        } else {
            (&step.after[0][..], lanes(children), first)
        };
        let (gain, n) = score(s, model, t, (x, stride, at), count, scratch);
        if !model.joint.novelty.is_empty() {
            value = s.add(value, likelihood_novelty(s, model, (x, stride, at)));
        }
        scratch.joint = joint;
        active += n;
        s.put(&mut step.value, first, s.add(value, gain));
    }
    active
}

/// Predicts factor `f` under each of its actions.
#[inline(always)]
fn predict<S: Simd>(
    s: S,
    model: &Model,
    f: usize,
    b: &Rows,
    before: &[f64],
    after: &mut [f64],
    scratch: &mut Scratch,
) {
    let n = b.n_rows;
    let stride = lanes(b.width);
    let columns = &mut scratch.columns;
    columns.reset(n);
    let reached = &mut scratch.reached[..b.words];
    reached.fill(0);
    for (c, &q) in before[..n].iter().enumerate() {
        if q > model.negligible {
            columns.push(c);
            if b.has_reach() {
                b.add_reach(c, reached);
            }
        }
    }
    scratch.touched.clear();
    if b.has_reach() {
        after.fill(0.0);
        push_bits(reached, &mut scratch.touched);
    } else {
        scratch.touched.extend(0..n as u32);
    }
    for first in (0..b.width).step_by(LANES) {
        let low = b.lanes_floor(s, before, first);
        if b.is_sparse() {
            for &r in &scratch.touched {
                let [x] =
                    b.lanes_times::<S, 1>(s, &b.values, (r as usize, first), before, columns, low);
                s.put(after, r as usize * stride + first, x);
            }
            continue;
        }
        let mut r = 0;
        while r + 4 <= n {
            let x = b.lanes_times::<S, 4>(s, &b.values, (r, first), before, columns, low);
            for (i, x) in x.into_iter().enumerate() {
                s.put(after, (r + i) * stride + first, x);
            }
            r += 4;
        }
        while r < n {
            let [x] = b.lanes_times::<S, 1>(s, &b.values, (r, first), before, columns, low);
            s.put(after, r * stride + first, x);
            r += 1;
        }
    }
    if let Some(novelty) = model.novelty.get(f) {
        for first in (0..b.width).step_by(LANES) {
            let mut gain = s.splat(0.0);
            for r in 0..n {
                let [weight] =
                    b.lanes_times::<S, 1>(s, novelty, (r, first), before, columns, s.splat(0.0));
                gain = s.fma(weight, s.get(after, r * stride + first), gain);
            }
            s.put(&mut scratch.novelty[f], first, s.sub(s.splat(0.0), gain));
        }
    }
}

#[inline(always)]
fn push_bits(set: &[u64], into: &mut Vec<u32>) {
    for (w, &bits) in set.iter().enumerate() {
        let mut bits = bits;
        while bits != 0 {
            into.push(w as u32 * 64 + bits.trailing_zeros());
            bits &= bits - 1;
        }
    }
}

/// Joint beliefs of children `first .. first + count`, one per lane.
#[inline(always)]
fn join<S: Simd>(
    s: S,
    model: &Model,
    first: usize,
    count: usize,
    step: &Step,
    scratch: &mut Scratch,
) {
    scratch.count_up(model, first, count);
    let joint = &mut scratch.joint[..];
    s.put(joint, 0, s.splat(1.0));
    let mut filled = 1;
    // Last factor first: factor 0 is to vary slowest.
    for (f, b) in model.b.iter().enumerate().rev() {
        let stride = lanes(b.width);
        let digits = &scratch.digits[f];
        // Last state first, so that each product is read before its place is written: state 0 of
        // product 0 is where product 0 itself stands.
        for state in (0..b.n_rows).rev() {
            let row = &step.after[f][state * stride..][..stride];
            let x = match scratch.spread[f] {
                Spread::Constant => s.splat(row[digits[0] as usize]),
                Spread::Neighbours => s.get(row, digits[0] as usize),
                Spread::Any => {
                    let x: [f64; LANES] = core::array::from_fn(
                        #[inline(always)]
                        |lane| row[digits[lane] as usize],
                    );
                    s.get(&x, 0)
                }
            };
            for i in 0..filled {
                let product = s.get(joint, i * LANES);
                s.put(joint, (state * filled + i) * LANES, s.mul(product, x));
            }
        }
        filled *= b.n_rows;
    }
    scratch.touched.clear();
    scratch.touched.extend(0..filled as u32);
}

/// Utility and state information gain per lane; `x` is (states, stride) read from lane `at` on.
#[inline(always)]
fn score<S: Simd>(
    s: S,
    model: &Model,
    t: usize,
    (x, stride, at): (&[f64], usize, usize),
    count: usize,
    scratch: &mut Scratch,
) -> (S::V, u64) {
    let joint = model.joint;
    let zero = s.splat(0.0);
    let cut = s.splat(CUT);
    let (mut utility, mut ambiguity, mut n) = (zero, zero, 0);
    let preference = joint
        .utility
        .get(t)
        .or(joint.utility.first())
        .map(Vec::as_slice);
    if !model.settings.use_states_info_gain {
        for &state in &scratch.touched {
            let state = state as usize;
            let belief = s.get(x, state * stride + at);
            if let Some(preference) = preference {
                utility = s.fma(s.splat(preference[state]), belief, utility);
            }
            // The work counter counts the same states, whether or not they are used.
            n += u64::from((s.bits(s.greater(belief, cut)) & lane_bits(count)).count_ones());
        }
        return (utility, n);
    }
    let rows = &joint.rows;
    let reached = &mut scratch.reached[..rows.words];
    reached.fill(0);
    scratch.active.reset(model.sizes.joint_states);
    let above = &mut scratch.above[..];
    if rows.is_sparse() && scratch.touched.len() < model.sizes.joint_states {
        above.fill(0.0);
    }
    for &state in &scratch.touched {
        let state = state as usize;
        let belief = s.get(x, state * stride + at);
        if let Some(preference) = preference {
            utility = s.fma(s.splat(preference[state]), belief, utility);
        }
        let passes = s.greater(belief, cut);
        let belief = s.keep(passes, belief);
        s.put(above, state * LANES, belief);
        let bits = s.bits(passes) & lane_bits(count);
        if bits != 0 {
            n += u64::from(bits.count_ones());
            ambiguity = s.fma(s.splat(joint.ambiguity[state]), belief, ambiguity);
            scratch.active.push(state);
            if rows.has_reach() {
                rows.add_reach(state, reached);
            }
        }
    }
    let gain = s.add(utility, ambiguity);
    let flat = predict_outcomes(s, model, count, scratch);
    (
        s.sub(
            gain,
            entropy_terms(s, &mut scratch.outcomes[..], flat, count),
        ),
        n,
    )
}

#[inline(always)]
fn lane_bits(count: usize) -> u32 {
    (1 << count) - 1
}

/// Writes Q(o) of the active states, `count` values a row without gaps; returns how many rows.
#[inline(always)]
fn predict_outcomes<S: Simd>(s: S, model: &Model, count: usize, scratch: &mut Scratch) -> usize {
    let rows = &model.joint.rows;
    let values = model.joint.values(model.a);
    let (above, active, out) = (
        &scratch.above[..],
        &scratch.active,
        &mut scratch.outcomes[..],
    );
    let low = rows.floor_times_lanes(s, above, active);
    let mut filled = 0;
    // Rows overlap: each store's surplus lanes are overwritten by the next row.
    if rows.has_reach() {
        scratch.shown.clear();
        push_bits(&scratch.reached[..rows.words], &mut scratch.shown);
        for &r in &scratch.shown {
            let [q] = rows.times_lanes::<S, 1>(s, values, r as usize, above, active, low);
            s.put(out, filled * count, q);
            filled += 1;
        }
        return filled;
    }
    while filled + 4 <= rows.n_rows {
        let q = rows.times_lanes::<S, 4>(s, values, filled, above, active, low);
        for (i, q) in q.into_iter().enumerate() {
            s.put(out, (filled + i) * count, q);
        }
        filled += 4;
    }
    while filled < rows.n_rows {
        let [q] = rows.times_lanes::<S, 1>(s, values, filled, above, active, low);
        s.put(out, filled * count, q);
        filled += 1;
    }
    filled
}

/// Σ_o Q(o) lnE(Q(o)) per lane, of `rows` rows of `count` values.
#[inline(always)]
fn entropy_terms<S: Simd>(s: S, q: &mut [f64], rows: usize, count: usize) -> S::V {
    let total = rows * count;
    for i in (0..total).step_by(LANES) {
        let v = s.get(q, i);
        s.put(q, i, s.mul(v, math::ln_eps(s, v)));
    }
    // Four sums, because one would wait for itself.
    let zero = s.splat(0.0);
    let (mut a, mut b, mut c, mut d) = (zero, zero, zero, zero);
    let mut i = 0;
    while i + 3 * count < total {
        a = s.add(a, s.get(q, i));
        b = s.add(b, s.get(q, i + count));
        c = s.add(c, s.get(q, i + 2 * count));
        d = s.add(d, s.get(q, i + 3 * count));
        i += 4 * count;
    }
    while i < total {
        a = s.add(a, s.get(q, i));
        i += count;
    }
    s.add(s.add(a, b), s.add(c, d))
}

/// -Σ_m qo_m · (w(pA[m]) j) per lane.
#[inline(always)]
fn likelihood_novelty<S: Simd>(
    s: S,
    model: &Model,
    (x, stride, at): (&[f64], usize, usize),
) -> S::V {
    let n = model.sizes.joint_states;
    let mut total = s.splat(0.0);
    for (a, w) in model.a.iter().zip(&model.joint.novelty) {
        for (a, w) in a.chunks_exact(n).zip(w.chunks_exact(n)) {
            let (mut seen, mut gain) = (s.splat(0.0), s.splat(0.0));
            for (state, (a, w)) in a.iter().zip(w).enumerate() {
                let x = s.get(x, state * stride + at);
                seen = s.fma(s.splat(*a), x, seen);
                gain = s.fma(s.splat(*w), x, gain);
            }
            total = s.fma(seen, gain, total);
        }
    }
    s.sub(s.splat(0.0), total)
}

/// Σ_f of the factors' novelty, each lane with its own actions.
#[inline(always)]
fn transition_novelty<S: Simd>(
    s: S,
    model: &Model,
    first: usize,
    several: bool,
    scratch: &Scratch,
) -> S::V {
    if !several {
        return s.get(&scratch.novelty[0], first);
    }
    let mut total = s.splat(0.0);
    for (novelty, digits) in scratch
        .novelty
        .iter()
        .zip(&scratch.digits)
        .take(model.b.len())
    {
        let x: [f64; LANES] = core::array::from_fn(
            #[inline(always)]
            |lane| novelty[digits[lane] as usize],
        );
        total = s.add(total, s.get(&x, 0));
    }
    total
}
