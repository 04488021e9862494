//! Which vector instructions has this machine, and how does a whole step run on them?
//!
//! A step is written once, generic over [`Simd`] (eight `f64` lanes), and [`dispatch`] runs it
//! inside a function compiled for the best level the machine has. Everything below that function
//! is `#[inline(always)]`, so a step pays for one branch, not for one per kernel.
//!
//! Results are the same bit for bit on one machine: loads never depend on alignment, and every
//! sum has one order per level. Levels differ from each other in the last bits (FMA or not).

mod lanes;
pub(crate) mod math;
pub(crate) mod rows;

pub(crate) use lanes::{LANES, Simd};

/// Work that [`dispatch`] runs at one level. `run` must be `#[inline(always)]`.
pub(crate) trait Task {
    /// What the work returns.
    type Out;
    /// Does the work with the instructions of `S`.
    fn run<S: Simd>(self, s: S) -> Self::Out;
}

/// An instruction level that this machine was seen to have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512(lanes::x86::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(lanes::x86::Avx2),
    Baseline,
}

impl Level {
    /// The best level of this machine; cheap after the first call (the standard library caches).
    pub(crate) fn detect() -> Level {
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(token) = lanes::x86::Avx512::detect() {
                return Level::Avx512(token);
            }
            if let Some(token) = lanes::x86::Avx2::detect() {
                return Level::Avx2(token);
            }
        }
        Level::Baseline
    }

    /// Every level that this machine can run, for tests.
    #[cfg(test)]
    pub(crate) fn all() -> Vec<Level> {
        let mut all = vec![Level::Baseline];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(lanes::x86::Avx2::detect().map(Level::Avx2));
            all.extend(lanes::x86::Avx512::detect().map(Level::Avx512));
        }
        all
    }

    /// The name that reports show.
    pub(crate) fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(_) => "avx2+fma",
            Level::Baseline => "baseline",
        }
    }
}

/// Runs `task` with the instructions of `level`.
#[inline]
pub(crate) fn dispatch<T: Task>(level: Level, task: T) -> T::Out {
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the token inside `Level::Avx512` is only made by `Avx512::detect`, which saw
        // every feature that `run_avx512` enables.
        Level::Avx512(token) => unsafe { run_avx512(token, task) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above, for `Avx2::detect` and `run_avx2`.
        Level::Avx2(token) => unsafe { run_avx2(token, task) },
        Level::Baseline => task.run(lanes::Baseline),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512dq,avx512vl")]
fn run_avx512<T: Task>(token: lanes::x86::Avx512, task: T) -> T::Out {
    task.run(token)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
fn run_avx2<T: Task>(token: lanes::x86::Avx2, task: T) -> T::Out {
    task.run(token)
}
