//! How do the lanes work with AVX2 + FMA (two registers) and with AVX-512 (one)?
//!
//! The tokens' private field makes `detect` their only source. Every intrinsic below needs no
//! more than the features that `detect` asks for.

use super::*;
use core::arch::x86_64::*;

/// Two registers of four lanes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Avx2> {
        let has = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt");
        has.then_some(Avx2(()))
    }

    /// [`Simd::split`] of four lanes.
    #[inline(always)]
    fn split_half(self, x: __m256d) -> (__m256d, __m256d) {
        // SAFETY: `self` exists, so the machine has AVX2.
        unsafe {
            let x = _mm256_castpd_si256(x);
            let moved = _mm256_add_epi64(x, _mm256_set1_epi64x(ONE - HALF_ROOT));
            let exponent = _mm256_and_si256(moved, _mm256_set1_epi64x(EXPONENT));
            let m = _mm256_add_epi64(_mm256_sub_epi64(x, exponent), _mm256_set1_epi64x(ONE));
            let k = _mm256_or_si256(
                _mm256_srli_epi64::<52>(moved),
                _mm256_set1_epi64x(MAGIC_BITS),
            );
            let k = _mm256_sub_pd(_mm256_castsi256_pd(k), _mm256_set1_pd(MAGIC + 1023.0));
            (_mm256_castsi256_pd(m), k)
        }
    }
}

/// One register of eight lanes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Avx512> {
        let has = Avx2::detect().is_some()
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        has.then_some(Avx512(()))
    }
}

macro_rules! halves {
    ($f:ident($($x:ident),*)) => {
        // SAFETY: `self` exists, so the machine has AVX2 and FMA.
        unsafe { [$f($($x[0]),*), $f($($x[1]),*)] }
    };
}

impl Simd for Avx2 {
    type V = [__m256d; 2];
    type M = [__m256d; 2];
    #[inline(always)]
    fn splat(self, x: f64) -> Self::V {
        // SAFETY: `self` exists, so the machine has AVX.
        unsafe { [_mm256_set1_pd(x); 2] }
    }
    #[inline(always)]
    unsafe fn load(self, at: *const f64) -> Self::V {
        // SAFETY: `self` exists; the caller promises eight readable values.
        unsafe { [_mm256_loadu_pd(at), _mm256_loadu_pd(at.add(4))] }
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut f64, v: Self::V) {
        // SAFETY: `self` exists; the caller promises eight writable values.
        unsafe {
            _mm256_storeu_pd(at, v[0]);
            _mm256_storeu_pd(at.add(4), v[1]);
        }
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        halves!(_mm256_add_pd(a, b))
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        halves!(_mm256_sub_pd(a, b))
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        halves!(_mm256_mul_pd(a, b))
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        halves!(_mm256_div_pd(a, b))
    }
    #[inline(always)]
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        halves!(_mm256_fmadd_pd(a, b, c))
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        halves!(_mm256_min_pd(a, b))
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        halves!(_mm256_max_pd(a, b))
    }
    #[inline(always)]
    fn round(self, a: Self::V) -> Self::V {
        let r = self.splat(ROUND);
        self.sub(self.add(a, r), r)
    }
    #[inline(always)]
    fn greater(self, a: Self::V, b: Self::V) -> Self::M {
        // SAFETY: `self` exists, so the machine has AVX.
        unsafe {
            [
                _mm256_cmp_pd::<_CMP_GT_OQ>(a[0], b[0]),
                _mm256_cmp_pd::<_CMP_GT_OQ>(a[1], b[1]),
            ]
        }
    }
    #[inline(always)]
    fn keep(self, m: Self::M, v: Self::V) -> Self::V {
        halves!(_mm256_and_pd(m, v))
    }
    #[inline(always)]
    fn bits(self, m: Self::M) -> u32 {
        // SAFETY: `self` exists, so the machine has AVX.
        unsafe { (_mm256_movemask_pd(m[0]) | (_mm256_movemask_pd(m[1]) << 4)) as u32 }
    }
    #[inline(always)]
    fn split(self, x: Self::V) -> (Self::V, Self::V) {
        let ((m0, k0), (m1, k1)) = (self.split_half(x[0]), self.split_half(x[1]));
        ([m0, m1], [k0, k1])
    }
    #[inline(always)]
    fn power_of_two(self, n: Self::V) -> Self::V {
        let n = self.add(n, self.splat(MAGIC + 1023.0));
        // SAFETY: `self` exists, so the machine has AVX2.
        unsafe {
            [
                _mm256_castsi256_pd(_mm256_slli_epi64::<52>(_mm256_castpd_si256(n[0]))),
                _mm256_castsi256_pd(_mm256_slli_epi64::<52>(_mm256_castpd_si256(n[1]))),
            ]
        }
    }
}

macro_rules! one {
    ($f:ident($($x:expr),*)) => {
        // SAFETY: `self` exists, so the machine has AVX-512 F, DQ and VL.
        unsafe { $f($($x),*) }
    };
}

impl Simd for Avx512 {
    type V = __m512d;
    type M = __mmask8;
    #[inline(always)]
    fn splat(self, x: f64) -> Self::V {
        one!(_mm512_set1_pd(x))
    }
    #[inline(always)]
    unsafe fn load(self, at: *const f64) -> Self::V {
        // SAFETY: `self` exists; the caller promises eight readable values.
        unsafe { _mm512_loadu_pd(at) }
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut f64, v: Self::V) {
        // SAFETY: `self` exists; the caller promises eight writable values.
        unsafe { _mm512_storeu_pd(at, v) }
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        one!(_mm512_add_pd(a, b))
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        one!(_mm512_sub_pd(a, b))
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        one!(_mm512_mul_pd(a, b))
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        one!(_mm512_div_pd(a, b))
    }
    #[inline(always)]
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        one!(_mm512_fmadd_pd(a, b, c))
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        one!(_mm512_min_pd(a, b))
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        one!(_mm512_max_pd(a, b))
    }
    #[inline(always)]
    fn round(self, a: Self::V) -> Self::V {
        let r = self.splat(ROUND);
        self.sub(self.add(a, r), r)
    }
    #[inline(always)]
    fn greater(self, a: Self::V, b: Self::V) -> Self::M {
        // SAFETY: `self` exists, so the machine has AVX-512 F.
        unsafe { _mm512_cmp_pd_mask::<_CMP_GT_OQ>(a, b) }
    }
    #[inline(always)]
    fn keep(self, m: Self::M, v: Self::V) -> Self::V {
        one!(_mm512_maskz_mov_pd(m, v))
    }
    #[inline(always)]
    fn bits(self, m: Self::M) -> u32 {
        u32::from(m)
    }
    #[inline(always)]
    fn split(self, x: Self::V) -> (Self::V, Self::V) {
        // SAFETY: `self` exists, so the machine has AVX-512 F.
        unsafe {
            let x = _mm512_castpd_si512(x);
            let moved = _mm512_add_epi64(x, _mm512_set1_epi64(ONE - HALF_ROOT));
            let exponent = _mm512_and_si512(moved, _mm512_set1_epi64(EXPONENT));
            let m = _mm512_add_epi64(_mm512_sub_epi64(x, exponent), _mm512_set1_epi64(ONE));
            let k = _mm512_or_si512(
                _mm512_srli_epi64::<52>(moved),
                _mm512_set1_epi64(MAGIC_BITS),
            );
            let k = _mm512_sub_pd(_mm512_castsi512_pd(k), _mm512_set1_pd(MAGIC + 1023.0));
            (_mm512_castsi512_pd(m), k)
        }
    }
    #[inline(always)]
    fn power_of_two(self, n: Self::V) -> Self::V {
        let n = self.add(n, self.splat(MAGIC + 1023.0));
        // SAFETY: `self` exists, so the machine has AVX-512 F.
        unsafe { _mm512_castsi512_pd(_mm512_slli_epi64::<52>(_mm512_castpd_si512(n))) }
    }
}
