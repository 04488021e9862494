//! What are boxes in rows and columns?

/// Boxes in rows and columns, coloured by their ratio to 1.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// What columns are.
    pub across: String,
    /// What rows are.
    pub down: String,
    /// Up to which share from 1 there is no side.
    pub margin: f64,
    /// The boxes; rows and columns are those that they name.
    pub boxes: Vec<MatrixBox>,
}

/// A box.
#[derive(Clone, Debug)]
pub struct MatrixBox {
    /// Its row.
    pub row: usize,
    /// Its column.
    pub column: usize,
    /// Its ratio.
    pub ratio: Option<f64>,
    /// A word below the number; may be empty.
    pub word: String,
    /// Its frame.
    pub frame: Option<Frame>,
}

/// The frame of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The best.
    Best,
    /// It cannot be told from the best.
    Maybe,
}

/// Up to which ratio a step of a matrix goes, from those below 1 by their inverses.
pub const STEPS: [f64; 2] = [1.25, 2.0];

/// How far from 1 a ratio is, and on which side: -3 to 3. Within the margin there is no side.
#[must_use]
pub fn step(ratio: f64, margin: f64) -> i8 {
    let far = ratio.max(1.0 / ratio);
    let size = match far {
        f if f <= 1.0 + margin => 0,
        f if f <= STEPS[0] => 1,
        f if f <= STEPS[1] => 2,
        _ => 3,
    };
    if ratio < 1.0 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_diverge_around_one() {
        for same in [0.98, 1.0, 1.03] {
            assert_eq!(step(same, 0.03), 0);
        }
        for (ratio, size) in [(1.1, 1), (1.5, 2), (3.0, 3)] {
            assert_eq!(step(ratio, 0.03), size);
            assert_eq!(step(1.0 / ratio, 0.03), -size);
        }
    }
}
