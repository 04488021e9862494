//! How do values become places on a plane with two labelled axes?

use super::svg::{Anchor, Drawing, text_width};
use crate::document::chart::{Spread, Unit};
use crate::document::numbers;

/// A range of values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// How values are spread.
    pub spread: Spread,
    /// The lowest value.
    pub low: f64,
    /// The highest.
    pub high: f64,
}

impl Range {
    /// The range that holds all of `values`, with a margin of `share` of it on both sides; `None`
    /// where there is no value to show. A single value stands in the middle.
    pub fn of(spread: Spread, values: impl IntoIterator<Item = f64>, share: f64) -> Option<Self> {
        let is_shown = |v: &f64| v.is_finite() && (spread == Spread::Even || *v > 0.0);
        let values: Vec<f64> = values.into_iter().filter(is_shown).collect();
        let low = values.iter().copied().min_by(f64::total_cmp)?;
        let high = values.iter().copied().max_by(f64::total_cmp)?;
        Some(match spread {
            Spread::Even => {
                let more = match high - low {
                    width if width > 0.0 => width * share,
                    _ => (high.abs() * 0.5).max(0.5),
                };
                Self {
                    spread,
                    low: low - more,
                    high: high + more,
                }
            }
            Spread::Factors => {
                let more = match (high / low).ln() {
                    width if width > 0.0 => (width * share).exp(),
                    _ => 1.5,
                };
                Self {
                    spread,
                    low: (low / more).max(f64::MIN_POSITIVE),
                    high: (high * more).min(f64::MAX),
                }
            }
        })
    }

    /// From 0 to the highest of `values`, with some air above.
    pub fn from_zero(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let high = Self::of(Spread::Even, values, 0.0)?.high;
        Some(Self {
            spread: Spread::Even,
            low: 0.0,
            high: if high > 0.0 { high * 1.08 } else { 1.0 },
        })
    }

    /// Where a value lies: 0 at the low end, 1 at the high end.
    pub fn place(&self, value: f64) -> f64 {
        match self.spread {
            Spread::Even => (value - self.low) / (self.high - self.low),
            Spread::Factors => (value / self.low).ln() / (self.high / self.low).ln(),
        }
    }

    /// Round values inside the range, about as many as asked for.
    pub fn ticks(&self, about: usize) -> Vec<f64> {
        let is_wide = self.high / self.low > 5.0;
        match self.spread {
            Spread::Factors if is_wide => self.tick_factors(about),
            _ => self.tick_steps(about),
        }
    }

    fn tick_steps(&self, about: usize) -> Vec<f64> {
        let rough = (self.high - self.low) / about.max(1) as f64;
        if !(rough.is_finite() && rough > 0.0) {
            return Vec::new();
        }
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .into_iter()
            .map(|s| s * power)
            .find(|s| *s >= rough * 0.999)
            .unwrap_or(10.0 * power);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        (first..=last).map(|n| n as f64 * step).collect()
    }

    fn tick_factors(&self, about: usize) -> Vec<f64> {
        if !(self.low > 0.0 && self.high.is_finite()) {
            return Vec::new();
        }
        let from = self.low.log10().floor() as i32;
        let to = self.high.log10().ceil() as i32;
        let of = |digits: &[f64]| -> Vec<f64> {
            (from..=to)
                .flat_map(|power| digits.iter().map(move |d| d * 10_f64.powi(power)))
                .filter(|v| *v >= self.low * 0.999 && *v <= self.high * 1.001)
                .collect()
        };
        let digits: [&[f64]; 3] = [
            &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
            &[1.0, 2.0, 5.0],
            &[1.0, 3.0],
        ];
        let fits = |ticks: &Vec<f64>| ticks.len() <= about + 2;
        if let Some(fine) = digits.map(of).into_iter().find(fits) {
            return fine;
        }
        let whole = of(&[1.0]);
        let every = whole.len().div_ceil(about + 1).max(1);
        whole.into_iter().step_by(every).collect()
    }
}

/// An axis: a range, its labelled values, and what they are.
pub struct Axis {
    /// The range.
    pub range: Range,
    /// Values with their labels, ascending.
    pub ticks: Vec<(f64, String)>,
    /// What the values are, with the unit.
    pub title: String,
}

/// Pixels between the edge of a picture and its plane.
pub const EDGE: f64 = 10.0;

/// A plane with two axes on a drawing.
pub struct Plane {
    /// From left to right.
    pub x: Range,
    /// From bottom to top.
    pub y: Range,
    /// Its edges, pixels.
    pub left: f64,
    /// See `left`.
    pub right: f64,
    /// See `left`.
    pub top: f64,
    /// See `left`.
    pub bottom: f64,
}

impl Plane {
    /// Lines and labels of the upright axis.
    pub fn upright(&self, drawing: &mut Drawing, axis: &Axis) {
        for (value, label) in &axis.ticks {
            let at = self.y(*value);
            drawing.line("grid", &[(self.left, at), (self.right, at)]);
            let place = (self.left - 6.0, at + 4.0);
            drawing.text("tick", Anchor::End, place, label.clone());
        }
    }

    /// Line and labels of the axis below, with its title.
    pub fn level_axis(&self, drawing: &mut Drawing, axis: &Axis) {
        let (left, right, bottom) = (self.left, self.right, self.bottom);
        drawing.line("axis", &[(left, bottom), (right, bottom)]);
        let mut free_from = 0.0;
        for (value, label) in &axis.ticks {
            let at = self.x(*value);
            drawing.line("axis", &[(at, bottom), (at, bottom + 4.0)]);
            let half = text_width(label) / 2.0;
            // A label that would run into the one before is left out; its stroke stays.
            if at - half >= free_from && at + half <= right + 2.0 * EDGE {
                let place = (at, bottom + 17.0);
                drawing.text("tick", Anchor::Middle, place, label.clone());
                free_from = at + half + 6.0;
            }
        }
        let place = (right, bottom + 34.0);
        drawing.text("title", Anchor::End, place, axis.title.clone());
    }

    /// Pixels from the left.
    pub fn x(&self, value: f64) -> f64 {
        self.left + self.x.place(value) * (self.right - self.left)
    }

    /// Pixels from the top, within the plane: what lies beyond stands at its edge.
    pub fn y(&self, value: f64) -> f64 {
        self.bottom - self.y.place(value).clamp(0.0, 1.0) * (self.bottom - self.top)
    }

    /// Whether a value lies above (1) or below (-1) the plane, or on it (0).
    pub fn beyond(&self, value: f64) -> i8 {
        match self.y.place(value) {
            p if p > 1.0 => 1,
            p if p < 0.0 => -1,
            _ => 0,
        }
    }

    /// A point of the plane.
    pub fn point(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.x(x), self.y(y))
    }
}

/// Values with their labels.
pub fn labelled(unit: Unit, ticks: Vec<f64>) -> Vec<(f64, String)> {
    let write: fn(f64) -> String = match unit {
        Unit::Plain => return plain(ticks),
        Unit::Count => numbers::count,
        Unit::Percent => |v| format!("{:.0} %", v * 100.0),
        Unit::Seconds => numbers::seconds,
        Unit::Nanoseconds => round_time,
    };
    ticks.into_iter().map(|v| (v, write(v))).collect()
}

/// A round time at an axis: `50 µs`, `1.5 ms`.
fn round_time(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 999.5e3 => (ns / 1e3, "µs"),
        ns if ns < 999.5e6 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    format!("{} {unit}", numbers::trimmed(format!("{value:.2}")))
}

/// Labels of values that share their number of decimals.
fn plain(ticks: Vec<f64>) -> Vec<(f64, String)> {
    let is_whole = |places: usize| {
        let scale = 10_f64.powi(places as i32);
        let whole = |v: &f64| ((v * scale).round() - v * scale).abs() < 1e-6 * scale.max(1.0);
        ticks.iter().all(whole)
    };
    let places = (0..4).find(|p| is_whole(*p)).unwrap_or(4);
    ticks
        .into_iter()
        .map(|v| {
            let text = format!("{v:.places$}");
            (
                v,
                if text.starts_with("-0") && v.abs() < 1e-9 {
                    text[1..].to_owned()
                } else {
                    text
                },
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_places_by_difference_or_by_factor() {
        let even = Range::of(Spread::Even, [10.0, 20.0], 0.0).unwrap();
        assert!((even.place(15.0) - 0.5).abs() < 1e-12);
        let factors = Range::of(Spread::Factors, [1.0, 16.0, -3.0], 0.0).unwrap();
        assert!((factors.place(4.0) - 0.5).abs() < 1e-12);
        assert_eq!(Range::of(Spread::Factors, [0.0, f64::NAN], 0.1), None);
        assert!(Range::of(Spread::Even, [7.0], 0.1).unwrap().place(7.0) == 0.5);
    }

    #[test]
    fn ticks_are_round_and_lie_inside() {
        let of = |spread, low, high| Range { spread, low, high }.ticks(5);
        assert_eq!(
            of(Spread::Even, 0.0, 1000.0),
            [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0]
        );
        assert_eq!(of(Spread::Factors, 0.3, 12.0), [0.5, 1.0, 2.0, 5.0, 10.0]);
        assert_eq!(of(Spread::Factors, 1.0, 1e9).len(), 5);
        let near_one = of(Spread::Factors, 0.85, 1.18);
        assert!(near_one.len() >= 3 && near_one.len() <= 6, "{near_one:?}");
    }

    #[test]
    fn labels_share_their_decimals() {
        let labels = |ticks: &[f64]| -> Vec<String> {
            plain(ticks.to_vec()).into_iter().map(|t| t.1).collect()
        };
        assert_eq!(labels(&[0.5, 1.0]), ["0.5", "1.0"]);
        assert_eq!(labels(&[0.95, 1.0]), ["0.95", "1.00"]);
        assert_eq!(labels(&[1.0, 2.0]), ["1", "2"]);
    }

    #[test]
    fn times_have_the_unit_that_keeps_them_short() {
        assert_eq!(round_time(500.0), "0.5 µs");
        assert_eq!(round_time(50e3), "50 µs");
        assert_eq!(round_time(1.5e6), "1.5 ms");
        assert_eq!(round_time(2e9), "2 s");
    }
}
