//! How does a run stand against claims and thresholds?

use super::check_file::{Check, Subject};
use super::words;
use crate::metric::Metric;
use crate::record::checks::{CheckAnswer, CheckKind, CheckOutcome};
use crate::record::{Estimate, Run};
use crate::stats::{Place, level, places, ratio};

/// Unit of a ratio.
const RATIO: &str = "ratio";

/// Holds claims and thresholds against a concluded run. Each line is answered once for every place that
/// it is about (agent counts, deployments, bodies), or once as not measured.
///
/// The whole 95 % interval has to lie within the bounds for *confirmed* and *pass*, and wholly outside
/// for *refuted* and *fail*. A withheld run settles nothing: what would be settled is *inconclusive*,
/// or a *warning*. `measured` are the numbers of findings that lines can be about.
#[must_use]
pub fn judge_checks(run: &Run, checks: &[Check], measured: &[Measured]) -> Vec<CheckAnswer> {
    let judge = |check| judge(run, check, measured);
    checks.iter().flat_map(judge).collect()
}

/// A number of a finding, at one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Its name, as lines have it.
    pub quantity: &'static str,
    /// What it is of, in words.
    pub place: String,
    /// What was measured, or why nothing was.
    pub measured: Result<Estimate, String>,
    /// Set where the measured part is not the whole.
    pub missing: Option<String>,
}

/// One thing that a line is about, and what was measured of it.
struct Case {
    /// What was looked at, in words: `coordination, 8 agents, threads`.
    place: String,
    unit: &'static str,
    /// What was measured, or why nothing was.
    measured: Result<Estimate, String>,
    /// Set where the measured part is not the whole.
    missing: Option<String>,
}

fn judge(run: &Run, check: &Check, measured: &[Measured]) -> Vec<CheckAnswer> {
    let cases = match &check.subject {
        Subject::Level { metric, deployment } => levels(run, check, *metric, deployment.as_deref()),
        Subject::Ratio { metric, of, to } => ratios(run, check, *metric, of, to),
        Subject::Finding { quantity } => of_findings(measured, quantity),
    };
    if cases.is_empty() {
        let case = Case {
            place: place_words(check),
            unit: unit(check),
            measured: Err("this run has no such cell".to_owned()),
            missing: None,
        };
        return vec![answer(run, check, case)];
    }
    cases
        .into_iter()
        .map(|case| answer(run, check, case))
        .collect()
}

fn unit(check: &Check) -> &'static str {
    match check.subject {
        Subject::Level { metric, .. } => metric.unit(),
        Subject::Ratio { .. } | Subject::Finding { .. } => RATIO,
    }
}

fn place_words(check: &Check) -> String {
    match check.agents {
        Some(agents) => format!("{}, {}", check.workload, words::agents(agents)),
        None => check.workload.clone(),
    }
}

fn is_asked(check: &Check, place: &Place<'_>) -> bool {
    check.agents.is_none_or(|n| n == place.agents)
}

fn levels(run: &Run, check: &Check, metric: Metric, deployment: Option<&str>) -> Vec<Case> {
    let is_meant =
        |p: &Place<'_>| is_asked(check, p) && deployment.is_none_or(|d| d == p.deployment);
    let found = places(run, &check.workload, metric);
    let case = |p: &Place<'_>| Case {
        place: format!(
            "{}, {}, {}",
            p.workload,
            words::agents(p.agents),
            p.deployment
        ),
        unit: metric.unit(),
        measured: level(run, p, metric),
        missing: None,
    };
    found.iter().filter(|p| is_meant(p)).map(case).collect()
}

fn ratios(run: &Run, check: &Check, metric: Metric, of: &str, to: &str) -> Vec<Case> {
    let found = places(run, &check.workload, metric);
    let both = |of_place: &Place<'_>| {
        let to_place = found
            .iter()
            .find(|p| p.deployment == to && p.agents == of_place.agents)?;
        Some(Case {
            place: format!(
                "{}, {}, {} of {of} / {to}",
                of_place.workload,
                words::agents(of_place.agents),
                metric.name()
            ),
            unit: RATIO,
            measured: ratio(run, of_place, to_place, metric),
            missing: None,
        })
    };
    let meant = found
        .iter()
        .filter(|p| p.deployment == of && is_asked(check, p));
    meant.filter_map(both).collect()
}

fn of_findings(measured: &[Measured], quantity: &str) -> Vec<Case> {
    let own = measured.iter().filter(|m| m.quantity == quantity);
    let case = |m: &Measured| Case {
        place: m.place.clone(),
        unit: RATIO,
        measured: m.measured.clone(),
        missing: m.missing.clone(),
    };
    own.map(case).collect()
}

/// Where an interval lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lies {
    Within,
    Outside,
    Across,
}

fn lies(e: &Estimate, check: &Check) -> Lies {
    let least = check.at_least.unwrap_or(f64::NEG_INFINITY);
    let most = check.at_most.unwrap_or(f64::INFINITY);
    match () {
        () if e.low >= least && e.high <= most => Lies::Within,
        () if e.high < least || e.low > most => Lies::Outside,
        () => Lies::Across,
    }
}

fn answer(run: &Run, check: &Check, case: Case) -> CheckAnswer {
    let lies = case.measured.as_ref().ok().map(|e| lies(e, check));
    // Nothing is settled by a run that could not tell, and a part does not prove the whole.
    let lies = match lies {
        Some(_) if run.withheld.is_some() => Some(Lies::Across),
        Some(Lies::Within) if case.missing.is_some() => Some(Lies::Across),
        other => other,
    };
    let outcome = match (check.kind, lies) {
        (_, None) => CheckOutcome::NotMeasured,
        (CheckKind::Claim, Some(Lies::Within)) => CheckOutcome::Confirmed,
        (CheckKind::Claim, Some(Lies::Outside)) => CheckOutcome::Refuted,
        (CheckKind::Claim, Some(Lies::Across)) => CheckOutcome::Inconclusive,
        (CheckKind::Threshold, Some(Lies::Within)) => CheckOutcome::Pass,
        (CheckKind::Threshold, Some(Lies::Outside)) => CheckOutcome::Fail,
        (CheckKind::Threshold, Some(Lies::Across)) => CheckOutcome::Warn,
    };
    let bounds = bounds(check, case.unit);
    let asked = format!("{}: {bounds}", case.place);
    let verb = match check.kind {
        CheckKind::Claim => "claimed",
        CheckKind::Threshold => "asked for",
    };
    let measured = match &case.measured {
        Ok(e) => format!("measured {}", with_unit(e, case.unit)),
        Err(why) => format!("not measured: {why}"),
    };
    let missing = case
        .missing
        .map_or_else(String::new, |m| format!(" (not measured: {m})"));
    let sentence = format!(
        "{}: {measured}{missing}, {verb} {bounds} ({})",
        check.name, case.place
    );
    CheckAnswer {
        kind: check.kind,
        name: check.name.clone(),
        asked,
        measured: case.measured.ok(),
        unit: case.unit.to_owned(),
        outcome,
        sentence,
    }
}

/// `at least 2 times`, `3 to 5 times`, `at most 100 ms`.
fn bounds(check: &Check, unit: &str) -> String {
    let unit = match unit {
        RATIO => "times",
        other => other,
    };
    match (check.at_least, check.at_most) {
        (Some(least), Some(most)) => format!("{least} to {most} {unit}"),
        (Some(least), None) => format!("at least {least} {unit}"),
        (None, Some(most)) => format!("at most {most} {unit}"),
        (None, None) => "nothing".to_owned(),
    }
}

/// `2.13 [2.01, 2.25] times`: digits enough to tell the ends from the value.
fn with_unit(e: &Estimate, unit: &str) -> String {
    let unit = match unit {
        RATIO => "times",
        other => other,
    };
    let decimals = match e.value.abs() {
        v if v < 0.1 => 4,
        v if v < 10.0 => 2,
        v if v < 100.0 => 1,
        _ => 0,
    };
    let number = |v: f64| format!("{v:.decimals$}");
    format!(
        "{} [{}, {}] {unit}",
        number(e.value),
        number(e.low),
        number(e.high)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(at_least: Option<f64>, at_most: Option<f64>) -> Check {
        Check {
            kind: CheckKind::Claim,
            name: "a".to_owned(),
            workload: "exploration".to_owned(),
            agents: None,
            subject: Subject::Finding {
                quantity: "times json",
            },
            at_least,
            at_most,
        }
    }

    #[test]
    fn bounds_belong_to_what_they_bound() {
        let of = |low, high, check: &Check| {
            let value = (low + high) / 2.0;
            lies(&Estimate { value, low, high }, check)
        };
        let both = check(Some(3.0), Some(5.0));
        assert!(of(3.0, 5.0, &both) == Lies::Within);
        assert!(of(2.9, 4.0, &both) == Lies::Across);
        assert!(of(4.0, 5.1, &both) == Lies::Across);
        assert!(of(1.0, 2.9, &both) == Lies::Outside);
        assert!(of(5.1, 6.0, &both) == Lies::Outside);
        assert!(of(1.0, 9.0, &both) == Lies::Across);
        assert!(of(f64::NAN, f64::NAN, &both) == Lies::Across);
        assert!(of(7.0, 9.0, &check(Some(3.0), None)) == Lies::Within);
        assert!(of(1.0, 2.0, &check(None, Some(5.0))) == Lies::Within);
    }

    #[test]
    fn bounds_and_numbers_read() {
        assert_eq!(bounds(&check(Some(2.0), None), RATIO), "at least 2 times");
        assert_eq!(
            bounds(&check(Some(3.0), Some(5.5)), RATIO),
            "3 to 5.5 times"
        );
        assert_eq!(bounds(&check(None, Some(100.0)), "ms"), "at most 100 ms");
        let e = |value: f64| Estimate {
            value,
            low: value * 0.9,
            high: value * 1.1,
        };
        assert_eq!(with_unit(&e(2.0), RATIO), "2.00 [1.80, 2.20] times");
        assert_eq!(with_unit(&e(0.05), "ms"), "0.0500 [0.0450, 0.0550] ms");
        assert_eq!(with_unit(&e(50.0), "ms"), "50.0 [45.0, 55.0] ms");
        assert_eq!(with_unit(&e(5000.0), "op/s"), "5000 [4500, 5500] op/s");
    }
}
