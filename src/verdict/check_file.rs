//! What does a file of claims or of thresholds ask? Errors name file, line and field.

use crate::input::{
    self,
    source::{SpecError, SpecSource},
};
use crate::metric::Metric;
use crate::record::Form;
use crate::record::checks::CheckKind;
use serde::Deserialize;
use std::path::Path;
use toml::Spanned;

/// The thresholds that every run is held against where no others are given.
const THRESHOLDS: &str = include_str!("../../workloads/checks/thresholds.toml");

/// The published claims.
const CLAIMS: &str = include_str!("../../workloads/checks/claims.toml");

/// What stands for the published claims on the command line.
pub const PUBLISHED: &str = "published";

/// One line of a file: what is asked of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What kind of line it is.
    pub kind: CheckKind,
    /// Its name: unique in its file.
    pub name: String,
    /// Name of the workload, as in [`crate::record::Arm::workload`].
    pub workload: String,
    /// Number of agents; `None`: every count that was measured.
    pub agents: Option<usize>,
    /// What is asked about.
    pub subject: Subject,
    /// At least so much, in the metric's unit; of a ratio, without one.
    pub at_least: Option<f64>,
    /// At most so much.
    pub at_most: Option<f64>,
}

/// What a line is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// A metric of one deployment, or, where it names none, of each that was measured.
    Level {
        /// The metric.
        metric: Metric,
        /// Label of the deployment.
        deployment: Option<String>,
    },
    /// One deployment / another.
    Ratio {
        /// The metric.
        metric: Metric,
        /// Label of what is divided.
        of: String,
        /// Label of what it is divided by.
        to: String,
    },
    /// A number of a study's finding, by its name; a ratio.
    Finding {
        /// Its name.
        quantity: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    #[serde(default)]
    claim: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Thresholds {
    #[serde(default)]
    threshold: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: Spanned<String>,
    workload: Spanned<String>,
    agents: Option<Spanned<i64>>,
    metric: Spanned<String>,
    ratio: Option<Spanned<String>>,
    deployment: Option<Spanned<String>>,
    at_least: Option<Spanned<f64>>,
    at_most: Option<Spanned<f64>>,
}

/// Numbers of findings that lines can be about: the name of each, and the workload that it is of.
type Quantities<'a> = &'a [(&'static str, &'static str)];

/// The thresholds of a file, or the built-in ones.
///
/// # Errors
/// [`SpecError`] with file, line and field.
pub fn thresholds(path: Option<&str>, quantities: Quantities<'_>) -> Result<Vec<Check>, SpecError> {
    let source = match path {
        Some(path) => read(path)?,
        None => built_in("thresholds", THRESHOLDS),
    };
    let file: Thresholds = source.parse()?;
    all(&source, CheckKind::Threshold, file.threshold, quantities)
}

/// The claims of a file, or, by the name [`PUBLISHED`], the published ones.
///
/// # Errors
/// [`SpecError`] with file, line and field.
pub fn claims_of(path: &str, quantities: Quantities<'_>) -> Result<Vec<Check>, SpecError> {
    let source = match path {
        PUBLISHED => built_in("claims", CLAIMS),
        path => read(path)?,
    };
    let file: Claims = source.parse()?;
    all(&source, CheckKind::Claim, file.claim, quantities)
}

fn built_in(name: &str, text: &str) -> SpecSource {
    SpecSource {
        name: name.to_owned(),
        origin: format!("workloads/checks/{name}.toml (built in)"),
        text: text.to_owned(),
    }
}

fn read(path: &str) -> Result<SpecSource, SpecError> {
    let text = input::parameters(Path::new(path)).map_err(|e| SpecError {
        origin: path.to_owned(),
        line: None,
        message: e.to_string(),
    })?;
    Ok(SpecSource {
        name: path.to_owned(),
        origin: path.to_owned(),
        text,
    })
}

fn all(
    source: &SpecSource,
    kind: CheckKind,
    lines: Vec<Line>,
    quantities: Quantities<'_>,
) -> Result<Vec<Check>, SpecError> {
    let mut checks: Vec<Check> = Vec::new();
    for line in lines {
        if checks.iter().any(|c| c.name == *line.name.get_ref()) {
            let why = format!("name: \"{}\" is there twice", line.name.get_ref());
            return Err(at(source, &line.name, &why));
        }
        checks.push(check(source, kind, &line, quantities)?);
    }
    Ok(checks)
}

fn check(
    source: &SpecSource,
    kind: CheckKind,
    line: &Line,
    quantities: Quantities<'_>,
) -> Result<Check, SpecError> {
    for (field, text) in [("name", &line.name), ("workload", &line.workload)] {
        if text.get_ref().trim().is_empty() {
            return Err(at(source, text, &format!("{field}: is empty")));
        }
    }
    let agents = match &line.agents {
        None => None,
        Some(n) => Some(
            usize::try_from(*n.get_ref())
                .ok()
                .filter(|&n| n > 0)
                .ok_or_else(|| {
                    let why = format!("agents: {} is not at least 1", n.get_ref());
                    at(source, n, &why)
                })?,
        ),
    };
    for (field, bound) in [("at_least", &line.at_least), ("at_most", &line.at_most)] {
        if let Some(bound) = bound
            && !(bound.get_ref().is_finite() && *bound.get_ref() > 0.0)
        {
            let why = format!("{field}: {} is not above 0", bound.get_ref());
            return Err(at(source, bound, &why));
        }
    }
    let at_least = line.at_least.as_ref().map(|b| *b.get_ref());
    let at_most = line.at_most.as_ref().map(|b| *b.get_ref());
    match (at_least, at_most, &line.at_most) {
        (None, None, _) => {
            let why = format!(
                "\"{}\" asks nothing; give at_least, at_most or both",
                line.name.get_ref()
            );
            return Err(at(source, &line.name, &why));
        }
        (Some(least), Some(most), Some(field)) if least > most => {
            let why = format!("at_most: {most} is below at_least, which is {least}");
            return Err(at(source, field, &why));
        }
        _ => {}
    }
    Ok(Check {
        kind,
        name: line.name.get_ref().clone(),
        workload: line.workload.get_ref().clone(),
        agents,
        subject: subject(source, kind, line, quantities)?,
        at_least,
        at_most,
    })
}

fn subject(
    source: &SpecSource,
    kind: CheckKind,
    line: &Line,
    quantities: Quantities<'_>,
) -> Result<Subject, SpecError> {
    let word = line.metric.get_ref().as_str();
    if let Some(&(quantity, workload)) = quantities.iter().find(|(name, _)| *name == word) {
        let is_alone = line.ratio.is_none() && line.deployment.is_none() && line.agents.is_none();
        if line.workload.get_ref() != workload || !is_alone {
            let why = format!(
                "metric: \"{quantity}\" is of the workload \"{workload}\" alone, without agents, ratio or deployment"
            );
            return Err(at(source, &line.metric, &why));
        }
        return Ok(Subject::Finding { quantity });
    }
    let metric = Metric::find(word).ok_or_else(|| {
        let of_findings = quantities
            .iter()
            .map(|(name, workload)| format!(", and {name} of {workload}"));
        let why = format!(
            "metric: \"{word}\" is none; there are {}{}",
            Metric::words(),
            of_findings.collect::<String>()
        );
        at(source, &line.metric, &why)
    })?;
    let label = |field: &Spanned<String>, name: &str, text: &str| -> Result<String, SpecError> {
        let form: Form = text
            .trim()
            .parse()
            .map_err(|e| at(source, field, &format!("{name}: {e}")))?;
        Ok(form.to_string())
    };
    match (&line.ratio, &line.deployment) {
        (Some(ratio), Some(_)) => Err(at(
            source,
            ratio,
            "ratio: and deployment exclude each other; give one of them",
        )),
        (Some(ratio), None) => {
            let Some((of, to)) = ratio.get_ref().split_once('/') else {
                let why = format!(
                    "ratio: \"{}\" is not of the form \"threads/processes\"",
                    ratio.get_ref()
                );
                return Err(at(source, ratio, &why));
            };
            let (of, to) = (label(ratio, "ratio", of)?, label(ratio, "ratio", to)?);
            if of == to {
                let why = format!("ratio: {of} / {to} is 1 whatever is measured");
                return Err(at(source, ratio, &why));
            }
            Ok(Subject::Ratio { metric, of, to })
        }
        (None, Some(deployment)) => Ok(Subject::Level {
            metric,
            deployment: Some(label(deployment, "deployment", deployment.get_ref())?),
        }),
        (None, None) if kind == CheckKind::Claim => {
            let why = format!(
                "\"{}\" is about nothing; give ratio = \"threads/processes\", or deployment = \"threads\"",
                line.name.get_ref()
            );
            Err(at(source, &line.name, &why))
        }
        (None, None) => Ok(Subject::Level {
            metric,
            deployment: None,
        }),
    }
}

fn at<T>(source: &SpecSource, field: &Spanned<T>, message: &str) -> SpecError {
    source.at(field.span().start, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> SpecSource {
        SpecSource {
            name: "mine".to_owned(),
            origin: "mine.toml".to_owned(),
            text: text.to_owned(),
        }
    }

    fn claims(text: &str) -> Result<Vec<Check>, SpecError> {
        let source = source(text);
        let file: Claims = source.parse()?;
        all(&source, CheckKind::Claim, file.claim, QUANTITIES)
    }

    const QUANTITIES: Quantities<'static> = &[("times json", "serialize")];

    const GOOD: &str = r#"# A comment.
[[claim]]
name = "threads twice at one agent"
workload = "exploration"
agents = 1
metric = "op/s"
ratio = "threads/processes"
at_least = 2

[[claim]]
name = "three to five times the memory"
workload = "exploration"
metric = "memory"
ratio = "processes/threads"
at_least = 3.0
at_most = 5.0
"#;

    #[test]
    fn what_ships_with_the_program_is_read() {
        let floors = thresholds(None, QUANTITIES).unwrap();
        assert!(floors.iter().all(|c| c.kind == CheckKind::Threshold));
        assert!(
            floors
                .iter()
                .any(|c| matches!(c.subject, Subject::Finding { .. }))
        );
        let published = claims_of(PUBLISHED, QUANTITIES).unwrap();
        assert!(published.iter().all(|c| c.kind == CheckKind::Claim));
        assert!(!published.is_empty() && !floors.is_empty());
    }

    #[test]
    fn a_claim_has_a_subject_and_bounds() {
        let [twice, memory] = claims(GOOD).unwrap().try_into().unwrap();
        assert_eq!(
            (twice.agents, twice.at_least, twice.at_most),
            (Some(1), Some(2.0), None)
        );
        assert_eq!(
            twice.subject,
            Subject::Ratio {
                metric: Metric::OPS_PER_S,
                of: "threads".to_owned(),
                to: "processes".to_owned()
            }
        );
        assert_eq!((memory.agents, memory.at_most), (None, Some(5.0)));
    }

    #[test]
    fn a_level_names_one_deployment_and_a_threshold_may_name_none() {
        let one = GOOD.replace(
            "ratio = \"threads/processes\"",
            "deployment = \"processes:2x4\"",
        );
        let [level, _] = claims(&one).unwrap().try_into().unwrap();
        let metric = Metric::OPS_PER_S;
        assert_eq!(
            level.subject,
            Subject::Level {
                metric,
                deployment: Some("processes:2x4".to_owned())
            }
        );
        let none =
            "[[threshold]]\nname = \"a\"\nworkload = \"b\"\nmetric = \"op/s\"\nat_least = 1\n";
        let source = source(none);
        let file: Thresholds = source.parse().unwrap();
        let [each] = all(&source, CheckKind::Threshold, file.threshold, QUANTITIES)
            .unwrap()
            .try_into()
            .unwrap();
        assert_eq!(
            each.subject,
            Subject::Level {
                metric,
                deployment: None
            }
        );
    }

    #[test]
    fn a_file_without_lines_asks_nothing() {
        assert_eq!(claims(""), Ok(Vec::new()));
    }

    #[test]
    fn every_mistake_is_named_with_file_line_and_field() {
        for (from, to, line, words) in [
            ("agents = 1", "agent = 1", 5, "agent"),
            ("agents = 1", "agents = \"one\"", 5, "agents = \"one\""),
            ("agents = 1", "agents = 0", 5, "agents: 0 is not at least 1"),
            ("agents = 1", "agents = -3", 5, "agents: -3"),
            (
                "\"op/s\"",
                "\"speed\"",
                6,
                "metric: \"speed\" is none; there are op/s",
            ),
            (
                "\"op/s\"",
                "\"times json\"",
                6,
                "of the workload \"serialize\" alone",
            ),
            (
                "threads/processes",
                "threads",
                7,
                "ratio: \"threads\" is not of the form",
            ),
            (
                "threads/processes",
                "threads/fibers",
                7,
                "ratio: \"fibers\" is not a deployment",
            ),
            (
                "threads/processes",
                "threads/threads",
                7,
                "ratio: threads / threads is 1",
            ),
            (
                "at_least = 2\n",
                "at_least = 0\n",
                8,
                "at_least: 0 is not above 0",
            ),
            ("at_least = 2\n", "at_least = inf\n", 8, "at_least: inf"),
            ("at_least = 2\n", "at_least = \"x\"\n", 8, "at_least"),
            ("at_least = 2\n", "\n", 3, "asks nothing; give at_least"),
            (
                "at_most = 5.0",
                "at_most = 2.5",
                16,
                "at_most: 2.5 is below at_least, which is 3",
            ),
            ("at_most = 5.0", "at_most = nan", 16, "at_most: NaN"),
            (
                "\"three to five times the memory\"",
                "\"threads twice at one agent\"",
                11,
                "is there twice",
            ),
            (
                "\"threads twice at one agent\"",
                "\" \"",
                3,
                "name: is empty",
            ),
            (
                "workload = \"exploration\"\nagents",
                "workload = \"\"\nagents",
                4,
                "workload: is empty",
            ),
            (
                "ratio = \"threads/processes\"",
                "",
                3,
                "is about nothing; give ratio",
            ),
            (
                "at_least = 2\n",
                "at_least = 2\ndeployment = \"threads\"\n",
                7,
                "exclude each other",
            ),
            (
                "ratio = \"threads/processes\"",
                "deployment = \"fibers\"",
                7,
                "deployment: \"fibers\"",
            ),
            (
                "[[claim]]\nname = \"threads",
                "[[claims]]\nname = \"threads",
                2,
                "claims",
            ),
            ("# A comment.", "claim", 1, ""),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let error = claims(&GOOD.replacen(from, to, 1)).expect_err(to);
            let said = error.to_string();
            assert!(
                said.starts_with(&format!("mine.toml:{line}: ")),
                "{to}: {said}"
            );
            assert!(said.contains(words), "{to}: {said}");
        }
    }

    #[test]
    fn a_missing_field_and_a_missing_file_are_named() {
        let said = claims(&GOOD.replace("metric = \"op/s\"\n", ""))
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("mine.toml:2") && said.contains("`metric`"),
            "{said}"
        );
        let said = claims_of("nowhere.toml", QUANTITIES)
            .unwrap_err()
            .to_string();
        assert!(said.starts_with("nowhere.toml: cannot be read"), "{said}");
        let said = thresholds(Some("nowhere.toml"), QUANTITIES)
            .unwrap_err()
            .to_string();
        assert!(said.starts_with("nowhere.toml: cannot be read"), "{said}");
    }
}
