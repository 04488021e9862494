//! From a TOML file to typed parameters: errors name file, line and field.

use super::{Entry, REGISTRY, find};
use crate::input::{self, shown};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// The name that stands for all probes of the kernel.
pub const ALL_PROBES: &str = "probes";

/// The text of a workload file, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SpecSource {
    /// Name in tables and records: of a built-in workload, or the file's stem.
    pub name: String,
    /// Shown in errors: the file's path, or `workloads/NAME.toml (built in)`.
    pub origin: String,
    /// The TOML text.
    pub text: String,
}

/// Why a workload file was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {message}", shown(.origin), line.map_or(String::new(), |l| format!(":{l}")))]
pub struct SpecError {
    /// File, as in [`SpecSource::origin`].
    pub origin: String,
    /// Line, from 1, where one is at fault.
    pub line: Option<usize>,
    /// The field, what is wrong with it, and what would be right.
    pub message: String,
}

/// A value that the file's syntax allows and its meaning does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Path of the field: `world.slip`.
    pub field: &'static str,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// Every workload file says which code it parametrises.
#[derive(Deserialize)]
struct Head {
    workload: String,
}

impl SpecSource {
    /// The built-in parameters of a registered workload.
    #[must_use]
    pub fn built_in(entry: &Entry) -> SpecSource {
        SpecSource {
            name: entry.name.to_owned(),
            origin: format!("workloads/{}.toml (built in)", entry.name),
            text: entry.default_toml.to_owned(),
        }
    }

    /// What `-w` names, with [`ALL_PROBES`] taken apart into the names of the probes, in the order of
    /// the registry.
    #[must_use]
    pub fn expand(named: &[String]) -> Vec<String> {
        let probes = || {
            let all = REGISTRY.iter().filter(|e| e.is_of_kernel());
            all.map(|e| e.name.to_owned()).collect()
        };
        let expand = |name: &String| match name.as_str() {
            ALL_PROBES => probes(),
            _ => vec![name.clone()],
        };
        named.iter().flat_map(expand).collect()
    }

    /// What `-w` names: a registered workload, or the path of a file (it ends in `.toml` or holds a
    /// slash).
    ///
    /// # Errors
    /// [`SpecError`] when there is no such workload, or the file cannot be read.
    pub fn open(name_or_path: &str) -> Result<SpecSource, SpecError> {
        if let Some(entry) = find(name_or_path) {
            return Ok(SpecSource::built_in(entry));
        }
        let fail = |message: String| SpecError {
            origin: name_or_path.to_owned(),
            line: None,
            message,
        };
        let path = Path::new(name_or_path);
        if !name_or_path.contains('/') && path.extension().is_none_or(|e| e != "toml") {
            return Err(fail(format!(
                "no such workload; there are {}; {ALL_PROBES} stands for all of the last; or give the path of a .toml file",
                names().join(", ")
            )));
        }
        let text = input::parameters(path).map_err(|e| fail(e.to_string()))?;
        let name = path.file_stem().map_or_else(
            || name_or_path.to_owned(),
            |s| s.to_string_lossy().into_owned(),
        );
        if let Some(c) = name.chars().find(|&c| is_no_part_of_a_name(c)) {
            return Err(fail(format!(
                "the name of a workload has no '{}', which lists of workloads and gates could not tell from their own; rename the file",
                c.escape_default()
            )));
        }
        Ok(SpecSource {
            name,
            origin: name_or_path.to_owned(),
            text,
        })
    }

    /// The registry's line for the workload that the file names.
    ///
    /// # Errors
    /// [`SpecError`] when the file is not TOML, or does not name a registered workload.
    pub fn entry(&self) -> Result<&'static Entry, SpecError> {
        let head: Head = toml::from_str(&self.text).map_err(|e| self.syntax(&e))?;
        find(&head.workload).ok_or_else(|| {
            self.field(&FieldError {
                field: "workload",
                message: format!(
                    "\"{}\" is not a workload; there are {}",
                    shown(&head.workload),
                    names().join(", ")
                ),
            })
        })
    }

    /// Parses the text as `T`, which denies unknown fields.
    ///
    /// # Errors
    /// [`SpecError`] with line and field.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, SpecError> {
        toml::from_str(&self.text).map_err(|e| self.syntax(&e))
    }

    /// The parameters as data: what a record holds of them.
    #[must_use]
    pub fn parameters(&self) -> serde_json::Value {
        toml::from_str(&self.text).unwrap_or_default()
    }

    /// An error of syntax, key or type.
    fn syntax(&self, error: &toml::de::Error) -> SpecError {
        let line = error.span().map(|s| line_at(&self.text, s.start));
        // The parser's message says what, not always which field: the line that it points at does.
        let at_fault = line
            .and_then(|l| self.text.lines().nth(l - 1))
            .map(str::trim)
            .filter(|l| !l.is_empty());
        let message = shown(&error.message().replace('\n', ", "));
        let message = match at_fault {
            Some(text) => format!("{message}, in `{}`", shown(text)),
            None => message,
        };
        SpecError {
            origin: self.origin.clone(),
            line,
            message,
        }
    }

    /// An error of meaning, at the line of its field.
    #[must_use]
    pub fn field(&self, error: &FieldError) -> SpecError {
        SpecError {
            origin: self.origin.clone(),
            line: line_of(&self.text, error.field),
            message: format!("{}: {}", error.field, error.message),
        }
    }

    /// An error at a byte of the text.
    #[must_use]
    pub fn at(&self, offset: usize, message: &str) -> SpecError {
        SpecError {
            origin: self.origin.clone(),
            line: Some(line_at(&self.text, offset)),
            message: message.to_owned(),
        }
    }

    /// An error that no single field is guilty of.
    #[must_use]
    pub fn whole(&self, message: &str) -> SpecError {
        SpecError {
            origin: self.origin.clone(),
            line: None,
            message: message.to_owned(),
        }
    }
}

/// `WORKLOAD,WORKLOAD`, and `WORKLOAD@AGENTS: CONDITION; …`.
fn is_no_part_of_a_name(c: char) -> bool {
    matches!(c, ',' | ';' | ':' | '@') || c.is_control()
}

fn names() -> Vec<&'static str> {
    super::all().iter().map(|e| e.name).collect()
}

/// Line, from 1, of a byte offset.
fn line_at(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())]
        .iter()
        .filter(|&&b| b == b'\n')
        .count()
        + 1
}

/// Line of `table.key` (or of a top-level `key`), by the parser's own spans; the table's line, or
/// none, where the key is left to its default.
fn line_of(text: &str, field: &str) -> Option<usize> {
    let parsed = toml::de::DeTable::parse(text).ok()?;
    let mut table = parsed.get_ref();
    let mut line = None;
    for part in field.split('.') {
        let (key, value) = table.iter().find(|(k, _)| k.get_ref() == part)?;
        line = Some(line_at(text, key.span().start));
        match value.get_ref() {
            toml::de::DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    line
}

/// Refuses values of the table `[agent]` with which nobody can plan. `most_steps` is how far ahead
/// this workload's model may look before its policies are too many.
///
/// # Errors
/// [`FieldError`] naming the value and the range.
pub fn check_planning(
    preferences: &[f64],
    gamma: f64,
    alpha: f64,
    policy_len: usize,
    most_steps: usize,
) -> Result<(), FieldError> {
    for &preference in preferences {
        within("agent.preferences", preference, -100.0..=100.0)?;
    }
    within("agent.gamma", gamma, 0.0..=1e6)?;
    within("agent.alpha", alpha, 0.0..=1e6)?;
    within("agent.policy_len", policy_len, 1..=most_steps)?;
    Ok(())
}

/// Refuses what is not in `range`.
///
/// # Errors
/// [`FieldError`] naming the value and the range.
pub fn within<T: PartialOrd + std::fmt::Display>(
    field: &'static str,
    value: T,
    range: std::ops::RangeInclusive<T>,
) -> Result<T, FieldError> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(FieldError {
        field,
        message: format!(
            "{value} is not between {} and {}",
            range.start(),
            range.end()
        ),
    })
}
