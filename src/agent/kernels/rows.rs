//! How is a nonnegative matrix kept, so that only what can matter is multiplied?
//!
//! Three forms, chosen per matrix when it is built:
//! * dense: every column in every row;
//! * sparse: every row keeps the same number `k` of (column, value) entries, padded with zeros,
//!   and each column knows the rows that it reaches, so that a narrow belief touches few rows;
//! * sparse above a floor: each column's smallest value is kept once and the rows keep the excess.
//!   All terms stay nonnegative, so nothing cancels and results differ by rounding only.

use ndarray::Array3;

use super::{LANES, Simd};

/// A list of columns, each below `limit`: what makes unchecked reads by column sound.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    list: Vec<u32>,
    limit: usize,
}

impl Columns {
    /// An empty list with room for `capacity` columns.
    pub(crate) fn with_capacity(capacity: usize) -> Columns {
        Columns {
            list: Vec::with_capacity(capacity),
            limit: 0,
        }
    }

    /// Forgets the list and sets a new limit.
    #[inline(always)]
    pub(crate) fn reset(&mut self, limit: usize) {
        self.list.clear();
        self.limit = limit;
    }

    /// Adds a column below the limit.
    #[inline(always)]
    pub(crate) fn push(&mut self, c: usize) {
        assert!(c < self.limit);
        self.list.push(c as u32);
    }

    #[inline(always)]
    pub(crate) fn list(&self) -> &[u32] {
        &self.list
    }

    pub(crate) fn capacity(&self) -> usize {
        self.list.capacity()
    }
}

/// A set of columns of one row.
#[derive(Clone, Debug)]
pub(crate) struct Marks(Vec<u64>);

impl Marks {
    fn new(n_cols: usize) -> Marks {
        Marks(vec![0; n_cols.div_ceil(64)])
    }

    /// Adds column `c`.
    #[inline(always)]
    pub(crate) fn mark(&mut self, c: usize) {
        self.0[c / 64] |= 1 << (c % 64);
    }

    fn clear(&mut self) {
        self.0.fill(0);
    }

    fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The columns, ascending.
    fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(i, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros() as usize;
                rest &= rest.wrapping_sub(1);
                (bit < 64).then_some(i * 64 + bit)
            })
        })
    }
}

/// A matrix (`n_rows`, `n_cols`) whose entries are `width` consecutive values: one per action in a
/// transition matrix, a single one in a likelihood.
///
/// Values: `n_rows * k * width` numbers and [`LANES`] of slack, so that eight lanes can be read
/// from any entry; lanes past `width` then hold other entries and are for the caller to ignore.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    pub n_rows: usize,
    pub n_cols: usize,
    pub width: usize,
    /// Entries per row; `n_cols` when dense.
    pub k: usize,
    /// Column of each entry; empty when dense. Every element is below `n_cols`.
    index: Vec<u32>,
    /// Empty when the values live elsewhere (a dense likelihood of one modality is A itself).
    pub values: Vec<f64>,
    /// (`n_cols`, `width`) smallest values and slack; empty without a floor.
    floor: Vec<f64>,
    /// (`n_cols`, `words`) bit sets of rows; empty unless sparse without a floor.
    reach: Vec<u64>,
    /// Words of one bit set of rows.
    pub words: usize,
}

impl Rows {
    /// Builds the leanest form of the matrix `value(row, column, lane)`.
    ///
    /// `support` marks the columns of a row that may ever become nonzero (learning keeps to it). A
    /// floor is only tried where `fixed`, because learning would lift each entry on its own. With
    /// `elsewhere`, dense values are the caller's: [`Rows::values`] stays empty.
    pub(crate) fn new(
        (n_rows, n_cols, width): (usize, usize, usize),
        value: impl Fn(usize, usize, usize) -> f64,
        support: impl Fn(usize, &mut Marks),
        fixed: bool,
        elsewhere: bool,
    ) -> Rows {
        let mut rows = Rows {
            n_rows,
            n_cols,
            width,
            k: n_cols,
            index: Vec::new(),
            values: Vec::new(),
            floor: Vec::new(),
            reach: Vec::new(),
            words: n_rows.div_ceil(64),
        };
        let mut kept = vec![Marks::new(n_cols); n_rows];
        let longest = |kept: &[Marks]| kept.iter().map(Marks::count).max().unwrap_or(0).max(1);
        for (r, kept) in kept.iter_mut().enumerate() {
            support(r, kept);
        }
        // Half full or more, indices cost more than they save.
        let k = longest(&kept);
        if 2 * k <= n_cols {
            rows.fill_sparse(k, &kept, &value);
            rows.reach = vec![0; n_cols * rows.words];
            for (r, kept) in kept.iter().enumerate() {
                for c in kept.iter() {
                    rows.reach[c * rows.words + r / 64] |= 1 << (r % 64);
                }
            }
            return rows;
        }
        if fixed {
            let mut floor = vec![f64::INFINITY; n_cols * width];
            for r in 0..n_rows {
                for (c, low) in floor.chunks_exact_mut(width).enumerate() {
                    for (u, low) in low.iter_mut().enumerate() {
                        *low = low.min(value(r, c, u));
                    }
                }
            }
            for (r, kept) in kept.iter_mut().enumerate() {
                kept.clear();
                for (c, low) in floor.chunks_exact(width).enumerate() {
                    if low.iter().enumerate().any(|(u, low)| value(r, c, u) > *low) {
                        kept.mark(c);
                    }
                }
            }
            let k = longest(&kept);
            if 4 * k <= n_cols {
                rows.fill_sparse(k, &kept, |r, c, u| value(r, c, u) - floor[c * width + u]);
                floor.reserve_exact(LANES);
                floor.resize(n_cols * width + LANES, 0.0);
                rows.floor = floor;
                return rows;
            }
        }
        if !elsewhere {
            rows.values = vec![0.0; n_rows * n_cols * width + LANES];
            let mut entries = rows.values.chunks_exact_mut(width);
            for r in 0..n_rows {
                for (c, entry) in entries.by_ref().take(n_cols).enumerate() {
                    for (u, v) in entry.iter_mut().enumerate() {
                        *v = value(r, c, u);
                    }
                }
            }
        }
        rows
    }

    fn fill_sparse(
        &mut self,
        k: usize,
        kept: &[Marks],
        value: impl Fn(usize, usize, usize) -> f64,
    ) {
        self.k = k;
        self.index = vec![0; self.n_rows * k];
        self.values = vec![0.0; self.n_rows * k * self.width + LANES];
        for (r, kept) in kept.iter().enumerate() {
            for (e, c) in kept.iter().enumerate() {
                self.index[r * k + e] = c as u32;
                for u in 0..self.width {
                    self.values[(r * k + e) * self.width + u] = value(r, c, u);
                }
            }
        }
    }

    /// Whether entries carry their column.
    pub(crate) fn is_sparse(&self) -> bool {
        !self.index.is_empty()
    }

    /// Whether columns know the rows that they reach.
    pub(crate) fn has_reach(&self) -> bool {
        !self.reach.is_empty()
    }

    pub(crate) fn has_floor(&self) -> bool {
        !self.floor.is_empty()
    }

    /// The column of entry `e` of row `r`.
    #[inline(always)]
    pub(crate) fn column(&self, r: usize, e: usize) -> usize {
        if self.index.is_empty() {
            e
        } else {
            self.index[r * self.k + e] as usize
        }
    }

    /// Adds the rows that column `c` reaches to a bit set of `words` words.
    #[inline(always)]
    pub(crate) fn add_reach(&self, c: usize, set: &mut [u64]) {
        let from = &self.reach[c * self.words..][..self.words];
        for (word, bits) in set[..self.words].iter_mut().zip(from) {
            *word |= bits;
        }
    }

    /// The whole matrix, (`n_rows`, `n_cols`, `width`), of `values` in the layout of [`Rows::values`];
    /// `with_floor` where they are excesses.
    pub(crate) fn to_array(&self, values: &[f64], with_floor: bool) -> Array3<f64> {
        let mut out = Array3::zeros((self.n_rows, self.n_cols, self.width));
        for ((_, c, u), v) in out.indexed_iter_mut() {
            if with_floor && self.has_floor() {
                *v = self.floor[c * self.width + u];
            }
        }
        for r in 0..self.n_rows {
            for e in (0..self.k).filter(|&e| !self.is_padding(r, e)) {
                for u in 0..self.width {
                    out[[r, self.column(r, e), u]] += values[(r * self.k + e) * self.width + u];
                }
            }
        }
        out
    }

    /// Per lane `u` from `first` on: the floor's part, Σ_c floor(c, u) q(c). 0 without a floor.
    #[inline(always)]
    pub(crate) fn lanes_floor<S: Simd>(&self, s: S, q: &[f64], first: usize) -> S::V {
        let zero = s.splat(0.0);
        if self.floor.is_empty() {
            return zero;
        }
        assert!(first < self.width && q.len() >= self.n_cols);
        // Four sums, because one would wait for itself.
        let (mut a, mut b, mut c, mut d) = (zero, zero, zero, zero);
        // SAFETY: below, columns are < n_cols <= q.len() and `first < width`, so with the slack eight
        // values are there.
        let at = |column: usize| unsafe {
            let low = self.floor.as_ptr().add(column * self.width + first);
            (*q.get_unchecked(column), low)
        };
        let mut column = 0;
        while column + 4 <= self.n_cols {
            let (qa, la) = at(column);
            let (qb, lb) = at(column + 1);
            let (qc, lc) = at(column + 2);
            let (qd, ld) = at(column + 3);
            // SAFETY: as above.
            unsafe {
                a = s.fma(s.splat(qa), s.load(la), a);
                b = s.fma(s.splat(qb), s.load(lb), b);
                c = s.fma(s.splat(qc), s.load(lc), c);
                d = s.fma(s.splat(qd), s.load(ld), d);
            }
            column += 4;
        }
        while column < self.n_cols {
            let (qa, la) = at(column);
            // SAFETY: as above.
            a = s.fma(s.splat(qa), unsafe { s.load(la) }, a);
            column += 1;
        }
        s.add(s.add(a, b), s.add(c, d))
    }

    /// Rows `r .. r + N` (entries are vectors, the factor `q` per column is scalar):
    /// `init + Σ_c value(r, c, first ..) q(c)`, eight lanes each. When dense, only columns in `active` count.
    #[inline(always)]
    pub(crate) fn lanes_times<S: Simd, const N: usize>(
        &self,
        s: S,
        values: &[f64],
        (r, first): (usize, usize),
        q: &[f64],
        active: &Columns,
        init: S::V,
    ) -> [S::V; N] {
        assert!(
            r + N <= self.n_rows
                && first < self.width
                && q.len() >= self.n_cols
                && active.limit <= self.n_cols
        );
        assert!(values.len() >= self.n_rows * self.k * self.width + LANES);
        let mut acc = [init; N];
        let stride = self.k * self.width;
        // SAFETY: entry (r + i, e) starts at (r + i) * stride + e * width with r + i < n_rows and
        // e < k; `first < width` and the slack of LANES make eight lanes readable. Columns, from
        // `index` or `active`, are below n_cols <= q.len().
        unsafe {
            let base = values.as_ptr().add(r * stride + first);
            if self.index.is_empty() {
                for &c in active.list() {
                    let q = s.splat(*q.get_unchecked(c as usize));
                    for (i, acc) in acc.iter_mut().enumerate() {
                        *acc = s.fma(
                            q,
                            s.load(base.add(i * stride + c as usize * self.width)),
                            *acc,
                        );
                    }
                }
            } else {
                for (i, acc) in acc.iter_mut().enumerate() {
                    for e in 0..self.k {
                        let c = *self.index.get_unchecked((r + i) * self.k + e) as usize;
                        let q = s.splat(*q.get_unchecked(c));
                        *acc = s.fma(q, s.load(base.add(i * stride + e * self.width)), *acc);
                    }
                }
            }
        }
        acc
    }

    /// The floor's part for eight columns vectors: Σ_c floor(c) x(c, 0..8). For `width` 1.
    #[inline(always)]
    pub(crate) fn floor_times_lanes<S: Simd>(&self, s: S, x: &[f64], active: &Columns) -> S::V {
        let zero = s.splat(0.0);
        if self.floor.is_empty() {
            return zero;
        }
        let (mut a, mut b) = (zero, zero);
        let (pairs, last) = active.list().as_chunks::<2>();
        for &[c0, c1] in pairs {
            a = s.fma(
                s.splat(self.floor[c0 as usize]),
                s.get(x, c0 as usize * LANES),
                a,
            );
            b = s.fma(
                s.splat(self.floor[c1 as usize]),
                s.get(x, c1 as usize * LANES),
                b,
            );
        }
        for &c in last {
            a = s.fma(
                s.splat(self.floor[c as usize]),
                s.get(x, c as usize * LANES),
                a,
            );
        }
        s.add(a, b)
    }

    /// Rows `r .. r + N` times eight vectors at once: `init + Σ_c values(r, c) x(c, 0..8)`, with x
    /// (`n_cols`, 8). `width` is 1. When dense, only columns in `active` count.
    #[inline(always)]
    pub(crate) fn times_lanes<S: Simd, const N: usize>(
        &self,
        s: S,
        values: &[f64],
        r: usize,
        x: &[f64],
        active: &Columns,
        init: S::V,
    ) -> [S::V; N] {
        assert!(
            r + N <= self.n_rows
                && self.width == 1
                && x.len() >= self.n_cols * LANES
                && active.limit <= self.n_cols
        );
        assert!(values.len() >= self.n_rows * self.k);
        let mut acc = [init; N];
        // SAFETY: as in `lanes_times`, with width 1; x holds eight values for each of n_cols columns.
        unsafe {
            let base = values.as_ptr().add(r * self.k);
            if self.index.is_empty() {
                for &c in active.list() {
                    let x = s.load(x.as_ptr().add(c as usize * LANES));
                    for (i, acc) in acc.iter_mut().enumerate() {
                        *acc = s.fma(s.splat(*base.add(i * self.k + c as usize)), x, *acc);
                    }
                }
            } else {
                for (i, acc) in acc.iter_mut().enumerate() {
                    for e in 0..self.k {
                        let c = *self.index.get_unchecked((r + i) * self.k + e) as usize;
                        let x = s.load(x.as_ptr().add(c * LANES));
                        *acc = s.fma(s.splat(*base.add(i * self.k + e)), x, *acc);
                    }
                }
            }
        }
        acc
    }

    /// `out[r] = Σ_c value(r, c, u) q(c)` for every row, one lane `u`.
    #[inline(always)]
    pub(crate) fn lane_times(&self, u: usize, q: &[f64], out: &mut [f64]) {
        assert!(
            u < self.width
                && q.len() >= self.n_cols
                && self.values.len() >= self.n_rows * self.k * self.width
        );
        let mut low = 0.0;
        if !self.floor.is_empty() {
            for (c, q) in q[..self.n_cols].iter().enumerate() {
                low += self.floor[c * self.width + u] * q;
            }
        }
        let (k, width) = (self.k, self.width);
        for (r, out) in out[..self.n_rows].iter_mut().enumerate() {
            // SAFETY: r < n_rows, e < k, u < width index within `values`, whose length was checked;
            // columns are below n_cols <= q.len().
            unsafe {
                let values = self.values.as_ptr().add(r * k * width + u);
                let mut acc = [low, 0.0, 0.0, 0.0];
                if self.index.is_empty() {
                    let whole = k - k % 4;
                    for e in (0..whole).step_by(4) {
                        for (i, acc) in acc.iter_mut().enumerate() {
                            *acc += *values.add((e + i) * width) * q.get_unchecked(e + i);
                        }
                    }
                    for e in whole..k {
                        acc[0] += *values.add(e * width) * q.get_unchecked(e);
                    }
                } else {
                    // Rows are short here: one sum each, and the processor overlaps rows.
                    for e in 0..k {
                        let c = *self.index.get_unchecked(r * k + e) as usize;
                        acc[0] += *values.add(e * width) * q.get_unchecked(c);
                    }
                }
                *out = (acc[0] + acc[2]) + (acc[1] + acc[3]);
            }
        }
    }

    /// Whether entry `e` of row `r` only fills the row up. Entries are in column order, and filling
    /// repeats column 0.
    #[inline(always)]
    pub(crate) fn is_padding(&self, r: usize, e: usize) -> bool {
        self.is_sparse() && e > 0 && self.column(r, e) == 0
    }

    /// Another matrix of the same support, in the layout of [`Rows::values`].
    pub(crate) fn parallel(&self, value: impl Fn(usize, usize, usize) -> f64) -> Vec<f64> {
        let mut out = vec![0.0; self.n_rows * self.k * self.width + LANES];
        for r in 0..self.n_rows {
            for e in (0..self.k).filter(|&e| !self.is_padding(r, e)) {
                for u in 0..self.width {
                    out[(r * self.k + e) * self.width + u] = value(r, self.column(r, e), u);
                }
            }
        }
        out
    }

    /// Sums of each column of lane `u`, starting from `start`; `values` in the layout of [`Rows::values`].
    #[inline(always)]
    pub(crate) fn column_sums(&self, values: &[f64], u: usize, start: f64, sums: &mut [f64]) {
        sums[..self.n_cols].fill(start);
        for r in 0..self.n_rows {
            for e in 0..self.k {
                sums[self.column(r, e)] += values[(r * self.k + e) * self.width + u];
            }
        }
    }

    /// Sets lane `u` to `counts` divided by `sums`, their column sums.
    #[inline(always)]
    pub(crate) fn set_lane(&mut self, counts: &[f64], u: usize, sums: &[f64]) {
        for r in 0..self.n_rows {
            for e in 0..self.k {
                let i = (r * self.k + e) * self.width + u;
                self.values[i] = counts[i] / sums[self.column(r, e)];
            }
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        8 * (self.values.capacity() + self.floor.capacity() + self.reach.capacity())
            + 4 * self.index.capacity()
    }
}

#[cfg(test)]
mod tests;
