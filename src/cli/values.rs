//! What does a person write for agent counts, a time, a share?

use std::time::Duration;

/// A change up to which something counts as unchanged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// What may change.
    pub of: Tolerated,
    /// By how much, a share.
    pub share: f64,
}

/// What has a tolerance of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerated {
    /// Op/s and ratios.
    Throughput,
    /// Service times.
    Latency,
    /// Setup.
    Setup,
    /// Memory per agent.
    Memory,
}

/// Agent counts, ascending and distinct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentCounts(pub Vec<usize>);

/// Largest agent count: beyond it a run answers no question of this tool.
const MOST_AGENTS: usize = 10_000;

/// `1..32` doubles and ends with 32; `1,5,10,30` is a list.
pub(super) fn agent_counts(text: &str) -> Result<AgentCounts, String> {
    let number = |t: &str| match t.trim().parse::<usize>() {
        Ok(n) if (1..=MOST_AGENTS).contains(&n) => Ok(n),
        Ok(n) => Err(format!("{n} is not between 1 and {MOST_AGENTS}")),
        Err(_) => Err(format!(
            "\"{t}\" is no number of agents; write 1..32 or 1,5,10,30"
        )),
    };
    let mut counts = Vec::new();
    for part in text.split(',') {
        let Some((from, to)) = part.split_once("..") else {
            counts.push(number(part)?);
            continue;
        };
        let (from, to) = (number(from)?, number(to)?);
        if from > to {
            return Err(format!("{from}..{to} is empty; write {to}..{from}"));
        }
        let doubled = std::iter::successors(Some(from), |&n| (2 * n < to).then_some(2 * n));
        counts.extend(doubled.chain([to]));
    }
    counts.sort_unstable();
    counts.dedup();
    Ok(AgentCounts(counts))
}

/// An even number of pairs: both orders as often.
pub(super) fn pairs(text: &str) -> Result<usize, String> {
    match text.trim().parse::<usize>() {
        Ok(n) if (6..=100).contains(&n) && n % 2 == 0 => Ok(n),
        Ok(n) => Err(format!("{n} is not an even number between 6 and 100")),
        Err(_) => Err(format!("\"{text}\" is no number of pairs; write 8")),
    }
}

/// `90s`, `5m`, `1h 30m`; a bare number is seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let parsed = match text.trim().parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            humantime::parse_duration(text).map_err(|e| format!("{e}; write 30s, 5m or 1h"))?
        }
    };
    if parsed < Duration::from_secs(1) || parsed > Duration::from_secs(86_400) {
        return Err(format!("{text} is not between 1s and 24h"));
    }
    Ok(parsed)
}

/// What a switch is set to by the environment.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "" | "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("write 1, true, yes or on, or else 0, false, no, off or nothing".to_owned()),
    }
}

/// `setup=10%`.
pub(super) fn tolerance(text: &str) -> Result<Tolerance, String> {
    let names = [
        ("throughput", Tolerated::Throughput),
        ("latency", Tolerated::Latency),
        ("setup", Tolerated::Setup),
        ("memory", Tolerated::Memory),
    ];
    let (name, size) = text
        .split_once('=')
        .ok_or_else(|| format!("\"{text}\" is not NAME=SHARE; write setup=10%"))?;
    let of = names
        .into_iter()
        .find(|(known, _)| *known == name.trim())
        .map(|(_, of)| of)
        .ok_or_else(|| {
            format!("\"{name}\" has no tolerance; there are throughput, latency, setup and memory")
        })?;
    let share = margin(size)?;
    Ok(Tolerance { of, share })
}

/// `3%` or `0.03`.
pub(super) fn margin(text: &str) -> Result<f64, String> {
    let (digits, scale) = match text.trim().strip_suffix('%') {
        Some(digits) => (digits, 0.01),
        None => (text.trim(), 1.0),
    };
    let value: f64 = digits
        .trim()
        .parse()
        .map_err(|_| format!("\"{text}\" is no margin; write 3% or 0.03"))?;
    let share = value * scale;
    if !(0.001..=0.5).contains(&share) {
        return Err(format!("{text} is not between 0.1% and 50%"));
    }
    Ok(share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use crate::verdict::{Gate, Tolerances};
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn ranges_double_and_lists_are_kept() {
        let counts = |t| agent_counts(t).map(|c| c.0);
        assert_eq!(counts("1..32").unwrap(), [1, 2, 4, 8, 16, 32]);
        assert_eq!(counts("1..30").unwrap(), [1, 2, 4, 8, 16, 30]);
        assert_eq!(counts("3..3").unwrap(), [3]);
        assert_eq!(counts("30,1,5,5").unwrap(), [1, 5, 30]);
        for bad in ["", "0", "1..", "8..2", "x", "1,,2", "20000"] {
            assert!(counts(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_tolerance_has_a_name_and_a_share() {
        let setup = Tolerance {
            of: Tolerated::Setup,
            share: 0.2,
        };
        assert_eq!(tolerance("setup=20%"), Ok(setup));
        assert_eq!(tolerance(" setup = 0.2 "), Ok(setup));
        for bad in [
            "",
            "setup",
            "speed=3%",
            "setup=",
            "setup=0",
            "setup=90%",
            "=3%",
        ] {
            assert!(tolerance(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_asked_for_keeps_its_tolerance() {
        let cli = Cli::parse_from(
            ["forkscope", "compare", "a", "b", "--tolerance"]
                .into_iter()
                .chain(["memory=5%,throughput=2%"]),
        );
        let Command::Compare(asked) = cli.command else {
            panic!("it is a comparison");
        };
        let expected = Tolerances {
            memory: 0.05,
            throughput: 0.02,
            ..Tolerances::default()
        };
        assert_eq!(asked.tolerances(), expected);
        assert_eq!((expected.latency, expected.setup), (0.15, 0.10));
    }

    #[test]
    fn gates_are_repeated_or_separated_by_semicolons() {
        let gates = |arguments: &[&str]| {
            let cli = Cli::try_parse_from(["forkscope", "quick"].iter().chain(arguments));
            match cli.map(|c| c.command) {
                Ok(Command::Quick { common }) => {
                    let written = common.held.fail_if.iter().map(Gate::to_string);
                    Ok(written.collect::<Vec<String>>())
                }
                Ok(_) => panic!("it is quick"),
                Err(e) => Err(e.to_string()),
            }
        };
        let (a, b) = (
            "exploration@8: processes < 0.9",
            "coordination@2: processes p99 > 3",
        );
        let both = Ok(vec![a.to_owned(), b.to_owned()]);
        assert_eq!(gates(&["--fail-if", a, "--fail-if", b]), both);
        assert_eq!(gates(&["--fail-if", &format!("{a};{b}")]), both);
        let said = gates(&["--fail-if", "coordination: processes < 1"]).unwrap_err();
        assert!(said.contains("is not WORKLOAD@AGENTS"), "{said}");
    }

    #[test]
    fn a_switch_is_on_or_off_and_never_maybe() {
        for on in ["1", "true", "YES", " on "] {
            assert_eq!(switch(on), Ok(true), "{on}");
        }
        for off in ["", "0", "False", "no", "off"] {
            assert_eq!(switch(off), Ok(false), "{off}");
        }
        for bad in ["maybe", "nonsense", "junk", "2", "y"] {
            assert!(switch(bad).is_err(), "{bad}");
        }
        // Typed, it needs no value.
        let cli = Cli::parse_from(["forkscope", "quick", "--strict"]);
        let Command::Quick { common } = cli.command else {
            panic!("it is quick");
        };
        assert!(common.strict);
    }

    #[test]
    fn times_and_margins_have_units() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(margin("3%"), Ok(0.03));
        assert_eq!(margin("0.05"), Ok(0.05));
        for bad in ["", "s", "5x", "0", "2d", "-3s", "10ms"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        for bad in ["", "%", "0", "90%", "nan", "-1%"] {
            assert!(margin(bad).is_err(), "{bad}");
        }
    }
}
