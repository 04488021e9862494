//! What can eight lanes of `f64` do, at each instruction level?

#[cfg(target_arch = "x86_64")]
pub(super) mod x86;

/// Lanes of one vector.
pub(crate) const LANES: usize = 8;

/// Eight `f64` lanes. A value of the implementing type is a token: where it exists, its
/// instructions exist, so the lane operations are safe to call.
pub(crate) trait Simd: Copy {
    /// Eight values.
    type V: Copy;
    /// Eight truth values.
    type M: Copy;
    /// `x` in every lane.
    fn splat(self, x: f64) -> Self::V;
    /// The eight values from `at` on; no alignment is asked for.
    ///
    /// # Safety
    /// `at .. at + 8` must be readable.
    unsafe fn load(self, at: *const f64) -> Self::V;
    /// Writes eight values from `at` on; no alignment is asked for.
    ///
    /// # Safety
    /// `at .. at + 8` must be writable.
    unsafe fn store(self, at: *mut f64, v: Self::V);
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, with one rounding where the level has FMA.
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The nearest integer, ties to even, for |a| < 2^51.
    fn round(self, a: Self::V) -> Self::V;
    fn greater(self, a: Self::V, b: Self::V) -> Self::M;
    /// `v` where `m` holds, 0 elsewhere.
    fn keep(self, m: Self::M, v: Self::V) -> Self::V;
    /// Bit `i` says whether `m` holds in lane `i`.
    fn bits(self, m: Self::M) -> u32;
    /// Splits positive normal `x` into `m * 2^k`, m in [sqrt(1/2), sqrt(2)).
    fn split(self, x: Self::V) -> (Self::V, Self::V);
    /// `2^n` for integer-valued `n` in [-1022, 1023].
    fn power_of_two(self, n: Self::V) -> Self::V;
    /// The eight values from `x[i]` on.
    #[inline(always)]
    fn get(self, x: &[f64], i: usize) -> Self::V {
        let x = &x[i..i + LANES];
        // SAFETY: the slice is eight values long.
        unsafe { self.load(x.as_ptr()) }
    }
    /// Writes the eight values from `x[i]` on.
    #[inline(always)]
    fn put(self, x: &mut [f64], i: usize, v: Self::V) {
        let x = &mut x[i..i + LANES];
        // SAFETY: the slice is eight values long.
        unsafe { self.store(x.as_mut_ptr(), v) }
    }
    /// The lanes as an array.
    #[inline(always)]
    fn array(self, v: Self::V) -> [f64; LANES] {
        let mut out = [0.0; LANES];
        // SAFETY: `out` is eight values long.
        unsafe { self.store(out.as_mut_ptr(), v) };
        out
    }
    /// The sum of the lanes, always in the same pairing.
    #[inline(always)]
    fn sum(self, v: Self::V) -> f64 {
        let a = self.array(v);
        ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]))
    }
}

/// Bits of sqrt(1/2): adding `ONE - HALF_ROOT` moves the exponent step to sqrt(2).
const HALF_ROOT: i64 = 0x3fe6_a09e_667f_3bcd;
const ONE: i64 = 0x3ff0_0000_0000_0000;
const EXPONENT: i64 = 0x7ff0_0000_0000_0000;
/// 2^52: in [2^52, 2^53) the low mantissa bits are the integer.
const MAGIC: f64 = 4_503_599_627_370_496.0;
const MAGIC_BITS: i64 = 0x4330_0000_0000_0000;
/// 1.5 * 2^52: adding and subtracting it rounds to the nearest integer.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// Plain arrays: what every machine has. No FMA, because its software form is slow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Baseline;

macro_rules! each {
    ($i:ident => $e:expr) => {{
        let mut out = [Default::default(); LANES];
        for $i in 0..LANES {
            out[$i] = $e;
        }
        out
    }};
}

impl Simd for Baseline {
    type V = [f64; LANES];
    type M = [bool; LANES];
    #[inline(always)]
    fn splat(self, x: f64) -> Self::V {
        [x; LANES]
    }
    #[inline(always)]
    unsafe fn load(self, at: *const f64) -> Self::V {
        // SAFETY: the caller promises eight readable values.
        unsafe { at.cast::<[f64; LANES]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut f64, v: Self::V) {
        // SAFETY: the caller promises eight writable values.
        unsafe { at.cast::<[f64; LANES]>().write_unaligned(v) }
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        each!(i => a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        each!(i => a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        each!(i => a[i] * b[i])
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        each!(i => a[i] / b[i])
    }
    #[inline(always)]
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        each!(i => a[i] * b[i] + c[i])
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        each!(i => if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        each!(i => if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn round(self, a: Self::V) -> Self::V {
        each!(i => (a[i] + ROUND) - ROUND)
    }
    #[inline(always)]
    fn greater(self, a: Self::V, b: Self::V) -> Self::M {
        each!(i => a[i] > b[i])
    }
    #[inline(always)]
    fn keep(self, m: Self::M, v: Self::V) -> Self::V {
        each!(i => if m[i] { v[i] } else { 0.0 })
    }
    #[inline(always)]
    fn bits(self, m: Self::M) -> u32 {
        (0..LANES).fold(0, |bits, i| bits | (u32::from(m[i]) << i))
    }
    #[inline(always)]
    fn split(self, x: Self::V) -> (Self::V, Self::V) {
        // Wrapping, as the vector units do: lanes without meaning may hold anything.
        let moved: [i64; LANES] = each!(i => (x[i].to_bits() as i64).wrapping_add(ONE - HALF_ROOT));
        (
            each!(i => f64::from_bits(
                (x[i].to_bits() as i64).wrapping_sub(moved[i] & EXPONENT).wrapping_add(ONE) as u64
            )),
            each!(i => f64::from_bits(((moved[i] as u64) >> 52) | MAGIC_BITS as u64) - (MAGIC + 1023.0)),
        )
    }
    #[inline(always)]
    fn power_of_two(self, n: Self::V) -> Self::V {
        each!(i => f64::from_bits((n[i] + (MAGIC + 1023.0)).to_bits() << 52))
    }
}
