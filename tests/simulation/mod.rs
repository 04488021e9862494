//! Made-up machines on which the truth is known.
//!
//! Every number comes from a seed, so a test that uses them either always passes or always fails.

use forkscope::record::Side;
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// Noise of one invocation, ln units; a pair then varies by √2 times as much.
pub const NOISE: f64 = 0.02;

/// A machine on which X is `truth` times as fast as the baseline.
#[derive(Clone, Copy)]
pub struct Machine {
    /// True ln ratio.
    pub truth: f64,
    /// Noise of one invocation, ln units.
    pub noise: f64,
    /// Slow sine of this amplitude over about 40 invocations, ln units.
    pub drift: f64,
    /// What the second invocation of a pair loses, ln units.
    pub second_loses: f64,
    /// Share of invocations that a neighbour slows by 5 to 20 %.
    pub outliers: f64,
}

/// Op/s of one pair.
pub struct Rates {
    pub baseline: f64,
    pub x: f64,
    pub first: Side,
}

impl Machine {
    pub const STILL: Self = Self {
        truth: 0.0,
        noise: NOISE,
        drift: 0.0,
        second_loses: 0.0,
        outliers: 0.0,
    };

    /// The same machine when both sides are equal.
    pub fn tied(self) -> Self {
        Self { truth: 0.0, ..self }
    }

    /// `n` pairs in twos: T X X T or X T T X by coin flip.
    pub fn rates(&self, n: usize, random: &mut Random) -> Vec<Rates> {
        let phase = random.uniform() * std::f64::consts::TAU;
        let mut pairs = Vec::with_capacity(n);
        let mut slot = 0.0;
        while pairs.len() < n {
            let flip = random.uniform() < 0.5;
            for first in [flip, !flip] {
                let first = if first { Side::Baseline } else { Side::X };
                let mut rate = |is_second: bool, truth: f64| {
                    let drift = self.drift * (phase + slot * 0.16_f64).sin();
                    slot += 1.0;
                    let slowed = match random.uniform() < self.outliers {
                        true => 0.05 + 0.15 * random.uniform(),
                        false => 0.0,
                    };
                    let lost = if is_second { self.second_loses } else { 0.0 };
                    (5.0 + truth + drift - lost - slowed + self.noise * random.normal()).exp()
                };
                let (baseline, x) = match first {
                    Side::Baseline => {
                        let baseline = rate(false, 0.0);
                        (baseline, rate(true, self.truth))
                    }
                    Side::X => {
                        let x = rate(false, self.truth);
                        (rate(true, 0.0), x)
                    }
                };
                pairs.push(Rates { baseline, x, first });
            }
        }
        pairs.truncate(n);
        pairs
    }
}

/// A drift of ± 5 %, and the second of a pair loses 1 %.
pub const DRIFTING: Machine = Machine {
    truth: 0.05,
    noise: NOISE,
    drift: 0.05,
    second_loses: 0.01,
    outliers: 0.0,
};
/// The same with neighbours.
pub const OUTLIERS: Machine = Machine {
    outliers: 0.05,
    ..DRIFTING
};

/// Random numbers of a seed.
pub struct Random(Pcg64Mcg);

impl Random {
    pub fn seeded(seed: u64) -> Self {
        Self(Pcg64Mcg::seed_from_u64(seed))
    }

    /// Uniform in (0, 1].
    pub fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 1.0) / (1u64 << 53) as f64
    }

    /// Standard normal by Box and Muller.
    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
