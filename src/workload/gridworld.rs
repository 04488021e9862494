//! The environment: a grid of cells, moves that may slip, and what an agent sees from a cell.

use super::derive_seed;
use ndarray::{Array2, Array3};
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// Moves: up, right, down, left, stay.
pub const ACTIONS: usize = 5;

/// What a cell shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Kind {
    /// Nothing.
    Empty,
    /// Something in the way.
    Obstacle,
    /// What the agent prefers.
    Goal,
    /// Somebody else.
    Agent,
    /// The edge of the world.
    Wall,
}

/// Number of [`Kind`]s.
pub const KINDS: usize = 5;

/// The cells of a grid and the moves between them; row-major, cell = y × width + x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Cells in a row.
    pub width: usize,
    /// Cells in a column.
    pub height: usize,
    /// Probability that a move fails and the agent stays where it is, 0 to 1.
    pub slip: f64,
}

impl Grid {
    /// Number of cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.width * self.height
    }

    /// Where a move leads when it does not slip; a move off the grid stays.
    #[must_use]
    pub fn target(&self, cell: usize, action: usize) -> usize {
        let (x, y) = (cell % self.width, cell / self.width);
        match action {
            0 if y > 0 => cell - self.width,
            1 if x + 1 < self.width => cell + 1,
            2 if y + 1 < self.height => cell + self.width,
            3 if x > 0 => cell - 1,
            _ => cell,
        }
    }

    /// Moves, and slips by chance.
    #[must_use]
    pub fn step(&self, cell: usize, action: usize, rng: &mut Pcg64) -> usize {
        // The number is drawn even where it cannot matter: a world's random numbers depend on the
        // count of steps only.
        if uniform(rng) < self.slip {
            cell
        } else {
            self.target(cell, action)
        }
    }

    /// P(next cell | cell, action): B, shape (S, S, [`ACTIONS`]).
    #[must_use]
    pub fn transitions(&self) -> Array3<f64> {
        let s = self.cells();
        let mut b = Array3::zeros((s, s, ACTIONS));
        for cell in 0..s {
            for action in 0..ACTIONS {
                b[[cell, cell, action]] += self.slip;
                b[[self.target(cell, action), cell, action]] += 1.0 - self.slip;
            }
        }
        b
    }

    /// Steps between two cells where diagonal steps count as one (Chebyshev).
    #[must_use]
    pub fn distance(&self, a: usize, b: usize) -> usize {
        let dx = (a % self.width).abs_diff(b % self.width);
        let dy = (a / self.width).abs_diff(b / self.width);
        dx.max(dy)
    }
}

/// What the cells of one world show.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    kinds: Vec<Kind>,
    sight: f64,
}

/// Shares of cells that show something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// Obstacles.
    pub obstacles: f64,
    /// Goals; at least one cell is one.
    pub goals: f64,
    /// Bystanders.
    pub bystanders: f64,
}

impl Scene {
    /// Lays out a world by its seed. `sight` is the probability that an agent sees what its cell
    /// shows; the other kinds share the rest.
    #[must_use]
    pub fn new(grid: &Grid, shares: Shares, sight: f64, seed: u64) -> Scene {
        let cells = grid.cells();
        let mut rng = Pcg64::seed_from_u64(derive_seed(seed, 0, 0x5ce7e));
        let mut places: Vec<usize> = (0..cells).collect();
        for i in (1..cells).rev() {
            places.swap(i, below(&mut rng, i + 1));
        }
        let on_edge = |c: usize| {
            let (x, y) = (c % grid.width, c / grid.width);
            x == 0 || y == 0 || x + 1 == grid.width || y + 1 == grid.height
        };
        let mut kinds: Vec<Kind> = (0..cells)
            .map(|c| if on_edge(c) { Kind::Wall } else { Kind::Empty })
            .collect();
        let count = |share: f64| (share * cells as f64).round() as usize;
        let laid = [
            (Kind::Goal, count(shares.goals).max(1)),
            (Kind::Obstacle, count(shares.obstacles)),
            (Kind::Agent, count(shares.bystanders)),
        ];
        let mut free = places.into_iter();
        for (kind, n) in laid {
            for cell in free.by_ref().take(n) {
                kinds[cell] = kind;
            }
        }
        Scene { kinds, sight }
    }

    /// P(kind seen | cell): A, shape ([`KINDS`], S).
    #[must_use]
    pub fn likelihood(&self) -> Array2<f64> {
        let other = (1.0 - self.sight) / (KINDS - 1) as f64;
        Array2::from_shape_fn((KINDS, self.kinds.len()), |(o, s)| {
            if self.kinds[s] as usize == o {
                self.sight
            } else {
                other
            }
        })
    }

    /// What an agent sees from a cell, by chance.
    #[must_use]
    pub fn look(&self, cell: usize, rng: &mut Pcg64) -> usize {
        noisy(self.kinds[cell] as usize, KINDS, self.sight, rng)
    }
}

/// `truth` with probability `sight`, else one of the other outcomes.
#[must_use]
pub fn noisy(truth: usize, outcomes: usize, sight: f64, rng: &mut Pcg64) -> usize {
    let u = uniform(rng);
    if u < sight {
        return truth;
    }
    let other = ((u - sight) / (1.0 - sight) * (outcomes - 1) as f64) as usize;
    let other = other.min(outcomes - 2);
    if other < truth { other } else { other + 1 }
}

/// A number in [0, 1).
#[must_use]
pub fn uniform(rng: &mut Pcg64) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// A whole number below `n`; n is small, so the bias of the multiplication is below 2^-50.
#[must_use]
pub fn below(rng: &mut Pcg64, n: usize) -> usize {
    (uniform(rng) * n as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Grid = Grid {
        width: 4,
        height: 3,
        slip: 0.1,
    };

    #[test]
    fn transitions_are_distributions_and_follow_the_moves() {
        let b = GRID.transitions();
        for cell in 0..12 {
            for action in 0..ACTIONS {
                let column = b.slice(ndarray::s![.., cell, action]);
                assert!((column.sum() - 1.0).abs() < 1e-12);
                assert!(column[GRID.target(cell, action)] > 0.89);
            }
        }
        assert_eq!(GRID.target(0, 0), 0);
        assert_eq!(GRID.target(0, 1), 1);
        assert_eq!(GRID.target(0, 2), 4);
        assert_eq!(GRID.target(11, 3), 10);
        assert_eq!(GRID.distance(0, 11), 3);
    }

    #[test]
    fn a_scene_shows_what_was_asked_for_and_follows_its_seed() {
        let grid = Grid {
            width: 10,
            height: 10,
            slip: 0.1,
        };
        let shares = Shares {
            obstacles: 0.10,
            goals: 0.05,
            bystanders: 0.01,
        };
        let scene = Scene::new(&grid, shares, 0.9, 7);
        let count = |k| scene.kinds.iter().filter(|&&x| x == k).count();
        assert_eq!(
            (count(Kind::Obstacle), count(Kind::Goal), count(Kind::Agent)),
            (10, 5, 1)
        );
        assert_eq!(scene, Scene::new(&grid, shares, 0.9, 7));
        assert_ne!(scene, Scene::new(&grid, shares, 0.9, 8));
        let a = scene.likelihood();
        for s in 0..100 {
            assert!((a.column(s).sum() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn looks_have_the_frequencies_of_the_likelihood() {
        let mut rng = Pcg64::seed_from_u64(1);
        let mut seen = [0u32; 4];
        for _ in 0..40_000 {
            seen[noisy(2, 4, 0.7, &mut rng)] += 1;
        }
        for (o, &n) in seen.iter().enumerate() {
            let expected = if o == 2 { 28_000.0 } else { 4_000.0 };
            assert!((f64::from(n) - expected).abs() < 400.0, "{seen:?}");
        }
    }
}
