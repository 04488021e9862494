//! How are numbers written in a table? With three digits that count, and the unit once.

use crate::record::{Effect, Estimate};

/// A thing that was not measured, in a table.
pub const NOTHING: &str = "–";

/// A rate or a count: `912`, `12.3 k`, `1.24 M`; what is no number was not measured.
pub fn count(value: f64) -> String {
    if !value.is_finite() {
        return NOTHING.to_owned();
    }
    let (scale, unit) = match value.abs() {
        v if v < 999.5 => (1.0, ""),
        v if v < 999.5e3 => (1e3, " k"),
        v if v < 999.5e6 => (1e6, " M"),
        _ => (1e9, " G"),
    };
    let scaled = value / scale;
    match unit.is_empty() && scaled.fract() == 0.0 {
        true => format!("{scaled:.0}"),
        false => format!("{scaled:.*}{unit}", decimals(scaled)),
    }
}

/// Nanoseconds as microseconds with three digits, without the unit: `0.85`, `12.4`, `1240`.
pub fn micros(ns: f64) -> String {
    let us = ns / 1e3;
    format!("{us:.*}", decimals(us))
}

/// `1.420 [1.380, 1.460]`: always three decimals, because a margin of 3 % is decided in the third.
pub fn ratio(effect: &Effect) -> String {
    let Effect {
        ratio, low, high, ..
    } = effect;
    format!("{ratio:.3} [{low:.3}, {high:.3}]")
}

/// Bytes with their interval in one unit, powers of 1024: `102 [98, 106] KiB`.
pub fn bytes(estimate: &Estimate) -> String {
    let units = [
        (1.0, "B"),
        (1024.0, "KiB"),
        (1024.0 * 1024.0, "MiB"),
        (1024.0 * 1024.0 * 1024.0, "GiB"),
    ];
    with_interval(estimate, &units)
}

/// Nanoseconds with their interval in one unit: `1.23 [1.10, 1.36] µs`.
pub fn time(estimate_ns: &Estimate) -> String {
    with_interval(
        estimate_ns,
        &[(1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")],
    )
}

/// A factor with its interval: `9.12 [8.90, 9.34]`, `1.47 [1.10, 1.84] k`.
pub fn factor(estimate: &Estimate) -> String {
    let text = with_interval(estimate, &[(1.0, ""), (1e3, "k"), (1e6, "M")]);
    text.trim_end().to_owned()
}

/// Seconds with three digits: `459 µs`, `4.10 ms`, `1.20 s`.
pub fn seconds(value: f64) -> String {
    let (scale, unit) = match value.abs() {
        v if v < 999.5e-6 => (1e-6, "µs"),
        v if v < 0.9995 => (1e-3, "ms"),
        _ => (1.0, "s"),
    };
    let scaled = value / scale;
    format!("{scaled:.*} {unit}", decimals(scaled))
}

/// A share as percent with at most one decimal, without the unit: `3`, `0.6`.
pub fn percent(share: f64) -> String {
    trimmed(format!("{:.1}", share * 100.0))
}

/// A number without decimals that say nothing: `2`, `1.5`.
pub fn trimmed(number: String) -> String {
    number
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

/// A share as percent without decimals: `9 %`, and never `-0 %`.
pub fn whole_percent(share: f64) -> String {
    format!("{} %", plain_zero(format!("{:.0}", share * 100.0)))
}

/// A share with its interval: `21 [19, 23] %`.
pub fn share(estimate: &Estimate) -> String {
    let Estimate { value, low, high } = estimate;
    let percent = |share: f64| plain_zero(format!("{:.0}", share * 100.0));
    format!(
        "{} [{}, {}] %",
        percent(*value),
        percent(*low),
        percent(*high)
    )
}

/// `units` ascending; the value chooses unit and decimals, so that the interval can be compared
/// with it at a glance. A value of nothing is written in its interval's unit.
fn with_interval(estimate: &Estimate, units: &[(f64, &str)]) -> String {
    let Estimate { value, low, high } = *estimate;
    let size = match value.abs() {
        v if v >= 1.0 => v,
        _ => low.abs().max(high.abs()),
    };
    let (scale, unit) = units
        .iter()
        .rev()
        .find(|(scale, _)| size >= 0.9995 * scale)
        .unwrap_or(&units[0]);
    let places = decimals(size / scale);
    let number = |v: f64| plain_zero(format!("{:.places$}", v / scale));
    format!(
        "{} [{}, {}] {unit}",
        number(value),
        number(low),
        number(high)
    )
}

/// Decimals that give three digits.
fn decimals(value: f64) -> usize {
    match value.abs() {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    }
}

/// `-0.00` is `0.00`.
fn plain_zero(number: String) -> String {
    match number.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest.to_owned(),
        _ => number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(value: f64, half: f64) -> Estimate {
        Estimate {
            value,
            low: value - half,
            high: value + half,
        }
    }

    #[test]
    fn counts_have_three_digits() {
        assert_eq!(count(0.0), "0");
        assert_eq!(count(912.0), "912");
        assert_eq!(count(12.5), "12.5");
        assert_eq!(count(12_345.0), "12.3 k");
        assert_eq!(count(999_600.0), "1.00 M");
        assert_eq!(count(1_240_000.0), "1.24 M");
    }

    #[test]
    fn an_interval_shares_the_unit_of_its_value() {
        assert_eq!(bytes(&around(104_448.0, 4096.0)), "102 [98, 106] KiB");
        assert_eq!(bytes(&around(5.0e6, 0.3e6)), "4.77 [4.48, 5.05] MiB");
        assert_eq!(time(&around(1234.0, 130.0)), "1.23 [1.10, 1.36] µs");
        assert_eq!(time(&around(0.2, 40.0)), "0.2 [-39.8, 40.2] ns");
        assert_eq!(factor(&around(9.12, 0.22)), "9.12 [8.90, 9.34]");
        assert_eq!(factor(&around(1470.0, 370.0)), "1.47 [1.10, 1.84] k");
        assert_eq!(share(&around(0.21, 0.02)), "21 [19, 23] %");
        assert_eq!(share(&around(-0.001, 0.02)), "0 [-2, 2] %");
        assert_eq!(whole_percent(-0.004), "0 %");
        assert_eq!(whole_percent(0.086), "9 %");
        assert_eq!(percent(1.0), "100");
        assert_eq!(percent(0.006), "0.6");
    }

    #[test]
    fn microseconds_have_three_digits() {
        assert_eq!(micros(850.0), "0.85");
        assert_eq!(micros(12_400.0), "12.4");
        assert_eq!(micros(1_240_000.0), "1240");
    }
}
