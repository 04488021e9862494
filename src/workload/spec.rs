//! Which workload does a name or a file stand for, and what of its parameters makes no sense?

use super::{Entry, REGISTRY, find};
pub use crate::input::source::{FieldError, SpecError, SpecSource, within};
use crate::input::{self, shown};
use serde::Deserialize;
use std::path::Path;

/// The name that stands for all probes of the kernel.
pub const ALL_PROBES: &str = "probes";

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
        let head: Head = self.parse()?;
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
}

/// `WORKLOAD,WORKLOAD`, and `WORKLOAD@AGENTS: CONDITION; …`.
fn is_no_part_of_a_name(c: char) -> bool {
    matches!(c, ',' | ';' | ':' | '@') || c.is_control()
}

fn names() -> Vec<&'static str> {
    super::all().iter().map(|e| e.name).collect()
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
