//! What does it mean to have read a body? The same for every format: each value once, in order.

use crate::workload::Digest;

/// Words that are read side by side.
pub const LANES: usize = 8;

/// Eight words of 64 bits: values of a body, in order.
pub type Row = [u64; LANES];

/// Somebody who reads bodies, whatever format they came in. What was read of a body that proves
/// damaged counts for nothing.
pub trait Reader {
    /// Reads rows.
    fn rows(&mut self, rows: impl Iterator<Item = Row>);

    /// Reads how many follow.
    #[inline]
    fn count(&mut self, count: usize) {
        self.rows(std::iter::once(alone(count as u64)));
    }

    /// Reads how many values follow, and then the values: eight a row, the last row filled up with
    /// zeros.
    #[inline]
    fn values<T>(&mut self, values: &[T], word: impl Fn(&T) -> u64) {
        let (full, rest) = values.as_chunks::<LANES>();
        self.count(values.len());
        self.rows(
            full.iter()
                .map(|row| std::array::from_fn(|i| word(&row[i]))),
        );
        if !rest.is_empty() {
            let last = std::array::from_fn(|i| rest.get(i).map_or(0, &word));
            self.rows(std::iter::once(last));
        }
    }

    /// Reads how many bytes follow, and then the bytes: 64 a row, the last row filled up with zeros.
    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        const ROW_BYTES: usize = LANES * 8;
        let (full, rest) = bytes.as_chunks::<ROW_BYTES>();
        let row = |bytes: &[u8; ROW_BYTES]| -> Row {
            let words = bytes.as_chunks::<8>().0;
            std::array::from_fn(|i| u64::from_le_bytes(words[i]))
        };
        self.count(bytes.len());
        self.rows(full.iter().map(row));
        if !rest.is_empty() {
            let mut last = [0; ROW_BYTES];
            last[..rest.len()].copy_from_slice(rest);
            self.rows(std::iter::once(row(&last)));
        }
    }
}

/// A row with one value.
fn alone(word: u64) -> Row {
    let mut row = [0; LANES];
    row[0] = word;
    row
}

/// The cheapest reader to whom every bit matters: it adds up the rows, each lane for itself. Two
/// values of different lanes cannot change places unnoticed; for all of them there is [`Transcript`].
///
/// Anything dearer (a multiplication for each word) would cost more than the fastest formats, and
/// hide what they differ in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    lanes: Row,
}

impl Sum {
    /// Folds the sums into `digest`.
    pub fn fold(&self, digest: &mut Digest) {
        self.lanes.iter().for_each(|&lane| digest.word(lane));
    }
}

impl Reader for Sum {
    #[inline]
    fn rows(&mut self, rows: impl Iterator<Item = Row>) {
        // A copy, so that it stays in registers.
        let mut lanes = self.lanes;
        for row in rows {
            for (lane, word) in lanes.iter_mut().zip(row) {
                *lane = lane.wrapping_add(word);
            }
        }
        self.lanes = lanes;
    }
}

/// Remembers everything, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// What was read.
    pub rows: Vec<Row>,
}

impl Reader for Transcript {
    fn rows(&mut self, rows: impl Iterator<Item = Row>) {
        self.rows.extend(rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_in_order_behind_their_number() {
        let mut read = Transcript::default();
        read.values(&[1_u64, 2, 3, 4, 5, 6, 7, 8, 9], |&v| v);
        assert_eq!(read.rows, [alone(9), [1, 2, 3, 4, 5, 6, 7, 8], alone(9)]);
        let mut read = Transcript::default();
        read.bytes(&[1; 65]);
        let ones = u64::from_le_bytes([1; 8]);
        assert_eq!(read.rows, [alone(65), [ones; 8], alone(1)]);
    }

    #[test]
    fn a_sum_notices_every_bit_and_neighbours_that_change_places() {
        let sum = |values: &[u64]| {
            let mut sum = Sum::default();
            sum.values(values, |&v| v);
            sum
        };
        let values = [3, 1 << 63, 5, u64::MAX];
        assert_ne!(sum(&values), sum(&[3, 0, 5, u64::MAX]));
        assert_ne!(sum(&values), sum(&[3, 5, 1 << 63, u64::MAX]));
        assert_ne!(sum(&values), sum(&[3, 1 << 63, 5, u64::MAX, 0]));
    }
}
