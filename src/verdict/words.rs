//! How are ratios, bytes and durations written in a sentence?

use crate::record::Effect;

/// A ratio of at least 1 as a factor: `1.04 times`, `1.4 times`, `12 times`.
///
/// Two digits that differ from 1 are never rounded away: below 1.1 there are two decimals.
pub fn times(ratio: f64) -> String {
    let decimals = match ratio {
        r if r < 1.095 => 2,
        r if r < 9.95 => 1,
        _ => 0,
    };
    format!("{ratio:.decimals$} times")
}

/// A ratio with its interval: `100 [95, 105] times`, `1.40 [1.31, 1.50] times`.
pub fn times_with_interval(effect: &Effect) -> String {
    let decimals = match effect.ratio {
        r if r < 9.95 => 2,
        r if r < 99.5 => 1,
        _ => 0,
    };
    let number = |value: f64| format!("{value:.decimals$}");
    format!(
        "{} [{}, {}] times",
        number(effect.ratio),
        number(effect.low),
        number(effect.high)
    )
}

/// A ratio with its interval: `1.23 [1.11, 1.37]`.
pub fn ratio(effect: &Effect) -> String {
    format!(
        "{:.2} [{:.2}, {:.2}]",
        effect.ratio, effect.low, effect.high
    )
}

/// Bytes with three digits in powers of 1024: `512 B`, `205 KiB`, `1.20 MiB`. Page sizes, stacks
/// and limits of the kernel are powers of 1024, so these are too. The sign is dropped.
pub fn bytes(count: f64) -> String {
    let mut value = count.abs();
    let mut unit = "B";
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 999.5 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    if unit == "B" {
        return format!("{value:.0} B");
    }
    format!("{} {unit}", three_digits(value))
}

/// A duration of at least 0 in seconds with two or three digits: `15 µs`, `12 ms`, `1.20 s`,
/// `25 min`, `3.5 h`.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 999.5e-6 => format!("{:.0} µs", s * 1e6),
        s if s < 0.9995 => format!("{:.0} ms", s * 1e3),
        s if s < 119.5 => format!("{} s", three_digits(s)),
        s if s < 119.5 * 60.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// A time of nanoseconds to seconds with three digits, in microseconds: `0.42 µs`, `15.0 µs`.
pub fn micros(ns: f64) -> String {
    format!("{} µs", three_digits(ns / 1e3))
}

/// A time of nanoseconds to minutes with three digits: `0.42 µs`, `1.20 ms`, `2.05 s`.
pub fn time(ns: f64) -> String {
    match ns {
        ns if ns < 999.5e3 => micros(ns),
        ns if ns < 999.5e6 => format!("{} ms", three_digits(ns / 1e6)),
        ns => format!("{} s", three_digits(ns / 1e9)),
    }
}

/// A message's size, exactly: `64 B`, `1 KiB`, `1 MiB`, `1000 B`.
pub fn payload(bytes: usize) -> String {
    match bytes {
        b if b > 0 && b.is_multiple_of(1 << 20) => format!("{} MiB", b >> 20),
        b if b > 0 && b.is_multiple_of(1 << 10) => format!("{} KiB", b >> 10),
        b => format!("{b} B"),
    }
}

/// `1 agent`, `4 agents`.
pub fn agents(count: usize) -> String {
    match count {
        1 => "1 agent".to_owned(),
        _ => format!("{count} agents"),
    }
}

/// Numbers as a list: `8`, `8 and 16`, `2, 8 and 16`.
pub fn list<T: ToString>(items: &[T]) -> String {
    let words: Vec<String> = items.iter().map(T::to_string).collect();
    match words.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

fn three_digits(value: f64) -> String {
    let decimals = match value {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_factor_keeps_the_digits_that_differ_from_one() {
        assert_eq!(times(1.04), "1.04 times");
        assert_eq!(times(1.4), "1.4 times");
        assert_eq!(times(12.3), "12 times");
    }

    #[test]
    fn bytes_are_powers_of_1024() {
        assert_eq!(bytes(512.0), "512 B");
        assert_eq!(bytes(1000.0), "0.98 KiB");
        assert_eq!(bytes(-209_715.2), "205 KiB");
        assert_eq!(bytes(1_258_291.0), "1.20 MiB");
        assert_eq!(bytes(3.0 * 1024.0_f64.powi(3)), "3.00 GiB");
    }

    #[test]
    fn durations_use_the_unit_that_reads() {
        assert_eq!(duration(0.000_015), "15 µs");
        assert_eq!(duration(0.0123), "12 ms");
        assert_eq!(duration(1.2), "1.20 s");
        assert_eq!(duration(1500.0), "25 min");
        assert_eq!(duration(12_600.0), "3.5 h");
    }

    #[test]
    fn messages_have_times_in_microseconds_and_exact_sizes() {
        assert_eq!(micros(420.0), "0.42 µs");
        assert_eq!(micros(15_030.0), "15.0 µs");
        assert_eq!(payload(64), "64 B");
        assert_eq!(payload(1 << 10), "1 KiB");
        assert_eq!(payload(1000), "1000 B");
        assert_eq!(payload(1 << 20), "1 MiB");
    }

    #[test]
    fn lists_end_with_and() {
        assert_eq!(list::<usize>(&[]), "");
        assert_eq!(list(&[8]), "8");
        assert_eq!(list(&[2, 8, 16]), "2, 8 and 16");
    }
}
