//! In which order do pairs run?

use crate::record::Side;
use crate::workload::derive_seed;
use crate::workload::gridworld::below;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// The order of two rounds: every cell once in each, shuffled; the side that runs first is drawn for
/// the first round and turned around for the second, so that orders balance.
#[must_use]
pub fn two_rounds(cells: &[usize], two: u32, seed: u64) -> [Vec<(usize, Side)>; 2] {
    let mut rng = Pcg64::seed_from_u64(derive_seed(seed, u64::from(two), 0x0dde));
    let mut first: Vec<(usize, Side)> = cells
        .iter()
        .map(|&c| {
            (
                c,
                if rng.next_u64() >> 63 == 0 {
                    Side::Baseline
                } else {
                    Side::X
                },
            )
        })
        .collect();
    let turned = |(c, side)| match side {
        Side::Baseline => (c, Side::X),
        Side::X => (c, Side::Baseline),
    };
    let mut second: Vec<(usize, Side)> = first.iter().copied().map(turned).collect();
    for order in [&mut first, &mut second] {
        for i in (1..order.len()).rev() {
            order.swap(i, below(&mut rng, i + 1));
        }
    }
    [first, second]
}
