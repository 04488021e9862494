//! What are ln and exp of eight values, to within 2 units in the last place?

use super::{LANES, Simd};

/// pymdp's guard in every logarithm.
pub(crate) const EPS: f64 = 1e-16;

/// ln 2 in two parts; the first has 32 trailing zero bits, so that `k * LN2_HI` is exact (fdlibm).
const LN2_HI: f64 = 6.931_471_803_691_238e-1;
const LN2_LO: f64 = 1.908_214_929_270_587_7e-10;

/// ln of eight positive normal values (0, subnormals, infinities and NaN are outside its domain).
///
/// fdlibm's `e_log`: with f = m - 1 and s = f / (2 + f), ln m = f - f²/2 + s (f²/2 + R(s²)).
#[inline(always)]
pub(crate) fn ln<S: Simd>(s: S, x: S::V) -> S::V {
    let (m, k) = s.split(x);
    let f = s.sub(m, s.splat(1.0));
    let t = s.div(f, s.add(f, s.splat(2.0)));
    let z = s.mul(t, t);
    let w = s.mul(z, z);
    let even = s.fma(
        w,
        s.splat(1.531_383_769_920_937_3e-1),
        s.splat(2.222_219_843_214_978_4e-1),
    );
    let even = s.fma(w, even, s.splat(3.999_999_999_940_942e-1));
    let odd = s.fma(
        w,
        s.splat(1.479_819_860_511_658_6e-1),
        s.splat(1.818_357_216_161_805e-1),
    );
    let odd = s.fma(w, odd, s.splat(2.857_142_874_366_239e-1));
    let odd = s.fma(w, odd, s.splat(6.666_666_666_666_735e-1));
    let r = s.fma(odd, z, s.mul(even, w));
    let half = s.mul(s.splat(0.5), s.mul(f, f));
    let low = s.fma(t, s.add(half, r), s.mul(k, s.splat(LN2_LO)));
    s.fma(k, s.splat(LN2_HI), s.sub(f, s.sub(half, low)))
}

/// ln(x + 1e-16) of eight values x >= 0.
#[inline(always)]
pub(crate) fn ln_eps<S: Simd>(s: S, x: S::V) -> S::V {
    ln(s, s.add(x, s.splat(EPS)))
}

/// exp of eight values; 0 below -746, infinity above 710, NaN outside its domain.
#[inline(always)]
pub(crate) fn exp<S: Simd>(s: S, x: S::V) -> S::V {
    let x = s.max(s.min(x, s.splat(710.0)), s.splat(-746.0));
    let n = s.round(s.mul(x, s.splat(core::f64::consts::LOG2_E)));
    let r = s.fma(n, s.splat(-LN2_HI), x);
    let r = s.fma(n, s.splat(-LN2_LO), r);
    // Taylor terms to r^13 / 13!: |r| <= ln(2) / 2, so the rest is below 5e-18. Even and odd powers
    // run side by side; 1 + r is added last, where it rounds once.
    let q = s.mul(r, r);
    let odd = s.fma(
        q,
        s.splat(1.0 / 6_227_020_800.0),
        s.splat(1.0 / 39_916_800.0),
    );
    let odd = s.fma(q, odd, s.splat(1.0 / 362_880.0));
    let odd = s.fma(q, odd, s.splat(1.0 / 5_040.0));
    let odd = s.fma(q, odd, s.splat(1.0 / 120.0));
    let odd = s.fma(q, odd, s.splat(1.0 / 6.0));
    let even = s.fma(q, s.splat(1.0 / 479_001_600.0), s.splat(1.0 / 3_628_800.0));
    let even = s.fma(q, even, s.splat(1.0 / 40_320.0));
    let even = s.fma(q, even, s.splat(1.0 / 720.0));
    let even = s.fma(q, even, s.splat(1.0 / 24.0));
    let even = s.fma(q, even, s.splat(0.5));
    let tail = s.mul(q, s.fma(r, odd, even));
    let p = s.add(s.splat(1.0), s.add(r, tail));
    // Two factors, so that results below 2^-1022 and up to 2^1024 come out right.
    let half = s.round(s.mul(n, s.splat(0.5)));
    s.mul(
        s.mul(p, s.power_of_two(half)),
        s.power_of_two(s.sub(n, half)),
    )
}

/// Sets each `x[i]` to `f(x[i])`, eight at a time; the last, incomplete eight are padded with 1.
#[inline(always)]
pub(crate) fn map<S: Simd>(s: S, x: &mut [f64], f: impl Fn(S::V) -> S::V) {
    let mut chunks = x.chunks_exact_mut(LANES);
    for chunk in &mut chunks {
        // SAFETY: `chunk` is eight values long.
        unsafe { s.store(chunk.as_mut_ptr(), f(s.load(chunk.as_ptr()))) };
    }
    let rest = chunks.into_remainder();
    if rest.is_empty() {
        return;
    }
    let mut padded = [1.0; LANES];
    padded[..rest.len()].copy_from_slice(rest);
    // SAFETY: `padded` is eight values long.
    let out = unsafe { s.array(f(s.load(padded.as_ptr()))) };
    rest.copy_from_slice(&out[..rest.len()]);
}

/// ln(x + 1e-16) of every element.
#[inline(always)]
pub(crate) fn ln_eps_all<S: Simd>(s: S, x: &mut [f64]) {
    map(
        s,
        x,
        #[inline(always)]
        |v| ln_eps(s, v),
    );
}

/// exp(x) of every element.
#[inline(always)]
pub(crate) fn exp_all<S: Simd>(s: S, x: &mut [f64]) {
    map(
        s,
        x,
        #[inline(always)]
        |v| exp(s, v),
    );
}

/// Divides by the sum; returns the sum. The caller makes sure that it is positive.
#[inline(always)]
pub(crate) fn normalise(x: &mut [f64]) -> f64 {
    let sum = sum(x);
    let scale = 1.0 / sum;
    x.iter_mut().for_each(|v| *v *= scale);
    sum
}

/// The sum in a fixed order of eight partial sums.
#[inline(always)]
pub(crate) fn sum(x: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] += chunk[i];
        }
    }
    for (lane, v) in lanes.iter_mut().zip(rest) {
        *lane += v;
    }
    ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6]))
        + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
}

/// softmax in place: exp(x - max) / sum.
#[inline(always)]
pub(crate) fn softmax<S: Simd>(s: S, x: &mut [f64]) {
    let max = x
        .iter()
        .fold(f64::NEG_INFINITY, |a, &b| if b > a { b } else { a });
    x.iter_mut().for_each(|v| *v -= max);
    exp_all(s, x);
    normalise(x);
}

#[cfg(test)]
mod tests {
    use super::super::{Level, Task, dispatch};
    use super::*;

    struct Apply<'a>(&'a mut [f64], u8);
    impl Task for Apply<'_> {
        type Out = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            match self.1 {
                0 => map(s, self.0, |v| ln(s, v)),
                1 => exp_all(s, self.0),
                2 => ln_eps_all(s, self.0),
                _ => softmax(s, self.0),
            }
        }
    }

    /// |got - want| in units of the last place of `want`.
    fn ulps(got: f64, want: f64) -> f64 {
        if got == want {
            return 0.0;
        }
        (got - want).abs() / (want.abs().next_up() - want.abs())
    }

    fn check(which: u8, xs: &[f64], want: impl Fn(f64) -> f64) {
        for level in Level::all() {
            let mut got = xs.to_vec();
            dispatch(level, Apply(&mut got, which));
            for (&x, &g) in xs.iter().zip(&got) {
                let w = want(x);
                assert!(
                    ulps(g, w) < 2.0,
                    "{} f({x:e}) = {g:e}, std {w:e}",
                    level.name()
                );
            }
        }
    }

    #[test]
    fn ln_is_within_two_ulp_of_std_from_the_smallest_normal_to_the_largest() {
        let mut xs = vec![
            f64::MIN_POSITIVE,
            f64::MAX,
            1.0,
            1e-16,
            0.5,
            2.0,
            1.0 + f64::EPSILON,
        ];
        xs.extend(
            (-1021..1023).flat_map(|e| [1.0, 1.3, 1.41, 1.42, 1.9].map(|m| m * 2f64.powi(e))),
        );
        xs.extend((0..200_000).map(|i| 1e-16 + f64::from(i) / 160_000.0));
        xs.extend((0..20_000).map(|i| 1.0 + (f64::from(i) - 10_000.0) * 1e-9));
        check(0, &xs, f64::ln);
    }

    #[test]
    fn ln_eps_takes_zero_subnormals_and_tiny_values() {
        let mut xs = vec![
            0.0,
            f64::from_bits(1),
            1e-310,
            f64::MIN_POSITIVE,
            1e-32,
            1e-17,
            1e-16,
            1.0,
        ];
        xs.extend((0..20_000).map(|i| 10f64.powf(-40.0 + f64::from(i) * 0.002)));
        check(2, &xs, |x| (x + 1e-16).ln());
        let mut zero = [0.0];
        dispatch(Level::Baseline, Apply(&mut zero, 2));
        assert_eq!(zero[0], -36.841361487904734);
    }

    #[test]
    fn exp_is_within_two_ulp_of_std_including_subnormal_results() {
        let mut xs = vec![
            0.0, -0.0, 1.0, -1.0, 709.0, 709.7, -700.0, -708.5, -740.0, -745.0, 1e-300,
        ];
        xs.extend((0..300_000).map(|i| -745.0 + f64::from(i) * 0.00485));
        check(1, &xs, f64::exp);
        for level in Level::all() {
            let mut ends = [-1e9, -800.0, 1e9, f64::NEG_INFINITY, f64::INFINITY];
            dispatch(level, Apply(&mut ends, 1));
            assert_eq!(ends, [0.0, 0.0, f64::INFINITY, 0.0, f64::INFINITY]);
        }
    }

    #[test]
    fn every_length_and_offset_gives_the_same_as_one_at_a_time() {
        let data: Vec<f64> = (0..90).map(|i| f64::from(i * 37 % 91) / 91.0).collect();
        for level in Level::all() {
            for offset in 0..9 {
                for len in 0..=70 {
                    let mut got = data.clone();
                    dispatch(level, Apply(&mut got[offset..offset + len], 2));
                    for (i, (&g, &x)) in got.iter().zip(&data).enumerate() {
                        let inside = (offset..offset + len).contains(&i);
                        let want = if inside { (x + 1e-16).ln() } else { x };
                        assert!(ulps(g, want) < 2.0, "{} {offset} {len} {i}", level.name());
                    }
                    let slice = &data[offset..offset + len];
                    assert!((sum(slice) - slice.iter().sum::<f64>()).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn softmax_survives_logits_that_overflow_exp() {
        for level in Level::all() {
            let mut x = [1000.0, 999.0, -1000.0];
            dispatch(level, Apply(&mut x, 3));
            let e = 1.0 / (1.0 + (-1f64).exp());
            assert!((x[0] - e).abs() < 1e-15 && (x[1] - (1.0 - e)).abs() < 1e-15 && x[2] == 0.0);
        }
    }
}
