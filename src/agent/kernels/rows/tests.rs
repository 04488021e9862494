//! Do the kernels equal naive loops, in every form, at every level, at every alignment?

use super::super::{Level, Task, dispatch};
use super::*;

/// Which form a test matrix is to take.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Dense,
    Sparse,
    Floor,
}

fn value(form: Form, r: usize, c: usize, u: usize) -> f64 {
    let x = ((r * 31 + c * 17 + u * 7) % 97) as f64 / 97.0;
    // Two entries a row, in different columns for neighbouring rows.
    let kept = c == (r * 5) % 61 || c == (r * 3 + 7) % 61;
    match form {
        Form::Dense => 0.1 + x,
        _ if kept => 0.5 + x,
        Form::Sparse => 0.0,
        Form::Floor => 0.25,
    }
}

/// Everything the kernels compute of one matrix, row by row.
struct Everything<'a> {
    rows: &'a Rows,
    q: &'a [f64],
    x: &'a [f64],
    active: &'a Columns,
}

impl Task for Everything<'_> {
    /// `lanes_times` from each first lane, `times_lanes`; one and four rows at a time.
    type Out = (Vec<f64>, Vec<f64>);
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Out {
        let Everything { rows, q, x, active } = self;
        let (mut lanes, mut times) = (Vec::new(), Vec::new());
        for first in (0..rows.width).step_by(LANES) {
            let low = rows.lanes_floor(s, q, first);
            for r in 0..rows.n_rows {
                let [one] = rows.lanes_times::<S, 1>(s, &rows.values, (r, first), q, active, low);
                if r + 4 <= rows.n_rows {
                    let four =
                        rows.lanes_times::<S, 4>(s, &rows.values, (r, first), q, active, low);
                    assert_eq!(s.array(four[0]), s.array(one));
                }
                lanes.extend_from_slice(&s.array(one)[..(rows.width - first).min(LANES)]);
            }
        }
        if rows.width == 1 {
            let low = rows.floor_times_lanes(s, x, active);
            for r in 0..rows.n_rows {
                let [one] = rows.times_lanes::<S, 1>(s, &rows.values, r, x, active, low);
                if r + 4 <= rows.n_rows {
                    let four = rows.times_lanes::<S, 4>(s, &rows.values, r, x, active, low);
                    assert_eq!(s.array(four[0]), s.array(one));
                }
                times.extend_from_slice(&s.array(one));
            }
        }
        (lanes, times)
    }
}

/// Each form, size and level against a naive loop, with vectors at every alignment.
#[test]
fn kernels_equal_naive_loops_in_every_form_at_every_level() {
    for form in [Form::Dense, Form::Sparse, Form::Floor] {
        for n_cols in 1..=70 {
            for (n_rows, width) in [(1, 1), (3, 5), (9, 1), (66, 1), (13, 8), (6, 11)] {
                check(form, n_rows, n_cols, width, n_cols % 9);
            }
        }
    }
}

fn check(form: Form, n_rows: usize, n_cols: usize, width: usize, offset: usize) {
    let rows = Rows::new(
        (n_rows, n_cols, width),
        |r, c, u| value(form, r, c, u),
        |r, marks| {
            (0..n_cols)
                .filter(|&c| (0..width).any(|u| value(form, r, c, u) > 0.0))
                .for_each(|c| marks.mark(c));
        },
        true,
        false,
    );
    if n_cols >= 61 && n_rows > 3 {
        let got = (rows.is_sparse(), rows.has_floor());
        assert_eq!(
            got,
            (form != Form::Dense, form == Form::Floor),
            "{form:?} {n_rows}x{n_cols}"
        );
    }
    let array = rows.to_array(&rows.values, true);
    for ((r, c, u), got) in array.indexed_iter() {
        assert!((got - value(form, r, c, u)).abs() < 1e-15);
    }
    // Some columns are zero and inactive; the buffers end exactly where they must.
    let mut q = vec![f64::NAN; offset];
    q.extend((0..n_cols).map(|c| {
        if c % 3 == 1 {
            0.0
        } else {
            0.1 + c as f64 / 70.0
        }
    }));
    let q = &q[offset..];
    let mut x = vec![f64::NAN; offset];
    x.extend((0..n_cols * LANES).map(|i| {
        if i / LANES % 3 == 1 {
            0.0
        } else {
            (i * 13 % 29) as f64
        }
    }));
    let x = &x[offset..];
    let mut active = Columns::with_capacity(n_cols);
    active.reset(n_cols);
    (0..n_cols)
        .filter(|c| c % 3 != 1)
        .for_each(|c| active.push(c));
    for level in Level::all() {
        let (lanes, times) = dispatch(
            level,
            Everything {
                rows: &rows,
                q,
                x,
                active: &active,
            },
        );
        let mut got = lanes.into_iter();
        for first in (0..width).step_by(LANES) {
            for r in 0..n_rows {
                for u in first..width.min(first + LANES) {
                    let want: f64 = (0..n_cols).map(|c| value(form, r, c, u) * q[c]).sum();
                    let got = got.next().expect("a value per row and lane");
                    assert!(
                        (got - want).abs() < 1e-12,
                        "{} {form:?} {n_rows}x{n_cols}x{width}",
                        level.name()
                    );
                }
            }
        }
        for (i, got) in times.into_iter().enumerate() {
            let (r, lane) = (i / LANES, i % LANES);
            let want: f64 = (0..n_cols)
                .map(|c| value(form, r, c, 0) * x[c * LANES + lane])
                .sum();
            assert!(
                (got - want).abs() < 1e-10,
                "{} {form:?} {n_rows}x{n_cols}",
                level.name()
            );
        }
    }
    for u in 0..width {
        let mut out = vec![0.0; n_rows];
        rows.lane_times(u, q, &mut out);
        for (r, got) in out.into_iter().enumerate() {
            let want: f64 = (0..n_cols).map(|c| value(form, r, c, u) * q[c]).sum();
            assert!((got - want).abs() < 1e-12);
        }
    }
    if rows.has_reach() {
        for c in 0..n_cols {
            let mut set = vec![0; rows.words];
            rows.add_reach(c, &mut set);
            for r in 0..n_rows {
                let reached = set[r / 64] >> (r % 64) & 1 == 1;
                assert_eq!(reached, (0..width).any(|u| value(form, r, c, u) > 0.0));
            }
        }
    }
}

#[test]
#[should_panic(expected = "c < self.limit")]
fn a_column_past_the_limit_is_refused() {
    let mut columns = Columns::with_capacity(2);
    columns.reset(2);
    columns.push(2);
}
